package suspension

import (
	"context"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store"
)

// MarkSuspended is a suspension's point of no return: in one transaction, under the run's epoch, the instance becomes SUSPENDED if every
// switch of its ledger is stopped. A replay finds it SUSPENDED, as what undoes a resumption does.
func MarkSuspended(Deps) step.Func { return mark(fleet.Suspended, fleet.Stopped) }

// MarkResumed is a resumption's: the instance becomes ACTIVE if every switch is serving. A replay finds it ACTIVE, as what undoes a
// suspension does.
func MarkResumed(Deps) step.Func { return mark(fleet.Active, fleet.Serving) }

func mark(state fleet.State, setting fleet.Setting) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		return run.Update(ctx, func(tx *store.Tx) error {
			instance, err := tx.Instance()
			if err != nil || instance.State == state {
				return err
			}
			if err := run.Overdue(); err != nil {
				return err
			}
			entries, err := tx.Resources()
			if err != nil {
				return err
			}
			if unset := fleet.Unset(entries, setting); len(unset) > 0 {
				return fault.New(fault.Conflict, "%s is not %s", unset[0], setting)
			}
			if err := instance.To(state); err != nil {
				return fault.New(fault.Conflict, "the instance is %s and can't become %s", instance.State, state)
			}
			return marked(tx, run, instance)
		})
	}
}

// marked writes the instance's new state, and leaves the operation the time for what is left to do.
func marked(tx *store.Tx, run *step.Run, instance *fleet.Instance) error {
	operation, err := tx.Operation(run.Operation.ID)
	if err != nil {
		return err
	}
	action := "instance.resumed"
	if instance.Suspension = nil; instance.State == fleet.Suspended {
		action = "instance.suspended"
		if s := operation.Suspension; s != nil {
			instance.Suspension = &fleet.Suspension{Reason: s.Reason, Note: s.Note, By: s.By, Since: tx.Now()}
		}
	}
	operation.Progress = left(operation.Kind, tx.Now())
	instance.Progress = operation.Progress
	tx.Audit(run.Audited(action, "instance", string(instance.State)))
	if err := tx.PutOperation(operation); err != nil {
		return err
	}
	return tx.PutInstance(instance)
}

// left is what there is to do once the instance is marked, and by when.
func left(kind fleet.OperationKind, now time.Time) fleet.Progress {
	if kind == fleet.Close {
		return fleet.Progress{Deadline: now.Add(bounds.Export), Reason: "its final export is being made", NextAction: "wait; when overdue, look at its execution"}
	}
	return fleet.Progress{Deadline: now.Add(bounds.Notify), Reason: "telling the administrator",
		NextAction: "when overdue, look at the instance's messages and tell the administrator by hand"}
}
