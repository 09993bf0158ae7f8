package world_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/cloudflare"
	"github.com/project-gimbal/fleet/internal/provider/sendgrid"
	"github.com/project-gimbal/fleet/internal/provider/supabase"
	"github.com/project-gimbal/fleet/internal/provider/twilio"
	"github.com/project-gimbal/fleet/internal/provider/vercel"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/view"
)

// standing are the kinds of what a person may remove at each vendor with all that is in it.
func standing() []fleet.Kind {
	return []fleet.Kind{fleet.SupabaseProject, fleet.VercelProject, fleet.DNSRecord, fleet.TwilioSubaccount, fleet.SendGridSubuser}
}

// person is somebody with a browser and Fleet's own passwords.
func (g *graveyard) person() provider.Config {
	secrets := map[string]string{provider.SupabaseToken: "sbp_0123456789", provider.CloudflareToken: "cloudflare-token", provider.VercelToken: "vercel-token",
		provider.TwilioToken: "f0e1d2c3b4a5968778695a4b3c2d1e0f", provider.SendGridKey: "SG.fleet.key"}
	return provider.Config{Clock: clock.System(), Endpoints: g.w.Endpoints, Transport: g.direct, Settings: world.Settings(),
		Credential: func(_ context.Context, name string) (provider.Secret, error) {
			return provider.NewSecret(secrets[name]), nil
		}}
}

// entry is the ledger's of an instance's one resource of a kind, or of its host's record.
func (g *graveyard) entry(id string, kind fleet.Kind) fleet.Resource {
	g.t.Helper()
	name := fleet.ResourceName(id)
	if kind == fleet.DNSRecord {
		name = g.instance(id).Host
	}
	e, err := g.w.Store.Resource(g.ctx, id, kind, name)
	if err != nil || e == nil {
		g.t.Fatalf("%s: %+v, %v", kind, e, err)
	}
	return *e
}

// byHand removes an instance's resource at its vendor as a person would.
func (g *graveyard) byHand(id string, kind fleet.Kind) {
	g.t.Helper()
	e, config := g.entry(id, kind), g.person()
	ctx, cancel := context.WithTimeout(provider.WithAttempt(g.ctx), time.Minute)
	defer cancel()
	var err error
	switch kind {
	case fleet.SupabaseProject:
		err = supabase.New(config).DeleteProject(ctx, e.ID)
	case fleet.VercelProject:
		err = vercel.New(config).DeleteProject(ctx, e.ID)
	case fleet.DNSRecord:
		err = cloudflare.New(config).DeleteRecord(ctx, e.ID)
	case fleet.TwilioSubaccount:
		err = twilio.New(config).CloseAccount(ctx, e.ID)
	case fleet.SendGridSubuser:
		err = sendgrid.New(config).DeleteSubuser(ctx, e.ID)
	}
	if err != nil {
		g.t.Fatalf("%s: %v", kind, err)
	}
	g.lost = append(g.lost, map[fleet.Kind]fleet.Kind{fleet.TwilioSubaccount: fleet.TwilioService, fleet.SendGridSubuser: fleet.SendGridWebhook}[kind])
	time.Sleep(2 * time.Minute) // what goes down is gone
}

