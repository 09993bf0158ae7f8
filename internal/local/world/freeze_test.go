package world_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store/chaos"
	"github.com/project-gimbal/fleet/internal/store/table"
	"github.com/project-gimbal/fleet/internal/view"
)

func (r *rig) freeze(scope string) view.Frozen {
	r.t.Helper()
	return act[view.Frozen](r, http.StatusOK, "/freeze", `{"scope":"`+scope+`","reason":"an outage"}`)
}

func (r *rig) thaw(scope string) view.Frozen {
	r.t.Helper()
	return act[view.Frozen](r, http.StatusOK, "/thaw", `{"scope":"`+scope+`"}`)
}

// TestFreezeHoldsBackWhatIsNew: while anything that a provisioning needs is frozen, what is approved waits and says for what; the
// provisioning that runs goes on; the last thaw begins what waits.
func TestFreezeHoldsBackWhatIsNew(t *testing.T) {
	t.Parallel()
	for _, scope := range append([]string{fleet.WholeFleet}, fleet.Vendors()...) {
		t.Run(scope, func(t *testing.T) {
			t.Parallel()
			inBubble(t, exact, func(r *rig) {
				running := r.signup("msg_1", "acme-dental")
				r.approve(running)
				time.Sleep(time.Minute)
				frozen := r.freeze(scope)
				if len(frozen.Frozen) != 1 || frozen.Frozen[0] != (fleet.Freeze{Scope: scope, Reason: "an outage", By: "operator:token", Since: time.Now().UTC()}) {
					t.Errorf("frozen: %+v", frozen)
				}
				time.Sleep(time.Minute)
				if again := r.freeze(scope); len(again.Frozen) != 1 || again.Frozen[0] != frozen.Frozen[0] {
					t.Errorf("frozen again: %+v", again)
				}
				held := r.signup("msg_2", "other-dental")
				r.approve(held)
				for range 5 {
					r.invoke("admit")
					r.invoke("reconcile")
					time.Sleep(time.Minute)
				}
				r.settle()
				r.wantState(running, fleet.Active)
				if s := r.status(held); s["status"] != "APPROVED" || !strings.Contains(s["next_action"].(string), "held back") || strings.Contains(s["next_action"].(string), "outage") {
					t.Errorf("the one that waits: %v", s)
				}
				row := get[view.Instance](r, "/instances/"+held).Row
				if row.Place != 1 || row.State != "" || !strings.Contains(row.Progress.Reason, "frozen (an outage)") || !strings.Contains(row.Progress.NextAction, "thaw "+scope) {
					t.Errorf("the one that waits: %+v", row)
				}
				if thawed := r.thaw(scope); len(thawed.Frozen) != 0 {
					t.Errorf("after the thaw: %+v", thawed)
				}
				r.thaw(scope)
				r.settle()
				r.wantState(held, fleet.Active)
				if r.audited(fleet.FleetID, "fleet.frozen") != 1 || r.audited(fleet.FleetID, "fleet.thawed") != 1 {
					t.Error("the freeze or the thaw is not audited once")
				}
				r.wantAuditWhole(fleet.FleetID)
			})
		})
	}
}

// TestNothingIsAdmittedAfterAFreeze lets admissions and a freeze come at the same time, over and over: whatever is admitted was so
// when the freeze answered.
func TestNothingIsAdmittedAfterAFreeze(t *testing.T) {
	t.Parallel()
	inBubble(t, func(o *world.Options) {
		exact(o)
		faults(t, "supabase.CreateProject=403@1+")(o) // so that what was admitted ends soon
		o.Slots = 100
		o.Table = chaos.Wrap(o.Table, o.Clock, chaos.Options{Seed: 5, Lag: 5 * time.Millisecond, Conflict: 0.1, Lost: 0.05})
	}, func(r *rig) {
		began := 0
		for round := range 6 {
			var ids []string
			for i := range 6 {
				name := string(rune('a'+round)) + "-company-" + string(rune('a'+i))
				ids = append(ids, r.signup("msg_"+name, name))
			}
			var all sync.WaitGroup
			for i, id := range ids {
				all.Go(func() {
					time.Sleep(time.Duration(40*i) * time.Millisecond)
					r.approve(id)
				})
			}
			time.Sleep(time.Duration(40*round) * time.Millisecond)
			r.freeze("twilio")
			admitted := r.admitted(ids)
			all.Wait()
			r.w.Background("admit")
			time.Sleep(time.Minute)
			if now := r.admitted(ids); now != admitted {
				t.Errorf("%d were admitted when the freeze answered, %d a minute later", admitted, now)
			}
			began += admitted
			r.thaw("twilio")
			time.Sleep(20 * time.Minute)
			r.settle()
			if now := r.admitted(ids); now != len(ids) {
				t.Errorf("after the thaw %d of %d were admitted", now, len(ids))
			}
		}
		if began == 0 || began == 36 {
			t.Errorf("%d of 36 were admitted before their freeze: no race was run", began)
		}
	})
}

