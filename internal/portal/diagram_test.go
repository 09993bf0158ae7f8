package portal

import (
	"math"
	"slices"
	"testing"

	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/statemachines"
)

// knotty has what is hard to draw: a Parallel in a branch of another, with errors that skip states; a loop; an end that everything may come
// to; a state that is alone.
const knotty = `{"StartAt":"Poll","States":{
"Poll":{"Type":"Pass","Next":"Ready"},
"Ready":{"Type":"Choice","Choices":[{"Variable":"$.n","NumericEquals":0,"Next":"Again"},{"Variable":"$.n","NumericEquals":1,"Next":"Gone"}],"Default":"Outer"},
"Again":{"Type":"Wait","Seconds":1,"Next":"Poll"},
"Outer":{"Type":"Parallel","Next":"Each","Catch":[{"ErrorEquals":["Gone"],"Next":"Gone"},{"ErrorEquals":["States.ALL"],"Next":"Mend"}],"Branches":[
	{"StartAt":"First","States":{"First":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f","Payload.$":"$"},"Next":"Inner","Catch":[{"ErrorEquals":["States.ALL"],"Next":"FirstEnded"}]},
		"Inner":{"Type":"Parallel","Next":"Second","Catch":[{"ErrorEquals":["States.ALL"],"Next":"FirstEnded"}],"Branches":[
			{"StartAt":"Deep","States":{"Deep":{"Type":"Pass","Next":"Deeper"},"Deeper":{"Type":"Pass","End":true}}},
			{"StartAt":"Beside","States":{"Beside":{"Type":"Pass","End":true}}}]},
		"Second":{"Type":"Pass","Next":"FirstEnded"},"FirstEnded":{"Type":"Pass","End":true}}},
	{"StartAt":"Other","States":{"Other":{"Type":"Pass","End":true}}}]},
"Each":{"Type":"Map","ItemProcessor":{"StartAt":"One","States":{"One":{"Type":"Pass","End":true}}},"Next":"Done","Catch":[{"ErrorEquals":["States.ALL"],"Next":"Gone"}]},
"Mend":{"Type":"Pass","Next":"Done"},
"Done":{"Type":"Succeed"},"Gone":{"Type":"Fail","Error":"Gone"}}}`

// drawn are the graphs that the tests draw, by name: those of Fleet, and the knotty one.
func drawn(t *testing.T) map[string]asl.Graph {
	t.Helper()
	functions := map[string]string{}
	for _, f := range catalog.Functions() {
		functions[f.State()] = f.Name
	}
	definitions := map[string][]byte{"knotty": []byte(knotty)}
	for _, workflow := range catalog.Workflows() {
		definition, err := statemachines.Definition(workflow)
		if err != nil {
			t.Fatal(err)
		}
		definitions[workflow] = definition
	}
	all := map[string]asl.Graph{"sample": sampleGraph()}
	for name, definition := range definitions {
		machine, err := asl.Parse(definition, functions)
		if err != nil {
			t.Fatal(name, err)
		}
		all[name] = machine.Graph()
	}
	return all
}

// TestWorkflowsAreLaidOut: no state covers another, but a frame its own; nothing is outside; every way is drawn from its state to its
// other one, and leads through no third.
func TestWorkflowsAreLaidOut(t *testing.T) {
	for workflow, g := range drawn(t) {
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
			wantLed(t, workflow, d, e)
		}
	}
}

func wantLed(t *testing.T, workflow string, d diagram, e edge) {
	t.Helper()
	if len(e.Points) < 2 {
		t.Errorf("%s: no way from %s to %s", workflow, e.From, e.To)
		return
	}
	for _, p := range e.Points {
		if p[0] < 0 || p[1] < 0 || p[0] > d.Width || p[1] > d.Height {
			t.Errorf("%s: the way from %s to %s leads outside", workflow, e.From, e.To)
		}
	}
	for _, b := range d.Boxes {
		begins, ends := on(b, e.Points[0]), on(b, e.Points[len(e.Points)-1])
		if e.From == b.State.Name && !begins || e.To == b.State.Name && !ends {
			t.Errorf("%s: the way from %s to %s is not at %s", workflow, e.From, e.To, b.State.Name)
		}
		if !holds(b.State, e.From) && cuts(e, b) {
			t.Errorf("%s: the way from %s to %s leads through %s", workflow, e.From, e.To, b.State.Name)
		}
	}
}

// on reports whether a point is on the border of a box.
func on(b box, p [2]float64) bool {
	beside := p[0] >= b.X-1 && p[0] <= b.X+b.W+1 && p[1] >= b.Y-1 && p[1] <= b.Y+b.H+1
	inside := p[0] > b.X+1 && p[0] < b.X+b.W-1 && p[1] > b.Y+1 && p[1] < b.Y+b.H-1
	return beside && !inside
}

// TestMainlineIsAColumn: what happens when all goes well reads straight down, its states one below the other, and so does each branch.
func TestMainlineIsAColumn(t *testing.T) {
	for workflow, g := range drawn(t) {
		places := map[string]box{}
		for _, b := range lay(g).Boxes {
			places[b.State.Name] = b
		}
		column := func(g asl.Graph) {
			line := g.Mainline()
			for i, s := range line[1:] {
				above, below := places[line[i].Name], places[s.Name]
				if math.Abs(above.X+above.W/2-below.X-below.W/2) > 0.5 || below.Y < above.Y+above.H {
					t.Errorf("%s: %s is not below %s", workflow, s.Name, line[i].Name)
				}
			}
		}
		column(g)
		g.Walk(func(s asl.State) {
			for _, branch := range s.Branches {
				column(branch)
			}
		})
	}
}

// TestWorkflowsFitAWindow of 1280 pixels, with the page's margins and a scroll bar, and are drawn the same each time.
func TestWorkflowsFitAWindow(t *testing.T) {
	for workflow, g := range drawn(t) {
		d := lay(g)
		if d.Width > 1180 {
			t.Errorf("%s is %.0f pixels wide", workflow, d.Width)
		}
		for range 10 {
			if again := lay(g); !slices.EqualFunc(d.Boxes, again.Boxes, func(a, b box) bool { return a.X == b.X && a.Y == b.Y }) {
				t.Fatalf("%s is drawn otherwise", workflow)
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
