package edge_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/edge"
	"github.com/project-gimbal/fleet/internal/sim"
	simulator "github.com/project-gimbal/fleet/internal/sim/edge"
	"github.com/project-gimbal/fleet/internal/sim/vercel"
)

const host = "acme.gimbal.app"

// outside is everything around an edge: names, and the instance's Supabase project.
type outside struct {
	mu     sync.Mutex
	target string
	broken map[string]bool // paths that fail
	hangs  bool
}

func (o *outside) LookupCNAME(name string) (string, bool, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.target, false, name == host && o.target != ""
}

func (o *outside) RoundTrip(req *http.Request) (*http.Response, error) {
	o.mu.Lock()
	status, hangs := 200, o.hangs
	if o.broken[req.URL.Path] || req.URL.Host != "ref.supabase.test" || req.Header.Get("apikey") != "anon" {
		status = 500
	}
	o.mu.Unlock()
	if hangs {
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}"))}, nil
}

func (o *outside) set(change func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change()
}

type world struct {
	*testing.T
	outside *outside
	vercel  *vercel.Sim
	client  *edge.Client
}

// inWorld runs a test in virtual time with a project that has the host as a domain, neither deployed nor in the DNS.
func inWorld(t *testing.T, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, outside: &outside{broken: map[string]bool{}}}
		c := clock.System()
		w.vercel = vercel.New(sim.Options{Clock: c}, vercel.Config{Token: "t", Team: "team_1", Resolver: w.outside})
		public, err := simulator.New(c, w.outside, w.vercel, w.outside)
		if err != nil {
			t.Fatal(err)
		}
		w.client = edge.New(provider.Config{
			Clock: c, Endpoints: provider.Endpoints{Edge: provider.Edge{Dial: public.Dial, Roots: public.Roots()}},
		})
		w.call("/v11/projects", map[string]any{"name": "acme", "environmentVariables": []any{
			variable("VITE_SUPABASE_URL", "https://ref.supabase.test"), variable("VITE_SUPABASE_ANON_KEY", "anon"), variable("VITE_INSTANCE_ID", "i-1"),
		}})
		w.call("/v10/projects/acme/domains", map[string]any{"name": host})
		test(w)
	})
}

func variable(key, value string) any {
	return map[string]any{"key": key, "value": value, "type": "plain", "target": []string{"production"}}
}

func (w *world) call(path string, body any) {
	w.Helper()
	content, err := json.Marshal(body)
	if err != nil {
		w.Fatal(err)
	}
	req := httptest.NewRequest("POST", path+"?teamId=team_1&forceNew=1", bytes.NewReader(content))
	req.Header.Set("Authorization", "Bearer t")
	recorder := httptest.NewRecorder()
	w.vercel.ServeHTTP(recorder, req)
	if recorder.Code != 200 {
		w.Fatalf("%s: %d %s", path, recorder.Code, recorder.Body)
	}
}

// live deploys, points the DNS and waits until all is served.
func (w *world) live(files map[string]string) {
	w.Helper()
	list := []any{}
	for path, content := range files {
		list = append(list, map[string]any{"file": path, "data": content})
	}
	w.outside.set(func() { w.outside.target = "cname.vercel-dns.com" })
	w.call("/v13/deployments", map[string]any{
		"name": "acme", "project": "acme", "target": "production", "projectSettings": map[string]any{}, "files": list,
	})
	time.Sleep(2 * time.Minute)
}

var release = map[string]string{
	"index.html": "<h1>", "config.js": "window.__GIMBAL__={}", "version.json": `{"version":"1.2.3"}`, "api/health.js": "code",
}

func notReady(t *testing.T, err error) {
	t.Helper()
	if !fault.Is(err, fault.NotReady) {
		t.Errorf("got %v, want NotReady", err)
	}
}

func TestHandshakeWaitsForNameAndCertificate(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		notReady(t, w.client.Handshake(t.Context(), host)) // no record
		w.outside.set(func() { w.outside.target = "cname.vercel-dns.com" })
		start := time.Now()
		err := w.client.Handshake(t.Context(), host)
		notReady(t, err)
		if time.Since(start) > time.Second {
			t.Errorf("a refused handshake took %v", time.Since(start))
		}
		for err != nil && time.Since(start) < 2*time.Minute {
			time.Sleep(time.Second)
			err = w.client.Handshake(t.Context(), host)
		}
		if took := time.Since(start); err != nil || took < 5*time.Second || took > 61*time.Second {
			t.Errorf("certificate after %v: %v", took, err)
		}
		notReady(t, w.client.Handshake(t.Context(), "other.gimbal.app"))
		w.outside.set(func() { w.outside.target = "elsewhere.example.com" })
		if err := w.client.Handshake(t.Context(), host); !fault.Is(err, fault.Unavailable) {
			t.Errorf("a name that leads elsewhere: %v", err)
		}
	})
}

func TestUntrustedCertificateIsNotReady(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		w.live(release)
		other, err := simulator.New(clock.System(), w.outside, w.vercel, w.outside)
		if err != nil {
			t.Fatal(err)
		}
		suspicious := edge.New(provider.Config{
			Clock: clock.System(), Endpoints: provider.Endpoints{Edge: provider.Edge{Dial: other.Dial, Roots: x509Roots(t, w)}},
		})
		notReady(t, suspicious.Handshake(t.Context(), host))
		_, err = suspicious.Health(t.Context(), host)
		notReady(t, err)
	})
}

