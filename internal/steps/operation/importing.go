package operation

import (
	"context"
	"fmt"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store"
)

// importable refuses an import into an instance of which something is to be kept, or which is about to end.
func importable(tx *store.Tx, i fleet.Instance) error {
	switch {
	case i.Decommission.Open():
		return httpapi.Conflict("the instance is being decommissioned: cancel that first")
	case i.Hold != nil:
		return httpapi.Conflict("the instance is under a legal hold: nothing of it may be replaced")
	}
	return thawed(tx, "import into it", fleet.TakeIn)
}

// importOn continues an import whose execution ended without an outcome: another run goes on from what is there.
func importOn(ctx context.Context, env step.Env, o fleet.Operation) error {
	return again(ctx, env, o, fleet.Importing)
}

// endImporting reads from the import how far it came. One of which nothing is in the instance has left it as it was; what is there by
// halves a retry completes.
func endImporting(tx *store.Tx, instance *fleet.Instance, operation *fleet.Operation) (fleet.Outcome, error) {
	at := operation.Import
	instance.Progress = Resting(*instance)
	if err := tx.CloseIncidents(fleet.IncidentOverdue); err != nil {
		return "", err
	}
	if at != nil && !at.SettledAt.IsZero() {
		return fleet.Succeeded, tx.CloseIncidents(fleet.IncidentImportFailed, fleet.IncidentFailedDirty)
	}
	if at.Untouched() {
		return fleet.FailedClean, tx.Open(fleet.Incident{ID: operation.ID + "-failed", Code: fleet.IncidentImportFailed,
			Reason:     "nothing was imported, and the instance is as it was: " + failureOf(at),
			NextAction: fmt.Sprintf("mend the cause, then: fleetctl import %s", instance.ID)})
	}
	reason := unfinishedImport(*at) + ": " + failureOf(at)
	vendor, err := outageOf(tx, []fleet.Kind{fleet.SupabaseProject}, operation.RunStartedAt)
	if err != nil {
		return "", err
	}
	if instance.Waits = vendor; vendor != "" {
		instance.Progress = fleet.Progress{Reason: "waits for " + vendor + ", which was down; " + reason,
			NextAction: "none: it goes on by itself when " + vendor + " answers; its incident says more"}
		return fleet.FailedDirty, nil
	}
	instance.Progress = fleet.Progress{Reason: reason, NextAction: "mend the cause, then retry; or give the import up: cancel it"}
	return fleet.FailedDirty, tx.Open(fleet.Incident{ID: operation.Execution(), Code: fleet.IncidentFailedDirty, Reason: reason,
		NextAction: fmt.Sprintf("mend the cause, then: fleetctl retry %s; or give it up: fleetctl cancel %s", instance.ID, instance.ID)})
}

// unfinishedImport says what of an export is in the instance, and what may not be.
func unfinishedImport(at fleet.Import) string {
	switch {
	case at.Database == fleet.ImportBegun:
		return "whether the database was imported is unknown, and the files of Storage are not"
	case at.Media.Done.IsZero():
		return fmt.Sprintf("the database is imported, of the files of Storage only the first %d", at.Media.Files)
	}
	return "all is imported, but the instance was not seen healthy with it"
}

// failureOf is why an import ended.
func failureOf(at *fleet.Import) string {
	if at == nil || at.Failure == "" {
		return "its execution ended before it was done"
	}
	return at.Failure
}

// giveUpImport ends an import for good that ended dirty: what is in the instance stays. The instance can be used, and ended, as any.
func giveUpImport(ctx context.Context, env step.Env, r httpapi.Request, o fleet.Operation) (*fleet.Operation, error) {
	given := o
	err := env.Store.Update(ctx, r.ID, func(tx *store.Tx) error {
		instance, operation, err := read(tx, o.ID)
		if err != nil {
			return err
		}
		if given = *operation; operation.Running() {
			return httpapi.Conflict("the import runs: try again when it has ended")
		}
		if instance.Unfinished != operation.ID {
			return nil // given up before
		}
		instance.Unfinished, instance.Waits, instance.Progress = "", "", Resting(*instance)
		tx.Audit(fleet.AuditEntry{ID: operation.Execution() + "/given-up", Actor: r.Operator, Action: "import.given-up", Subject: operation.ID,
			Outcome: string(operation.Outcome), Request: env.Request})
		if err := tx.CloseIncidentsOf(func(i fleet.Incident) bool { return i.ID == operation.Execution() }); err != nil {
			return err
		}
		return tx.PutInstance(instance)
	})
	return &given, err
}
