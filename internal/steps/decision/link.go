package decision

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/link"
	"github.com/project-gimbal/fleet/internal/step"
)

// Deps is what these functions use: nothing but the Env.
type Deps struct{}

// Open opens nothing.
func Open(step.Env) (Deps, error) { return Deps{}, nil }

// Link makes the link by which whoever has it may decide on a signup, once, as long as it waits. Message is the one that it is sent
// in; the audit names the decision's author by it.
func Link(ctx context.Context, env step.Env, s fleet.Signup, message string) (string, error) {
	return link.Make(ctx, env, link.Decisions, link.Authority{InstanceID: s.InstanceID, Subject: message}, Deadline(s))
}

// Authority is what a link's token proves.
type Authority struct {
	InstanceID string
	// Actor is who decides by it, for the audit: "link:" and the message that it came in.
	Actor string
}

// Verify checks a link's token: a 404 fault for one that Fleet never made, a 410 fault for one whose time is over.
func Verify(ctx context.Context, env step.Env, token string) (Authority, error) {
	proved, err := link.Verify(ctx, env, link.Decisions, token)
	switch {
	case errors.Is(err, link.ErrForged):
		return Authority{}, httpapi.Refuse(http.StatusNotFound, fault.Rejected, "This link is not one of Gimbal's, or a part of it got lost on its way.")
	case errors.Is(err, link.ErrOver):
		return Authority{}, httpapi.Refuse(http.StatusGone, fault.Overdue, "The time to decide on this signup is over: it expires, and its slug is free. Whoever still wants an instance signs up again.")
	case err != nil:
		return Authority{}, err
	}
	return Authority{proved.InstanceID, "link:" + proved.Subject}, nil
}

// Waiting reads the signup of a link that may still decide on it. Where it is decided already, the signup comes with a 410 fault.
func Waiting(ctx context.Context, env step.Env, token string) (Authority, *fleet.Signup, error) {
	a, err := Verify(ctx, env, token)
	if err != nil {
		return a, nil, err
	}
	s, err := env.Store.Signup(ctx, a.InstanceID)
	switch {
	case err != nil:
		return a, nil, err
	case s == nil:
		return a, nil, unknown()
	case s.Status != fleet.Requested:
		return a, s, httpapi.Refuse(http.StatusGone, fault.Conflict, "This signup was decided on already. The link changed nothing.")
	}
	return a, s, nil
}

func day(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 MST") }
