package main

import (
	"fmt"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/view"
)

// Run approves a signup.
func (a *approveCommand) Run(c *call) error {
	r, err := c.instance(a.Instance)
	if err != nil {
		return err
	}
	return c.decided(c.signup("/signups/"+r.ID+"/approve", nil))
}

// Run rejects a signup.
func (j *rejectCommand) Run(c *call) error {
	r, err := c.exactly(j.Instance)
	if err != nil {
		return err
	}
	if err := c.confirm(j.Yes, "Reject the signup of %s? Whoever still wants it must sign up again.", naming(r)); err != nil {
		return err
	}
	return c.decided(c.signup("/signups/"+r.ID+"/reject", map[string]string{"reason": j.Reason}))
}

func (c *call) signup(path string, body any) (s view.SignupStatus, text []byte, err error) {
	text, err = c.post(path, body, &s)
	return s, text, err
}

// decided tells what became of a signup.
func (c *call) decided(s view.SignupStatus, text []byte, err error) error {
	if err != nil || c.flags.JSON {
		return c.told(text, err)
	}
	p := c.page()
	head := fmt.Sprintf("%s is %s", p.strong.Render(s.Slug), s.Status)
	switch {
	case s.Place > 0:
		head += fmt.Sprintf(", number %d in the queue", s.Place)
	case s.State != "":
		head += ", its instance " + string(s.State)
	}
	p.line("%s", head)
	p.fact("reason", s.Reason)
	p.fact("next", s.NextAction)
	p.fact("address", s.URL)
	if s.Status == fleet.Approved || s.Status == fleet.Admitted {
		p.fact("watch it", "fleetctl show "+s.Slug)
	}
	return nil
}

// Run cancels a provisioning, or a suspension or resumption that runs.
func (x *cancelCommand) Run(c *call) error {
	r, err := c.exactly(x.Instance)
	if err != nil {
		return err
	}
	question, what := "Cancel the provisioning of %s? All that it made at the vendors is deleted.", "is being taken down"
	if switching(r) {
		question, what = "Cancel what runs on %s, or give its import up? What was switched is switched back; what was imported stays.", "becomes what it was"
	}
	if err := c.confirm(x.Yes, question, naming(r)); err != nil {
		return err
	}
	return c.begunOr(r, what, "is not imported into any more: what is there stays", "/instances/"+r.ID+"/cancel")
}

// switching reports whether an instance is past its provisioning: what runs on it switches it off or on.
func switching(r view.Row) bool { return r.State == fleet.Active || r.State == fleet.Suspended }

// Run suspends an instance.
func (s *suspendCommand) Run(c *call) error {
	r, err := c.exactly(s.Instance)
	if err != nil {
		return err
	}
	if err := c.confirm(s.Yes, "Suspend %s? Its visitors see a page that says so, and nobody signs in.", naming(r)); err != nil {
		return err
	}
	return c.begun(r, "is being suspended", "/instances/"+r.ID+"/suspend", view.Suspend{Reason: s.Reason, Note: s.Note})
}

// Run resumes a suspended instance.
func (s *resumeCommand) Run(c *call) error {
	r, err := c.instance(s.Instance)
	if err != nil {
		return err
	}
	return c.begun(r, "is being resumed", "/instances/"+r.ID+"/resume", nil)
}

// Run begins an export.
func (x *exportCommand) Run(c *call) error {
	r, err := c.instance(x.Instance)
	if err != nil {
		return err
	}
	return c.begun(r, "is being exported", "/instances/"+r.ID+"/exports", nil)
}

// Run retries what ended dirty.
func (y *retryCommand) Run(c *call) error {
	r, err := c.instance(y.Instance)
	if err != nil {
		return err
	}
	what := "is being taken down once more"
	if switching(r) {
		what = "is switched back once more"
	}
	return c.begunOr(r, what, "is imported into once more, from where that stopped", "/instances/"+r.ID+"/retry")
}

// begunOr is begun for what may turn out to be about an import.
func (c *call) begunOr(r view.Row, what, ofImport, path string) error {
	return c.asked(r, path, nil, func(o view.Operation) string {
		if imports(o) {
			return ofImport
		}
		return what
	})
}

// begun asks for something that takes a run of its own, and tells of it.
func (c *call) begun(r view.Row, what, path string, document any) error {
	return c.asked(r, path, document, func(view.Operation) string { return what })
}

func (c *call) asked(r view.Row, path string, document any, what func(view.Operation) string) error {
	var o view.Operation
	text, err := c.post(path, document, &o)
	if err != nil || c.flags.JSON {
		return c.told(text, err)
	}
	p := c.page()
	if o.Operation == "" && o.Signup != "" {
		p.line("%s is %s: it waited for its slot, and nothing was made", p.strong.Render(naming(r)), o.Signup)
		return nil
	}
	p.line("%s %s", p.strong.Render(naming(r)), what(o))
	p.fact("execution", o.Execution)
	if !o.Deadline.IsZero() {
		p.fact("deadline", view.Until(o.Deadline, p.now))
	}
	p.fact("watch it", "fleetctl show "+either(r.Slug, r.ID))
	return nil
}

// Run sends a message once more.
func (m *resendCommand) Run(c *call) error {
	r, err := c.instance(m.Instance)
	if err != nil {
		return err
	}
	var o view.Operation
	text, err := c.post("/instances/"+r.ID+"/resend", view.Resend{Message: m.Message}, &o)
	if err != nil {
		return err
	}
	lost := o.Message != nil && (o.Message.Status == fleet.MessageFailed || o.Message.Status == fleet.MessageUnknown)
	if c.flags.JSON {
		err = c.document(text)
	} else {
		c.page().resent(r, o)
	}
	if err == nil && lost {
		return errFound
	}
	return err
}

func (p page) resent(r view.Row, o view.Operation) {
	if o.Message == nil {
		p.line("%s: it is on its way", naming(r))
		return
	}
	m := *o.Message
	p.line("%s of %s is %s", m.ID, naming(r), p.message(m.Status))
	switch m.Status {
	case fleet.MessageUnknown:
		p.fact("next", "whether it was sent is unknown; look in the vendor's activity log")
		p.fact("runbook", "fleetctl runbook MessageUnknown")
	case fleet.MessageFailed:
		p.fact("next", "the vendor refused it; tell the recipient by hand")
		p.fact("runbook", "fleetctl runbook MessageFailed")
	case fleet.MessageIntended, fleet.MessageSending:
		p.fact("next", "it was not sent yet; see what becomes of it: fleetctl show "+either(r.Slug, r.ID))
	}
}

// Run freezes.
func (f *freezeCommand) Run(c *call) error {
	return c.freeze("/freeze", view.FreezeRequest{Scope: f.Scope, Reason: f.Reason})
}

// Run thaws.
func (t *thawCommand) Run(c *call) error {
	return c.freeze("/thaw", view.FreezeRequest{Scope: t.Scope})
}

func (c *call) freeze(path string, body view.FreezeRequest) error {
	var now view.Frozen
	text, err := c.post(path, body, &now)
	if err != nil || c.flags.JSON {
		return c.told(text, err)
	}
	p := c.page()
	if len(now.Frozen) == 0 {
		p.line("Nothing is frozen: what waits begins by itself.")
		return nil
	}
	p.frozen(now.Frozen)
	p.line("What runs goes on to its end. What can't be undone of a termination waits where the fleet, or terminations, are frozen.")
	return nil
}
