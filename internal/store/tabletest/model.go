package tabletest

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/project-gimbal/fleet/internal/store/table"
)

var modelTests = []test{{"random writes and queries", compare}}

// compare runs random writes and queries on the table and on a model of it, and wants the same from both.
func compare(f *fixture) {
	t, ok := f.TB.(*testing.T)
	if !ok {
		f.Fatal("needs a *testing.T")
	}
	rapid.Check(t, func(r *rapid.T) {
		c := &comparison{r: r, f: f, part: rand.Text(), now: f.clock.Now().Truncate(time.Second), model: model{}}
		r.Repeat(map[string]func(*rapid.T){"write": c.write, "get": c.get, "query": c.query, "index": c.index})
	})
}

// model is a table, as simple as can be: its items, and nothing else.
type model map[table.Key]table.Item

func (m model) live(key table.Key, now time.Time) (table.Item, bool) {
	i, ok := m[key]
	if ok && !i.Expires.IsZero() && !i.Expires.After(now) {
		return table.Item{}, false
	}
	return i, ok
}

// write gives the reasons to refuse, or makes the write and gives none.
func (m model) write(writes []table.Write, now time.Time) []table.Reason {
	var reasons []table.Reason
	fails := false
	for _, w := range writes {
		i, there := m.live(w.Item.Key, now)
		reason := table.Fine
		switch value, has := i.Attributes[w.If.Attribute]; {
		case w.If.Absent && there:
			reason = table.Exists
		case w.If.Version > 0 && w.If.Version != i.Version:
			reason = table.WrongVersion
		case w.If.Attribute != "" && (!has || value != w.If.Value):
			reason = table.WrongAttribute
		}
		reasons = append(reasons, reason)
		fails = fails || reason != table.Fine
	}
	if fails {
		return reasons
	}
	for _, w := range writes {
		switch w.Op {
		case table.Put:
			i := w.Item
			i.Version = w.If.Version + 1
			m[i.Key] = i
		case table.Delete:
			delete(m, w.Item.Key)
		}
	}
	return nil
}

// query gives the query's items, those in one place of an index in the order of their keys.
func (m model) query(q table.Query, now time.Time) []table.Item {
	at := func(i table.Item) table.Key {
		if q.Index != "" {
			return i.Index[q.Index]
		}
		return i.Key
	}
	var items []table.Item
	for key := range m {
		i, live := m.live(key, now)
		k := at(i)
		if live && k.Partition == q.Partition && strings.HasPrefix(k.Sort, q.Prefix) && k.Sort >= q.From && (q.To == "" || k.Sort <= q.To) {
			items = append(items, i)
		}
	}
	slices.SortFunc(items, func(a, b table.Item) int {
		c := strings.Compare(at(a).Sort, at(b).Sort)
		if q.Descending {
			c = -c
		}
		if c == 0 {
			c = compareKeys(a, b)
		}
		return c
	})
	return items
}

func compareKeys(a, b table.Item) int {
	if c := strings.Compare(a.Partition, b.Partition); c != 0 {
		return c
	}
	return strings.Compare(a.Sort, b.Sort)
}

// comparison is one random run.
type comparison struct {
	r     *rapid.T
	f     *fixture
	part  string
	now   time.Time
	model model
}

// Few names, so that writes and queries meet.
var (
	partitions = rapid.SampledFrom([]string{"", "p", "pp", "\x00"})
	names      = rapid.SampledFrom([]string{"a", "a\x00", "a\x00b", "aa", "b", "é", "\x00"})
	edges      = rapid.SampledFrom([]string{"", "", "a", "a\x00", "aa", "b", "c", "\x00"})
	values     = rapid.SampledFrom([]string{"", "1", "2"})
	ages       = rapid.SampledFrom([]time.Duration{0, 0, 0, -2 * time.Hour, -time.Minute, time.Hour})
	conds      = rapid.SampledFrom([]string{"fits", "fits", "fits", "absent", "version", "attribute"})
	ops        = rapid.SampledFrom([]table.Op{table.Put, table.Put, table.Put, table.Delete, table.Check})
)

func (c *comparison) key(r *rapid.T, label string) table.Key {
	return table.Key{Partition: c.part + partitions.Draw(r, label+" partition"), Sort: names.Draw(r, label+" sort")}
}

