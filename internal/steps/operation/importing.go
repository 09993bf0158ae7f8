package operation

import (
	"context"
	"errors"
	"fmt"
	"time"

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

// importOn continues an import whose execution ended without an outcome: another run goes on from what is there, unless the instance is
// under a legal hold by now.
func importOn(ctx context.Context, env step.Env, o fleet.Operation) error {
	if o.N < fleet.MaxRuns {
		out, err := enter(ctx, env, o.Input(), entry{phase: fleet.Importing, actor: "fleet",
			allow: func(i fleet.Instance, now fleet.Operation) bool { return now.Running() && i.Hold == nil }})
		if err != nil || out.begun != nil {
			return err
		}
	}
	_, err := end(ctx, env, o.Input(), "fleet")
	return err
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
	stopped := at != nil && at.Failure == stoppedImport
	switch {
	case at.Untouched() && stopped:
		return fleet.FailedClean, nil
	case at.Untouched():
		return fleet.FailedClean, tx.Open(fleet.Incident{ID: operation.ID + "-failed", Code: fleet.IncidentImportFailed,
			Reason:     "nothing was imported, and the instance is as it was: " + failureOf(at),
			NextAction: fmt.Sprintf("mend the cause, then: fleetctl import %s", instance.ID)})
	}
	reason := unfinishedImport(*at) + ": " + failureOf(at)
	vendor, err := outageOf(tx, []fleet.Kind{fleet.SupabaseProject}, operation.RunStartedAt)
	switch {
	case err != nil:
		return "", err
	case stopped:
		vendor = "" // it doesn't go on by itself
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

// stoppedImport is the failure of an import that was cancelled.
const stoppedImport = "an operator cancelled it"

// cancelImport stops an import that runs: nothing of it begins any more, and what is in the instance by then a retry completes. One that
// ended dirty it gives up for good: what is there stays. The instance can be used, and ended, as any. One of which it is unknown whether it was
// committed is retried first, as long as the export's files are there: the ledger must know whose administrator it has.
func cancelImport(ctx context.Context, env step.Env, r httpapi.Request, o fleet.Operation) (*fleet.Operation, error) {
	given := o
	source, err := env.Store.Export(ctx, o.Import.From, o.Import.Export)
	if err != nil {
		return nil, err
	}
	gone := source == nil || !env.Clock.Now().Before(source.ExpiresAt)
	err = env.Store.Update(ctx, r.ID, func(tx *store.Tx) error {
		instance, operation, err := read(tx, o.ID)
		if err != nil {
			return err
		}
		given = *operation
		if operation.Running() {
			err = stopImport(tx, env, instance, operation, r.Operator)
			given = *operation
			return err
		}
		if instance.Unfinished != operation.ID {
			return nil // given up before
		}
		if operation.Import.Database == fleet.ImportBegun && !gone {
			return httpapi.Conflict("whether the database was imported is unknown: retry it, which finds out")
		}
		return giveUpImport(tx, env, instance, operation, r.Operator)
	})
	return &given, err
}

// stopImport ends an import that runs, and has its invocations find their epoch stale. One that may commit the rows is waited for.
func stopImport(tx *store.Tx, env step.Env, i *fleet.Instance, o *fleet.Operation, actor string) error {
	if o.Import.Database == fleet.ImportBegun {
		if err := landed(tx, *o.Import); err != nil {
			return err
		}
	}
	if _, err := tx.MoveEpoch(o.Epoch); err != nil {
		return err
	}
	at := *o.Import
	at.Failure, o.Import = stoppedImport, &at
	outcome, err := endImporting(tx, i, o)
	if err != nil {
		return err
	}
	return conclude(tx, env, i, o, outcome, actor)
}

func giveUpImport(tx *store.Tx, env step.Env, i *fleet.Instance, o *fleet.Operation, actor string) error {
	if err := landed(tx, *o.Import); err != nil {
		return err
	}
	i.Unfinished, i.Waits, i.Progress = "", "", Resting(*i)
	tx.Audit(fleet.AuditEntry{ID: o.Execution() + "/given-up", Actor: actor, Action: "import.given-up", Subject: o.ID,
		Outcome: string(o.Outcome), Request: env.Request})
	return errors.Join(tx.PutInstance(i), tx.CloseIncidentsOf(func(i fleet.Incident) bool { return i.ID == o.Execution() }))
}

// landed refuses what is not to be done while an invocation may still import.
func landed(tx *store.Tx, at fleet.Import) error {
	if w := at.Writer; w != nil && tx.Now().Before(w.Until) {
		return httpapi.Conflict("what was begun of it may still be imported, until " + w.Until.UTC().Format(time.RFC3339) + ": cancel it after that")
	}
	return nil
}
