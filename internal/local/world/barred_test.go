package world_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/view"
)

// ended notes that so many more instances were terminated now.
func (g *graveyard) ended(n int) {
	g.t.Helper()
	err := g.w.Store.Update(g.ctx, fleet.FleetID, func(tx *store.Tx) error {
		latest, err := tx.Terminations()
		if err != nil {
			return err
		}
		for range n {
			latest = append(latest, fleet.Termination{InstanceID: fmt.Sprint(len(latest)), At: tx.Now()})
		}
		return tx.PutTerminations(latest)
	})
	if err != nil {
		g.t.Fatal(err)
	}
}

// TestTerminationIsBarred: each thing that bars a termination leaves the instance as it is, with one incident however often it is
// tried; once it is gone, the sweep goes on by itself.
func TestTerminationIsBarred(t *testing.T) {
	t.Parallel()
	freeze := func(scope string, on bool) func(*graveyard, string) {
		return func(g *graveyard, _ string) {
			path, body := "/freeze", fmt.Sprintf(`{"scope":%q,"reason":"a look"}`, scope)
			if !on {
				path, body = "/thaw", fmt.Sprintf(`{"scope":%q}`, scope)
			}
			if status, answer := g.do("POST", path, body, operator); status != 200 {
				g.t.Fatalf("%d %v", status, answer)
			}
		}
	}
	ended := func(n int) func(*graveyard, string) {
		return func(g *graveyard, _ string) { g.ended(n) }
	}
	for name, c := range map[string]struct{ bar, lift func(g *graveyard, id string) }{
		"legal hold": {
			func(g *graveyard, id string) {
				g.change(id, func(i *fleet.Instance) { i.Hold = &fleet.Hold{By: "operator:ada", Why: "a lawsuit", Since: time.Now()} })
			},
			func(g *graveyard, id string) { g.change(id, func(i *fleet.Instance) { i.Hold = nil }) },
		},
		"frozen fleet":        {freeze("fleet", true), freeze("fleet", false)},
		"frozen vendor":       {freeze("twilio", true), freeze("twilio", false)},
		"frozen terminations": {freeze("terminations", true), freeze("terminations", false)},
		"three within a day": {ended(3), func(g *graveyard, id string) {
			g.change(id, func(i *fleet.Instance) { i.Decommission.Second = "operator:bob" })
		}},
		"three within a day, and the day passes": {ended(3), func(*graveyard, string) { time.Sleep(fleet.CountingDay) }},
		"unverified export": {
			func(g *graveyard, id string) {
				g.change(id, func(i *fleet.Instance) { i.Decommission.FinalExport = nil })
			},
			func(g *graveyard, id string) { g.atEndOfGrace(id) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inGraveyard(t, nil, func(g *graveyard) {
				id := g.grace("msg_1", "acme-dental")
				before := g.vendorStates()
				c.bar(g, id)
				for range 3 {
					g.terminate()
					time.Sleep(15 * time.Minute)
				}
				if i := g.instance(id); i.State != fleet.Suspended || i.Decommission.Stage != fleet.InGrace || i.Operation != "" {
					t.Fatalf("%s, %+v", i.State, i.Decommission)
				}
				g.wantStates(before)
				if open := g.openIncidents(id); !slices.Equal(open, []fleet.IncidentKind{fleet.IncidentTerminationHeld}) {
					t.Errorf("open: %v", open)
				}
				c.lift(g, id)
				g.terminate()
				g.wantProved(id)
			})
		})
	}
}

// TestAnomalyStopsTerminations: an export that is not what it was, a broken chain, or twice as many terminations as usual freeze them
// all, and tell.
func TestAnomalyStopsTerminations(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(g *graveyard, id string) error{
		"manifest changed": func(g *graveyard, id string) error {
			return g.exports.Put(g.ctx, id+"/final/manifest.json", []byte(`{"files":[]}`))
		},
		"file shorter": func(g *graveyard, id string) error {
			return g.exports.Put(g.ctx, id+"/final/database.sql", []byte("dro"))
		},
		"file of the same length": func(g *graveyard, id string) error {
			return g.exports.Put(g.ctx, id+"/final/database.sql", []byte("grow"))
		},
		"six within a day": func(g *graveyard, _ string) error {
			g.ended(6)
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inGraveyard(t, nil, func(g *graveyard) {
				id := g.grace("msg_1", "acme-dental")
				before := g.vendorStates()
				if err := spoil(g, id); err != nil {
					t.Fatal(err)
				}
				for range 2 {
					g.terminate()
				}
				g.wantStates(before)
				if i := g.instance(id); i.State != fleet.Suspended || i.Decommission.Stage != fleet.InGrace {
					t.Errorf("%s, %+v", i.State, i.Decommission)
				}
				freezes, err := g.w.Store.Freezes(g.ctx)
				if err != nil || fleet.Frozen(freezes, fleet.Terminations) == nil {
					t.Errorf("%+v, %v", freezes, err)
				}
				if open := g.openIncidents(fleet.FleetID); !slices.Equal(open, []fleet.IncidentKind{fleet.IncidentTerminationsStopped}) {
					t.Errorf("open: %v", open)
				}
			})
		})
	}
}

