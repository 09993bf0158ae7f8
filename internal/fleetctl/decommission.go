package main

import (
	"fmt"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/view"
)

// Run gives notice of an instance's end, shows what that would be, or is, or takes it back.
func (d *decommissionCommand) Run(c *call) error {
	r, err := c.exactly(d.Instance)
	if err != nil {
		return err
	}
	if d.Cancel {
		if err := c.confirm(d.Yes, "Cancel the decommission of %s? It is what it was before.", naming(r)); err != nil {
			return err
		}
		return c.said(r, "is not decommissioned any more", "/instances/"+r.ID+"/decommission/cancel", nil)
	}
	if d.Reason != "" {
		if err := c.confirm(d.Yes, "Give the customer of %s notice that it ends in 60 days?", naming(r)); err != nil {
			return err
		}
		return c.begun(r, "is being decommissioned", "/instances/"+r.ID+"/decommission", view.Decommission{Reason: d.Reason})
	}
	var plan fleet.Plan
	text, err := c.get("/instances/"+r.ID+"/decommission", nil, &plan)
	if err != nil || c.flags.JSON {
		return c.told(text, err)
	}
	c.page().plan(r, plan)
	return nil
}

func (p page) plan(r view.Row, plan fleet.Plan) {
	if plan.Stage == "" {
		p.line("%s: its end, if it were decided now", p.strong.Render(naming(r)))
	} else {
		p.line("%s: its end, in stage %s", p.strong.Render(naming(r)), plan.Stage)
	}
	for _, s := range plan.Steps {
		p.fact(day(s.At), s.What+irreversible(s.Final))
	}
	for _, e := range plan.Resources {
		how := "deleted"
		if e.With != "" {
			how = "goes with its " + string(e.With)
		}
		p.fact(string(e.Kind), either(e.ID, e.Name)+" at "+e.Vendor+", "+how+irreversible(e.Final))
	}
	for _, k := range plan.Kept {
		p.fact("kept", k.What+", until "+day(k.Until))
	}
	for _, o := range plan.Obstacles {
		p.fact("obstacle", o)
	}
}

// end shows what was decided of an instance's end, and how far it is; nothing where none ever was.
func (p page) end(d *fleet.Decommission) {
	if d == nil {
		return
	}
	p.section("END")
	p.fact("stage", joined(", ", view.Staged(d.Stage), view.Relative(d.Ends(), p.now)))
	p.fact("decided", fmt.Sprintf("by %s: %s", view.Who(d.By), d.Reason))
	if d.Given() && d.Stage != fleet.Withdrawn {
		p.fact("notice", day(d.NoticeAt)+" to "+day(d.NoticeEnds))
		p.fact("grace", "to "+day(d.GraceEnds))
	}
	p.fact("next", p.strong.Render(view.EndNext(*d)))
	if e := d.FirstExport; e != nil {
		p.fact("first", "export "+e.ID+", its manifest of SHA-256 "+e.Manifest)
	}
	if e := d.FinalExport; e != nil {
		p.fact("final", "export "+e.ID+", its manifest of SHA-256 "+e.Manifest)
	}
	if e, lacks := d.Wanting(); e != nil {
		p.fact("wanting", lacks)
	}
	if a := d.Accepted; a != nil {
		p.fact("accepted", fmt.Sprintf("export %s by %s: %s", a.Export, view.Who(a.By), a.Why))
	}
	if d.Second != "" {
		p.fact("approved", "by "+view.Who(d.Second))
	}
	if c := d.Certificate; c != nil {
		p.fact("proof", "certificate of "+day(c.At)+", SHA-256 "+c.SHA256)
	}
}

func irreversible(final bool) string {
	if final {
		return "; can't be undone"
	}
	return ""
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// Run approves a termination.
func (a *approveTerminationCommand) Run(c *call) error {
	r, err := c.exactly(a.Instance)
	if err != nil {
		return err
	}
	if err := c.confirm(a.Yes, "Approve the termination of %s? All that it has is deleted, for good.", naming(r)); err != nil {
		return err
	}
	return c.said(r, "may end: the next sweep goes on with it", "/instances/"+r.ID+"/decommission/approve", nil)
}

// Run accepts an export.
func (a *acceptExportCommand) Run(c *call) error {
	r, err := c.exactly(a.Instance)
	if err != nil {
		return err
	}
	if err := c.confirm(a.Yes, "Let %s be deleted by an export that isn't whole, or isn't the last state? What it lacks is lost.", naming(r)); err != nil {
		return err
	}
	return c.said(r, "may be deleted by the export that there is", "/instances/"+r.ID+"/decommission/accept-export", view.Acceptance{Why: a.Why})
}

// Run puts an instance under a legal hold.
func (h *holdCommand) Run(c *call) error {
	r, err := c.instance(h.Instance)
	if err != nil {
		return err
	}
	return c.said(r, "is under a legal hold", "/instances/"+r.ID+"/hold", view.Hold{Why: h.Why})
}

// Run lifts an instance's legal hold.
func (l *liftCommand) Run(c *call) error {
	r, err := c.exactly(l.Instance)
	if err != nil {
		return err
	}
	if err := c.confirm(l.Yes, "Lift the legal hold of %s? What is due goes on then.", naming(r)); err != nil {
		return err
	}
	return c.said(r, "is under no legal hold", "/instances/"+r.ID+"/lift", view.Hold{Why: l.Why})
}

// said asks for a change that is done when it is answered, and tells of it.
func (c *call) said(r view.Row, what, path string, document any) error {
	var answer struct{}
	text, err := c.post(path, document, &answer)
	if err != nil || c.flags.JSON {
		return c.told(text, err)
	}
	p := c.page()
	p.line("%s %s", p.strong.Render(naming(r)), what)
	return nil
}
