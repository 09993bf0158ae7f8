package sendgrid_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider/sendgrid"
	"github.com/project-gimbal/fleet/internal/sim"
)

var posts = sendgrid.Posts{URL: "https://" + host + "/events", Enabled: true, Events: sendgrid.Events{Bounce: true, SpamReport: true}}

// shownWebhook is how SendGrid shows a webhook that posts these, less what is false.
const shownWebhook = `{"id":"w1","friendly_name":"events","url":"https://acme.gimbal.app/events","enabled":true,"bounce":true,"spam_report":true,` +
	`"open":false,"created_date":"2026-01-01T12:00:00Z"}`

// webhooks reports whether n webhooks are of a status.
func webhooks(status string, n int) func(w *world) bool {
	return func(w *world) bool {
		found := 0
		for _, h := range w.vendor.Inventory() {
			if h.Kind == "sendgrid_webhook" && h.Status == status {
				found++
			}
		}
		return found == n
	}
}

func webhookOperations() []operation {
	off := posts
	off.Enabled = false
	return []operation{
		{"ListWebhooks", func(ctx context.Context, c *sendgrid.Client, _ stage) error {
			_, err := c.FindWebhooks(ctx, subuser, "events")
			return err
		}, 0, nil},
		{"CreateWebhook", func(ctx context.Context, c *sendgrid.Client, s stage) error {
			other := posts
			if s.webhook.Posts == posts { // SendGrid has one for a URL
				other.URL += "/2"
			}
			_, err := c.CreateWebhook(ctx, subuser, "events", other)
			return err
		}, 1, webhooks("unsigned", 2)},
		{"UpdateWebhook", func(ctx context.Context, c *sendgrid.Client, s stage) error {
			return c.UpdateWebhook(ctx, subuser, s.webhook.ID, "events", off)
		}, 0, webhooks("disabled", 1)},
		{"SignWebhook", func(ctx context.Context, c *sendgrid.Client, s stage) error {
			_, err := c.SignWebhook(ctx, subuser, s.webhook.ID)
			return err
		}, 0, webhooks("signed", 1)},
		{"DeleteWebhook", func(ctx context.Context, c *sendgrid.Client, s stage) error {
			return c.DeleteWebhook(ctx, subuser, s.webhook.ID)
		}, 0, webhooks("unsigned", 0)},
	}
}

func TestWebhooksLife(t *testing.T) {
	simulate(t, "", sim.Options{Seed: 1}, func(t *testing.T, w *world) {
		ctx := attempt(t)
		must[sendgrid.Subuser](t)(w.client.CreateSubuser(ctx, newSubuser))
		find := func() []sendgrid.Webhook {
			return must[[]sendgrid.Webhook](t)(w.client.FindWebhooks(t.Context(), subuser, "events"))
		}
		if found := find(); len(found) != 0 {
			t.Errorf("found %v, want none", found)
		}
		made := must[sendgrid.Webhook](t)(w.client.CreateWebhook(ctx, subuser, "events", posts))
		other := posts
		other.URL += "/other"
		must[sendgrid.Webhook](t)(w.client.CreateWebhook(ctx, subuser, "others", other))
		if found := find(); !slices.Equal(found, []sendgrid.Webhook{made}) || made.Posts != posts || !made.Created.Equal(time.Now()) {
			t.Errorf("found %v, want %v", found, made)
		}
		key := must[string](t)(w.client.SignWebhook(ctx, subuser, made.ID))
		if _, at, verifies := w.vendor.Webhook(made.ID); key == "" || key != verifies || at != posts.URL {
			t.Errorf("posts to %q, verified by %q, want the key %q", at, verifies, key)
		}
		if _, err := base64.StdEncoding.DecodeString(key); err != nil {
			t.Errorf("the key %q: %v", key, err)
		}
		if again := must[string](t)(w.client.SignWebhook(ctx, subuser, made.ID)); again != key {
			t.Error("signing twice gives two keys")
		}
		changed := posts
		changed.URL, changed.Bounce, changed.Delivered = posts.URL+"/new", false, true
		if err := w.client.UpdateWebhook(ctx, subuser, made.ID, "events", changed); err != nil {
			t.Fatal(err)
		}
		if found := find(); len(found) != 1 || found[0].Posts != changed {
			t.Errorf("after the change: %v", found)
		}
		for range 2 {
			if err := w.client.DeleteWebhook(ctx, subuser, made.ID); err != nil {
				t.Fatal(err)
			}
		}
		if found := find(); len(found) != 0 {
			t.Errorf("found %v after the deletion", found)
		}
		_, err := w.client.SignWebhook(ctx, subuser, made.ID)
		assertFault(t, err, "SignWebhook", fault.Rejected, true, 0)
	})
}

