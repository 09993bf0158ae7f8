package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/project-gimbal/fleet/internal/fault/runbooks"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/view"
)

// Run shows one instance.
func (s *showCommand) Run(c *call) error {
	r, err := c.instance(s.Instance)
	if err != nil {
		return err
	}
	var i view.Instance
	text, err := c.get("/instances/"+r.ID, nil, &i)
	if err != nil {
		return err
	}
	if c.flags.JSON {
		err = c.document(text)
	} else {
		c.page().instance(i, s.Audit)
	}
	if err == nil && i.AuditFault != "" {
		return errFound
	}
	return err
}

// instance shows all that is known of one.
func (p page) instance(i view.Instance, wholeAudit bool) {
	p.line("%s  %s", p.strong.Render(i.Slug), p.staged(i.Row))
	p.fact("id", i.ID)
	if i.Host != "" {
		p.fact("address", "https://"+i.Host)
	}
	if s := i.Suspension; s != nil {
		p.fact("suspended", fmt.Sprintf("%s by %s, for %s", view.Relative(s.Since, p.now), view.Who(s.By), joined(": ", string(s.Reason), s.Note)))
	}
	if h := i.Hold; h != nil {
		p.fact("on hold", fmt.Sprintf("%s by %s: %s", view.Relative(h.Since, p.now), view.Who(h.By), h.Why))
	}
	p.fact("plan", joined(", ", joined(" ", i.Plan, i.Signed.Tier), i.Signed.Vertical, i.Region, i.Signed.Timezone, i.Signed.Locale))
	p.fact("signed up", fmt.Sprintf("%s, %s; it is %s", view.Stamp(i.Signed.RequestedAt), view.Relative(i.Signed.RequestedAt, p.now), i.Signup))
	if i.Signed.DecidedBy != "" {
		p.fact("decided", fmt.Sprintf("%s, by %s", view.Stamp(i.Signed.DecidedAt), view.Who(i.Signed.DecidedBy)))
	}
	p.fact("why", i.Signed.Reason)
	if i.Progress.Reason != i.Signed.Reason {
		p.fact("reason", i.Progress.Reason)
	}
	if !i.Progress.Deadline.IsZero() {
		p.fact("deadline", p.deadline(i.Progress)+p.faint.Render("  "+view.Stamp(i.Progress.Deadline)))
	}
	p.fact("next", p.strong.Render(i.Progress.NextAction))
	if code := failure(i); code != "" {
		p.fact("runbook", "fleetctl runbook "+code)
	}
	p.end(i.Decommission)
	p.resources(i)
	p.operations(i.Operations)
	p.messages(i.Messages)
	if len(i.History) > 0 {
		p.section("INCIDENTS")
		for _, incident := range i.History {
			p.inner().incident(incident, false)
		}
	}
	p.audit(i, wholeAudit)
}

// failure is the code of what went wrong with what goes on or went on last.
func failure(i view.Instance) string {
	if i.State == fleet.Active {
		return ""
	}
	for _, o := range slices.Backward(i.Operations) {
		if !o.Short() {
			return runbooks.Name(o.Failure)
		}
	}
	return ""
}

func (p page) resources(i view.Instance) {
	if len(i.Resources) == 0 {
		return
	}
	p.section("RESOURCES")
	wide := []row{{cells: []string{"KIND", "STATUS", "VENDOR'S ID", "NAME"}}}
	tall := []row{{cells: []string{"KIND", "STATUS", "VENDOR'S ID"}}}
	own := fleet.ResourceName(i.ID)
	for _, r := range i.Resources {
		name := r.Name
		if name == own || name == r.ID {
			name = ""
		}
		cells := []string{string(r.Kind), p.ledger(r), either(r.ID, "-")}
		again := ""
		if !r.RecheckAt.IsZero() {
			again = "looked for again " + view.Relative(r.RecheckAt, p.now)
		}
		wide = append(wide, row{cells: append(slices.Clone(cells), name), below: again})
		tall = append(tall, row{cells: cells, below: joined("; ", name, again)})
	}
	if p.fits(2, wide) {
		p.table(2, wide...)
		return
	}
	p.table(2, tall...)
}