// edit changes something at a vendor as a person would.
func (g *graveyard) edit(method, address, user, password, kind, body string) {
	g.t.Helper()
	r, err := http.NewRequestWithContext(g.ctx, method, address, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	if r.SetBasicAuth(user, password); user == "" {
		r.Header.Set("Authorization", "Bearer "+password)
	}
	answer, err := g.direct.RoundTrip(r)
	if err != nil || answer.StatusCode != http.StatusOK {
		g.t.Fatalf("%s %s: %v, %v", method, address, answer, err)
	}
	_ = answer.Body.Close() // of no interest
}

// TestRemovedByHandInGrace: whatever of it somebody removed at its vendor in the grace, or all of it, an instance ends clean.
func TestRemovedByHandInGrace(t *testing.T) {
	t.Parallel()
	all := [][]fleet.Kind{standing()}
	for _, kind := range standing() {
		all = append(all, []fleet.Kind{kind})
	}
	for _, kinds := range all {
		t.Run(string(slices.Concat(kinds)[0])+strings.Repeat(" and all", len(kinds)/2), func(t *testing.T) {
			t.Parallel()
			inGraveyard(t, nil, func(g *graveyard) {
				id := g.grace("msg_1", "acme-dental")
				for _, kind := range kinds {
					g.byHand(id, kind)
				}
				err := g.w.Store.Update(g.ctx, id, func(tx *store.Tx) error {
					return tx.PutResource(&fleet.Resource{Kind: fleet.CloudflareRule, Name: "half-" + fleet.ResourceName(id), Status: fleet.Intended})
				})
				if err != nil {
					t.Fatal(err)
				}
				g.terminate()
				g.wantProved(id)
			})
		})
	}
}

// wantEstranged judges that a take-down ended dirty over something that isn't ours any more, says so, certifies nothing and frees nothing.
func (g *graveyard) wantEstranged(id string, kind fleet.Kind) {
	g.t.Helper()
	i := g.instance(id)
	if e := g.entry(id, kind); i.Unfinished == "" || i.Decommission.Certificate != nil || e.Gone() || !e.Estranged {
		g.t.Errorf("%+v, unfinished %q, certificate %+v", e, i.Unfinished, i.Decommission.Certificate)
	}
	all, err := g.w.Store.Incidents(g.ctx, id)
	if err != nil || len(all) != 1 || all[0].Code != fleet.IncidentFailedDirty || !strings.Contains(all[0].NextAction, "put") || !strings.Contains(all[0].NextAction, string(kind)) {
		g.t.Errorf("incidents %+v, %v", all, err)
	}
	if claim, err := g.w.Store.Claim(g.ctx, i.Slug); err != nil || claim == nil || claim.InstanceID != id {
		g.t.Errorf("the slug is free: %+v, %v", claim, err)
	}
}

// TestEstranged: what somebody gave another mark, or another name, at its vendor is left alone and not told to be gone; once it is removed by
// hand, or given back, a retry ends it.
func TestEstranged(t *testing.T) {
	t.Parallel()
	for _, back := range []bool{false, true} {
		for kind, change := range map[fleet.Kind]func(g *graveyard, id, to string){
			fleet.DNSRecord: func(g *graveyard, id, to string) {
				if to == "" {
					to = fleet.OwnershipMark(id)
				}
				g.edit("PATCH", g.w.Endpoints.Cloudflare+"/zones/"+world.Settings().CloudflareZone+"/dns_records/"+g.entry(id, fleet.DNSRecord).ID, "", "cloudflare-token",
					"application/json", `{"comment":"`+to+`"}`)
			},
			fleet.TwilioSubaccount: func(g *graveyard, id, to string) {
				if to == "" {
					to = fleet.ResourceName(id)
				}
				g.edit("POST", g.w.Endpoints.Twilio+"/2010-04-01/Accounts/"+g.entry(id, fleet.TwilioSubaccount).ID+".json", world.Settings().TwilioAccount, "f0e1d2c3b4a5968778695a4b3c2d1e0f",
					"application/x-www-form-urlencoded", url.Values{"FriendlyName": {to}}.Encode())
			},
		} {
			t.Run(string(kind)+map[bool]string{true: ", given back", false: ", removed by hand"}[back], func(t *testing.T) {
				t.Parallel()
				inGraveyard(t, nil, func(g *graveyard) {
					id := g.grace("msg_1", "acme-dental")
					change(g, id, "kept, see ticket 123")
					g.terminate()
					g.wantEstranged(id, kind)
					if back {
						change(g, id, "")
					} else {
						g.byHand(id, kind)
					}
					act[view.Operation](g.rig, http.StatusAccepted, "/instances/"+id+"/retry", "")
					g.settle()
					g.wantProved(id)
				})
			})
		}
	}
}

// TestLedgerOfAnother: an id in a ledger that is another instance's at the vendor is never deleted.
func TestLedgerOfAnother(t *testing.T) {
	t.Parallel()
	for _, kind := range standing() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			inGraveyard(t, nil, func(g *graveyard) {
				neighbour := g.signup("msg_2", "neighbour")
				g.approve(neighbour)
				g.settle()
				time.Sleep(time.Minute)
				id := g.grace("msg_1", "acme-dental")
				before := g.vendorStates()
				wrong := g.entry(id, kind)
				wrong.ID = g.entry(neighbour, kind).ID
				err := g.w.Store.Update(g.ctx, id, func(tx *store.Tx) error {
					if _, err := tx.Resource(kind, wrong.Name); err != nil {
						return err
					}
					return tx.PutResource(&wrong)
				})
				if err != nil {
					t.Fatal(err)
				}
				g.terminate()
				g.wantEstranged(id, kind)
				for vendor, now := range g.vendorStates() {
					for _, e := range before[vendor] {
						if strings.Contains(e, neighbour) && !slices.Contains(now, e) {
							t.Errorf("%s had, and has not: %.300s", vendor, e)
						}
					}
				}
			})
		})
	}
}