func TestWebhooksRefused(t *testing.T) {
	simulate(t, "", sim.Options{}, func(t *testing.T, w *world) {
		ctx := attempt(t)
		must[sendgrid.Subuser](t)(w.client.CreateSubuser(ctx, newSubuser))
		each := posts
		for range 5 {
			must[sendgrid.Webhook](t)(w.client.CreateWebhook(ctx, subuser, "events", each))
			each.URL += "x"
		}
		_, err := w.client.CreateWebhook(ctx, subuser, "other", posts)
		assertFault(t, err, "CreateWebhook", fault.Conflict, true, 0)
		_, err = w.client.CreateWebhook(ctx, subuser, "events", each)
		assertFault(t, err, "CreateWebhook", fault.QuotaExceeded, true, 0)
		each.URL = "nowhere"
		_, err = w.client.CreateWebhook(ctx, subuser, "events", each)
		assertFault(t, err, "CreateWebhook", fault.Rejected, true, 0)
	})
}

// TestWebhooksOfNobody: without a subuser these calls would act on Fleet's own account, and without an id on its oldest webhook.
func TestWebhooksOfNobody(t *testing.T) {
	client := always(http.StatusInternalServerError, "")
	ctx := attempt(t)
	for _, of := range []struct{ subuser, id string }{{"", "w1"}, {"a/b", "w1"}, {subuser, ""}, {subuser, "../all"}} {
		if of.id == "w1" {
			_, err := client.FindWebhooks(ctx, of.subuser, "events")
			assertFault(t, err, "ListWebhooks", fault.Internal, true, 0)
			_, err = client.CreateWebhook(ctx, of.subuser, "events", posts)
			assertFault(t, err, "CreateWebhook", fault.Internal, true, 0)
		}
		assertFault(t, client.UpdateWebhook(ctx, of.subuser, of.id, "events", posts), "UpdateWebhook", fault.Internal, true, 0)
		_, err := client.SignWebhook(ctx, of.subuser, of.id)
		assertFault(t, err, "SignWebhook", fault.Internal, true, 0)
		assertFault(t, client.DeleteWebhook(ctx, of.subuser, of.id), "DeleteWebhook", fault.Internal, true, 0)
	}
}

// TestWebhooksNeedAnAttempt: none of the calls that change something is sent without one.
func TestWebhooksNeedAnAttempt(t *testing.T) {
	simulate(t, "", sim.Options{}, func(t *testing.T, w *world) {
		for _, op := range webhookOperations()[1:] {
			assertFault(t, op.call(t.Context(), w.client, stage{webhook: sendgrid.Webhook{ID: "w1"}}), op.name, fault.Internal, true, 0)
		}
		if len(w.calls) != 0 {
			t.Errorf("%d calls were sent", len(w.calls))
		}
	})
}

// TestWebhooksOutliveTheirSubuser, for all that SendGrid says: they are out of reach then, and looking for them finds none.
func TestWebhooksOutliveTheirSubuser(t *testing.T) {
	simulate(t, "", sim.Options{}, func(t *testing.T, w *world) {
		ctx := attempt(t)
		must[sendgrid.Subuser](t)(w.client.CreateSubuser(ctx, newSubuser))
		made := must[sendgrid.Webhook](t)(w.client.CreateWebhook(ctx, subuser, "events", posts))
		if err := w.client.DeleteSubuser(ctx, subuser); err != nil {
			t.Fatal(err)
		}
		if found := must[[]sendgrid.Webhook](t)(w.client.FindWebhooks(ctx, subuser, "events")); len(found) != 0 {
			t.Errorf("found %v", found)
		}
		if err := w.client.DeleteWebhook(ctx, subuser, made.ID); err != nil {
			t.Error(err)
		}
		if left := w.vendor.Inventory(); len(left) != 1 || left[0].Kind != "sendgrid_webhook" {
			t.Errorf("left: %v", left)
		}
	})
}
