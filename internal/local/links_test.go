package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
)

// TestFileLinks: a link gives its file, whole or in ranges, as long as it is good, and nothing else ever.
func TestFileLinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newFileLinks(t.TempDir(), clock.System())
		l.base = "http://front.test"
		mux := http.NewServeMux()
		mux.Handle("GET /files/{token}", l)
		get := func(address, byteRange string) *httptest.ResponseRecorder {
			q := httptest.NewRequestWithContext(t.Context(), http.MethodGet, strings.TrimPrefix(address, l.base), nil)
			if byteRange != "" {
				q.Header.Set("Range", byteRange)
			}
			out := httptest.NewRecorder()
			mux.ServeHTTP(out, q)
			return out
		}
		files := l.objects()
		for _, key := range []string{"i/e/csv/public.a.csv", "i/e/other.csv"} {
			if err := files.Put(t.Context(), key, []byte("content of "+key)); err != nil {
				t.Fatal(err)
			}
		}
		link, err := files.Link(t.Context(), "i/e/csv/public.a.csv", `a "b".csv`, 15*time.Minute)
		if err != nil || !strings.HasPrefix(link, "http://front.test/files/") {
			t.Fatal(link, err)
		}
		for wanted, want := range map[string]string{"": "content of i/e/csv/public.a.csv", "bytes=8-9": "of"} {
			out := get(link, wanted)
			if out.Body.String() != want || out.Code >= 300 || out.Header().Get("Content-Disposition") != `attachment; filename="a \"b\".csv"` || out.Header().Get("Content-Type") != "application/octet-stream" {
				t.Errorf("%q: %d %s %v", wanted, out.Code, out.Body, out.Header())
			}
		}
		if _, err := files.Link(t.Context(), "i/e/none", "x", time.Minute); err == nil {
			t.Error("there is a link to what isn't there")
		}
		other, err := newFileLinks(l.root, clock.System()).objects().Link(t.Context(), "i/e/other.csv", "x", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{other, link + "x", "/files/x", link[:len(link)-4]} {
			if out := get(bad, ""); out.Code != http.StatusForbidden || strings.Contains(out.Body.String(), "content") {
				t.Errorf("%s: %d %s", bad, out.Code, out.Body)
			}
		}
		time.Sleep(15 * time.Minute)
		if out := get(link, ""); out.Code != http.StatusForbidden {
			t.Errorf("after its time: %d %s", out.Code, out.Body)
		}
	})
}
