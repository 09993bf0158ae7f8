package edge

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/project-gimbal/fleet/internal/sim/vercel"
)

// healthDocument is what an instance says about itself. The words are those of the product's health contract.
type healthDocument struct {
	Status     string `json:"status"`      // healthy, unhealthy
	InstanceID string `json:"instance_id"` // VITE_INSTANCE_ID
	Supabase   string `json:"supabase"`    // connected, unreachable
	Database   string `json:"database"`    // healthy, unhealthy
	Auth       string `json:"auth"`        // operational, down
	Version    string `json:"version"`     // the release's
	Uptime     int64  `json:"uptime_seconds"`
}

// probeTime is how long the health function waits for a part of its instance.
const probeTime = 5 * time.Second

// allowOrigin does what the release's functions do for browsers: the pages of the one allowed origin may read the answer, and
// those of no other. Whoever asks may get a different answer for another origin, so caches are told.
func allowOrigin(w http.ResponseWriter, r *http.Request, site vercel.Site) {
	allowed := site.Environment["CORS_ALLOWED_ORIGIN"]
	w.Header().Set("Vary", "Origin")
	if allowed != "" && r.Header.Get("Origin") == allowed {
		w.Header().Set("Access-Control-Allow-Origin", allowed)
		w.Header().Set("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
	}
}

// health does what the release's health function does: it asks the instance's Auth and REST servers. Anything but two
// successes is 503. A browser's question beforehand, OPTIONS, is answered without looking.
func (e *Edge) health(w http.ResponseWriter, r *http.Request, site vercel.Site) {
	allowOrigin(w, r, site)
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	ctx, cancel := e.clock.WithTimeout(r.Context(), probeTime)
	defer cancel()
	var auth, database bool
	var both sync.WaitGroup
	both.Go(func() { auth = e.probe(ctx, site, "/auth/v1/health") })
	both.Go(func() { database = e.probe(ctx, site, "/rest/v1/") })
	both.Wait()
	document := healthDocument{
		Status: word(auth && database, "healthy", "unhealthy"), InstanceID: site.Environment["VITE_INSTANCE_ID"],
		Supabase: word(auth || database, "connected", "unreachable"), Database: word(database, "healthy", "unhealthy"),
		Auth: word(auth, "operational", "down"), Version: version(site),
		Uptime: int64(e.clock.Now().Sub(site.Since) / time.Second),
	}
	status := http.StatusOK
	if document.Status != "healthy" || document.InstanceID == "" {
		document.Status, status = "unhealthy", http.StatusServiceUnavailable
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(document) // the caller may have gone
}

func word(good bool, yes, no string) string {
	if good {
		return yes
	}
	return no
}

// probe reports whether a part of the instance's Supabase project answers 200.
func (e *Edge) probe(ctx context.Context, site vercel.Site, path string) bool {
	base, key := site.Environment["VITE_SUPABASE_URL"], site.Environment["VITE_SUPABASE_ANON_KEY"]
	if base == "" || key == "" {
		return false
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(base, "/")+path, nil)
	if err != nil {
		return false
	}
	req.Header.Set("apikey", key)
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := e.apis.RoundTrip(req)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20))
	_ = res.Body.Close() // read to its end
	return err == nil && res.StatusCode == http.StatusOK
}

// version is what the release says of itself in its version.json.
func version(site vercel.Site) string {
	var document struct {
		Version string `json:"version"`
	}
	content, found := site.File("version.json")
	if !found || json.Unmarshal(content, &document) != nil || document.Version == "" {
		return "unknown"
	}
	return document.Version
}
