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

// TestRemovedByHandInNotice: what somebody removed at its vendor in the notice doesn't keep an instance from being closed, or from ending; the
// chain and the certificate tell that it was gone.
func TestRemovedByHandInNotice(t *testing.T) {
	t.Parallel()
	for kind, setting := range map[fleet.Kind]fleet.Kind{fleet.VercelProject: fleet.FrontendPause, fleet.DNSRecord: fleet.DNSTarget,
		fleet.TwilioSubaccount: fleet.SMSSuspension, fleet.SendGridSubuser: fleet.MailSuspension} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			inGraveyard(t, nil, func(g *graveyard) {
				id := g.noticed("msg_1", "acme-dental")
				g.byHand(id, kind)
				time.Sleep(period)
				g.terminate()
				i := g.instance(id)
				if d := i.Decommission; i.State != fleet.Suspended || d.Stage != fleet.InGrace || d.FinalExport == nil || len(g.openIncidents(id)) > 0 {
					t.Fatalf("%s, %+v, open %v", i.State, d, g.openIncidents(id))
				}
				if n := g.told(id, "resource.stopped", string(setting), "absent"); n != 1 {
					t.Errorf("the chain tells it %d times", n)
				}
				time.Sleep(2 * period)
				g.terminate()
				g.wantProved(id)
				if text := string(g.file(g.instance(id).Decommission.Certificate.Key)); !strings.Contains(text, "when it was to be switched off") {
					t.Errorf("the certificate doesn't tell it: %s", text)
				}
			})
		})
	}
}

// told counts the entries of an instance's chain about a kind, with an action and an outcome.
func (g *graveyard) told(id, action, kind, outcome string) (n int) {
	g.t.Helper()
	entries, _, err := g.w.Store.Audit(g.ctx, id)
	if err != nil {
		g.t.Fatal(err)
	}
	for _, e := range entries {
		if e.Action == action && strings.HasPrefix(e.Subject, kind+"/") && e.Outcome == outcome {
			n++
		}
	}
	return n
}

// wantIncident judges that the instance has one open incident, and had none of the kind before, whose next action is the operator's word.
func (g *graveyard) wantIncident(id string, code fleet.IncidentKind, says string) {
	g.t.Helper()
	all, err := g.w.Store.Incidents(g.ctx, id)
	if err != nil || len(all) != 1 || all[0].Code != code || !all[0].ClosedAt.IsZero() || !strings.Contains(all[0].Reason, says) ||
		!strings.Contains(all[0].NextAction, fleet.AcceptExport(id)) {
		g.t.Errorf("incidents %+v, %v", all, err)
	}
	if plan := get[fleet.Plan](g.rig, "/instances/"+id+"/decommission"); !strings.Contains(strings.Join(plan.Obstacles, "; "), says) {
		g.t.Errorf("the plan tells %v", plan.Obstacles)
	}
}

const acceptance = `{"why":"the customer has the copy"}`

// TestProjectRemovedByHand: without its project an instance is never exported again. One incident says so however often that is tried, and
// on an operator's word the export that came with the notice authorises its end.
func TestProjectRemovedByHand(t *testing.T) {
	t.Parallel()
	inGraveyard(t, nil, func(g *graveyard) {
		id := g.noticed("msg_1", "acme-dental")
		accept := "/instances/" + id + "/decommission/accept-export"
		g.refused(http.StatusConflict, "POST", accept, acceptance, "no export of it wants")
		g.byHand(id, fleet.SupabaseProject)
		time.Sleep(period)
		for range 4 {
			g.terminate()
			time.Sleep(12 * time.Hour)
		}
		if i, tries := g.instance(id), g.operations(id, fleet.Close); i.State != fleet.Suspended || i.Decommission.Stage != fleet.InClosing || len(tries) != 2 {
			t.Fatalf("%s, %+v, tried %v", i.State, i.Decommission, tries)
		}
		g.wantIncident(id, fleet.IncidentExportFailed, "no final export can be made")
		g.refused(http.StatusUnprocessableEntity, "POST", accept, `{"why":""}`, "why")
		for range 2 {
			if d := act[fleet.Decommission](g.rig, http.StatusOK, accept, acceptance); d.Stage != fleet.InGrace || d.FinalExport == nil || d.FinalExport.Folder != d.FirstExport.Folder {
				t.Errorf("%+v", d)
			}
		}
		i := g.instance(id)
		if left := time.Until(i.Decommission.GraceEnds); left < period-time.Minute || len(g.openIncidents(id)) > 0 || g.audited(id, "export.accepted") != 1 {
			t.Errorf("grace lasts %s, open %v", left, g.openIncidents(id))
		}
		time.Sleep(period - time.Hour)
		g.terminate()
		if now := g.instance(id); now.State != fleet.Suspended {
			t.Fatalf("%s before the grace was over", now.State)
		}
		time.Sleep(2 * time.Hour)
		g.terminate()
		g.wantProved(id)
		if text := string(g.file(g.instance(id).Decommission.Certificate.Key)); !strings.Contains(text, "came with the notice") || !strings.Contains(text, i.Decommission.Accepted.By) {
			t.Errorf("the certificate doesn't tell it: %s", text)
		}
	})
}

// TestProjectThatComesBack: where the vendor brings the project back, the final export is made after all.
func TestProjectThatComesBack(t *testing.T) {
	t.Parallel()
	inGraveyard(t, nil, func(g *graveyard) {
		id := g.noticed("msg_1", "acme-dental")
		saved, err := g.w.Vendors.Supabase.Save()
		if err != nil {
			t.Fatal(err)
		}
		g.byHand(id, fleet.SupabaseProject)
		time.Sleep(period)
		g.terminate()
		if !g.instance(id).Decommission.Sourceless {
			t.Fatalf("%+v", g.instance(id).Decommission)
		}
		if err := g.w.Vendors.Supabase.Load(saved); err != nil {
			t.Fatal(err)
		}
		time.Sleep(25 * time.Hour)
		g.terminate()
		if d := g.instance(id).Decommission; d.Stage != fleet.InGrace || d.Sourceless || d.FinalExport.ID == d.FirstExport.ID || len(g.openIncidents(id)) > 0 {
			t.Errorf("%+v, open %v", d, g.openIncidents(id))
		}
	})
}

// TestFinalExportThatLacks: a final export that lacks something of the customer's authorises no deletion before an operator says that it does.
func TestFinalExportThatLacks(t *testing.T) {
	t.Parallel()
	inGraveyard(t, nil, func(g *graveyard) {
		id := g.grace("msg_1", "acme-dental")
		g.change(id, func(i *fleet.Instance) {
			d, e := *i.Decommission, *i.Decommission.FinalExport
			e.Lost = []string{"media of bucket reports"}
			d.FinalExport, i.Decommission = &e, &d
		})
		for range 3 {
			g.terminate()
			time.Sleep(time.Hour)
		}
		if i := g.instance(id); i.State != fleet.Suspended {
			t.Fatalf("%s", i.State)
		}
		g.wantIncident(id, fleet.IncidentTerminationHeld, "lacks media of bucket reports")
		act[fleet.Decommission](g.rig, http.StatusOK, "/instances/"+id+"/decommission/accept-export", acceptance)
		g.terminate()
		g.wantProved(id)
		if text := string(g.file(g.instance(id).Decommission.Certificate.Key)); !strings.Contains(text, "it lacks media of bucket reports") {
			t.Errorf("the certificate doesn't tell it: %s", text)
		}
	})
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
