package world_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
)

// thingOf is the body that names something to the API.
func thingOf(kind fleet.Kind, name string) string {
	return fmt.Sprintf(`{"kind":%q,"name":%q}`, kind, name)
}

// TestOrphanIsRemovedOnDemand: only what an incident tells of, not under a hold, only by the recheck, and nothing beside it.
func TestOrphanIsRemovedOnDemand(t *testing.T) {
	t.Parallel()
	for _, p := range planted() {
		t.Run(fmt.Sprintf("%s %t", p.kind, p.live), func(t *testing.T) {
			t.Parallel()
			inCensus(t, faults(t, p.script()), func(c *census) {
				id := c.provision()
				time.Sleep(25 * time.Hour) // rechecks are over
				c.invoke("recheck")
				name := p.name
				if name == "" {
					name = fleet.ResourceName(id)
				}
				before := c.w.Vendors.Inventory()
				c.plant(id, p.kind, name)
				time.Sleep(5 * time.Minute)
				path := "/instances/" + id + "/remove-orphan"
				if status, _ := c.do("POST", path, thingOf(p.kind, name), operator); status != http.StatusConflict {
					t.Errorf("what no incident tells of: %d", status)
				}
				c.compare()
				c.wantTold(id, fleet.IncidentOrphan, 1)
				ask := thingOf(p.kind, name)
				if p.live && fleet.Irreversible(p.kind) {
					c.refused(http.StatusConflict, "POST", path, ask, "say in without_export why")
					c.refused(http.StatusUnprocessableEntity, "POST", path, without(ask, "\\u0007"), "without_export")
					ask = without(ask, "it is empty")
				}
				if p.live {
					act[fleet.Hold](c.rig, http.StatusOK, "/instances/"+id+"/hold", `{"why":"a lawsuit"}`)
					if status, _ := c.do("POST", path, ask, operator); status != http.StatusConflict {
						t.Errorf("under a hold: %d", status)
					}
					act[struct{}](c.rig, http.StatusOK, "/instances/"+id+"/lift", `{"why":"it is over"}`)
				}
				for range 2 {
					act[fleet.Resource](c.rig, http.StatusAccepted, path, ask)
				}
				for range 2 {
					c.invoke("recheck")
					time.Sleep(10 * time.Minute)
				}
				c.compare()
				c.wantTold(id, fleet.IncidentOrphan, 0)
				if after := c.w.Vendors.Inventory(); len(after) != len(before) {
					t.Errorf("%d are there, %d were: %+v", len(after), len(before), after)
				}
				c.wantLedgerTrue(id)
				c.wantAuditWhole(id)
			})
		})
	}
}

// TestMissingIsAdopted: what is put back under another id is the ledger's again.
func TestMissingIsAdopted(t *testing.T) {
	t.Parallel()
	for _, kind := range []fleet.Kind{fleet.SupabaseProject, fleet.VercelDomain, fleet.DNSRecord, fleet.CloudflareRule, fleet.TwilioSubaccount, fleet.SendGridDomain} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			inCensus(t, nil, func(c *census) {
				id := c.live()
				entries, err := c.w.Store.ResourcesOf(c.ctx, id, kind)
				if err != nil {
					t.Fatal(err)
				}
				name, path := entries[0].Name, "/instances/"+id+"/adopt"
				c.uproot(id, kind, name, entries[0].ID)
				time.Sleep(10 * time.Minute)
				c.compare()
				c.wantTold(id, fleet.IncidentMissing, 1)
				if status, _ := c.do("POST", path, thingOf(kind, name), operator); status != http.StatusConflict {
					t.Errorf("what isn't there is adopted: %d", status)
				}
				at := c.plant(id, kind, name)
				time.Sleep(10 * time.Minute)
				if kind != fleet.VercelDomain { // whose id is its name
					c.compare()
					if n := len(c.differences(id)); n != 2 {
						t.Errorf("%d are open before it is adopted", n)
					}
				}
				if e := act[fleet.Resource](c.rig, http.StatusOK, path, thingOf(kind, name)); e.ID != at {
					t.Errorf("%s is adopted, not %s", e.ID, at)
				}
				c.compare()
				c.wantTold(id, fleet.IncidentMissing, 0)
				if i := c.instance(id); i.Operation != "" {
					t.Errorf("%s holds the lease", i.Operation)
				}
				c.wantAuditWhole(id)
			})
		})
	}
}

