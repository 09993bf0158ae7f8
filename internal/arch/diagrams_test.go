package arch

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/fleet"
)

var update = flag.Bool("update", false, "draw the README's diagrams anew")

// drawn are the README's diagrams, by the name in their marks.
func drawn(root string) map[string]string {
	diagrams := map[string]string{"states": drawStates()}
	for _, d := range definitions(root) {
		if d.machine != nil {
			diagrams[d.name] = drawWorkflow(d.machine.Graph())
		}
	}
	return diagrams
}

// checkDiagrams wants the README's diagrams to be those of the code.
func checkDiagrams(root string) (broken []string) {
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		return []string{err.Error()}
	}
	for name, want := range drawn(root) {
		_, have, _, err := marked(string(text), name)
		if err != nil {
			broken = append(broken, err.Error())
		} else if have != want {
			broken = append(broken, fmt.Sprintf("README.md: diagram %s is not the code's: go test ./internal/arch -run Diagrams -update", name))
		}
	}
	return broken
}

func TestDiagrams(t *testing.T) {
	if !*update {
		t.Skip("draws the README's diagrams with -update; the rule diagrams compares them")
	}
	path := filepath.Join(thisTree, "README.md")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	whole := string(text)
	for name, diagram := range drawn(thisTree) {
		before, _, after, err := marked(whole, name)
		if err != nil {
			t.Fatal(err)
		}
		whole = before + diagram + after
	}
	put(t, path, whole)
}

// marked finds a diagram between its marks.
func marked(text, name string) (before, diagram, after string, err error) {
	begin, end := "<!-- drawn: "+name+" -->\n", "<!-- end: "+name+" -->\n"
	before, rest, ok := strings.Cut(text, begin)
	diagram, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return "", "", "", fmt.Errorf("README.md: there is no diagram %s between its marks", name)
	}
	return before + begin, diagram, end + after, nil
}

func drawStates() string {
	var b strings.Builder
	b.WriteString("```mermaid\nstateDiagram-v2\n    [*] --> " + string(fleet.Provisioning) + "\n")
	for _, m := range fleet.Moves() {
		fmt.Fprintf(&b, "    %s --> %s: %s\n", m.From, m.To, m.When)
	}
	fmt.Fprintf(&b, "    %s --> [*]\n```\n", fleet.Terminated)
	return b.String()
}

// drawWorkflow draws a definition's graph. Dotted lines are the way of an error. Left out: the quiet end of a run whose
// lease was taken over, and the Pass states in which branches end.
func drawWorkflow(g asl.Graph) string {
	var b strings.Builder
	b.WriteString("```mermaid\nflowchart TD\n")
	draw(&b, g, "    ")
	b.WriteString("```\n")
	return b.String()
}

func draw(b *strings.Builder, g asl.Graph, indent string) {
	shown := func(name string) bool {
		i := slices.IndexFunc(g.States, func(s asl.State) bool { return s.Name == name })
		return i >= 0 && (g.States[i].Type != asl.Pass || !g.States[i].Ends()) && name != "Superseded"
	}
	for _, s := range g.States {
		if !shown(s.Name) {
			continue
		}
		drawState(b, s, indent)
		ways := s.Targets
		if s.Type != asl.Choice {
			ways = []string{s.Next}
		}
		for _, to := range slices.Compact(slices.Clone(ways)) {
			if shown(to) {
				fmt.Fprintf(b, "%s%s --> %s\n", indent, s.Name, to)
			}
		}
		for _, c := range s.Catch {
			if shown(c.Next) && c.Next != s.Next {
				fmt.Fprintf(b, "%s%s -. error .-> %s\n", indent, s.Name, c.Next)
			}
		}
	}
}

func drawState(b *strings.Builder, s asl.State, indent string) {
	switch s.Type {
	case asl.Parallel:
		fmt.Fprintf(b, "%ssubgraph %s\n", indent, s.Name)
		for _, branch := range s.Branches {
			draw(b, branch, indent+"    ")
		}
		fmt.Fprintf(b, "%send\n", indent)
	case asl.Choice:
		fmt.Fprintf(b, "%s%s{%s}\n", indent, s.Name, s.Name)
	case asl.Succeed:
		fmt.Fprintf(b, "%s%s([%s])\n", indent, s.Name, s.Name)
	case asl.Fail:
		fmt.Fprintf(b, "%s%s[[%s]]\n", indent, s.Name, s.Name)
	default:
		fmt.Fprintf(b, "%s%s\n", indent, s.Name)
	}
}
