package notice

import (
	"context"
	"time"
	_ "time/tzdata" // time zones must not depend on the machine's files

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/steps/download"
	"github.com/project-gimbal/fleet/internal/steps/operation"
	"github.com/project-gimbal/fleet/internal/store"
)

// end is a message of the outbox about an instance's end. It is sent as long as it tells the truth. A notice that is sent late runs from
// then; nothing is switched off before it was sent.
func (d Deps) end(env step.Env, m fleet.Message, s fleet.Signup) step.Outgoing {
	return step.Outgoing{Message: step.Message{ID: m.ID, Recipient: m.Recipient, Deliver: func(ctx context.Context, id string) (string, error) {
		return d.tellEnd(ctx, env, s, id)
	}}, Needed: func(tx *store.Tx) (bool, error) {
		text, n := fleet.EndText(m.ID)
		i, err := tx.Instance()
		if err != nil || i == nil || !i.Decommission.Needs(text, n) {
			return false, err
		}
		return true, noted(tx, i, m.ID, operation.PostponeNotice)
	}, Told: func(tx *store.Tx, status fleet.MessageStatus) error {
		i, err := tx.Instance()
		if err != nil || i == nil || status != fleet.MessageSent {
			return err
		}
		return noted(tx, i, m.ID, operation.NoticeTold)
	}, Again: otherwise(m.ID)}
}

// noted writes what a message changes about an instance's notice, if it does.
func noted(tx *store.Tx, i *fleet.Instance, message string, change func(*store.Tx, *fleet.Instance, string) error) error {
	before := i.Decommission
	if err := change(tx, i, message); err != nil || i.Decommission == before {
		return err
	}
	return tx.PutInstance(i)
}

// otherwise says how the administrator is told after all.
func otherwise(message string) string {
	if text, _ := fleet.EndText(message); text == fleet.NoticeGiven {
		return "send it once more, or tell the administrator by hand and close this: the notice runs from then, and nothing is switched off before it is over"
	}
	return "send it once more, or tell the administrator by hand"
}

// tellEnd tells the administrator what happens when, in the zone that they signed up with, and brings the link to the export that was made.
func (d Deps) tellEnd(ctx context.Context, env step.Env, s fleet.Signup, id string) (string, error) {
	i, err := env.Store.Instance(ctx, s.InstanceID)
	if err == nil && (i == nil || i.Decommission == nil) {
		err = fault.New(fault.Internal, "message %s is about no decommission", id)
	}
	if err != nil {
		return "", step.Unsent(err)
	}
	end := *i.Decommission
	text, _ := fleet.EndText(id)
	facts := map[string]string{"NoticeEnds": local(end.NoticeEnds, s.Timezone), "GraceEnds": local(end.GraceEnds, s.Timezone)}
	made := map[string]*fleet.VerifiedExport{fleet.NoticeGiven: end.FirstExport, fleet.GraceBegun: end.FinalExport}[text]
	if made != nil {
		if facts["Link"], err = linkTo(ctx, env, s.InstanceID, made.ID); err != nil {
			return "", step.Unsent(err)
		}
	}
	return d.toAdministrator(ctx, env, s, text, id, facts)
}

func linkTo(ctx context.Context, env step.Env, instanceID, export string) (string, error) {
	e, err := env.Store.Export(ctx, instanceID, export)
	if err == nil && e == nil {
		err = fault.New(fault.Internal, "there is no export %s", export)
	}
	if err != nil {
		return "", err
	}
	return download.Link(ctx, env, *e)
}

// local is a time for people in a zone: "Thursday, 31 December 2026, 14:05 EST". In a zone that isn't known it is UTC, which is told.
func local(at time.Time, zone string) string {
	where, err := time.LoadLocation(zone)
	if err != nil {
		where = time.UTC
	}
	return at.In(where).Format("Monday, 2 January 2006, 15:04 MST")
}
