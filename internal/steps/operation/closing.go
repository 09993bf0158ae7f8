package operation

import (
	"context"
	"fmt"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store"
)

// Close begins, where an instance's notice, of which its customer was told, is over, or its final export has to be made anew, what switches it off and makes that export.
// Whoever invokes it late, early, twice at once or for what was cancelled does no harm. What can't begin now is left to the next sweep.
func Close(ctx context.Context, env step.Env, instanceID string) error {
	var begun *fleet.Operation
	nonce := env.Nonce()
	err := env.Store.Update(ctx, instanceID, func(tx *store.Tx) error {
		begun = nil
		instance, err := tx.Instance()
		if err != nil || instance == nil {
			return err
		}
		if ready, err := closable(*instance, tx); err != nil || !ready {
			return err
		}
		if instance.Operation != "" {
			o, err := tx.Operation(instance.Operation)
			if o != nil && o.BegunBy == nonce {
				begun = o // the answer to this very write was lost
			}
			return err // it is tried again when that has ended
		}
		freezes, err := tx.Freezes()
		if err != nil || fleet.Frozen(freezes, fleet.Vendors()...) != nil {
			return err
		}
		begun, err = shut(tx, env, instance, nonce)
		return err
	})
	if err != nil || begun == nil {
		return err
	}
	return env.Executions.Start(ctx, begun.Workflow(), begun.Execution(), begun.Input())
}

func closable(i fleet.Instance, tx *store.Tx) (bool, error) {
	d := i.Decommission
	switch {
	case !d.Open() || !fleet.Close.Begins(i.State) || tx.Now().Before(d.NoticeEnds):
		return false, nil
	case d.Stage == fleet.InNotice && d.Given():
		messages, err := tx.Messages()
		return d.Told(messages), err
	case d.Stage == fleet.InGrace:
		return d.Renewal(tx.Now()), nil
	}
	return d.Stage == fleet.InClosing, nil
}

// shut writes an operation that closes an instance: its own for each attempt, as each makes an export of its own. One that is off already
// is left as it is.
func shut(tx *store.Tx, env step.Env, instance *fleet.Instance, nonce string) (*fleet.Operation, error) {
	old, err := tx.Epoch()
	if err != nil {
		return nil, err
	}
	d := *instance.Decommission
	o := &fleet.Operation{ID: fleet.NewOperationID(fleet.Close, instance.ID, old+1), InstanceID: instance.ID, Kind: fleet.Close, BegunBy: nonce, StartedAt: tx.Now()}
	phase := fleet.Exporting
	if instance.State == fleet.Active {
		phase, o.Suspension = fleet.Closing, &fleet.Suspension{Reason: fleet.ForDecommission, By: d.By}
	}
	if d.Stage == fleet.InNotice {
		d.Stage, d.Before = fleet.InClosing, instance.State
	}
	instance.Decommission = &d
	if err := advance(tx, instance, o, old, phase, step.Cause{}); err != nil {
		return nil, err
	}
	if o.Epoch != old+1 {
		return nil, fault.New(fault.Internal, "the epoch moved from %d to %d", old, o.Epoch)
	}
	tx.Audit(begunEntry(o, "fleet", "", env.Request))
	return o, nil
}

// closeOn continues a closing whose execution ended without an outcome: what is left once the instance is off is its export.
func closeOn(ctx context.Context, env step.Env, o fleet.Operation) error {
	i, err := env.Store.Instance(ctx, o.InstanceID)
	if err != nil || i == nil {
		return err
	}
	if o.Done(*i) {
		return again(ctx, env, o, fleet.Exporting)
	}
	return switchOn(ctx, env, o)
}

// endClosing reads from the decommission whether the instance is in its grace. Otherwise its final export failed, or it could not be
// switched off and is what it was: an incident says why, and it is closed again after a while. What was withdrawn isn't.
func endClosing(tx *store.Tx, instance *fleet.Instance, operation *fleet.Operation) (fleet.Outcome, error) {
	d := *instance.Decommission
	switch {
	case d.Stage == fleet.InGrace && d.FinalExport != nil && d.FinalExport.ID == operation.ID:
		instance.Progress = Resting(*instance)
		return fleet.Succeeded, tx.CloseIncidents(fleet.IncidentExportFailed, fleet.IncidentHistoryMissing, fleet.IncidentFailedDirty, fleet.IncidentUndone, fleet.IncidentOverdue)
	case d.Open():
		if d.Stage == fleet.InClosing && instance.State == fleet.Active {
			d.Stage = fleet.InNotice
		}
		instance.Decommission = &d
		if err := tx.PutDue(tx.Now().Add(bounds.CloseAgain)); err != nil {
			return "", err
		}
	default:
		operation.Failure = fleet.Cancelled
	}
	if instance.State == fleet.Active {
		return endSwitching(tx, instance, operation)
	}
	return endFinalExport(tx, instance, operation)
}

// endFinalExport ends a closing whose instance is off, and has no new final export.
func endFinalExport(tx *store.Tx, instance *fleet.Instance, operation *fleet.Operation) (fleet.Outcome, error) {
	why, err := failExport(tx, operation.ID)
	if err != nil {
		return "", err
	}
	if err := sourceless(tx, instance, operation); err != nil {
		return "", err
	}
	instance.Progress = Resting(*instance)
	if err := tx.CloseIncidents(fleet.IncidentHistoryMissing, fleet.IncidentOverdue); err != nil {
		return "", err
	}
	failed := fleet.Incident{ID: operation.ID + "-failed", Code: fleet.IncidentExportFailed, Reason: "final export " + operation.ID + " failed: " + why,
		NextAction: "mend the cause: another one is made by itself within the hour; nothing is deleted before"}
	if instance.Decommission.Open() && instance.Decommission.Sourceless {
		failed.Reason = "no final export can be made: " + why
		failed.NextAction = "find out who removed it, and whether the vendor brings it back: that is looked at daily"
	}
	if e, lacks := instance.Decommission.Wanting(); e != nil {
		failed.Reason = fmt.Sprintf("%s; the last one, %s, is of %s", lacks, e.ID, e.VerifiedAt.UTC().Format(time.RFC3339))
		failed.NextAction += "; if that export suffices for the deletion: " + fleet.AcceptExport(instance.ID)
	}
	return fleet.FailedClean, standing(tx, *instance, *operation, failed)
}

// sourceless notes on a decommission whether the project is gone of which the final export is to be made. Then that is looked at again once a day.
func sourceless(tx *store.Tx, instance *fleet.Instance, operation *fleet.Operation) error {
	e, err := tx.Export(operation.ID)
	if err != nil || !instance.Decommission.Open() {
		return err
	}
	d := *instance.Decommission
	d.Sourceless = e != nil && e.Sourceless
	instance.Decommission = &d
	if !d.Sourceless {
		return nil
	}
	return tx.PutDue(tx.Now().Add(bounds.CloseSourceless))
}

// endUndoing ends what undoes an operation, by what that is for.
func endUndoing(tx *store.Tx, instance *fleet.Instance, operation *fleet.Operation) (fleet.Outcome, error) {
	if operation.Kind == fleet.Close {
		return endClosing(tx, instance, operation)
	}
	return endSwitching(tx, instance, operation)
}
