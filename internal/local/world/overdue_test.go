package world_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store"
)

// overdue are the open Overdue incidents of an instance, or the fleet, by cause.
func (r *rig) overdue(id string) []string {
	r.t.Helper()
	all, err := r.w.Store.Incidents(r.ctx, id)
	if err != nil {
		r.t.Fatal(err)
	}
	open := map[string]bool{}
	for _, i := range all {
		if i.Code == fleet.IncidentOverdue && i.ClosedAt.IsZero() {
			open[store.CauseOf(i.ID)] = true
			if i.Reason == "" || i.NextAction == "" {
				r.t.Errorf("%+v", i)
			}
		}
	}
	return slices.Sorted(maps.Keys(open))
}

// wantOverdue has the sweep tell twice, and judges what it tells.
func (r *rig) wantOverdue(id string, causes ...string) {
	r.t.Helper()
	r.invoke("overdue")
	r.invoke("overdue")
	if got := r.overdue(id); !slices.Equal(got, causes) {
		r.t.Errorf("%v are overdue, want %v", got, causes)
	}
}

// TestOverdue lets each thing wait for just less than it may, and for longer, and then be over.
func TestOverdue(t *testing.T) {
	t.Parallel()
	change := func(r *rig, id string, do func(i *fleet.Instance)) {
		err := r.w.Store.Update(r.ctx, id, func(tx *store.Tx) error {
			i, err := tx.Instance()
			if err != nil {
				return err
			}
			do(i)
			return tx.PutInstance(i)
		})
		if err != nil {
			r.t.Fatal(err)
		}
	}
	for cause, c := range map[string]struct {
		begin func(r *rig) string // whose it is
		after time.Duration
		over  func(r *rig, id string)
	}{
		"overdue/decision": {func(r *rig) string { return r.signup("msg_1", "acme-dental") }, bounds.Decide + bounds.Came,
			func(r *rig, _ string) { r.invoke("expire-signups") }},
		"overdue/admission": {func(r *rig) string {
			act[any](r, http.StatusOK, "/freeze", `{"scope":"twilio","reason":"an outage"}`)
			id := r.signup("msg_1", "acme-dental")
			r.approve(id)
			return id
		}, bounds.Admitted, func(r *rig, _ string) {
			act[any](r, http.StatusOK, "/thaw", `{"scope":"twilio"}`)
			r.invoke("admit")
			r.settle()
		}},
		"overdue/suspension": {func(r *rig) string {
			id := r.live()
			r.suspend(id)
			r.settle()
			return id
		}, bounds.Suspended, func(r *rig, id string) {
			r.resume(id)
			r.settle()
		}},
		"overdue/hold": {func(r *rig) string {
			id := r.live()
			act[fleet.Hold](r, http.StatusOK, "/instances/"+id+"/hold", `{"why":"a lawsuit"}`)
			return id
		}, bounds.Held, func(r *rig, id string) {
			act[struct{}](r, http.StatusOK, "/instances/"+id+"/lift", `{"why":"it is over"}`)
		}},
		"overdue/end": {func(r *rig) string {
			id := r.live()
			change(r, id, func(i *fleet.Instance) {
				i.Decommission = &fleet.Decommission{N: 1, Stage: fleet.InNotice, By: "operator:ada", NoticeAt: time.Now(), NoticeEnds: time.Now(), GraceEnds: time.Now().Add(time.Hour), ToldAt: time.Now()}
			})
			return id
		}, bounds.Came, func(r *rig, id string) {
			change(r, id, func(i *fleet.Instance) { i.Decommission = nil })
		}},
		"overdue/recheck": {func(r *rig) string {
			id := r.live()
			err := r.w.Store.Update(r.ctx, id, func(tx *store.Tx) error {
				e, err := tx.Resource(fleet.DNSRecord, "acme-dental.gimbal.app")
				if err != nil {
					return err
				}
				e.RecheckAt = time.Now()
				return tx.PutResource(e)
			})
			if err != nil {
				t.Error(err)
			}
			return id
		}, bounds.Came, func(r *rig, _ string) { r.invoke("recheck") }},
		"overdue/applicant": {func(r *rig) string {
			id := r.signup("msg_1", "acme-dental")
			act[any](r, http.StatusAccepted, "/signups/"+id+"/reject", `{"reason":"a duplicate"}`)
			return id
		}, bounds.Applicant + bounds.Came, func(r *rig, _ string) { r.invoke("expire-signups") }},
		"overdue/idle": {func(r *rig) string {
			id := r.live()
			change(r, id, func(i *fleet.Instance) { i.State, i.CreatedAt = fleet.Maintenance, time.Now() })
			return id
		}, bounds.Mended, func(r *rig, id string) { change(r, id, func(i *fleet.Instance) { i.State = fleet.Active }) }},
		"overdue/freeze-terminations": {func(r *rig) string {
			act[any](r, http.StatusOK, "/freeze", `{"scope":"terminations","reason":"an audit"}`)
			return fleet.FleetID
		}, bounds.Frozen, func(r *rig, _ string) { act[any](r, http.StatusOK, "/thaw", `{"scope":"terminations"}`) }},
		"overdue/compare-supabase": {func(r *rig) string {
			act[any](r, http.StatusOK, "/freeze", `{"scope":"supabase","reason":"an outage"}`)
			err := r.w.Store.Update(r.ctx, fleet.FleetID, func(tx *store.Tx) error {
				s, err := tx.Sweep("supabase")
				if err != nil {
					return err
				}
				begun := s.Begun(time.Now())
				return tx.PutSweep(&begun)
			})
			if err != nil {
				t.Error(err)
			}
			return fleet.FleetID
		}, fleet.SweepLate, func(r *rig, _ string) {
			act[any](r, http.StatusOK, "/thaw", `{"scope":"supabase"}`)
			r.invoke("compare")
		}},
		"overdue/message-decision-wanted": {func(r *rig) string {
			act[any](r, http.StatusOK, "/freeze", `{"scope":"sendgrid","reason":"an outage"}`)
			return r.signup("msg_1", "acme-dental")
		}, bounds.Unsent, func(r *rig, _ string) {
			act[any](r, http.StatusOK, "/thaw", `{"scope":"sendgrid"}`)
			r.invoke("deliver")
		}},
	} {
		t.Run(cause, func(t *testing.T) {
			t.Parallel()
			inBubble(t, nil, func(r *rig) {
				id := c.begin(r)
				time.Sleep(c.after - time.Minute)
				r.wantNotOverdue(id, cause)
				time.Sleep(2 * time.Minute)
				r.invoke("overdue")
				r.invoke("overdue")
				if got := r.overdue(id); !slices.Contains(got, cause) {
					t.Errorf("%v are overdue", got)
				}
				c.over(r, id)
				r.wantNotOverdue(id, cause)
				r.wantAuditWhole(id)
			})
		})
	}
}

