package operation

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store"
)

// BeginRecheck takes an instance's lease for a recheck, in a short operation of its own. It gives an input without an operation
// where another one runs.
func BeginRecheck(ctx context.Context, env step.Env, instanceID string) (fleet.RunInput, error) {
	nonce := env.Nonce()
	var in fleet.RunInput
	err := env.Store.Update(ctx, instanceID, func(tx *store.Tx) error {
		in = fleet.RunInput{}
		instance, err := tx.Instance()
		if err != nil || instance == nil {
			return err
		}
		if instance.Operation != "" {
			holder, err := tx.Operation(instance.Operation)
			if holder != nil && holder.BegunBy == nonce {
				in = holder.Input() // the answer to this very write was lost
			}
			return err
		}
		old, err := tx.Epoch()
		if err != nil {
			return err
		}
		o := &fleet.Operation{InstanceID: instanceID, Kind: fleet.Recheck, Phase: fleet.LookingAgain, N: 1, BegunBy: nonce,
			StartedAt: tx.Now(), RunStartedAt: tx.Now(), Progress: fleet.Progress{Deadline: tx.Now().Add(bounds.Lambda),
				Reason: "looking again for what was unsure", NextAction: "none: if it dies, it is ended and tried again by itself"}}
		if o.Epoch, err = tx.MoveEpoch(old); err != nil {
			return err
		}
		o.ID = "recheck-" + strconv.FormatInt(o.Epoch, 10)
		instance.Operation = o.ID
		in = o.Input()
		tx.Audit(fleet.AuditEntry{ID: o.ID + "/begun", Actor: "fleet", Action: "recheck.begun", Subject: o.ID, Outcome: "ok", Request: env.Request})
		return errors.Join(tx.PutOperation(o), tx.PutInstance(instance))
	})
	return in, err
}

// EndRecheck writes a recheck's outcome and gives the lease back. Once a terminated instance has no recheck left, its slug is
// free.
func EndRecheck(ctx context.Context, run *step.Run, outcome fleet.Outcome) error {
	return run.Update(ctx, func(tx *store.Tx) error {
		instance, operation, err := read(tx, run.Operation.ID)
		if err != nil || !operation.Running() {
			return err
		}
		return endRecheck(tx, instance, operation, outcome)
	})
}

func endRecheck(tx *store.Tx, instance *fleet.Instance, operation *fleet.Operation, outcome fleet.Outcome) error {
	operation.Outcome, operation.EndedAt = outcome, tx.Now()
	if instance.Operation == operation.ID {
		instance.Operation = ""
	}
	if err := freeRecheckedSlug(tx, instance); err != nil {
		return err
	}
	tx.Audit(fleet.AuditEntry{ID: operation.ID + "/ended", Actor: "fleet", Action: "recheck.ended", Subject: operation.ID, Outcome: string(outcome)})
	return errors.Join(tx.PutOperation(operation), tx.PutInstance(instance))
}

func freeRecheckedSlug(tx *store.Tx, instance *fleet.Instance) error {
	if instance.State != fleet.Terminated {
		return nil
	}
	entries, err := tx.Resources()
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.RecheckAt.IsZero() {
			return nil
		}
	}
	return releaseSlug(tx, instance, false)
}

// reclaim ends a recheck whose invocation died, once nothing that it sent can land any more. What it left is still due.
func reclaim(ctx context.Context, env step.Env, o fleet.Operation) error {
	return env.Store.Update(ctx, o.InstanceID, func(tx *store.Tx) error {
		instance, operation, err := read(tx, o.ID)
		if err != nil || !operation.Running() || tx.Now().Before(gone(*operation)) {
			return err
		}
		if _, err := tx.MoveEpoch(operation.Epoch); err != nil {
			return err
		}
		return endRecheck(tx, instance, operation, fleet.FailedDirty)
	})
}

// gone is when nothing of a recheck's invocation can act any more.
func gone(o fleet.Operation) time.Time {
	return o.Progress.Deadline.Add(bounds.Quiet + bounds.Margin)
}
