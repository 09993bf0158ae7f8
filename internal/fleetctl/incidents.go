package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/project-gimbal/fleet/internal/fault/runbooks"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/view"
)

// Run lists the open incidents.
func (i *incidentsCommand) Run(c *call) error {
	var open view.Incidents
	text, err := c.get("/incidents", nil, &open)
	if err != nil {
		return err
	}
	if c.flags.JSON {
		err = c.document(text)
	} else {
		c.page().incidents(open.Incidents)
	}
	if err == nil && i.Fail && len(open.Incidents) > 0 {
		return errFound
	}
	return err
}

func (p page) incidents(open []fleet.Incident) {
	if len(open) == 0 {
		p.line("%s", p.good.Render("No incident is open."))
		return
	}
	nobody := 0
	for n, i := range open {
		if n > 0 {
			p.line("")
		}
		p.incident(i, true)
		if i.AckedBy == "" {
			nobody++
		}
	}
	footer := counted(len(open), "incident") + " open"
	if nobody > 0 {
		footer += fmt.Sprintf(", %d that nobody sees to yet: fleetctl ack", nobody)
	}
	p.line("\n%s", p.faint.Render(footer))
}

// incident shows one; of the whole fleet's list it says whose it is.
func (p page) incident(i fleet.Incident, whose bool) {
	head := p.bad.Render(string(i.Code))
	if !i.ClosedAt.IsZero() {
		head = string(i.Code)
	}
	if whose {
		head += "  " + p.strong.Render(i.InstanceID)
	}
	p.line("%s", head)
	p.below(2, i.Reason)
	if i.ClosedAt.IsZero() {
		p.fact("next", p.strong.Render(i.NextAction))
		p.fact("runbook", "fleetctl runbook "+runbooks.Name(string(i.Code)))
	}
	p.fact("opened", view.Stamp(i.OpenedAt)+", "+view.Relative(i.OpenedAt, p.now))
	switch {
	case i.AckedBy != "":
		p.fact("seen to", fmt.Sprintf("by %s, since %s", view.Who(i.AckedBy), view.Stamp(i.AckedAt)))
	case i.ClosedAt.IsZero():
		p.fact("seen to", p.trouble.Render("by nobody yet"))
	}
	if !i.ClosedAt.IsZero() {
		p.fact("closed", view.Stamp(i.ClosedAt)+", "+view.Relative(i.ClosedAt, p.now))
	}
	p.fact("id", p.faint.Render(i.ID))
}

// Run acknowledges or closes an incident.
func (a *ackCommand) Run(c *call) error {
	var open view.Incidents
	if _, err := c.get("/incidents", nil, &open); err != nil {
		return err
	}
	of := fleet.FleetID
	name := "the whole fleet"
	if a.Instance != fleet.FleetID {
		r, err := c.instance(a.Instance)
		if err != nil {
			return err
		}
		of, name = r.ID, naming(r)
	}
	i, err := choose(open.Incidents, of, name, a.Incident)
	if err != nil {
		return err
	}
	var now fleet.Incident
	text, err := c.post("/incidents/acknowledge", view.Acknowledgement{InstanceID: of, ID: i.ID, Close: a.Close}, &now)
	if err != nil || c.flags.JSON {
		return c.told(text, err)
	}
	p := c.page()
	if a.Close {
		p.line("%s of %s is closed: %s", i.Code, name, i.Reason)
		return nil
	}
	p.line("You see to %s of %s: %s", i.Code, name, i.Reason)
	p.fact("next", p.strong.Render(i.NextAction))
	p.fact("runbook", "fleetctl runbook "+runbooks.Name(string(i.Code)))
	p.fact("after it", fmt.Sprintf("fleetctl ack %s %s --close", a.Instance, i.ID))
	return nil
}

// choose finds the one open incident of an instance that a person means: by its kind, its id, or an unambiguous beginning of it.
func choose(open []fleet.Incident, of, name, word string) (fleet.Incident, error) {
	open = slices.DeleteFunc(slices.Clone(open), func(i fleet.Incident) bool { return i.InstanceID != of })
	for _, fits := range []func(fleet.Incident) bool{
		func(i fleet.Incident) bool { return i.ID == word },
		func(i fleet.Incident) bool { return strings.EqualFold(string(i.Code), word) },
		func(i fleet.Incident) bool { return strings.HasPrefix(i.ID, word) },
	} {
		found := slices.DeleteFunc(slices.Clone(open), func(i fleet.Incident) bool { return !fits(i) })
		switch {
		case len(found) == 1:
			return found[0], nil
		case len(found) > 1:
			return fleet.Incident{}, ambiguous{fmt.Sprintf("%s has several such incidents; say which by its id:%s", name, ids(found))}
		}
	}
	if len(open) == 0 {
		return fleet.Incident{}, fmt.Errorf("%s has no open incident; a list on AWS may lag by a few seconds", name)
	}
	return fleet.Incident{}, fmt.Errorf("%s has no open incident %q, but:%s", name, word, ids(open))
}

func ids(incidents []fleet.Incident) (text string) {
	for _, i := range incidents {
		text += fmt.Sprintf("\n  %s  %s", i.Code, i.ID)
	}
	return text
}

// Run has an orphan deleted.
func (o *removeOrphanCommand) Run(c *call) error {
	r, err := c.exactly(o.Instance)
	if err != nil {
		return err
	}
	if err := c.confirm(o.Yes, "Delete the %s %s of %s that its ledger doesn't tell of? It can't be undone.", o.Kind, o.Name, naming(r)); err != nil {
		return err
	}
	return c.said(r, "is looked at by the next recheck, which deletes it", "/instances/"+r.ID+"/remove-orphan", view.Orphan{Thing: view.Thing{Kind: o.Kind, Name: o.Name}, WithoutExport: o.WithoutExport})
}

// Run takes something into an instance's ledger.
func (a *adoptCommand) Run(c *call) error {
	r, err := c.instance(a.Instance)
	if err != nil {
		return err
	}
	return c.said(r, "has it in its ledger", "/instances/"+r.ID+"/adopt", view.Thing{Kind: a.Kind, Name: a.Name})
}

// told ends a change under --json: the document as it came, or the failure.
func (c *call) told(text []byte, err error) error {
	if err != nil {
		return err
	}
	return c.document(text)
}
