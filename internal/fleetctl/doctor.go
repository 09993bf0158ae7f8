package main

import (
	"fmt"
	"slices"

	"github.com/charmbracelet/lipgloss"

	"github.com/project-gimbal/fleet/internal/view"
)

// Run lets the doctor look.
func (d *doctorCommand) Run(c *call) error {
	var found view.Diagnosis
	text, err := c.get("/doctor", nil, &found)
	if err != nil {
		return err
	}
	if c.flags.JSON {
		err = c.document(text)
	} else {
		c.page().diagnosis(found)
	}
	if err == nil && slices.ContainsFunc(found.Checks, func(k view.Check) bool { return k.Verdict == view.Broken }) {
		return errFound
	}
	return err
}

// diagnosis shows the checks, the worst first.
func (p page) diagnosis(d view.Diagnosis) {
	order := []view.Verdict{view.Broken, view.Warning, view.Unchecked, view.Fine}
	styles := map[view.Verdict]lipgloss.Style{view.Broken: p.bad, view.Warning: p.trouble, view.Unchecked: p.faint, view.Fine: p.good}
	checks := slices.Clone(d.Checks)
	slices.SortStableFunc(checks, func(a, b view.Check) int { return slices.Index(order, a.Verdict) - slices.Index(order, b.Verdict) })
	name := 0
	for _, k := range checks {
		name = max(name, len(k.Name))
	}
	count := map[view.Verdict]int{}
	for _, k := range checks {
		count[k.Verdict]++
		style, ok := styles[k.Verdict]
		if !ok {
			style = p.trouble
		}
		indent := len(view.Unchecked) + len(gap) + name + len(gap)
		p.line("%s%s%-*s%s%s", style.Render(fmt.Sprintf("%-*s", len(view.Unchecked), k.Verdict)), gap, name, k.Name, gap, p.wrap(k.Found, indent))
		if k.Mend != "" {
			p.below(indent, p.strong.Render("mend: "+k.Mend))
		}
	}
	text := ""
	for _, v := range order {
		if count[v] > 0 {
			text = joined(", ", text, fmt.Sprintf("%d %s", count[v], v))
		}
	}
	p.line("\n%s", p.faint.Render(either(text, "nothing was checked")+"; looked at "+view.Stamp(d.At)))
}
