// Package tabletest is the conformance suite of table.Table: what Fleet relies on, on every database.
//
// It assumes nothing but the seam: indexes and inconsistent reads may lag, pages may be short or empty, a write may be
// refused as conflicting, and the database may be full of other items.
package tabletest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/store/table"
)

// Due and Owner are the indexes that a table under test must have.
const (
	Due   = "due"
	Owner = "owner"
)

// Indexes lists them.
func Indexes() []string { return []string{Due, Owner} }

// Run runs the suite. Open gives a table with Indexes, whose clock is the machine's to a few minutes; it may give the
// same one each time. It closes the table itself, by t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) table.Table) { RunExcept(t, open, nil) }

// RunExcept is Run for an emulator that is known to be wrong: it skips the tests of these names, "group/test", each with what is
// wrong. A name that no test has fails.
func RunExcept(t *testing.T, open func(t *testing.T) table.Table, exempt map[string]string) {
	unknown := maps.Clone(exempt)
	for _, group := range []struct {
		name  string
		tests []test
	}{
		{"write", writeTests}, {"race", raceTests}, {"limit", limitTests}, {"query", queryTests}, {"cursor", cursorTests},
		{"index", indexTests}, {"expiry", expiryTests}, {"context", contextTests}, {"fault", faultTests},
		{"model", modelTests},
	} {
		t.Run(group.name, func(t *testing.T) {
			for _, test := range group.tests {
				name := group.name + "/" + test.name
				delete(unknown, name)
				t.Run(test.name, func(t *testing.T) {
					if why, ok := exempt[name]; ok {
						t.Skip("SKIPPED: " + why)
					}
					test.run(newFixture(t, open(t)))
				})
			}
		})
	}
	for name := range unknown {
		t.Errorf("there is no test %q to be exempt from", name)
	}
}

type test struct {
	name string
	run  func(f *fixture)
}

// fixture is a table under test and a partition of it that nobody else uses.
type fixture struct {
	testing.TB
	table table.Table
	clock clock.Clock
	// part is the partition of the items, and the beginning of the name of every other one.
	part string
	// patience is how long reads may lag. Once it was in vain it is short: a failing test need not take minutes.
	patience time.Duration
}

func newFixture(t testing.TB, tbl table.Table) *fixture {
	return &fixture{TB: t, table: tbl, clock: clock.System(), part: rand.Text(), patience: 5 * time.Second}
}

func (f *fixture) key(sort string) table.Key { return table.Key{Partition: f.part, Sort: sort} }

// item is one with something in every field that is not optional.
func (f *fixture) item(sort string) table.Item {
	return table.Item{Key: f.key(sort), Body: []byte(`{"name":"` + sort + `"}`)}
}

func (f *fixture) create(i table.Item) table.Write {
	return table.Write{Op: table.Put, Item: i, If: table.Condition{Absent: true}}
}

func (f *fixture) update(i table.Item, version int64) table.Write {
	return table.Write{Op: table.Put, Item: i, If: table.Condition{Version: version}}
}

func (f *fixture) remove(sort string, c table.Condition) table.Write {
	return table.Write{Op: table.Delete, Item: table.Item{Key: f.key(sort)}, If: c}
}

func (f *fixture) check(sort string, c table.Condition) table.Write {
	return table.Write{Op: table.Check, Item: table.Item{Key: f.key(sort)}, If: c}
}

// try writes, again as long as it is refused for a conflict. Unlike the other methods it may run in any goroutine.
func (f *fixture) try(writes ...table.Write) error {
	f.Helper()
	for range 1000 {
		err := f.table.Write(f.Context(), writes)
		var refused *table.ConditionError
		if !errors.As(err, &refused) {
			return err
		}
		other := func(r table.Reason) bool { return r != table.Fine && r != table.Conflicting }
		if len(refused.Reasons) != len(writes) {
			return fmt.Errorf("%d reasons for %d parts", len(refused.Reasons), len(writes))
		}
		if !slices.Contains(refused.Reasons, table.Conflicting) {
			if !slices.ContainsFunc(refused.Reasons, other) {
				return errors.New("refused without a reason")
			}
			return err
		}
		if err := f.clock.Sleep(f.Context(), time.Millisecond); err != nil {
			return err
		}
	}
	return errors.New("conflicts without end")
}

