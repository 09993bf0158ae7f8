package tabletest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/project-gimbal/fleet/internal/store/table"
)

var limitTests = []test{
	{"100 items and no more", mostItems},
	{"large items and no larger", mostOfItem},
	{"large writes", largeWrite},
	{"larger writes", largerWrite},
	{"an item once", itemTwice},
	{"keys", keys},
	{"a fitting condition", fitting},
}

// over wants a write refused by the limits, before anything is written.
func (f *fixture) over(what string, writes ...table.Write) {
	f.Helper()
	if err := f.table.Write(f.Context(), writes); !errors.Is(err, table.ErrLimit) {
		f.Fatalf("%s: got %v, want ErrLimit", what, err)
	}
	f.shows(table.Query{Partition: f.part, Prefix: "over", Consistent: true})
}

func mostItems(f *fixture) {
	var writes []table.Write
	for n := range table.MaxWrites + 1 {
		writes = append(writes, f.create(f.item(fmt.Sprintf("over%03d", n))))
	}
	f.over("an item too many", writes...)
	f.over("nothing")
	checked := append([]table.Write{f.check("none", table.Condition{Absent: true})}, writes[:table.MaxWrites]...)
	f.over("a check too many", checked...)
	f.write(writes[:table.MaxWrites]...)
	if n := len(f.all(table.Query{Partition: f.part, Consistent: true})); n != table.MaxWrites {
		f.Fatalf("%d items, want %d", n, table.MaxWrites)
	}
}

// near is what a database may need of an item's bytes for its own purposes.
const near = 4 << 10

func text(n int) string { return strings.Repeat("x", n) }

func mostOfItem(f *fixture) {
	i := f.item("most")
	i.Body = bytes.Repeat([]byte("b"), table.MaxItemSize-near)
	f.write(f.create(i))
	f.is(i, 1)

	// Whatever of an item is large counts.
	body := bytes.Repeat([]byte("b"), table.MaxItemSize-table.MaxSort)
	for what, i := range map[string]table.Item{
		"body":            {Body: bytes.Repeat([]byte("b"), table.MaxItemSize)},
		"attribute":       {Body: body, Attributes: map[string]string{"a": text(table.MaxSort)}},
		"attribute name":  {Body: body, Attributes: map[string]string{text(table.MaxSort): ""}},
		"index entry":     {Body: body, Index: map[string]table.Key{Due: {Partition: "p", Sort: text(table.MaxSort)}}},
		"index partition": {Body: body, Index: map[string]table.Key{Due: {Partition: text(table.MaxSort), Sort: "s"}}},
		"key":             {Body: body, Key: table.Key{Sort: "over" + text(table.MaxSort-4)}},
	} {
		i.Partition = f.part
		if i.Sort == "" {
			i.Sort = "over"
		}
		f.over(what, f.create(f.item("over1")), f.create(i))
	}
}

// elevenths are creates of which eleven fit into one write, and one more does not.
func (f *fixture) elevenths(prefix string) []table.Write {
	var writes []table.Write
	for n := range 12 {
		i := f.item(fmt.Sprintf("%s%02d", prefix, n))
		i.Body = bytes.Repeat([]byte("b"), table.MaxWriteSize/11-near)
		writes = append(writes, f.create(i))
	}
	return writes
}

func largeWrite(f *fixture) {
	writes := f.elevenths("large")
	f.write(writes[:11]...)
	f.is(writes[0].Item, 1)
}

func largerWrite(f *fixture) { f.over("a large write", f.elevenths("over")...) }

func itemTwice(f *fixture) {
	absent := table.Condition{Absent: true}
	for _, again := range []table.Write{f.create(f.item("over")), f.remove("over", absent), f.check("over", absent)} {
		f.over("twice", f.create(f.item("over")), f.create(f.item("over1")), again)
	}
	f.over("checked twice", f.check("a", absent), f.create(f.item("over1")), f.check("a", absent))
}

func keys(f *fixture) {
	longest := table.Key{Partition: f.part + text(table.MaxPartition-len(f.part)), Sort: text(table.MaxSort)}
	i := table.Item{Key: longest, Index: map[string]table.Key{Due: longest}}
	f.write(f.create(i))
	f.shows(table.Query{Partition: longest.Partition, Consistent: true}, longest.Sort)
	f.shows(table.Query{Index: Due, Partition: longest.Partition}, longest.Sort)

	for what, key := range map[string]table.Key{
		"empty partition": {Sort: "over"},
		"empty sort key":  {Partition: f.part},
		"long partition":  {Partition: longest.Partition + "x", Sort: "over"},
		"long sort key":   {Partition: f.part, Sort: "over" + longest.Sort},
		"not UTF-8":       {Partition: f.part, Sort: "over\xff"},
	} {
		other := f.create(f.item("over1"))
		for _, w := range []table.Write{
			{Op: table.Put, If: table.Condition{Absent: true}, Item: table.Item{Key: key}},
			{Op: table.Put, If: table.Condition{Absent: true}, Item: table.Item{Key: f.key("over"), Index: map[string]table.Key{Due: key}}},
			{Op: table.Delete, If: table.Condition{Absent: true}, Item: table.Item{Key: key}},
			{Op: table.Check, If: table.Condition{Absent: true}, Item: table.Item{Key: key}},
		} {
			f.over(what, other, w)
		}
		if _, err := f.table.Get(f.Context(), key, true); !errors.Is(err, table.ErrLimit) {
			f.Fatalf("get with %s: got %v, want ErrLimit", what, err)
		}
	}
	for what, i := range map[string]table.Item{
		"no such index":     {Index: map[string]table.Key{"none": f.key("x")}},
		"index without one": {Index: map[string]table.Key{"": f.key("x")}},
		"nameless":          {Attributes: map[string]string{"": "x"}},
		"not UTF-8":         {Attributes: map[string]string{"x": "\xff"}},
	} {
		i.Key = f.key("over")
		f.over(what, f.create(f.item("over1")), f.create(i))
	}
}

