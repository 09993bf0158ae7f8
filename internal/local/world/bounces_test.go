package world_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/step/bounds"
)

// wantPostings judges that the instance's webhook tells the instance what becomes of its mail, and the instance who tells it.
func (r *rig) wantPostings(id string) {
	r.t.Helper()
	events, at, key := r.w.Vendors.SendGrid.Webhook(r.ledger(id, fleet.SendGridWebhook).ID)
	if at != "https://"+sampleHost+"/api/webhooks/sendgrid" {
		r.t.Errorf("the webhook posts to %q", at)
	}
	want := []string{"bounce", "delivered", "dropped", "group_resubscribe", "group_unsubscribe", "spam_report", "unsubscribe"}
	if !slices.Equal(events, want) {
		r.t.Errorf("the webhook posts %q, want %q", events, want)
	}
	site, live := r.w.Vendors.Vercel.Serve(sampleHost)
	if got := site.Environment["SENDGRID_WEBHOOK_PUBLIC_KEY"]; !live || got != key || key == "" {
		r.t.Errorf("the instance's functions verify by %q, want %q", got, key)
	}
}

// TestBouncesReachTheInstance: what becomes of the instance's mail is told to the instance.
func TestBouncesReachTheInstance(t *testing.T) {
	t.Parallel()
	underContract(t, nil, func(r *rig) {
		id := r.provision()
		r.wantActive(id)
		r.wantPostings(id)
		if r.made("sendgrid.UpdateWebhook") != 0 {
			t.Error("settings were mended that were right")
		}
	})
}

// misposted has the first webhook made with settings that aren't the instance's, and loses the answer.
func misposted(o *world.Options) {
	var done atomic.Bool
	o.Hooks.Transport = func(next http.RoundTripper) http.RoundTripper {
		return transport(func(q *http.Request) (*http.Response, error) {
			if q.Method != http.MethodPost || q.URL.Path != "/v3/user/webhooks/event/settings" || done.Swap(true) {
				return next.RoundTrip(q)
			}
			var sent map[string]any
			if err := json.NewDecoder(q.Body).Decode(&sent); err != nil {
				return nil, err
			}
			maps.Copy(sent, map[string]any{"url": "https://elsewhere.example/", "click": true, "bounce": false})
			text, err := json.Marshal(sent)
			if err != nil {
				return nil, err
			}
			q = q.Clone(q.Context())
			q.Body, q.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
			if _, err := next.RoundTrip(q); err != nil {
				return nil, err
			}
			return nil, io.ErrUnexpectedEOF
		})
	}
}

// TestPostingsAreMended: a webhook that is found with other settings gets the instance's, however that goes wrong first.
func TestPostingsAreMended(t *testing.T) {
	t.Parallel()
	for _, script := range []string{"", "sendgrid.UpdateWebhook=lost", "sendgrid.UpdateWebhook=429", "sendgrid.UpdateWebhook=delayed:25s",
		"sendgrid.SignWebhook=lost", "sendgrid.SignWebhook=500-before", "sendgrid.SignWebhook=hang"} {
		t.Run(script, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(o *world.Options) {
				faults(t, script)(o)
				misposted(o)
			}, func(r *rig) {
				id := r.provision()
				r.wantActive(id)
				r.wantPostings(id)
				if r.made("sendgrid.CreateWebhook") != 1 || r.made("sendgrid.UpdateWebhook") == 0 {
					t.Error("the webhook was not adopted and mended")
				}
			})
		})
	}
}

// TestWebhookGoesBeforeItsSubuser: what SendGrid would still post must not reach whoever has the slug next.
func TestWebhookGoesBeforeItsSubuser(t *testing.T) {
	t.Parallel()
	underContract(t, faults(t, "sendgrid.ValidateDomain=403@1+,sendgrid.DeleteWebhook=500-before@1-3"), func(r *rig) {
		id := r.provision()
		r.wantClean(id)
		var order []string
		for _, c := range r.calls {
			if c.Vendor == "sendgrid" && c.Status/100 == 2 && (c.Operation == "DeleteWebhook" || c.Operation == "DeleteSubuser") {
				order = append(order, c.Operation)
			}
		}
		if !slices.Equal(order, []string{"DeleteWebhook", "DeleteSubuser"}) {
			t.Errorf("taken down by %q", order)
		}
	})
}

// TestLateWebhookIsRefused: SendGrid has one webhook for a URL, so that one whose creation lands long after every bound is none.
// The recheck looks, and finds the instance's own.
func TestLateWebhookIsRefused(t *testing.T) {
	t.Parallel()
	inBubble(t, faults(t, "sendgrid.CreateWebhook=delayed:12m"), func(r *rig) {
		id := r.provision()
		r.wantState(id, fleet.Active)
		if e := r.ledger(id, fleet.SendGridWebhook); !e.Unknown || e.RecheckAt.IsZero() {
			t.Errorf("it is not to be looked for again: %+v", e)
		}
		time.Sleep(13 * time.Minute)
		time.Sleep(bounds.RecheckSoon)
		r.invoke("recheck")
		time.Sleep(bounds.RecheckLate)
		r.invoke("recheck")
		r.wantLedgerTrue(id)
		r.wantPostings(id)
		if e := r.ledger(id, fleet.SendGridWebhook); !e.RecheckAt.IsZero() || e.RecheckFailures > 0 {
			t.Errorf("looks failed: %+v", e)
		}
		if incidents := r.allIncidents(id); len(incidents) != 0 {
			t.Errorf("incidents: %+v", incidents)
		}
	})
}
