package suspended_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/project-gimbal/fleet/internal/suspended"
)

func TestPage(t *testing.T) {
	for _, test := range []struct{ method, path, host, shown string }{
		{"GET", "/", "acme-dental.gimbal.app", "<strong>acme-dental.gimbal.app</strong>"},
		{"GET", "/api/health", "acme-dental.gimbal.app:443", "<strong>acme-dental.gimbal.app</strong>"},
		{"POST", "/api/webhooks/sendgrid", "acme-dental.gimbal.app", "<h1>This service is suspended</h1>"},
		{"GET", "/<script>alert(1)</script>", "<script>alert(1)</script>", "&lt;script&gt;"},
		{"HEAD", "/", "acme-dental.gimbal.app", ""},
	} {
		r := httptest.NewRequestWithContext(t.Context(), test.method, "/", nil)
		r.Host, r.URL.Path = test.host, test.path
		out := httptest.NewRecorder()
		suspended.Handler().ServeHTTP(out, r)
		body := out.Body.String()
		if out.Code != 503 || !strings.Contains(body, test.shown) || strings.Contains(body, "<script") || (test.method == "HEAD") != (body == "") {
			t.Errorf("%s %s of %s: %d %s", test.method, test.path, test.host, out.Code, body)
		}
		h := out.Result().Header
		if h.Get("Cache-Control") != "no-store" || h.Get("Retry-After") != "3600" || !strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'none'") ||
			h.Get("Content-Type") != "text/html; charset=utf-8" {
			t.Errorf("headers: %v", h)
		}
	}
}
