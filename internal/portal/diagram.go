package portal

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/nulab/autog"
	"github.com/nulab/autog/graph"

	"github.com/project-gimbal/fleet/internal/asl"
)

// The measures of a diagram, in CSS pixels: a state's box, the room between boxes, a frame's margin
// and the height of its name, and how round an edge's bends are.
const (
	boxWidth, boxHeight = 200.0, 48.0
	layerGap, nodeGap   = 40.0, 20.0
	margin, heading     = 14.0, 54.0
	bend                = 18.0
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

// laying keeps autog to one layout at a time: it has a global monitor.
var laying sync.Mutex

// lay gives the states of a graph their places. What is within a Parallel or a Map is laid out before, and is one box then: no edge
// leads over a frame's border.
func lay(g asl.Graph) diagram {
	inner, sizes := map[string]diagram{}, map[string]graph.Size{}
	for _, s := range g.States {
		size := graph.Size{W: boxWidth, H: boxHeight}
		if len(s.Branches) > 0 {
			d := abreast(s.Branches)
			inner[s.Name], size = d, graph.Size{W: max(boxWidth, d.Width+2*margin), H: heading + d.Height + margin}
		}
		sizes[s.Name] = size
	}
	edges := edgesOf(g)
	places := place(edges, sizes)
	d := diagram{Edges: edges}
	for _, s := range g.States {
		at, connected := places[s.Name]
		if !connected { // to nothing, as the one state of a branch is
			at = sizes[s.Name]
			at.X = d.Width
		}
		d.Boxes = append(d.Boxes, box{s, at.X, at.Y, at.W, at.H})
		in := inner[s.Name]
		d.add(in, at.X+(at.W-in.Width)/2, at.Y+heading)
		d.Width, d.Height = max(d.Width, at.X+at.W), max(d.Height, at.Y+at.H)
	}
	for _, e := range edges {
		for _, p := range e.Points {
			d.Width, d.Height = max(d.Width, p[0]), max(d.Height, p[1])
		}
	}
	return d
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

// place lays out the states that edges connect, and bends the edges.
func place(edges []edge, sizes map[string]graph.Size) map[string]graph.Size {
	places := map[string]graph.Size{}
	if len(edges) == 0 {
		return places
	}
	var pairs, caught graph.EdgeSlice
	for _, e := range edges {
		if pair := []string{e.From, e.To}; e.Catch {
			caught = append(caught, pair)
		} else {
			pairs = append(pairs, pair)
		}
	}
	laying.Lock()
	layout := autog.Layout(slices.Concat(pairs, caught), autog.WithNodeSize(sizes), autog.WithLayerSpacing(layerGap), autog.WithNodeSpacing(nodeGap),
		autog.WithCycleBreaking(autog.CycleBreakingDepthFirst), autog.WithPositioning(autog.PositioningSinkColoring),
		autog.WithEdgeRouting(autog.EdgeRoutingPolyline))
	laying.Unlock()
	for _, n := range layout.Nodes {
		places[n.ID] = n.Size
	}
	for i, e := range edges {
		at := slices.IndexFunc(layout.Edges, func(l graph.Edge) bool { return l.FromID == e.From && l.ToID == e.To })
		if at >= 0 {
			edges[i].Points = past(layout.Edges[at].Points, places)
		}
	}
	return places
}

// past leads an edge past each layer that it crosses, where it would bend in the layer's middle and cut what is high in it.
func past(points [][2]float64, places map[string]graph.Size) (led [][2]float64) {
	for i, p := range points {
		top, bottom := p[1], p[1]
		if i > 0 && i < len(points)-1 {
			for _, box := range places {
				if box.Y <= p[1] && p[1] <= box.Y+box.H {
					top, bottom = min(top, box.Y), max(bottom, box.Y+box.H)
				}
			}
		}
		if led = append(led, [2]float64{p[0], top}); bottom > top {
			led = append(led, [2]float64{p[0], bottom})
		}
	}
	return led
}

// Path is the edge as the data of an SVG path, its bends rounded.
func (e edge) Path() string {
	var b strings.Builder
	for i, p := range e.Points {
		switch {
		case i == 0:
			fmt.Fprintf(&b, "M%.1f,%.1f", p[0], p[1])
		case i == len(e.Points)-1:
			fmt.Fprintf(&b, " L%.1f,%.1f", p[0], p[1])
		default:
			before, after := toward(p, e.Points[i-1]), toward(p, e.Points[i+1])
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
