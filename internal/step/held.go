package step

import (
	"context"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/store"
)

// held is a Conflict where a kind's deletion can't be undone, ends an instance's life, and terminations are frozen: then nothing of it is
// sent, and the take-down ends dirty. It waits for no thaw: that is a person's, and what they found out may want another end.
func (r *Run) held(ctx context.Context, kind fleet.Kind) error {
	if r.Operation.Kind != fleet.Terminate || !fleet.Irreversible(kind) {
		return nil
	}
	var frozen *fleet.Freeze
	err := r.Update(ctx, func(tx *store.Tx) error {
		freezes, err := tx.Freezes()
		frozen = fleet.Frozen(freezes, fleet.Terminations)
		return err
	})
	if err != nil || frozen == nil {
		return err
	}
	return fault.New(fault.Conflict, "%s (%s): %s is not deleted", frozen.What(), frozen.Reason, kind)
}
