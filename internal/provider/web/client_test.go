package web_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/web"
	"github.com/project-gimbal/fleet/internal/sim/edge"
	"github.com/project-gimbal/fleet/internal/sim/vercel"
	"github.com/project-gimbal/fleet/internal/step/bounds"
)

const (
	public = "93.184.215.14"
	limit  = 1 << 10
)

type nobody struct{}

func (nobody) LookupCNAME(string) (string, bool, bool)         { return "", false, false }
func (nobody) Leads(string, string) bool                       { return false }
func (nobody) Certificate(string) (vercel.Certificate, bool)   { return vercel.Certificate{}, false }
func (nobody) Serve(string) (vercel.Site, bool)                { return vercel.Site{}, false }
func (nobody) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.New("unused") }
func answers(h func(http.ResponseWriter, *http.Request)) edge.Host {
	return edge.Host{Resolve: edge.At(public), Handler: http.HandlerFunc(h)}
}

func onwards(to string) edge.Host {
	return answers(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusFound)
	})
}

// network is a public network in virtual time, and a client on it.
func network(t *testing.T, test func(t *testing.T, e *edge.Edge, fetch func(address string) ([]byte, error))) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := clock.System()
		e, err := edge.New(c, nobody{}, nobody{}, nobody{})
		if err != nil {
			t.Fatal(err)
		}
		client := web.New(provider.Config{Clock: c, Endpoints: provider.Endpoints{Edge: provider.Edge{Outside: e.Outside, Roots: e.Roots()}}})
		test(t, e, func(address string) ([]byte, error) { return client.Fetch(t.Context(), address, limit) })
	})
}

// forbidden are addresses of every range that no customer's file can be at.
var forbidden = []string{
	"0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.254", "127.0.0.1", "127.8.8.8", "169.254.169.254", "169.254.170.2",
	"172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.51.100.1", "203.0.113.1",
	"224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
	"::", "::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:93.184.215.14", "::7f00:1", "64:ff9b::7f00:1", "64:ff9b::5db8:d70e",
	"64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1",
}

// TestForbiddenAddressesAreNeverConnectedTo: in figures, as what a name resolves to, where a redirect leads, and as what a name
// changes to between one look-up and the next.
func TestForbiddenAddressesAreNeverConnectedTo(t *testing.T) {
	for _, address := range forbidden {
		figures := address
		if strings.Contains(address, ":") {
			figures = "[" + address + "]"
		}
		for way, publish := range map[string]func(e *edge.Edge) string{
			"in figures": func(*edge.Edge) string { return "https://" + figures + "/logo.png" },
			"by name": func(e *edge.Edge) string {
				e.Publish("inside.example", edge.Host{Resolve: edge.At(address, address)})
				return "https://inside.example/logo.png"
			},
			"redirected": func(e *edge.Edge) string {
				e.Publish("www.example", onwards("https://"+figures+"/latest/meta-data"))
				return "https://www.example/logo.png"
			},
			"redirected to a name": func(e *edge.Edge) string {
				e.Publish("www.example", onwards("//inside.example/"))
				e.Publish("inside.example", edge.Host{Resolve: edge.At(address)})
				return "https://www.example/logo.png"
			},
			"rebound": func(e *edge.Edge) string {
				var looks atomic.Int64
				e.Publish("changing.example", edge.Host{
					Resolve: func() []netip.Addr {
						if looks.Add(1) == 1 {
							return edge.At(public)()
						}
						return edge.At(address)()
					},
					Handler: onwards("/again").Handler,
				})
				return "https://changing.example/logo.png"
			},
		} {
			t.Run(address+" "+way, func(t *testing.T) {
				network(t, func(t *testing.T, e *edge.Edge, fetch func(string) ([]byte, error)) {
					_, err := fetch(publish(e))
					if !fault.Is(err, fault.Rejected) || !fault.NothingHappened(err) || !strings.Contains(err.Error(), "not a public one") {
						t.Errorf("%v", err)
					}
					for _, at := range e.Connected() {
						if at.Addr().String() != public {
							t.Errorf("%s was connected to", at)
						}
					}
				})
			})
		}
	}
}

