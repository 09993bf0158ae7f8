package world_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/events"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/sim/edge"
)

// host is somebody's, at the public address.
func host(h http.HandlerFunc) edge.Host {
	return edge.Host{Resolve: edge.At(publicAddress), Handler: h}
}

func onwards(to string) edge.Host {
	return host(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) })
}

// TestHostileImagesFailNothing: the instance becomes ACTIVE with the default logo and its favicon, one incident says why, and no
// address is connected to that isn't public.
func TestHostileImagesFailNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		address string
		host    edge.Host
		reason  string
	}{
		"metadata service":  {address: "https://169.254.169.254/latest/meta-data/", reason: "not a public one"},
		"redirect there":    {host: onwards("https://169.254.169.254/latest/meta-data/?sesame"), reason: "not a public one"},
		"redirect to http":  {host: onwards("http://169.254.169.254/"), reason: "not https"},
		"name of a private": {host: edge.Host{Resolve: edge.At("10.0.0.7", "fd00:ec2::254", "127.0.0.1")}, reason: "not a public one"},
		"endless redirects": {host: onwards("/again"), reason: "too often"},
		"host gone":         {address: "https://gone.example/logo.png", reason: "does not resolve"},
		"nobody listens":    {host: edge.Host{Resolve: edge.At(publicAddress)}, reason: "can't be reached"},
		"wrong certificate": {host: edge.Host{Resolve: edge.At(publicAddress), Uncertified: true, Handler: http.NotFoundHandler()}, reason: "certificate"},
		"not there":         {host: host(http.NotFound), reason: "HTTP 404"},
		"always down":       {host: host(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }), reason: "HTTP 502"},
		"html for an image": {host: host(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<!doctype html>sesame")) }), reason: "web page"},
		"svg": {host: host(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("<svg><script>sesame</script></svg>"))
		}), reason: "scripts"},
		"not the type it says": {host: host(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "image/png")
			_, _ = w.Write([]byte("sesame"))
		}), reason: "no PNG"},
		"huge": {host: host(func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		}), reason: "larger than 1 MB"},
		"silent": {host: host(func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-r.Context().Done():
			case <-time.After(time.Hour):
			}
		}), reason: "too long"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log lockedBuffer
			inBubble(t, func(o *world.Options) { o.Log = slog.New(slog.NewJSONHandler(&log, nil)) }, func(r *rig) {
				look := sampleImages
				if look.LogoURL = c.address; c.address == "" {
					look.LogoURL = "https://hostile.example/logo.png?token=sesame"
					r.w.Vendors.Edge.Publish("hostile.example", c.host)
				}
				id := r.provisionBranded(look)
				r.wantActive(id)
				r.wantOnlyPublic()
				found := r.branding(id)
				if len(found) != 1 || found[0].ID != "branding/logo" || !strings.Contains(found[0].Reason, c.reason) {
					t.Errorf("%+v; want one: …%s…", found, c.reason)
				}
				if config := r.config(); config.LogoURL != "" || config.FaviconURL == "" {
					t.Errorf("logo %q, favicon %q", config.LogoURL, config.FaviconURL)
				}
				history, err := r.w.Executions.Save()
				if everything := log.String() + string(history) + fmt.Sprint(found); err != nil || strings.Contains(everything, "sesame") {
					t.Errorf("what a stranger said is repeated, %v", err)
				}
				time.Sleep(2 * time.Hour) // hosts that dawdle end as well
			})
		})
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestPassingTroubleIsWaitedOut: a host that is down for a while delays its image and no more.
func TestPassingTroubleIsWaitedOut(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		site, err := events.Site()
		if err != nil {
			t.Fatal(err)
		}
		files := http.FileServerFS(site)
		asked := 0
		r.w.Vendors.Edge.Publish(events.SiteHost, host(func(w http.ResponseWriter, q *http.Request) {
			if asked++; asked < 5 {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			files.ServeHTTP(w, q)
		}))
		id := r.provisionBranded(sampleImages)
		r.wantActive(id)
		r.wantBranded(id)
		if asked != 6 || len(r.branding(id)) != 0 {
			t.Errorf("asked %d times, incidents %+v", asked, r.branding(id))
		}
	})
}
