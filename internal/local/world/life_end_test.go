package world_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
)

// noticed is an instance in its notice, and closed one in its grace.
func (g *graveyard) noticed(webhook, slug string) string {
	g.t.Helper()
	id := g.provisioned(webhook, slug)
	g.decommission(id)
	g.wantNotice(id)
	return id
}

func (g *graveyard) closed(webhook, slug string) string {
	g.t.Helper()
	id := g.noticed(webhook, slug)
	time.Sleep(period)
	g.terminate()
	g.ticks(1)
	g.wantGrace(id)
	return id
}

// wantLive judges that an instance is what it was before its decommission, that nothing of it is due, and how often its customer was told so.
func (g *graveyard) wantLive(id string, told int) {
	g.t.Helper()
	g.settle()
	g.ticks(1)
	g.wantSwitched(id, fleet.Active)
	d := g.instance(id).Decommission
	if d.Stage != fleet.Withdrawn {
		g.t.Errorf("%+v", d)
	}
	if due, err := g.w.Store.Due(g.ctx, time.Now().Add(10*period)); err != nil || len(due) > 0 {
		g.t.Errorf("due: %+v, %v", due, err)
	}
	if left := g.w.Calendar(); len(left) > 0 {
		g.t.Errorf("schedules: %v", left)
	}
	if n := len(g.mailed(id, fleet.EndMessage(fleet.EndWithdrawn, d.N))); n != told {
		g.t.Errorf("told %d times, want %d", n, told)
	}
	if open := g.openIncidents(id); len(open) > 0 {
		g.t.Errorf("open: %v", open)
	}
}

// TestWithdrawWhole: a decommission that is cancelled in its notice, or in its grace, leaves the instance as it was, and a schedule that
// comes after all finds nothing. It can be decommissioned again, and ends by that one.
func TestWithdrawWhole(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(g *graveyard) string{
		"notice": func(g *graveyard) string { return g.noticed("msg_1", "acme-dental") },
		"grace":  func(g *graveyard) string { return g.closed("msg_1", "acme-dental") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inGraveyard(t, nil, func(g *graveyard) {
				id := begin(g)
				g.withdraw(id)
				g.wantLive(id, 1)
				time.Sleep(3 * period)
				for range 2 {
					g.terminate()
				}
				g.wantLive(id, 1)
				g.decommission(id)
				g.wantNotice(id)
				for range 2 {
					time.Sleep(period)
					g.terminate()
				}
				g.wantProved(id)
				if d := g.instance(id).Decommission; d.N != 2 {
					t.Errorf("%+v", d)
				}
			})
		})
	}
}

// TestWithdrawWhileItRuns: wherever the first export, or the closing, is when the decommission is cancelled, the instance is what it was.
func TestWithdrawWhileItRuns(t *testing.T) {
	t.Parallel()
	for _, during := range []string{"decommission", "close"} {
		for i := range 24 {
			if !tried(i, 4) {
				continue
			}
			t.Run(fmt.Sprint(during, i), func(t *testing.T) {
				t.Parallel()
				inGraveyard(t, nil, func(g *graveyard) {
					id := g.provisioned("msg_1", "acme-dental")
					if during == "decommission" {
						if status, answer := g.do("POST", "/instances/"+id+"/decommission", `{"reason":"leaves"}`, operator); status != http.StatusAccepted {
							t.Fatalf("%d %v", status, answer)
						}
					} else {
						g.decommission(id)
						time.Sleep(period)
						if _, err := g.w.Invoke(g.ctx, "due", json.RawMessage("{}")); err != nil {
							t.Fatal(err)
						}
					}
					time.Sleep(time.Duration(i) * 500 * time.Millisecond)
					told := 0
					if !g.instance(id).Decommission.ToldAt.IsZero() {
						told = 1
					}
					g.withdraw(id)
					g.settle()
					g.invoke("reconcile")
					g.wantLive(id, told)
					if n := len(g.mailed(id, fleet.EndMessage(fleet.NoticeGiven, 1))); n != told {
						t.Errorf("%d notices were mailed, and %d told", n, told)
					}
				})
			})
		}
	}
}

// TestSchedulesInAnyOrder: one-time schedules that come twice at once, late, early or out of order bring one outcome.
func TestSchedulesInAnyOrder(t *testing.T) {
	t.Parallel()
	inGraveyard(t, nil, func(g *graveyard) {
		id := g.noticed("msg_1", "acme-dental")
		early := func() {
			for range 2 {
				g.w.Background("due")
			}
			g.settle()
		}
		early()
		time.Sleep(2*period + time.Hour) // both schedules are late
		for range 3 {
			early()
			g.ticks(1)
		}
		g.wantGrace(id)
		if d := g.instance(id).Decommission; d.GraceEnds.Before(time.Now().Add(period - time.Hour)) {
			t.Errorf("closed %s late, it has no whole grace: %s", time.Since(d.NoticeEnds), d.GraceEnds)
		}
		time.Sleep(period)
		for range 3 {
			early()
		}
		g.wantProved(id)
		if n := len(g.operations(id, fleet.Close)); n != 1 {
			t.Errorf("closed %d times", n)
		}
	})
}

