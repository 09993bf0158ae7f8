package tabletest

import (
	"bytes"
	"fmt"
	"time"

	"github.com/project-gimbal/fleet/internal/store/table"
)

var writeTests = []test{
	{"what is put is got", putGet},
	{"what is put and got is the caller's", owned},
	{"the version grows with each write", versions},
	{"a deleted item begins anew", deleted},
	{"every condition with every operation", conditions},
	{"an attribute without value is not an absent one", emptyAttribute},
	{"a check changes nothing", checked},
	{"all or nothing", allOrNothing},
	{"reasons come in order", reasons},
	{"a put replaces the whole item", replaced},
}

func putGet(f *fixture) {
	f.absent("a")
	full := table.Item{
		Key:        f.key("a"),
		Version:    41, // the table's to set
		Attributes: map[string]string{"epoch": "7", "empty": "", "text": "é\x00\n\"<"},
		Index:      map[string]table.Key{Due: {Partition: f.part + "due", Sort: "2026"}, Owner: {Partition: f.part + "owner", Sort: "x"}},
		Body:       []byte("{ \"kept\":  \"byte for byte\" }\x00\xff"),
		Expires:    f.clock.Now().Add(time.Hour).Truncate(time.Second).UTC(),
	}
	bare := table.Item{Key: f.key("b")}
	f.write(f.create(full), f.create(bare))
	f.is(full, 1)
	f.is(bare, 1)
	f.eventually(func() error {
		i, err := f.table.Get(f.Context(), full.Key, false)
		if err == nil && i.Version != 1 {
			err = fmt.Errorf("version %d", i.Version)
		}
		return err
	}, false)
	f.absent("A", "a\x00", "ab")
}

// owned changes what it gave and what it got: the table has its own. The item is large, since databases may copy small
// ones anyway.
func owned(f *fixture) {
	fresh := func() table.Item {
		i := f.item("a")
		i.Body = bytes.Repeat([]byte("b"), 64<<10)
		i.Attributes = map[string]string{"epoch": "1"}
		i.Index = map[string]table.Key{Due: f.key("due")}
		return i
	}
	spoil := func(i table.Item) {
		i.Body[0], i.Attributes["epoch"], i.Index[Due] = 'x', "2", f.key("spoilt")
	}
	given := fresh()
	f.write(f.create(given))
	spoil(given)
	f.is(fresh(), 1)
	spoil(f.get("a"))
	f.is(fresh(), 1)
	f.shows(table.Query{Index: Due, Partition: f.part}, "a")
	for _, i := range f.all(table.Query{Partition: f.part, Consistent: true}) {
		spoil(i)
	}
	f.is(fresh(), 1)
}

func versions(f *fixture) {
	i := f.item("a")
	f.write(f.create(i))
	for v := int64(1); v <= 5; v++ {
		f.is(i, v)
		i.Body = fmt.Appendf(nil, "%d", v)
		f.write(f.update(i, v))
	}
	f.is(i, 6)
	f.refused([]table.Reason{table.WrongVersion}, f.update(i, 5))
	f.refused([]table.Reason{table.WrongVersion}, f.update(i, 7))
	f.is(i, 6)
}

func deleted(f *fixture) {
	i := f.item("a")
	f.write(f.create(i))
	f.write(f.update(i, 1))
	f.write(f.remove("a", table.Condition{Version: 2}))
	f.absent("a")
	f.refused([]table.Reason{table.WrongVersion}, f.update(i, 2))
	f.write(f.create(i))
	f.is(i, 1)
}

// conditions tries each condition with each operation on an item, on one that isn't there, and the item after it.
func conditions(f *fixture) {
	epoch := func(value string) table.Condition { return table.Condition{Attribute: "epoch", Value: value} }
	there, version, old := table.Condition{Absent: true}, table.Condition{Version: 2}, table.Condition{Version: 1}
	for i, c := range []struct {
		op            table.Op
		cond          table.Condition
		there, absent table.Reason
	}{
		{table.Put, there, table.Exists, table.Fine},
		{table.Put, version, table.Fine, table.WrongVersion},
		{table.Put, old, table.WrongVersion, table.WrongVersion},
		{table.Delete, there, table.Exists, table.Fine},
		{table.Delete, version, table.Fine, table.WrongVersion},
		{table.Delete, old, table.WrongVersion, table.WrongVersion},
		{table.Delete, epoch("7"), table.Fine, table.WrongAttribute},
		{table.Delete, epoch("8"), table.WrongAttribute, table.WrongAttribute},
		{table.Check, there, table.Exists, table.Fine},
		{table.Check, version, table.Fine, table.WrongVersion},
		{table.Check, old, table.WrongVersion, table.WrongVersion},
		{table.Check, epoch("7"), table.Fine, table.WrongAttribute},
		{table.Check, epoch("8"), table.WrongAttribute, table.WrongAttribute},
		{table.Check, table.Condition{Attribute: "other", Value: "7"}, table.WrongAttribute, table.WrongAttribute},
	} {
		name := fmt.Sprintf("there%02d", i)
		item := f.item(name)
		item.Attributes = map[string]string{"epoch": "7"}
		f.write(f.create(item))
		f.write(f.update(item, 1))
		f.outcome(table.Write{Op: c.op, Item: item, If: c.cond}, c.there, 2)

		item.Key = f.key(fmt.Sprintf("absent%02d", i))
		f.outcome(table.Write{Op: c.op, Item: item, If: c.cond}, c.absent, 0)
	}
}

