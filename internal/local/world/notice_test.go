package world_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store"
)

// unsaid is an instance whose notice was given, and of which its customer was not surely told.
func (g *graveyard) unsaid() string {
	g.t.Helper()
	id := g.provisioned("msg_1", "acme-dental")
	g.decommission(id)
	if d := g.instance(id).Decommission; !d.Given() || !d.ToldAt.IsZero() {
		g.t.Fatalf("%+v", d)
	}
	return id
}

// wantUntold judges that nothing was switched off, however long the notice is over, and that just these incidents say why.
func (g *graveyard) wantUntold(id string, kinds ...fleet.IncidentKind) {
	g.t.Helper()
	for range 3 {
		time.Sleep(period)
		g.terminate()
		g.invoke("overdue")
	}
	g.wantSwitched(id, fleet.Active)
	if n := len(g.operations(id, fleet.Close)); n > 0 {
		g.t.Errorf("it was closed %d times", n)
	}
	if open := g.openIncidents(id); !slices.Equal(open, kinds) {
		g.t.Errorf("open: %v", open)
	}
}

// wantWholeNotice judges that the notice runs from now, and that it and the grace end the instance then.
func (g *graveyard) wantWholeNotice(id string) {
	g.t.Helper()
	d := g.instance(id).Decommission
	if late := time.Since(d.ToldAt); late > time.Hour || !d.NoticeEnds.Equal(d.NoticeAt.Add(period)) || time.Until(d.NoticeEnds) < period-time.Hour {
		g.t.Fatalf("told %s ago, the notice ends in %s", late, time.Until(d.NoticeEnds))
	}
	if open := g.openIncidents(id); len(open) > 0 {
		g.t.Errorf("open: %v", open)
	}
	time.Sleep(time.Until(d.NoticeEnds) - time.Hour)
	g.terminate()
	g.wantSwitched(id, fleet.Active)
	time.Sleep(time.Hour + time.Minute) // clocks differ
	g.terminate()
	g.ticks(1)
	g.wantGrace(id)
	time.Sleep(period)
	g.terminate()
	g.wantProved(id)
}

// TestNoticeIsToldFirst: an instance whose notice was not surely sent is not switched off: not before an operator has it sent once more, or
// says that they told the customer by hand. The notice is whole from then, and the mail that is sent tells so.
func TestNoticeIsToldFirst(t *testing.T) {
	t.Parallel()
	for script, kind := range map[string]fleet.IncidentKind{
		"sendgrid.SendMail=403@4":  fleet.IncidentMessageFailed,
		"sendgrid.SendMail=lost@4": fleet.IncidentMessageUnknown,
	} {
		t.Run("resent/"+script, func(t *testing.T) {
			t.Parallel()
			inGraveyard(t, faults(t, script), func(g *graveyard) {
				id := g.unsaid()
				g.wantUntold(id, kind)
				sent := g.resend(id, fleet.EndMessage(fleet.NoticeGiven, 1)).Message
				mails := g.mailed(id, sent.ID)
				if ends := g.instance(id).Decommission.NoticeEnds.In(newYork(g.rig)).Format("2 January 2006, 15:04 MST"); len(mails) != 1 || !strings.Contains(mails[0].Text, ends) {
					t.Errorf("%s: %+v", ends, mails)
				}
				g.wantWholeNotice(id)
			})
		})
		t.Run("by hand/"+script, func(t *testing.T) {
			t.Parallel()
			inGraveyard(t, faults(t, script), func(g *graveyard) {
				id := g.unsaid()
				g.wantUntold(id, kind)
				g.acknowledge(id, fleet.MessageIncident(fleet.EndMessage(fleet.NoticeGiven, 1)), true)
				g.wantWholeNotice(id)
			})
		})
	}
	t.Run("frozen for long", func(t *testing.T) {
		t.Parallel()
		inGraveyard(t, nil, func(g *graveyard) {
			id := g.provisioned("msg_1", "acme-dental")
			g.do("POST", "/instances/"+id+"/decommission", `{"reason":"leaves"}`, operator)
			g.settle()
			g.freeze("sendgrid")
			g.ticks(1)
			g.wantUntold(id, fleet.IncidentOverdue)
			g.thaw("sendgrid")
			g.ticks(1)
			g.invoke("overdue")
			mails := g.mailed(id, fleet.EndMessage(fleet.NoticeGiven, 1))
			if ends := g.instance(id).Decommission.NoticeEnds.In(newYork(g.rig)).Format("2 January 2006, 15:04 MST"); len(mails) != 1 || !strings.Contains(mails[0].Text, ends) {
				t.Errorf("%s: %+v", ends, mails)
			}
			g.wantWholeNotice(id)
		})
	})
}

// TestNoticeOfBeforeTheMark: a notice whose message was sent before its record said so is told of: the instance is closed, and where nothing
// does that, it is overdue.
func TestNoticeOfBeforeTheMark(t *testing.T) {
	t.Parallel()
	inGraveyard(t, nil, func(g *graveyard) {
		id := g.noticed("msg_1", "acme-dental")
		if err := g.w.Store.Update(g.ctx, id, func(tx *store.Tx) error {
			i, err := tx.Instance()
			if err != nil {
				return err
			}
			d := *i.Decommission
			d.ToldAt = time.Time{}
			i.Decommission = &d
			return tx.PutInstance(i)
		}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(period + 2*bounds.Came)
		g.invoke("overdue")
		if open := g.openIncidents(id); !slices.Equal(open, []fleet.IncidentKind{fleet.IncidentOverdue}) {
			t.Errorf("open: %v", open)
		}
		g.terminate()
		g.ticks(1)
		g.invoke("overdue")
		g.wantGrace(id)
		if open := g.openIncidents(id); len(open) > 0 {
			t.Errorf("open: %v", open)
		}
	})
}

// TestUntoldIsNotTakenBack: whose notice was refused is not told that it is over; who may have got it is. The incident about it is over.
func TestUntoldIsNotTakenBack(t *testing.T) {
	t.Parallel()
	for script, told := range map[string]int{"sendgrid.SendMail=403@4": 0, "sendgrid.SendMail=lost@4": 1} {
		t.Run(script, func(t *testing.T) {
			t.Parallel()
			inGraveyard(t, faults(t, script), func(g *graveyard) {
				id := g.unsaid()
				g.withdraw(id)
				g.wantLive(id, told)
			})
		})
	}
}
