package world_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/view"
)

// accepting makes a vendor accept another token than before.
func accepting(v world.Vendors, vendor, token string) {
	map[string]func(string){"supabase": v.Supabase.ChangeToken, "vercel": v.Vercel.ChangeToken, "cloudflare": v.Cloudflare.ChangeToken,
		"twilio": v.Twilio.ChangeToken, "sendgrid": v.SendGrid.ChangeToken}[vendor](token)
}

var tokens = map[string]string{"supabase": provider.SupabaseToken, "vercel": provider.VercelToken, "cloudflare": provider.CloudflareToken,
	"twilio": provider.TwilioToken, "sendgrid": provider.SendGridKey}

// TestTokenChangesMeanwhile: each vendor's token is changed between two of its calls in a provisioning, and the old one refused from
// then on: the provisioning goes on to ACTIVE, with nothing doubled and no message lost, without a deployment.
func TestTokenChangesMeanwhile(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	refused := map[string]int{}
	t.Run("after", func(t *testing.T) {
		for _, nth := range []int{1, 2, 3, 5} {
			t.Run(fmt.Sprint("call ", nth), func(t *testing.T) {
				t.Parallel()
				var w *world.World
				calls := map[string]int{}
				inBubble(t, func(o *world.Options) {
					o.Hooks.OnCall = func(_ asl.Place, c sim.Call) {
						mu.Lock()
						defer mu.Unlock()
						if calls[c.Vendor]++; calls[c.Vendor] == nth {
							w.ChangeCredential(tokens[c.Vendor], "changed0123456789")
							accepting(w.Vendors, c.Vendor, "changed0123456789")
						}
						if c.Status == http.StatusUnauthorized || c.Status == http.StatusForbidden {
							refused[c.Vendor]++
						}
					}
				}, func(r *rig) {
					w = r.w
					id := r.provision()
					r.wantActive(id)
					r.wantMails(3)
					r.wantNoIncident(id)
				})
			})
		}
	})
	for vendor := range tokens {
		if refused[vendor] == 0 { // by a function that had read the old one; others read the new one by themselves
			t.Errorf("%s: the old token was never refused: nothing was tried", vendor)
		}
	}
}

func (r *rig) wantNoIncident(id string) {
	r.t.Helper()
	if all, err := r.w.Store.Incidents(r.ctx, id); err != nil || len(all) > 0 {
		r.t.Errorf("incidents: %+v, %v", all, err)
	}
}

// TestWrongToken: a vendor refuses the token that is still the one to use. That is one incident, which says what to do, and no signup
// fails of it; all goes on by itself once there is a token that is accepted.
func TestWrongToken(t *testing.T) {
	t.Parallel()
	for vendor, credential := range tokens {
		t.Run(vendor, func(t *testing.T) {
			t.Parallel()
			inBubble(t, exact, func(r *rig) {
				ids := r.queue(3)
				accepting(r.w.Vendors, vendor, "another0123456789")
				go func() {
					time.Sleep(15 * time.Minute)
					r.wantRefused(vendor, credential, ids)
					r.w.ChangeCredential(credential, "another0123456789")
				}()
				r.scheduled(90 * time.Minute)
				r.wantOneOutage(ids...)
				for _, id := range ids {
					if i, o := r.instance(id), r.operation(id); i.State != fleet.Active {
						t.Errorf("%s is %s, %s: %s", i.Slug, i.State, o.Failure, o.FailureText)
					}
				}
			})
		})
	}
}

// wantRefused judges what operators are told while a vendor refuses a token.
func (r *rig) wantRefused(vendor, credential string, ids []string) {
	r.t.Helper()
	all := r.allIncidents(ids...)
	if len(all) != 1 || all[0].Code != fleet.IncidentVendorDown || !all[0].ClosedAt.IsZero() ||
		!strings.Contains(all[0].Reason, vendor+" refuses Fleet's credential") || !strings.Contains(all[0].NextAction, "fleet/<stage>/"+credential) {
		r.t.Errorf("incidents: %+v", all)
	}
	for _, c := range get[view.Diagnosis](r, "/doctor").Checks {
		if (c.Name == vendor+".token" || c.Name == vendor+".key") &&
			(c.Verdict != view.Broken || !strings.Contains(c.Found, "refuses the credential") || !strings.Contains(c.Mend, credential)) {
			r.t.Errorf("the doctor found %+v", c)
		}
	}
	for _, id := range ids {
		if o, err := r.w.Store.Operation(r.ctx, id, "op-"+id); err != nil || o != nil && o.Failure != "" {
			r.t.Errorf("%+v, %v", o, err)
		}
	}
}

// TestMessagesWaitForTheKey: SendGrid refuses Fleet's key. No message fails by it, and all are sent once there is another one.
func TestMessagesWaitForTheKey(t *testing.T) {
	t.Parallel()
	inBubble(t, exact, func(r *rig) {
		var ids []string
		accepting(r.w.Vendors, "sendgrid", "SG.another")
		for n := range 4 {
			ids = append(ids, r.signup(fmt.Sprint("msg_", n), fmt.Sprint("company-", n)))
		}
		r.scheduled(30 * time.Hour)
		if n := len(r.w.Vendors.SendGrid.Sent()); n > 0 {
			t.Errorf("%d were sent with a refused key", n)
		}
		r.w.ChangeCredential(provider.SendGridKey, "SG.another")
		r.scheduled(20 * time.Minute)
		for _, id := range ids {
			if m := r.message(id, fleet.DecisionWanted); m.Status != fleet.MessageSent {
				t.Errorf("%+v", m)
			}
		}
		r.wantOneOutage(ids...)
	})
}

