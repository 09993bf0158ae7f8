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
	"strings"
	"sync"
)

//go:embed page.html
var source string

var page = sync.OnceValue(func() *template.Template { return template.Must(template.New("page").Parse(source)) })

// Status is what every request is answered with: to programs and search engines the service is away for a while.
const Status = http.StatusServiceUnavailable

// Headers are those of every answer. Nothing is to be kept of it, as the service may be back the next moment; who asks by itself should
// do so again in an hour.
func Headers() map[string]string {
	return map[string]string{
		"Content-Type":            "text/html; charset=utf-8",
		"Cache-Control":           "no-store",
		"Retry-After":             "3600",
		"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		"X-Content-Type-Options":  "nosniff",
		"Referrer-Policy":         "no-referrer",
	}
}

// Page is the page of a host, whose port, if it has one, isn't shown. To HEAD it is empty.
func Page(method, host string) (string, error) {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	var body bytes.Buffer
	if err := page().Execute(&body, host); err != nil || method == http.MethodHead {
		return "", err
	}
	return body.String(), nil
}

// Handler answers every request for every host with the page: a service's own paths aren't there.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := Page(r.Method, r.Host)
		if err != nil {
			http.Error(w, "This service is suspended.", Status)
			return
		}
		for name, value := range Headers() {
			w.Header().Set(name, value)
		}
		w.WriteHeader(Status)
		_, _ = io.Copy(w, strings.NewReader(body)) // the visitor may be gone
	})
}