// TestNothingIsToldOfWhatRuns compares at every few seconds of a provisioning, of one that is taken down, one whose attempts are lost, and a
// suspension and resumption: nothing is ever told.
func TestNothingIsToldOfWhatRuns(t *testing.T) {
	t.Parallel()
	for _, script := range []string{"", "sendgrid.ValidateDomain=403@1+", "supabase.CreateProject=lost,twilio.CreateAccount=lost,cloudflare.CreateRecord=delayed:90s,sendgrid.ValidateDomain=403@1+",
		"vercel.CreateProject=lost,sendgrid.CreateSubuser=lost"} {
		t.Run(script, func(t *testing.T) {
			t.Parallel()
			inCensus(t, faults(t, script), func(c *census) {
				id := c.signup("msg_1", "acme-dental")
				c.approve(id)
				rounds := c.compareWhile(id)
				c.settle()
				for range 40 { // rechecks
					time.Sleep(40 * time.Minute)
					c.invoke("recheck")
					c.compare()
				}
				if c.instance(id).State == fleet.Active {
					c.suspend(id)
					rounds += c.compareWhile(id)
					c.resume(id)
					rounds += c.compareWhile(id)
				}
				c.settle()
				if rounds < 10 {
					t.Errorf("%d comparisons are too few", rounds)
				}
				all, err := c.w.Store.Incidents(c.ctx, id)
				if err != nil {
					t.Fatal(err)
				}
				for _, i := range all {
					if i.Code == fleet.IncidentOrphan || i.Code == fleet.IncidentMissing {
						t.Errorf("told: %+v", i)
					}
				}
				if told := c.differences(fleet.FleetID); len(told) > 0 {
					t.Errorf("told: %+v", told)
				}
			})
		})
	}
}

// compareWhile compares as long as an operation runs on an instance, and counts how often.
func (c *census) compareWhile(id string) (rounds int) {
	c.t.Helper()
	for i, err := c.w.Store.Instance(c.ctx, id); ; i, err = c.w.Store.Instance(c.ctx, id) {
		if err != nil {
			c.t.Fatal(err)
		}
		if i != nil && i.Operation == "" {
			return rounds
		}
		c.compare()
		rounds++
	}
}

// TestComparedTwiceAtOnce: what is told is told once.
func TestComparedTwiceAtOnce(t *testing.T) {
	t.Parallel()
	inCensus(t, func(o *world.Options) {
		o.Hooks.Twice = func(function string, _ int) bool { return function == "compare" }
	}, func(c *census) {
		id := c.live()
		c.plant(id, fleet.DNSRecord, "late.gimbal.app")
		entries, err := c.w.Store.ResourcesOf(c.ctx, id, fleet.CloudflareRule)
		if err != nil {
			t.Fatal(err)
		}
		c.uproot(id, fleet.CloudflareRule, entries[0].Name, entries[0].ID)
		time.Sleep(5 * time.Minute)
		for range 2 {
			c.due()
			var both sync.WaitGroup
			for range 2 {
				both.Go(func() { c.invoke("compare") })
			}
			both.Wait()
		}
		c.wantTold(id, "", 2)
		all, err := c.w.Store.Incidents(c.ctx, id)
		if err != nil || len(all) != 2 {
			t.Errorf("%+v, %v", all, err)
		}
		c.wantAuditWhole(id)
	})
}

// TestComparisonDiesAnywhere lets an invocation die before, and after, each commit of a comparison: those that follow go on with it, and
// tell the same.
func TestComparisonDiesAnywhere(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 40; n++ {
		for _, after := range []bool{false, true} {
			if !tried(n, 3) {
				continue
			}
			t.Run(fmt.Sprintf("commit %d after %t", n, after), func(t *testing.T) {
				t.Parallel()
				var up, died atomic.Bool
				inCensus(t, func(o *world.Options) {
					o.Hooks.Dies = func(p world.Point) bool {
						dies := up.Load() && p.Function == "compare" && p.Commit && p.N == n && p.After == after && died.CompareAndSwap(false, true)
						return dies
					}
				}, func(c *census) {
					id := c.live()
					at := c.plant(id, fleet.DNSRecord, "late.gimbal.app")
					entries, err := c.w.Store.ResourcesOf(c.ctx, id, fleet.VercelDomain)
					if err != nil {
						t.Fatal(err)
					}
					c.uproot(id, fleet.VercelDomain, entries[0].Name, entries[0].ID)
					time.Sleep(5 * time.Minute)
					c.due()
					up.Store(true)
					for try := 0; try < 5 && !c.compared(); try++ {
						_, _ = c.w.Invoke(c.ctx, "compare", []byte("{}")) // it dies once
						time.Sleep(time.Hour)
					}
					if !c.compared() {
						t.Error("the comparison doesn't end")
					}
					c.wantTold(id, "", 2)
					c.uproot(id, fleet.DNSRecord, "late.gimbal.app", at)
					time.Sleep(5 * time.Minute)
					c.compare()
					c.wantTold(id, fleet.IncidentMissing, 1)
					c.wantAuditWhole(id)
					if n <= 30 && !died.Load() {
						t.Error("it never died")
					}
				})
			})
		}
	}
}

