// Package decommission plans the end of an instance's life, and goes on with it when its times come.
package decommission

import (
	"context"
	"errors"
	"net/http"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/steps/operation"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/view"
)

// Deps is what these functions use: the store and the executions, both of the Env.
type Deps struct{}

// Open opens nothing.
func Open(step.Env) (Deps, error) { return Deps{}, nil }

// Due goes on with every instance whose notice or grace is over. One-time schedules invoke it when such a time comes, and a schedule
// of its own in case one of them doesn't: it may run late, early, twice at once or for what was cancelled, and one thing comes of it.
func Due(Deps) step.Event {
	return func(ctx context.Context, env step.Env) error {
		due, failed := env.Store.Due(ctx, env.Clock.Now())
		for _, d := range due {
			err := goOn(ctx, env, d.InstanceID)
			if fault.Is(err, fault.StaleEpoch) { // somebody else went on with it
				err = nil
			}
			failed = errors.Join(failed, err)
		}
		return failed
	}
}

func goOn(ctx context.Context, env step.Env, instanceID string) error {
	i, err := env.Store.Instance(ctx, instanceID) // the list may lag
	if err != nil || i == nil || !i.Decommission.Open() {
		return err
	}
	switch d := i.Decommission; {
	case d.Stage == fleet.InNotice || d.Stage == fleet.InClosing || d.Stage == fleet.InGrace && d.Renewal(env.Clock.Now()):
		return operation.Close(ctx, env, instanceID)
	default:
		return operation.Terminate(ctx, env, instanceID)
	}
}

// Plan tells what the end of an instance would be if it were decided now, or is, since it was: what happens to each resource and when,
// what can't be undone, what is kept how long, and what keeps it from going on. It changes nothing.
//
// 200; 404 for an instance that isn't there.
func Plan(Deps) step.API {
	return httpapi.Operators(func(ctx context.Context, env step.Env, r httpapi.Request) (int, any, error) {
		i, err := instance(ctx, env, r.ID)
		if err != nil {
			return 0, nil, err
		}
		ledger, listed := env.Store.Resources(ctx, r.ID)
		freezes, frozen := env.Store.Freezes(ctx)
		if err := errors.Join(listed, frozen); err != nil {
			return 0, nil, err
		}
		return http.StatusOK, fleet.PlanEnd(*i, ledger, freezes, env.Settings.UnpaidLock(), fleet.DefaultPeriods(), env.Clock.Now().UTC()), nil
	})
}

func instance(ctx context.Context, env step.Env, id string) (*fleet.Instance, error) {
	if !fleet.IsInstanceID(id) {
		return nil, unknown()
	}
	i, err := env.Store.Instance(ctx, id)
	if err == nil && i == nil {
		err = unknown()
	}
	return i, err
}

func unknown() error {
	return httpapi.Refuse(http.StatusNotFound, fault.Rejected, "there is no such instance")
}

// Approve is a second operator's word for the termination of an instance, which is needed on a day of many.
//
// 200 with the decommission; 404 for an instance that isn't there; 409 where it isn't being decommissioned, and for the operator who
// decommissioned it.
func Approve(Deps) step.API {
	return httpapi.Operators(func(ctx context.Context, env step.Env, r httpapi.Request) (int, any, error) {
		var d fleet.Decommission
		err := change(ctx, env, r.ID, func(tx *store.Tx, i *fleet.Instance) error {
			if !i.Decommission.Open() {
				return httpapi.Conflict("the instance is not being decommissioned")
			}
			d = *i.Decommission
			switch {
			case d.By == r.Operator:
				return httpapi.Conflict("you decommissioned it yourself: it takes another operator")
			case d.Second != "":
				return nil
			}
			d.Second = r.Operator
			i.Decommission = &d
			tx.Audit(fleet.AuditEntry{ID: fleet.NumberedID(fleet.Terminate, i.ID, d.N) + "/approved", Actor: r.Operator, Action: "termination.approved",
				Subject: "instance", Outcome: "ok", Request: env.Request})
			return tx.PutInstance(i)
		})
		return http.StatusOK, d, err
	})
}

// Cancel takes a decommission back: the instance is what it was before, and is resumed if it was ACTIVE and is off by now. It is possible
// until the instance is TERMINATED. Asked again it tells the same.
//
// 202 with the operation that resumes it, if one does; 404 for an instance that isn't there; 409 where it isn't being decommissioned, is
// TERMINATED, or while another operation runs.
func Cancel(Deps) step.API {
	return httpapi.Operators(func(ctx context.Context, env step.Env, r httpapi.Request) (int, any, error) {
		d, resumes, err := operation.Withdraw(ctx, env, r.ID, r.Operator)
		if err != nil {
			return 0, nil, err
		}
		answer := view.Withdrawal{Stage: d.Stage}
		if resumes != nil {
			answer.Operation = operation.Told(*resumes)
		}
		return http.StatusAccepted, answer, nil
	})
}

// change changes an instance that is there.
func change(ctx context.Context, env step.Env, id string, do func(tx *store.Tx, i *fleet.Instance) error) error {
	if !fleet.IsInstanceID(id) {
		return unknown()
	}
	return env.Store.Update(ctx, id, func(tx *store.Tx) error {
		i, err := tx.Instance()
		if err != nil {
			return err
		}
		if i == nil {
			return unknown()
		}
		return do(tx, i)
	})
}
