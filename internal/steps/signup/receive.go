// Package signup takes signups in and lets operators decide them.
package signup

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/uuid"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store"
)

// Deps is what these functions use: nothing but the Env.
type Deps struct{}

// Open opens nothing.
func Open(step.Env) (Deps, error) { return Deps{}, nil }

// namespace makes instance ids from webhook ids: a repeated webhook finds the signup that the first one made.
var namespace = uuid.MustParse("7f1c0e0a-6f0b-4f43-9a53-0d5f3f9f2a61")

// Accepted is the answer to a signup.
type Accepted struct {
	ID        string             `json:"id"`
	Slug      string             `json:"slug"`
	Status    fleet.SignupStatus `json:"status"`
	StatusURL string             `json:"status_url"`
}

// Receive takes a signup in: a webhook signed by the scheme of Standard Webhooks. It mints the instance's id and data key,
// claims the slug, seals the personal data and begins the audit chain. 202 with a status URL; 401 for a wrong signature or
// an old timestamp; 422 naming every bad field; 409 for a taken slug. What is refused leaves nothing behind.
//
// The webhook's id is what tells signups apart: whatever comes under an id that was accepted gets the first answer again, even
// if the signup has moved on or the body is another one, with Idempotent-Replayed: true. While the first delivery is being worked on, others of its id are told
// by 409 with Retry-After to come again.
//
// The Content-Type is not looked at: it isn't signed, proxies rewrite it, and what the body is the body itself must show.
func Receive(Deps) step.API {
	return func(ctx context.Context, env step.Env, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		delivery, again, err := receive(ctx, env, r)
		if err == nil {
			return told(delivery, again), nil
		}
		return httpapi.Failed(ctx, env, err), nil
	}
}

// told is the answer that a delivery gets, or got before.
func told(d *fleet.Delivery, again bool) events.APIGatewayV2HTTPResponse {
	answer := httpapi.JSON(d.Status, json.RawMessage(d.Body))
	if again {
		answer.Headers["idempotent-replayed"] = "true"
	}
	var accepted Accepted
	if json.Unmarshal([]byte(d.Body), &accepted) == nil {
		answer.Headers["location"] = accepted.StatusURL
	}
	return answer
}

// receive gives the delivery with its answer, and whether that was given before.
func receive(ctx context.Context, env step.Env, r events.APIGatewayV2HTTPRequest) (delivery *fleet.Delivery, again bool, err error) {
	body, err := httpapi.Body(r)
	if err != nil {
		return nil, false, err
	}
	id, err := verify(ctx, env, r, body)
	if err != nil {
		return nil, false, err
	}
	in := intake{env: env, id: uuid.NewSHA1(namespace, []byte(id)).String(), nonce: env.Nonce()}
	if delivery, err = env.Store.Delivery(ctx, in.id); err != nil {
		return nil, false, err
	}
	if delivery == nil {
		if in.form, err = parse(body); err == nil {
			delivery, err = in.take(ctx)
		}
	} else {
		err = in.answered(delivery) // without a look at the body, which may be another one
	}
	return delivery, err == nil && delivery.Nonce != in.nonce, err
}

// intake is one invocation's work on a delivery.
type intake struct {
	env   step.Env
	id    string // the instance's
	nonce string
	form  Form
}

// answered is an error unless the delivery has its answer, or is this invocation's own.
func (in intake) answered(d *fleet.Delivery) error {
	if d.Answered() || d.Nonce == in.nonce {
		return nil
	}
	return &fault.Error{Code: fault.Conflict, Status: http.StatusConflict, RetryAfter: 2 * time.Second,
		Text: "the first delivery of this webhook is still being worked on: send the same again in a moment"}
}

// take makes the signup. First the delivery and the slug are claimed together, until this invocation is surely dead: who wants
// either meanwhile is refused before a data key is minted for them, and if this one dies, the claims lapse by themselves and a
// repeated delivery takes over. If it fails, they are given back at once.
func (in intake) take(ctx context.Context) (*fleet.Delivery, error) {
	delivery, err := in.claim(ctx)
	if err != nil || delivery.Answered() {
		return delivery, err
	}
	if delivery, err = in.record(ctx); err != nil {
		if left := in.giveBack(ctx); left != nil {
			in.env.Log.WarnContext(ctx, "a delivery was not given back; it lapses", "code", fault.CodeOf(left))
		}
	}
	return delivery, err
}

// lapse is when this invocation is surely dead by every clock.
func (in intake) lapse(ctx context.Context) time.Time {
	return step.Deadline(ctx, in.env.Clock).Add(bounds.Margin + time.Second).Truncate(time.Second).UTC() // the table keeps whole seconds
}

