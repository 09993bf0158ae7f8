package export_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/project-gimbal/fleet/internal/export"
)

// TestLost: what is the customer's own is told apart from what nobody needs elsewhere.
func TestLost(t *testing.T) {
	for what, want := range map[string]bool{"media reports/a.pdf": true, "media reports": true, "large object 16401": true, "event trigger x": false,
		"schema vault": false, "rows of table auth.sessions": false, "how things are stored": false} {
		if got := (export.LeftOut{What: what, Reason: "it holds open sessions and what would open one"}).Lost(); got != want {
			t.Errorf("%s: lost: %v", what, got)
		}
	}
}

// TestWhatARoleMayNotRead exports as a role that sees some tables only: the others are made, stay empty, and are named.
func TestWhatARoleMayNotRead(t *testing.T) {
	_, super := hurting(t)
	run(t, super, `grant select on hurtful, base to "Reader's"; set role "Reader's"`)
	dir, m := whole(t, super)
	run(t, super, `reset role`)
	for what, reason := range map[string]string{
		"rows of table public.hurtful":           "row-level security hides rows from the exporting role",
		"rows of table public.derived":           "the exporting role may not read it",
		"where sequence public.counted stands":   "the exporting role may not read it",
		"where sequence public.log_n_seq stands": "the exporting role may not read it",
	} {
		if !slices.Contains(m.LeftOut, export.LeftOut{What: what, Reason: reason}) {
			t.Errorf("not left out: %s: %s", what, reason)
		}
		if lost := (export.LeftOut{What: what, Reason: reason}).Lost(); lost != strings.HasPrefix(what, "rows of") {
			t.Errorf("%s: lost: %v", what, lost)
		}
	}
	var files []string
	for _, f := range m.Files {
		files = append(files, f.Name)
	}
	if want := []string{export.DatabaseName, "csv/Mixed%20Case.Table%3B%20drop.csv", "csv/public.base.csv", "csv/public.single.csv"}; !slices.Equal(files, want) {
		t.Errorf("exported: %v", files)
	}
	restored := contents(t, restore(t, elsewhere(t), dir))
	for _, line := range contents(t, super) {
		relation, rest, _ := strings.Cut(line, " ")
		exported := slices.Contains([]string{"public.base", "public.single"}, relation) || strings.HasPrefix(line, `"Mixed Case"`)
		if slices.Contains(restored, line) != (exported || strings.HasPrefix(rest, "0 ")) && !strings.Contains(relation, "mat") {
			t.Errorf("%s: exported %v, restored %v", line, exported, slices.Contains(restored, line))
		}
	}
}
