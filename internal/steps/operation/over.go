package operation

import (
	"slices"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/store"
)

// over notes on an operation the import over which it begins: one that ended dirty, or the one over which began what ended dirty. What else
// ended dirty is over with the operation.
func over(tx *store.Tx, i fleet.Instance, o *fleet.Operation) error {
	if i.Unfinished == "" || i.Unfinished == o.ID {
		return nil
	}
	before, err := tx.Operation(i.Unfinished)
	switch {
	case err != nil || before == nil:
		return err
	case before.Kind == fleet.TakeIn:
		o.Over = &fleet.Unfinished{Operation: before.ID, Waits: i.Waits}
	default:
		o.Over = before.Over
	}
	return nil
}

// leave notes on an instance what is unfinished of it once an operation has ended: that one, or the import over which it began.
func leave(tx *store.Tx, i *fleet.Instance, o fleet.Operation, outcome fleet.Outcome) error {
	i.Unfinished = ""
	switch {
	case outcome == fleet.FailedDirty:
		i.Unfinished = o.ID
		return nil
	case o.Over == nil:
		return nil
	}
	before, err := tx.Operation(o.Over.Operation)
	if err != nil {
		return err
	}
	if before == nil {
		return fault.New(fault.Internal, "operation %s is not there", o.Over.Operation)
	}
	i.Unfinished, i.Waits = before.ID, o.Over.Waits
	if i.State == fleet.Active {
		i.Progress = before.Progress
		return nil
	}
	i.Progress.Reason += "; and its import is unfinished: " + before.Progress.Reason
	return nil
}

// closeSwitching closes an instance's incidents of kinds, but for that of the import over which the operation began.
func closeSwitching(tx *store.Tx, o fleet.Operation, kinds ...fleet.IncidentKind) error {
	return tx.CloseIncidentsOf(func(i fleet.Incident) bool {
		_, of, _ := fleet.OperationOf(i.ID)
		return slices.Contains(kinds, i.Code) && (o.Over == nil || of != o.Over.Operation)
	})
}