// TestNotDecommissioned: what is in the way is told, all of it, and nothing begins.
func TestNotDecommissioned(t *testing.T) {
	t.Parallel()
	inGraveyard(t, nil, func(g *graveyard) {
		id := g.provisioned("msg_1", "acme-dental")
		refused := func(want string) {
			t.Helper()
			status, answer := g.do("POST", "/instances/"+id+"/decommission", `{"reason":"leaves"}`, operator)
			if status != http.StatusConflict || !strings.Contains(fmt.Sprint(answer), want) {
				t.Errorf("%d %v, want %q", status, answer, want)
			}
		}
		if status, answer := g.do("POST", "/instances/"+id+"/decommission", `{"reason":""}`, operator); status != http.StatusUnprocessableEntity {
			t.Errorf("%d %v", status, answer)
		}
		g.change(id, func(i *fleet.Instance) { i.Hold = &fleet.Hold{By: "operator:ada", Why: "a lawsuit", Since: time.Now()} })
		refused("a lawsuit")
		g.change(id, func(i *fleet.Instance) { i.Hold = nil })
		g.do("POST", "/freeze", `{"scope":"terminations","reason":"a look"}`, operator)
		refused("terminations are frozen")
		g.do("POST", "/thaw", `{"scope":"terminations"}`, operator)
		g.suspend(id)
		refused("runs")
		g.settle()
		refused("unpaid")
		if g.instance(id).Decommission != nil {
			t.Error("it is being decommissioned")
		}
	})
}

// TestEndOfUnpaid: without the unpaid lock an instance that is suspended for its bills is decommissioned, and its plan says that nothing is in
// the way.
func TestEndOfUnpaid(t *testing.T) {
	t.Parallel()
	inGraveyard(t, func(o *world.Options) { o.EndUnpaid = true }, func(g *graveyard) {
		id := g.provisioned("msg_1", "acme-dental")
		g.suspend(id)
		g.settle()
		if p := get[fleet.Plan](g.rig, "/instances/"+id+"/decommission"); len(p.Obstacles) > 0 {
			t.Errorf("in the way: %v", p.Obstacles)
		}
		g.decommission(id)
		g.ticks(1)
		if d := g.instance(id).Decommission; d.Stage != fleet.InNotice || !d.Given() || d.Before != fleet.Suspended {
			t.Errorf("%+v", d)
		}
	})
}

// TestHoldBlocksTheEnd: a legal hold that is set in the notice lets the instance be closed, and keeps it from being terminated; its final
// export is made anew before its files are deleted, and its customer gets a link to that.
func TestHoldBlocksTheEnd(t *testing.T) {
	t.Parallel()
	inGraveyard(t, nil, func(g *graveyard) {
		id := g.noticed("msg_1", "acme-dental")
		g.change(id, func(i *fleet.Instance) { i.Hold = &fleet.Hold{By: "operator:ada", Why: "a lawsuit", Since: time.Now()} })
		time.Sleep(period)
		g.terminate()
		g.ticks(1)
		g.wantGrace(id)
		first := g.instance(id).Decommission
		time.Sleep(fleet.KeepEndExports)
		for range 3 {
			g.terminate()
		}
		i := g.instance(id)
		if i.State != fleet.Suspended || i.Decommission.FinalExport.ID == first.FinalExport.ID || !i.Decommission.GraceEnds.Equal(first.GraceEnds) {
			t.Fatalf("%s, %+v", i.State, i.Decommission)
		}
		g.ticks(1)
		renewed := i.Decommission.FinalExport
		if mails := g.mailed(id, fleet.RenewedMessage(1, renewed.ID)); len(mails) != 1 {
			t.Errorf("of the other export: %+v", mails)
		} else {
			g.wantFetched(id, *renewed, mails[0].Text)
		}
		if open := g.openIncidents(id); !slices.Equal(open, []fleet.IncidentKind{fleet.IncidentTerminationHeld}) {
			t.Errorf("open: %v", open)
		}
		g.change(id, func(i *fleet.Instance) { i.Hold = nil })
		g.terminate()
		g.wantProved(id)
	})
}

