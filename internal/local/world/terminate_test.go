package world_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/seal"
	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/view"
)

// TestTerminate: an instance whose grace is over ends: its host name first, everything else after it, and then the proof. Its neighbour
// is untouched.
func TestTerminate(t *testing.T) {
	t.Parallel()
	inGraveyard(t, nil, func(g *graveyard) {
		neighbour := g.signup("msg_2", "neighbour")
		g.approve(neighbour)
		g.settle()
		time.Sleep(time.Minute)
		before := g.vendorStates()
		id := g.grace("msg_1", "acme-dental")
		g.mu.Lock()
		g.calls = nil
		g.mu.Unlock()
		g.terminate()
		g.wantProved(id)
		g.wantAnswersTold(id)
		g.wantUntouched(before, id)
		g.wantInOrder(id)
		want := []string{"ConfirmTermination", "MarkTerminated", "BeginTeardown", "TakingDown"}
		o := g.run(id, fleet.NumberedID(fleet.Terminate, id, 1))
		if got := g.path("terminate", o.ID+"-confirm-1"); !slices.Equal(got, want) {
			t.Errorf("path %v", got)
		}
		got := g.path("teardown", o.ID+"-teardown-1")
		if want := []string{"IsItsEnd", "RemoveDNSAtEnd", "RemoveFrontendAtEnd", "RemoveEmailAccountAtEnd", "RemoveSMSAccountAtEnd", "RemoveProjectAtEnd", "ArchiveAudit", "IssueCertificate", "DestroyKey", "EndOperation", "Ended", "Terminated"}; !slices.Equal(got[len(got)-len(want):], want) {
			t.Errorf("path %v", got)
		}
		g.terminate() // late, or once more
		g.wantProved(id)
		g.refused(http.StatusNotFound, "GET", "/instances/"+neighbour+"/certificate", "", "no such certificate")
		g.refused(http.StatusNotFound, "GET", "/instances/x/certificate", "", "no such certificate")
		if err := g.archive.Put(g.ctx, g.instance(id).Decommission.Certificate.Key, []byte("{}")); err != nil {
			t.Fatal(err)
		}
		g.refused(http.StatusInternalServerError, "GET", "/instances/"+id+"/certificate", "", "the logs say what")
	})
}

// wantInOrder judges that what changed something at a vendor was sent in the safe order, and that the plan tells that very order.
func (g *graveyard) wantInOrder(id string) {
	g.t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	var sent []string
	for _, c := range g.calls {
		if c.Method != http.MethodGet && (len(sent) == 0 || sent[len(sent)-1] != c.Vendor) {
			sent = append(sent, c.Vendor)
		}
	}
	var planned []string
	ledger, err := g.w.Store.Resources(g.ctx, id)
	if err != nil {
		g.t.Fatal(err)
	}
	for n := range ledger { // as it was before
		ledger[n].Status = fleet.Created
	}
	for _, r := range fleet.PlanEnd(g.instance(id), ledger, nil, true, fleet.DefaultPeriods(), time.Now()).Resources {
		if len(planned) == 0 || planned[len(planned)-1] != r.Vendor {
			planned = append(planned, r.Vendor)
		}
	}
	if want := []string{"cloudflare", "vercel", "sendgrid", "twilio", "supabase"}; !slices.Equal(sent, want) || !slices.Equal(planned, want) {
		g.t.Errorf("sent to %v, planned for %v, want %v", sent, planned, want)
	}
}

