package tabletest

import (
	"fmt"
	"slices"
	"time"

	"github.com/project-gimbal/fleet/internal/store/table"
)

var indexTests = []test{
	{"sparse", sparse},
	{"entries move", moved},
	{"entries go with the item", removed},
	{"entries of an item in two indexes", twoIndexes},
	{"items in one place", shared},
}

// in gives an item with a place in the index Due, none if at is empty.
func (f *fixture) in(sort, at string) table.Item {
	i := f.item(sort)
	if at != "" {
		i.Index = map[string]table.Key{Due: {Partition: f.part + "due", Sort: at}}
	}
	return i
}

func (f *fixture) due() table.Query { return table.Query{Index: Due, Partition: f.part + "due"} }

func sparse(f *fixture) {
	f.write(f.create(f.in("a", "3")), f.create(f.in("b", "")), f.create(f.in("c", "1")))
	f.shows(f.due(), "c", "a")
	f.write(f.update(f.in("a", ""), 1), f.update(f.in("b", "2"), 1))
	f.shows(f.due(), "c", "b")
	f.shows(table.Query{Index: Owner, Partition: f.part + "due"})
}

func moved(f *fixture) {
	f.write(f.create(f.in("a", "1")), f.create(f.in("b", "2")))
	f.write(f.update(f.in("a", "3"), 1))
	f.shows(f.due(), "b", "a")
	elsewhere := f.in("a", "")
	elsewhere.Index = map[string]table.Key{Due: {Partition: f.part + "later", Sort: "3"}}
	f.write(f.update(elsewhere, 2))
	f.shows(f.due(), "b")
	f.shows(table.Query{Index: Due, Partition: f.part + "later"}, "a")
	for range 3 { // the same place again
		f.write(f.update(f.in("b", "2"), f.get("b").Version))
	}
	f.shows(f.due(), "b")
	f.eventually(func() error {
		items, err := readAll(f.Context(), f.table, f.due())
		if err == nil && (len(items) != 1 || items[0].Version != 4) {
			err = fmt.Errorf("the index shows %+v, want version 4 of b", items)
		}
		return err
	}, false)
}

func removed(f *fixture) {
	f.write(f.create(f.in("a", "1")), f.create(f.in("b", "2")), f.create(f.in("c", "3")))
	f.write(f.remove("a", table.Condition{Version: 1}), f.update(f.in("c", "0"), 1))
	f.shows(f.due(), "c", "b")
	f.write(f.create(f.in("a", "")))
	f.shows(f.due(), "c", "b")

	gone := f.in("d", "4")
	gone.Expires = f.clock.Now().Add(-time.Minute)
	f.write(f.create(gone))
	f.write(f.create(f.in("d", "5"))) // over the expired one, whose entry goes
	f.shows(f.due(), "c", "b", "d")
	f.write(f.remove("d", table.Condition{Version: 1}))
	f.shows(f.due(), "c", "b")
}

func twoIndexes(f *fixture) {
	i := f.in("a", "1")
	i.Index[Owner] = table.Key{Partition: f.part + "due", Sort: "9"}
	f.write(f.create(i), f.create(f.in("b", "5")))
	owner := table.Query{Index: Owner, Partition: f.part + "due"}
	f.shows(f.due(), "a", "b")
	f.shows(owner, "a")
	i = f.in("a", "6")
	i.Index[Owner] = table.Key{Partition: f.part + "due", Sort: "9"}
	f.write(f.update(i, 1))
	f.shows(f.due(), "b", "a")
	f.shows(owner, "a")
	f.write(f.update(f.in("a", "6"), 2))
	f.shows(f.due(), "b", "a")
	f.shows(owner)
}

// shared puts several items into one place, of several partitions too. Their order among themselves is the database's.
func shared(f *fixture) {
	const each = 6
	var want []string
	for _, at := range []string{"1", "1\x00", "2"} {
		for n := range each {
			i := f.in(fmt.Sprint(at, " item ", n), at)
			i.Partition = fmt.Sprint(f.part, n%3)
			f.write(f.create(i))
			want = append(want, i.Sort)
		}
	}
	grouped := func(items []string) []string {
		items = slices.Clone(items)
		for n := 0; n+each <= len(items); n += each {
			slices.Sort(items[n : n+each])
		}
		return items
	}
	for _, limit := range []int{0, 1, 4, each} {
		for _, down := range []bool{false, true} {
			q := f.due()
			q.Limit, q.Descending = limit, down
			expect := want
			if down {
				expect = grouped(reversed(want))
			}
			f.eventually(func() error {
				items, err := readAll(f.Context(), f.table, q)
				if got := grouped(sorts(items)); err == nil && !slices.Equal(got, expect) {
					err = fmt.Errorf("query %+v gives %q, want %q", q, got, expect)
				}
				return err
			}, false)
		}
	}
	one := f.due()
	one.From, one.To = "1", "1"
	f.eventually(func() error {
		items, err := readAll(f.Context(), f.table, one)
		if got := grouped(sorts(items)); err == nil && !slices.Equal(got, want[:each]) {
			err = fmt.Errorf("one place holds %q, want %q", got, want[:each])
		}
		return err
	}, false)
}
