package store_test

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/store/bolt"
	"github.com/project-gimbal/fleet/internal/store/chaos"
)

const id = "11111111-1111-4111-8111-111111111111"

// rig is a store in virtual time over a table that can be told to go wrong.
type rig struct {
	*testing.T
	store *store.Store
	table *chaos.Table
}

func inBubble(t *testing.T, test func(r *rig)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fleet.db")
	synctest.Test(t, func(t *testing.T) {
		b, err := bolt.Open(path, clock.System(), store.Indexes(), bolt.Options{})
		if err != nil {
			t.Fatal(err)
		}
		c := chaos.Wrap(b, clock.System(), chaos.Options{})
		t.Cleanup(func() {
			c.Drain()
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		})
		test(&rig{T: t, store: store.New(c, clock.System()), table: c})
	})
}

func (r *rig) update(instance string, change func(tx *store.Tx) error) {
	r.Helper()
	if err := r.store.Update(r.Context(), instance, change); err != nil {
		r.Fatal(err)
	}
}

// begin begins the instance's epoch and moves it on until it is to.
func (r *rig) begin(instance string, to int64) {
	r.Helper()
	for old := range to {
		r.update(instance, func(tx *store.Tx) error {
			_, err := tx.MoveEpoch(old)
			return err
		})
	}
}

// note writes a ledger entry of the given name if there is none, and its audit entry.
func note(tx *store.Tx, name string) error {
	there, err := tx.Resource(fleet.TwilioKey, name)
	if err != nil || there != nil {
		return err
	}
	tx.Audit(fleet.AuditEntry{ID: "noted/" + name, Actor: "test", Action: "resource.noted", Subject: name, Outcome: "ok"})
	return tx.PutResource(&fleet.Resource{Kind: fleet.TwilioKey, Name: name, Status: fleet.Intended})
}

// wantChain judges that the instance's audit chain is whole and has n entries.
func (r *rig) wantChain(instance string, n int) {
	r.Helper()
	entries, head, err := r.store.Audit(r.Context(), instance)
	if err == nil {
		err = fleet.VerifyChain(entries, head)
	}
	if err != nil || len(entries) != n {
		r.Errorf("the chain has %d entries, want %d: %v", len(entries), n, err)
	}
}

func (r *rig) wantFault(err error, code fault.Code) {
	r.Helper()
	if !fault.Is(err, code) {
		r.Errorf("%v, want a fault %s", err, code)
	}
}

// at is a time in the bubble's, which begins in 2000.
func at(seconds int) time.Time {
	return time.Date(2000, 1, 1, 0, 0, seconds, 0, time.UTC)
}
