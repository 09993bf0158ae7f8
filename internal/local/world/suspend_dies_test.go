package world_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store"
)

// TestSuspendDiesAnywhere lets an invocation die once before, or after, each commit and call of a suspension, of a resumption and of one
// that is undone: every run ends with all switches one way.
func TestSuspendDiesAnywhere(t *testing.T) {
	t.Parallel()
	for _, script := range []string{"", "twilio.UpdateAccount=403@1"} {
		points := suspensionPoints(t, script)
		if len(points) < 60 {
			t.Fatalf("%d points are too few", len(points))
		}
		for i, point := range points {
			if !tried(i, 7) {
				continue
			}
			t.Run(fmt.Sprintf("%q/%+v", script, point), func(t *testing.T) {
				t.Parallel()
				var up atomic.Bool
				inBubble(t, func(o *world.Options) {
					faults(t, script)(o)
					o.Hooks.Dies = func(p world.Point) bool { return up.Load() && p == point }
				}, func(r *rig) {
					id := r.live()
					before := r.vendorStates()
					up.Store(true)
					wanted := map[string]fleet.State{"suspend": fleet.Suspended, "resume": fleet.Active}
					if script != "" {
						wanted = map[string]fleet.State{"suspend": fleet.Active}
					}
					for _, what := range slices.Backward(slices.Sorted(maps.Keys(wanted))) {
						for try := 0; try < 3; try++ {
							if status, _ := r.do("POST", "/instances/"+id+"/"+what, forPayment, operator); status == http.StatusAccepted {
								break
							}
						}
						r.settle()
						for range 4 {
							time.Sleep(time.Minute)
							r.invoke("reconcile")
							r.settle()
						}
						if o := r.run(id, r.operations(id, fleet.OperationKind(what))[0]); script != "" && o.Outcome == fleet.Succeeded {
							r.wantSwitched(id, fleet.Suspended) // who was refused died, and nobody learned of it
							return
						}
						r.wantSwitched(id, wanted[what])
					}
					if r.wantStates(before); script != "" {
						r.wantOpen(id, "Undone")
					}
				})
			})
		}
	}
}

// suspensionPoints are those of a suspension, and of a resumption where none fails.
func suspensionPoints(t *testing.T, script string) (points []world.Point) {
	t.Helper()
	var mu sync.Mutex
	up := false
	inBubble(t, func(o *world.Options) {
		faults(t, script)(o)
		o.Hooks.Dies = func(p world.Point) bool {
			mu.Lock()
			defer mu.Unlock()
			if up && p.Function != "reconcile" {
				points = append(points, p)
			}
			return false
		}
	}, func(r *rig) {
		id := r.live()
		mu.Lock()
		up = true
		mu.Unlock()
		r.suspend(id)
		r.settle()
		if script == "" {
			r.resume(id)
			r.settle()
		}
	})
	return points
}

// TestSuspendedIsTakenDown: what a termination needs of a suspended instance is reached, and everything of it is removed.
func TestSuspendedIsTakenDown(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		id := r.live()
		o := r.suspend(id)
		r.settle()
		r.wantSwitched(id, fleet.Suspended)
		in := r.run(id, o.Operation).Input()
		err := r.w.Store.Update(r.ctx, id, func(tx *store.Tx) error {
			now, err := tx.Operation(in.OperationID)
			if err != nil {
				return err
			}
			now.Progress.Deadline = tx.Now().Add(bounds.Teardown)
			return tx.PutOperation(now)
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, function := range []string{"remove-dns", "remove-frontend", "remove-email-account", "remove-sms-account", "remove-project"} {
			r.step(function, in)
			r.step(function, in) // and once more
		}
		if held := r.w.Vendors.Inventory(); len(held) > 0 {
			t.Errorf("left at vendors: %+v", held)
		}
		entries, err := r.w.Store.Resources(r.ctx, id)
		for _, e := range entries {
			if !e.Gone() {
				t.Errorf("the ledger calls %s %s, %v", e.Kind, e.Status, err)
			}
		}
	})
}
