package main

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/view"
)

// Run lists the fleet.
func (l *listCommand) Run(c *call) error {
	query, err := l.query()
	if err != nil {
		return err
	}
	if c.flags.JSON && len(l.State) > 1 {
		return wrong("with --json the API chooses, and it knows one --state at a time: choose with jq")
	}
	if !c.flags.JSON {
		query = nil // people are shown beginnings of ids that tell each from all others
	}
	var all view.Fleet
	text, err := c.get("/instances", query, &all)
	if err != nil {
		return err
	}
	if c.flags.JSON {
		return c.document(text)
	}
	shown := all.Instances
	if len(l.State) > 0 {
		shown = slices.DeleteFunc(slices.Clone(shown), func(r view.Row) bool {
			return !slices.ContainsFunc(l.State, func(s string) bool {
				return strings.EqualFold(s, string(r.State)) || strings.EqualFold(s, string(r.Signup)) || strings.EqualFold(s, string(r.Stage))
			})
		})
	}
	c.page().fleet(all, shown)
	return nil
}

// query asks the API for one state only.
func (l *listCommand) query() (url.Values, error) {
	query := url.Values{}
	for _, state := range l.State {
		known := strings.ToUpper(state)
		switch {
		case slices.Contains(fleet.States(), fleet.State(known)):
			query.Add("state", known)
		case slices.Contains(fleet.SignupStatuses(), fleet.SignupStatus(known)):
			query.Add("signup", known)
		case slices.Contains(fleet.Stages(), fleet.Stage(strings.ToLower(state))):
			query.Add("stage", strings.ToLower(state))
		default:
			return nil, wrong("--state: %q is none of %v, nor of a signup's %v, nor of an end's %v", state, fleet.States(), fleet.SignupStatuses(), fleet.Stages())
		}
	}
	return query, nil
}

// fleet shows rows of the fleet.
func (p page) fleet(all view.Fleet, shown []view.Row) {
	p.frozen(all.Frozen)
	if len(shown) == 0 {
		if len(all.Instances) == 0 {
			p.line("There is no signup yet.")
		} else {
			p.line("None of the %d is in such a state.", len(all.Instances))
		}
		return
	}
	rows := []row{{cells: []string{"ID", "SLUG", "STATE", "DEADLINE", "INCIDENTS", "SIGNED UP"}}}
	width := handle(all.Instances)
	waiting := 0
	for _, r := range shown {
		if r.Signup == fleet.Requested {
			waiting++
		}
		rows = append(rows, row{cells: []string{r.ID[:min(width, len(r.ID))], p.strong.Render(r.Slug), p.staged(r), p.due(r),
			p.open(r.Incidents), p.faint.Render(view.Relative(r.Since, p.now))}, below: p.whatNext(r)})
	}
	if !p.fits(0, rows) {
		for i := range rows {
			rows[i].cells = rows[i].cells[:5] // since when matters least
		}
	}
	p.squeeze(0, rows, 1)
	p.table(0, rows...)
	footer := counted(len(shown), "instance")
	if len(shown) < len(all.Instances) {
		footer += fmt.Sprintf(" of %d", len(all.Instances))
	}
	if waiting > 0 {
		footer += fmt.Sprintf("; %d to decide on: fleetctl approve, fleetctl reject", waiting)
	}
	p.line("\n%s", p.faint.Render(footer))
}

// handle is how many characters of an id tell each from all others, 8 at least.
func handle(all []view.Row) int {
	for n := 8; n < 36; n++ {
		seen := map[string]bool{}
		for _, r := range all {
			seen[r.ID[:min(n, len(r.ID))]] = true
		}
		if len(seen) == len(all) && n != 9 && n != 14 && n != 19 && n != 24 { // those end in a dash
			return n
		}
	}
	return 36
}

// frozen says what is frozen, and why.
func (p page) frozen(freezes []fleet.Freeze) {
	for _, f := range freezes {
		what := f.Scope + " is frozen: nothing new that needs it starts"
		if f.Scope == fleet.WholeFleet {
			what = "The fleet is frozen: nothing new starts"
		}
		text := fmt.Sprintf("%s. %s (%s, %s; fleetctl thaw %s)", what, f.Reason, view.Who(f.By), view.Relative(f.Since, p.now), f.Scope)
		p.line("%s", p.wrap(p.trouble.Render(text), 0))
	}
	if len(freezes) > 0 {
		p.line("")
	}
}

// standing is the state in its colour, with the place of what waits.
func (p page) standing(r view.Row) string {
	text := standing(r)
	switch {
	case r.State == fleet.Active:
		return p.good.Render(text)
	case r.State == fleet.Provisioning, r.State == fleet.Maintenance:
		return p.busy.Render(text)
	case r.State == fleet.Suspended, r.State == "" && r.Signup == fleet.Requested:
		return p.trouble.Render(text)
	case r.State == "" && r.Signup == fleet.Approved && r.Place > 0:
		return p.busy.Render(fmt.Sprintf("%s #%d", text, r.Place))
	}
	return text
}

// staged is the state with how far its end is, and whether a legal hold stands.
func (p page) staged(r view.Row) string {
	text := p.standing(r)
	if r.Stage != "" && r.Stage != fleet.Ended {
		text += ", " + p.trouble.Render(view.Staged(r.Stage))
	}
	if r.Held {
		text += ", " + p.trouble.Render("on hold")
	}
	return text
}

// due is the deadline of what is under way, or else when the stage of an end is over.
func (p page) due(r view.Row) string {
	if r.Progress.Deadline.IsZero() && !r.Ends.IsZero() {
		return view.Relative(r.Ends, p.now)
	}
	return p.deadline(r.Progress)
}

func (p page) deadline(g fleet.Progress) string {
	text := either(view.Until(g.Deadline, p.now), "-")
	if strings.HasPrefix(text, "overdue") {
		return p.bad.Render(text)
	}
	return text
}

func (p page) open(n int) string {
	if n == 0 {
		return "-"
	}
	return p.bad.Render(fmt.Sprintf("%d open", n))
}

// whatNext says why it is where it is and what comes after; nothing where all is well or over.
func (p page) whatNext(r view.Row) string {
	if r.State == fleet.Active && r.Progress.Reason == "" || over(r) {
		return ""
	}
	next := r.Progress.NextAction
	if next != "" {
		next = "next: " + next
	}
	return joined("; ", r.Progress.Reason, next)
}
