package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/catalog"
)

var placeholders = regexp.MustCompile(`\$\{([^{}]*)\}`)

// again reports whether a state invokes a function for the second time in its workflow: it is named for it, and for where it does.
func (w definition) again(s asl.State) bool {
	return strings.HasPrefix(s.Name, s.Function+"At") && slices.ContainsFunc(w.states, func(first asl.State) bool { return first.Name == s.Function })
}

// checkSpelling wants one spelling everywhere: the folder functions/create-project, the step project.Create, the catalog's
// variable CreateProject, the state and its placeholder ${CreateProject}; and nothing that only one of them knows.
func checkSpelling(root string) (broken []string) {
	report := func(format string, args ...any) { broken = append(broken, fmt.Sprintf(format, args...)) }
	var folders, variables, workflowStates []string
	for _, f := range catalog.Functions() {
		folders, variables = append(folders, f.Name), append(variables, f.State())
		if f.Trigger == catalog.Workflow && !f.Retired {
			workflowStates = append(workflowStates, f.State())
		}
		noun, step, _ := strings.Cut(f.Handler, ".")
		exported, err := exportedFunctions(filepath.Join(root, "internal", "steps", noun))
		if err != nil {
			report("%s: its step's package can't be read: %v", f.Name, err)
			continue
		}
		for _, name := range []string{"Open", step} {
			if !exported[name] {
				report("%s: internal/steps/%s has no function %s", f.Name, noun, name)
			}
		}
	}
	compare(report, "folder under functions/", entries(root, "functions", ""), "catalog", folders)
	compare(report, "variable of the catalog", catalogVariables(root, report), "list of Functions", variables)
	compare(report, "definition in statemachines/", entries(root, "statemachines", ".asl.json"), "catalog's Workflows", catalog.Workflows())
	compare(report, "placeholder", usedPlaceholders(root, report), "catalog's workflow functions", workflowStates)
	for _, w := range definitions(root) {
		for _, s := range w.states {
			if s.Type == "Task" && s.Function != "" && s.Function != s.Name && !w.again(s) {
				report("%s: state %s invokes ${%s}: one spelling", w.file, s.Name, s.Function)
			}
		}
	}
	return broken
}

// compare reports what only one of two sets has.
func compare(report func(string, ...any), what string, have []string, where string, want []string) {
	for _, name := range have {
		if !slices.Contains(want, name) {
			report("%s %s is not in the %s", what, name, where)
		}
	}
	for _, name := range want {
		if !slices.Contains(have, name) {
			report("no %s %s, which the %s has", what, name, where)
		}
	}
}

// entries names what is in a folder and ends in suffix, without it.
func entries(root, folder, suffix string) (names []string) {
	found, err := os.ReadDir(filepath.Join(root, folder))
	if err != nil {
		return nil // then every name is missing
	}
	for _, e := range found {
		if name, ok := strings.CutSuffix(e.Name(), suffix); ok && e.IsDir() == (suffix == "") {
			names = append(names, name)
		}
	}
	return names
}

// exportedFunctions are the exported functions, not methods, of the package in a folder.
func exportedFunctions(folder string) (map[string]bool, error) {
	exported := map[string]bool{}
	err := eachFile(folder, parser.SkipObjectResolution, func(_ string, _ *token.FileSet, file *ast.File) {
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.IsExported() {
				exported[f.Name.Name] = true
			}
		}
	})
	if err == nil && len(exported) == 0 {
		err = fmt.Errorf("%s holds no exported function", filepath.Base(folder))
	}
	return exported, err
}

// catalogVariables are the exported package variables of the catalog: each is a function.
func catalogVariables(root string, report func(string, ...any)) (names []string) {
	err := eachFile(filepath.Join(root, "internal", "catalog"), parser.SkipObjectResolution, func(path string, _ *token.FileSet, file *ast.File) {
		if file.Name.Name != "catalog" {
			return
		}
		for _, d := range file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			for _, s := range g.Specs {
				for _, name := range s.(*ast.ValueSpec).Names {
					if name.IsExported() {
						names = append(names, name.Name)
					}
				}
			}
		}
	})
	if err != nil {
		report("the catalog can't be read: %v", err)
	}
	return names
}

func usedPlaceholders(root string, report func(string, ...any)) (names []string) {
	for _, workflow := range entries(root, "statemachines", ".asl.json") {
		text, err := os.ReadFile(filepath.Join(root, "statemachines", workflow+".asl.json"))
		if err != nil {
			report("%v", err)
		}
		for _, match := range placeholders.FindAllStringSubmatch(string(text), -1) {
			if !slices.Contains(names, match[1]) {
				names = append(names, match[1])
			}
		}
	}
	return names
}
