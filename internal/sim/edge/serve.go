package edge

import (
	"bytes"
	"net"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/project-gimbal/fleet/internal/sim/vercel"
)

func canonical(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.TrimSuffix(strings.ToLower(host), ".")
}

// serveHTTP answers for the host that a request names.
func (e *Edge) serveHTTP(w http.ResponseWriter, r *http.Request) {
	host := canonical(r.Host)
	if answers, _ := e.paged(host); answers {
		e.page.handler.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Server", "Vercel")
	site, live := e.sites.Serve(host)
	switch {
	case e.reach(host) != nil || !live:
		fail(w, http.StatusNotFound, "DEPLOYMENT_NOT_FOUND", "The deployment could not be found on Vercel.")
	case site.Paused:
		fail(w, http.StatusServiceUnavailable, "DEPLOYMENT_PAUSED", "This deployment is paused by the owner.")
	case r.Method == http.MethodOptions && r.URL.Path == "/api/health" && has(site, healthFunction):
		e.health(w, r, site)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		fail(w, http.StatusMethodNotAllowed, "INVALID_REQUEST_METHOD", "This method is not allowed.")
	case r.URL.Path == "/api/health" && has(site, healthFunction):
		e.health(w, r, site)
	default:
		static(w, r, site)
	}
}

// healthFunction is the file that makes /api/health: a release without it has no health endpoint. Its code does what
// Edge.health does, which stands in for it.
const healthFunction = "api/health.js"

func has(site vercel.Site, file string) bool {
	_, found := site.File(file)
	return found
}

// static serves a file of the deployment. Functions' sources are no files to serve.
func static(w http.ResponseWriter, r *http.Request, site vercel.Site) {
	file := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	if file == "" || strings.HasSuffix(r.URL.Path, "/") {
		file = path.Join(file, "index.html")
	}
	content, found := site.File(file)
	if !found || strings.HasPrefix(file, "api/") {
		fail(w, http.StatusNotFound, "NOT_FOUND", "The page could not be found.")
		return
	}
	w.Header().Set("Content-Type", contentType(file))
	w.Header().Set("Cache-Control", "public, max-age=0, must-revalidate")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

func contentType(file string) string {
	known := map[string]string{
		".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
		".json": "application/json; charset=utf-8", ".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon",
		".txt": "text/plain; charset=utf-8", ".woff2": "font/woff2", ".webp": "image/webp",
	}[path.Ext(file)]
	if known == "" {
		return "application/octet-stream"
	}
	return known
}

// fail answers as Vercel's own error pages do, with the code in a header as well.
func fail(w http.ResponseWriter, status int, code, text string) {
	w.Header().Set("X-Vercel-Error", code)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n\n" + code + "\n")) // the caller may have gone
}

// redirect sends port 80 to port 443, as Vercel does.
func redirect(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "https://"+canonical(r.Host)+r.URL.RequestURI(), http.StatusPermanentRedirect)
}
