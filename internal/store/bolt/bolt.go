// Package bolt keeps a table.Table in a file, with bbolt: the embedded database of the local runner and of tests. It
// refuses what DynamoDB refuses.
//
// It is safe for concurrent use and works in a testing/synctest bubble, opened inside or outside of it: it waits for
// nothing but the disk and bbolt's own locks, starts no goroutine, and never sleeps.
package bolt

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"go.etcd.io/bbolt"

	"github.com/project-gimbal/fleet/internal/clock"
)

// ErrLocked is returned by Open when another process has the file open.
var ErrLocked = errors.New("the table's file is open in another process")

// ErrClosed is returned by every method of a closed table.
var ErrClosed = errors.New("the table is closed")

// Options of a table.
type Options struct {
	// Bucket keeps the tables of one file apart; "table" if empty.
	Bucket string
	// Sync makes every write durable before it is answered: what is kept survives a power failure. Without it a write
	// survives the process, killed or not, but not the machine; it is about a hundred times as fast, for tests and demos.
	Sync bool
}

// Table is one table of a file.
type Table struct {
	clock   clock.Clock
	bucket  string
	indexes []string

	mu     sync.RWMutex // held for reading by each call, so that Close waits for them
	file   *file
	closed bool
}

// Open opens the table, and makes it, in the file at path. The indexes are the only ones it has. Several tables, and
// the same table several times, may be open in one process, all with the same Options.Sync; the last Close lets go of
// the file. Another process gets ErrLocked at once. Items expire by c.
func Open(path string, c clock.Clock, indexes []string, o Options) (*Table, error) {
	if o.Bucket == "" {
		o.Bucket = "table"
	}
	if slices.Contains(indexes, "") {
		return nil, errors.New("open table: an index without a name")
	}
	f, err := acquire(path, o.Sync)
	if err != nil {
		return nil, fmt.Errorf("open table: %w", err)
	}
	t := &Table{clock: c, bucket: o.Bucket, indexes: slices.Clone(indexes), file: f}
	if err := f.db.Update(t.layOut); err != nil {
		return nil, errors.Join(fmt.Errorf("open table: %w", err), f.release())
	}
	return t, nil
}

// Close waits for the calls that are under way. Closing again does nothing.
func (t *Table) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil
	}
	t.closed = true
	return t.file.release()
}

// use runs a call of the database, unless the table is closed.
func (t *Table) use(call func(db *bbolt.DB) error) error {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.closed {
		return ErrClosed
	}
	return call(t.file.db)
}

// A table is a bucket of buckets: its items by key, the keys of those that expire by time, and the keys of those that
// an index holds by the keys they have there.
const (
	itemsBucket  = "items"
	expiryBucket = "expiry"
	indexPrefix  = "index:"
)

func (t *Table) layOut(tx *bbolt.Tx) error {
	root, err := tx.CreateBucketIfNotExists([]byte(t.bucket))
	if err != nil {
		return err
	}
	names := []string{itemsBucket, expiryBucket}
	for _, index := range t.indexes {
		names = append(names, indexPrefix+index)
	}
	for _, name := range names {
		if _, err := root.CreateBucketIfNotExists([]byte(name)); err != nil {
			return err
		}
	}
	return nil
}

// buckets are a table's in one transaction.
type buckets struct{ root, items, expiry *bbolt.Bucket }

func (t *Table) buckets(tx *bbolt.Tx) buckets {
	root := tx.Bucket([]byte(t.bucket))
	return buckets{root, root.Bucket([]byte(itemsBucket)), root.Bucket([]byte(expiryBucket))}
}

// index is nil for an index that the table never had.
func (b buckets) index(name string) *bbolt.Bucket { return b.root.Bucket([]byte(indexPrefix + name)) }
