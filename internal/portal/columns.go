package portal

import (
	"cmp"
	"slices"
	"sync"

	"github.com/nulab/autog"
	"github.com/nulab/autog/graph"

	"github.com/project-gimbal/fleet/internal/asl"
)

// The room between two layers, where only straight ways lead and where others do, and between the columns, in CSS pixels.
const (
	straightGap, layerGap = 26.0, 38.0
	columnGap             = 60.0
)

// laying keeps autog to one layout at a time: it has a global monitor.
var laying sync.Mutex

// columns are a graph's states in their places: in layers from above to below, and in columns. The middle one, around x = 0, is what happens
// when all goes well; the others are beside it.
type columns struct {
	boxes  map[string]*box
	layers [][]string     // from above to below
	layer  map[string]int // of each state
	lanes  []lane
}

// stand gives the boxes their places.
func stand(g asl.Graph, edges []edge, boxes map[string]*box) *columns {
	c := &columns{boxes: boxes}
	c.layer, c.layers = layered(g, edges, boxes)
	main := map[string]bool{}
	for _, s := range g.Mainline() {
		main[s.Name] = true
	}
	for _, names := range c.layers {
		c.abreast(names, main, edges)
	}
	return c
}

// layered leaves to autog in which layer a state is, and how high that is: a way leads downward, unless it closes a loop.
func layered(g asl.Graph, edges []edge, boxes map[string]*box) (layer map[string]int, layers [][]string) {
	sizes := map[string]graph.Size{}
	for name, b := range boxes {
		sizes[name] = graph.Size{W: b.W, H: b.H}
	}
	gap := straightGap
	if len(edges) >= len(g.States) {
		gap = layerGap
	}
	if pairs := connected(g, edges); len(pairs) > 0 {
		laying.Lock()
		layout := autog.Layout(pairs, autog.WithNodeSize(sizes), autog.WithLayerSpacing(gap), autog.WithCycleBreaking(autog.CycleBreakingDepthFirst),
			autog.WithPositioning(autog.PositioningVAlign), autog.WithEdgeRouting(autog.EdgeRoutingNoop))
		laying.Unlock()
		for _, n := range layout.Nodes {
			boxes[n.ID].Y = n.Y
		}
	}
	names := make([]string, 0, len(boxes))
	for _, s := range g.States {
		names = append(names, s.Name)
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(boxes[a].Y, boxes[b].Y) })
	layer = map[string]int{}
	for i, name := range names {
		if i == 0 || boxes[name].Y > boxes[names[i-1]].Y {
			layers = append(layers, nil)
		}
		layer[name] = len(layers) - 1
		layers[layer[name]] = append(layers[layer[name]], name)
	}
	return layer, layers
}

// connected are the edges as autog takes them, those after errors last, and one from the start to whatever no edge leads to: autog would
// lay that out for itself.
func connected(g asl.Graph, edges []edge) (pairs graph.EdgeSlice) {
	next := map[string][]string{}
	for _, caught := range []bool{false, true} {
		for _, e := range edges {
			if e.Catch == caught && e.From != e.To {
				pairs = append(pairs, []string{e.From, e.To})
				next[e.From] = append(next[e.From], e.To)
			}
		}
	}
	reached := map[string]bool{}
	var reach func(name string)
	reach = func(name string) {
		if !reached[name] {
			reached[name] = true
			for _, to := range next[name] {
				reach(to)
			}
		}
	}
	reach(g.StartAt)
	for _, s := range g.States {
		if !reached[s.Name] {
			pairs = append(pairs, []string{g.StartAt, s.Name})
			reach(s.Name)
		}
	}
	return pairs
}

// abreast places the states of a layer: the main one in the middle; of the others those first, and to the right, that others beside the
// middle lead to.
func (c *columns) abreast(names []string, main map[string]bool, edges []edge) {
	left, right := 0.0, 0.0
	names = slices.Clone(names)
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(share(b, main, edges), share(a, main, edges)) })
	for i, name := range names {
		b := c.boxes[name]
		switch {
		case main[name] && i == 0:
			b.X = -b.W / 2
			left, right = b.X, b.X+b.W
		case -left < right:
			left = min(left-nodeGap, -boxWidth/2-columnGap)
			b.X = left - b.W
			left = b.X
		default:
			b.X = max(right+nodeGap, boxWidth/2+columnGap)
			right = b.X + b.W
		}
	}
}

// share is which part of the ways to a state comes from beside the middle; 2 for one in the middle.
func share(name string, main map[string]bool, edges []edge) float64 {
	if main[name] {
		return 2
	}
	all, beside := 0.0, 0.0
	for _, e := range edges {
		if e.To == name {
			all++
			if !main[e.From] {
				beside++
			}
		}
	}
	return beside / max(all, 1)
}
