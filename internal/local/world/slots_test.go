package world_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/step/bounds"
)

// queue signs n companies up and approves them a second apart, from the last to the first; it gives their ids in the order of
// approval.
func (r *rig) queue(n int) []string {
	r.t.Helper()
	var ids []string
	for i := range n {
		ids = append(ids, r.signup("msg_"+strconv.Itoa(i), "company-"+strconv.Itoa(i)))
		time.Sleep(time.Second)
	}
	slices.Reverse(ids)
	for _, id := range ids {
		r.approve(id)
		time.Sleep(time.Second)
	}
	return ids
}

// most is the largest number of the operations that ran at the same time.
func most(operations []fleet.Operation) int {
	n := 0
	for _, o := range operations {
		same := 0
		for _, other := range operations {
			if !other.StartedAt.After(o.StartedAt) && other.EndedAt.After(o.StartedAt) {
				same++
			}
		}
		n = max(n, same)
	}
	return n
}

// TestSlotsHoldTheRestBack: of five approved with two slots, never more than two are provisioned at once, two are, in the
// order of approval, and all end active, each with what is its own.
func TestSlotsHoldTheRestBack(t *testing.T) {
	t.Parallel()
	inBubble(t, exact, func(r *rig) {
		ids := r.queue(5)
		done := make(chan struct{})
		go func() { // looks from outside, at every second of it all
			defer close(done)
			for range 1200 {
				if running, err := r.w.Store.RunningOperations(r.ctx); err != nil || len(running) > 2 {
					t.Errorf("%d run at %s, %v", len(running), time.Now(), err)
				}
				time.Sleep(time.Second)
			}
		}()
		if s := r.status(ids[4]); s["status"] != "APPROVED" || s["state"] != nil {
			t.Errorf("the last one does not wait: %v", s)
		}
		r.settle()
		<-done
		var operations []fleet.Operation
		for _, id := range ids {
			operations = append(operations, r.operation(id))
		}
		if n := most(operations); n != 2 {
			t.Errorf("%d were provisioned at once", n)
		}
		if !slices.IsSortedFunc(operations, func(a, b fleet.Operation) int { return a.StartedAt.Compare(b.StartedAt) }) {
			t.Errorf("the order of approval was not kept: %+v", operations)
		}
		r.wantAllActive(ids)
	})
}

// wantAllActive judges that the instances are ACTIVE, and that the vendors hold what their ledgers say and nothing else.
func (r *rig) wantAllActive(ids []string) {
	r.t.Helper()
	settings := []fleet.Kind{fleet.DatabaseSchema, fleet.InstanceConfig, fleet.AuthSettings, fleet.EdgeSecrets, fleet.FrontendSettings, fleet.DNSProxy,
		fleet.SendGridPostings}
	var ledger, held []string
	for _, id := range ids {
		if i := r.instance(id); i.State != fleet.Active || i.Operation != "" || r.operation(id).Outcome != fleet.Succeeded {
			r.t.Errorf("instance %s is %s: %+v", i.Slug, i.State, i.Progress)
		}
		r.wantAuditWhole(id)
		entries, err := r.w.Store.Resources(r.ctx, id)
		if err != nil {
			r.t.Fatal(err)
		}
		for _, e := range entries {
			if e.Status == fleet.Created && !slices.Contains(settings, e.Kind) {
				ledger = append(ledger, fmt.Sprintf("%s/%s", e.Kind, e.Name))
			}
		}
	}
	for _, h := range r.w.Vendors.Inventory() {
		held = append(held, h.Kind+"/"+h.Name)
	}
	slices.Sort(ledger)
	slices.Sort(held)
	if !slices.Equal(ledger, held) {
		r.t.Errorf("ledgers hold\n%q, vendors\n%q", ledger, held)
	}
	if keys := r.databases.Keys(); len(keys) < len(ids) {
		r.t.Errorf("%d databases for %d instances", len(keys), len(ids))
	}
	r.wantMails(3 * len(ids))
}

// TestFailedOneFreesItsSlot: the one slot of a provisioning that fails is the next one's.
func TestFailedOneFreesItsSlot(t *testing.T) {
	t.Parallel()
	inBubble(t, func(o *world.Options) {
		exact(o)
		o.Slots = 1
		o.Script = sim.NewScript(sim.Rule{Call: "twilio.CreateAccount", Kind: sim.Denied, From: 1, To: 1})
	}, func(r *rig) {
		ids := r.queue(3)
		r.settle()
		var operations []fleet.Operation
		for _, id := range ids {
			operations = append(operations, r.operation(id))
		}
		if o := operations[0]; o.Outcome != fleet.FailedClean || r.instance(ids[0]).State != fleet.Terminated {
			t.Errorf("the first ended as %q", o.Outcome)
		}
		if n := most(operations); n != 1 {
			t.Errorf("%d were provisioned at once", n)
		}
		r.wantAllActive(ids[1:])
	})
}

// TestAdmissionAtAnyTime: admit may run at any time, and often at once: it admits nobody twice and nobody else.
func TestAdmissionAtAnyTime(t *testing.T) {
	t.Parallel()
	inBubble(t, exact, func(r *rig) {
		waiting := r.signup("msg_x", "not-approved")
		ids := r.queue(3)
		for range 60 {
			for range 5 {
				r.w.Background("admit")
			}
			time.Sleep(10 * time.Second)
		}
		r.settle()
		if n := len(r.w.Executions.ListExecutions()); n != 3 {
			t.Errorf("%d executions", n)
		}
		if s := r.status(waiting); s["status"] != "REQUESTED" {
			t.Errorf("a signup that nobody approved is %v", s["status"])
		}
		r.wantAllActive(ids)
	})
}

// TestStartedLate: a provisioning whose execution could not be started gets its whole time once it can be, for some hours; then its
// deadline decides.
func TestStartedLate(t *testing.T) {
	t.Parallel()
	for wait, want := range map[time.Duration]fleet.State{28 * time.Minute: fleet.Active, bounds.Start - time.Minute: fleet.Active, bounds.Start + time.Minute: fleet.Terminated} {
		t.Run(wait.String(), func(t *testing.T) {
			inBubble(t, func(o *world.Options) {
				o.Hooks.Dies = func(p world.Point) bool { return p.Function == "admit" && p.Commit && p.After }
			}, func(r *rig) {
				id := r.signup("msg_1", "acme-dental")
				r.approve(id)
				r.settle()
				if n := len(r.w.Executions.ListExecutions()); n != 0 {
					t.Fatalf("%d executions", n)
				}
				time.Sleep(wait)
				r.invoke("reconcile")
				if left := time.Until(r.operation(id).Progress.Deadline); want == fleet.Active && (left < bounds.Provision-time.Minute || left > bounds.Provision+bounds.Margin) {
					t.Errorf("%s are left", left)
				}
				r.settle()
				r.wantState(id, want)
				r.wantAuditWhole(id)
				if want == fleet.Active {
					r.wantNoIncident(id)
				}
			})
		})
	}
}
