package main

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/project-gimbal/fleet/internal/asl"
)

const (
	// narrow is the width below which branches stand one under another; side by side they would have no room.
	narrow = 72
	// oneLine is the width from which a state's name and how it goes fit into one line.
	oneLine = 30
)

// graph draws a run's states in the order of their way, and what else was entered below.
func (t theme) graph(f frame, r runFrame, width int) []string {
	var lines []string
	if width < narrow {
		lines = t.stacked(f, r, r.graph, width)
	} else {
		c := t.column(f, r, r.graph, width)
		lines = c.lines
		if c.foot != "" {
			lines = append(lines, t.rule(c.foot, "", width))
		}
	}
	for _, state := range everyTask(r)[len(r.tasks(r.graph)):] {
		lines = append(lines, t.row(f, r, state, width))
	}
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return lines
}

// column is a graph drawn from top to bottom.
type column struct {
	width int
	lines []string
	// foot goes on below the lines: what is between the columns of a Parallel at the graph's end.
	foot string
}

func (t theme) column(f frame, r runFrame, g asl.Graph, width int) column {
	c := column{width: width}
	for _, s := range r.way(g) {
		switch {
		case s.Type == asl.Task:
			if c.foot != "" {
				c.lines, c.foot = append(c.lines, t.rule(c.foot, "", width)), ""
			}
			c.lines = append(c.lines, t.cell(f, r, s.Name, width)...)
		case len(s.Branches) > 0:
			lines, foot := t.abreast(f, r, s.Branches, width)
			c.lines = append(append(c.lines, t.rule(c.foot, lines[0], width)), lines...)
			c.foot = foot
		}
	}
	return c
}

// abreast draws branches side by side, each as wide as the columns in it need, and what goes on below the longest.
func (t theme) abreast(f frame, r runFrame, branches []asl.Graph, width int) (lines []string, foot string) {
	all := 0
	for _, branch := range branches {
		all += r.breadth(branch)
	}
	one := (width - (all - 1)) / all
	var columns []column
	height := 1
	for _, branch := range branches {
		n := r.breadth(branch)
		c := t.column(f, r, branch, n*one+n-1)
		columns = append(columns, c)
		height = max(height, len(c.lines))
	}
	for y := range height {
		lines = append(lines, t.across(columns, y))
	}
	return lines, t.across(columns, height)
}

// breadth is how many columns a graph needs.
func (r runFrame) breadth(g asl.Graph) int {
	most := 1
	for _, s := range r.way(g) {
		n := 0
		for _, branch := range s.Branches {
			n += r.breadth(branch)
		}
		most = max(most, n)
	}
	return most
}

// across is one line of columns side by side.
func (t theme) across(columns []column, y int) string {
	var line strings.Builder
	left := ""
	for i, c := range columns {
		text := c.foot
		if y < len(c.lines) {
			text = c.lines[y]
		}
		if i > 0 {
			line.WriteString(t.faint.Render(between(left, text)))
		}
		line.WriteString(text + strings.Repeat(" ", max(0, c.width-wide(text))))
		left = text
	}
	return line.String()
}

// between is the sign between two columns; it meets the rules in them.
func between(left, right string) string {
	meets := func(text string) bool { return strings.HasPrefix(ansi.Strip(text), "─") }
	switch {
	case meets(left) && meets(right):
		return "┼"
	case meets(left):
		return "┤"
	case meets(right):
		return "├"
	}
	return "│"
}

// rule is a line between two others, which it meets where they have signs between columns.
func (t theme) rule(above, below string, width int) string {
	over, under := []rune(ansi.Strip(above)), []rune(ansi.Strip(below))
	meets := func(line []rune, x int) bool { return x < len(line) && strings.ContainsRune("│├┤┼", line[x]) }
	line := []rune(strings.Repeat("─", width))
	for x := range line {
		switch {
		case meets(over, x) && meets(under, x):
			line[x] = '┼'
		case meets(over, x):
			line[x] = '┴'
		case meets(under, x):
			line[x] = '┬'
		}
	}
	return t.faint.Render(string(line))
}

// stacked draws a graph's states one under another, with an edge beside each branch.
func (t theme) stacked(f frame, r runFrame, g asl.Graph, width int) (lines []string) {
	for _, s := range r.way(g) {
		if s.Type == asl.Task {
			lines = append(lines, t.row(f, r, s.Name, width))
		}
		for _, branch := range s.Branches {
			rows := t.stacked(f, r, branch, width-2)
			for i, row := range rows {
				edge := "│"
				switch {
				case len(rows) == 1:
					edge = "╶"
				case i == 0:
					edge = "┌"
				case i == len(rows)-1:
					edge = "└"
				}
				lines = append(lines, t.faint.Render(edge)+" "+row)
			}
		}
	}
	return lines
}

// way is the way through a graph when all goes well from here on: a Choice leads where it led in this run.
func (r runFrame) way(g asl.Graph) []asl.State {
	return g.Way(func(choice asl.State) string {
		made, next := r.stays[choice.Name], choice.Default()
		for first, i := int64(0), 0; made.ID > 0 && i < len(choice.Targets); i++ {
			target := choice.Targets[i]
			if at := r.stays[target].ID; at > made.ID && (first == 0 || at < first) {
				first, next = at, target
			}
		}
		return next
	})
}

// tasks names the states of a graph that do something, in the order of their way.
func (r runFrame) tasks(g asl.Graph) (names []string) {
	for _, s := range r.way(g) {
		if s.Type == asl.Task {
			names = append(names, s.Name)
		}
		for _, branch := range s.Branches {
			names = append(names, r.tasks(branch)...)
		}
	}
	return names
}

// cell is a state in a column: its name, and how it goes beside or below.
func (t theme) cell(f frame, r runFrame, state string, width int) []string {
	if width >= oneLine {
		return []string{t.row(f, r, state, width)}
	}
	mark, text, style := t.state(f, r, state, width)
	name := t.faint
	if text != "" {
		name = style
	}
	return []string{name.Render(cut(state, width)), style.Render(cut(mark+" "+text, width))}
}
