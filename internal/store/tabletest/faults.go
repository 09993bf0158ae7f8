package tabletest

import (
	"errors"
	"slices"
	"time"

	"github.com/project-gimbal/fleet/internal/store/chaos"
	"github.com/project-gimbal/fleet/internal/store/table"
)

// faultTests run on the table as package chaos wraps it: that Fleet's way of dealing with lag and with lost answers
// works on this database.
var faultTests = []test{
	{"lagging reads", lagging},
	{"lagging indexes", laggingIndexes},
	{"a lost answer", lost},
	{"a write that comes late", late},
	{"a conflict", conflicting},
}

// wrap makes the fixture's table one that goes wrong.
func (f *fixture) wrap() *chaos.Table {
	wrapped := chaos.Wrap(f.table, f.clock, chaos.Options{Seed: 1})
	f.table = wrapped
	return wrapped
}

// stale wants an inconsistent read of the item to give this version, 0 for none.
func (f *fixture) stale(sort string, version int64) {
	f.Helper()
	i, err := f.table.Get(f.Context(), f.key(sort), false)
	if version == 0 && !errors.Is(err, table.ErrNotFound) || version != 0 && err != nil || i.Version != version {
		f.Fatalf("an inconsistent get of %q gives version %d, %v, want %d", sort, i.Version, err, version)
	}
}

func lagging(f *fixture) {
	c := f.wrap()
	f.write(f.create(f.item("a")), f.create(f.item("b")))
	f.shows(table.Query{Partition: f.part}, "a", "b")
	c.Freeze()
	f.write(f.update(f.item("a"), 1), f.remove("b", table.Condition{Version: 1}), f.create(f.item("c")))
	f.write(f.update(f.item("a"), 2))
	f.stale("a", 1)
	f.stale("b", 1)
	f.stale("c", 0)
	for _, limit := range []int{0, 1} {
		items := f.all(table.Query{Partition: f.part, Limit: limit})
		if got := sorts(items); !slices.Equal(got, []string{"a", "b"}) || items[0].Version != 1 {
			f.Fatalf("an inconsistent query gives %q", got)
		}
	}
	f.is(f.item("a"), 3)
	f.absent("b")
	f.shows(table.Query{Partition: f.part, Consistent: true}, "a", "c")
	f.refused([]table.Reason{table.WrongVersion}, f.update(f.item("a"), 1)) // conditions never lag
	c.Thaw()
	f.shows(table.Query{Partition: f.part}, "a", "c")
}

func laggingIndexes(f *fixture) {
	c := f.wrap()
	f.write(f.create(f.in("a", "1")), f.create(f.in("b", "2")), f.create(f.in("c", "3")))
	f.shows(f.due(), "a", "b", "c")
	c.Freeze()
	f.write(f.update(f.in("a", "9"), 1), f.remove("b", table.Condition{Version: 1}), f.update(f.in("c", ""), 1), f.create(f.in("d", "0")))
	for _, limit := range []int{0, 1, 2} {
		q := f.due()
		q.Limit = limit
		if got := sorts(f.all(q)); !slices.Equal(got, []string{"a", "b", "c"}) {
			f.Fatalf("a lagging index shows %q", got)
		}
		q.Descending = true
		if got := sorts(f.all(q)); !slices.Equal(got, []string{"c", "b", "a"}) {
			f.Fatalf("a lagging index shows %q", got)
		}
	}
	c.Thaw()
	f.shows(f.due(), "d", "a")
}

// lost has answers lost of writes that were made, were refused, or were not made: a consistent read tells which.
func lost(f *fixture) {
	c := f.wrap()
	unknown := func(writes ...table.Write) {
		f.Helper()
		if err := f.table.Write(f.Context(), writes); !errors.Is(err, table.ErrOutcomeUnknown) {
			f.Fatalf("got %v, want ErrOutcomeUnknown", err)
		}
	}
	c.Script(chaos.Fault{Kind: chaos.Lost}, chaos.Fault{Kind: chaos.Lost}, chaos.Fault{Kind: chaos.Vanished})
	unknown(f.create(f.item("a")), f.create(f.item("b")))
	f.is(f.item("a"), 1)
	f.is(f.item("b"), 1)
	unknown(f.update(f.item("a"), 1), f.create(f.item("b")))
	f.is(f.item("a"), 1)
	unknown(f.update(f.item("a"), 1))
	f.is(f.item("a"), 1)

	f.refused([]table.Reason{table.Exists}, f.create(f.item("a"))) // made again, it finds its own
	f.write(f.update(f.item("a"), 1))
	f.is(f.item("a"), 2)
	if c.Left() != 0 {
		f.Fatalf("%d faults never struck", c.Left())
	}
}

func late(f *fixture) {
	c := f.wrap()
	a := f.item("a")
	f.write(f.create(a))
	c.Script(chaos.Fault{Kind: chaos.Late, After: time.Millisecond}, chaos.Fault{Kind: chaos.Late, After: time.Millisecond})
	a.Body = []byte("late")
	if err := f.table.Write(f.Context(), []table.Write{f.update(a, 1)}); !errors.Is(err, table.ErrOutcomeUnknown) {
		f.Fatalf("got %v, want ErrOutcomeUnknown", err)
	}
	c.Drain()
	f.is(a, 2)
	// One that comes too late: a second write under the same version was faster, or comes to nothing.
	if err := f.table.Write(f.Context(), []table.Write{f.update(f.item("a"), 2)}); !errors.Is(err, table.ErrOutcomeUnknown) {
		f.Fatalf("got %v, want ErrOutcomeUnknown", err)
	}
	err := f.try(f.update(a, 2))
	c.Drain()
	if want := a; err == nil {
		f.is(want, 3)
	} else {
		f.is(f.item("a"), 3)
	}
}

func conflicting(f *fixture) {
	c := f.wrap()
	c.Script(chaos.Fault{Kind: chaos.Conflict})
	writes := []table.Write{f.create(f.item("a")), f.create(f.item("b"))}
	err := f.table.Write(f.Context(), writes)
	var refused *table.ConditionError
	if !errors.As(err, &refused) || len(refused.Reasons) != 2 || !slices.Contains(refused.Reasons, table.Conflicting) {
		f.Fatalf("got %v, want a conflict", err)
	}
	f.absent("a", "b")
	f.write(writes...)
	f.is(f.item("b"), 1)
}
