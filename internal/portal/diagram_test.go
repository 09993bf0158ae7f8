package portal

import (
	"testing"

	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/statemachines"
)

// TestWorkflowsAreLaidOut: no state covers another, but a frame its own; nothing is outside; every way is drawn, and none is where
// a frame is that it doesn't begin or end at.
func TestWorkflowsAreLaidOut(t *testing.T) {
	functions := map[string]string{}
	for _, f := range catalog.Functions() {
		functions[f.State()] = f.Name
	}
	for _, workflow := range catalog.Workflows() {
		definition, err := statemachines.Definition(workflow)
		if err != nil {
			t.Fatal(err)
		}
		machine, err := asl.Parse(definition, functions)
		if err != nil {
			t.Fatal(err)
		}
		g := machine.Graph()
		d, n := lay(g), 0
		g.Walk(func(asl.State) { n++ })
		if len(d.Boxes) != n {
			t.Errorf("%s: %d of %d states", workflow, len(d.Boxes), n)
		}
		for i, b := range d.Boxes {
			if b.X < 0 || b.Y < 0 || b.X+b.W > d.Width || b.Y+b.H > d.Height {
				t.Errorf("%s: %s is outside", workflow, b.State.Name)
			}
			for _, other := range d.Boxes[i+1:] {
				apart := b.X+b.W <= other.X || other.X+other.W <= b.X || b.Y+b.H <= other.Y || other.Y+other.H <= b.Y
				if within := holds(b.State, other.State.Name); apart == within {
					t.Errorf("%s: %s and %s: apart %t", workflow, b.State.Name, other.State.Name, apart)
				}
			}
		}
		for _, e := range d.Edges {
			if len(e.Points) < 2 {
				t.Errorf("%s: no way from %s to %s", workflow, e.From, e.To)
			}
			for _, b := range d.Boxes {
				if b.Frame() && e.From != b.State.Name && e.To != b.State.Name && !holds(b.State, e.From) && cuts(e, b) {
					t.Errorf("%s: the way from %s to %s leads through %s", workflow, e.From, e.To, b.State.Name)
				}
			}
		}
	}
}

// holds reports whether a state is in the branches of another.
func holds(s asl.State, name string) bool {
	for _, branch := range s.Branches {
		if _, in := branch.Find(name); in {
			return true
		}
	}
	return false
}

// cuts reports whether a point of an edge is within a box.
func cuts(e edge, b box) bool {
	for i := 1; i < len(e.Points); i++ {
		from, to := e.Points[i-1], e.Points[i]
		for part := 0.0; part <= 1; part += 0.01 {
			x, y := from[0]+(to[0]-from[0])*part, from[1]+(to[1]-from[1])*part
			if x > b.X+1 && x < b.X+b.W-1 && y > b.Y+1 && y < b.Y+b.H-1 {
				return true
			}
		}
	}
	return false
}