// TestTwoWebhookSecrets: while the sender changes over, webhooks signed with either secret are taken; then the old one's are not.
func TestTwoWebhookSecrets(t *testing.T) {
	t.Parallel()
	const next = "whsec_bmV4dHNlY3JldG5leHRzZWNyZXRuZXh0"
	inBubble(t, exact, func(r *rig) {
		n := 0
		want := func(status int, secrets ...string) {
			t.Helper()
			n++
			id, body := fmt.Sprint("msg_", n), r.form(fmt.Sprint("company-", n))
			header := r.signedAt(secrets[0], id, body, time.Now())
			for _, secret := range secrets[1:] {
				header.Set("Webhook-Signature", header.Get("Webhook-Signature")+" "+r.signedAt(secret, id, body, time.Now()).Get("Webhook-Signature"))
			}
			code, answer := r.do("POST", "/signups", body, header)
			r.want(status, code, answer)
		}
		want(202, hookSecret)
		want(401, next)
		want(202, next, hookSecret) // a sender that signs with both
		r.w.ChangeCredential(step.WebhookSecret, next+"\n"+hookSecret)
		want(401, next) // a stranger can't have it read at every call
		time.Sleep(31 * time.Second)
		want(202, next) // read anew, as it did not fit
		want(202, hookSecret)
		want(202, hookSecret, next)
		r.w.ChangeCredential(step.WebhookSecret, "  "+next+" ")
		time.Sleep(provider.Freshness)
		want(202, next)
		want(401, hookSecret)
		r.w.ChangeCredential(step.WebhookSecret, "whsec_mistyped "+next)
		time.Sleep(provider.Freshness)
		want(202, next)
		for _, none := range []string{"whsec_", "whsec_dG9vc2hvcnQ=", "short", next + " " + next + " " + hookSecret} {
			r.w.ChangeCredential(step.WebhookSecret, none)
			time.Sleep(provider.Freshness)
			want(500, next)
		}
		r.w.ChangeCredential(step.WebhookSecret, "whsec_")
		time.Sleep(provider.Freshness)
		code, answer := r.do("POST", "/signups", "{}", http.Header{"Webhook-Id": {"m"}, "Webhook-Timestamp": {"1"}, "Webhook-Signature": {"v1,"}})
		r.want(500, code, answer)
	})
}

// TestTwoLinkSecrets: links that are out survive a new secret beside the old one, and are over once the new one is alone. A forged one
// brings about no reading but the first.
func TestTwoLinkSecrets(t *testing.T) {
	t.Parallel()
	next := strings.Repeat("next", 8)
	inBubble(t, exact, func(r *rig) {
		old := r.link(r.signup("msg_1", "acme-dental"))
		forged := old[:len(old)-4] + "AAAA"
		r.wantPage("GET", old, nil, 200)
		r.wantPage("GET", forged, nil, 404)
		r.w.ChangeCredential(step.LinkSecret, next+"\n"+linkSecret)
		time.Sleep(provider.Freshness) // what sends it reads it again
		fresh := r.link(r.signup("msg_2", "beta-dental"))
		r.w.ChangeCredential(step.LinkSecret, next)
		time.Sleep(provider.Freshness)
		r.wantPage("GET", old, nil, 404)
		r.w.ChangeCredential(step.LinkSecret, next+" "+linkSecret)
		r.wantPage("GET", old, nil, 404) // a stranger can't have it read at every call
		r.wantPage("GET", fresh, nil, 200)
		time.Sleep(31 * time.Second)
		r.wantPage("GET", old, nil, 200) // read anew, as it did not fit
		r.w.ChangeCredential(step.LinkSecret, "too-short "+next)
		time.Sleep(provider.Freshness)
		r.wantPage("GET", fresh, nil, 200)
		for _, none := range []string{"too short", strings.Repeat("-", 31), next + " " + next + " " + linkSecret} {
			r.w.ChangeCredential(step.LinkSecret, none)
			time.Sleep(provider.Freshness)
			r.wantPage("GET", fresh, nil, 500)
		}
	})
}

// TestOperatorTokenChanges: the new token is good as soon as it is shown, and the old one is not for long.
func TestOperatorTokenChanges(t *testing.T) {
	t.Parallel()
	inBubble(t, exact, func(r *rig) {
		want := func(status int, token string) {
			t.Helper()
			code, answer := r.do("GET", "/instances", "", http.Header{"Authorization": {"Bearer " + token}})
			r.want(status, code, answer)
		}
		want(200, operatorToken)
		want(401, "next")
		r.w.ChangeCredential(step.OperatorToken, "next")
		time.Sleep(31 * time.Second)
		want(200, "next")
		want(401, operatorToken)
	})
}
