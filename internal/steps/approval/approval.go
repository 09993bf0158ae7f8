// Package approval approves signups: by an operator, by a link, or by itself where a plan needs nobody. Each of them first looks
// whether the vendors have room for one more instance.
package approval

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/steps/decision"
	"github.com/project-gimbal/fleet/internal/steps/doctor"
)

// Deps is what these functions use: what counts at the vendors.
type Deps struct{ vendors doctor.Deps }

// Open makes the clients.
func Open(env step.Env) (Deps, error) {
	d, err := doctor.Open(env)
	return Deps{d}, err
}

// Approve lets an operator approve a signup: 202, and again 202 for one that is approved already. It only writes APPROVED;
// admission begins the provisioning when a slot is free. 409 for one that is decided otherwise or whose time is over, and where a
// vendor has no room for one more instance, which says what to do; 424 where a vendor doesn't tell.
func Approve(d Deps) step.API {
	return httpapi.Operators(func(ctx context.Context, env step.Env, r httpapi.Request) (int, any, error) {
		if err := d.approve(ctx, env, r.ID, r.Operator); err != nil {
			return 0, nil, err
		}
		p, err := decision.Progress(ctx, env, r.ID)
		return http.StatusAccepted, p, err
	})
}

// Decide takes the decision of whoever has a link, as its page sends it: decision=approve, or decision=reject and a reason. The
// link is used up by it. 200 with a page that tells what became of the signup; 410 and 404 as Show has them; 409 and 424 where it
// can't be approved now, and 422 for a rejection without a reason, with the two buttons again.
func Decide(d Deps) step.API {
	return func(ctx context.Context, env step.Env, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		token := r.PathParameters["token"]
		link, s, err := decision.Waiting(ctx, env, token)
		if err != nil {
			return decision.Refused(ctx, env, s, err), nil
		}
		if err := d.byLink(ctx, env, r, link); err != nil {
			if _, now, gone := decision.Waiting(ctx, env, token); gone != nil { // somebody else was faster, or its time ran out
				return decision.Refused(ctx, env, now, gone), nil
			}
			status, text := decision.Answer(ctx, env, err)
			return decision.Ask(ctx, env, *s, status, text), nil
		}
		s, err = env.Store.Signup(ctx, link.InstanceID)
		if err != nil {
			return decision.Refused(ctx, env, nil, err), nil
		}
		return decision.Decided(*s, http.StatusOK, ""), nil
	}
}

func (d Deps) byLink(ctx context.Context, env step.Env, r events.APIGatewayV2HTTPRequest, link decision.Authority) error {
	body, err := httpapi.Body(r)
	if err != nil {
		return err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return httpapi.Refuse(http.StatusBadRequest, fault.Rejected, "The form is damaged: nothing was decided.")
	}
	switch form.Get("decision") {
	case "approve":
		return d.approve(ctx, env, link.InstanceID, link.Actor)
	case "reject":
		reason := strings.Join(strings.Fields(form.Get("reason")), " ") // lines of a text field
		if !httpapi.Printable(reason, decision.MaxReason) {
			return httpapi.Refuse(http.StatusUnprocessableEntity, fault.Rejected, "A rejection needs a reason of up to 500 characters.")
		}
		return decision.Decide(ctx, env, link.InstanceID, link.Actor, fleet.Rejected, reason)
	}
	return httpapi.Refuse(http.StatusUnprocessableEntity, fault.Rejected, "Neither approved nor rejected: nothing was decided.")
}

// approve approves a signup in somebody's name where there is room for it beside others, and lets admission begin.
func (d Deps) approve(ctx context.Context, env step.Env, id, by string, beside ...string) error {
	if err := d.room(ctx, env, id, beside); err != nil {
		return err
	}
	if err := decision.Decide(ctx, env, id, by, fleet.Approved, ""); err != nil {
		return err
	}
	if err := env.Trigger(ctx, catalog.Admit.Name); err != nil {
		env.Log.WarnContext(ctx, "admit was not triggered; its schedule will", "code", fault.CodeOf(err))
	}
	return nil
}