func (c *comparison) item(r *rapid.T) table.Item {
	i := table.Item{Key: c.key(r, "item")}
	if rapid.Bool().Draw(r, "has attribute") {
		i.Attributes = map[string]string{"epoch": values.Draw(r, "epoch")}
	}
	for _, index := range Indexes() {
		if rapid.Bool().Draw(r, "in "+index) {
			if i.Index == nil {
				i.Index = map[string]table.Key{}
			}
			i.Index[index] = c.key(r, index)
		}
	}
	if age := ages.Draw(r, "expires in"); age != 0 {
		i.Expires = c.now.Add(age)
	}
	i.Body = []byte(values.Draw(r, "body"))
	return i
}

// condition is often one that holds.
func (c *comparison) condition(r *rapid.T, op table.Op, key table.Key) table.Condition {
	there, ok := c.model.live(key, c.now)
	switch kind := conds.Draw(r, "condition"); {
	case kind == "absent" || kind == "fits" && !ok:
		return table.Condition{Absent: true}
	case kind == "attribute" && op != table.Put:
		return table.Condition{Attribute: "epoch", Value: values.Draw(r, "expected")}
	case kind == "fits":
		return table.Condition{Version: there.Version}
	default:
		return table.Condition{Version: rapid.Int64Range(1, 3).Draw(r, "version")}
	}
}

func (c *comparison) write(r *rapid.T) {
	var writes []table.Write
	used := map[table.Key]bool{}
	for range rapid.IntRange(1, 5).Draw(r, "parts") {
		w := table.Write{Op: ops.Draw(r, "op"), Item: c.item(r)}
		w.If = c.condition(r, w.Op, w.Item.Key)
		if !used[w.Item.Key] {
			writes = append(writes, w)
		}
		used[w.Item.Key] = true
	}
	err := c.f.try(writes...)
	var refused *table.ConditionError
	switch want := c.model.write(writes, c.now); {
	case errors.As(err, &refused):
		if !slices.Equal(refused.Reasons, want) {
			r.Fatalf("refused for %q, want %q", refused.Reasons, want)
		}
	case err != nil:
		r.Fatal(err)
	case want != nil:
		r.Fatalf("made, want it refused for %q", want)
	}
}

func (c *comparison) get(r *rapid.T) {
	key := c.key(r, "get")
	want, ok := c.model.live(key, c.now)
	got, err := c.f.table.Get(c.f.Context(), key, true)
	switch {
	case !ok && !errors.Is(err, table.ErrNotFound):
		r.Fatalf("got version %d, %v, want no such item", got.Version, err)
	case ok && err != nil:
		r.Fatal(err)
	case ok:
		if diff := cmp.Diff(want, got, same...); diff != "" {
			r.Fatalf("(-want +got)\n%s", diff)
		}
	}
}

func (c *comparison) selection(r *rapid.T) table.Query {
	q := table.Query{
		Partition:  c.part + partitions.Draw(r, "partition"),
		Descending: rapid.Bool().Draw(r, "descending"),
		Limit:      rapid.IntRange(0, 4).Draw(r, "limit"),
	}
	if rapid.Bool().Draw(r, "by prefix") {
		q.Prefix = edges.Draw(r, "prefix")
	} else {
		q.From, q.To = edges.Draw(r, "from"), edges.Draw(r, "to")
	}
	return q
}

func (c *comparison) query(r *rapid.T) {
	q := c.selection(r)
	q.Consistent = true
	got, err := readAll(c.f.Context(), c.f.table, q)
	if err != nil {
		r.Fatal(err)
	}
	if diff := cmp.Diff(c.model.query(q, c.now), got, same...); diff != "" {
		r.Fatalf("query %+v (-want +got)\n%s", q, diff)
	}
}

// index compares what an index shows, when it has caught up.
func (c *comparison) index(r *rapid.T) {
	q := c.selection(r)
	q.Index = rapid.SampledFrom(Indexes()).Draw(r, "index")
	want := c.model.query(q, c.now)
	err := c.f.settle(func() error {
		got, err := readAll(c.f.Context(), c.f.table, q)
		if err != nil {
			return err
		}
		group(q.Index, got)
		if diff := cmp.Diff(want, got, same...); diff != "" {
			return fmt.Errorf("query %+v (-want +got)\n%s", q, diff)
		}
		return nil
	})
	if err != nil {
		r.Fatal(err)
	}
}

// group puts items that share a place into the order of their keys; the database's own is not told.
func group(index string, items []table.Item) {
	for from := 0; from < len(items); {
		to := from + 1
		for to < len(items) && items[to].Index[index] == items[from].Index[index] {
			to++
		}
		slices.SortFunc(items[from:to], compareKeys)
		from = to
	}
}
