package supabase

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// bucket is a place for files in a project's Storage.
type bucket struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Public  bool      `json:"public"`
	Limit   *int64    `json:"limit"` // bytes
	Types   []string  `json:"types"`
	Created time.Time `json:"created"`
	// Objects are its files, by path.
	Objects map[string]*object `json:"objects,omitempty"`
}

func (b *bucket) shown() map[string]any {
	return map[string]any{
		"id": b.ID, "name": b.Name, "owner": "", "public": b.Public, "type": "STANDARD", "file_size_limit": b.Limit,
		"allowed_mime_types": b.Types, "created_at": stamp(b.Created), "updated_at": stamp(b.Created),
	}
}

// storageFailed is an error of the Storage API: HTTP 400 whatever it is, the real status as text in the body.
func storageFailed(status int, kind, code, text string) answer {
	return answer{status: http.StatusBadRequest, body: map[string]any{
		"statusCode": strconv.Itoa(status), "error": kind, "message": text, "code": code,
	}}
}

// service reports whether the caller has the service key, and gives the project. The mutex is held.
func (s *Sim) service(r *http.Request) (*project, answer, bool) {
	p := s.find(r.PathValue("ref"))
	if p == nil {
		return nil, failed(originDNS, "The project's host name can't be resolved"), false
	}
	bearer := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if bearer != p.Keys.Service && r.Header.Get("Apikey") != p.Keys.Secret {
		return nil, storageFailed(http.StatusForbidden, "Unauthorized", "AccessDenied",
			"new row violates row-level security policy"), false
	}
	return p, answer{}, true
}

func (s *Sim) createBucket(r *http.Request) answer {
	var in struct {
		ID     string   `json:"id"`
		Name   string   `json:"name"`
		Public bool     `json:"public"`
		Limit  *int64   `json:"file_size_limit"`
		Types  []string `json:"allowed_mime_types"`
	}
	if err := decode(r, &in, false); err != nil || in.Name == "" {
		return storageFailed(http.StatusBadRequest, "Error", "InvalidRequest", "body must have required property 'name'")
	}
	if in.ID == "" {
		in.ID = in.Name
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p, refusal, allowed := s.service(r)
	if !allowed {
		return refusal
	}
	if p.bucket(in.ID) != nil {
		return storageFailed(http.StatusConflict, "Duplicate", "BucketAlreadyExists", "The resource already exists")
	}
	p.Buckets = append(p.Buckets, &bucket{ID: in.ID, Name: in.Name, Public: in.Public, Limit: in.Limit, Types: in.Types, Created: s.options.Clock.Now()})
	return ok(map[string]any{"name": in.ID})
}

func (p *project) bucket(id string) *bucket {
	return first(p.Buckets, func(b *bucket) bool { return b.ID == id })
}

func (s *Sim) listBuckets(r *http.Request) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, refusal, allowed := s.service(r)
	if !allowed {
		return refusal
	}
	list := []map[string]any{}
	for _, b := range p.Buckets {
		list = append(list, b.shown())
	}
	return ok(list)
}

func (s *Sim) getBucket(r *http.Request) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, refusal, allowed := s.service(r)
	if !allowed {
		return refusal
	}
	b := p.bucket(r.PathValue("id"))
	if b == nil {
		return storageFailed(http.StatusNotFound, "Bucket not found", "NoSuchBucket", "Bucket not found")
	}
	return ok(b.shown())
}