// claim gives the delivery: answered, or this invocation's to work on.
func (in intake) claim(ctx context.Context) (delivery *fleet.Delivery, err error) {
	until := in.lapse(ctx)
	err = in.env.Store.Update(ctx, in.id, func(tx *store.Tx) (err error) {
		if delivery, err = tx.Delivery(); err != nil {
			return err
		}
		if delivery != nil {
			return in.answered(delivery)
		}
		claim, err := tx.Claim(in.form.Slug)
		if err != nil {
			return err
		}
		if claim != nil && claim.InstanceID != in.id {
			return taken(*claim)
		}
		delivery = &fleet.Delivery{Nonce: in.nonce, Until: until}
		return errors.Join(tx.PutDelivery(delivery), tx.PutClaim(&fleet.SlugClaim{Slug: in.form.Slug, InstanceID: in.id, Until: until}))
	})
	return delivery, err
}

// giveBack ends the claims of a delivery that came to nothing. One that has its answer after all stays.
func (in intake) giveBack(ctx context.Context) error {
	return in.env.Store.Update(ctx, in.id, func(tx *store.Tx) error {
		delivery, err := tx.Delivery()
		if err != nil || delivery == nil || delivery.Answered() || delivery.Nonce != in.nonce {
			return err
		}
		claim, err := tx.Claim(in.form.Slug)
		if err != nil {
			return err
		}
		if claim != nil && claim.InstanceID == in.id && !claim.Until.IsZero() {
			tx.FreeClaim(in.form.Slug)
		}
		tx.DropDelivery()
		return nil
	})
}

// record mints the data key and stores the signup with its answer, its claim and the beginning of its audit chain, all or
// nothing.
func (in intake) record(ctx context.Context) (delivery *fleet.Delivery, err error) {
	signup, err := in.signup(ctx)
	if err != nil {
		return nil, err
	}
	err = in.env.Store.Update(ctx, in.id, func(tx *store.Tx) error {
		if delivery, err = tx.Delivery(); err != nil {
			return err
		}
		if delivery != nil {
			if err := in.answered(delivery); err != nil || delivery.Answered() {
				return err
			}
		}
		claim, err := tx.Claim(signup.Slug)
		if err != nil {
			return err
		}
		if claim != nil && claim.InstanceID != in.id {
			return taken(*claim)
		}
		if delivery, err = in.accepted(*signup); err != nil {
			return err
		}
		tx.Audit(fleet.AuditEntry{ID: "signup/requested", Actor: "webhook", Action: "signup.requested", Subject: "signup",
			Outcome: string(fleet.Requested), Request: in.env.Request})
		return errors.Join(tx.PutDelivery(delivery), tx.PutClaim(&fleet.SlugClaim{Slug: signup.Slug, InstanceID: in.id}),
			tx.Intend(fleet.DecisionWanted, "operator"), tx.PutSignup(signup))
	})
	return delivery, err
}

// signup mints the data key, unless an earlier attempt did, and seals the personal data.
func (in intake) signup(ctx context.Context) (*fleet.Signup, error) {
	if err := in.env.Vault.Mint(ctx, in.id); err != nil {
		return nil, err
	}
	f := in.form
	applicant, err := json.Marshal(fleet.Applicant{Company: f.Company, AdminName: f.AdminName, AdminEmail: f.AdminEmail, Phone: f.Phone})
	if err != nil {
		return nil, err
	}
	sealed, err := in.env.Vault.Seal(ctx, in.id, "applicant", applicant)
	if err != nil {
		return nil, err
	}
	return &fleet.Signup{InstanceID: in.id, Slug: f.Slug, Plan: f.Plan, Tier: f.Tier, Vertical: f.Vertical, Region: f.Region,
		Timezone: f.Timezone, Locale: f.Locale, Branding: f.Branding, Status: fleet.Requested, Applicant: sealed,
		RequestedAt: in.env.Clock.Now()}, nil
}

// accepted is the delivery of a signup with the answer that it gets.
func (in intake) accepted(s fleet.Signup) (*fleet.Delivery, error) {
	body, err := json.Marshal(Accepted{s.InstanceID, s.Slug, s.Status, in.env.Settings.PublicURL + "/signups/" + s.InstanceID})
	return &fleet.Delivery{Nonce: in.nonce, Status: http.StatusAccepted, Body: string(body)}, err
}

func taken(c fleet.SlugClaim) error {
	if c.Quarantined {
		return httpapi.Refuse(http.StatusConflict, fault.Conflict, "the slug is in quarantine for up to a day after a failed instance: choose another or try again later")
	}
	return httpapi.Refuse(http.StatusConflict, fault.Conflict, "the slug is taken: choose another")
}
