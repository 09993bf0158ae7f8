package arch

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
)

const modulePath = "github.com/project-gimbal/fleet/"

// eachFile parses every Go file under folder, tests excepted.
func eachFile(folder string, mode parser.Mode, visit func(path string, set *token.FileSet, file *ast.File)) error {
	set := token.NewFileSet()
	return filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name := entry.Name(); name == "testdata" || name == "node_modules" {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(set, path, nil, mode)
		if err != nil {
			return err
		}
		visit(path, set, file)
		return nil
	})
}

// imported is one import of a file that is no test.
type imported struct {
	by   string // package that imports, as its folder: "internal/steps/dns"
	file string
	path string // as written
}

// local is the folder of an imported package of this module.
func (i imported) local() (folder string, ok bool) { return strings.CutPrefix(i.path, modulePath) }

// standard reports whether the standard library has it: its first element has no dot.
func (i imported) standard() bool {
	first, _, _ := strings.Cut(i.path, "/")
	return !strings.Contains(first, ".")
}

// imports are those of all packages that are part of the program.
func imports(root string) (all []imported, err error) {
	for _, folder := range []string{"functions", "internal", "statemachines", "events", "infra"} {
		err := eachFile(filepath.Join(root, folder), parser.ImportsOnly, func(path string, _ *token.FileSet, file *ast.File) {
			for _, spec := range file.Imports {
				if name, err := strconv.Unquote(spec.Path.Value); err == nil {
					all = append(all, imported{slashed(root, filepath.Dir(path)), slashed(root, path), name})
				}
			}
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return all, nil
}