// ledger is what the ledger says of a resource.
func (p page) ledger(r fleet.Resource) string {
	text := string(r.Status)
	switch {
	case r.Status == fleet.Created:
		text = p.good.Render(text)
	case !r.Gone():
		text = p.busy.Render(text)
	}
	if r.Unknown && !r.Gone() {
		text += ", unsure"
	}
	return text
}

func (p page) operations(operations []fleet.Operation) {
	if len(operations) == 0 {
		return
	}
	p.section("OPERATIONS")
	rows := []row{{cells: []string{"KIND", "RUN", "OUTCOME", "BEGAN", "TOOK", "DEADLINE"}}}
	for _, o := range operations {
		took, deadline := "-", "-"
		if o.Running() {
			deadline = p.deadline(o.Progress)
		} else {
			took = view.Span(o.EndedAt.Sub(o.StartedAt))
		}
		about := o.Message // of a resend
		if !o.Short() {
			about = o.Execution()
		}
		rows = append(rows, row{cells: []string{string(o.Kind), fmt.Sprintf("%s %d", o.Phase, o.N), p.outcome(o), view.Relative(o.StartedAt, p.now), took, deadline},
			below: joined("\n", joined(": ", o.Failure, o.FailureText), p.faint.Render(about))})
	}
	p.table(2, rows...)
}

func (p page) outcome(o fleet.Operation) string {
	switch o.Outcome {
	case "":
		return p.busy.Render("running")
	case fleet.Succeeded:
		return p.good.Render(string(o.Outcome))
	case fleet.FailedDirty:
		return p.bad.Render(string(o.Outcome))
	}
	return string(o.Outcome)
}

func (p page) messages(messages []fleet.Message) {
	if len(messages) == 0 {
		return
	}
	p.section("MESSAGES")
	rows := []row{{cells: []string{"MESSAGE", "TO", "STATUS", "SENT"}}}
	for _, m := range messages {
		sent := "-"
		if !m.SentAt.IsZero() {
			sent = view.Relative(m.SentAt, p.now)
		}
		rows = append(rows, row{cells: []string{m.ID, joined(" by ", m.Recipient, m.Channel), p.message(m.Status), sent}})
	}
	p.table(2, rows...)
}

func (p page) message(s fleet.MessageStatus) string {
	switch s {
	case fleet.MessageSent:
		return p.good.Render(string(s))
	case fleet.MessageUnknown, fleet.MessageFailed:
		return p.bad.Render(string(s))
	}
	return string(s)
}

// auditEnd is how many entries of an audit chain are shown unless all are asked for.
const auditEnd = 10

func (p page) audit(i view.Instance, whole bool) {
	p.section("AUDIT")
	if i.AuditFault == "" {
		p.line("  %s, %d long", p.good.Render("chain whole"), len(i.Audit))
	} else {
		p.line("  %s", p.wrap(p.bad.Render("NOT WHOLE: "+i.AuditFault+". Somebody or something changed it: keep all as it is and tell whoever answers for security."), 2))
	}
	entries := i.Audit
	if len(entries) > auditEnd && !whole {
		entries = entries[len(entries)-auditEnd:]
		p.line("  %s", p.faint.Render(fmt.Sprintf("the last %d; all of them by --audit", auditEnd)))
	}
	if len(entries) == 0 {
		return
	}
	wide := []row{{cells: []string{"WHEN", "WHO", "WHAT", "OUTCOME", "OF"}}}
	tall := []row{{cells: []string{"WHEN", "WHO", "WHAT", "OUTCOME"}}}
	for _, e := range entries {
		cells := []string{view.Stamp(e.At), view.Who(e.Actor), e.Action, e.Outcome}
		subject := strings.ReplaceAll(e.Subject, i.ID, short(i.ID)+"…")
		wide = append(wide, row{cells: append(slices.Clone(cells), subject), below: e.Note})
		tall = append(tall, row{cells: cells, below: joined("\n", p.faint.Render(subject), e.Note)})
	}
	if p.fits(2, wide) {
		p.table(2, wide...)
		return
	}
	p.squeeze(2, tall, 1)
	p.table(2, tall...)
}
