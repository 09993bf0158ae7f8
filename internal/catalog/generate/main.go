// Command generate writes the functions' mains and the local runner's table of handlers from the catalog. Run it by
// "go generate ./internal/catalog".
package main

import (
	"bytes"
	"fmt"
	"go/format"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"github.com/project-gimbal/fleet/internal/catalog"
)

var mainFile = template.Must(template.New("").Funcs(template.FuncMap{"ports": ports, "packages": packages}).Parse(`// Code generated from the catalog; DO NOT EDIT.

// Command {{.Name}} is the Lambda function {{.Name}}.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
{{range packages .}}	"github.com/project-gimbal/fleet/internal/onaws/{{.}}"
{{end}}	"github.com/project-gimbal/fleet/internal/steps/{{.Package}}"
)

func main() { onaws.Main(catalog.{{.State}}, {{.Package}}.Open, {{.Handler}}{{range ports .}}, {{.}}{{end}}) }
`))

// portOf is the port that a grant calls for, of a package under internal/onaws, where not every function links it.
var portOf = map[catalog.Grant]string{catalog.Publish: "topic.Open", catalog.ReadLogs: "insights.Open", catalog.Inspect: "surroundings.Open",
	catalog.Databases: "databases.Open", catalog.Exports: "files.Exports", catalog.ReadExports: "files.Exports", catalog.Archive: "files.Archive", catalog.History: "files.History",
	catalog.Calendar: "calendar.Open", catalog.StartRuns: "executions.Open", catalog.InvokeAdmit: "trigger.Open", catalog.InvokeDeliver: "trigger.Open"}

func ports(f catalog.Function) (openers []string) {
	for _, g := range f.Grants {
		if p := portOf[g]; p != "" && !slices.Contains(openers, p) {
			openers = append(openers, p)
		}
	}
	return openers
}

func packages(f catalog.Function) (names []string) {
	for _, p := range ports(f) {
		name, _, _ := strings.Cut(p, ".")
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

var tableFile = template.Must(template.New("").Parse(`// Code generated from the catalog; DO NOT EDIT.

package world

import (
	"github.com/project-gimbal/fleet/internal/step"
{{range .Packages}}	"github.com/project-gimbal/fleet/internal/steps/{{.}}"
{{end}})

// handlers opens each function's handler, by the function's name.
var handlers = map[string]step.Opener{
{{range .Functions}}	"{{.Name}}": step.Opens({{.Package}}.Open, {{.Handler}}),
{{end}}}
`))

func main() {
	root := "../.." // go generate runs in the catalog's folder
	if len(os.Args) > 1 {
		root = os.Args[1]
	}
	if err := generate(root); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func generate(root string) error {
	var packages []string
	for _, f := range catalog.Functions() {
		packages = append(packages, f.Package())
		if err := write(filepath.Join(root, "functions", f.Name, "main.go"), mainFile, f); err != nil {
			return err
		}
	}
	slices.Sort(packages)
	return write(filepath.Join(root, "internal", "local", "world", "handlers.go"), tableFile, map[string]any{
		"Packages": slices.Compact(packages), "Functions": catalog.Functions()})
}

func write(path string, t *template.Template, data any) error {
	var text bytes.Buffer
	if err := t.Execute(&text, data); err != nil {
		return err
	}
	source, err := format.Source(text.Bytes())
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, source, 0o644)
}
