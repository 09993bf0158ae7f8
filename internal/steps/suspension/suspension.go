// Package suspension switches an instance off and on again, as operators wish.
package suspension

import (
	"context"
	"net/http"
	"slices"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/steps/operation"
	"github.com/project-gimbal/fleet/internal/view"
)

// Deps is what these functions use: the store and the executions, both of the Env.
type Deps struct{}

// Open opens nothing.
func Open(step.Env) (Deps, error) { return Deps{}, nil }

// longestNote is how long a note may be, in characters.
const longestNote = 300

// Suspend begins the suspension of an ACTIVE instance, and tells the operation. Asked again while it runs it tells the same one.
//
// 202; 404 for an instance that isn't there; 409 for one that isn't ACTIVE, while another operation runs and while a vendor is frozen;
// 422 for a reason that is none.
func Suspend(Deps) step.API {
	return httpapi.Operators(func(ctx context.Context, env step.Env, r httpapi.Request) (int, any, error) {
		var wanted view.Suspend
		if err := r.Decode(&wanted); err != nil {
			return 0, nil, err
		}
		bad := httpapi.BadFields{}
		if !slices.Contains(fleet.OperatorsReasons(), wanted.Reason) {
			bad.Add("reason", "payment or violation")
		}
		if wanted.Note != "" && !httpapi.Printable(wanted.Note, longestNote) {
			bad.Add("note", "one line of at most 300 characters")
		}
		if len(bad) > 0 {
			return 0, nil, bad
		}
		o, err := operation.Begin(ctx, env, r.ID, operation.Wish{Kind: fleet.Suspend, Actor: r.Operator,
			Suspension: &fleet.Suspension{Reason: wanted.Reason, Note: wanted.Note, By: r.Operator}})
		return begun(o, err)
	})
}

// Resume begins the resumption of a SUSPENDED instance, and tells the operation. Asked again while it runs it tells the same one.
//
// 202; 404 for an instance that isn't there; 409 for one that isn't SUSPENDED, while another operation runs and while a vendor is
// frozen.
func Resume(Deps) step.API {
	return httpapi.Operators(func(ctx context.Context, env step.Env, r httpapi.Request) (int, any, error) {
		return begun(operation.Begin(ctx, env, r.ID, operation.Wish{Kind: fleet.Resume, Actor: r.Operator}))
	})
}

func begun(o *fleet.Operation, err error) (int, any, error) {
	if err != nil {
		return 0, nil, err
	}
	return http.StatusAccepted, operation.Told(*o), nil
}
