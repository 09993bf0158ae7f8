package main

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/local/leak"
	"github.com/project-gimbal/fleet/internal/seal"
	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/sim/postgres"
	"github.com/project-gimbal/fleet/internal/step"
	items "github.com/project-gimbal/fleet/internal/store/table"
)

// Where a system on real ports, with real databases, lets something out beyond what a world does.
const (
	document   = "demo's document"
	lines      = "demo's lines"
	logLines   = "log"
	pages      = "pages"
	deciders   = "pages for who decides"
	tableItems = "table"
)

// seeking opens a system with pages whose secrets are sought, and a play on it.
func seeking(t *testing.T, script string) (*play, *leak.Search) {
	t.Helper()
	o := quick(t)
	o.speed = hurried
	var err error
	if o.rules, err = sim.ParseRules(script); err != nil {
		t.Fatal(err)
	}
	search := &leak.Search{}
	c := clock.Scaled(time.Time{}, o.speed)
	p := &play{watch: newWatch(), screen: newPlain(search.Emitter(lines), c), stop: newInterrupts(), options: o}
	t.Cleanup(p.screen.close)
	folder, remove, err := postgres.Scratch()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = remove() })
	key, err := seal.MemoryKey()
	if err != nil {
		t.Fatal(err)
	}
	known := newCredentials()
	for name, value := range known {
		search.Plant(strings.TrimPrefix(value, "whsec_"), name)
	}
	for _, datum := range []string{"Ada Byron", "ada@acme-dental.example", "+12125550123", "Acme Dental"} {
		search.Plant(datum, "the applicant", deciders)
	}
	hooks := p.hooks()
	hooks.Transport = search.Overhear
	hooks.Table = func(_ string, inner items.Table) items.Table { return search.Table(tableItems, inner) }
	shown := &served{files: newFileLinks(t.TempDir(), c)}
	logger := slog.New(slog.NewJSONHandler(search.Emitter(logLines), &slog.HandlerOptions{Level: slog.LevelDebug}))
	p.system, err = openSystem(t.Context(), plan{clock: c, seed: o.seed, latency: o.latency, rules: o.rules, hooks: hooks, log: logger,
		table: filepath.Join(t.TempDir(), "fleet.db"), key: key, credentials: known, databases: folder, front: "127.0.0.1:0",
		pages: shown.pages(serveOptions{speed: o.speed}, logger)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.system.Close() })
	p.screen.attach(p.system, p.watch)
	return p, search
}

// browse takes in every page that an operator finds about a play.
func browse(t *testing.T, p *play, search *leak.Search) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	answer, err := browser.PostForm(p.system.url+"/console/sign-in", url.Values{"token": {p.system.credentials[step.OperatorToken]}})
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	paths := []string{"/", "/welcome/" + p.id(), "/console", "/console/signups?status=COMPLETED", "/console/signups?status=FAILED", "/console/instances", "/console/instances/" + p.id(), "/console/executions", "/console/incidents"}
	for _, x := range p.system.world.Executions.ListExecutions() {
		paths = append(paths, fmt.Sprintf("/console/executions/%s/%s", x.Machine, x.Name))
	}
	for _, path := range paths {
		answer, err := browser.Get(p.system.url + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK || strings.Contains(answer.Request.URL.Path, "sign-in") {
			t.Errorf("%s answered %d as %s, %v", path, answer.StatusCode, answer.Request.URL, err)
		}
		emitter := pages
		if path == "/console" || strings.HasPrefix(path, "/console/signups") {
			emitter = deciders
		}
		search.Emit(emitter, body)
	}
}

// TestNothingSecretOnPagesOrInTheDocument searches demo's document and lines, the pages, the log and the table of a whole system for
// credentials, what passed on the wire, and personal data, of a clean run and of one that fails once every resource has its secrets.
func TestNothingSecretOnPagesOrInTheDocument(t *testing.T) {
	t.Parallel()
	for _, script := range []string{"", "vercel.CreateDeployment=403@1+"} {
		t.Run(script, func(t *testing.T) {
			p, search := seeking(t, script)
			if err := p.run(t.Context()); err != nil {
				t.Fatal(err)
			}
			r, err := p.report(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var text bytes.Buffer
			for _, o := range []demoOptions{{json: true}, {}} {
				if err := show(r, o, terminal{out: &text, err: &text, getenv: func(string) string { return "" }}); err != nil {
					t.Fatal(err)
				}
			}
			search.Emit(document, text.Bytes())
			browse(t, p, search)
			for _, emitter := range []string{document, lines, logLines, pages, deciders, tableItems} {
				if search.Emitted()[emitter] < 500 {
					t.Errorf("%s let out %d bytes only", emitter, search.Emitted()[emitter])
				}
			}
			if n := len(search.Planted()); n < 18 {
				t.Errorf("only %d secrets were sought", n)
			}
			for _, found := range search.Found() {
				t.Error(found)
			}
			search.Plant(p.id(), "a slip", deciders) // each of the others shows the instance's id, and these the slug: they would show a secret, too
			search.Plant("acme-dental", "a slip", document, lines, logLines, pages, tableItems)
			if slips := search.Found(); len(slips) != len(search.Emitted()) {
				t.Errorf("a slip is found only in %v", slips)
			}
		})
	}
}
