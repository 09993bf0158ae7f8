package world_test

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/cloudflare"
	"github.com/project-gimbal/fleet/internal/seal"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/steps/recheck"
	"github.com/project-gimbal/fleet/internal/store"
)

// census is a world at whose vendors somebody makes and deletes things by hand.
type census struct {
	*rig
	direct http.RoundTripper // to the vendors, past every invocation
	hands  recheck.Deps
}

func inCensus(t *testing.T, change func(*world.Options), test func(c *census)) {
	t.Helper()
	c := &census{}
	inBubble(t, func(o *world.Options) {
		var once sync.Once
		if change != nil {
			change(o)
		}
		wrap := o.Hooks.Transport
		o.Hooks.Transport = func(next http.RoundTripper) http.RoundTripper {
			once.Do(func() { c.direct = next })
			if wrap != nil {
				next = wrap(next)
			}
			return next
		}
	}, func(r *rig) {
		c.rig = r
		r.invoke("compare") // whoever comes first lets the hands reach the vendors
		var err error
		if c.hands, err = recheck.Open(c.env()); err != nil {
			t.Fatal(err)
		}
		test(c)
	})
}

// env is what hands work with.
func (c *census) env() step.Env {
	known := map[string]string{provider.SupabaseToken: "sbp_0123456789", provider.VercelToken: "vercel-token", provider.CloudflareToken: "cloudflare-token",
		provider.TwilioToken: "f0e1d2c3b4a5968778695a4b3c2d1e0f", provider.SendGridKey: "SG.fleet.key"}
	return step.Env{Clock: clock.System(), Store: c.w.Store, Vault: seal.New(c.keys, c.kek), Provider: provider.Config{Clock: clock.System(), Endpoints: c.w.Endpoints,
		Transport: c.direct, Settings: world.Settings(),
		Credential: func(_ context.Context, name string) (provider.Secret, error) {
			return provider.NewSecret(known[name]), nil
		}}}
}

// thing is how one of an instance's is made and deleted by hand.
func (c *census) thing(id string, kind fleet.Kind, name string) (context.Context, step.Resource) {
	c.t.Helper()
	instance := fleet.Instance{ID: id, Region: "us-east-1", Host: "acme-dental.gimbal.app"}
	run := &step.Run{Env: c.env(), Input: fleet.RunInput{InstanceID: id}, Instance: instance}
	ctx, cancel := context.WithTimeout(provider.WithAttempt(c.ctx), time.Minute)
	c.t.Cleanup(cancel)
	res, err := c.hands.Resource(ctx, run, fleet.Resource{Kind: kind, Name: name})
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := res.Find(ctx, name); err != nil {
		c.t.Fatal(err)
	}
	return ctx, res
}

// plant makes a thing by hand, and gives its vendor's id.
func (c *census) plant(id string, kind fleet.Kind, name string) string {
	c.t.Helper()
	ctx, res := c.thing(id, kind, name)
	if kind == fleet.DNSRecord {
		res.Create = func(ctx context.Context, name string) (step.Found, error) {
			r, err := cloudflare.New(c.env().Provider).CreateRecord(ctx, cloudflare.NewRecord{Type: "CNAME", Name: name, Content: "nowhere.example", Comment: res.Mark})
			return step.Found{ID: r.ID}, err
		}
	}
	made, err := res.Create(ctx, name)
	if err != nil {
		c.t.Fatalf("%s: %v", kind, err)
	}
	return made.ID
}

// uproot deletes a thing by hand.
func (c *census) uproot(id string, kind fleet.Kind, name, at string) {
	c.t.Helper()
	ctx, res := c.thing(id, kind, name)
	if err := res.Delete(ctx, at); err != nil {
		c.t.Fatalf("%s: %v", kind, err)
	}
}

// compare has every vendor compared anew, whenever it was last, and waits until all are.
func (c *census) compare() {
	c.t.Helper()
	c.due()
	for range 10 {
		c.invoke("compare")
		if c.compared() {
			return
		}
	}
	c.t.Error("the comparison doesn't end")
}

// due makes every vendor's comparison due.
func (c *census) due() {
	c.t.Helper()
	for _, vendor := range fleet.Vendors() {
		err := c.w.Store.Update(c.ctx, fleet.FleetID, func(tx *store.Tx) error {
			s, err := tx.Sweep(vendor)
			if err != nil {
				return err
			}
			s.EndedAt = s.EndedAt.Add(-2 * fleet.SweepEvery) // whatever clock an invocation has
			return tx.PutSweep(s)
		})
		if err != nil {
			c.t.Fatal(err)
		}
	}
}

func (c *census) compared() bool {
	return !slices.ContainsFunc(fleet.Vendors(), func(vendor string) bool {
		s, err := c.w.Store.Sweep(c.ctx, vendor)
		return err != nil || s.Due(time.Now())
	})
}

