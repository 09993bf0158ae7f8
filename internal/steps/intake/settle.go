package intake

import (
	"context"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store"
)

// Settle notes that the instance was seen healthy with all that was imported. A replay changes nothing.
func Settle(Deps) step.Func {
	return importing(func(ctx context.Context, w *work) error {
		if !w.at.SettledAt.IsZero() {
			return nil
		}
		if w.at.Database != fleet.ImportDone || w.at.Media.Done.IsZero() {
			return fault.New(fault.Conflict, "the export is not all imported")
		}
		return w.note(ctx, func(tx *store.Tx, at *fleet.Import) error {
			at.SettledAt = tx.Now()
			tx.Audit(w.Audited("import.settled", at.Export, "ok"))
			return nil
		})
	})
}
