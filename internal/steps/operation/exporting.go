package operation

import (
	"context"
	"fmt"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store"
)

// exportOn continues an export whose execution ended without an outcome: another run goes on from what was written.
func exportOn(ctx context.Context, env step.Env, o fleet.Operation) error {
	return again(ctx, env, o, fleet.Exporting)
}

// endExporting ends a run that made an export, by what it is for.
func endExporting(tx *store.Tx, instance *fleet.Instance, operation *fleet.Operation) (fleet.Outcome, error) {
	if operation.Kind == fleet.Close {
		return endClosing(tx, instance, operation)
	}
	return endExport(tx, instance, operation)
}

// endExport reads from the export's record whether it was verified. One that wasn't is no export, and an incident says so.
func endExport(tx *store.Tx, instance *fleet.Instance, operation *fleet.Operation) (fleet.Outcome, error) {
	instance.Progress = Resting(*instance)
	e, err := tx.Export(operation.ID)
	if err != nil {
		return "", err
	}
	if e != nil && e.Status == fleet.ExportVerified {
		return fleet.Succeeded, tx.CloseIncidents(fleet.IncidentExportFailed, fleet.IncidentHistoryMissing, fleet.IncidentOverdue)
	}
	why, err := failExport(tx, operation.ID)
	if err != nil {
		return "", err
	}
	if err := tx.CloseIncidents(fleet.IncidentOverdue); err != nil {
		return "", err
	}
	return fleet.FailedClean, tx.Open(fleet.Incident{ID: operation.ID + "-failed", Code: fleet.IncidentExportFailed,
		Reason:     "export " + operation.ID + " failed: " + why,
		NextAction: fmt.Sprintf("mend the cause, then: fleetctl export %s", instance.ID)})
}

// failExport sees to it that an export which was not verified has failed, and says why.
func failExport(tx *store.Tx, id string) (why string, err error) {
	e, err := tx.Export(id)
	switch {
	case err != nil:
		return "", err
	case e == nil:
		return "it was never begun", nil
	case e.Status == fleet.ExportFailed:
		return e.Failure, nil
	case e.Status == fleet.ExportVerified:
		return "it was verified, and nothing came of it", nil
	}
	e.Failure = "its execution ended while it was " + string(e.Status)
	e.Status = fleet.ExportFailed
	return e.Failure, tx.PutExport(e)
}
