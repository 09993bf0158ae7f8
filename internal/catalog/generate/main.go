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
	"text/template"

	"github.com/project-gimbal/fleet/internal/catalog"
)

var mainFile = template.Must(template.New("").Funcs(template.FuncMap{"ports": ports}).Parse(`// Code generated from the catalog; DO NOT EDIT.

// Command {{.Name}} is the Lambda function {{.Name}}.
package main

import (
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/onaws"
{{range ports .}}	"github.com/project-gimbal/fleet/internal/onaws/{{.}}"
{{end}}	"github.com/project-gimbal/fleet/internal/steps/{{.Package}}"
)

func main() { onaws.Main(catalog.{{.State}}, {{.Package}}.Open, {{.Handler}}{{range ports .}}, {{.}}.Open{{end}}) }
`))

// portOf is the package under internal/onaws with the port that a grant calls for, where not every function links it.
var portOf = map[catalog.Grant]string{catalog.Publish: "topic", catalog.ReadLogs: "insights", catalog.Inspect: "surroundings",
	catalog.Databases: "databases"}

func ports(f catalog.Function) (packages []string) {
	for _, g := range f.Grants {
		if p := portOf[g]; p != "" {
			packages = append(packages, p)
		}
	}
	return packages
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
