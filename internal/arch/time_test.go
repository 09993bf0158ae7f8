package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strconv"
)

// forbiddenTime is what asks the machine for the time, or waits by it.
var forbiddenTime = map[string][]string{
	"time":    {"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick"},
	"context": {"WithTimeout", "WithDeadline", "WithTimeoutCause", "WithDeadlineCause"},
}

// realTime are the packages that may use the machine's clock, with the reason.
var realTime = map[string]string{
	"internal/clock": "it is the clock",
}

// checkTime wants internal/clock to be the only time there is.
func checkTime(root string) (broken []string) {
	for _, folder := range []string{"functions", "internal", "statemachines", "events", "infra"} {
		err := eachFile(path.Join(root, folder), parser.SkipObjectResolution, func(name string, set *token.FileSet, file *ast.File) {
			if realTime[slashed(root, path.Dir(name))] != "" {
				return
			}
			names := timePackages(file)
			ast.Inspect(file, func(n ast.Node) bool {
				s, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				if x, ok := s.X.(*ast.Ident); ok && slices.Contains(forbiddenTime[names[x.Name]], s.Sel.Name) {
					broken = append(broken, fmt.Sprintf("%s:%d: %s.%s: only internal/clock gives time",
						slashed(root, name), set.Position(s.Pos()).Line, names[x.Name], s.Sel.Name))
				}
				return true
			})
			if names["."] != "" {
				broken = append(broken, fmt.Sprintf("%s: a dot import of %s hides its use", slashed(root, name), names["."]))
			}
		})
		if err != nil {
			broken = append(broken, err.Error())
		}
	}
	return broken
}

// timePackages maps what a file calls the packages in question to their paths.
func timePackages(file *ast.File) map[string]string {
	names := map[string]string{}
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil || forbiddenTime[imported] == nil {
			continue
		}
		name := imported
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = imported
	}
	return names
}
