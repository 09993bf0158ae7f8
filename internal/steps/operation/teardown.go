// Package operation handles operations as such: their admission, their take-down, their end, and those that ended without
// an outcome.
package operation

import (
	"context"
	"fmt"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store"
)

// Deps is what these functions use: the store and the executions, both of the Env.
type Deps struct{}

// Open opens nothing.
func Open(step.Env) (Deps, error) { return Deps{}, nil }

// TornDown is BeginTeardown's answer: the instance's state. ACTIVE means that there is nothing to take down.
type TornDown struct {
	State fleet.State `json:"state"`
}

// BeginTeardown is the workflow's way to Teardown.
func BeginTeardown(Deps) step.Lead {
	return func(ctx context.Context, env step.Env, in fleet.RunInput, cause step.Cause) (any, error) {
		state, err := Teardown(ctx, env, in, cause, "fleet")
		return TornDown{state}, err
	}
}

// Teardown is the one place where a take-down begins, called by the workflow's Catch, by reconcile and by retry alike. In one
// transaction it checks the state and the run that in names, takes the lease over under a new epoch, and sets run, reason and
// deadline; then it starts the execution. Called again it finds the run it began and only starts its execution. An instance
// that is past PROVISIONING is left alone, and its state told. A run that is no longer current is a StaleEpoch fault.
func Teardown(ctx context.Context, env step.Env, in fleet.RunInput, cause step.Cause, actor string) (fleet.State, error) {
	var state fleet.State
	var begun *fleet.Operation
	err := env.Store.Update(ctx, in.InstanceID, func(tx *store.Tx) error {
		begun = nil
		instance, operation, err := read(tx, in.OperationID)
		if err != nil {
			return err
		}
		state = instance.State
		switch {
		case state != fleet.Provisioning:
			return nil
		case operation.Phase == fleet.TakingDown && operation.Running() && operation.Epoch == in.Epoch+1:
			begun = operation // by an earlier attempt of this very call
			return nil
		}
		if err := takeOver(tx, instance, operation, in.Epoch, cause); err != nil {
			return err
		}
		begun = operation
		tx.Audit(fleet.AuditEntry{ID: operation.Execution() + "/begun", Actor: actor, Action: "teardown.begun",
			Subject: operation.Execution(), Outcome: operation.Failure, Request: env.Request})
		return nil
	})
	if err != nil || begun == nil {
		return state, err
	}
	return state, env.Executions.Start(ctx, begun.Workflow(), begun.Execution(), begun.Input())
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

// takeOver moves the epoch on from old and makes the next take-down the operation's current run.
func takeOver(tx *store.Tx, instance *fleet.Instance, operation *fleet.Operation, old int64, cause step.Cause) error {
	epoch, err := tx.MoveEpoch(old)
	if err != nil {
		return err
	}
	if operation.Phase != fleet.TakingDown {
		operation.Phase, operation.N = fleet.TakingDown, 0
	}
	operation.N++
	operation.Epoch, operation.Outcome = epoch, ""
	operation.RunStartedAt = tx.Now()
	if operation.Failure == "" {
		operation.Failure, operation.FailureText = cause.Error, cause.Text()
	}
	operation.Progress = fleet.Progress{Deadline: tx.Now().Add(bounds.Teardown),
		Reason:     fmt.Sprintf("taking down (%s)", operation.Failure),
		NextAction: "wait for the take-down; when overdue, look at its execution"}
	instance.Operation, instance.Progress, instance.Waits = operation.ID, operation.Progress, ""
	if err := tx.PutInstance(instance); err != nil {
		return err
	}
	return tx.PutOperation(operation)
}
