package world_test

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/step/bounds"
)

// TestRecheckDies lets a recheck die at each of its commits, before and after it, in its first and its last round: within a
// day or two the lease and the slug are free all the same.
func TestRecheckDies(t *testing.T) {
	t.Parallel()
	for round := 1; round <= 2; round++ {
		for commit := 1; commit <= 5; commit++ {
			for _, after := range []bool{false, true} {
				t.Run(fmt.Sprintf("round %d commit %d after %t", round, commit, after), func(t *testing.T) {
					t.Parallel()
					rounds, died := map[int]bool{}, false // the invocations that had something to do
					inBubble(t, func(o *world.Options) {
						faults(t, "supabase.CreateProject=lost,sendgrid.ValidateDomain=403@1+")(o)
						o.Hooks.Dies = func(p world.Point) bool {
							if p.Function != "recheck" || !p.Commit {
								return false
							}
							rounds[p.Invocation] = true
							dies := len(rounds) == round && p.N == commit && p.After == after
							died = died || dies
							return dies
						}
					}, func(r *rig) {
						id := r.provision()
						r.wantClean(id)
						for begun, every := time.Now(), 15*time.Minute; time.Since(begun) < 30*time.Hour; {
							if time.Sleep(every); time.Since(begun) > 2*time.Hour {
								every = time.Hour
							}
							_, _ = r.w.Invoke(r.ctx, "recheck", []byte("{}")) // it dies once
							r.invoke("reconcile")
						}
						if claim, err := r.w.Store.Claim(r.ctx, "acme-dental"); err != nil || claim != nil {
							t.Errorf("the slug is still claimed: %+v, %v", claim, err)
						}
						if i := r.instance(id); i.Operation != "" {
							t.Errorf("%s holds the lease", i.Operation)
						}
						r.wantAuditWhole(id)
						if !died {
							t.Error("it never died")
						}
					})
				})
			}
		}
	}
}

// TestRecheckRemovesDoubles lets a creating request land long after every bound, beside the resource that was made anew: the
// recheck removes it from the ACTIVE instance, and nothing else.
func TestRecheckRemovesDoubles(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"vercel.CreateDeployment", "sendgrid.CreateKey", "twilio.CreateKey", "sendgrid.AuthenticateDomain",
		"twilio.CreateAccount", "twilio.CreateService", "supabase.CreateProject"} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			inBubble(t, faults(t, call+"=delayed:12m"), func(r *rig) {
				id := r.provision()
				r.wantState(id, fleet.Active)
				time.Sleep(13 * time.Minute)
				before := len(r.w.Vendors.Inventory())
				time.Sleep(bounds.RecheckSoon)
				r.invoke("recheck")
				time.Sleep(10 * time.Minute) // a project takes a while to come up and to go
				time.Sleep(bounds.RecheckLate)
				r.invoke("recheck")
				time.Sleep(10 * time.Minute)
				if after := len(r.w.Vendors.Inventory()); after >= before {
					t.Errorf("%d resources before the rechecks, %d after", before, after)
				}
				r.wantLedgerTrue(id)
				r.wantState(id, fleet.Active)
			})
		})
	}
}

// TestHoldHoldsRechecks: under a legal hold nothing of an instance is deleted, not even a double that a recheck would remove, and nobody
// is told that it is late. Once the hold is lifted the recheck does.
func TestHoldHoldsRechecks(t *testing.T) {
	t.Parallel()
	inBubble(t, faults(t, "supabase.CreateProject=delayed:12m"), func(r *rig) {
		id := r.signup("msg_1", "acme-dental")
		r.approve(id)
		time.Sleep(time.Minute)
		r.refused(http.StatusConflict, "POST", "/instances/"+id+"/hold", `{"why":"a lawsuit"}`, "PROVISIONING")
		r.settle()
		r.wantState(id, fleet.Active)
		time.Sleep(13 * time.Minute)
		act[fleet.Hold](r, http.StatusOK, "/instances/"+id+"/hold", `{"why":"a lawsuit"}`)
		before := r.vendorStates()
		for range 3 {
			time.Sleep(bounds.RecheckLate)
			r.invoke("recheck")
			r.invoke("overdue")
		}
		r.wantStates(before)
		r.wantOpen(id)
		act[struct{}](r, http.StatusOK, "/instances/"+id+"/lift", `{"why":"it is over"}`)
		r.invoke("recheck")
		time.Sleep(10 * time.Minute) // a project takes a while to go
		r.wantLedgerTrue(id)
	})
}