// TestThawHolds: once somebody has looked at many terminations and thawed, those make no stop any more; each further one takes a second
// operator, as on any day of many, and as many again stop them anew.
func TestThawHolds(t *testing.T) {
	t.Parallel()
	inGraveyard(t, nil, func(g *graveyard) {
		first, second := g.grace("msg_1", "acme-dental"), g.grace("msg_2", "brink")
		g.ended(6)
		g.terminate()
		if open := g.openIncidents(fleet.FleetID); !slices.Equal(open, []fleet.IncidentKind{fleet.IncidentTerminationsStopped}) {
			t.Errorf("open: %v", open)
		}
		g.thaw(fleet.Terminations)
		for range 3 {
			g.terminate()
		}
		if freezes, err := g.w.Store.Freezes(g.ctx); err != nil || len(freezes) > 0 || len(g.openIncidents(fleet.FleetID)) > 0 {
			t.Errorf("%+v, %v", freezes, err)
		}
		g.change(first, func(i *fleet.Instance) { i.Decommission.Second = "operator:bob" })
		g.terminate()
		g.wantProved(first)
		if i := g.instance(second); i.State != fleet.Suspended {
			t.Errorf("%s, nobody else approved it", i.State)
		}
		g.ended(5)
		g.terminate()
		if open := g.openIncidents(fleet.FleetID); !slices.Equal(open, []fleet.IncidentKind{fleet.IncidentTerminationsStopped}) {
			t.Errorf("open: %v", open)
		}
	})
}

// finals are what is at the vendors whose deletion can't be undone.
func (g *graveyard) finals() (left []string) {
	for _, h := range g.w.Vendors.Inventory() {
		if fleet.Irreversible(fleet.Kind(h.Kind)) {
			left = append(left, h.Kind)
		}
	}
	return left
}

// TestFreezeHoldsBackDeletions: while terminations are frozen a take-down deletes nothing that can't be brought back, be it one that runs,
// one that an operator retries, or one that goes on by itself when its vendor is back. After the thaw it goes on.
func TestFreezeHoldsBackDeletions(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		script string
		// frozen is when: the nth second after the take-down began, or -1 for after it ended dirty.
		frozen time.Duration
	}{
		"dirty":   {"supabase.DeleteProject=403@1", -1},
		"running": {"", 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inGraveyard(t, func(o *world.Options) {
				faults(t, c.script)(o)
				o.Hooks.Late = func(function string, _ int) time.Duration {
					return map[string]time.Duration{"remove-project": 10 * time.Second, "remove-sms-account": 10 * time.Second, "remove-email-account": 10 * time.Second}[function]
				}
			}, func(g *graveyard) {
				id := g.grace("msg_1", "acme-dental")
				if _, err := g.w.Invoke(g.ctx, "due", json.RawMessage("{}")); err != nil {
					t.Fatal(err)
				}
				if c.frozen < 0 {
					g.settle()
				}
				time.Sleep(max(c.frozen, 0))
				if i := g.instance(id); i.State != fleet.Terminated {
					t.Fatalf("%s: %+v", i.State, i.Progress)
				}
				g.freeze(fleet.Terminations)
				g.settle()
				left := g.finals()
				if i := g.instance(id); i.Unfinished == "" || len(left) == 0 || c.frozen >= 0 && len(left) != 3 || c.frozen >= 0 && !strings.Contains(i.Progress.NextAction, "thaw terminations") {
					t.Errorf("left %v of %+v", left, i)
				}
				g.refused(http.StatusConflict, "POST", "/instances/"+id+"/retry", "", "terminations are frozen")
				g.thaw(fleet.Terminations)
				for range 2 {
					if g.instance(id).Unfinished != "" {
						act[view.Operation](g.rig, http.StatusAccepted, "/instances/"+id+"/retry", "")
						g.settle()
					}
				}
				g.wantProved(id)
			})
		})
	}
}
