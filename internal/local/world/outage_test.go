package world_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/store"
)

// outages lets the calls of a vendor's own API fail while down says so.
type outages struct {
	next http.RoundTripper
	host string
	down func(r *http.Request) bool
	how  string
}

func (o outages) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != o.host || !o.down(r) {
		return o.next.RoundTrip(r)
	}
	if o.how == "refused" {
		return nil, os.NewSyscallError("connect", syscall.ECONNREFUSED)
	}
	out := httptest.NewRecorder()
	out.WriteHeader(http.StatusServiceUnavailable)
	return out.Result(), nil
}

func failing(vendor, how string, down func(*http.Request) bool) func(*world.Options) {
	return func(o *world.Options) {
		o.Hooks.Transport = func(next http.RoundTripper) http.RoundTripper {
			return outages{next, "api." + vendor + ".test", down, how}
		}
	}
}

// scheduled runs the schedules for d, and lets all come to its end.
func (r *rig) scheduled(d time.Duration) {
	r.t.Helper()
	ctx, cancel := context.WithCancel(r.ctx)
	r.w.RunSchedules(ctx)
	time.Sleep(d)
	cancel()
	r.settle()
}

// allIncidents lists the whole fleet's and these instances' incidents, open and closed, but those of the daily checkup.
func (r *rig) allIncidents(ids ...string) (all []fleet.Incident) {
	r.t.Helper()
	for _, id := range append([]string{fleet.FleetID}, ids...) {
		there, err := r.w.Store.Incidents(r.ctx, id)
		if err != nil {
			r.t.Fatal(err)
		}
		all = append(all, there...)
	}
	return slices.DeleteFunc(all, func(i fleet.Incident) bool { return i.Code == fleet.IncidentCheckFailed })
}

// wantOneOutage judges that there was one incident, which is over.
func (r *rig) wantOneOutage(ids ...string) {
	r.t.Helper()
	all := r.allIncidents(ids...)
	if len(all) != 1 || all[0].Code != fleet.IncidentVendorDown || all[0].ClosedAt.IsZero() {
		r.t.Errorf("incidents: %+v", all)
	}
}

// wantEnded judges that each instance is ACTIVE or was taken down clean, and at least so many are ACTIVE.
func (r *rig) wantEnded(least int, ids ...string) {
	r.t.Helper()
	active := 0
	for _, id := range ids {
		i, o := r.instance(id), r.operation(id)
		if i.State == fleet.Active {
			active++
		} else if i.State != fleet.Terminated || o.Outcome != fleet.FailedClean {
			r.t.Errorf("%s is %s, %q: %+v", i.Slug, i.State, o.Outcome, i.Progress)
		}
	}
	if active < least {
		r.t.Errorf("only %d are active", active)
	}
}

// wantNotAdmitted judges that no provisioning began in between.
func (r *rig) wantNotAdmitted(from, until time.Time, ids ...string) {
	r.t.Helper()
	for _, id := range ids {
		if at := r.operation(id).StartedAt; at.After(from) && at.Before(until) {
			r.t.Errorf("%s was admitted at %s, during the outage", r.instance(id).Slug, at)
		}
	}
}

// TestVendorDownForAll: Supabase is down for 20 minutes in the middle of eight provisionings. There is one incident; nothing new is
// admitted meanwhile, and those who wait are told; then all goes on by itself, and ends.
func TestVendorDownForAll(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"refused", "503"} {
		t.Run(how, func(t *testing.T) {
			var begun, until time.Time
			inBubble(t, func(o *world.Options) {
				exact(o)
				failing("supabase", how, func(*http.Request) bool {
					now := time.Now()
					return !begun.IsZero() && now.After(begun) && now.Before(until)
				})(o)
			}, func(r *rig) {
				begun = time.Now().Add(80 * time.Second)
				until = begun.Add(20 * time.Minute)
				ids := r.queue(8)
				go func() {
					time.Sleep(time.Until(begun.Add(15 * time.Minute)))
					if s := r.status(ids[7]); s["status"] != "APPROVED" || !strings.Contains(s["next_action"].(string), "held back") {
						t.Errorf("the last one is told %v", s)
					}
					if _, row := r.do("GET", "/instances/"+ids[7], "", operator); !strings.Contains(row["progress"].(map[string]any)["reason"].(string), "waits for supabase") {
						t.Errorf("operators are told %v", row["progress"])
					}
				}()
				r.scheduled(2 * time.Hour)
				r.wantOneOutage(ids...)
				r.wantUnthrottled()
				r.wantEnded(6, ids...)
				r.wantNotAdmitted(begun.Add(2*time.Minute), until, ids...)
			})
		})
	}
}

// refusedWhileDown has a provisioning refused for good, and its take-down find Supabase down for as long as down is set.
func refusedWhileDown(down *atomic.Bool) func(*world.Options) {
	return func(o *world.Options) {
		exact(o)
		failing("supabase", "503", func(*http.Request) bool { return down.Load() })(o)
		o.Script = sim.NewScript(sim.Rule{Call: "sendgrid.ValidateDomain", Kind: sim.Denied, From: 1})
	}
}

