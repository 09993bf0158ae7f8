// Package suspended is what a visitor of a suspended instance's host sees: a page of Fleet's own that tells the host's name and
// nothing else of the customer.
package suspended

import (
	"bytes"
	_ "embed"
	"html/template"
	"io"
	"net"
	"net/http"
	"sync"
)

//go:embed page.html
var source string

var page = sync.OnceValue(func() *template.Template { return template.Must(template.New("page").Parse(source)) })

// Handler answers every request for every host with the page, and with 503: to programs and search engines the service is away for a
// while, and its own paths aren't there. Nothing is to be kept of the answer, as the service may be back the next moment.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		var body bytes.Buffer
		if err := page().Execute(&body, host); err != nil {
			http.Error(w, "This service is suspended.", http.StatusServiceUnavailable)
			return
		}
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		w.WriteHeader(http.StatusServiceUnavailable)
		if r.Method != http.MethodHead {
			_, _ = io.Copy(w, &body) // the visitor may be gone
		}
	})
}