// TestRefusalProtectsWhatComesAfter: where a vendor refuses a deletion, nothing is deleted that comes after it.
func TestRefusalProtectsWhatComesAfter(t *testing.T) {
	t.Parallel()
	for call, kept := range map[string][]fleet.Kind{
		"cloudflare.DeleteRecord": {fleet.VercelDomain, fleet.VercelProject, fleet.SendGridSubuser, fleet.TwilioSubaccount, fleet.SupabaseProject},
		"vercel.DeleteProject":    {fleet.SendGridSubuser, fleet.TwilioSubaccount, fleet.SupabaseProject},
		"sendgrid.DeleteSubuser":  {fleet.TwilioSubaccount, fleet.SupabaseProject},
		"twilio.UpdateAccount":    {fleet.SupabaseProject},
	} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			at := "@1"
			if call == "twilio.UpdateAccount" {
				at = "@2-3" // the first one suspends it
			}
			inGraveyard(t, faults(t, call+"=403"+at), func(g *graveyard) {
				id := g.grace("msg_1", "acme-dental")
				g.terminate()
				for _, kind := range kept {
					e, err := g.w.Store.ResourcesOf(g.ctx, id, kind)
					if err != nil || len(e) != 1 || e[0].Status != fleet.Created {
						t.Errorf("%+v, %v", e, err)
					}
				}
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

// TestTerminationDiesOnceAnywhere records each commit, each changing call and each file of a termination, and then lets the invocation
// die once before, or after, each of them: every run ends proved, with the neighbour as it was.
func TestTerminationDiesOnceAnywhere(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var points []world.Point
	armed := false
	inGraveyard(t, func(o *world.Options) {
		o.Hooks.Dies = func(p world.Point) bool {
			mu.Lock()
			defer mu.Unlock()
			if armed {
				points = append(points, p)
			}
			return false
		}
	}, func(g *graveyard) {
		id := g.grace("msg_1", "acme-dental")
		mu.Lock()
		armed = true
		mu.Unlock()
		g.terminate()
		g.wantProved(id)
	})
	if len(points) < 60 {
		t.Fatalf("%d points are too few", len(points))
	}
	for i, point := range points {
		if !tried(i, 5) {
			continue
		}
		t.Run(fmt.Sprintf("%+v", point), func(t *testing.T) {
			t.Parallel()
			inGraveyard(t, func(o *world.Options) { o.Hooks.Dies = func(p world.Point) bool { return p == point } }, func(g *graveyard) {
				id := g.grace("msg_1", "acme-dental")
				for range 4 {
					_, _ = g.w.Invoke(g.ctx, "due", json.RawMessage("{}")) // it may die
					g.settle()
					g.invoke("reconcile")
					g.settle()
				}
				g.wantProved(id)
			})
		})
	}
}

// TestTerminationThroughFaults: whatever befalls a deletion once, the instance ends proved, and its neighbour is untouched.
func TestTerminationThroughFaults(t *testing.T) {
	t.Parallel()
	i := 0
	for _, call := range []string{"cloudflare.DeleteRecord", "vercel.DeleteProject", "sendgrid.DeleteSubuser", "twilio.UpdateAccount", "supabase.DeleteProject"} {
		at := "@1"
		if call == "twilio.UpdateAccount" {
			at = "@2" // the first one suspends it
		}
		for _, kind := range []string{"refused", "429-retry:20s", "500-before", "500-after", "lost", "hang", "delayed:40s"} {
			if i++; !tried(i, 2) {
				continue
			}
			script := call + "=" + kind + at
			t.Run(script, func(t *testing.T) {
				t.Parallel()
				met := false
				var mu sync.Mutex
				inGraveyard(t, func(o *world.Options) {
					faults(t, script)(o)
					watch := o.Hooks.OnCall
					o.Hooks.OnCall = func(p asl.Place, c sim.Call) {
						mu.Lock()
						met = met || c.Fault != ""
						mu.Unlock()
						watch(p, c)
					}
				}, func(g *graveyard) {
					id := g.grace("msg_1", "acme-dental")
					g.terminate()
					g.wantProved(id)
				})
				if !met {
					t.Error("the fault was never met")
				}
			})
		}
	}
}

// TestUnprovedStaysDirty: where a vendor refuses a deletion for good, nothing is certified and the key stays; DNS, which goes first,
// leads nowhere. A retry ends it.
func TestUnprovedStaysDirty(t *testing.T) {
	t.Parallel()
	inGraveyard(t, faults(t, "supabase.DeleteProject=403@1-2"), func(g *graveyard) {
		id := g.grace("msg_1", "acme-dental")
		g.terminate()
		i := g.instance(id)
		if d := i.Decommission; i.State != fleet.Terminated || i.Unfinished == "" || d.Archived != nil || d.Certificate != nil || !d.KeyDestroyedAt.IsZero() || d.Stage != fleet.Terminating {
			t.Fatalf("%s, %+v", i.State, d)
		}
		s, err := g.w.Store.Signup(g.ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := step.OpenApplicant(g.ctx, step.Env{Vault: seal.New(g.keys, g.kek)}, *s); err != nil {
			t.Errorf("the key is gone already: %v", err)
		}
		if open := g.openIncidents(id); !slices.Equal(open, []fleet.IncidentKind{fleet.IncidentFailedDirty}) {
			t.Errorf("open: %v", open)
		}
		if status, answer := g.do("POST", "/instances/"+id+"/decommission/cancel", "", operator); status != http.StatusConflict {
			t.Errorf("%d %v", status, answer)
		}
		for range 2 {
			if g.instance(id).Unfinished != "" {
				act[view.Operation](g.rig, http.StatusAccepted, "/instances/"+id+"/retry", "")
				g.settle()
			}
		}
		g.wantProved(id)
	})
}
