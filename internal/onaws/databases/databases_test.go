package databases_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/project-gimbal/fleet/internal/catalog"
)

// TestLinkedWhereItIsUsed: the functions of the nouns that open customers' databases, by themselves or by way of the noun database, link
// this package, and no others do.
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
			uses = uses || strings.Contains(text, ".Databases(") || strings.Contains(text, "internal/steps/database\"")
		}
		links := strings.Contains(read(t, "../../../functions/"+f.Name+"/main.go"), "internal/onaws/databases\"")
		if uses != links {
			t.Errorf("%s: its noun opens databases: %t; its main links them: %t; see its grants in the catalog", f.Name, uses, links)
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