// TestCutListTellsNothing: a list that breaks off, and a vendor that is frozen, make nothing missing; the others are compared meanwhile.
func TestCutListTellsNothing(t *testing.T) {
	t.Parallel()
	for vendor, call := range map[string]string{"supabase": "ListProjects", "vercel": "GetProjects", "cloudflare": "GetEntryPoint", "twilio": "ListAccounts", "sendgrid": "ListDomains"} {
		t.Run(vendor, func(t *testing.T) {
			t.Parallel()
			var cut atomic.Bool
			inCensus(t, func(o *world.Options) {
				o.Hooks.Transport = func(next http.RoundTripper) http.RoundTripper {
					return transport(func(q *http.Request) (*http.Response, error) {
						if cut.Load() && breaks(call, q) {
							return nil, fmt.Errorf("broken off")
						}
						return next.RoundTrip(q)
					})
				}
			}, func(c *census) {
				id := c.live()
				c.compare()
				cut.Store(true)
				c.due()
				for range 3 {
					time.Sleep(time.Hour)
					c.invoke("compare")
				}
				c.wantTold(id, fleet.IncidentMissing, 0)
				for _, v := range fleet.Vendors() {
					s, err := c.w.Store.Sweep(c.ctx, v)
					if done := !s.Due(time.Now()); err != nil || done == (v == vendor) {
						t.Errorf("%s: compared %t, %v", v, done, err)
					}
				}
				cut.Store(false)
				time.Sleep(time.Hour)
				c.invoke("compare")
				if !c.compared() {
					t.Error("it is not made up for")
				}
				act[any](c.rig, http.StatusOK, "/freeze", fmt.Sprintf(`{"scope":%q,"reason":"an outage"}`, vendor))
				c.due()
				c.invoke("compare")
				if c.compared() {
					t.Error("what is frozen was compared")
				}
				c.wantTold(id, fleet.IncidentMissing, 0)
			})
		})
	}
}

// breaks reports whether a request is that of a list which breaks off.
func breaks(call string, q *http.Request) bool {
	last := map[string]string{"ListProjects": "/organizations/gimbal-org/projects", "GetProjects": "/v10/projects", "GetEntryPoint": "/entrypoint", "ListAccounts": "/Accounts.json", "ListDomains": "/v3/whitelabel/domains"}[call]
	return q.Method == http.MethodGet && strings.HasSuffix(q.URL.Path, last) && (call != "ListAccounts" || q.URL.Query().Get("Status") == "suspended")
}

// TestUnknownInstanceIsTold: what is marked as an instance's that never was is the whole fleet's incident, and names the request that
// deletes it.
func TestUnknownInstanceIsTold(t *testing.T) {
	t.Parallel()
	inCensus(t, nil, func(c *census) {
		const stranger = "11111111-2222-3333-4444-555555555555"
		at := c.plant(stranger, fleet.VercelProject, fleet.ResourceName(stranger))
		record := c.plant(stranger, fleet.DNSRecord, "stranger.gimbal.app")
		time.Sleep(5 * time.Minute)
		for range 2 {
			c.compare()
			c.wantTold(fleet.FleetID, fleet.IncidentOrphan, 2, stranger, "DELETE https://")
		}
		c.uproot(stranger, fleet.VercelProject, "", at)
		time.Sleep(5 * time.Minute)
		c.compare()
		c.wantTold(fleet.FleetID, fleet.IncidentOrphan, 1, record)
	})
}

// TestManyDifferencesAreFewIncidents: thirty orphans are twenty incidents and one that says that there are more; once most are gone, the
// others are told, and that one is over.
func TestManyDifferencesAreFewIncidents(t *testing.T) {
	t.Parallel()
	inCensus(t, nil, func(c *census) {
		id := c.live()
		ids := make([]string, 30)
		for n := range ids {
			ids[n] = c.plant(id, fleet.DNSRecord, fmt.Sprintf("late-%d.gimbal.app", n))
		}
		time.Sleep(5 * time.Minute)
		for range 2 {
			c.compare()
			c.wantTold(id, fleet.IncidentOrphan, 20)
			c.wantTold(fleet.FleetID, fleet.IncidentOrphan, 1, "more than 20", "cloudflare")
		}
		for n, at := range ids[:25] {
			c.uproot(id, fleet.DNSRecord, fmt.Sprintf("late-%d.gimbal.app", n), at)
		}
		time.Sleep(5 * time.Minute)
		c.compare()
		c.wantTold(id, fleet.IncidentOrphan, 5)
		c.wantTold(fleet.FleetID, fleet.IncidentOrphan, 0)
	})
}
