package arch

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// rule lists what in the tree under root breaks it.
type rule func(root string) []string

// parts are the folders and files that a rule reads: what a copy needs.
type parts []string

var rules = []struct {
	name  string
	reads parts
	check rule
}{
	{"spelling", parts{"functions", "statemachines", "internal/steps", "internal/catalog"}, checkSpelling},
	{"generated", parts{"functions", "internal/local"}, checkGenerated},
	{"workflows", parts{"statemachines"}, checkWorkflows},
	{"imports", parts{"go.mod", "functions", "internal", "statemachines", "events", "infra"}, checkImports},
	{"linked", parts{"go.mod", "functions", "internal", "statemachines", "events"}, checkLinked},
	{"time", parts{"functions", "internal", "statemachines", "events", "infra"}, checkTime},
	{"diagrams", parts{"statemachines", "README.md"}, checkDiagrams},
	{"demo", parts{"statemachines", "README.md"}, checkDemo},
	{"schedules", parts{"README.md"}, checkSchedules},
}

const thisTree = "../.."

func TestThisTreeKeepsEveryRule(t *testing.T) {
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			for _, violation := range r.check(thisTree) {
				t.Error(violation)
			}
		})
	}
}

func TestBrokenCopiesAreReported(t *testing.T) {
	for _, r := range rules {
		if len(breaks[r.name]) == 0 {
			t.Errorf("no broken copy shows rule %s", r.name)
		}
		whole := copyOf(t, r.reads)
		known := r.check(whole)
		for _, b := range breaks[r.name] {
			t.Run(r.name+"/"+b.name, func(t *testing.T) {
				t.Parallel()
				root := twin(t, whole)
				b.change(t, root)
				reported := slices.DeleteFunc(r.check(root), func(v string) bool { return slices.Contains(known, v) })
				if all := strings.Join(reported, "\n"); b.reports == "" || !strings.Contains(all, b.reports) {
					t.Errorf("rule %s does not report %q; it reports:\n%s", r.name, b.reports, all)
				}
			})
		}
	}
}

// slashed is path relative to root, with slashes.
func slashed(root, path string) string {
	if rel, err := filepath.Rel(root, path); err == nil {
		path = rel
	}
	return filepath.ToSlash(path)
}
