package bolt

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"go.etcd.io/bbolt"

	"github.com/project-gimbal/fleet/internal/store/table"
)

// Get reads one item; every read is consistent here. It fails with table.ErrNotFound, with table.ErrLimit for a key
// that no item can have, or with ctx's error.
func (t *Table) Get(ctx context.Context, key table.Key, _ bool) (table.Item, error) {
	if err := ctx.Err(); err != nil {
		return table.Item{}, err
	}
	if err := key.Validate(); err != nil {
		return table.Item{}, err
	}
	var item table.Item
	err := t.use(func(db *bbolt.DB) error {
		return db.View(func(tx *bbolt.Tx) error {
			b := t.buckets(tx).items.Get(itemKey(key))
			if b == nil {
				return table.ErrNotFound
			}
			var err error
			if item, err = decode(key, b); err == nil && expired(item, t.clock.Now()) {
				return table.ErrNotFound
			}
			return err
		})
	})
	if err != nil {
		return table.Item{}, err
	}
	return item, nil
}

// Query reads a page. Items that share a place in an index come in the order of their own keys. There is a cursor only
// if there is another item.
func (t *Table) Query(ctx context.Context, q table.Query) (table.Page, error) {
	if err := ctx.Err(); err != nil {
		return table.Page{}, err
	}
	if err := q.Validate(); err != nil {
		return table.Page{}, err
	}
	if q.Index != "" && !slices.Contains(t.indexes, q.Index) {
		return table.Page{}, fmt.Errorf("query: no index %q", q.Index)
	}
	s := spanOf(q)
	if q.Cursor != "" {
		last, err := t.position(q)
		if err != nil || !s.holds(last) {
			return table.Page{}, errCursor
		}
		s = s.after(last)
	}
	var page table.Page
	err := t.use(func(db *bbolt.DB) error {
		return db.View(func(tx *bbolt.Tx) (err error) {
			page, err = t.page(tx, q, s)
			return err
		})
	})
	if err != nil {
		return table.Page{}, err
	}
	return page, nil
}

func (t *Table) page(tx *bbolt.Tx, q table.Query, s span) (table.Page, error) {
	b := t.buckets(tx)
	source := b.items
	if q.Index != "" {
		source = b.index(q.Index)
	}
	var page table.Page
	var last []byte
	now, size := t.clock.Now(), 0
	c := source.Cursor()
	for k, v := s.first(c); s.holds(k); k, v = s.next(c) {
		item, err := b.item(q, k, v)
		if err != nil {
			return table.Page{}, err
		}
		if expired(item, now) {
			continue
		}
		size += item.Size()
		if n := len(page.Items); n > 0 && (n == q.Limit || size > table.MaxPage) {
			page.Cursor = t.cursor(q, last)
			break
		}
		page.Items = append(page.Items, item)
		last = k
	}
	return page, nil
}

// item gives the item that an entry of the items, or of the query's index, stands for.
func (b buckets) item(q table.Query, k, v []byte) (table.Item, error) {
	if q.Index != "" {
		if k, v = v, b.items.Get(v); v == nil {
			return table.Item{}, fmt.Errorf("index %q: %w", q.Index, errDamaged)
		}
	}
	key, err := parseItemKey(k)
	if err != nil {
		return table.Item{}, err
	}
	return decode(key, v)
}

func (s span) first(c *bbolt.Cursor) (k, v []byte) {
	if !s.down {
		return c.Seek(s.lo)
	}
	if k, _ = c.Seek(s.hi); k == nil {
		return c.Last()
	}
	return c.Prev()
}

func (s span) next(c *bbolt.Cursor) (k, v []byte) {
	if s.down {
		return c.Prev()
	}
	return c.Next()
}

// errCursor: the text is no cursor, or one of another query.
var errCursor = errors.New("query: the cursor isn't from this query")

// A cursor is a fingerprint of its query and the last key read.
const fingerprintSize = 16

// fingerprint is of all that selects and orders items; a page may have another Limit than the one before it.
func (t *Table) fingerprint(q table.Query) []byte {
	h := sha256.New()
	for _, s := range []string{t.bucket, q.Index, q.Partition, q.Prefix, q.From, q.To,
		strconv.FormatBool(q.Descending), strconv.FormatBool(q.Consistent)} {
		_, _ = fmt.Fprintf(h, "%d:%s", len(s), s) // a hash never fails
	}
	return h.Sum(nil)[:fingerprintSize]
}

func (t *Table) cursor(q table.Query, last []byte) string {
	return base64.RawURLEncoding.EncodeToString(append(t.fingerprint(q), last...))
}

func (t *Table) position(q table.Query) ([]byte, error) {
	b, err := base64.RawURLEncoding.DecodeString(q.Cursor)
	if err != nil || len(b) < fingerprintSize || !bytes.Equal(b[:fingerprintSize], t.fingerprint(q)) {
		return nil, errCursor
	}
	return b[fingerprintSize:], nil
}
