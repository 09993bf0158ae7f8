package tabletest

import (
	"fmt"
	"slices"

	"github.com/google/go-cmp/cmp"

	"github.com/project-gimbal/fleet/internal/store/table"
)

func equal(a, b []table.Item) bool { return cmp.Equal(a, b, same...) }

var cursorTests = []test{
	{"items that come and go between pages", comeAndGo},
	{"pages of several sizes", sizes},
	{"of another query", foreign},
	{"made up", madeUp},
}

// first reads until there are some items, and gives them and the cursor after them.
func (f *fixture) first(q table.Query) ([]string, string) {
	f.Helper()
	for range 1000 {
		page, err := f.table.Query(f.Context(), q)
		if err != nil {
			f.Fatal(err)
		}
		if len(page.Items) > 0 || page.Cursor == "" {
			return sorts(page.Items), page.Cursor
		}
		q.Cursor = page.Cursor
	}
	f.Fatalf("query %+v: empty pages without end", q)
	return nil, ""
}

// comeAndGo changes a partition while it is read: what stays is read once, what is behind the reader isn't read again.
func comeAndGo(f *fixture) {
	for _, down := range []bool{false, true} {
		part := fmt.Sprint("down ", down, " ")
		name := func(s string) string { return part + s }
		for _, s := range []string{"b", "d", "f", "h", "j"} {
			f.write(f.create(f.item(name(s))))
		}
		q := table.Query{Partition: f.part, Prefix: part, Limit: 2, Descending: down, Consistent: true}
		got, cursor := f.first(q)
		for len(got) < 2 && cursor != "" {
			q.Cursor, q.Limit = cursor, 2-len(got)
			var more []string
			more, cursor = f.first(q)
			got = append(got, more...)
		}
		if cursor == "" {
			f.Fatalf("no cursor after %q", got)
		}
		gone := []string{"b", "d", "f"}
		if down {
			gone = []string{"j", "h", "f"}
		}
		for _, s := range gone { // what was read, the cursor's own item among it, and what comes next
			f.write(f.remove(name(s), table.Condition{Version: 1}))
		}
		for _, s := range []string{"a", "c", "e", "g", "i", "k"} {
			f.write(f.create(f.item(name(s))))
		}
		q.Cursor, q.Limit = cursor, 1
		for _, i := range f.all(q) {
			got = append(got, i.Sort)
		}
		want := []string{"b", "d", "e", "g", "h", "i", "j", "k"}
		if down {
			want = []string{"j", "h", "g", "e", "d", "c", "b", "a"}
		}
		for n := range want {
			want[n] = name(want[n])
		}
		if !slices.Equal(got, want) {
			f.Fatalf("read %q, want %q", got, want)
		}
	}
}

func sizes(f *fixture) {
	f.fill(awkward...)
	for _, index := range []string{"", Due} {
		q := table.Query{Index: index, Partition: f.part, Consistent: index == ""}
		f.shows(q, awkward...)
		var got []string
		for n := 0; n == 0 || q.Cursor != ""; n++ {
			q.Limit = 1 + n%4
			page, err := f.table.Query(f.Context(), q)
			if err != nil {
				f.Fatal(err)
			}
			got = append(got, sorts(page.Items)...)
			q.Cursor = page.Cursor
		}
		if !slices.Equal(got, awkward) {
			f.Fatalf("read %q, want %q", got, awkward)
		}
	}
}

func foreign(f *fixture) {
	f.fill("a", "aa", "ab", "b", "c")
	of := table.Query{Partition: f.part, Prefix: "a", Limit: 1, Consistent: true}
	_, cursor := f.first(of)
	for _, change := range []func(q *table.Query){
		func(q *table.Query) { q.Partition += "x" },
		func(q *table.Query) { q.Index, q.Consistent = Due, false },
		func(q *table.Query) { q.Prefix = "" },
		func(q *table.Query) { q.Prefix = "aa" },
		func(q *table.Query) { q.Prefix, q.From = "", "a" },
		func(q *table.Query) { q.Prefix, q.To = "", "a" },
		func(q *table.Query) { q.Descending = true },
	} {
		q := of
		q.Cursor = cursor
		change(&q)
		if page, err := f.table.Query(f.Context(), q); err == nil {
			f.Errorf("query %+v gives %q with the cursor of another", q, sorts(page.Items))
		}
	}
	of.Cursor = cursor
	f.shows(of, "aa", "ab")
}

func madeUp(f *fixture) {
	f.fill("a", "b")
	q := table.Query{Partition: f.part, Limit: 1, Consistent: true}
	_, cursor := f.first(q)
	for _, q.Cursor = range []string{"x", "~", ".", "!", "AAAA", cursor[1:], cursor[:len(cursor)/2], "~e30", "~bnVsbA"} {
		if page, err := f.table.Query(f.Context(), q); err == nil {
			f.Errorf("cursor %q gives %q", q.Cursor, sorts(page.Items))
		}
	}
}
