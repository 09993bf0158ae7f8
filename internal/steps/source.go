// Package steps holds the sources of the steps, for those who show them.
package steps

import (
	"embed"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"strings"
)

//go:embed */*.go
var files embed.FS

// Find gives the file, below this folder, that holds a package's exported function, the line where that begins, and the file's
// text. Error: fs.ErrNotExist where there is none.
func Find(folder, function string) (file string, line int, text string, err error) {
	entries, err := files.ReadDir(folder)
	if err != nil {
		return "", 0, "", err
	}
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		file = folder + "/" + entry.Name()
		source, err := files.ReadFile(file)
		if err != nil {
			return "", 0, "", err
		}
		if line, err = lineOf(source, function); err != nil || line > 0 {
			return file, line, string(source), err
		}
	}
	return "", 0, "", fmt.Errorf("%s.%s: %w", folder, function, fs.ErrNotExist)
}

// lineOf is where a function that is no method begins; 0 where there is none of that name.
func lineOf(source []byte, function string) (int, error) {
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, "", source, parser.SkipObjectResolution)
	if err != nil {
		return 0, err
	}
	for _, d := range parsed.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == function {
			return set.Position(f.Pos()).Line, nil
		}
	}
	return 0, nil
}
