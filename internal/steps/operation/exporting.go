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

// endExport reads from the export's record whether it was verified. One that wasn't is no export, and an incident says so.
func endExport(tx *store.Tx, instance *fleet.Instance, operation *fleet.Operation) (fleet.Outcome, error) {
	instance.Progress = Resting(*instance)
	e, err := tx.Export(operation.ID)
	if err != nil {
		return "", err
	}
	if e != nil && e.Status == fleet.ExportVerified {
		return fleet.Succeeded, tx.CloseIncidents(fleet.IncidentExportFailed, fleet.IncidentOverdue)
	}
	why := "it was never begun"
	if e != nil {
		if why = e.Failure; why == "" {
			why = "its execution ended while it was " + string(e.Status)
		}
		if e.Status != fleet.ExportFailed {
			e.Status, e.Failure = fleet.ExportFailed, why
			if err := tx.PutExport(e); err != nil {
				return "", err
			}
		}
	}
	if err := tx.CloseIncidents(fleet.IncidentOverdue); err != nil {
		return "", err
	}
	return fleet.FailedClean, tx.Open(fleet.Incident{ID: operation.ID + "-failed", Code: fleet.IncidentExportFailed,
		Reason:     "export " + operation.ID + " failed: " + why,
		NextAction: fmt.Sprintf("mend the cause, then: fleetctl export %s", instance.ID)})
}