func (r *rig) wantNotOverdue(id, cause string) {
	r.t.Helper()
	r.invoke("overdue")
	if got := r.overdue(id); slices.Contains(got, cause) {
		r.t.Errorf("%v are overdue", got)
	}
}

// TestUnfinishedIsOverdue: what ended dirty and nobody goes on with is told after a day, though its own incident was closed by hand, and
// is over with the retry.
func TestUnfinishedIsOverdue(t *testing.T) {
	t.Parallel()
	inBubble(t, faults(t, "sendgrid.ValidateDomain=403@1+,twilio.UpdateAccount=403@1-3"), func(r *rig) {
		id := r.provision()
		if i := r.instance(id); i.Unfinished == "" {
			t.Fatalf("it isn't unfinished: %+v", i)
		}
		for _, i := range r.allIncidents(id) {
			r.acknowledge(id, i.ID, true)
		}
		time.Sleep(bounds.Mended - time.Hour)
		r.wantOverdue(id)
		time.Sleep(2 * time.Hour)
		r.wantOverdue(id, "overdue/unfinished")
		for range 3 {
			if r.instance(id).Unfinished != "" {
				_, _ = r.do("POST", "/instances/"+id+"/retry", "", operator)
				r.settle()
			}
		}
		r.wantClean(id)
		r.wantOverdue(id)
	})
}

// TestUnprovedEndIsOverdue: what is TERMINATED, and isn't proved a day after its end was due, is told until it is.
func TestUnprovedEndIsOverdue(t *testing.T) {
	t.Parallel()
	inGraveyard(t, faults(t, "supabase.DeleteProject=403@1-2"), func(g *graveyard) {
		id := g.grace("msg_1", "acme-dental")
		g.terminate()
		if i := g.instance(id); i.State != fleet.Terminated || i.Unfinished == "" {
			t.Fatalf("%s, unfinished %q", i.State, i.Unfinished)
		}
		time.Sleep(bounds.Came - time.Hour)
		g.wantNotOverdue(id, "overdue/end")
		time.Sleep(2 * time.Hour)
		g.wantOverdue(id, "overdue/end")
		for range 2 {
			if g.instance(id).Unfinished != "" {
				g.retry(id)
				g.settle()
			}
		}
		g.wantProved(id)
		g.wantOverdue(id)
	})
}

// TestRunsIncidentIsClosed: the incident of a run past its deadline is over when the run is, however that ended.
func TestRunsIncidentIsClosed(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		id := r.live()
		o := r.operation(id)
		err := r.w.Store.Update(r.ctx, id, func(tx *store.Tx) error {
			return tx.Open(fleet.Incident{ID: "overdue-" + o.Execution(), Code: fleet.IncidentOverdue, Reason: "it runs past its deadline", NextAction: "stop it"})
		})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		r.wantOverdue(id)
	})
}

// TestUnpagedIsOverdue: that nobody is told is told, once.
func TestUnpagedIsOverdue(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		for n := range 3 {
			err := r.w.Store.Update(r.ctx, fleet.FleetID, func(tx *store.Tx) error {
				return tx.Open(fleet.Incident{ID: fmt.Sprintf("x-%d", n), Code: fleet.IncidentCheckFailed, Reason: "x", NextAction: "x"})
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(bounds.Paged - time.Minute)
		r.wantOverdue(fleet.FleetID)
		time.Sleep(2 * time.Minute)
		r.wantOverdue(fleet.FleetID, "overdue/paging")
		r.invoke("page")
		r.wantOverdue(fleet.FleetID)
	})
}