func (f *fixture) write(writes ...table.Write) {
	f.Helper()
	if err := f.try(writes...); err != nil {
		f.Fatalf("write: %v", err)
	}
}

// refused writes, and wants to be refused for these reasons.
func (f *fixture) refused(reasons []table.Reason, writes ...table.Write) {
	f.Helper()
	err := f.try(writes...)
	var refused *table.ConditionError
	if !errors.As(err, &refused) {
		f.Fatalf("got %v, want a write refused for %q", err, reasons)
	}
	if !slices.Equal(refused.Reasons, reasons) {
		f.Fatalf("refused for %q, want %q", refused.Reasons, reasons)
	}
}

func (f *fixture) get(sort string) table.Item {
	f.Helper()
	i, err := f.table.Get(f.Context(), f.key(sort), true)
	if err != nil {
		f.Fatalf("get %q: %v", sort, err)
	}
	return i
}

func (f *fixture) absent(sorts ...string) {
	f.Helper()
	for _, sort := range sorts {
		if i, err := f.table.Get(f.Context(), f.key(sort), true); !errors.Is(err, table.ErrNotFound) {
			f.Fatalf("get %q: got version %d, %v, want no such item", sort, i.Version, err)
		}
	}
}

// same are the rules by which an item read is the one written. Bodies are compared whole: byte for byte takes cmp long.
var same = []cmp.Option{
	cmpopts.EquateEmpty(),
	cmp.FilterValues(func(a, b []byte) bool { return len(a)+len(b) > 0 }, cmp.Comparer(bytes.Equal)),
}

// is wants the item to be stored so, with this version.
func (f *fixture) is(want table.Item, version int64) {
	f.Helper()
	want.Version = version
	if diff := cmp.Diff(want, f.get(want.Sort), same...); diff != "" {
		f.Fatalf("item %q (-want +got):\n%s", want.Sort, diff)
	}
}

// all reads a query to its end, page by page.
func (f *fixture) all(q table.Query) []table.Item {
	f.Helper()
	items, err := readAll(f.Context(), f.table, q)
	if err != nil {
		f.Fatal(err)
	}
	return items
}

func readAll(ctx context.Context, t table.Table, q table.Query) ([]table.Item, error) {
	var items []table.Item
	for range 100_000 {
		page, err := t.Query(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("query %+v: %w", q, err)
		}
		if q.Limit > 0 && len(page.Items) > q.Limit {
			return nil, fmt.Errorf("query %+v: a page of %d items", q, len(page.Items))
		}
		items = append(items, page.Items...)
		if q.Cursor = page.Cursor; q.Cursor == "" {
			return items, nil
		}
	}
	return nil, fmt.Errorf("query %+v: pages without end", q)
}

// shows wants a query to give items with these sort keys, in this order. It waits for what may lag.
func (f *fixture) shows(q table.Query, want ...string) {
	f.Helper()
	f.eventually(func() error {
		items, err := readAll(f.Context(), f.table, q)
		if err != nil {
			return err
		}
		if got := sorts(items); !slices.Equal(got, want) {
			return fmt.Errorf("query %+v gives %q, want %q", q, got, want)
		}
		return nil
	}, q.Consistent)
}

// eventually wants ok to succeed: at once, or within the fixture's patience.
func (f *fixture) eventually(ok func() error, atOnce bool) {
	f.Helper()
	err := ok()
	if err != nil && !atOnce {
		err = f.settle(ok)
	}
	if err != nil {
		f.Fatal(err)
	}
}

// settle waits until ok succeeds, or gives its last error when patience is at its end.
func (f *fixture) settle(ok func() error) error {
	until := f.clock.Now().Add(f.patience)
	for {
		err := ok()
		if err == nil {
			return nil
		}
		if !f.clock.Now().Before(until) {
			f.patience = 50 * time.Millisecond
			return err
		}
		if f.clock.Sleep(f.Context(), time.Millisecond) != nil {
			return err
		}
	}
}

func sorts(items []table.Item) []string {
	var out []string
	for _, i := range items {
		out = append(out, i.Sort)
	}
	return out
}
