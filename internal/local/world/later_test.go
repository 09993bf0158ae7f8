package world_test

import (
	"maps"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
)

// TestStepsAfterTheActivationMayDieForGood lets every invocation of a step past the point of no return die: the instance stays
// ACTIVE, the operation ends all the same, and what the customer was not told is an incident.
func TestStepsAfterTheActivationMayDieForGood(t *testing.T) {
	t.Parallel()
	for _, function := range []string{"notify-customer", "end-operation"} {
		t.Run(function, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(o *world.Options) {
				o.Hooks.Dies = func(p world.Point) bool { return p.Function == function }
			}, func(r *rig) {
				id := r.provision()
				r.wantActive(id)
				if function == "notify-customer" {
					r.wantMails(0)
					r.wantIncident(id, "MessageNotSent")
				} else {
					r.wantMails(3)
				}
			})
		})
	}
}

// TestStepsOfTheTakeDownMayDieForGood lets every invocation of a step of the take-down die. What decides about it goes on without
// it, by reconcile; what removes leaves the operation dirty, with its incident, until a retry with the step alive. Meanwhile nothing
// else is left, but what the DNS records point at where those are.
func TestStepsOfTheTakeDownMayDieForGood(t *testing.T) {
	t.Parallel()
	for function, left := range map[string][]string{"begin-teardown": nil, "end-operation": nil, "remove-dns": {"cloudflare", "sendgrid", "vercel"},
		"remove-frontend": {"vercel"}, "remove-email-account": {"sendgrid"}, "remove-sms-account": {"twilio"}, "remove-project": {"supabase"}} {
		t.Run(function, func(t *testing.T) {
			t.Parallel()
			var alive atomic.Bool
			inBubble(t, func(o *world.Options) {
				faults(t, "supabase.UpdateAuthConfig=403")(o)
				o.Hooks.Dies = func(p world.Point) bool { return p.Function == function && !alive.Load() }
			}, func(r *rig) {
				id := r.provision()
				if len(left) > 0 {
					if o := r.operation(id); o.Outcome != fleet.FailedDirty {
						t.Fatalf("operation ended as %q", o.Outcome)
					}
					r.wantIncident(id, "FailedDirty")
					if holding := r.holding(); !slices.Equal(holding, left) {
						t.Errorf("%v hold something, want %v", holding, left)
					}
					alive.Store(true)
					r.retry(id)
					r.settle()
				}
				r.wantClean(id)
				incidents, err := r.w.Store.Incidents(r.ctx, id)
				if err != nil {
					t.Fatal(err)
				}
				for _, i := range incidents {
					if i.ClosedAt.IsZero() {
						t.Errorf("its cause is over, but it is open: %+v", i)
					}
				}
			})
		})
	}
}

// holding are the vendors that hold something, in the order of their names.
func (r *rig) holding() []string {
	vendors := map[string]bool{}
	for _, h := range r.w.Vendors.Inventory() {
		vendors[fleet.Kind(h.Kind).Vendor()] = true
	}
	return slices.Sorted(maps.Keys(vendors))
}
