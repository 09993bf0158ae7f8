package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/edge"
	"github.com/project-gimbal/fleet/internal/view"
)

// visit tells what the public gets at the instance's address.
func (p *play) visit(ctx context.Context, i fleet.Instance) {
	public := edge.New(provider.Config{Endpoints: p.system.world.Endpoints, Clock: p.clock})
	status, _, err := public.Page(ctx, i.Host, "/")
	if err != nil {
		p.screen.said("its address does not answer")
		return
	}
	page := "the instance's page"
	if status >= 500 {
		page = "our page for suspended instances"
	}
	p.screen.said("%s answers %d: %s", i.Origin(), status, page)
}

// firstExport tells what is in the export that comes with the notice.
func (p *play) firstExport(ctx context.Context, i fleet.Instance) {
	p.tellExport(ctx, i.Decommission.FirstExport.ID)
}

// finalExport tells what is in the export that authorises the deletion.
func (p *play) finalExport(ctx context.Context, i fleet.Instance) {
	p.life.Export = p.tellExport(ctx, i.Decommission.FinalExport.ID)
}

// tellExport asks for an export as an operator does, and tells of it; nil where there is no answer.
func (p *play) tellExport(ctx context.Context, id string) *view.Export {
	var e view.Export
	if err := p.client().get(ctx, "/instances/"+p.id()+"/exports/"+id, &e); err != nil {
		p.screen.said("the export can't be read: %v", err)
		return nil
	}
	p.screen.said("%s export, %s: %s, %s, %d bytes", e.Purpose, e.Status, counted(e.Files, "file"), counted(int(e.Rows), "row"), e.Bytes)
	return &e
}

// tellMails tells of mails that were sent, or may have been, since it last did.
func (p *play) tellMails(ctx context.Context) {
	messages, err := p.system.world.Store.Messages(ctx, p.id())
	if err != nil {
		return // the report tells of them
	}
	for _, m := range messages {
		if m.Done() && !p.life.mailed[m.ID] {
			p.life.mailed[m.ID] = true
			p.screen.said("mail %q to the %s: %s", m.ID, m.Recipient, m.Status)
		}
	}
}

// why says how the newest operation ended; empty if it succeeded.
func (p *play) why(ctx context.Context) string {
	operations, err := p.system.world.Store.Operations(ctx, p.id())
	if err != nil {
		return ""
	}
	var last fleet.Operation
	for _, o := range operations {
		if o.StartedAt.After(last.StartedAt) {
			last = o
		}
	}
	if last.Running() || last.Outcome == fleet.Succeeded {
		return ""
	}
	return strings.TrimRight(fmt.Sprintf(": %s ended %s, %s %s", last.ID, last.Outcome, last.Failure, last.FailureText), ", ")
}

// standing says how it stands with an instance.
func standing(i fleet.Instance) string {
	d := i.Decommission
	switch {
	case d == nil:
		return string(i.State)
	case d.Stage == fleet.InNotice:
		return fmt.Sprintf("%s, in notice until %s", i.State, date(d.NoticeEnds))
	case d.Stage == fleet.InGrace:
		return fmt.Sprintf("%s, in grace until %s", i.State, date(d.GraceEnds))
	}
	return fmt.Sprintf("%s, and its decommission is %s", i.State, d.Stage)
}
