package supabase

import (
	"encoding/base64"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// listObjects lists a bucket's files by their whole paths, a page at a time. It knows no folders.
func (s *Sim) listObjects(r *http.Request) answer {
	var in struct {
		Prefix    string `json:"prefix"`
		Limit     *int   `json:"limit"`
		Cursor    string `json:"cursor"`
		Delimiter bool   `json:"with_delimiter"`
		SortBy    *struct {
			Column string `json:"column"`
			Order  string `json:"order"`
		} `json:"sortBy"`
	}
	const most = 1000
	err := decode(r, &in, true)
	after, err2 := base64.RawURLEncoding.DecodeString(in.Cursor)
	limit := most
	if in.Limit != nil {
		limit = min(*in.Limit, most)
	}
	if err != nil || err2 != nil || limit < 1 || in.Delimiter || in.SortBy != nil && (in.SortBy.Column != "name" || in.SortBy.Order == "desc") {
		return storageFailed(http.StatusBadRequest, "Error", "InvalidRequest", "the body is not one that this simulator understands")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p, refusal, allowed := s.service(r)
	if !allowed {
		return refusal
	}
	page, list := map[string]any{"hasNext": false, "folders": []any{}}, []map[string]any{}
	last := ""
	for _, path := range p.bucket(r.PathValue("bucket")).paths(in.Prefix, string(after)) {
		if len(list) == limit {
			page["hasNext"], page["nextCursor"] = true, base64.RawURLEncoding.EncodeToString([]byte(last))
			break
		}
		list, last = append(list, p.bucket(r.PathValue("bucket")).Objects[path].shown(path)), path
	}
	page["objects"] = list
	return ok(page)
}

// paths lists the files behind one, sorted; all if that is empty, and none of no bucket.
func (b *bucket) paths(prefix, after string) []string {
	if b == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(b.Objects)), func(path string) bool {
		return !strings.HasPrefix(path, prefix) || path <= after
	})
}

func (o *object) shown(path string) map[string]any {
	at := stamp(o.Changed)
	return map[string]any{
		"id": o.ID, "name": path, "updated_at": at, "created_at": at, "last_accessed_at": at,
		"metadata": map[string]any{
			"eTag": o.etag(), "size": len(o.Content), "mimetype": o.Type, "cacheControl": o.Cache, "lastModified": at,
			"contentLength": len(o.Content), "httpStatusCode": http.StatusOK,
		},
	}
}

// getObject serves a file of any bucket to who has the service key, or the secret one.
func (s *Sim) getObject(w http.ResponseWriter, r *http.Request) {
	o, refusal := s.held(r)
	if o == nil {
		refusal.write(w)
		return
	}
	o.serve(w, r)
}

func (s *Sim) held(r *http.Request) (*object, answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, refusal, allowed := s.service(r)
	if !allowed {
		return nil, refusal
	}
	b := p.bucket(r.PathValue("bucket"))
	if b == nil {
		return nil, noBucket()
	}
	if o := b.Objects[r.PathValue("path")]; o != nil {
		return o, answer{}
	}
	return nil, storageFailed(http.StatusNotFound, "not_found", "NoSuchKey", "Object not found")
}
