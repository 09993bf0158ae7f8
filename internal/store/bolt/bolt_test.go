package bolt_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/store/bolt"
	"github.com/project-gimbal/fleet/internal/store/table"
	"github.com/project-gimbal/fleet/internal/store/tabletest"
)

// open opens a table in the file and closes it with the test.
func open(t testing.TB, path string, c clock.Clock, o bolt.Options) *bolt.Table {
	t.Helper()
	b, err := bolt.Open(path, c, tabletest.Indexes(), o)
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

func newPath(t testing.TB) string { return filepath.Join(t.TempDir(), "fleet.db") }

func TestConformance(t *testing.T) {
	tabletest.Run(t, func(t *testing.T) table.Table { return open(t, newPath(t), clock.System(), bolt.Options{}) })
}

// TestConformanceShared: the suite in one bucket of one file, all tests together, with another table beside it.
func TestConformanceShared(t *testing.T) {
	path := newPath(t)
	open(t, path, clock.System(), bolt.Options{Bucket: "keys"})
	b := open(t, path, clock.System(), bolt.Options{Bucket: "fleet"})
	tabletest.Run(t, func(*testing.T) table.Table { return b })
}

func key(sort string) table.Key { return table.Key{Partition: "p", Sort: sort} }

func put(sort string, version int64) table.Write {
	w := table.Write{Op: table.Put, Item: table.Item{Key: key(sort), Body: []byte("{}")}, If: table.Condition{Version: version}}
	w.If.Absent = version == 0
	w.Item.Index = map[string]table.Key{tabletest.Due: {Partition: "due", Sort: "same"}}
	return w
}

func write(t testing.TB, b table.Table, writes ...table.Write) {
	t.Helper()
	if err := b.Write(t.Context(), writes); err != nil {
		t.Fatal(err)
	}
}

// has wants the table to hold these items, each in the index too.
func has(t testing.TB, b table.Table, want ...string) {
	t.Helper()
	for _, q := range []table.Query{{Partition: "p", Consistent: true}, {Index: tabletest.Due, Partition: "due"}} {
		page, err := b.Query(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, i := range page.Items {
			got = append(got, i.Sort)
		}
		if !slices.Equal(got, want) || page.Cursor != "" {
			t.Errorf("query %+v gives %q, want %q", q, got, want)
		}
	}
}

func TestReopen(t *testing.T) {
	for _, sync := range []bool{false, true} {
		path := newPath(t)
		b := open(t, path, clock.System(), bolt.Options{Sync: sync})
		write(t, b, put("b", 0), put("a", 0))
		if err := errors.Join(b.Close(), b.Close()); err != nil {
			t.Fatal(err)
		}
		b = open(t, path, clock.System(), bolt.Options{Sync: sync})
		has(t, b, "a", "b") // one place of the index: in the order of their keys
		write(t, b, put("a", 1))
	}
}

func TestClosed(t *testing.T) {
	path := newPath(t)
	b, other := open(t, path, clock.System(), bolt.Options{}), open(t, path, clock.System(), bolt.Options{})
	write(t, b, put("a", 0))
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := b.Write(t.Context(), []table.Write{put("b", 0)}); !errors.Is(err, bolt.ErrClosed) {
		t.Errorf("write: %v", err)
	}
	if _, err := b.Get(t.Context(), key("a"), true); !errors.Is(err, bolt.ErrClosed) {
		t.Errorf("get: %v", err)
	}
	if _, err := b.Query(t.Context(), table.Query{Partition: "p"}); !errors.Is(err, bolt.ErrClosed) {
		t.Errorf("query: %v", err)
	}
	has(t, other, "a")
	write(t, other, put("b", 0))
}

// TestCloseWaits: Close comes between calls, never into one.
func TestCloseWaits(t *testing.T) {
	b := open(t, newPath(t), clock.System(), bolt.Options{})
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			for m := range 50 {
				err := b.Write(t.Context(), []table.Write{put(fmt.Sprint(n, " ", m), 0)})
				if errors.Is(err, bolt.ErrClosed) {
					return
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	all.Wait()
}

// TestBuckets: tables of one file know nothing of each other, nor of each other's cursors.
func TestBuckets(t *testing.T) {
	path := newPath(t)
	fleet := open(t, path, clock.System(), bolt.Options{Bucket: "fleet"})
	keys := open(t, path, clock.System(), bolt.Options{Bucket: "keys"})
	write(t, fleet, put("a", 0), put("b", 0))
	has(t, keys)
	write(t, keys, put("a", 0), put("c", 0))
	has(t, fleet, "a", "b")
	page, err := fleet.Query(t.Context(), table.Query{Partition: "p", Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Query(t.Context(), table.Query{Partition: "p", Limit: 1, Cursor: page.Cursor}); err == nil {
		t.Error("a cursor of another table is taken")
	}
}

func TestOpenRefuses(t *testing.T) {
	path := newPath(t)
	if _, err := bolt.Open(path, clock.System(), []string{""}, bolt.Options{}); err == nil {
		t.Error("an index without a name")
	}
	if _, err := bolt.Open(filepath.Join(path, "none"), clock.System(), nil, bolt.Options{}); err == nil {
		t.Error("a file in no directory")
	}
	b := open(t, path, clock.System(), bolt.Options{})
	if _, err := bolt.Open(path, clock.System(), nil, bolt.Options{Sync: true}); err == nil {
		t.Error("the same file with and without Sync")
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	// bbolt locks a file per opening, so this one is as good as another process's.
	foreign, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bolt.Open(path, clock.System(), nil, bolt.Options{}); !errors.Is(err, bolt.ErrLocked) {
		t.Errorf("got %v, want ErrLocked", err)
	}
	if err := foreign.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, path, clock.System(), bolt.Options{})
}

// TestIndexDropped: a table that is opened without one of its indexes still keeps it from growing stale.
func TestIndexDropped(t *testing.T) {
	path := newPath(t)
	b := open(t, path, clock.System(), bolt.Options{})
	write(t, b, put("a", 0), put("b", 0))
	less, err := bolt.Open(path, clock.System(), nil, bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = less.Close() }) // reads only
	if err := less.Write(t.Context(), []table.Write{put("c", 0)}); !errors.Is(err, table.ErrLimit) {
		t.Errorf("an entry in no index: %v", err)
	}
	write(t, less, table.Write{Op: table.Delete, Item: table.Item{Key: key("a")}, If: table.Condition{Version: 1}})
	has(t, b, "b")
}

// TestCursorOnlyIfMore: the last page says that it is the last.
func TestCursorOnlyIfMore(t *testing.T) {
	b := open(t, newPath(t), clock.System(), bolt.Options{})
	expired := put("c", 0)
	expired.Item.Expires = time.Unix(1, 0)
	write(t, b, put("a", 0), put("b", 0), expired)
	for limit, more := range map[int]bool{0: false, 1: true, 2: false, 3: false} {
		page, err := b.Query(t.Context(), table.Query{Partition: "p", Limit: limit})
		if err != nil || (page.Cursor != "") != more {
			t.Errorf("limit %d: cursor %q, %v", limit, page.Cursor, err)
		}
	}
}

// TestFullPage: a page holds MaxPage bytes and no more, and one item at least.
func TestFullPage(t *testing.T) {
	b := open(t, newPath(t), clock.System(), bolt.Options{})
	sizes := []int{table.MaxItemSize, table.MaxItemSize, table.MaxPage - 2*table.MaxItemSize, 100}
	for n, size := range sizes {
		w := put(fmt.Sprint(n), 0)
		w.Item.Body = nil
		w.Item.Body = make([]byte, size-w.Item.Size())
		write(t, b, w)
	}
	page, err := b.Query(t.Context(), table.Query{Partition: "p"})
	if err != nil || len(page.Items) != 3 || page.Cursor == "" {
		t.Errorf("%d items, %v", len(page.Items), err)
	}
}

// TestBubble: time is virtual in a bubble, whether the table was opened in it or before it.
func TestBubble(t *testing.T) {
	outside := open(t, newPath(t), clock.System(), bolt.Options{})
	for name, opened := range map[string]func(t *testing.T) *bolt.Table{
		"inside":  func(t *testing.T) *bolt.Table { return open(t, newPath(t), clock.System(), bolt.Options{}) },
		"outside": func(*testing.T) *bolt.Table { return outside },
	} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { expires(t, opened(t)) }) })
	}
}

// expires has writers at work, some of which sleep, while an item comes of age.
func expires(t *testing.T, b *bolt.Table) {
	c := clock.System()
	w := put("dies", 0)
	w.Item.Expires = c.Now().Add(30 * 24 * time.Hour)
	write(t, b, w)
	var all sync.WaitGroup
	for n := range 20 {
		all.Go(func() {
			for m := range 5 {
				if err := b.Write(t.Context(), []table.Write{put(fmt.Sprint("lives", n, m), 0)}); err != nil {
					t.Error(err)
				}
				if err := c.Sleep(t.Context(), time.Hour); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	left := w.Item.Expires.Sub(c.Now())
	if err := c.Sleep(t.Context(), left-time.Nanosecond); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Get(t.Context(), key("dies"), true); err != nil {
		t.Errorf("a moment before: %v", err)
	}
	if err := c.Sleep(t.Context(), time.Nanosecond); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Get(t.Context(), key("dies"), true); !errors.Is(err, table.ErrNotFound) {
		t.Errorf("at its end: %v", err)
	}
	page, err := b.Query(t.Context(), table.Query{Index: tabletest.Due, Partition: "due"})
	if err != nil || len(page.Items) != 100 {
		t.Errorf("%d items in the index, %v", len(page.Items), err)
	}
}

// TestPurge: what expired long ago doesn't stay in the file, nor do its entries.
func TestPurge(t *testing.T) {
	path := newPath(t)
	synctest.Test(t, func(t *testing.T) {
		c := clock.System()
		b := open(t, path, c, bolt.Options{})
		for n := range 250 {
			w := put(fmt.Sprint(n), 0)
			w.Item.Expires = c.Now().Add(time.Minute)
			write(t, b, w)
		}
		if err := c.Sleep(t.Context(), 2*time.Hour); err != nil {
			t.Fatal(err)
		}
		write(t, b, put("a", 0)) // a write clears so many and no more
		write(t, b, put("b", 0))
		has(t, b, "a", "b")
	})
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }() // reads only
	err = db.View(func(tx *bbolt.Tx) error {
		for name, want := range map[string]int{"items": 2, "expiry": 0, "index:" + tabletest.Due: 2} {
			if got := tx.Bucket([]byte("table")).Bucket([]byte(name)).Stats().KeyN; got != want {
				t.Errorf("%d keys in %s, want %d", got, name, want)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// FuzzCursor: a cursor that is made up gives an error or items of the query.
func FuzzCursor(f *testing.F) {
	b := open(f, newPath(f), clock.System(), bolt.Options{})
	write(f, b, put("a", 0), put("aa", 0), put("ab", 0), put("b", 0))
	q := table.Query{Partition: "p", Prefix: "a", Limit: 1}
	page, err := b.Query(f.Context(), q)
	if err != nil {
		f.Fatal(err)
	}
	for _, cursor := range []string{page.Cursor, page.Cursor + "AAAA", page.Cursor[:22], "", "!", strings.Repeat("A", 30)} {
		f.Add(cursor)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		q := q
		q.Cursor = cursor
		page, err := b.Query(context.Background(), q)
		for _, i := range page.Items {
			if err != nil || i.Partition != "p" || !strings.HasPrefix(i.Sort, "a") {
				t.Errorf("cursor %q gives %q, %v", cursor, i.Key, err)
			}
		}
	})
}
