package operation

import (
	"context"
	"net/http"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/view"
)

// Retry begins one more take-down of an instance whose last one ended dirty. Only an operator may, and not while something that
// it needs is frozen: the answer is a 409 then.
func Retry(Deps) step.API {
	return httpapi.Operators(func(ctx context.Context, env step.Env, r httpapi.Request) (int, any, error) {
		o, err := retry(ctx, env, r.ID, r.Operator, func(fleet.Instance) bool { return true })
		if err != nil {
			return 0, nil, err
		}
		return http.StatusAccepted, begun(*o), nil
	})
}

// begun is the answer about an operation's current run.
func begun(o fleet.Operation) view.Operation {
	return view.Operation{Operation: o.ID, Execution: o.Execution(), Deadline: o.Progress.Deadline}
}

// retry begins the next take-down of an instance that allow allows.
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
		operation, err := tx.Operation(fleet.ProvisionID(instanceID))
		if err != nil {
			return err
		}
		if operation != nil && operation.BegunBy == nonce {
			next = operation // the answer to this very write was lost
			return nil
		}
		if operation == nil || operation.Outcome != fleet.FailedDirty || instance.Operation != "" || !allow(*instance) {
			return httpapi.Conflict("nothing to retry: the last take-down did not end dirty")
		}
		freezes, err := tx.Freezes()
		if err != nil {
			return err
		}
		if f := fleet.Frozen(freezes, fleet.Vendors()...); f != nil {
			return httpapi.Conflict(f.What() + " (" + f.Reason + "): retry after the thaw")
		}
		old, err := tx.Epoch()
		if err != nil {
			return err
		}
		operation.BegunBy = nonce
		if err := takeOver(tx, instance, operation, old, step.Cause{Error: operation.Failure}); err != nil {
			return err
		}
		next = operation
		tx.Audit(fleet.AuditEntry{ID: operation.Execution() + "/begun", Actor: actor, Action: "teardown.begun",
			Subject: operation.Execution(), Outcome: "retry", Request: env.Request})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return next, env.Executions.Start(ctx, next.Workflow(), next.Execution(), next.Input())
}

func unknown() error {
	return httpapi.Refuse(http.StatusNotFound, fault.Rejected, "there is no such instance")
}
