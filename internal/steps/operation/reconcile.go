package operation

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store"
)

// Reconcile finds running operations whose execution never began or ended without an outcome, and goes on with them: an
// execution that never began is started, and gets its whole time; a provisioning is taken down; an active instance's customer is told; a take-down
// is begun anew, three at most, then ended dirty, and once more when the vendor is back for which it waits. An operation past its
// deadline gets an incident. Where an execution has just ended, it looks at that one's operation alone. It may run at any time,
// any number of times at once.
func Reconcile(Deps) step.Ends {
	return func(ctx context.Context, env step.Env, execution string) error {
		if instanceID, id, ok := fleet.ProvisionOf(execution); ok {
			return reconcileOne(ctx, env, instanceID, id)
		}
		running, failed := env.Store.RunningOperations(ctx)
		for _, listed := range running {
			failed = errors.Join(failed, reconcile(ctx, env, listed.InstanceID, listed.ID)) // the list may lag
		}
		return errors.Join(failed, Resume(ctx, env))
	}
}

// reconcileOne sees to one operation, and to its instance if that waits for a vendor.
func reconcileOne(ctx context.Context, env step.Env, instanceID, id string) error {
	failed := reconcile(ctx, env, instanceID, id)
	instance, err := env.Store.Instance(ctx, instanceID)
	if err != nil || instance == nil {
		return errors.Join(failed, err)
	}
	return errors.Join(failed, resume(ctx, env, []fleet.Instance{*instance}))
}

func reconcile(ctx context.Context, env step.Env, instanceID, id string) error {
	o, err := env.Store.Operation(ctx, instanceID, id)
	if err != nil || o == nil || !o.Running() {
		return err
	}
	if o.Short() {
		err := reclaim(ctx, env, *o)
		if err != nil {
			err = errors.Join(err, reportOverdue(ctx, env, *o))
		}
		return err
	}
	status, asked := env.Executions.Status(ctx, o.Workflow(), o.Execution())
	if asked == nil && status == step.Unstarted {
		if err := renew(ctx, env, o); err != nil {
			return unlessStale(err)
		}
	}
	if err := reportOverdue(ctx, env, *o); err != nil {
		return err
	}
	switch {
	case asked != nil:
		return asked
	case status == step.Unstarted:
		return env.Executions.Start(ctx, o.Workflow(), o.Execution(), o.Input())
	case status == step.Open:
		return nil
	}
	return unlessStale(goOn(ctx, env, *o))
}

// unlessStale is no error where somebody else went on with the instance.
func unlessStale(err error) error {
	if fault.Is(err, fault.StaleEpoch) {
		return nil
	}
	return err
}

// renew gives a provisioning its whole time whose execution never began, as while Step Functions didn't answer: nothing of it was used.
// After bounds.Start it is left to its deadline.
func renew(ctx context.Context, env step.Env, o *fleet.Operation) error {
	return env.Store.Update(ctx, o.InstanceID, func(tx *store.Tx) error {
		tx.Prove(o.Epoch)
		instance, operation, err := read(tx, o.ID)
		deadline := tx.Now().Add(bounds.Provision)
		if err != nil || operation.Phase != fleet.Building || !operation.Running() || tx.Now().After(operation.StartedAt.Add(bounds.Start)) ||
			!operation.Progress.Deadline.Before(deadline) {
			return err
		}
		operation.Progress.Deadline = deadline
		instance.Progress, o.Progress = operation.Progress, operation.Progress
		tx.Audit(fleet.AuditEntry{ID: operation.Execution() + "/renewed/" + strconv.FormatInt(deadline.Unix(), 10), Actor: "fleet",
			Action: "operation.renewed", Subject: operation.Execution(), Outcome: "ok", Request: env.Request})
		return errors.Join(tx.PutOperation(operation), tx.PutInstance(instance))
	})
}

// goOn continues an operation whose execution has ended while it has no outcome.
func goOn(ctx context.Context, env step.Env, o fleet.Operation) error {
	// The outcome is written before an execution ends, but this reading of the operation may be from before that.
	fresh, err := env.Store.Operation(ctx, o.InstanceID, o.ID)
	if err != nil || fresh == nil || !fresh.Running() || fresh.Epoch != o.Epoch {
		return err
	}
	if o.Phase == fleet.TakingDown && o.N >= fleet.MaxTeardowns {
		_, err := end(ctx, env, o.Input(), "fleet")
		return err
	}
	state, err := Teardown(ctx, env, o.Input(), step.Cause{Error: fleet.ExecutionEnded}, "fleet")
	if err != nil || state != fleet.Active {
		return err
	}
	if o.Phase == fleet.Notifying && o.N >= fleet.MaxTeardowns {
		_, err := end(ctx, env, o.Input(), "fleet")
		return err
	}
	return notify(ctx, env, o)
}

// notify begins a run that does what is left after the activation.
func notify(ctx context.Context, env step.Env, o fleet.Operation) error {
	var begun *fleet.Operation
	err := env.Store.Update(ctx, o.InstanceID, func(tx *store.Tx) error {
		begun = nil
		instance, operation, err := read(tx, o.ID)
		if err != nil || !operation.Running() {
			return err
		}
		if operation.Phase == fleet.Notifying && operation.Epoch == o.Epoch+1 {
			begun = operation
			return nil
		}
		if operation.Epoch, err = tx.MoveEpoch(o.Epoch); err != nil {
			return err
		}
		if operation.Phase != fleet.Notifying {
			operation.Phase, operation.N = fleet.Notifying, 0
		}
		operation.N++
		operation.RunStartedAt = tx.Now()
		operation.Progress.Deadline = tx.Now().Add(bounds.Notify)
		instance.Progress = operation.Progress
		tx.Audit(fleet.AuditEntry{ID: operation.Execution() + "/begun", Actor: "fleet", Action: "notify.begun",
			Subject: operation.Execution(), Outcome: "ok", Request: env.Request})
		begun = operation
		return errors.Join(tx.PutOperation(operation), tx.PutInstance(instance))
	})
	if err != nil || begun == nil {
		return err
	}
	return env.Executions.Start(ctx, begun.Workflow(), begun.Execution(), begun.Input())
}

// afterOutage is how long after an outage a run that it made late has to notice that it is.
const afterOutage = 5 * time.Minute

// reportOverdue opens an incident for a run whose deadline has passed and that still runs. While a vendor is down, that has its own
// incident.
func reportOverdue(ctx context.Context, env step.Env, o fleet.Operation) error {
	now := env.Clock.Now()
	if now.Before(o.Progress.Deadline.Add(bounds.Lambda + bounds.Margin)) {
		return nil
	}
	outages, err := env.Store.Outages(ctx)
	if err != nil || slices.ContainsFunc(outages, func(d fleet.Outage) bool { return d.During(now.Add(-afterOutage)) }) {
		return err
	}
	what, next := "execution "+o.Execution()+" runs past its deadline", "look at the execution; if it hangs, stop it: the take-down then begins by itself"
	if o.Short() {
		what, next = "operation "+o.ID+" is past its deadline and can't be ended", "look for the errors of reconcile in the logs; nothing else begins on the instance until it is ended"
	}
	err = env.Store.Update(ctx, o.InstanceID, func(tx *store.Tx) error {
		tx.Prove(o.Epoch)
		fresh, err := tx.Operation(o.ID)
		if err != nil || fresh == nil || !fresh.Running() {
			return err
		}
		return tx.Open(fleet.Incident{ID: "overdue-" + o.Execution(), Code: fleet.IncidentOverdue, Reason: what, NextAction: next})
	})
	return unlessStale(err)
}
