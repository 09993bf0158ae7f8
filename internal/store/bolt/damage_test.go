package bolt

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/store/table"
)

func openFor(t *testing.T, path string) *Table {
	t.Helper()
	b, err := Open(path, clock.System(), []string{"due"}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func creates(sort string) []table.Write {
	i := table.Item{Key: table.Key{Partition: "p", Sort: sort}, Index: map[string]table.Key{"due": {Partition: "d", Sort: sort}}}
	return []table.Write{{Op: table.Put, Item: i, If: table.Condition{Absent: true}}}
}

// TestCancelledWhileWaiting: a write that had to wait for another, and whose caller gave up meanwhile, isn't made.
func TestCancelledWhileWaiting(t *testing.T) {
	b := openFor(t, filepath.Join(t.TempDir(), "fleet.db"))
	other, err := b.file.db.Begin(true)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan struct{})
	result := make(chan error, 1)
	go func() { result <- b.Write(asking{ctx, asked}, creates("a")) }()
	<-asked // its first look at ctx: from here on it only gets to look again with the lock
	cancel()
	if err := other.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := b.Get(t.Context(), table.Key{Partition: "p", Sort: "a"}, true); !errors.Is(err, table.ErrNotFound) {
		t.Errorf("it was made: %v", err)
	}
}

// asking tells when its error is first asked for, and gives none then.
type asking struct {
	context.Context
	asked chan struct{}
}

func (a asking) Err() error {
	select {
	case <-a.asked:
		return a.Context.Err()
	default:
		close(a.asked)
		return nil
	}
}

// TestCommitFails: nobody knows whether a write was made whose commit the disk refused.
func TestCommitFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fleet.db")
	if err := openFor(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	readOnly := func(path string, _ int, _ os.FileMode) (*os.File, error) { return os.Open(path) }
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{OpenFile: readOnly, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // it can't shrink or sync its file
	b := &Table{clock: clock.System(), bucket: "table", indexes: []string{"due"}, file: &file{db: db}}
	if err := b.Write(t.Context(), creates("a")); !errors.Is(err, table.ErrOutcomeUnknown) {
		t.Errorf("got %v, want ErrOutcomeUnknown", err)
	}
	var refused *table.ConditionError
	missing := []table.Write{{Op: table.Check, Item: creates("a")[0].Item, If: table.Condition{Version: 1}}}
	if err := b.Write(t.Context(), missing); !errors.As(err, &refused) {
		t.Errorf("got %v, want a refusal, which needs no disk", err)
	}
}

// TestDamage: what this package didn't write is an error, not a panic, and not an item.
func TestDamage(t *testing.T) {
	for name, damage := range map[string]func(b buckets) error{
		"item":             func(b buckets) error { return b.items.Put(itemKey(creates("a")[0].Item.Key), []byte("\x05nonsense")) },
		"item of an entry": func(b buckets) error { return b.items.Delete(itemKey(creates("a")[0].Item.Key)) },
		"index entry": func(b buckets) error {
			return b.index("due").Put(indexKey(table.Key{Partition: "d", Sort: "b"}, table.Key{}), []byte("x"))
		},
		"key of the expiry": func(b buckets) error { return b.expiry.Put(make([]byte, 8), []byte("x")) },
		"expired item":      func(b buckets) error { return b.expiry.Put(make([]byte, 8), []byte("\x00\x01px")) },
	} {
		t.Run(name, func(t *testing.T) {
			b := openFor(t, filepath.Join(t.TempDir(), "fleet.db"))
			if err := b.Write(t.Context(), creates("a")); err != nil {
				t.Fatal(err)
			}
			if err := b.file.db.Update(func(tx *bbolt.Tx) error { return damage(b.buckets(tx)) }); err != nil {
				t.Fatal(err)
			}
			_, err := b.Query(t.Context(), table.Query{Index: "due", Partition: "d"})
			if err == nil {
				err = b.Write(t.Context(), creates("c"))
			}
			if !errors.Is(err, errDamaged) {
				t.Errorf("got %v", err)
			}
		})
	}
}