func TestPage(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		_, _, err := w.client.Page(t.Context(), host, "/")
		notReady(t, err)
		w.live(release)
		for _, test := range []struct {
			path   string
			status int
			body   string
		}{
			{"/", 200, "<h1>"},
			{"", 200, "<h1>"},
			{"/index.html", 200, "<h1>"},
			{"/config.js", 200, "window.__GIMBAL__={}"},
			{"/config.js?v=1", 200, "window.__GIMBAL__={}"},
			{"/none.js", 404, "The page could not be found.\n\nNOT_FOUND\n"},
			{"/api/health.js", 404, "The page could not be found.\n\nNOT_FOUND\n"},
			{"/../version.json", 200, `{"version":"1.2.3"}`},
		} {
			status, body, err := w.client.Page(t.Context(), host, test.path)
			if err != nil || status != test.status || string(body) != test.body {
				t.Errorf("%q: %d %q %v", test.path, status, body, err)
			}
		}
	})
}

func TestNothingDeployedIs404(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		w.outside.set(func() { w.outside.target = "cname.vercel-dns.com" })
		w.vercel.CheckDNS()
		time.Sleep(time.Minute)
		status, body, err := w.client.Page(t.Context(), host, "/")
		if err != nil || status != 404 || !strings.Contains(string(body), "DEPLOYMENT_NOT_FOUND") {
			t.Errorf("%d %q %v", status, body, err)
		}
		_, err = w.client.Health(t.Context(), host)
		notReady(t, err)
	})
}

func TestHealth(t *testing.T) {
	for name, test := range map[string]struct {
		change func(o *outside)
		want   edge.Health
	}{
		"all well":  {func(*outside) {}, edge.Health{Status: "healthy", InstanceID: "i-1", Supabase: "connected", Database: "healthy", Auth: "operational", Version: "1.2.3"}},
		"no auth":   {func(o *outside) { o.broken["/auth/v1/health"] = true }, edge.Health{Status: "unhealthy", InstanceID: "i-1", Supabase: "connected", Database: "healthy", Auth: "down", Version: "1.2.3"}},
		"no tables": {func(o *outside) { o.broken["/rest/v1/"] = true }, edge.Health{Status: "unhealthy", InstanceID: "i-1", Supabase: "connected", Database: "unhealthy", Auth: "operational", Version: "1.2.3"}},
		"hanging":   {func(o *outside) { o.hangs = true }, edge.Health{Status: "unhealthy", InstanceID: "i-1", Supabase: "unreachable", Database: "unhealthy", Auth: "down", Version: "1.2.3"}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				t := w.T
				w.live(release)
				w.outside.set(func() { test.change(w.outside) })
				got, err := w.client.Health(t.Context(), host)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestReleaseWithoutHealthFunction(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		w.live(map[string]string{"index.html": "<h1>"})
		_, err := w.client.Health(t.Context(), host)
		notReady(t, err)
	})
}

func TestCallsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, dial := range map[string]func(context.Context, string, string) (net.Conn, error){
			"dial": func(ctx context.Context, _, _ string) (net.Conn, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			},
			"handshake": func(context.Context, string, string) (net.Conn, error) {
				client, server := net.Pipe()
				t.Cleanup(func() { _ = server.Close() })
				go func() { _, _ = io.Copy(io.Discard, server) }() // it takes everything and says nothing
				return client, nil
			},
		} {
			client := edge.New(provider.Config{Clock: clock.System(), Endpoints: provider.Endpoints{Edge: provider.Edge{Dial: dial}}})
			for call, do := range map[string]func() error{
				"handshake": func() error { return client.Handshake(t.Context(), host) },
				"page":      func() error { _, _, err := client.Page(t.Context(), host, "/"); return err },
				"health":    func() error { _, err := client.Health(t.Context(), host); return err },
			} {
				start := time.Now()
				err := do()
				if took := time.Since(start); !fault.Is(err, fault.Unavailable) || took != 20*time.Second {
					t.Errorf("%s with hanging %s: %v after %v", call, name, err, took)
				}
			}
		}
	})
}

func TestDialFailures(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want fault.Code
	}{
		"no such host":   {&net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", IsNotFound: true}}, fault.NotReady},
		"DNS is down":    {&net.OpError{Op: "dial", Err: &net.DNSError{Err: "server misbehaving", IsTemporary: true}}, fault.Unavailable},
		"refused":        {&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, fault.Unavailable},
		"something else": {errors.New("a stranger's words"), fault.Unavailable},
	} {
		client := edge.New(provider.Config{Clock: clock.System(), Endpoints: provider.Endpoints{Edge: provider.Edge{
			Dial: func(context.Context, string, string) (net.Conn, error) { return nil, test.err },
		}}})
		_, _, pageErr := client.Page(t.Context(), host, "/")
		_, healthErr := client.Health(t.Context(), host)
		for _, err := range []error{client.Handshake(t.Context(), host), pageErr, healthErr} {
			if !fault.Is(err, test.want) || strings.Contains(fmt.Sprint(err), "words") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestImplausibleHostsAreNotDialled(t *testing.T) {
	client := edge.New(provider.Config{Clock: clock.System(), Endpoints: provider.Endpoints{Edge: provider.Edge{
		Dial: func(context.Context, string, string) (net.Conn, error) {
			t.Error("dialled")
			return nil, io.EOF
		},
	}}})
	for _, bad := range []string{"", "a/b", "user@host", "host:1", "[::1]", "a b"} {
		if err := client.Handshake(t.Context(), bad); !fault.Is(err, fault.Internal) {
			t.Errorf("%q: %v", bad, err)
		}
		if _, _, err := client.Page(t.Context(), bad, "/"); !fault.Is(err, fault.Internal) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
