package sendgrid

import (
	"context"
	"net/http"
	"regexp"
	"sync"
	"time"

	"github.com/sendgrid/rest"

	"github.com/project-gimbal/fleet/internal/fault"
)

// Webhook is an Event Webhook of a subuser's.
type Webhook struct {
	ID    string
	Name  string // friendly name; not unique
	Posts Posts
	// Created is zero where SendGrid doesn't say.
	Created time.Time
}

// Posts are what a webhook posts, and where. A subuser has one webhook for a URL at most.
type Posts struct {
	URL     string `json:"url"`
	Enabled bool   `json:"enabled"`
	Events
}

// Events are the kinds of events that are posted. Unsubscribe and the two of groups happen only in mail with subscription tracking.
type Events struct {
	Bounce           bool `json:"bounce"`
	Click            bool `json:"click"`
	Deferred         bool `json:"deferred"`
	Delivered        bool `json:"delivered"`
	Dropped          bool `json:"dropped"`
	GroupResubscribe bool `json:"group_resubscribe"`
	GroupUnsubscribe bool `json:"group_unsubscribe"`
	Open             bool `json:"open"`
	Processed        bool `json:"processed"`
	SpamReport       bool `json:"spam_report"`
	Unsubscribe      bool `json:"unsubscribe"`
}

const (
	operationListWebhooks  = "ListWebhooks"
	operationCreateWebhook = "CreateWebhook"
	operationUpdateWebhook = "UpdateWebhook"
	operationSignWebhook   = "SignWebhook"
	operationDeleteWebhook = "DeleteWebhook"
)

const webhooksPath = "/v3/user/webhooks/event/settings"

type wireWebhook struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"friendly_name"`
	Posts
	Created string `json:"created_date,omitempty"`
}

// webhook checks that w has what every webhook has.
func (w wireWebhook) webhook() (Webhook, bool) {
	if !identifier().MatchString(w.ID) || w.URL == "" {
		return Webhook{}, false
	}
	created, err := time.Parse(time.RFC3339, w.Created)
	if err != nil {
		created = time.Time{}
	}
	return Webhook{ID: w.ID, Name: w.Name, Posts: w.Posts, Created: created}, true
}

// FindWebhooks lists the subuser's Event Webhooks of exactly that friendly name, of which there may be several. One made a
// moment ago may be missing. A subuser that doesn't exist has none.
func (c *Client) FindWebhooks(ctx context.Context, subuser, name string) ([]Webhook, error) {
	if err := behalf(operationListWebhooks, subuser); err != nil {
		return nil, err
	}
	var list struct {
		Webhooks []wireWebhook `json:"webhooks"`
	}
	err := c.read(ctx, request{
		operation: operationListWebhooks,
		method:    rest.Get,
		path:      webhooksPath + "/all",
		subuser:   subuser,
		success:   []int{http.StatusOK},
	}, &list)
	if err != nil {
		if c.gone(ctx, subuser, err) {
			return nil, nil
		}
		return nil, err
	}
	if list.Webhooks == nil {
		return nil, unusable(operationListWebhooks, http.StatusOK)
	}
	var found []Webhook
	for _, w := range list.Webhooks {
		if w == (wireWebhook{}) { // SendGrid shows none as one of these
			continue
		}
		one, ok := w.webhook()
		if !ok {
			return nil, unusable(operationListWebhooks, http.StatusOK)
		}
		if one.Name == name {
			found = append(found, one)
		}
	}
	return found, nil
}

// CreateWebhook makes an Event Webhook of the subuser's, which signs nothing yet. A second one for a URL is a Conflict
// (CodeWebhookExists); more than the plan allows, QuotaExceeded (CodeWebhookLimit). Both prove that nothing happened.
func (c *Client) CreateWebhook(ctx context.Context, subuser, name string, posts Posts) (Webhook, error) {
	if err := behalf(operationCreateWebhook, subuser); err != nil {
		return Webhook{}, err
	}
	return c.putWebhook(ctx, request{
		operation: operationCreateWebhook,
		method:    rest.Post,
		path:      webhooksPath,
		subuser:   subuser,
		success:   []int{http.StatusCreated},
	}, name, posts)
}

// UpdateWebhook writes what a webhook posts, and where, over what it was set to.
func (c *Client) UpdateWebhook(ctx context.Context, subuser, id, name string, posts Posts) error {
	if err := webhookOf(operationUpdateWebhook, subuser, id); err != nil {
		return err
	}
	changed, err := c.putWebhook(ctx, request{
		operation: operationUpdateWebhook,
		method:    rest.Patch,
		path:      webhooksPath + "/" + id,
		subuser:   subuser,
		success:   []int{http.StatusOK},
	}, name, posts)
	if err == nil && changed.ID != id {
		return unusable(operationUpdateWebhook, http.StatusOK)
	}
	return err
}

// putWebhook sends a webhook's settings and wants them answered.
func (c *Client) putWebhook(ctx context.Context, r request, name string, posts Posts) (Webhook, error) {
	r.body = wireWebhook{Name: name, Posts: posts}
	var shown wireWebhook
	if err := c.read(ctx, r, &shown); err != nil {
		return Webhook{}, err
	}
	w, ok := shown.webhook()
	if !ok || w.Name != name || w.Posts != posts {
		return Webhook{}, unusable(r.operation, r.success[0])
	}
	return w, nil
}

// publicKey is what SendGrid's keys are written in: DER, as base64.
var publicKey = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9+/=]{1,1000}$`) })

// SignWebhook has a webhook sign what it posts, and gives the public key that verifies it: a DER-encoded one, as base64.
func (c *Client) SignWebhook(ctx context.Context, subuser, id string) (string, error) {
	if err := webhookOf(operationSignWebhook, subuser, id); err != nil {
		return "", err
	}
	var signed struct {
		ID  string `json:"id"`
		Key string `json:"public_key"`
	}
	err := c.read(ctx, request{
		operation: operationSignWebhook,
		method:    rest.Patch,
		path:      webhooksPath + "/signed/" + id,
		subuser:   subuser,
		body:      map[string]any{"enabled": true},
		success:   []int{http.StatusOK},
	}, &signed)
	if err != nil {
		return "", err
	}
	if signed.ID != id || !publicKey().MatchString(signed.Key) {
		return "", unusable(operationSignWebhook, http.StatusOK)
	}
	return signed.Key, nil
}

// DeleteWebhook removes a webhook of the subuser's. One that is gone already, with its subuser or without, is removed.
func (c *Client) DeleteWebhook(ctx context.Context, subuser, id string) error {
	if err := webhookOf(operationDeleteWebhook, subuser, id); err != nil {
		return err
	}
	return c.remove(ctx, request{operation: operationDeleteWebhook, path: webhooksPath + "/" + id, subuser: subuser})
}

// webhookOf keeps back a call that names no webhook: SendGrid would take the oldest one for meant.
func webhookOf(operation, subuser, id string) error {
	if !identifier().MatchString(id) {
		return unsent(operation, fault.Internal, "no id of a webhook", nil)
	}
	return behalf(operation, subuser)
}