// leftByItsVendor is an instance whose vendor goes down, for longer than its take-down may last.
func (r *rig) leftByItsVendor(down *atomic.Bool) string {
	r.t.Helper()
	id := r.signup("msg_1", "acme-dental")
	r.approve(id)
	time.Sleep(4 * time.Second)
	down.Store(true)
	r.scheduled(100 * time.Minute)
	return id
}

// TestTakeDownWaitsForItsVendor: a vendor is down for longer than the take-down may last. That ends dirty without an incident of its
// own, says what it waits for, and begins again by itself when the vendor is back.
func TestTakeDownWaitsForItsVendor(t *testing.T) {
	t.Parallel()
	var down atomic.Bool
	inBubble(t, refusedWhileDown(&down), func(r *rig) {
		id := r.leftByItsVendor(&down)
		if i := r.instance(id); i.Waits != "supabase" || i.Operation != "" || !strings.Contains(i.Progress.Reason, "waits for supabase") {
			t.Errorf("it waits for %q: %+v", i.Waits, i.Progress)
		}
		if all := r.allIncidents(id); len(all) != 1 || all[0].Code != fleet.IncidentVendorDown || !all[0].ClosedAt.IsZero() {
			t.Errorf("incidents: %+v", all)
		}
		down.Store(false)
		r.scheduled(15 * time.Minute)
		r.wantClean(id)
		r.wantOneOutage(id)
	})
}

// TestTakeDownGoesOnWhoeverFoundItsVendor: a take-down that waits for a vendor goes on within a minute too where not the watch, but
// somebody's call found that the vendor is back.
func TestTakeDownGoesOnWhoeverFoundItsVendor(t *testing.T) {
	t.Parallel()
	var down atomic.Bool
	inBubble(t, refusedWhileDown(&down), func(r *rig) {
		id := r.leftByItsVendor(&down)
		if i := r.instance(id); i.Waits != "supabase" || i.Operation != "" {
			t.Fatalf("it waits for %q: %+v", i.Waits, i.Progress)
		}
		down.Store(false)
		err := r.w.Store.Update(r.ctx, fleet.FleetID, func(tx *store.Tx) error {
			return tx.PutOutages("supabase", fleet.Outage{Vendor: "supabase", Until: tx.Now()}, fleet.Outage{Vendor: "supabase", Writes: true})
		})
		if err != nil {
			t.Fatal(err)
		}
		r.invoke("watch-vendors")
		r.settle()
		r.wantClean(id)
	})
}

// TestOneInstancesOwnTrouble: calls about one project fail for as long as it lives, and the others' don't. The vendor isn't down.
func TestOneInstancesOwnTrouble(t *testing.T) {
	t.Parallel()
	var slug string
	inBubble(t, func(o *world.Options) {
		exact(o)
		failing("supabase", "503", func(r *http.Request) bool {
			_, ref, of := strings.Cut(r.URL.Path, "/v1/projects/")
			if of && slug == "" && r.Method == http.MethodGet {
				slug = ref[:20]
			}
			return of && ref[:20] == slug && r.Method == http.MethodGet
		})(o)
	}, func(r *rig) {
		ids := r.queue(4)
		r.scheduled(2 * time.Hour)
		if all := r.allIncidents(); len(all) != 0 {
			t.Errorf("the fleet's incidents: %+v", all)
		}
		active := 0
		for _, id := range ids {
			if r.instance(id).State == fleet.Active {
				active++
			}
		}
		if active != 3 {
			t.Errorf("%d are active", active)
		}
	})
}

// TestFlappingVendor: a vendor that comes and goes every few minutes makes a few incidents, not one each time, and holds nothing up
// for good.
func TestFlappingVendor(t *testing.T) {
	t.Parallel()
	var from time.Time
	inBubble(t, func(o *world.Options) {
		exact(o)
		failing("cloudflare", "503", func(*http.Request) bool {
			since := time.Since(from)
			return !from.IsZero() && since < 2*time.Hour && since%(9*time.Minute) < 5*time.Minute
		})(o)
	}, func(r *rig) {
		from = time.Now()
		ids := r.queue(5)
		r.scheduled(6 * time.Hour)
		all := r.allIncidents(ids...)
		if len(all) == 0 || len(all) > 4 {
			t.Errorf("%d incidents: %+v", len(all), all)
		}
		for _, i := range all {
			if i.Code != fleet.IncidentVendorDown || i.ClosedAt.IsZero() {
				t.Errorf("incident %+v", i)
			}
		}
		for _, id := range ids {
			if i, o := r.instance(id), r.operation(id); i.State == fleet.Provisioning || o.Outcome == fleet.FailedDirty {
				t.Errorf("%s is %s, %q: %+v", i.Slug, i.State, o.Outcome, i.Progress)
			}
		}
	})
}
