package edge_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/sim/edge"
	"github.com/project-gimbal/fleet/internal/sim/vercel"
)

const host = "acme.gimbal.app"

type names map[string]string

func (n names) LookupCNAME(host string) (string, bool, bool) {
	target, found := n[host]
	return target, true, found
}

// unproxied is the same without the proxy, as Vercel needs it for a certificate.
type unproxied struct{ edge.Resolver }

func (u unproxied) LookupCNAME(host string) (string, bool, bool) {
	target, _, found := u.Resolver.LookupCNAME(host)
	return target, false, found
}

type supabase func(*http.Request) int

func (s supabase) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: s(req), Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}"))}, nil
}

const sample = "../../../events"

type manifest struct {
	Version string `json:"version"`
	Files   []struct {
		Path string `json:"path"`
	} `json:"files"`
}

func readManifest(t *testing.T) manifest {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(sample, "release.json"))
	if err != nil {
		t.Fatal(err)
	}
	var m manifest
	d := json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		t.Fatal(err)
	}
	return m
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(sample, "release", path))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

const config = `window.__GIMBAL__ = {"VITE_INSTANCE_ID": "i-1"};`

// fast makes microseconds of seconds.
func fast() clock.Clock { return clock.Scaled(time.Time{}, 1e6) }

// live gives an edge with the sample release deployed for the host.
func live(t *testing.T, c clock.Clock) *edge.Edge {
	t.Helper()
	e, _ := deployed(t, c, names{host: "cname.vercel-dns.com", "elsewhere.gimbal.app": "example.com"}, func(*http.Request) int { return 200 })
	return e
}

// call makes a successful call of Vercel.
func call(t *testing.T, v *vercel.Sim, path string, body any) {
	t.Helper()
	content, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequest("POST", path+"?teamId=team_1", bytes.NewReader(content))
	req.Header.Set("Authorization", "Bearer t")
	w := httptest.NewRecorder()
	v.ServeHTTP(w, req)
	if w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
}

// deployed gives the same behind a DNS of the caller's, in front of parts of the instance that answer with a status.
func deployed(t *testing.T, c clock.Clock, n edge.Resolver, parts supabase) (*edge.Edge, *vercel.Sim) {
	t.Helper()
	v := vercel.New(sim.Options{Clock: c}, vercel.Config{
		Token: "t", Team: "team_1", Resolver: unproxied{n},
		Deploy: vercel.Span{Max: time.Nanosecond}, Certificate: vercel.Span{Max: time.Nanosecond},
	})
	variables := []any{}
	for key, value := range map[string]string{
		"VITE_SUPABASE_URL": "https://ref.supabase.test", "VITE_SUPABASE_ANON_KEY": "anon", "VITE_INSTANCE_ID": "i-1",
	} {
		variables = append(variables, map[string]any{"key": key, "value": value, "target": "production"})
	}
	files := []any{map[string]any{"file": "config.js", "data": config}}
	for _, f := range readManifest(t).Files {
		files = append(files, map[string]any{"file": f.Path, "data": readFile(t, f.Path)})
	}
	call(t, v, "/v11/projects", map[string]any{"name": "acme", "environmentVariables": variables})
	call(t, v, "/v10/projects/acme/domains", map[string]any{"name": host})
	call(t, v, "/v13/deployments", map[string]any{
		"name": "acme", "project": "acme", "target": "production", "projectSettings": map[string]any{}, "files": files,
	})
	e, err := edge.New(c, n, v, parts)
	if err != nil {
		t.Fatal(err)
	}
	return e, v
}

func listen(t *testing.T, e *edge.Edge) string {
	t.Helper()
	l, err := e.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l.Addr()
}

