package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/store"
)

// TestDue: what is due by a time is listed, the longest due first, until it is moved or dropped.
func TestDue(t *testing.T) {
	inBubble(t, func(r *rig) {
		now := time.Now()
		for instance, in := range map[string]time.Duration{"a": 2 * time.Hour, "b": time.Hour, "c": 3 * time.Hour} {
			r.update(instance, func(tx *store.Tx) error { return tx.PutDue(now.Add(in)) })
		}
		due := func(in time.Duration) (ids []string) {
			all, err := r.store.Due(r.Context(), now.Add(in))
			if err != nil {
				r.Fatal(err)
			}
			for _, d := range all {
				ids = append(ids, d.InstanceID)
			}
			return ids
		}
		if got := due(2 * time.Hour); !slices.Equal(got, []string{"b", "a"}) {
			r.Errorf("due are %v", got)
		}
		r.update("b", func(tx *store.Tx) error { return tx.PutDue(now.Add(4 * time.Hour)) })
		for range 2 {
			r.update("a", func(tx *store.Tx) error { return tx.DropDue() })
		}
		if got := due(5 * time.Hour); !slices.Equal(got, []string{"c", "b"}) {
			r.Errorf("due are %v", got)
		}
	})
}

// TestTerminationsAreCountedOnce: a change that read the count is not made on another's.
func TestTerminationsAreCountedOnce(t *testing.T) {
	inBubble(t, func(r *rig) {
		add := func(id string, meanwhile func()) {
			r.update(id, func(tx *store.Tx) error {
				latest, err := tx.Terminations()
				if meanwhile != nil {
					meanwhile()
					meanwhile = nil
				}
				if err != nil {
					return err
				}
				return tx.PutTerminations(append(latest, fleet.Termination{InstanceID: id, At: tx.Now()}))
			})
		}
		add("a", func() { add("b", nil) })
		r.update("c", func(tx *store.Tx) error {
			latest, err := tx.Terminations()
			if len(latest) != 2 || latest[0].InstanceID != "b" {
				r.Errorf("%+v", latest)
			}
			return err
		})
	})
}
