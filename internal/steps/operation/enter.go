package operation

import (
	"context"
	"errors"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store"
)

// entry is how an operation comes to its next run.
type entry struct {
	phase fleet.Phase
	cause step.Cause // why; it becomes the operation's failure, if it has none yet
	actor string
	// allow looks at the instance and the operation as they are before, and may leave both alone.
	allow func(i fleet.Instance, o fleet.Operation) bool
}

// entered is what became of an entry: begun is the operation in its new run, nil where allow left it alone.
type entered struct {
	state fleet.State
	begun *fleet.Operation
}

// enter is the one place where an operation that runs comes to its next run. In one transaction it checks that the run which in names
// is current, takes the lease over under a new epoch, and sets run, reason and deadline; then it starts the execution. Called again
// it finds the run it began and only starts its execution. A run that is no longer current is a StaleEpoch fault.
func enter(ctx context.Context, env step.Env, in fleet.RunInput, e entry) (entered, error) {
	var out entered
	err := env.Store.Update(ctx, in.InstanceID, func(tx *store.Tx) error {
		out = entered{}
		instance, operation, err := read(tx, in.OperationID)
		if err != nil {
			return err
		}
		out.state = instance.State
		switch {
		case operation.Phase == e.phase && operation.Running() && operation.Epoch == in.Epoch+1: // begun by an earlier attempt of this very call
			out.begun = operation
			return nil
		case !e.allow(*instance, *operation):
			return nil
		}
		if err := advance(tx, instance, operation, in.Epoch, e.phase, e.cause); err != nil {
			return err
		}
		out.begun = operation
		tx.Audit(begunEntry(operation, e.actor, operation.Failure, env.Request))
		return nil
	})
	if err != nil || out.begun == nil {
		return out, err
	}
	return out, env.Executions.Start(ctx, out.begun.Workflow(), out.begun.Execution(), out.begun.Input())
}

// begunEntry tells in the audit of an operation's current run that it has begun.
func begunEntry(o *fleet.Operation, actor, outcome, request string) fleet.AuditEntry {
	if outcome == "" {
		outcome = "ok"
	}
	return fleet.AuditEntry{ID: o.Execution() + "/begun", Actor: actor, Action: string(o.Phase) + ".begun", Subject: o.Execution(),
		Outcome: outcome, Request: request}
}

func read(tx *store.Tx, operationID string) (*fleet.Instance, *fleet.Operation, error) {
	instance, err := tx.Instance()
	if err != nil {
		return nil, nil, err
	}
	operation, err := tx.Operation(operationID)
	if err != nil {
		return nil, nil, err
	}
	if instance == nil || operation == nil {
		return nil, nil, fault.New(fault.Internal, "no such instance or operation")
	}
	return instance, operation, nil
}

// advance moves the epoch on from old and makes the next run of a phase the operation's current one.
func advance(tx *store.Tx, instance *fleet.Instance, operation *fleet.Operation, old int64, to fleet.Phase, cause step.Cause) error {
	epoch, err := tx.MoveEpoch(old)
	if err != nil {
		return err
	}
	if operation.Phase != to {
		operation.Phase, operation.N = to, 0
	}
	operation.N++
	operation.Epoch, operation.Outcome = epoch, ""
	operation.RunStartedAt = tx.Now()
	if operation.Failure == "" {
		operation.Failure, operation.FailureText = cause.Error, cause.Text()
	}
	operation.Progress = phases()[to].progress(*operation, tx.Now())
	if err := over(tx, *instance, operation); err != nil {
		return err
	}
	instance.Operation, instance.Progress, instance.Waits, instance.Unfinished = operation.ID, operation.Progress, "", ""
	return errors.Join(tx.PutInstance(instance), tx.PutOperation(operation))
}
