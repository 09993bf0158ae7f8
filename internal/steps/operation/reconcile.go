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
// execution that never began is started, and gets its whole time; a provisioning is taken down; an active instance's customer is
// told; a suspension or a resumption is begun anew, then undone; a take-down, or an undoing, is begun anew, then ended dirty, and
// once more when the vendor is back for which it waits. An operation past its deadline gets an incident. Where an execution has just
// ended, it looks at that one's operation alone. It may run at any time,
// any number of times at once.
func Reconcile(Deps) step.Ends {
	return func(ctx context.Context, env step.Env, execution string) error {
		if instanceID, id, ok := fleet.OperationOf(execution); ok {
			return reconcileOne(ctx, env, instanceID, id)
		}
		running, failed := env.Store.RunningOperations(ctx)
		for _, listed := range running {
			failed = errors.Join(failed, reconcile(ctx, env, listed.InstanceID, listed.ID)) // the list may lag
		}
		return errors.Join(failed, GoOn(ctx, env))
	}
}

// reconcileOne sees to one operation, and to its instance if that waits for a vendor.
func reconcileOne(ctx context.Context, env step.Env, instanceID, id string) error {
	failed := reconcile(ctx, env, instanceID, id)
	instance, err := env.Store.Instance(ctx, instanceID)
	if err != nil || instance == nil {
		return errors.Join(failed, err)
	}
	return errors.Join(failed, goOnWith(ctx, env, []fleet.Instance{*instance}))
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

// renew gives an operation its whole time whose execution never began, as while Step Functions didn't answer: nothing of it was used.
// After bounds.Start it is left to its deadline.
func renew(ctx context.Context, env step.Env, o *fleet.Operation) error {
	return env.Store.Update(ctx, o.InstanceID, func(tx *store.Tx) error {
		tx.Prove(o.Epoch)
		instance, operation, err := read(tx, o.ID)
		if err != nil {
			return err
		}
		p := phases()[operation.Phase]
		deadline := tx.Now().Add(p.deadline)
		if !p.begins || operation.N > 1 || !operation.Running() || tx.Now().After(operation.StartedAt.Add(bounds.Start)) ||
			!operation.Progress.Deadline.Before(deadline) {
			return nil
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
	p, known := phases()[o.Phase]
	if !known {
		return fault.New(fault.Internal, "operation %s is in phase %q, of which nothing is known", o.ID, o.Phase)
	}
	return p.goOn(ctx, env, o)
}

// rollBack takes a provisioning down, or begins its take-down anew. Of an active instance the customer is told.
func rollBack(ctx context.Context, env step.Env, o fleet.Operation) error {
	if o.Phase == fleet.TakingDown && o.N >= fleet.MaxRuns {
		_, err := end(ctx, env, o.Input(), "fleet")
		return err
	}
	state, err := Teardown(ctx, env, o.Input(), step.Cause{Error: fleet.ExecutionEnded}, "fleet")
	if err != nil || state != fleet.Active {
		return err
	}
	return again(ctx, env, o, fleet.Notifying)
}

// again begins another run of a phase, or ends the operation that has had as many as begin by themselves.
func again(ctx context.Context, env step.Env, o fleet.Operation, phase fleet.Phase) error {
	if o.Phase == phase && o.N >= fleet.MaxRuns {
		_, err := end(ctx, env, o.Input(), "fleet")
		return err
	}
	_, err := enter(ctx, env, o.Input(), entry{phase: phase, actor: "fleet",
		allow: func(_ fleet.Instance, now fleet.Operation) bool { return now.Running() }})
	return err
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
	what, next := "execution "+o.Execution()+" runs past its deadline", phases()[o.Phase].hangs
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