func (r *rig) admitted(ids []string) (n int) {
	r.t.Helper()
	for _, id := range ids {
		if i, err := r.w.Store.Instance(r.ctx, id); err != nil {
			r.t.Fatal(err)
		} else if i != nil {
			n++
		}
	}
	return n
}

// TestFreezeLetsTakeDownsGoOn: a take-down that runs, and one that an operator begins by cancelling, end; a retry, which is new work,
// waits for the thaw and says so.
func TestFreezeLetsTakeDownsGoOn(t *testing.T) {
	t.Parallel()
	inBubble(t, faults(t, "sendgrid.ValidateDomain=403@1+"), func(r *rig) {
		id := r.signup("msg_1", "acme-dental")
		r.approve(id)
		time.Sleep(2 * time.Minute)
		r.freeze("fleet")
		r.settle()
		r.wantClean(id)
	})
	inBubble(t, nil, func(r *rig) {
		id := r.signup("msg_1", "acme-dental")
		r.approve(id)
		time.Sleep(time.Minute)
		r.freeze("supabase")
		act[view.Operation](r, http.StatusAccepted, "/instances/"+id+"/cancel", "")
		r.settle()
		r.wantClean(id)
	})
	inBubble(t, faults(t, "sendgrid.ValidateDomain=403@1+,twilio.UpdateAccount=500-before@1-200"), func(r *rig) {
		id := r.provision()
		if o := r.operation(id); o.Outcome != fleet.FailedDirty {
			t.Fatalf("operation ended as %q", o.Outcome)
		}
		r.freeze("cloudflare")
		r.refused(http.StatusConflict, "POST", "/instances/"+id+"/retry", "", "cloudflare is frozen (an outage)")
		r.thaw("cloudflare")
		r.retry(id)
		r.settle()
	})
}

// TestRechecksWaitForTheThaw: while something is frozen no recheck begins; after the thaw it does.
func TestRechecksWaitForTheThaw(t *testing.T) {
	t.Parallel()
	inBubble(t, faults(t, "supabase.CreateProject=lost,sendgrid.ValidateDomain=403@1+"), func(r *rig) {
		id := r.provision()
		r.freeze("twilio")
		time.Sleep(bounds.RecheckSoon + 2*bounds.Margin)
		r.invoke("recheck")
		if o, err := r.w.Store.Operations(r.ctx, id); err != nil || len(o) != 1 {
			t.Errorf("%d operations, %v", len(o), err)
		}
		r.thaw("twilio")
		r.invoke("recheck")
		if o, err := r.w.Store.Operations(r.ctx, id); err != nil || len(o) != 2 {
			t.Errorf("%d operations, %v", len(o), err)
		}
	})
}

// TestFreezeWhoseAnswerIsLost is audited once all the same.
func TestFreezeWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	inBubble(t, func(o *world.Options) {
		bad := chaos.Wrap(o.Table, o.Clock, chaos.Options{})
		bad.Script(chaos.Fault{Kind: chaos.Lost}, chaos.Fault{Kind: chaos.Vanished}, chaos.Fault{Kind: chaos.Lost})
		o.Hooks.Table = func(string, table.Table) table.Table { return bad }
	}, func(r *rig) {
		r.freeze("fleet")
		r.thaw("fleet")
		r.freeze("fleet")
		if r.audited(fleet.FleetID, "fleet.frozen") != 2 || r.audited(fleet.FleetID, "fleet.thawed") != 1 {
			t.Error("the audit tells something else")
		}
		r.wantAuditWhole(fleet.FleetID)
	})
}

func TestFreezeOfNothing(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		r.refused(http.StatusUnprocessableEntity, "POST", "/freeze", `{"scope":"aws","reason":"x"}`, "one of fleet, terminations, supabase")
		r.refused(http.StatusUnprocessableEntity, "POST", "/freeze", `{"scope":"fleet"}`, "reason")
		r.refused(http.StatusUnprocessableEntity, "POST", "/freeze", `{"scope":"fleet","reason":"a\nb"}`, "reason")
		r.refused(http.StatusUnprocessableEntity, "POST", "/thaw", `{"scope":"aws"}`, "one of fleet, terminations, supabase")
		r.refused(http.StatusUnprocessableEntity, "POST", "/thaw", `{"scope":"fleet","reason":"x"}`, "a thaw has none")
	})
}
