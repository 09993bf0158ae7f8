package operation

import (
	"cmp"
	"context"
	"net/http"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/view"
)

// Retry begins one more run of an instance's operation that ended dirty: of its take-down, or of what undoes a suspension or a
// resumption. Only an operator may, and not while something that it needs is frozen: the answer is a 409 then.
func Retry(Deps) step.API {
	return httpapi.Operators(func(ctx context.Context, env step.Env, r httpapi.Request) (int, any, error) {
		o, err := retry(ctx, env, r.ID, r.Operator, func(fleet.Instance) bool { return true })
		if err != nil {
			return 0, nil, err
		}
		return http.StatusAccepted, Told(*o), nil
	})
}

// Told is the answer about an operation's current run.
func Told(o fleet.Operation) view.Operation {
	return view.Operation{Operation: o.ID, Execution: o.Execution(), Deadline: o.Progress.Deadline}
}

// retry begins the next run of the operation that ended dirty, of an instance that allow allows.
func retry(ctx context.Context, env step.Env, instanceID, actor string, allow func(fleet.Instance) bool) (*fleet.Operation, error) {
	if !fleet.IsInstanceID(instanceID) {
		return nil, unknown()
	}
	nonce := env.Nonce()
	var next *fleet.Operation
	err := env.Store.Update(ctx, instanceID, func(tx *store.Tx) error {
		instance, err := tx.Instance()
		if err != nil {
			return err
		}
		if instance == nil {
			return unknown()
		}
		if next, err = unfinished(tx, instance); err != nil {
			return err
		}
		if next != nil && next.BegunBy == nonce {
			return nil // the answer to this very write was lost
		}
		if next == nil || next.Outcome != fleet.FailedDirty || instance.Operation != "" || !allow(*instance) {
			return httpapi.Conflict("nothing to retry: its last operation did not end dirty")
		}
		if err := retriable(tx, *instance, next.Kind); err != nil {
			return err
		}
		old, err := tx.Epoch()
		if err != nil {
			return err
		}
		next.BegunBy = nonce
		if err := advance(tx, instance, next, old, next.Phase, step.Cause{}); err != nil {
			return err
		}
		tx.Audit(begunEntry(next, actor, "retry", env.Request))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return next, env.Executions.Start(ctx, next.Workflow(), next.Execution(), next.Input())
}

// retriable refuses a retry of an operation of a kind while something is frozen; an import's also where none may begin.
func retriable(tx *store.Tx, i fleet.Instance, kind fleet.OperationKind) error {
	if kind == fleet.TakeIn {
		if !kind.Begins(i.State) {
			return httpapi.Conflict("the instance is " + string(i.State) + ": resume it, then retry the import; or give it up: cancel it")
		}
		return importable(tx, i)
	}
	return thawed(tx, "retry", kind)
}

// unfinished is the operation that ended dirty, or by a run of which it goes on again; nil if there is none.
func unfinished(tx *store.Tx, i *fleet.Instance) (*fleet.Operation, error) {
	switch id := cmp.Or(i.Unfinished, i.Operation); {
	case id != "":
		return tx.Operation(id)
	case i.State == fleet.Provisioning: // by a build that didn't note it
		return tx.Operation(fleet.ProvisionID(i.ID))
	}
	return nil, nil
}

// thawed refuses an operation of a kind, each of which needs every vendor, while one of them or the fleet is frozen; a termination while
// terminations are, too.
func thawed(tx *store.Tx, what string, kind fleet.OperationKind) error {
	freezes, err := tx.Freezes()
	if err != nil {
		return err
	}
	needs := fleet.Vendors()
	if kind == fleet.Terminate {
		needs = append(needs, fleet.Terminations)
	}
	if f := fleet.Frozen(freezes, needs...); f != nil {
		return httpapi.Conflict(f.What() + " (" + f.Reason + "): " + what + " after the thaw")
	}
	return nil
}

func unknown() error {
	return httpapi.Refuse(http.StatusNotFound, fault.Rejected, "there is no such instance")
}
