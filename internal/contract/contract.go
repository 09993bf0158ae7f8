// Package contract checks what Fleet's clients send and what its simulators answer against the vendors' own OpenAPI
// documents. It is for tests only.
//
// The documents are no part of this repository: the environment variable VENDOR_SPECS names the folder that holds them
// (a relative one is taken from the module's root). Without it contract tests are skipped, and say so.
package contract

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/project-gimbal/fleet/internal/provider"
)

// Variable is the environment variable that names the folder of the vendors' documents.
const Variable = "VENDOR_SPECS"

// Spec is one or several vendors' documents, each mounted where its API is reached.
type Spec struct {
	tb     testing.TB
	mounts []mount // longest base path first

	mu   sync.Mutex
	seen map[string]bool // "vendor.operationId"
}

// mount is a document and the base URL below which its paths lie.
type mount struct {
	document *document
	host     *regexp.Regexp // nil matches every host
	base     *regexp.Regexp // matches the base path at the start of a request's path
	depth    int            // path segments of the base
}

// Open reads the documents of a vendor: supabase (its Management API and its Auth server), supabase-auth, vercel,
// cloudflare, twilio or sendgrid. Requests to any host are taken as the vendor's, below the base path that the
// document itself gives, such as /client/v4. The test is skipped when VENDOR_SPECS isn't set, and fails when it names
// no such document.
func Open(tb testing.TB, vendor string) *Spec {
	tb.Helper()
	folder := folder(tb)
	s := &Spec{tb: tb, seen: map[string]bool{}}
	for _, name := range documents(vendor) {
		d := read(tb, folder, name)
		s.mount(d, nil, d.base)
	}
	return s
}

// OpenAll reads the documents of several vendors for tests of whole flows. The keys of at are base URLs as in
// provider.Endpoints, in whose host and path "{ref}" and the like stand for any one label or segment; the values name
// documents. Requests to other hosts pass unchecked. It skips and fails as Open does.
func OpenAll(tb testing.TB, at map[string]string) *Spec {
	tb.Helper()
	folder := folder(tb)
	s := &Spec{tb: tb, seen: map[string]bool{}}
	for base, name := range at {
		// Not by url.Parse, which takes no braces in a host.
		_, rest, ok := strings.Cut(base, "://")
		host, path, _ := strings.Cut(rest, "/")
		if !ok || host == "" {
			tb.Fatalf("contract: %q is no base URL", base)
		}
		s.mount(read(tb, folder, name), regexp.MustCompile("^"+template(host, `[^.:]+`)+"$"), path)
	}
	return s
}

// Places says which document describes what lies at each of Fleet's endpoints, for OpenAll.
func Places(e provider.Endpoints) map[string]string {
	return map[string]string{
		e.Supabase:                     "supabase",
		e.SupabaseProject + "/auth/v1": "supabase-auth",
		e.Vercel:                       "vercel",
		e.Cloudflare:                   "cloudflare",
		e.Twilio:                       "twilio",
		e.TwilioMessaging:              "twilio",
		e.SendGrid:                     "sendgrid",
	}
}

// Seen lists the operations checked so far as "document.operationId", sorted, so that a test can assert that it
// checked what it meant to.
func (s *Spec) Seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := make([]string, 0, len(s.seen))
	for name := range s.seen {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (s *Spec) mount(d *document, host *regexp.Regexp, base string) {
	base = strings.Trim(base, "/")
	m := mount{document: d, host: host, base: regexp.MustCompile("^")}
	if base != "" {
		m.base = regexp.MustCompile("^/" + template(base, `[^/]+`))
		m.depth = strings.Count(base, "/") + 1
	}
	s.mounts = append(s.mounts, m)
	slices.SortStableFunc(s.mounts, func(a, b mount) int { return b.depth - a.depth })
}

// serves reports whether a request goes to the mount's host.
func (m mount) serves(req *http.Request) bool {
	return m.host == nil || m.host.MatchString(req.URL.Host)
}

// below gives a request's path below the mount, and whether it lies there.
func (m mount) below(req *http.Request) (string, bool) {
	path := req.URL.EscapedPath()
	at := m.base.FindStringIndex(path)
	if at == nil || !strings.HasPrefix(path[at[1]:], "/") {
		return "", false
	}
	return path[at[1]:], true
}

// find gives the operation that a request calls, nil if there is none; served are the documents of the request's host.
func (s *Spec) find(req *http.Request) (d *document, found *call, served []string) {
	for _, m := range s.mounts {
		if !m.serves(req) {
			continue
		}
		served = append(served, m.document.name)
		if path, ok := m.below(req); ok {
			if c := m.document.find(req.Method, path); c != nil {
				return m.document, c, served
			}
		}
	}
	return nil, nil, served
}

var placeholder = regexp.MustCompile(`\\\{[^/{}]+\\\}`)

// template turns text with {placeholders} into a regular expression in which each matches any.
func template(text, any string) string {
	return placeholder.ReplaceAllString(regexp.QuoteMeta(text), any)
}

func documents(vendor string) []string {
	if vendor == "supabase" {
		return []string{"supabase", "supabase-auth"}
	}
	return []string{vendor}
}

// folder is where the documents are. It skips the test when no place is named.
func folder(tb testing.TB) string {
	tb.Helper()
	named := os.Getenv(Variable)
	if named == "" {
		tb.Skipf("contract tests skipped: %s names no folder with the vendors' OpenAPI documents; "+
			"nothing was checked against them", Variable)
	}
	if filepath.IsAbs(named) {
		return named
	}
	root, err := moduleRoot()
	if err != nil {
		tb.Fatalf("contract: %v", err)
	}
	return filepath.Join(root, named)
}

// moduleRoot is the nearest folder upwards that holds a go.mod: tests run in their package's folder.
func moduleRoot() (string, error) {
	at, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			return at, nil
		}
		up := filepath.Dir(at)
		if up == at {
			return "", os.ErrNotExist
		}
		at = up
	}
}
