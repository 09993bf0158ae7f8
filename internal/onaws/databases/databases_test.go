package databases_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/project-gimbal/fleet/internal/catalog"
)

// TestLinkedWhereItIsUsed: the functions of the noun that opens customers' databases, and those that use it where their handlers are,
// link this package, and no others do.
func TestLinkedWhereItIsUsed(t *testing.T) {
	for _, f := range catalog.Functions() {
		sources, err := filepath.Glob("../../steps/" + f.Package() + "/*.go")
		if err != nil || len(sources) == 0 {
			t.Fatalf("no sources of %s: %v", f.Package(), err)
		}
		uses := false
		for _, source := range sources {
			if strings.HasSuffix(source, "_test.go") {
				continue
			}
			text := read(t, source)
			its := strings.Contains(text, "\nfunc "+strings.TrimPrefix(f.Handler, f.Package()+".")+"(")
			uses = uses || strings.Contains(text, ".Databases(") || its && strings.Contains(text, "internal/steps/database\"")
		}
		links := strings.Contains(read(t, "../../../functions/"+f.Name+"/main.go"), "internal/onaws/databases\"")
		if uses != links {
			t.Errorf("%s: it opens databases: %t; its main links them: %t; see its grants in the catalog", f.Name, uses, links)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
