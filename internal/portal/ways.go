package portal

import (
	"cmp"
	"math"
	"slices"
)

// laneGap is the room between two lanes, and between a lane and a box, in CSS pixels.
const laneGap = 16.0

// lane is a straight way down or up outside of all boxes between two layers. All ways to one state share theirs.
type lane struct {
	to          string
	right       bool
	first, last int // the layers that it passes
	x, y        float64
}

// lead gives the edges their points: straight where nothing is between, else around one corner or two where nothing is there, else by a lane.
func (c *columns) lead(edges []edge) {
	var round []int
	for i, e := range edges {
		for _, way := range []func(edge) [][2]float64{c.straight, c.corner, c.step} {
			if edges[i].Points == nil {
				edges[i].Points = way(e)
			}
		}
		if edges[i].Points == nil {
			round = append(round, i)
			c.widen(e)
		}
	}
	c.spread()
	for _, i := range round {
		edges[i].Points = c.along(edges[i])
	}
}

func middle(b *box) float64 { return b.X + b.W/2 }

// side is how high an edge leaves a box that it leaves by its side.
func side(b *box) float64 { return b.Y + min(b.H, boxHeight)/2 }

// straight leads down, nil where that is not the way.
func (c *columns) straight(e edge) [][2]float64 {
	from, to := c.boxes[e.From], c.boxes[e.To]
	if math.Abs(middle(from)-middle(to)) > 0.5 || !c.below(e, middle(to)) {
		return nil
	}
	return [][2]float64{{middle(from), from.Y + from.H}, {middle(to), to.Y}}
}

// corner leads out at the side, and down to the state; nil where that is not the way.
func (c *columns) corner(e edge) [][2]float64 {
	from, to := c.boxes[e.From], c.boxes[e.To]
	x, begin := middle(to), from.X+from.W
	if x < middle(from) {
		begin = from.X
	}
	if math.Abs(x-middle(from)) < from.W/2+laneGap || !c.below(e, x) || c.taken(c.layer[e.From], begin, x, e.From) {
		return nil
	}
	return [][2]float64{{begin, side(from)}, {x, side(from)}, {x, to.Y}}
}

// step leads down, over to the state between the two layers, and down again; nil where that is not the way.
func (c *columns) step(e edge) [][2]float64 {
	from, to := c.boxes[e.From], c.boxes[e.To]
	if c.layer[e.To] != c.layer[e.From]+1 {
		return nil
	}
	y := c.bottom(c.layer[e.From]) + straightGap/2
	return [][2]float64{{middle(from), from.Y + from.H}, {middle(from), y}, {middle(to), y}, {middle(to), to.Y}}
}

// below reports whether an edge leads downward and finds no box at x in the layers that it passes.
func (c *columns) below(e edge, x float64) bool {
	first, last := c.layer[e.From], c.layer[e.To]
	for between := first + 1; between < last; between++ {
		if c.taken(between, x, x, "") {
			return false
		}
	}
	return first < last
}

// taken reports whether a box of a layer, another than the named one, is between two places.
func (c *columns) taken(layer int, x1, x2 float64, but string) bool {
	return slices.ContainsFunc(c.layers[layer], func(name string) bool {
		b := c.boxes[name]
		return name != but && b.X-laneGap/2 < max(x1, x2) && min(x1, x2) < b.X+b.W+laneGap/2
	})
}

// widen lets the lane to an edge's state, a new one if there is none, pass what the edge passes.
func (c *columns) widen(e edge) {
	from, to := c.layer[e.From], c.layer[e.To]
	first, last := min(from, to), max(from, to-1)
	if at := c.laneTo(e.To); at >= 0 {
		c.lanes[at].first, c.lanes[at].last = min(c.lanes[at].first, first), max(c.lanes[at].last, last)
		return
	}
	right := middle(c.boxes[e.To]) > 0.5
	if math.Abs(middle(c.boxes[e.To])) <= 0.5 { // in the middle: where there is less
		sides := map[bool]int{}
		for _, l := range c.lanes {
			sides[l.right]++
		}
		right = sides[true] < sides[false]
	}
	c.lanes = append(c.lanes, lane{to: e.To, right: right, first: first, last: last})
}

func (c *columns) laneTo(name string) int {
	return slices.IndexFunc(c.lanes, func(l lane) bool { return l.to == name })
}

// spread gives each lane its place, the shorter ones nearer to the boxes, and how high it turns to its state.
func (c *columns) spread() {
	slices.SortStableFunc(c.lanes, func(a, b lane) int { return cmp.Compare(a.last-a.first, b.last-b.first) })
	for i := range c.lanes {
		l := &c.lanes[i]
		l.y = c.boxes[l.to].Y - laneGap
		for layer := l.first; layer <= l.last; layer++ {
			for _, name := range c.layers[layer] {
				if b := c.boxes[name]; l.right {
					l.x = max(l.x, b.X+b.W+laneGap)
				} else {
					l.x = min(l.x, b.X-laneGap)
				}
			}
		}
		for _, other := range c.lanes[:i] {
			if other.right == l.right && other.first <= l.last+1 && l.first <= other.last+1 && math.Abs(other.x-l.x) < laneGap {
				l.x = other.x + math.Copysign(laneGap, l.x)
			}
		}
	}
}

// along leads an edge by its lane: out at the side, or below where another box is beside, and in from above.
func (c *columns) along(e edge) [][2]float64 {
	from, to, l := c.boxes[e.From], c.boxes[e.To], c.lanes[c.laneTo(e.To)]
	begin := from.X
	if l.right {
		begin += from.W
	}
	points := [][2]float64{{begin, side(from)}, {l.x, side(from)}}
	if c.taken(c.layer[e.From], begin, l.x, e.From) {
		bottom := from.Y + from.H
		points = [][2]float64{{middle(from), bottom}, {middle(from), c.bottom(c.layer[e.From]) + straightGap/2}, {l.x, c.bottom(c.layer[e.From]) + straightGap/2}}
	}
	return append(points, [2]float64{l.x, l.y}, [2]float64{middle(to), l.y}, [2]float64{middle(to), to.Y})
}

// bottom is where a layer ends.
func (c *columns) bottom(layer int) (y float64) {
	for _, name := range c.layers[layer] {
		y = max(y, c.boxes[name].Y+c.boxes[name].H)
	}
	return y
}
