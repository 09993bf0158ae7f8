package edge_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/sim/edge"
)

// records is a DNS whose records can be changed.
type records struct {
	mu sync.Mutex
	of map[string]record
}

type record struct {
	target  string
	proxied bool
}

func (r *records) LookupCNAME(host string) (string, bool, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	found, ok := r.of[host]
	return found.target, found.proxied, ok
}

func (r *records) point(host, target string, proxied bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.of[host] = record{target, proxied}
}

// visit asks a public host by TLS; the status is 0 where there is no connection.
func visit(t *testing.T, c clock.Clock, e *edge.Edge, host, path string) (status int, header http.Header, body string, err error) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		DialTLSContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			plain, err := e.Dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			conn := tls.Client(plain, &tls.Config{ServerName: host, RootCAs: e.Roots(), MinVersion: tls.VersionTLS12, Time: c.Now})
			return conn, conn.HandshakeContext(ctx)
		}}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+host+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, nil, "", err
	}
	content, err := io.ReadAll(res.Body)
	_ = res.Body.Close() // read to its end
	return res.StatusCode, res.Header, string(content), err
}

const pageHost = "suspended.gimbal.example"

// TestHostsThatLeadToThePage: the page answers for what is an alias of its name, by the proxy's certificate only.
func TestHostsThatLeadToThePage(t *testing.T) {
	c := fast()
	dns := &records{of: map[string]record{host: {"cname.vercel-dns.com", true}}}
	e, _ := deployed(t, c, dns, func(*http.Request) int { return 200 })
	dns.point("new.gimbal.app", pageHost, true)
	if _, err := e.Dial(t.Context(), "tcp", "new.gimbal.app:443"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("without a page: %v", err)
	}
	e.Page(pageHost+".", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "page for "+r.Host+r.URL.Path)
	}))
	for _, step := range []struct {
		name, host, path, target string
		proxied                  bool
		status                   int // 0: no certificate
		body                     string
	}{
		{"at Vercel", host, "/", "cname.vercel-dns.com", true, 200, "<!"},
		{"at the page, unproxied", host, "/", pageHost, false, 0, ""},
		{"at the page", host, "/a", strings.ToUpper(pageHost) + ".", true, 503, "page for " + host + "/a"},
		{"its health", host, "/api/health", pageHost, true, 503, "page for " + host + "/api/health"},
		{"back at Vercel", host, "/", "cname.vercel-dns.com", true, 200, "<!"},
		{"a host that Vercel never had", "new.gimbal.app", "/", pageHost, true, 503, "page for new.gimbal.app/"},
		{"the same, unproxied", "new.gimbal.app", "/", pageHost, false, 0, ""},
		{"below the page's name", "new.gimbal.app", "/", "x." + pageHost, true, -1, ""},
	} {
		dns.point(step.host, step.target, step.proxied)
		status, header, body, err := visit(t, c, e, step.host, step.path)
		refused := errors.Is(err, syscall.ECONNREFUSED)
		switch {
		case step.status < 0 != refused, step.status <= 0 != (err != nil):
			t.Errorf("%s: %v", step.name, err)
		case step.status > 0 && (status != step.status || !strings.HasPrefix(body, step.body) || header.Get("Server") == "Vercel" != (status == 200)):
			t.Errorf("%s: %d %q %v", step.name, status, body, header)
		}
	}
	if status, _, body, err := visit(t, c, e, pageHost, "/"); status != 503 || body != "page for "+pageHost+"/" {
		t.Errorf("at its own name: %d %q %v", status, body, err)
	}
}

func TestPausedProject(t *testing.T) {
	c := fast()
	e, v := deployed(t, c, names{host: "cname.vercel-dns.com"}, func(*http.Request) int { return 200 })
	site, _ := v.Serve(host)
	for _, paused := range []bool{false, true, true, false} {
		word := map[bool]string{true: "pause", false: "unpause"}[paused]
		call(t, v, "/v1/projects/"+site.Project+"/"+word, nil)
		for _, path := range []string{"/", "/config.js", "/api/health", "/none"} {
			status, header, body, err := visit(t, c, e, host, path)
			code := header.Get("X-Vercel-Error")
			if err != nil || paused != (status == 503 && code == "DEPLOYMENT_PAUSED" && strings.Contains(body, code)) || !paused && status == 503 {
				t.Errorf("%s, paused %v: %d %q %q %v", path, paused, status, code, body, err)
			}
		}
	}
}

// TestHealthOfASuspendedInstance: what /api/health says by what the project's gateway answers.
func TestHealthOfASuspendedInstance(t *testing.T) {
	for name, test := range map[string]struct {
		auth, rest, status int
		says               string
	}{
		"sign-in refused":     {200, 200, 200, `"status":"healthy"`},
		"API keys disabled":   {401, 401, 503, `"status":"unhealthy","instance_id":"i-1","supabase":"unreachable","database":"unhealthy","auth":"down"`},
		"only REST refuses":   {200, 401, 503, `"supabase":"connected","database":"unhealthy","auth":"operational"`},
		"only Auth refuses":   {401, 200, 503, `"supabase":"connected","database":"healthy","auth":"down"`},
		"the project is gone": {530, 530, 503, `"supabase":"unreachable"`},
	} {
		c := fast()
		e, _ := deployed(t, c, names{host: "cname.vercel-dns.com"}, func(r *http.Request) int {
			if strings.HasPrefix(r.URL.Path, "/auth/") {
				return test.auth
			}
			return test.rest
		})
		status, _, body, err := visit(t, c, e, host, "/api/health")
		if err != nil || status != test.status || !strings.Contains(body, test.says) {
			t.Errorf("%s: %d %q %v", name, status, body, err)
		}
	}
}
