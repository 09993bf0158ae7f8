package bolt

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"github.com/project-gimbal/fleet/internal/store/table"
)

// Write makes all parts or none. It fails with *table.ConditionError; with table.ErrLimit, also for an entry in an
// index that the table doesn't have; with ctx's error, when ctx was done before the writing began; and with
// table.ErrOutcomeUnknown if the disk failed at the end.
func (t *Table) Write(ctx context.Context, writes []table.Write) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := table.Validate(writes); err != nil {
		return err
	}
	for _, w := range writes {
		for name := range w.Item.Index {
			if w.Op == table.Put && !slices.Contains(t.indexes, name) {
				return fmt.Errorf("%w: no index %q", table.ErrLimit, name)
			}
		}
	}
	return t.use(func(db *bbolt.DB) error {
		written := false
		err := db.Update(func(tx *bbolt.Tx) error {
			if err := ctx.Err(); err != nil { // it may have waited for other writers
				return err
			}
			if err := t.buckets(tx).write(writes, t.clock.Now()); err != nil {
				return err
			}
			written = true
			return nil
		})
		if err != nil && written { // the commit failed, perhaps after the disk had it
			return fmt.Errorf("%w: %w", table.ErrOutcomeUnknown, err)
		}
		return err
	})
}

func (b buckets) write(writes []table.Write, now time.Time) error {
	stored := make([]*table.Item, len(writes))
	reasons := make([]table.Reason, len(writes))
	refused := false
	for i, w := range writes {
		item, err := b.load(w.Item.Key)
		if err != nil {
			return err
		}
		stored[i] = item
		if item != nil && expired(*item, now) {
			item = nil
		}
		reasons[i] = judge(w.If, item)
		refused = refused || reasons[i] != table.Fine
	}
	if refused {
		return &table.ConditionError{Reasons: reasons}
	}
	for i, w := range writes {
		if err := b.apply(w, stored[i]); err != nil {
			return err
		}
	}
	return b.purge(now)
}

// load gives the item as it is stored, expired or not, and nil if there is none.
func (b buckets) load(key table.Key) (*table.Item, error) {
	v := b.items.Get(itemKey(key))
	if v == nil {
		return nil, nil
	}
	item, err := decode(key, v)
	if err != nil {
		return nil, err
	}
	return &item, nil
}

// judge tells whether the condition holds of the item; nil is an absent one.
func judge(c table.Condition, item *table.Item) table.Reason {
	switch {
	case c.Absent:
		if item != nil {
			return table.Exists
		}
	case c.Version != 0:
		if item == nil || item.Version != c.Version {
			return table.WrongVersion
		}
	default:
		if item == nil {
			return table.WrongAttribute
		}
		if value, ok := item.Attributes[c.Attribute]; !ok || value != c.Value {
			return table.WrongAttribute
		}
	}
	return table.Fine
}

func (b buckets) apply(w table.Write, stored *table.Item) error {
	if w.Op == table.Check {
		return nil
	}
	if stored != nil {
		if err := b.remove(*stored); err != nil {
			return err
		}
	}
	if w.Op == table.Delete {
		return nil
	}
	item := w.Item
	item.Version = w.If.Version + 1 // of an absent one 0
	return b.insert(item)
}

func (b buckets) insert(item table.Item) error {
	key := itemKey(item.Key)
	v, err := encode(item)
	if err != nil {
		return err
	}
	if err := b.items.Put(key, v); err != nil {
		return err
	}
	for name, place := range item.Index {
		if err := b.index(name).Put(indexKey(place, item.Key), key); err != nil {
			return err
		}
	}
	if item.Expires.IsZero() {
		return nil
	}
	return b.expiry.Put(expiryKey(item.Expires, key), key)
}

// remove takes an item out with all its entries, also those in an index that the table has no more.
func (b buckets) remove(item table.Item) error {
	key := itemKey(item.Key)
	if err := b.items.Delete(key); err != nil {
		return err
	}
	for name, place := range item.Index {
		if index := b.index(name); index != nil {
			if err := index.Delete(indexKey(place, item.Key)); err != nil {
				return err
			}
		}
	}
	if item.Expires.IsZero() {
		return nil
	}
	return b.expiry.Delete(expiryKey(item.Expires, key))
}

const (
	// purgeAfter is how long expired items stay, so that a clock which is set back a little still finds them.
	purgeAfter = time.Hour
	// purgeMost is how many are removed by one write: more than it can add in the long run, few enough to go unnoticed.
	purgeMost = 2 * table.MaxWrites
)

// purge removes items that expired long ago; DynamoDB does it by itself.
func (b buckets) purge(now time.Time) error {
	limit := expirySeconds(now.Add(-purgeAfter))
	var keys [][]byte
	c := b.expiry.Cursor()
	for k, v := c.First(); k != nil && bytes.Compare(k, limit) < 0 && len(keys) < purgeMost; k, v = c.Next() {
		keys = append(keys, bytes.Clone(v)) // a cursor must not run while its bucket is changed
	}
	for _, k := range keys {
		key, err := parseItemKey(k)
		if err != nil {
			return err
		}
		item, err := b.load(key)
		if err != nil {
			return err
		}
		if item == nil {
			return fmt.Errorf("expiry entry: %w", errDamaged)
		}
		if err := b.remove(*item); err != nil {
			return err
		}
	}
	return nil
}
