package world_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/view"
)

func (g *graveyard) withdraw(id string) view.Withdrawal {
	g.t.Helper()
	return act[view.Withdrawal](g.rig, http.StatusAccepted, "/instances/"+id+"/decommission/cancel", "")
}

// TestWithdrawInGrace: a decommission that is cancelled in its grace leaves the instance as it was before, and nothing of it is due any more.
func TestWithdrawInGrace(t *testing.T) {
	t.Parallel()
	for before, want := range map[fleet.State]fleet.State{fleet.Active: fleet.Active, fleet.Suspended: fleet.Suspended} {
		t.Run(string(before), func(t *testing.T) {
			t.Parallel()
			inGraveyard(t, nil, func(g *graveyard) {
				id := g.grace("msg_1", "acme-dental")
				g.change(id, func(i *fleet.Instance) { i.Decommission.Before = before })
				if status, answer := g.do("POST", "/instances/"+id+"/resume", "", operator); status != http.StatusConflict {
					t.Errorf("%d %v", status, answer)
				}
				first, again := g.withdraw(id), g.withdraw(id)
				if first.Stage != fleet.Withdrawn || (first.Execution != "") != (before == fleet.Active) || first != again {
					t.Errorf("%+v, %+v", first, again)
				}
				g.settle()
				for range 2 {
					g.terminate()
				}
				g.wantSwitched(id, want)
				if again := g.withdraw(id); again.Stage != fleet.Withdrawn || again.Execution != "" {
					t.Errorf("%+v", again)
				}
			})
		})
	}
}

// TestWithdrawAnyTime: wherever a termination is when it is cancelled, the instance is either what it was, all of it, or ends proved.
func TestWithdrawAnyTime(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	outcomes := map[fleet.State]int{}
	t.Run("points", func(t *testing.T) {
		for i := range 40 {
			if !tried(i, 2) {
				continue
			}
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				inGraveyard(t, func(o *world.Options) {
					o.Hooks.Late = func(function string, _ int) time.Duration {
						return map[string]time.Duration{"confirm-termination": time.Second, "mark-terminated": time.Second, "begin-teardown": time.Second}[function]
					}
				}, func(g *graveyard) {
					id := g.grace("msg_1", "acme-dental")
					if _, err := g.w.Invoke(g.ctx, "due", json.RawMessage("{}")); err != nil {
						t.Fatal(err)
					}
					time.Sleep(time.Duration(i) * 100 * time.Millisecond)
					status, answer := g.do("POST", "/instances/"+id+"/decommission/cancel", "", operator)
					g.settle()
					g.invoke("reconcile")
					g.settle()
					mu.Lock()
					outcomes[g.instance(id).State]++
					mu.Unlock()
					switch status {
					case http.StatusAccepted:
						g.wantSwitched(id, fleet.Active)
					case http.StatusConflict:
						g.wantProved(id)
					default:
						t.Errorf("%d %v", status, answer)
					}
				})
			})
		}
	})
	if outcomes[fleet.Active] == 0 || outcomes[fleet.Terminated] == 0 {
		t.Errorf("outcomes %v: both must be seen", outcomes)
	}
}

// TestWithdrawHalfClosed: a decommission that is cancelled after its closing ended dirty, half off, goes on to undo that: the answer tells
// the operation that does, and the instance is what it was, all of it.
func TestWithdrawHalfClosed(t *testing.T) {
	t.Parallel()
	inGraveyard(t, faults(t, "supabase.UpdateLegacyKeys=403@1,twilio.UpdateAccount=403@2"), func(g *graveyard) {
		id := g.noticed("msg_1", "acme-dental")
		time.Sleep(period)
		g.terminate()
		dirty := g.instance(id).Unfinished
		if dirty == "" || g.run(id, dirty).Kind != fleet.Close {
			t.Fatalf("unfinished %q", dirty)
		}
		first, again := g.withdraw(id), g.withdraw(id)
		if first.Stage != fleet.Withdrawn || first.Operation.Operation != dirty || first != again {
			t.Errorf("%+v, %+v", first, again)
		}
		g.wantLive(id, 1)
		if o := g.run(id, dirty); o.Outcome != fleet.Undone {
			t.Errorf("%+v", o)
		}
	})
}

// TestCancelExport: an export that somebody wanted is given up by a cancel, of itself or of a decommission: nothing is left running, no
// incident tells of it, and another one can be made.
func TestCancelExport(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{"export": "/cancel", "decommission": "/decommission/cancel"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inGraveyard(t, func(o *world.Options) {
				o.Hooks.Late = func(function string, _ int) time.Duration {
					return map[string]time.Duration{"export-media": 10 * time.Second}[function]
				}
			}, func(g *graveyard) {
				id := g.noticed("msg_1", "acme-dental")
				o := act[view.Operation](g.rig, http.StatusAccepted, "/instances/"+id+"/exports", "")
				time.Sleep(time.Second)
				if g.instance(id).Operation != o.Operation {
					g.t.Fatalf("%+v", g.instance(id))
				}
				if status, answer := g.do("POST", "/instances/"+id+path, "", operator); status != http.StatusAccepted {
					g.t.Fatalf("%d %v", status, answer)
				}
				g.settle()
				g.invoke("reconcile")
				if e, err := g.w.Store.Export(g.ctx, id, o.Operation); g.run(id, o.Operation).Outcome != fleet.Undone || err != nil || e != nil && e.Status != fleet.ExportFailed {
					t.Errorf("%+v, %v", e, err)
				}
				g.wantSwitched(id, fleet.Active)
				if open := g.openIncidents(id); len(open) > 0 {
					t.Errorf("open: %v", open)
				}
				if open := g.instance(id).Decommission.Open(); open != (name == "export") {
					t.Errorf("it is being decommissioned: %t", open)
				}
				again := act[view.Operation](g.rig, http.StatusAccepted, "/instances/"+id+"/exports", "")
				g.settle()
				if now := g.run(id, again.Operation); now.Outcome != fleet.Succeeded {
					t.Errorf("%+v", now)
				}
			})
		})
	}
}