func fitting(f *fixture) {
	i := f.item("over")
	for what, w := range map[string]table.Write{
		"a put without":             {Op: table.Put, Item: i},
		"a put on an attribute":     {Op: table.Put, Item: i, If: table.Condition{Attribute: "a", Value: "b"}},
		"a delete without":          {Op: table.Delete, Item: i},
		"a check without":           {Op: table.Check, Item: i},
		"two conditions":            {Op: table.Put, Item: i, If: table.Condition{Absent: true, Version: 1}},
		"two conditions on a check": {Op: table.Check, Item: i, If: table.Condition{Version: 1, Attribute: "a"}},
		"a value of nothing":        {Op: table.Check, Item: i, If: table.Condition{Value: "a"}},
		"a negative version":        {Op: table.Put, Item: i, If: table.Condition{Version: -1}},
		"no operation":              {Item: i, If: table.Condition{Absent: true}},
		"an unknown operation":      {Op: table.Check + 1, Item: i, If: table.Condition{Absent: true}},
	} {
		f.over(what, f.create(f.item("over1")), w)
	}
}

var contextTests = []test{{"nothing is done when it is done", done}}

func done(f *fixture) {
	ctx, cancel := context.WithCancel(f.Context())
	cancel()
	f.write(f.create(f.item("a")))
	if err := f.table.Write(ctx, []table.Write{f.create(f.item("b"))}); !errors.Is(err, context.Canceled) {
		f.Errorf("write: got %v", err)
	}
	if _, err := f.table.Get(ctx, f.key("a"), true); !errors.Is(err, context.Canceled) {
		f.Errorf("get: got %v", err)
	}
	if _, err := f.table.Query(ctx, table.Query{Partition: f.part}); !errors.Is(err, context.Canceled) {
		f.Errorf("query: got %v", err)
	}
	f.absent("b")
}

var expiryTests = []test{
	{"expired items are absent", expired},
	{"expired items are in no query", expiredQuery},
	{"fractions of a second are dropped", fractions},
}

func expired(f *fixture) {
	i := f.item("a")
	i.Attributes = map[string]string{"epoch": "1"}
	i.Expires = f.clock.Now().Add(-time.Hour).Truncate(time.Second).UTC()
	f.write(f.create(i))
	f.absent("a")
	f.write(f.check("a", table.Condition{Absent: true}))
	f.refused([]table.Reason{table.WrongVersion}, f.check("a", table.Condition{Version: 1}))
	f.refused([]table.Reason{table.WrongVersion}, f.update(i, 1))
	f.refused([]table.Reason{table.WrongVersion}, f.remove("a", table.Condition{Version: 1}))
	f.refused([]table.Reason{table.WrongAttribute}, f.check("a", table.Condition{Attribute: "epoch", Value: "1"}))
	f.write(f.create(i)) // again, as if it weren't there
	f.absent("a")
	f.write(f.remove("a", table.Condition{Absent: true}))
	live := f.item("a")
	live.Expires = f.clock.Now().Add(time.Hour).Truncate(time.Second).UTC()
	f.write(f.create(live))
	f.is(live, 1)
	f.refused([]table.Reason{table.Exists}, f.create(live))
}

func expiredQuery(f *fixture) {
	for n, sort := range []string{"a", "b", "c", "d", "e", "f"} {
		i := f.item(sort)
		i.Index = map[string]table.Key{Due: {Partition: f.part + "due", Sort: sort}}
		if n%2 == 0 {
			i.Expires = f.clock.Now().Add(-time.Hour)
		} else {
			i.Expires = f.clock.Now().Add(time.Hour)
		}
		f.write(f.create(i))
	}
	for _, limit := range []int{0, 1, 2} {
		f.shows(table.Query{Partition: f.part, Consistent: true, Limit: limit}, "b", "d", "f")
		f.shows(table.Query{Index: Due, Partition: f.part + "due", Descending: true, Limit: limit}, "f", "d", "b")
	}
	again := f.item("a") // what takes an expired one's place isn't found by that one's index entry
	f.write(f.create(again))
	f.shows(table.Query{Index: Due, Partition: f.part + "due"}, "b", "d", "f")
}

func fractions(f *fixture) {
	i := f.item("a")
	whole := f.clock.Now().Add(time.Hour).Truncate(time.Second)
	i.Expires = whole.Add(999 * time.Millisecond).In(time.FixedZone("", 3600))
	f.write(f.create(i))
	if got := f.get("a").Expires; got != whole.UTC() {
		f.Fatalf("expires %v, want %v", got, whole.UTC())
	}
}