// TestClosingFails: an instance that can't be switched off, or whose final export fails, is told and closed again by itself; nothing is
// deleted meanwhile.
func TestClosingFails(t *testing.T) {
	t.Parallel()
	for script, incident := range map[string]fleet.IncidentKind{
		"twilio.UpdateAccount=403@1":     fleet.IncidentUndone,
		"sendgrid.UpdateSubuser=403@1":   fleet.IncidentUndone,
		"supabase.ListBuckets=403@2":     fleet.IncidentExportFailed,
		"supabase.ListBuckets=hang@2-40": "",
	} {
		t.Run(script, func(t *testing.T) {
			t.Parallel()
			inGraveyard(t, faults(t, script), func(g *graveyard) {
				id := g.noticed("msg_1", "acme-dental")
				time.Sleep(period)
				g.terminate()
				if open := g.openIncidents(id); incident != "" && !slices.Equal(open, []fleet.IncidentKind{incident}) {
					t.Errorf("open: %v, %+v", open, g.instance(id))
				}
				time.Sleep(time.Hour)
				g.terminate()
				g.ticks(1)
				g.wantGrace(id)
				if open := g.openIncidents(id); len(open) > 0 {
					t.Errorf("open: %v", open)
				}
				time.Sleep(period)
				g.terminate()
				g.wantProved(id)
			})
		})
	}
}

// TestClosingFailsOverAndOver: what is tried again by itself has one incident, however often it fails in the same way.
func TestClosingFailsOverAndOver(t *testing.T) {
	t.Parallel()
	for script, kind := range map[string]fleet.IncidentKind{
		"vercel.PauseProject=403@1-3":  fleet.IncidentUndone,
		"supabase.ListBuckets=403@2-4": fleet.IncidentExportFailed,
	} {
		t.Run(script, func(t *testing.T) {
			t.Parallel()
			inGraveyard(t, faults(t, script), func(g *graveyard) {
				id := g.noticed("msg_1", "acme-dental")
				time.Sleep(period)
				for range 3 {
					g.terminate()
					if open := g.openIncidents(id); !slices.Equal(open, []fleet.IncidentKind{kind}) {
						t.Errorf("open: %v", open)
					}
					time.Sleep(time.Hour)
				}
				g.terminate()
				g.ticks(1)
				g.wantGrace(id)
				if all := g.allIncidents(id); len(all) != 1 || all[0].ClosedAt.IsZero() {
					t.Errorf("incidents: %+v", all)
				}
			})
		})
	}
}

// TestClosingFailsOtherwise: where it fails for another cause, the one incident is about that.
func TestClosingFailsOtherwise(t *testing.T) {
	t.Parallel()
	inGraveyard(t, faults(t, "vercel.PauseProject=403@1,vercel.PauseProject=hang@2-90"), func(g *graveyard) {
		id := g.noticed("msg_1", "acme-dental")
		time.Sleep(period)
		for _, cause := range []string{"Rejected", "Overdue"} {
			g.terminate()
			open := slices.DeleteFunc(g.allIncidents(id), func(i fleet.Incident) bool { return !i.ClosedAt.IsZero() })
			if len(open) != 1 || !strings.Contains(open[0].Reason, cause) {
				t.Errorf("open for %s: %+v", cause, open)
			}
			time.Sleep(time.Hour)
		}
	})
}

// TestEndDiesOnceAnywhere records each commit, each changing call and each file from the decision to the grace, and then lets the invocation
// die once before, or after, each of them: every run ends in its grace, with one mail each.
func TestEndDiesOnceAnywhere(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var points []world.Point
	armed := false
	whole := func(g *graveyard) {
		id := g.provisioned("msg_1", "acme-dental")
		mu.Lock()
		armed = true
		mu.Unlock()
		for range 3 {
			if i := g.instance(id); !i.Decommission.Open() {
				g.do("POST", "/instances/"+id+"/decommission", `{"reason":"leaves"}`, operator) // it may die
			}
			g.settle()
			g.invoke("reconcile")
			g.settle()
		}
		g.ticks(3)
		g.wantNotice(id)
		time.Sleep(period)
		for range 4 {
			_, _ = g.w.Invoke(g.ctx, "due", json.RawMessage("{}")) // it may die
			g.settle()
			g.invoke("reconcile")
			g.settle()
			time.Sleep(15 * time.Minute)
		}
		g.ticks(3)
		g.wantGrace(id)
	}
	inGraveyard(t, func(o *world.Options) {
		o.Hooks.Dies = func(p world.Point) bool {
			mu.Lock()
			defer mu.Unlock()
			// A mail that dies while it is sent may be lost, and whoever downloads tries again: other tests play both.
			if armed && p.Function != "deliver" && p.Function != "give-download" {
				points = append(points, p)
			}
			return false
		}
	}, whole)
	if len(points) < 60 {
		t.Fatalf("%d points are too few", len(points))
	}
	for i, point := range points {
		if !tried(i, 9) {
			continue
		}
		t.Run(fmt.Sprintf("%+v", point), func(t *testing.T) {
			t.Parallel()
			inGraveyard(t, func(o *world.Options) { o.Hooks.Dies = func(p world.Point) bool { return p == point } }, whole)
		})
	}
}