// outcome makes a write alone and wants this reason, and then the item as it must be. Version is the one before.
func (f *fixture) outcome(w table.Write, want table.Reason, version int64) {
	f.Helper()
	if want == table.Fine {
		f.write(w)
		switch w.Op {
		case table.Put:
			version++
		case table.Delete:
			version = 0
		}
	} else {
		f.refused([]table.Reason{want}, w)
	}
	if version == 0 {
		f.absent(w.Item.Sort)
	} else {
		f.is(w.Item, version)
	}
}

func emptyAttribute(f *fixture) {
	i := f.item("a")
	i.Attributes = map[string]string{"empty": ""}
	f.write(f.create(i))
	f.write(f.check("a", table.Condition{Attribute: "empty"}))
	f.refused([]table.Reason{table.WrongAttribute}, f.check("a", table.Condition{Attribute: "none"}))
}

func checked(f *fixture) {
	i := f.item("a")
	i.Attributes = map[string]string{"epoch": "1"}
	f.write(f.create(i))
	w := f.check("a", table.Condition{Attribute: "epoch", Value: "1"})
	w.Item.Body = []byte("not written")
	f.write(w, f.check("b", table.Condition{Absent: true}), f.create(f.item("c")))
	f.is(i, 1)
	f.absent("b")
}

func allOrNothing(f *fixture) {
	a, b := f.item("a"), f.item("b")
	a.Index = map[string]table.Key{Due: {Partition: f.part + "due", Sort: "a"}}
	f.write(f.create(a), f.create(b))
	moved := a
	moved.Body = []byte("moved")
	moved.Index = map[string]table.Key{Due: {Partition: f.part + "due", Sort: "z"}}
	n := f.item("n")
	n.Index = map[string]table.Key{Due: {Partition: f.part + "due", Sort: "n"}}
	fails := []table.Write{
		f.check("b", table.Condition{Version: 2}),
		f.remove("none", table.Condition{Version: 1}),
		f.create(f.item("b")),
		f.update(f.item("none"), 1),
	}
	for _, fail := range fails {
		others := []table.Write{f.update(moved, 1), f.create(n)}
		if fail.Item.Sort != "b" {
			others = append(others, f.remove("b", table.Condition{Version: 1}))
		}
		for at := range len(others) + 1 { // first, in the middle and last
			writes := append(append(append([]table.Write{}, others[:at]...), fail), others[at:]...)
			if err := f.try(writes...); err == nil {
				f.Fatalf("made although %+v fails", fail)
			}
			f.is(a, 1)
			f.is(b, 1)
			f.absent("n", "none")
		}
	}
	f.shows(table.Query{Index: Due, Partition: f.part + "due"}, "a")
}

func reasons(f *fixture) {
	i := f.item("there")
	i.Attributes = map[string]string{"epoch": "1"}
	j := f.item("also")
	f.write(f.create(i), f.create(j))
	parts := []table.Write{
		f.create(f.item("new")),
		f.create(j),
		f.check("there", table.Condition{Attribute: "epoch", Value: "2"}),
		f.remove("none", table.Condition{Version: 1}),
		f.check("neither", table.Condition{Absent: true}),
	}
	want := []table.Reason{table.Fine, table.Exists, table.WrongAttribute, table.WrongVersion, table.Fine}
	for range parts {
		f.refused(want, parts...)
		parts, want = append(parts[1:], parts[0]), append(want[1:], want[0])
	}
}

func replaced(f *fixture) {
	i := f.item("a")
	i.Attributes = map[string]string{"one": "1", "two": "2"}
	i.Index = map[string]table.Key{Due: {Partition: f.part + "due", Sort: "a"}}
	i.Expires = f.clock.Now().Add(time.Hour).Truncate(time.Second).UTC()
	f.write(f.create(i))
	bare := f.item("a")
	bare.Attributes = map[string]string{"two": "3"}
	f.write(f.update(bare, 1))
	f.is(bare, 2)
	f.shows(table.Query{Index: Due, Partition: f.part + "due"})
}
