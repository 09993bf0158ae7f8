package supabase

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"
)

// object is a file in a bucket.
type object struct {
	ID      string    `json:"id"`
	Content []byte    `json:"content"`
	Type    string    `json:"type"`
	Cache   string    `json:"cache"`
	Changed time.Time `json:"changed"`
}

// updateBucket changes what is given of a bucket; its files stay as they are.
func (s *Sim) updateBucket(r *http.Request) answer {
	var in struct {
		Public *bool    `json:"public"`
		Limit  *int64   `json:"file_size_limit"`
		Types  []string `json:"allowed_mime_types"`
	}
	if err := decode(r, &in, false); err != nil {
		return storageFailed(http.StatusBadRequest, "Error", "InvalidRequest", "body must be object")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p, refusal, allowed := s.service(r)
	if !allowed {
		return refusal
	}
	b := p.bucket(r.PathValue("id"))
	if b == nil {
		return noBucket()
	}
	if in.Public != nil {
		b.Public = *in.Public
	}
	if in.Limit != nil {
		b.Limit = in.Limit
	}
	if in.Types != nil {
		b.Types = in.Types
	}
	return ok(map[string]any{"message": "Successfully updated"})
}

func noBucket() answer {
	return storageFailed(http.StatusNotFound, "Bucket not found", "NoSuchBucket", "Bucket not found")
}

// uploadObject stores a file, in the place of one that is there if the request says so.
func (s *Sim) uploadObject(r *http.Request) answer {
	content, err := io.ReadAll(r.Body)
	if err != nil {
		return tooLargeObject()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p, refusal, allowed := s.service(r)
	if !allowed {
		return refusal
	}
	b := p.bucket(r.PathValue("bucket"))
	if b == nil {
		return noBucket()
	}
	path, kind := r.PathValue("path"), r.Header.Get("Content-Type")
	switch there := b.Objects[path]; {
	case path == "":
		return storageFailed(http.StatusBadRequest, "InvalidKey", "InvalidKey", "Invalid key: "+path)
	case b.Limit != nil && int64(len(content)) > *b.Limit:
		return tooLargeObject()
	case !b.takes(kind):
		return storageFailed(http.StatusUnsupportedMediaType, "invalid_mime_type", "InvalidMimeType", "mime type "+kind+" is not supported")
	case there != nil && r.Header.Get("X-Upsert") != "true":
		return storageFailed(http.StatusConflict, "Duplicate", "KeyAlreadyExists", "The resource already exists")
	}
	if b.Objects == nil {
		b.Objects = map[string]*object{}
	}
	b.Objects[path] = &object{ID: newUUID(s.random("object", p.Ref, b.ID, path)), Content: content, Type: kind,
		Cache: r.Header.Get("Cache-Control"), Changed: s.options.Clock.Now()}
	return ok(map[string]any{"Key": b.ID + "/" + path, "Id": b.Objects[path].ID})
}

func tooLargeObject() answer {
	return storageFailed(http.StatusRequestEntityTooLarge, "Payload too large", "EntityTooLarge", "The object exceeded the maximum allowed size")
}

// takes reports whether a bucket takes files of a type; one without a list takes any.
func (b *bucket) takes(kind string) bool {
	media, _, err := mime.ParseMediaType(kind)
	return len(b.Types) == 0 || err == nil && slices.ContainsFunc(b.Types, func(t string) bool {
		group, any := strings.CutSuffix(t, "/*")
		return t == media || any && strings.HasPrefix(media, group+"/")
	})
}

// public routes an operation of a project's own endpoint that asks for no key.
func (s *Sim) public(pattern, operation, service string, h func(w http.ResponseWriter, r *http.Request)) {
	s.router.Handle(pattern, operation, func(w http.ResponseWriter, r *http.Request) {
		if !s.pause(r, operation) {
			return
		}
		s.mu.Lock()
		p := s.find(r.PathValue("ref"))
		down := p != nil && !p.healthy(service, s.options.Clock.Now())
		s.mu.Unlock()
		switch {
		case p == nil:
			failed(originDNS, "The project's host name can't be resolved").write(w)
		case down:
			failed(http.StatusServiceUnavailable, "name resolution failed").write(w)
		default:
			h(w, r)
		}
	})
}

// publicObject serves a file of a public bucket to anybody, a page of any origin included.
func (s *Sim) publicObject(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	o, refusal := s.readable(r)
	if o == nil {
		refusal.write(w)
		return
	}
	sum := sha256.Sum256(o.Content)
	w.Header().Set("Content-Type", o.Type)
	w.Header().Set("Cache-Control", o.Cache)
	w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:16])+`"`)
	http.ServeContent(w, r, "", o.Changed, bytes.NewReader(o.Content))
}

func (s *Sim) readable(r *http.Request) (*object, answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.find(r.PathValue("ref"))
	if p == nil {
		return nil, failed(originDNS, "The project's host name can't be resolved")
	}
	b := p.bucket(r.PathValue("bucket"))
	if b == nil || !b.Public {
		return nil, noBucket()
	}
	if o := b.Objects[r.PathValue("path")]; o != nil {
		return o, answer{}
	}
	return nil, storageFailed(http.StatusNotFound, "not_found", "NoSuchKey", "Object not found")
}
