package email

import (
	"context"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider/sendgrid"
	"github.com/project-gimbal/fleet/internal/step"
)

// amiss is the attribute of a webhook that was found with other settings than the instance's.
const amiss = "settings_amiss"

// posts is what the instance hears of its mail: what was delivered and what wasn't, and who wants no more of it, or does again.
// A deferral isn't told: it ends in one of these. Opens and clicks are nobody's business.
func posts(run *step.Run) sendgrid.Posts {
	return sendgrid.Posts{URL: run.Instance.Origin() + "/api/webhooks/sendgrid", Enabled: true, Events: sendgrid.Events{
		Delivered: true, Bounce: true, Dropped: true,
		SpamReport: true, Unsubscribe: true, GroupUnsubscribe: true, GroupResubscribe: true,
	}}
}

// Webhook is the subuser's Event Webhook.
func (d Deps) Webhook(run *step.Run, subuser, name string) step.Resource {
	shown := func(w sendgrid.Webhook) step.Found {
		found := step.Found{ID: w.ID, Created: w.Created}
		if w.Posts != posts(run) {
			found.Attributes = map[string]string{amiss: "true"}
		}
		return found
	}
	return step.Resource{
		Kind: fleet.SendGridWebhook,
		Name: name,
		Find: func(ctx context.Context, name string) ([]step.Found, error) {
			webhooks, err := d.SendGrid.FindWebhooks(ctx, subuser, name)
			found := make([]step.Found, 0, len(webhooks))
			for _, w := range webhooks {
				found = append(found, shown(w))
			}
			return found, err
		},
		Create: func(ctx context.Context, name string) (step.Found, error) {
			w, err := d.SendGrid.CreateWebhook(ctx, subuser, name, posts(run))
			return shown(w), err
		},
		Delete: func(ctx context.Context, id string) error { return d.SendGrid.DeleteWebhook(ctx, subuser, id) },
	}
}

// listen makes the webhook, or adopts the one an earlier attempt made, and has it sign what it posts. One that posts something
// else, or elsewhere, is mended.
func (d Deps) listen(ctx context.Context, run *step.Run, name string) error {
	if err := run.Ensure(ctx, d.Webhook(run, name, name)); err != nil {
		return err
	}
	webhook, err := run.Ledger(ctx, fleet.SendGridWebhook, name)
	if err != nil {
		return err
	}
	var key string
	return run.Change(ctx, step.Change{
		Kind: fleet.SendGridPostings,
		Name: name,
		Apply: func(ctx context.Context) (err error) {
			if webhook.Attributes[amiss] != "" {
				if err := d.SendGrid.UpdateWebhook(ctx, name, webhook.ID, name, posts(run)); err != nil {
					return err
				}
			}
			key, err = d.SendGrid.SignWebhook(ctx, name, webhook.ID)
			return err
		},
		Attributes: func() map[string]string { return map[string]string{fleet.PostingKey: key} },
	})
}
