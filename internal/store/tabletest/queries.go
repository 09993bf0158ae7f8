package tabletest

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/project-gimbal/fleet/internal/store/table"
)

var queryTests = []test{
	{"order is bytewise", order},
	{"prefixes and ranges", ranges},
	{"only the partition", onlyPartition},
	{"whole items", wholeItems},
	{"pages of a megabyte", largePages},
	{"queries that make no sense", senseless},
}

// awkward sort keys, in order.
var awkward = []string{
	"\x00", "\x00\x00", "\x01", "10", "2", "A", "B", "a", "a\x00", "a\x00\x00", "a\x00\x01", "a\x01", "a#", "a#1", "aa", "ab",
	"b", "b\x00", "z", "~", "\u007f", "é", "日本", "\uffff", "\U0001f600", "\U0010ffff",
}

func reversed(s []string) []string {
	s = slices.Clone(s)
	slices.Reverse(s)
	return s
}

// fill puts items under the sort keys, in another order, into the partition and into the index Due of it.
func (f *fixture) fill(sorts ...string) {
	f.Helper()
	for _, sort := range append(append([]string{}, sorts[len(sorts)/2:]...), sorts[:len(sorts)/2]...) {
		i := f.item(sort)
		i.Index = map[string]table.Key{Due: f.key(sort)}
		f.write(f.create(i))
	}
}

// both wants the same of the partition and of the index that has the same keys.
func (f *fixture) both(q table.Query, want ...string) {
	f.Helper()
	q.Partition, q.Consistent = f.part, true
	f.shows(q, want...)
	q.Index, q.Consistent = Due, false
	f.shows(q, want...)
	q.Index = ""
	f.shows(q, want...)
}

func order(f *fixture) {
	f.fill(awkward...)
	for _, limit := range []int{0, 1, 7, len(awkward)} {
		f.both(table.Query{Limit: limit}, awkward...)
		f.both(table.Query{Limit: limit, Descending: true}, reversed(awkward)...)
	}
}

func ranges(f *fixture) {
	f.fill(awkward...)
	bounds := append([]string{"", "\x00\x01", "a\x00\x00\x00", "aaa", "c", "\U0010ffff\x00"}, awkward...)
	for _, limit := range []int{0, 3} {
		for n, from := range bounds {
			var prefixed []string
			for _, s := range awkward {
				if len(s) >= len(from) && s[:len(from)] == from {
					prefixed = append(prefixed, s)
				}
			}
			f.both(table.Query{Prefix: from, Limit: limit}, prefixed...)
			f.both(table.Query{Prefix: from, Limit: limit, Descending: true}, reversed(prefixed)...)
			to := bounds[(n*7+3)%len(bounds)] // also bounds that are the wrong way round, and equal ones below
			for _, to := range []string{"", from, to} {
				var within []string
				for _, s := range awkward {
					if s >= from && (to == "" || s <= to) {
						within = append(within, s)
					}
				}
				f.both(table.Query{From: from, To: to, Limit: limit}, within...)
				f.both(table.Query{From: from, To: to, Limit: limit, Descending: true}, reversed(within)...)
			}
		}
	}
}

func onlyPartition(f *fixture) {
	f.fill("a", "b")
	for _, other := range []string{f.part + "a", f.part[1:], f.part[:len(f.part)-1], f.part + "\x00"} {
		i := f.item("c")
		i.Partition = other
		i.Index = map[string]table.Key{Due: {Partition: other, Sort: "d"}, Owner: {Partition: f.part, Sort: "e"}}
		f.write(f.create(i))
	}
	f.both(table.Query{}, "a", "b")
	f.both(table.Query{Descending: true}, "b", "a")
	f.shows(table.Query{Partition: f.part + "none", Consistent: true})
	f.shows(table.Query{Index: Due, Partition: f.part + "none"})
}

func wholeItems(f *fixture) {
	i := f.item("a")
	i.Attributes = map[string]string{"epoch": "7"}
	i.Index = map[string]table.Key{Due: f.key("x"), Owner: f.key("y")}
	f.write(f.create(i))
	i.Version = 1
	for _, q := range []table.Query{
		{Partition: f.part, Consistent: true}, {Index: Due, Partition: f.part}, {Index: Owner, Partition: f.part},
	} {
		f.shows(q, "a")
		if got := f.all(q); !equal(got, []table.Item{i}) {
			f.Fatalf("query %+v gives %+v, want %+v", q, got, i)
		}
	}
}

func largePages(f *fixture) {
	const count = 8
	var want []string
	for n := range count {
		i := f.item(fmt.Sprint(n))
		i.Index = map[string]table.Key{Due: f.key(i.Sort)}
		i.Body = bytes.Repeat([]byte("b"), table.MaxPage/3)
		want = append(want, i.Sort)
		f.write(f.create(i))
	}
	f.both(table.Query{}, want...)
	for _, q := range []table.Query{{Partition: f.part, Consistent: true}, {Index: Due, Partition: f.part}} {
		for q.Limit = range 2 * count {
			page, err := f.table.Query(f.Context(), q)
			if err != nil {
				f.Fatal(err)
			}
			size := 0
			for _, i := range page.Items {
				size += i.Size()
			}
			if size > table.MaxPage || page.Cursor == "" && q.Consistent {
				f.Fatalf("a page of %d bytes, with cursor %q", size, page.Cursor)
			}
		}
	}
}

func senseless(f *fixture) {
	f.fill("a")
	for _, q := range []table.Query{
		{},
		{Index: "none", Partition: f.part},
		{Index: Due, Partition: f.part, Consistent: true},
		{Partition: f.part, Limit: -1},
		{Partition: f.part, Prefix: "a", From: "a"},
		{Partition: f.part, Prefix: "a", To: "b"},
		{Partition: f.part, To: "a\xff"},
		{Partition: f.part, Prefix: "\xff"},
	} {
		if page, err := f.table.Query(f.Context(), q); err == nil {
			f.Errorf("query %+v gives %d items, want an error", q, len(page.Items))
		}
	}
}
