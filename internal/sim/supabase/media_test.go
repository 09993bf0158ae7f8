package supabase

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/project-gimbal/fleet/internal/sim"
)

// raw calls a project's Storage; header is a list of names and values.
func (w *world) raw(ref, key, method, path, body string, header ...string) *http.Response {
	r := httptest.NewRequest(method, "https://"+ref+".supabase.test/storage/v1"+path, strings.NewReader(body))
	r.Header.Set("apikey", key)
	r.Header.Set("Authorization", "Bearer "+key)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	out := httptest.NewRecorder()
	w.ServeHTTP(out, r)
	return out.Result()
}

// TestMediaRefusals: what Storage doesn't take, and from whom.
func TestMediaRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(sim.Options{}, Settings{})
		ref, anonymous, service := w.ready(t, "one")
		if r := w.inProject(t, ref, service, "POST", "/storage/v1/bucket", `{"name":"b","file_size_limit":10,"allowed_mime_types":["image/*"]}`); r.status != 200 {
			t.Fatalf("%+v", r)
		}
		about := func(bucket, name, kind string) []string {
			e := base64.StdEncoding.EncodeToString
			return []string{"Tus-Resumable", "1.0.0", "Upload-Length", "10", "Upload-Metadata",
				"bucketName " + e([]byte(bucket)) + ",objectName " + e([]byte(name)) + ",contentType " + e([]byte(kind))}
		}
		begun := w.raw(ref, service, "POST", "/upload/resumable", "", about("b", "a.png", "image/png")...)
		_, upload, _ := strings.Cut(begun.Header.Get("Location"), "/storage/v1")
		if begun.StatusCode != 201 || upload == "" {
			t.Fatalf("%d %v", begun.StatusCode, begun.Header)
		}
		part := func(offset string) []string {
			return []string{"Tus-Resumable", "1.0.0", "Upload-Offset", offset, "Content-Type", "application/offset+octet-stream"}
		}
		const listing = "/object/list-v2/b"
		for name, c := range map[string]struct {
			key, method, path, body string
			header                  []string
			status                  int
		}{
			"list as anybody":           {anonymous, "POST", listing, `{}`, nil, 400},
			"list with folders":         {service, "POST", listing, `{"with_delimiter":true}`, nil, 400},
			"list by size":              {service, "POST", listing, `{"sortBy":{"column":"size"}}`, nil, 400},
			"list none":                 {service, "POST", listing, `{"limit":0}`, nil, 400},
			"list by an unknown field":  {service, "POST", listing, `{"offset":1}`, nil, 400},
			"list from nowhere":         {service, "POST", listing, `{"cursor":"%"}`, nil, 400},
			"list":                      {service, "POST", listing, `{}`, nil, 200},
			"read as anybody":           {anonymous, "GET", "/object/authenticated/b/a.png", "", nil, 400},
			"read what isn't there yet": {service, "GET", "/object/authenticated/b/a.png", "", nil, 400},
			"begin as anybody":          {anonymous, "POST", "/upload/resumable", "", about("b", "x", "image/png"), 403},
			"begin in no bucket":        {service, "POST", "/upload/resumable", "", about("none", "x", "image/png"), 404},
			"begin with another type":   {service, "POST", "/upload/resumable", "", about("b", "x", "text/html"), 413},
			"begin without a name":      {service, "POST", "/upload/resumable", "", about("b", "", "image/png"), 413},
			"begin too long":            {service, "POST", "/upload/resumable", "", append(about("b", "x", "image/png"), "Upload-Length", "11"), 413},
			"begin without a length":    {service, "POST", "/upload/resumable", "", about("b", "x", "image/png")[:2], 412},
			"begin with odd metadata":   {service, "POST", "/upload/resumable", "", append(about("b", "x", "image/png"), "Upload-Metadata", "a %"), 412},
			"append as anybody":         {anonymous, "PATCH", upload, "x", part("0"), 403},
			"append to nothing":         {service, "PATCH", "/upload/resumable/x", "x", part("0"), 404},
			"append elsewhere":          {service, "PATCH", upload, "x", part("1"), 409},
			"append too little":         {service, "PATCH", upload, "x", part("0"), 413},
			"append too much":           {service, "PATCH", upload, "0123456789x", part("0"), 413},
			"append without an offset":  {service, "PATCH", upload, "x", part("0")[:2], 412},
		} {
			if got := w.raw(ref, c.key, c.method, c.path, c.body, c.header...); got.StatusCode != c.status {
				t.Errorf("%s: HTTP %d, want %d", name, got.StatusCode, c.status)
			}
		}
		saved, err := w.Save()
		if err == nil {
			err = w.Load(saved)
		}
		if got := w.raw(ref, service, "PATCH", upload, "0123456789", part("0")...); err != nil || got.StatusCode != 204 || got.Header.Get("Upload-Offset") != "10" {
			t.Errorf("after a restart: HTTP %d, %v", got.StatusCode, err)
		}
		got := w.raw(ref, service, "GET", "/object/authenticated/b/a.png", "", "Range", "bytes=3-5")
		text := make([]byte, 10)
		n, _ := got.Body.Read(text)
		if got.StatusCode != 206 || string(text[:n]) != "345" || got.Header.Get("Content-Range") != "bytes 3-5/10" || got.Header.Get("ETag") == "" {
			t.Errorf("HTTP %d %q %v", got.StatusCode, text[:n], got.Header)
		}
	})
}
