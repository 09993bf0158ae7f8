package portal

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// contentPolicy lets a page use its own style, script and pictures and nothing else, and be shown in no other's frame.
const contentPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; " +
	"base-uri 'none'; frame-ancestors 'none'"

// guarded protects a page. A form that another site sends is refused, and so is a request for a host that is a name other than
// localhost: a stranger's name could have been pointed here, and their page would then be of this very origin (DNS rebinding).
func guarded(h http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "This request came from another site's page, so nothing was done. Open the page here and try again.", http.StatusForbidden)
	}))
	inner := cross.Handler(h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range map[string]string{
			"Content-Security-Policy":      contentPolicy,
			"Cache-Control":                "no-store",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Referrer-Policy":              "no-referrer",
			"X-Content-Type-Options":       "nosniff",
			"X-Frame-Options":              "DENY",
		} {
			w.Header().Set(name, value)
		}
		if !ours(r.Host) {
			http.Error(w, "Open this by its IP address, or as localhost.", http.StatusMisdirectedRequest)
			return
		}
		inner.ServeHTTP(w, r)
	})
}

// ours reports whether a Host header names this machine in a way that nobody else can: by an address, or as localhost.
func ours(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	_, err := netip.ParseAddr(name)
	return err == nil || strings.EqualFold(name, "localhost")
}
