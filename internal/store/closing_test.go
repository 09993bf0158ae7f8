package store_test

import (
	"fmt"
	"testing"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/store"
)

// TestClosingManyIncidents: however many incidents are over, each change closes as many as the table takes at once, and the next ones
// the others; those whose cause stands stay open.
func TestClosingManyIncidents(t *testing.T) {
	inBubble(t, func(r *rig) {
		const over, standing = 70, 3
		for n := range over + standing {
			r.update(id, func(tx *store.Tx) error {
				return tx.Open(fleet.Incident{ID: fmt.Sprintf("i-%03d", n), Code: fleet.IncidentOverdue, Reason: "x", NextAction: "y"})
			})
		}
		open := func() (n int) {
			all, err := r.store.Incidents(r.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range all {
				if i.ClosedAt.IsZero() {
					n++
				}
			}
			return n
		}
		for _, left := range []int{40, 10, 0, 0} {
			r.update(id, func(tx *store.Tx) error {
				return tx.CloseIncidentsOf(func(i fleet.Incident) bool { return i.ID < fmt.Sprintf("i-%03d", over) })
			})
			if n := open(); n != left+standing {
				t.Errorf("%d are open, want %d", n, left+standing)
			}
		}
		entries, head, err := r.store.Audit(r.Context(), id)
		if err == nil {
			err = fleet.VerifyChain(entries, head)
		}
		if err != nil || len(entries) != over+standing+over {
			t.Errorf("%d audit entries, %v", len(entries), err)
		}
	})
}
