package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"github.com/project-gimbal/fleet/internal/fault/runbooks"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/view"
)

var pages = map[string]func(page){
	"list": func(p page) { p.fleet(sampleFleet(), sampleFleet().Instances) },
	"show": func(p page) { p.instance(sampleInstance(), false) },
	"active": func(p page) {
		i := sampleInstance()
		i.Row = view.Row{ID: acme, Slug: "acme-dental", Signup: fleet.Completed, State: fleet.Active}
		i.Resources, i.Messages, i.History, i.AuditFault = i.Resources[:2], nil, nil, "audit chain is broken at entry 3"
		p.instance(i, true)
	},
	"ending": func(p page) {
		p.fleet(view.Fleet{Instances: []view.Row{sampleEnding().Row}}, []view.Row{sampleEnding().Row})
		p.instance(sampleEnding(), true)
	},
	"ended": func(p page) {
		i := sampleEnding()
		i.State, i.Stage, i.Held, i.Hold, i.Decommission.Stage, i.Decommission.Second = fleet.Terminated, fleet.Ended, false, nil, fleet.Ended, "operator:bob"
		i.Decommission.FinalExport = &fleet.VerifiedExport{ID: "close-9", Manifest: strings.Repeat("ef56", 16), VerifiedAt: before(time.Hour)}
		i.Decommission.Certificate = &fleet.Certificate{SHA256: strings.Repeat("ab12", 16), At: before(time.Minute)}
		p.instance(i, true)
	},
	"exports": func(p page) {
		making := fleet.Export{ID: "export-6", Status: fleet.ExportMaking, Progress: &fleet.ExportProgress{Step: "media", Files: 12, Bytes: 4_000_000}, BegunAt: before(time.Minute)}
		p.exports(append([]fleet.Export{making}, sampleExports()...))
	},
	"incidents": func(p page) { p.incidents(sampleIncidents()[:2]) },
	"doctor":    func(p page) { p.diagnosis(sampleDiagnosis()) },
	"runbook":   func(p page) { b, _ := runbooks.Find("MessageUnknown"); p.runbook(b) },
	"unsureship": func(p page) {
		p.resent(sampleFleet().Instances[1], view.Operation{Message: &fleet.Message{ID: "welcome-resend-3", Status: fleet.MessageUnknown}})
	},
}

// TestPages: as people see them, at usual widths and on a pipe.
func TestPages(t *testing.T) {
	for name, draw := range pages {
		for _, width := range []int{0, 80, 120} {
			t.Run(fmt.Sprintf("%s at %d", name, width), func(t *testing.T) {
				golden(t, fmt.Sprintf("%s-%d.txt", name, width), drawn(width, draw))
			})
		}
	}
	golden(t, "logs.txt", drawn(120, func(p page) { p.logs(sampleLogs(), acme) }))
}

// TestPagesFit: nothing is wider than the terminal but what can't be broken.
func TestPagesFit(t *testing.T) {
	for name, draw := range pages {
		for _, width := range []int{80, 100, 120} {
			for line := range strings.Lines(drawn(width, draw)) {
				if n := ansi.StringWidth(strings.TrimRight(line, "\n")); n > width {
					t.Errorf("%s at %d: %d columns: %s", name, width, n, line)
				}
			}
		}
	}
}

// TestColours: they are added only, and only where they may be.
func TestColours(t *testing.T) {
	for name, draw := range pages {
		var out bytes.Buffer
		draw(page{out: &out, width: 120, now: noon, theme: newTheme(&out, true)})
		if plain := drawn(120, draw); ansi.Strip(out.String()) != plain {
			t.Errorf("%s is another page with colours:\n%s", name, cmp.Diff(plain, ansi.Strip(out.String())))
		}
		if !strings.Contains(out.String(), "\x1b[") {
			t.Errorf("%s has no colours", name)
		}
	}
}

// TestEntries: what is no JSON object alone is shown as it is.
func TestEntries(t *testing.T) {
	for text, want := range map[string]string{
		`{"msg":"a","b":1}`: "a b=1", `{"msg":"a"} and more`: `{"msg":"a"} and more`, "null": "null", "[1]": "[1]", "": "", `"text"`: `"text"`,
		`{"msg":{"a":"b"}}`: "map[a:b]", `{"took":1500000000,"b":{"c":[null,true]},"level":"ERROR"}`: `ERROR b={"c":[null,true]} took=1.5s`,
		`{"instance":"` + acme + `","operation":"op-` + acme + `-2"}`: "operation=op-df4a5ecc…-2", `{"instance":"` + beta + `"}`: "instance=" + beta,
	} {
		if got := (page{theme: newTheme(io.Discard, false)}).entry(text, acme); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func FuzzEntry(f *testing.F) {
	for _, l := range sampleLogs().Lines {
		f.Add(l.Text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := (page{theme: newTheme(io.Discard, false)}).entry(text, acme)
		if strings.ContainsFunc(got, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }) {
			t.Errorf("%q", got)
		}
	})
}

// TestNothingIsObeyed: what a terminal would obey is taken out of whatever the API says.
func TestNothingIsObeyed(t *testing.T) {
	var all view.Fleet
	if err := decode([]byte(`{"instances":[{"slug":"a\u001b]0;pwned\u0007\u009b31m\u202eb\tc","incidents":9007199254740993}]}`), &all); err != nil {
		t.Fatal(err)
	}
	if got := all.Instances[0]; got.Slug != "a]0;pwned31mb\tc" || got.Incidents != 9007199254740993 {
		t.Errorf("%+v", got)
	}
	if logs := drawn(0, pages["list"]) + drawn(0, func(p page) { p.logs(sampleLogs(), acme) }); strings.ContainsRune(logs, '\x1b') {
		t.Errorf("an escape got through: %q", logs)
	}
}
