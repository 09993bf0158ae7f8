//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/sim/edge"
	"github.com/project-gimbal/fleet/internal/sim/postgres"
	"github.com/project-gimbal/fleet/internal/sim/vercel"
)

// vendors are the five simulators, the public edge, and the databases behind them, on ports of loopback.
type vendors struct {
	*world.Alone
	public    *edge.Listener
	databases *postgres.Server
	remove    func() error // the databases' files
	refusals  *refusals
}

// openVendors starts them, fast ones. Its files are in dir.
func openVendors(ctx context.Context, credentials map[string]string) (*vendors, error) {
	v := &vendors{refusals: &refusals{}}
	dir, remove, err := postgres.Scratch()
	if err != nil {
		return nil, err
	}
	v.remove = remove
	if v.databases, err = postgres.Start(ctx, dir, postgres.Options{}); err != nil {
		return nil, errors.Join(err, v.close())
	}
	v.Alone, err = world.OpenAlone(world.Options{
		Clock: clock.System(), Seed: 11, Credentials: credentials, Databases: v.databases, DatabaseURL: v.databases.DatabaseURLTemplate(),
		Latency: world.Latency{Answer: 20 * time.Millisecond, Lag: time.Second, ProjectMin: 2 * time.Second, ProjectMax: 4 * time.Second,
			Healthy: time.Second, Going: time.Second, Deploy: vercel.Span{Min: time.Second, Max: 3 * time.Second},
			Certificate: vercel.Span{Min: time.Second, Max: 2 * time.Second}},
	}, v.refusals.around)
	if err != nil {
		return nil, errors.Join(err, v.close())
	}
	if v.public, err = v.Edge.Listen("127.0.0.1:0"); err != nil {
		return nil, errors.Join(err, v.close())
	}
	return v, nil
}

// overrides is FLEET_ENDPOINTS: how the functions find them.
func (v *vendors) overrides(dir string) (string, error) {
	roots := filepath.Join(dir, "edge.pem")
	if err := os.WriteFile(roots, v.Edge.RootPEM(), 0o600); err != nil {
		return "", err
	}
	e := v.Endpoints
	text, err := json.Marshal(map[string]string{"supabase": e.Supabase, "supabase_project": e.SupabaseProject,
		"supabase_database": e.SupabaseDatabase, "vercel": e.Vercel, "cloudflare": e.Cloudflare, "twilio": e.Twilio,
		"twilio_messaging": e.TwilioMessaging, "sendgrid": e.SendGrid, "edge_address": v.public.Addr(), "edge_roots": roots})
	return string(text), err
}

func (v *vendors) close() error {
	var failed error
	if v.public != nil {
		failed = errors.Join(failed, v.public.Close())
	}
	if v.Alone != nil {
		failed = errors.Join(failed, v.Alone.Close())
	}
	if v.databases != nil {
		failed = errors.Join(failed, v.databases.Stop())
	}
	return errors.Join(failed, v.remove())
}

// refusal lets the calls of one operation fail with a status, of those whose path or body speaks of one instance: scenarios
// run side by side.
type refusal struct {
	vendor, operation string
	about             string
	status            int

	in  *refusals
	met int // calls that were refused
}

// refusals are those in force.
type refusals struct {
	mu  sync.Mutex
	all []*refusal
}

// begin puts a refusal in force.
func (r *refusals) begin(vendor, operation, about string, status int) *refusal {
	f := &refusal{vendor: vendor, operation: operation, about: about, status: status, in: r}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, f)
	return f
}

// end lets calls through again.
func (f *refusal) end() {
	f.in.mu.Lock()
	defer f.in.mu.Unlock()
	f.in.all = slices.DeleteFunc(f.in.all, func(other *refusal) bool { return other == f })
}

// refused reports whether any call was.
func (f *refusal) refused() bool {
	f.in.mu.Lock()
	defer f.in.mu.Unlock()
	return f.met > 0
}

func (r *refusals) find(vendor, operation, path string, body []byte) (status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.all {
		if f.vendor == vendor && f.operation == operation && (strings.Contains(path, f.about) || bytes.Contains(body, []byte(f.about))) {
			f.met++
			return f.status
		}
	}
	return 0
}

// around is a vendor's port: it refuses before the vendor sees the call.
func (r *refusals) around(v sim.Vendor) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		body, err := io.ReadAll(in.Body)
		if err != nil {
			return // the caller is gone
		}
		in.Body = io.NopCloser(bytes.NewReader(body))
		if status := r.find(v.Name(), v.Operation(in), in.URL.Path, body); status != 0 {
			v.Fail(out, status, 0)
			return
		}
		v.ServeHTTP(out, in)
	})
}

// plantedCredentials are Fleet's own, each unlike anything else, so that it is found wherever it gets to.
func plantedCredentials() map[string]string {
	return map[string]string{
		provider.SupabaseToken:   "sbp_planted0123456789planted0123456789plant",
		provider.VercelToken:     "planted-vercel-4f1d9c0b7a",
		provider.CloudflareToken: "planted-cloudflare-93ab77e1c2",
		provider.TwilioToken:     "9a1c0e77b3d24f6e8a5b1c2d3e4f5a6b",
		provider.SendGridKey:     "SG.planted-7c2e.planted-51d0a3b9e8f7",
		"webhook-secret":         "whsec_cGxhbnRlZC13ZWJob29rLXNlY3JldC0x",
		"link-secret":            "planted-link-secret-of-more-than-32-bytes",
	}
}
