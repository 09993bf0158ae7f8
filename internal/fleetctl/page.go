package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"
	"github.com/muesli/termenv"
)

// page is what a command shows to people.
type page struct {
	out   io.Writer
	width int // in columns; 0 means any
	// margin stands before each line.
	margin string
	now    time.Time
	theme
}

// theme says how things look by what they mean.
type theme struct{ good, busy, trouble, bad, faint, strong lipgloss.Style }

func newTheme(out io.Writer, colours bool) theme {
	r := lipgloss.NewRenderer(out)
	r.SetColorProfile(termenv.Ascii)
	if colours {
		r.SetColorProfile(termenv.ANSI)
	}
	colour := func(c string) lipgloss.Style { return r.NewStyle().Foreground(lipgloss.Color(c)) }
	return theme{good: colour("2"), busy: colour("6"), trouble: colour("3"), bad: colour("1").Bold(true),
		faint: r.NewStyle().Faint(true), strong: r.NewStyle().Bold(true)}
}

// page begins what people see. Where the API has answered, its time counts.
func (c *call) page() page {
	now := c.now
	if now.IsZero() {
		now = c.clock.Now()
	}
	return page{out: c.terminal.out, width: c.terminal.width, now: now, theme: newTheme(c.terminal.out, c.terminal.colours)}
}

func (p page) line(format string, args ...any) {
	say(p.out, "%s\n", p.margin+strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "\n"+p.margin))
}

// inner is the same page, two columns further in.
func (p page) inner() page {
	p.margin += "  "
	if p.width > 0 {
		p.width -= 2
	}
	return p
}

// factIndent is where a fact begins, after its name.
const factIndent = 12

// fact is a line with a name; one without a text is left out.
func (p page) fact(name, text string) {
	if ansi.Strip(text) != "" {
		p.line("  %s%s", p.faint.Render(fmt.Sprintf("%-*s", factIndent-2, name)), p.wrap(text, factIndent))
	}
}

// below is a text under a row, indented.
func (p page) below(indent int, text string) {
	if ansi.Strip(text) != "" {
		p.line("%s%s", strings.Repeat(" ", indent), p.wrap(text, indent))
	}
}

// section begins a part of the page.
func (p page) section(name string) { p.line("\n%s", p.strong.Render(name)) }

// wrap breaks a text at words so that it fits after an indentation.
func (p page) wrap(text string, indent int) string {
	if p.width > indent+20 {
		text = ansi.Wrap(text, p.width-indent-1, "")
	}
	return strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", indent))
}

// gap is what separates columns.
const gap = "  "

// row is one of a table, whose first one are the titles. It may have a text of its own below.
type row struct {
	cells []string
	below string
}

// squeeze cuts a column so that rows fit, as far as something is left of it.
func (p page) squeeze(indent int, rows []row, column int) {
	for width := 60; width >= 12 && !p.fits(indent, rows); width-- {
		for _, r := range rows {
			r.cells[column] = ansi.Truncate(r.cells[column], width, "…")
		}
	}
}

// table aligns rows.
func (p page) table(indent int, rows ...row) {
	var widths []int
	for _, r := range rows {
		for i, cell := range r.cells {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], ansi.StringWidth(cell))
		}
	}
	for i, r := range rows {
		line := strings.Repeat(" ", indent)
		for j, cell := range r.cells {
			line += cell + strings.Repeat(" ", widths[j]-ansi.StringWidth(cell)) + gap
		}
		line = strings.TrimRight(line, " ")
		if i == 0 {
			line = p.faint.Render(line)
		}
		p.line("%s", line)
		p.below(indent+4, r.below)
	}
}

// fits reports whether a table of such rows needs no more columns than there are; the last one stays free, since some terminals
// wrap there.
func (p page) fits(indent int, rows []row) bool {
	widest := map[int]int{}
	for _, r := range rows {
		for i, cell := range r.cells {
			widest[i] = max(widest[i], ansi.StringWidth(cell))
		}
	}
	sum := indent - len(gap)
	for _, w := range widest {
		sum += w + len(gap)
	}
	return p.width == 0 || sum < p.width
}