// differences are the open incidents of the comparison, of an instance or of the fleet, and says what each names.
func (c *census) differences(id string) (open []fleet.Incident) {
	c.t.Helper()
	all, err := c.w.Store.Incidents(c.ctx, id)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, i := range all {
		if i.ClosedAt.IsZero() && (i.Code == fleet.IncidentOrphan || i.Code == fleet.IncidentMissing) {
			open = append(open, i)
		}
	}
	return open
}

// wantTold judges that so many incidents are open about an instance, all of a kind unless none is given, and that each tells of these words.
func (c *census) wantTold(id string, code fleet.IncidentKind, n int, words ...string) {
	c.t.Helper()
	open := c.differences(id)
	if len(open) != n {
		c.t.Fatalf("%d are open, want %d: %+v", len(open), n, open)
	}
	for _, i := range open {
		if code != "" && i.Code != code {
			c.t.Errorf("%s is open, want %s", i.Code, code)
		}
		for _, word := range words {
			if !strings.Contains(i.Reason+i.NextAction, word) {
				c.t.Errorf("%s doesn't tell of %q: %s; %s", i.Code, word, i.Reason, i.NextAction)
			}
		}
	}
}

// planting is what somebody may make by hand: of a live instance, or of one that is gone.
type planting struct {
	kind fleet.Kind
	name string // of what isn't named for its instance
	live bool
}

// script is what befalls the instance's provisioning. SendGrid gives a name once: the subuser of one that is gone was never made.
func (p planting) script() string {
	switch {
	case p.live:
		return ""
	case p.kind == fleet.SendGridSubuser:
		return "sendgrid.CreateSubuser=403@1"
	}
	return "sendgrid.ValidateDomain=403@1+"
}

// planted are one at least at each vendor.
func planted() []planting {
	return []planting{
		{fleet.SupabaseProject, "", true}, {fleet.SupabaseProject, "", false},
		{fleet.VercelProject, "", false}, {fleet.VercelDomain, "late.gimbal.app", true},
		{fleet.DNSRecord, "late.gimbal.app", true}, {fleet.DNSRecord, "acme-dental.gimbal.app", false}, {fleet.CloudflareRule, "", false},
		{fleet.TwilioSubaccount, "", true}, {fleet.TwilioSubaccount, "", false},
		{fleet.SendGridDomain, "late.gimbal.app", true}, {fleet.SendGridSubuser, "", false},
	}
}

// TestOrphansAreTold makes something by hand that carries an instance's mark: it is told once, and never removed; deleted by hand, it is
// over.
func TestOrphansAreTold(t *testing.T) {
	t.Parallel()
	for _, p := range planted() {
		t.Run(fmt.Sprintf("%s %t", p.kind, p.live), func(t *testing.T) {
			t.Parallel()
			inCensus(t, faults(t, p.script()), func(c *census) {
				id := c.provision()
				time.Sleep(time.Hour)
				c.compare()
				c.wantTold(id, fleet.IncidentOrphan, 0)
				kind, name := p.kind, cmp.Or(p.name, fleet.ResourceName(id))
				at := c.plant(id, kind, name)
				time.Sleep(5 * time.Minute)
				before := c.vendorStates()
				for range 3 {
					c.compare()
					c.wantTold(id, fleet.IncidentOrphan, 1, kind.Vendor(), string(kind), at, name, "acme-dental.gimbal.app", "fleetctl remove-orphan "+id+" "+string(kind)+" "+name)
				}
				c.wantStates(before)
				c.uproot(id, kind, name, at)
				time.Sleep(10 * time.Minute)
				c.compare()
				c.wantTold(id, fleet.IncidentOrphan, 0)
				c.wantAuditWhole(id)
			})
		})
	}
}

// TestMissingAreTold deletes something of each kind of a live instance by hand: it is told once, as are not those that went with it, and
// nothing is made anew.
func TestMissingAreTold(t *testing.T) {
	t.Parallel()
	for _, vendor := range fleet.Vendors() {
		for _, kind := range fleet.Swept(vendor) {
			t.Run(string(kind), func(t *testing.T) {
				t.Parallel()
				inCensus(t, nil, func(c *census) {
					id := c.live()
					c.compare()
					c.wantTold(id, fleet.IncidentMissing, 0)
					entries, err := c.w.Store.ResourcesOf(c.ctx, id, kind)
					if err != nil || len(entries) == 0 {
						t.Fatalf("%v, %v", entries, err)
					}
					c.uproot(id, kind, entries[0].Name, entries[0].ID)
					time.Sleep(10 * time.Minute)
					before := c.vendorStates()
					for range 2 {
						c.compare()
						c.wantTold(id, fleet.IncidentMissing, 1, vendor, string(kind), entries[0].Name, entries[0].ID, "fleetctl adopt "+id+" "+string(kind)+" "+entries[0].Name)
					}
					c.wantStates(before)
				})
			})
		}
	}
}
