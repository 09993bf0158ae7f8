package edge_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/edge"
	simulator "github.com/project-gimbal/fleet/internal/sim/edge"
)

// x509Roots trusts an authority that signed nothing.
func x509Roots(t *testing.T, w *world) *x509.CertPool {
	t.Helper()
	stranger, err := simulator.New(clock.System(), w.outside, w.vercel, w.outside)
	if err != nil {
		t.Fatal(err)
	}
	return stranger.Roots()
}

// against gives a client to which every host is the given handler, over real TCP.
func against(tb testing.TB, h http.HandlerFunc) *edge.Client {
	tb.Helper()
	server := httptest.NewTLSServer(h)
	tb.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return edge.New(provider.Config{Clock: clock.System(), Endpoints: provider.Endpoints{Edge: provider.Edge{
		Roots: roots,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
		},
	}}})
}

const served = "example.com" // the name in httptest's certificate

func TestHealthAnswers(t *testing.T) {
	const good = `{"status":"healthy","instance_id":"i-1"}`
	for _, test := range []struct {
		name   string
		status int
		body   string
		want   fault.Code // empty: no error
	}{
		{"healthy", 200, good, ""},
		{"unhealthy", 503, `{"status":"unhealthy"}`, ""},
		{"healthy with 503", 503, good, fault.Unavailable},
		{"gateway's 503", 503, "<html>", fault.Unavailable},
		{"HTML", 200, "<html>", fault.Unavailable},
		{"empty", 200, "", fault.Unavailable},
		{"no status", 200, `{}`, fault.Unavailable},
		{"wrong types", 200, `{"status":7}`, fault.Unavailable},
		{"control characters", 200, `{"status":"healthy","version":"1\n2"}`, fault.Unavailable},
		{"a novel", 200, `{"status":"` + strings.Repeat("x", 101) + `"}`, fault.Unavailable},
		{"10 MB", 200, `{"status":"` + strings.Repeat("x", 10<<20) + `"}`, fault.Unavailable},
		{"not there", 404, "", fault.NotReady},
		{"not let through", 403, "", fault.NotReady},
		{"too many", 429, "", fault.Throttled},
		{"broken", 500, "", fault.Unavailable},
		{"redirect", 308, "", fault.Unavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			asked := 0
			client := against(t, func(w http.ResponseWriter, r *http.Request) {
				if asked++; r.Method != http.MethodGet || r.URL.Path != "/api/health" || r.Host != served {
					t.Errorf("asked %s %s of %s", r.Method, r.URL, r.Host)
				}
				w.Header().Set("Retry-After", "3")
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(test.status)
				_, _ = w.Write([]byte(test.body)) // the client may stop reading
			})
			health, err := client.Health(t.Context(), served)
			if (err == nil) != (test.want == "") || (err != nil && !fault.Is(err, test.want)) || asked != 1 {
				t.Errorf("%+v, %v, asked %d times", health, err, asked)
			}
			if f, ok := errors.AsType[*fault.Error](err); ok && f.Code == fault.Throttled && f.RetryAfter != 3*time.Second {
				t.Errorf("retry after %v", f.RetryAfter)
			}
		})
	}
}

func TestPageAnswers(t *testing.T) {
	long := against(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(strings.Repeat("x", provider.MaxAnswer+1))) // the client stops reading
	})
	if _, _, err := long.Page(t.Context(), served, "/"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("too long: %v", err)
	}
	cut := against(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte("less")) // and then the connection breaks
	})
	if _, _, err := cut.Page(t.Context(), served, "/"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("cut off: %v", err)
	}
	failing := against(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) })
	if status, _, err := failing.Page(t.Context(), served, "/"); err != nil || status != 502 {
		t.Errorf("%d %v", status, err)
	}
}

// FuzzAnswers: whatever a host answers, its health is one that can be shown, or a fault; and a page comes as it is.
func FuzzAnswers(f *testing.F) {
	var status int
	var name, value string
	var body []byte
	client := against(f, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(name, value)
		w.WriteHeader(status)
		_, _ = w.Write(body) // the client may stop reading
	})
	f.Add(uint16(200), "Content-Type", "application/json", []byte(`{"status":"healthy","instance_id":"i-1","uptime_seconds":3}`))
	f.Add(uint16(503), "Retry-After", "-1", []byte(`{"status":"unhealthy","version":7}`))
	f.Add(uint16(429), "Retry-After", "99999999999999999999", []byte(`{"status":null}`))
	f.Add(uint16(302), "Location", "http://127.0.0.1/", []byte(nil))
	f.Add(uint16(200), "Content-Encoding", "gzip", []byte("<html>"))
	f.Add(uint16(404), "Content-Length", "3", []byte("<html>"))
	f.Fuzz(func(t *testing.T, code uint16, header, text string, answer []byte) {
		status, name, value, body = 200+(int(code)+200)%400, header, text, answer
		health, err := client.Health(t.Context(), served)
		f, ok := errors.AsType[*fault.Error](err)
		switch shown := fmt.Sprintf("%+v", health); {
		case err == nil && (health.Status == "" || strings.ContainsAny(shown, "\n\r\x00\x1b") || status != http.StatusOK && status != http.StatusServiceUnavailable):
			t.Errorf("HTTP %d is %q", status, shown)
		case err != nil && (!ok || !f.Code.Transient() || f.RetryAfter < 0 || f.RetryAfter > 24*time.Hour || strings.ContainsAny(f.Error(), "<\n\r\x00")):
			t.Errorf("HTTP %d: %#v", status, err)
		}
		got, page, err := client.Page(t.Context(), served, "/")
		if err == nil && (got != status || len(page) > 0 && string(page) != string(answer)) || err != nil && !fault.Is(err, fault.Unavailable) {
			t.Errorf("HTTP %d, %d bytes: %v; want %d, %d bytes", got, len(page), err, status, len(answer))
		}
	})
}
