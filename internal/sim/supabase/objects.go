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
	path := r.PathValue("path")
	put := &object{Content: content, Type: r.Header.Get("Content-Type"), Cache: r.Header.Get("Cache-Control")}
	if refusal, refused := b.refuses(path, put.Type, int64(len(content)), r); refused {
		return refusal
	}
	s.put(p, b, path, put)
	return ok(map[string]any{"Key": b.ID + "/" + path, "Id": put.ID})
}

// refuses says why a bucket doesn't take a file.
func (b *bucket) refuses(path, kind string, bytes int64, r *http.Request) (answer, bool) {
	switch {
	case path == "":
		return storageFailed(http.StatusBadRequest, "InvalidKey", "InvalidKey", "Invalid key: "+path), true
	case b.Limit != nil && bytes > *b.Limit:
		return tooLargeObject(), true
	case !b.takes(kind):
		return storageFailed(http.StatusUnsupportedMediaType, "invalid_mime_type", "InvalidMimeType", "mime type "+kind+" is not supported"), true
	case b.Objects[path] != nil && r.Header.Get("X-Upsert") != "true":
		return storageFailed(http.StatusConflict, "Duplicate", "KeyAlreadyExists", "The resource already exists"), true
	}
	return answer{}, false
}

// put stores a file. The mutex is held.
func (s *Sim) put(p *project, b *bucket, path string, put *object) {
	if b.Objects == nil {
		b.Objects = map[string]*object{}
	}
	put.ID, put.Changed = newUUID(s.random("object", p.Ref, b.ID, path)), s.options.Clock.Now()
	b.Objects[path] = put
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
	o.serve(w, r)
}

// serve answers with a file, or with the part of it that a request asks for.
func (o *object) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", o.Type)
	w.Header().Set("Cache-Control", o.Cache)
	w.Header().Set("ETag", o.etag())
	http.ServeContent(w, r, "", o.Changed, bytes.NewReader(o.Content))
}

func (o *object) etag() string {
	sum := sha256.Sum256(o.Content)
	return `"` + hex.EncodeToString(sum[:16]) + `"`
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