func TestOnePortSpeaksBoth(t *testing.T) {
	c := fast()
	e := live(t, c)
	address := listen(t, e)
	insecure := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	secure := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{
		ServerName: host, RootCAs: e.Roots(), MinVersion: tls.VersionTLS12, Time: c.Now, // the authority's: the machine is days behind
	}}}
	for _, test := range []struct {
		name   string
		client *http.Client
		url    string
		host   string
		status int
		body   string
	}{
		{"page", secure, "https://" + address + "/", host, 200, readFile(t, "index.html")},
		{"page in plain", insecure, "http://" + address + "/", host, 200, readFile(t, "index.html")},
		{"for a browser", insecure, "http://" + address + "/app.js", host + ".localhost:8701", 200, readFile(t, "app.js")},
		{"config", insecure, "http://" + address + "/config.js", host, 200, config},
		{"health", secure, "https://" + address + "/api/health", host, 200, `"version":"` + readManifest(t).Version + `"`},
		{"nobody", insecure, "http://" + address + "/", "nobody.gimbal.app", 404, "DEPLOYMENT_NOT_FOUND"},
		{"elsewhere", insecure, "http://" + address + "/", "elsewhere.gimbal.app", 404, "DEPLOYMENT_NOT_FOUND"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, test.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = test.host
		res, err := test.client.Do(req)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close() // read to its end
		if err != nil || res.StatusCode != test.status || !strings.Contains(string(body), test.body) {
			t.Errorf("%s: %d %q %v", test.name, res.StatusCode, body, err)
		}
	}
}

func TestOnlyReadsAreServed(t *testing.T) {
	res, err := http.Post("http://"+listen(t, live(t, fast()))+"/", "text/plain", strings.NewReader("x")) //nolint:gosec // our own listener
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close() // not of interest
	if res.StatusCode != http.StatusNotFound {
		t.Errorf("without a known host: %d", res.StatusCode)
	}
}

func TestListenerClosesSilentConnections(t *testing.T) {
	l, err := live(t, fast()).Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", l.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	done := make(chan error)
	go func() { done <- l.Close() }()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Close hangs")
	}
}

func TestDial(t *testing.T) {
	e := live(t, fast())
	_, err := e.Dial(t.Context(), "tcp", "nobody.gimbal.app:443")
	if unresolved, ok := errors.AsType[*net.DNSError](err); !ok || !unresolved.IsNotFound {
		t.Errorf("no record: %v", err)
	}
	for _, address := range []string{"elsewhere.gimbal.app:443", host + ":22"} {
		if _, err := e.Dial(t.Context(), "tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("%s: %v", address, err)
		}
	}
	if _, err := e.Dial(t.Context(), "tcp", host); err == nil {
		t.Error("dialled without a port")
	}
	conn, err := e.Dial(t.Context(), "tcp", host+":80")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, "GET /a?b=c HTTP/1.1\r\nHost: "+host+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close() // not of interest
	if res.StatusCode != http.StatusPermanentRedirect || res.Header.Get("Location") != "https://"+host+"/a?b=c" {
		t.Errorf("%d to %q", res.StatusCode, res.Header.Get("Location"))
	}
}

// TestSampleRelease holds what events/README.md says of the sample release.
func TestSampleRelease(t *testing.T) {
	m := readManifest(t)
	listed := map[string]bool{}
	size := 0
	elsewhere := regexp.MustCompile(`(?i)(src|href)="https?:|@import|url\(\s*['"]?https?:`)
	for _, f := range m.Files {
		content := readFile(t, f.Path)
		listed[f.Path], size = true, size+len(content)
		if elsewhere.MatchString(content) {
			t.Errorf("%s needs something from elsewhere", f.Path)
		}
	}
	if size > 16<<10 {
		t.Errorf("%d bytes are not a few KB", size)
	}
	root := filepath.Join(sample, "release")
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, path)
		if !listed[filepath.ToSlash(name)] {
			t.Errorf("%s is not in the manifest", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var own struct {
		Version string `json:"version"`
	}
	if err := json.Unmarshal([]byte(readFile(t, "version.json")), &own); err != nil || own.Version != m.Version {
		t.Errorf("version.json says %q, the manifest %q: %v", own.Version, m.Version, err)
	}
	for path := range listed {
		if strings.HasSuffix(path, ".js") && path != "api/health.js" && !strings.Contains(readFile(t, "index.html"), "/"+path) {
			t.Errorf("index.html does not load %s", path)
		}
	}
	if page := readFile(t, "index.html"); strings.Index(page, "/config.js") > strings.Index(page, "/app.js") {
		t.Error("config.js must come before what reads it")
	}
	function := readFile(t, "api/health.js")
	for _, name := range []string{"VITE_SUPABASE_URL", "VITE_SUPABASE_ANON_KEY", "VITE_INSTANCE_ID", "/auth/v1/health", "/rest/v1/", "uptime_seconds"} {
		if !strings.Contains(function, name) {
			t.Errorf("the health function knows no %s", name)
		}
	}
}
