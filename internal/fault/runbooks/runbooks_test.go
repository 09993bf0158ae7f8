package runbooks_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fault/runbooks"
	"github.com/project-gimbal/fleet/internal/fleet"
)

// codes are all that needs a page.
func codes() (all []string) {
	for _, c := range fault.Codes() {
		all = append(all, string(c))
	}
	for _, k := range fleet.IncidentKinds() {
		all = append(all, string(k))
	}
	all = append(all, fleet.Failures()...)
	slices.Sort(all)
	return slices.Compact(all) // Overdue is a code and a kind
}

// TestEveryCodeHasItsPage, and every page its code.
func TestEveryCodeHasItsPage(t *testing.T) {
	var pages []string
	for _, p := range runbooks.All() {
		pages = append(pages, p.Code)
	}
	slices.Sort(pages)
	for _, code := range codes() {
		if !slices.Contains(pages, code) {
			t.Errorf("%s has no page: write internal/fault/runbooks/%s.md", code, code)
		}
	}
	for _, page := range pages {
		if !slices.Contains(codes(), page) {
			t.Errorf("%s.md is about nothing that there is", page)
		}
	}
}

// TestPagesHaveTheirSections: the heading, then each section with something in it, in order, and no other; and they are short.
func TestPagesHaveTheirSections(t *testing.T) {
	for _, p := range runbooks.All() {
		parts := strings.Split(p.Text, "\n## ")
		if p.Title == "" || parts[0] != "# "+p.Code+": "+p.Title+"\n" {
			t.Errorf("%s begins with %q", p.Code, parts[0])
		}
		var sections []string
		for _, part := range parts[1:] {
			name, text, _ := strings.Cut(part, "\n")
			sections = append(sections, name)
			if strings.TrimSpace(text) == "" {
				t.Errorf("%s: nothing under %q", p.Code, name)
			}
		}
		if !slices.Equal(sections, runbooks.Sections()) {
			t.Errorf("%s has the sections %q", p.Code, sections)
		}
		if lines := strings.Count(p.Text, "\n"); lines > 45 {
			t.Errorf("%s has %d lines: nobody reads that at night", p.Code, lines)
		}
	}
}

func TestFind(t *testing.T) {
	for asked, want := range map[string]string{
		"Rejected": "Rejected", "rejected": "Rejected", "MESSAGEUNKNOWN": "MessageUnknown", "states.timeout": "States.Timeout",
		"Sandbox.Timedout": "States.TaskFailed", "Runtime.ExitError": "States.TaskFailed", "Lambda.Unknown": "States.TaskFailed",
		"": "", "Reject": "", "Rejected.md": "", "../fault": "", "runtime": "",
	} {
		p, ok := runbooks.Find(asked)
		if ok != (want != "") || p.Code != want || runbooks.Name(asked) != want {
			t.Errorf("%q gave %q, want %q", asked, p.Code, want)
		}
	}
}