// TestRealDialerIsGuarded dials what really listens on this machine, without a simulated network in between.
func TestRealDialerIsGuarded(t *testing.T) {
	for _, on := range []struct{ address, host string }{
		{"127.0.0.1:0", "127.0.0.1"}, {"127.0.0.1:0", "localhost"}, {"127.0.0.1:0", "0.0.0.0"}, {"127.0.0.1:0", "2130706433"}, {"127.0.0.1:0", "[::ffff:127.0.0.1]"},
	} {
		client := web.New(provider.Config{Clock: clock.System()})
		_, err := client.Fetch(t.Context(), "https://"+on.host+"/logo.png", limit)
		if err == nil || on.host != "2130706433" && !strings.Contains(err.Error(), "not a public one") {
			t.Errorf("%s: %v", on.host, err)
		}
	}
}

func TestFetches(t *testing.T) {
	network(t, func(t *testing.T, e *edge.Edge, fetch func(string) ([]byte, error)) {
		content := bytes.Repeat([]byte("x"), limit)
		var seen []*http.Request
		e.Publish("cdn.example", answers(func(w http.ResponseWriter, r *http.Request) {
			seen = append(seen, r)
			_, _ = w.Write(content)
		}))
		e.Publish("www.example", onwards("https://cdn.example:443/a/logo.png?v=2#top"))
		e.Publish("mixed.example", edge.Host{Resolve: edge.At("10.0.0.1", public), Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("mixed"))
		})})
		got, err := fetch("https://www.example/logo.png")
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		if len(seen) != 1 || seen[0].Host != "cdn.example" || seen[0].URL.RequestURI() != "/a/logo.png?v=2" {
			t.Errorf("asked: %+v", seen)
		}
		for _, name := range []string{"Cookie", "Authorization", "Referer"} {
			if seen[0].Header.Get(name) != "" {
				t.Errorf("%s is sent along", name)
			}
		}
		if got, err := fetch("https://mixed.example/"); err != nil || string(got) != "mixed" {
			t.Errorf("a name with a public address beside another: %q, %v", got, err)
		}
		for _, at := range e.Connected() {
			if at.String() != public+":443" {
				t.Errorf("%s was connected to", at)
			}
		}
	})
}

// TestRefuses: addresses and answers that are no file, each for its reason, and with nothing of them in the text.
func TestRefuses(t *testing.T) {
	status := func(code int) edge.Host {
		return answers(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "sesame in the body", code) })
	}
	for name, c := range map[string]struct {
		address string
		host    edge.Host
		code    fault.Code
		text    string
	}{
		"http":                   {address: "http://www.example/", code: fault.Rejected, text: "not https"},
		"file":                   {address: "file:///etc/passwd", code: fault.Rejected, text: "not https"},
		"no scheme":              {address: "www.example/logo.png", code: fault.Rejected, text: "not https"},
		"no address":             {address: "https://%zz/", code: fault.Rejected, text: "is none"},
		"too long":               {address: "https://www.example/" + strings.Repeat("x", 2048), code: fault.Rejected, text: "is none"},
		"no host":                {address: "https:///logo.png", code: fault.Rejected, text: "host name"},
		"other script":           {address: "https://bücher.example/", code: fault.Rejected, text: "xn--"},
		"zone":                   {address: "https://[fe80::1%25eth0]/", code: fault.Rejected, text: "host name"},
		"other port":             {address: "https://www.example:8443/", code: fault.Rejected, text: "another port"},
		"password":               {address: "https://user:sesame@www.example/", code: fault.Rejected, text: "user name or password"},
		"redirect to http":       {host: onwards("http://www.example/"), code: fault.Rejected, text: "not https"},
		"redirect to port":       {host: onwards("https://www.example:22/"), code: fault.Rejected, text: "another port"},
		"redirect to data":       {host: onwards("data:image/png;base64,AAAA"), code: fault.Rejected, text: "not https"},
		"redirect nowhere":       {host: onwards(""), code: fault.Rejected, text: "no address"},
		"redirect to junk":       {host: onwards("https://%zz"), code: fault.Rejected, text: "no address"},
		"redirect forever":       {host: onwards("/again?token=sesame"), code: fault.Rejected, text: "too often"},
		"redirect with password": {host: onwards("https://sesame:sesame@www.example/"), code: fault.Rejected, text: "user name or password"},
		"not found":              {host: status(404), code: fault.Rejected, text: "HTTP 404"},
		"forbidden":              {host: status(403), code: fault.Rejected, text: "to everybody"},
		"partial":                {host: status(206), code: fault.Rejected, text: "HTTP 206"},
		"throttled":              {host: status(429), code: fault.Throttled, text: "less often"},
		"down":                   {host: status(503), code: fault.Unavailable, text: "HTTP 503"},
		"gone":                   {address: "https://gone.example/", code: fault.Unavailable, text: "does not resolve"},
		"nobody listens":         {host: edge.Host{Resolve: edge.At(public)}, code: fault.Unavailable, text: "can't be reached"},
		"uncertified":            {host: edge.Host{Resolve: edge.At(public), Uncertified: true, Handler: http.NotFoundHandler()}, code: fault.Rejected, text: "certificate"},
		"empty":                  {host: answers(func(http.ResponseWriter, *http.Request) {}), code: fault.Rejected, text: "empty"},
		"packed": {host: answers(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write([]byte("sesame"))
		}), code: fault.Rejected, text: "packed"},
		"announced too large": {host: answers(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(limit+1))
			w.WriteHeader(http.StatusOK)
		}), code: fault.Rejected, text: "larger than 1024 bytes"},
		"endless": {host: answers(func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 4096)); err != nil {
					return
				}
			}
		}), code: fault.Rejected, text: "larger than 1024 bytes"},
		"endless header": {host: answers(func(w http.ResponseWriter, _ *http.Request) {
			for i := range 200 {
				w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("x", 1000))
			}
		}), code: fault.Unavailable, text: "can't be reached"},
		"breaks off": {host: answers(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("sesame"))
		}), code: fault.Unavailable, text: "can't be reached"},
	} {
		t.Run(name, func(t *testing.T) {
			network(t, func(t *testing.T, e *edge.Edge, fetch func(string) ([]byte, error)) {
				if c.address == "" {
					c.address = "https://www.example/logo.png?token=sesame"
					e.Publish("www.example", c.host)
				}
				content, err := fetch(c.address)
				if content != nil || !fault.Is(err, c.code) || !fault.NothingHappened(err) || !strings.Contains(err.Error(), c.text) {
					t.Fatalf("%q, %v; want %s: …%s…", content, err, c.code, c.text)
				}
				for _, part := range []string{"sesame", "example", "logo", "in the body"} {
					if strings.Contains(err.Error(), part) {
						t.Errorf("%q tells of %q", err, part)
					}
				}
			})
		})
	}
}

