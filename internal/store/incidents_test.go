package store_test

import (
	"strconv"
	"testing"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/store"
)

// TestManyIncidentsCloseInTurns: however many incidents are over at once, a change stays within the table's limits; the next one
// closes those that are left.
func TestManyIncidentsCloseInTurns(t *testing.T) {
	inBubble(t, func(r *rig) {
		for n := range 70 {
			r.update(id, func(tx *store.Tx) error {
				return tx.Open(fleet.Incident{ID: "overdue/" + strconv.Itoa(n), Code: fleet.IncidentOverdue})
			})
		}
		r.update(id, func(tx *store.Tx) error {
			return tx.Open(fleet.Incident{ID: "dirty", Code: fleet.IncidentFailedDirty})
		})
		for _, open := range []int{41, 11, 1, 1} {
			r.update(id, func(tx *store.Tx) error { return tx.CloseIncidents(fleet.IncidentOverdue) })
			all, err := r.store.Incidents(r.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			left := 0
			for _, i := range all {
				if i.ClosedAt.IsZero() {
					left++
				}
			}
			if left != open {
				t.Errorf("%d are open, want %d", left, open)
			}
		}
		r.wantChain(id, 71+70)
	})
}