// TestHoldStopsARecheck: a legal hold that is set while a recheck deletes a double stops it at that one.
func TestHoldStopsARecheck(t *testing.T) {
	t.Parallel()
	var hold func()
	inBubble(t, func(o *world.Options) {
		faults(t, "supabase.CreateProject=delayed:12m,twilio.CreateAccount=delayed:12m")(o)
		o.Hooks.Transport = func(next http.RoundTripper) http.RoundTripper {
			return transport(func(q *http.Request) (*http.Response, error) {
				if hold != nil && q.Method != http.MethodGet {
					hold()
					hold = nil
				}
				return next.RoundTrip(q)
			})
		}
	}, func(r *rig) {
		id := r.provision()
		r.wantState(id, fleet.Active)
		time.Sleep(13*time.Minute + bounds.RecheckSoon)
		before := len(r.w.Vendors.Inventory())
		hold = func() {
			act[fleet.Hold](r, http.StatusOK, "/instances/"+id+"/hold", `{"why":"a lawsuit"}`)
		}
		r.invoke("recheck")
		time.Sleep(10 * time.Minute) // a project takes a while to go
		if after := len(r.w.Vendors.Inventory()); hold != nil || before-after != 1 {
			t.Errorf("%d resources before the hold, %d after", before, after)
		}
		act[struct{}](r, http.StatusOK, "/instances/"+id+"/lift", `{"why":"it is over"}`)
		r.invoke("recheck")
		time.Sleep(10 * time.Minute)
		r.wantLedgerTrue(id)
	})
}

// TestRecheckFailsForAWeek has a vendor refuse every look for a week: one incident, few tries, the slug stays in quarantine; one that
// is closed meanwhile comes back. Once the vendor answers again the incident is over, and the slug is free.
func TestRecheckFailsForAWeek(t *testing.T) {
	t.Parallel()
	var down atomic.Bool
	inBubble(t, func(o *world.Options) {
		faults(t, "supabase.CreateProject=lost,sendgrid.ValidateDomain=403@1+")(o)
		o.Hooks.Transport = func(next http.RoundTripper) http.RoundTripper {
			return transport(func(q *http.Request) (*http.Response, error) {
				if down.Load() && q.URL.Host == "api.supabase.test" {
					return &http.Response{StatusCode: http.StatusForbidden, Header: http.Header{"Content-Type": {"application/json"}},
						Body: io.NopCloser(strings.NewReader(`{"message":"no"}`)), Request: q}, nil
				}
				return next.RoundTrip(q)
			})
		}
	}, func(r *rig) {
		id := r.provision()
		r.wantClean(id)
		sweep := func(d time.Duration) {
			for range d / (15 * time.Minute) {
				time.Sleep(15 * time.Minute)
				r.invoke("recheck")
				r.invoke("reconcile")
			}
		}
		down.Store(true)
		sweep(7 * 24 * time.Hour)
		r.wantOpen(id, "RecheckFailed")
		for _, i := range r.allIncidents(id) {
			r.acknowledge(id, i.ID, true)
		}
		r.wantOpen(id)
		sweep(24 * time.Hour)
		r.wantOpen(id, "RecheckFailed")
		operations, err := r.w.Store.Operations(r.ctx, id)
		if err != nil || len(operations) > 40 {
			t.Errorf("%d operations, %v", len(operations), err)
		}
		if claim, err := r.w.Store.Claim(r.ctx, "acme-dental"); err != nil || claim == nil {
			t.Errorf("the slug left its quarantine: %v", err)
		}
		down.Store(false)
		sweep(3 * 24 * time.Hour)
		if claim, err := r.w.Store.Claim(r.ctx, "acme-dental"); err != nil || claim != nil {
			t.Errorf("the slug is still claimed: %+v, %v", claim, err)
		}
		r.wantOpen(id)
	})
}

type transport func(*http.Request) (*http.Response, error)

func (t transport) RoundTrip(q *http.Request) (*http.Response, error) { return t(q) }

// TestReleaseOfManyFiles deploys a release whose upload takes longer than an invocation: each one goes on where the last
// stopped.
func TestReleaseOfManyFiles(t *testing.T) {
	t.Parallel()
	inBubble(t, func(o *world.Options) {
		files := fstest.MapFS{}
		for _, name := range []string{"index.html", "api/health.js", "version.json"} {
			files[name] = &fstest.MapFile{Data: []byte(`{"version":"1"}`)}
		}
		for i := range 900 {
			files["assets/"+strconv.Itoa(i)+".js"] = &fstest.MapFile{Data: []byte(strconv.Itoa(i))}
		}
		o.Release = files
	}, func(r *rig) { r.wantActive(r.provision()) })
}
