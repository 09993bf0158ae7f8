package portal

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/project-gimbal/fleet/internal/asl"
)

// The measures of a diagram, in CSS pixels: a state's box, the room between two beside each other, a frame's margin and the height of its
// name, and how round an edge's bends are.
const (
	boxWidth, boxHeight = 198.0, 46.0
	nodeGap             = 20.0
	margin, heading     = 14.0, 52.0
	bend                = 12.0
)

// diagram is a workflow's graph with a place for everything.
type diagram struct {
	Width, Height float64
	// Boxes are the states in the definition's order: a Parallel or Map, which is a frame, before what is in it.
	Boxes []box
	Edges []edge
}

// box is a state's place, by its upper left corner.
type box struct {
	State      asl.State
	X, Y, W, H float64
}

// Frame reports whether other states are inside.
func (b box) Frame() bool { return len(b.State.Branches) > 0 }

// edge is a way from one state to another.
type edge struct {
	From, To string
	// Catch says that it is taken after an error only.
	Catch bool
	// Points are its bends, from its begin to its end.
	Points [][2]float64
}

// lay gives the states of a graph their places, and leads the ways between them. What is within a Parallel or a Map is laid out before, and
// is one box then: no way leads over a frame's border.
func lay(g asl.Graph) diagram {
	inner, boxes := map[string]diagram{}, map[string]*box{}
	for _, s := range g.States {
		b := &box{State: s, W: boxWidth, H: boxHeight}
		if b.Frame() {
			d := abreast(s.Branches)
			inner[s.Name], b.W, b.H = d, max(boxWidth, d.Width+2*margin), heading+d.Height+margin
		}
		boxes[s.Name] = b
	}
	edges := edgesOf(g)
	c := stand(g, edges, boxes)
	c.lead(edges)
	d := diagram{Edges: edges}
	for _, s := range g.States {
		b, in := *boxes[s.Name], inner[s.Name]
		d.Boxes = append(d.Boxes, b)
		d.add(in, b.X+(b.W-in.Width)/2, b.Y+heading)
	}
	return d.moved()
}

// moved is d with its upper left corner at 0, 0, and its size.
func (d diagram) moved() (all diagram) {
	left, top := math.Inf(1), math.Inf(1)
	for _, b := range d.Boxes {
		left, top = min(left, b.X), min(top, b.Y)
	}
	for _, e := range d.Edges {
		for _, p := range e.Points {
			left, top = min(left, p[0]), min(top, p[1])
		}
	}
	all.add(d, -left, -top)
	for _, b := range all.Boxes {
		all.Width, all.Height = max(all.Width, b.X+b.W), max(all.Height, b.Y+b.H)
	}
	for _, e := range all.Edges {
		for _, p := range e.Points {
			all.Width, all.Height = max(all.Width, p[0]), max(all.Height, p[1])
		}
	}
	return all
}

// abreast lays out branches, one beside the other.
func abreast(branches []asl.Graph) (all diagram) {
	for i, branch := range branches {
		if i > 0 {
			all.Width += nodeGap
		}
		d := lay(branch)
		all.add(d, all.Width, 0)
		all.Width, all.Height = all.Width+d.Width, max(all.Height, d.Height)
	}
	return all
}

// add puts what is in another diagram into d, moved.
func (d *diagram) add(other diagram, x, y float64) {
	for _, b := range other.Boxes {
		b.X, b.Y = b.X+x, b.Y+y
		d.Boxes = append(d.Boxes, b)
	}
	for _, e := range other.Edges {
		e.Points = slices.Clone(e.Points)
		for i := range e.Points {
			e.Points[i][0] += x
			e.Points[i][1] += y
		}
		d.Edges = append(d.Edges, e)
	}
}

// edgesOf are the ways between the states of a graph, each once.
func edgesOf(g asl.Graph) (edges []edge) {
	for _, s := range g.States {
		caught := map[string]bool{}
		for _, c := range s.Catch {
			caught[c.Next] = true
		}
		seen := map[string]bool{}
		for _, to := range s.Targets {
			if !seen[to] {
				seen[to] = true
				edges = append(edges, edge{From: s.Name, To: to, Catch: caught[to] && to != s.Next})
			}
		}
	}
	return edges
}

// Path is the edge as the data of an SVG path, its bends rounded. It begins at the end: where ways to one state join, their dashes fall into one
// another then.
func (e edge) Path() string {
	var b strings.Builder
	for i, p := range slices.Backward(e.Points) {
		switch i {
		case len(e.Points) - 1:
			fmt.Fprintf(&b, "M%.1f,%.1f", p[0], p[1])
		case 0:
			fmt.Fprintf(&b, " L%.1f,%.1f", p[0], p[1])
		default:
			before, after := toward(p, e.Points[i+1]), toward(p, e.Points[i-1])
			fmt.Fprintf(&b, " L%.1f,%.1f Q%.1f,%.1f %.1f,%.1f", before[0], before[1], p[0], p[1], after[0], after[1])
		}
	}
	return b.String()
}

// toward is a point near p on the way to other.
func toward(p, other [2]float64) [2]float64 {
	x, y := other[0]-p[0], other[1]-p[1]
	part := min(bend/max(math.Hypot(x, y), bend), 0.5)
	return [2]float64{p[0] + x*part, p[1] + y*part}
}
