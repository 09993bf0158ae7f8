package arch

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/project-gimbal/fleet/internal/asl"
)

// checkDemo wants the README's picture of a provisioning, which somebody pasted, to show the states that one passes today.
func checkDemo(root string) (broken []string) {
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		return []string{err.Error()}
	}
	_, block, _, err := marked(string(text), "demo")
	if err != nil {
		return []string{err.Error()}
	}
	shown := pictured(block)
	for _, d := range definitions(root) {
		if d.name != "provision" || d.machine == nil {
			continue
		}
		passed := succeeding(d.machine.Graph())
		for _, state := range passed {
			if !slices.Contains(shown, state) {
				broken = append(broken, fmt.Sprintf("README.md: its demo lacks the state %s: paste the output of make demo, from a terminal of 100 columns", state))
			}
		}
		for _, state := range shown {
			if !slices.Contains(passed, state) {
				broken = append(broken, fmt.Sprintf("README.md: its demo shows %s, and no provisioning passes a state of that name", state))
			}
		}
	}
	return broken
}

// pictured are the states' names in the picture of an execution: below its name, up to an empty line.
func pictured(block string) []string {
	_, picture, _ := strings.Cut(block, "\nop-")
	_, picture, _ = strings.Cut(picture, "\n")
	picture, _, _ = strings.Cut(picture, "\n\n")
	return regexp.MustCompile(`\b[A-Z]\w+`).FindAllString(picture, -1)
}

// succeeding are the Tasks on the way of success, those in branches as well.
func succeeding(g asl.Graph) (tasks []string) {
	seen, next := map[string]bool{}, []string{g.StartAt}
	for len(next) > 0 {
		name := next[0]
		next = next[1:]
		i := slices.IndexFunc(g.States, func(s asl.State) bool { return s.Name == name })
		if i < 0 || seen[name] {
			continue
		}
		seen[name] = true
		switch s := g.States[i]; s.Type {
		case asl.Choice:
			next = append(next, s.Targets...)
		case asl.Task:
			tasks, next = append(tasks, name), append(next, s.Next)
		default:
			for _, branch := range s.Branches {
				tasks = append(tasks, succeeding(branch)...)
			}
			next = append(next, s.Next)
		}
	}
	return tasks
}
