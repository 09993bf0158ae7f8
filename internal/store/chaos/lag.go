package chaos

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/project-gimbal/fleet/internal/store/table"
)

// past holds what lagging reads still see of items that were written a short while ago, by write, oldest first.
type past map[table.Key][]before

// before is an item as it was before a write.
type before struct {
	item   table.Item
	absent bool
	// The table and its indexes show it before these instants; frozen means until Thaw.
	table, indexes time.Time
	frozen         bool
}

// Freeze holds lagging reads where they are: they see no write from now on, until Thaw. Lags drawn by seed go on.
func (t *Table) Freeze() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.frozen = true
}

// Thaw lets lagging reads see every write made while they were frozen.
func (t *Table) Thaw() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.frozen = false
	for key, history := range t.past {
		for i := range history {
			history[i].frozen = false
		}
		t.past[key] = history
	}
}

// write makes a write, and remembers for lagging reads what was there before.
func (t *Table) write(ctx context.Context, writes []table.Write) error {
	if !t.lags() {
		return t.inner.Write(ctx, writes)
	}
	befores := map[table.Key]before{}
	for _, w := range writes {
		if w.Op == table.Check {
			continue
		}
		item, err := t.inner.Get(ctx, w.Item.Key, true)
		if err != nil && !errors.Is(err, table.ErrNotFound) {
			return err
		}
		befores[w.Item.Key] = before{item: item, absent: err != nil}
	}
	if err := t.inner.Write(ctx, writes); err != nil {
		return err
	}
	t.remember(writes, befores)
	return nil
}

func (t *Table) lags() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.frozen || t.options.Lag > 0
}

// remember goes by the order of writes, not of the map, so that a seed gives every run the same lags.
func (t *Table) remember(writes []table.Write, befores map[table.Key]before) {
	now := t.clock.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	shown, indexed := now.Add(t.draw(t.options.Lag)), now.Add(t.draw(t.options.Lag))
	for _, w := range writes {
		b, ok := befores[w.Item.Key]
		if !ok {
			continue
		}
		b.table, b.indexes, b.frozen = shown, indexed, t.frozen
		t.past[w.Item.Key] = append(t.past[w.Item.Key], b)
	}
}

// seen gives what a lagging read sees of the item at now, if that isn't its present.
func (p past) seen(key table.Key, index bool, now time.Time) (before, bool) {
	history := slices.DeleteFunc(p[key], func(b before) bool {
		return !b.frozen && !now.Before(b.table) && !now.Before(b.indexes)
	})
	if len(history) == 0 {
		delete(p, key)
		return before{}, false
	}
	p[key] = history
	for _, b := range history {
		if b.frozen || now.Before(b.until(index)) {
			return b, true
		}
	}
	return before{}, false
}

func (b before) until(index bool) time.Time {
	if index {
		return b.indexes
	}
	return b.table
}

// gone tells whether there is nothing to see: no item, or one that expired since.
func (b before) gone(now time.Time) bool {
	return b.absent || !b.item.Expires.IsZero() && !now.Before(b.item.Expires)
}

// Get is the table's; one that isn't consistent may see the past.
func (t *Table) Get(ctx context.Context, key table.Key, consistent bool) (table.Item, error) {
	if err := ctx.Err(); err != nil {
		return table.Item{}, err
	}
	if !consistent {
		now := t.clock.Now()
		t.mu.Lock()
		b, ok := t.past.seen(key, false, now)
		t.mu.Unlock()
		switch {
		case ok && b.gone(now):
			return table.Item{}, table.ErrNotFound
		case ok:
			return copyItem(b.item), nil
		}
	}
	return t.inner.Get(ctx, key, consistent)
}

func copyItem(i table.Item) table.Item {
	i.Attributes, i.Index, i.Body = maps.Clone(i.Attributes), maps.Clone(i.Index), bytes.Clone(i.Body)
	return i
}

func copyWrites(writes []table.Write) []table.Write {
	writes = slices.Clone(writes)
	for i := range writes {
		writes[i].Item = copyItem(writes[i].Item)
	}
	return writes
}

func isLimit(err error) bool { return errors.Is(err, table.ErrLimit) }