// TestSlowAnswersAreGivenUp when a call's time is over, wherever they dawdle.
func TestSlowAnswersAreGivenUp(t *testing.T) {
	for name, dawdle := range map[string]func(w http.ResponseWriter, r *http.Request){
		"before the header": func(_ http.ResponseWriter, r *http.Request) { sleep(r.Context(), time.Hour) },
		"in the body": func(w http.ResponseWriter, r *http.Request) {
			for range 3600 {
				if _, err := w.Write([]byte("x")); err != nil {
					return
				}
				w.(http.Flusher).Flush()
				sleep(r.Context(), time.Second)
			}
		},
		"on the way": func(w http.ResponseWriter, r *http.Request) {
			sleep(r.Context(), bounds.Call*2/5)
			http.Redirect(w, r, "/again", http.StatusFound)
		},
	} {
		t.Run(name, func(t *testing.T) {
			network(t, func(t *testing.T, e *edge.Edge, fetch func(string) ([]byte, error)) {
				e.Publish("slow.example", answers(dawdle))
				begun := time.Now()
				_, err := fetch("https://slow.example/logo.png")
				if took := time.Since(begun); !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "too long") || took != bounds.Call {
					t.Errorf("%v after %s", err, took)
				}
				time.Sleep(2 * time.Hour) // the host ends as well
			})
		})
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// TestNoProxyFromTheEnvironment: a proxy would resolve names itself.
func TestNoProxyFromTheEnvironment(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	t.Setenv("https_proxy", "http://127.0.0.1:1")
	var dialled string
	client := web.New(provider.Config{Clock: clock.System(), Endpoints: provider.Endpoints{Edge: provider.Edge{
		Outside: func(_ context.Context, _, address string, _ func(string, string) error) (net.Conn, error) {
			dialled = address
			return nil, errors.New("seen")
		},
	}}})
	if _, err := client.Fetch(t.Context(), "https://www.example/", limit); err == nil || dialled != "www.example:443" {
		t.Errorf("dialled %q, %v", dialled, err)
	}
}
