package signup

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/aws/aws-lambda-go/events"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/view"
)

// Status tells how far a signup is. 404 for an unknown one.
func Status(Deps) step.API {
	return func(ctx context.Context, env step.Env, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		p, err := progress(ctx, env, r.PathParameters["id"])
		if err != nil {
			return httpapi.Failed(ctx, env, err), nil
		}
		return httpapi.JSON(http.StatusOK, p), nil
	}
}

func progress(ctx context.Context, env step.Env, id string) (view.SignupStatus, error) {
	if !fleet.IsInstanceID(id) {
		return view.SignupStatus{}, unknown()
	}
	s, err := env.Store.Signup(ctx, id)
	if err != nil {
		return view.SignupStatus{}, err
	}
	if s == nil {
		return view.SignupStatus{}, unknown()
	}
	p := view.SignupStatus{ID: s.InstanceID, Slug: s.Slug, Status: s.Status, Reason: s.Reason, NextAction: s.Status.NextAction()}
	if s.Status == fleet.Approved {
		waiting, err := env.Store.Signups(ctx, fleet.Approved)
		if err != nil {
			return p, err
		}
		p.Place = 1 + slices.IndexFunc(waiting, func(w fleet.Signup) bool { return w.InstanceID == id })
		freezes, err := env.Store.Freezes(ctx)
		if err != nil {
			return p, err
		}
		if fleet.Frozen(freezes, fleet.Vendors()...) != nil { // what, and why, is for operators
			p.NextAction = "none: new provisionings are held back for now; it begins by itself when that is over and a slot is free"
		}
	}
	i, err := env.Store.Instance(ctx, id)
	if err != nil || i == nil {
		return p, err
	}
	p.State = i.State
	if i.State == fleet.Provisioning {
		p.Deadline = i.Progress.Deadline
	}
	if i.State == fleet.Active {
		p.URL = "https://" + i.Host
	}
	return p, nil
}

func unknown() error {
	return httpapi.Refuse(http.StatusNotFound, fault.Rejected, "there is no such signup")
}

// Approve lets an operator approve a signup: 202, and again 202 for one that is approved already. It only writes APPROVED;
// admission begins the provisioning when a slot is free. 409 for a rejected or failed one.
func Approve(Deps) step.API {
	return func(ctx context.Context, env step.Env, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		return decided(ctx, env, r, fleet.Approved, "")
	}
}

// Reject lets an operator reject a waiting signup, with a reason in the body: {"reason":"…"}. The slug is free again.
func Reject(Deps) step.API {
	return func(ctx context.Context, env step.Env, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		if _, err := httpapi.Operator(ctx, env, r); err != nil {
			return httpapi.Failed(ctx, env, err), nil // who may not reject learns nothing about the body
		}
		reason, err := reason(r)
		if bad, ok := errors.AsType[badFields](err); ok {
			return httpapi.Problem{Status: http.StatusUnprocessableEntity, Title: "A rejection needs a reason", Fields: bad}.Answer(), nil
		}
		if err != nil {
			return httpapi.Failed(ctx, env, err), nil
		}
		return decided(ctx, env, r, fleet.Rejected, reason)
	}
}

// reason reads the body of a rejection.
func reason(r events.APIGatewayV2HTTPRequest) (string, error) {
	body, err := httpapi.Body(r)
	if err != nil {
		return "", err
	}
	p, err := newPayload(body)
	if err != nil {
		return "", err
	}
	var said string
	p.text("reason", &said)
	p.end()
	if !httpapi.Printable(said, 500) {
		p.bad.add("reason", "1 to 500 printable characters")
	}
	if len(p.bad) > 0 {
		return "", p.bad
	}
	return said, nil
}

func decided(ctx context.Context, env step.Env, r events.APIGatewayV2HTTPRequest, to fleet.SignupStatus, reason string) (events.APIGatewayV2HTTPResponse, error) {
	id := r.PathParameters["id"]
	operator, err := httpapi.Operator(ctx, env, r)
	if err == nil {
		err = decide(ctx, env, id, operator, to, reason)
	}
	if err != nil {
		return httpapi.Failed(ctx, env, err), nil
	}
	if to == fleet.Approved {
		if err := env.Trigger(ctx, "admit"); err != nil {
			env.Log.WarnContext(ctx, "admit was not triggered; its schedule will", "code", fault.CodeOf(err))
		}
	}
	p, err := progress(ctx, env, id)
	if err != nil {
		return httpapi.Failed(ctx, env, err), nil
	}
	return httpapi.JSON(http.StatusAccepted, p), nil
}

func decide(ctx context.Context, env step.Env, id, operator string, to fleet.SignupStatus, reason string) error {
	if !fleet.IsInstanceID(id) {
		return unknown()
	}
	return env.Store.Update(ctx, id, func(tx *store.Tx) error {
		s, err := tx.Signup()
		switch {
		case err != nil:
			return err
		case s == nil:
			return unknown()
		case s.Status == to, to == fleet.Approved && (s.Status == fleet.Admitted || s.Status == fleet.Completed):
			return nil // decided so already
		case s.Status != fleet.Requested:
			return httpapi.Refuse(http.StatusConflict, fault.Conflict, "the signup is "+string(s.Status)+" and can't become "+string(to))
		}
		s.Status, s.Reason, s.DecidedAt, s.DecidedBy = to, reason, tx.Now(), operator
		if to == fleet.Rejected {
			claim, err := tx.Claim(s.Slug)
			if err != nil {
				return err
			}
			if claim != nil && claim.InstanceID == id {
				tx.FreeClaim(s.Slug)
			}
		}
		tx.Audit(fleet.AuditEntry{ID: "signup/decided", Actor: operator, Action: "signup.decided", Subject: "signup",
			Outcome: string(to), Request: env.Request})
		return tx.PutSignup(s)
	})
}
