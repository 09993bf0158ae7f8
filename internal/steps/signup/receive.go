// Package signup takes signups in and lets operators decide them.
package signup

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/uuid"
	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store"
)

// Deps is what these functions use: nothing but the Env.
type Deps struct{}

// Open opens nothing.
func Open(step.Env) (Deps, error) { return Deps{}, nil }

// tolerance is how far a webhook's timestamp may be off, either way.
const tolerance = 5 * time.Minute

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
// an old timestamp; 422 naming every bad field; 409 for a taken slug. The same webhook again gets the same signup.
func Receive(Deps) step.API {
	return func(ctx context.Context, env step.Env, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		accepted, err := receive(ctx, env, r)
		if err == nil {
			answer := httpapi.JSON(http.StatusAccepted, accepted)
			answer.Headers["location"] = accepted.StatusURL
			return answer, nil
		}
		if bad, ok := errors.AsType[badFields](err); ok {
			return httpapi.Problem{Status: http.StatusUnprocessableEntity, Title: "The signup has faults",
				Detail: "mend the fields named here and send it again", Fields: bad}.Answer(), nil
		}
		return httpapi.Failed(ctx, env, err), nil
	}
}

func receive(ctx context.Context, env step.Env, r events.APIGatewayV2HTTPRequest) (Accepted, error) {
	body, err := httpapi.Body(r)
	if err != nil {
		return Accepted{}, err
	}
	id, err := verify(ctx, env, r, body)
	if err != nil {
		return Accepted{}, err
	}
	form, err := parse(body)
	if err != nil {
		return Accepted{}, err
	}
	instanceID := uuid.NewSHA1(namespace, []byte(id)).String()
	there, err := env.Store.Signup(ctx, instanceID)
	if err != nil {
		return Accepted{}, err
	}
	if there == nil {
		if there, err = record(ctx, env, instanceID, form); err != nil {
			return Accepted{}, err
		}
	}
	return Accepted{there.InstanceID, there.Slug, there.Status, env.Settings.PublicURL + "/signups/" + there.InstanceID}, nil
}

// verify checks the webhook's signature and age and gives its id.
func verify(ctx context.Context, env step.Env, r events.APIGatewayV2HTTPRequest, body []byte) (string, error) {
	secret, err := env.Provider.Credential(ctx, step.WebhookSecret)
	if err != nil {
		return "", err
	}
	hook, err := webhooks.NewWebhook(secret.Reveal())
	if err != nil {
		return "", &fault.Error{Code: fault.Internal, Text: "the webhook secret is no secret of Standard Webhooks", Err: err}
	}
	headers := http.Header{}
	for _, name := range []string{webhooks.HeaderWebhookID, webhooks.HeaderWebhookTimestamp, webhooks.HeaderWebhookSignature} {
		headers.Set(name, httpapi.Header(r, name))
	}
	// The library compares timestamps with the machine's clock, so only the signature is left to it.
	if err := hook.VerifyIgnoringTimestamp(body, headers); err != nil {
		return "", httpapi.Refuse(http.StatusUnauthorized, fault.Rejected, "the webhook's signature is missing or wrong")
	}
	seconds, err := strconv.ParseInt(headers.Get(webhooks.HeaderWebhookTimestamp), 10, 64)
	if age := env.Clock.Now().Sub(time.Unix(seconds, 0)).Abs(); err != nil || age > tolerance {
		return "", httpapi.Refuse(http.StatusUnauthorized, fault.Rejected, "the webhook's timestamp is more than 5 minutes off: sign it anew")
	}
	return headers.Get(webhooks.HeaderWebhookID), nil
}

// record stores a signup with its claim and the beginning of its audit chain, all or nothing.
func record(ctx context.Context, env step.Env, instanceID string, f Form) (*fleet.Signup, error) {
	if err := free(ctx, env, f.Slug, instanceID); err != nil {
		return nil, err
	}
	if err := env.Vault.Mint(ctx, instanceID); err != nil {
		return nil, err
	}
	applicant, err := json.Marshal(fleet.Applicant{Company: f.Company, AdminName: f.AdminName, AdminEmail: f.AdminEmail, Phone: f.Phone})
	if err != nil {
		return nil, err
	}
	sealed, err := env.Vault.Seal(ctx, instanceID, "applicant", applicant)
	if err != nil {
		return nil, err
	}
	signup := &fleet.Signup{InstanceID: instanceID, Slug: f.Slug, Plan: f.Plan, Region: f.Region, Timezone: f.Timezone,
		Locale: f.Locale, Branding: f.Branding, Status: fleet.Requested, Applicant: sealed, RequestedAt: env.Clock.Now()}
	err = env.Store.Update(ctx, instanceID, func(tx *store.Tx) error {
		there, err := tx.Signup()
		if err != nil {
			return err
		}
		if there != nil {
			signup = there
			return nil
		}
		claim, err := tx.Claim(f.Slug)
		if err != nil {
			return err
		}
		if claim != nil {
			return taken(*claim)
		}
		if err := tx.PutClaim(&fleet.SlugClaim{Slug: f.Slug, InstanceID: instanceID}); err != nil {
			return err
		}
		tx.Audit(fleet.AuditEntry{ID: "signup/requested", Actor: "webhook", Action: "signup.requested", Subject: "signup",
			Outcome: string(fleet.Requested), Request: env.Request})
		return errors.Join(tx.Intend(fleet.DecisionWanted, "operator"), tx.PutSignup(signup))
	})
	return signup, err
}

// free tells a taken slug early, before a data key is minted.
func free(ctx context.Context, env step.Env, slug, instanceID string) error {
	claim, err := env.Store.Claim(ctx, slug)
	if err != nil || claim == nil || claim.InstanceID == instanceID {
		return err
	}
	return taken(*claim)
}

func taken(c fleet.SlugClaim) error {
	if c.Quarantined {
		return httpapi.Refuse(http.StatusConflict, fault.Conflict, "the slug is in quarantine for up to a day after a failed instance: choose another or try again later")
	}
	return httpapi.Refuse(http.StatusConflict, fault.Conflict, "the slug is taken: choose another")
}
