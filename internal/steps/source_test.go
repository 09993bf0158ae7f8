package steps_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/steps"
)

func TestEveryStepIsFound(t *testing.T) {
	for _, f := range catalog.Functions() {
		name := strings.TrimPrefix(f.Handler, f.Package()+".")
		file, line, text, err := steps.Find(f.Package(), name)
		lines := strings.Split(text, "\n")
		if err != nil || line < 1 || line > len(lines) || !strings.HasPrefix(lines[line-1], "func "+name+"(") || strings.Contains(file, "_test") {
			t.Errorf("%s is at %s:%d: %v", f.Handler, file, line, err)
		}
	}
	for _, none := range [][2]string{{"project", "Nothing"}, {"nothing", "Create"}, {"../portal", "New"}} {
		if file, _, _, err := steps.Find(none[0], none[1]); err == nil {
			t.Errorf("%v is at %s", none, file)
		}
	}
	if _, _, _, err := steps.Find("project", "Nothing"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
