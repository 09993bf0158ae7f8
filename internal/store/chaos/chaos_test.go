package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/store/bolt"
	"github.com/project-gimbal/fleet/internal/store/chaos"
	"github.com/project-gimbal/fleet/internal/store/table"
	"github.com/project-gimbal/fleet/internal/store/tabletest"
)

// wrap gives a new table that goes wrong as told, and the table in it.
func wrap(t testing.TB, o chaos.Options) (*chaos.Table, *bolt.Table) {
	t.Helper()
	b, err := bolt.Open(filepath.Join(t.TempDir(), "fleet.db"), clock.System(), tabletest.Indexes(), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := chaos.Wrap(b, clock.System(), o)
	t.Cleanup(func() {
		c.Drain()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return c, b
}

// TestConformance: whoever keeps to the seam isn't troubled by lag and conflicts.
func TestConformance(t *testing.T) {
	for name, o := range map[string]chaos.Options{
		"calm":              {},
		"lag and conflicts": {Seed: 3, Lag: 2 * time.Millisecond, Conflict: 0.2},
	} {
		t.Run(name, func(t *testing.T) {
			tabletest.Run(t, func(t *testing.T) table.Table {
				c, _ := wrap(t, o)
				return c
			})
		})
	}
}

func key(sort string) table.Key { return table.Key{Partition: "p", Sort: sort} }

// put is an item that an index holds in the place of its version.
func put(sort string, version int64) table.Write {
	return table.Write{Op: table.Put, If: table.Condition{Absent: version == 0, Version: version}, Item: table.Item{
		Key:   key(sort),
		Index: map[string]table.Key{tabletest.Due: {Partition: "due", Sort: fmt.Sprint(sort, version+1)}},
	}}
}

func write(t testing.TB, c table.Table, writes ...table.Write) {
	t.Helper()
	if err := c.Write(t.Context(), writes); err != nil {
		t.Fatal(err)
	}
}

// version of the item that a read sees, 0 for none.
func version(t testing.TB, c table.Table, sort string, consistent bool) int64 {
	t.Helper()
	i, err := c.Get(t.Context(), key(sort), consistent)
	if err != nil && !errors.Is(err, table.ErrNotFound) {
		t.Fatal(err)
	}
	return i.Version
}

func query(t testing.TB, c table.Table, q table.Query) ([]string, string) {
	t.Helper()
	page, err := c.Query(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, i := range page.Items {
		got = append(got, i.Sort)
	}
	return got, page.Cursor
}

func sleep(t testing.TB, d time.Duration) {
	t.Helper()
	if err := clock.System().Sleep(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

// TestLag: every write comes to be seen within Lag, on the table and in the index, each at a time of its own.
func TestLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const lag, count = 40 * time.Second, 50
		c, b := wrap(t, chaos.Options{Seed: 4, Lag: lag})
		write(t, b, put("old", 0)) // from before the lag
		for n := range count {
			write(t, c, put(fmt.Sprintf("%02d", n), 0))
		}
		// seen gives the items that reads of the table see, and those that the index shows.
		seen := func() (onTable, inIndex []string) {
			for n := range count {
				if sort := fmt.Sprintf("%02d", n); version(t, c, sort, false) == 1 {
					onTable = append(onTable, sort)
				}
			}
			inIndex, _ = query(t, c, table.Query{Index: tabletest.Due, Partition: "due", To: "99"})
			return onTable, inIndex
		}
		if got, _ := query(t, c, table.Query{Partition: "p", Consistent: true}); len(got) != count+1 {
			t.Errorf("a consistent query gives %d items", len(got))
		}
		sleep(t, lag/2)
		onTable, inIndex := seen()
		for what, n := range map[string]int{"on the table": len(onTable), "in the index": len(inIndex)} {
			if n < count/4 || n > count*3/4 {
				t.Errorf("half-way %d of %d are seen %s", n, count, what)
			}
		}
		missing := func(of, in []string) bool {
			return slices.ContainsFunc(of, func(s string) bool { return !slices.Contains(in, s) })
		}
		if !missing(onTable, inIndex) || !missing(inIndex, onTable) {
			t.Errorf("table and index lag together: %q and %q", onTable, inIndex)
		}
		if got, _ := query(t, c, table.Query{Partition: "p", To: "99"}); !slices.Equal(got, onTable) {
			t.Errorf("a query gives %q, a get of each %q", got, onTable)
		}
		sleep(t, lag/2)
		if onTable, inIndex = seen(); len(onTable) != count || len(inIndex) != count {
			t.Errorf("at the end %d of %d are seen on the table, %d in the index", len(onTable), count, len(inIndex))
		}
	})
}

// TestHistory: a lagging read sees each past in turn, and none that expired meanwhile.
func TestHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := wrap(t, chaos.Options{})
		dies := put("dies", 0)
		dies.Item.Expires = clock.System().Now().Add(time.Minute)
		write(t, c, put("a", 0), dies)
		c.Freeze()
		write(t, c, put("a", 1), put("dies", 1))
		write(t, c, put("a", 2))
		if a, d := version(t, c, "a", false), version(t, c, "dies", false); a != 1 || d != 1 {
			t.Errorf("frozen: versions %d and %d", a, d)
		}
		sleep(t, time.Hour)
		if a, d := version(t, c, "a", false), version(t, c, "dies", false); a != 1 || d != 0 {
			t.Errorf("an hour later: versions %d and %d", a, d)
		}
		if got, _ := query(t, c, table.Query{Index: tabletest.Due, Partition: "due"}); !slices.Equal(got, []string{"a"}) {
			t.Errorf("the index shows %q", got)
		}
		c.Thaw()
		if a, d := version(t, c, "a", false), version(t, c, "dies", false); a != 3 || d != 2 {
			t.Errorf("thawed: versions %d and %d", a, d)
		}
	})
}

// TestCursorsAcrossFreeze: a query that began under one view goes on under the other, and is refused by no one.
func TestCursorsAcrossFreeze(t *testing.T) {
	c, _ := wrap(t, chaos.Options{})
	write(t, c, put("a", 0), put("b", 0), put("c", 0))
	for _, change := range []func(){c.Freeze, c.Thaw} {
		q := table.Query{Partition: "p", Limit: 1}
		got, cursor := query(t, c, q)
		change()
		for q.Cursor = cursor; q.Cursor != ""; {
			var more []string
			more, q.Cursor = query(t, c, q)
			got = append(got, more...)
		}
		if !slices.Equal(got, []string{"a", "b", "c"}) {
			t.Errorf("got %q", got)
		}
	}
}

// TestLate: the write is made after its caller's death, exactly then, and as it was when it was sent.
func TestLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := wrap(t, chaos.Options{})
		c.Script(chaos.Fault{Kind: chaos.Late, After: 25 * time.Second})
		ctx, cancel := clock.System().WithTimeout(t.Context(), 20*time.Second)
		w := []table.Write{put("a", 0)}
		if err := c.Write(ctx, w); !errors.Is(err, table.ErrOutcomeUnknown) {
			t.Fatalf("got %v", err)
		}
		cancel()
		w[0].Item.Index[tabletest.Due] = table.Key{Partition: "changed", Sort: "since"}
		w[0].Item.Sort = "changed"
		sleep(t, 25*time.Second-time.Nanosecond)
		synctest.Wait()
		if v := version(t, c, "a", true); v != 0 {
			t.Errorf("version %d before its time", v)
		}
		sleep(t, time.Nanosecond)
		c.Drain()
		if v := version(t, c, "a", true); v != 1 {
			t.Errorf("version %d at its time", v)
		}
		if got, _ := query(t, c, table.Query{Index: tabletest.Due, Partition: "due"}); !slices.Equal(got, []string{"a"}) {
			t.Errorf("the index shows %q", got)
		}
	})
}

// TestLateIsConditional: a write that lands late is refused like any other.
func TestLateIsConditional(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := wrap(t, chaos.Options{})
		write(t, c, put("a", 0))
		c.Script(chaos.Fault{Kind: chaos.Late, After: time.Minute})
		if err := c.Write(t.Context(), []table.Write{put("a", 1), put("b", 0)}); !errors.Is(err, table.ErrOutcomeUnknown) {
			t.Fatalf("got %v", err)
		}
		write(t, c, put("a", 1))
		c.Drain()
		if a, b := version(t, c, "a", true), version(t, c, "b", true); a != 2 || b != 0 {
			t.Errorf("versions %d and %d, want 2 and 0", a, b)
		}
	})
}

// TestScript: a fault strikes the write that it is meant for, once.
func TestScript(t *testing.T) {
	c, _ := wrap(t, chaos.Options{})
	touches := func(sort string) func([]table.Write) bool {
		return func(writes []table.Write) bool {
			return slices.ContainsFunc(writes, func(w table.Write) bool { return w.Item.Sort == sort })
		}
	}
	c.Script(chaos.Fault{Kind: chaos.Vanished, Match: touches("b")}, chaos.Fault{Kind: chaos.Lost, Match: touches("b")})
	write(t, c, put("a", 0))
	for n, want := range []int64{0, 1} {
		if err := c.Write(t.Context(), []table.Write{put("b", 0)}); !errors.Is(err, table.ErrOutcomeUnknown) {
			t.Errorf("got %v", err)
		}
		if got := version(t, c, "b", true); got != want || c.Left() != 1-n {
			t.Errorf("version %d, want %d; %d faults left", got, want, c.Left())
		}
	}
	write(t, c, put("b", 1))
}

// TestSenselessIsTold: what can't be written is refused before anything goes wrong.
func TestSenselessIsTold(t *testing.T) {
	c, _ := wrap(t, chaos.Options{})
	c.Script(chaos.Fault{Kind: chaos.Lost})
	if err := c.Write(t.Context(), nil); !errors.Is(err, table.ErrLimit) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Write(ctx, []table.Write{put("a", 0)}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if c.Left() != 1 {
		t.Error("the fault struck")
	}
}

// outcomes of 400 writes by chance: what was told, and whether it was made in the end.
func outcomes(t *testing.T, o chaos.Options) map[string]int {
	t.Helper()
	counts := map[string]int{}
	synctest.Test(t, func(t *testing.T) {
		c, _ := wrap(t, chaos.Options{Seed: 99, Conflict: 1})
		c.Set(o)
		for n := range 400 {
			sort := fmt.Sprint(n)
			told := "made"
			var refused *table.ConditionError
			switch err := c.Write(t.Context(), []table.Write{put(sort, 0)}); {
			case errors.As(err, &refused) && refused.Reasons[0] == table.Conflicting:
				told = "conflict"
			case errors.Is(err, table.ErrOutcomeUnknown):
				told = "unknown"
			case err != nil:
				t.Fatal(err)
			}
			now := version(t, c, sort, true) == 1
			c.Drain()
			then := version(t, c, sort, true) == 1
			counts[fmt.Sprintf("%s %v %v", told, now, then)]++
		}
	})
	return counts
}

// TestChances: faults come as often as asked for, the same for the same seed.
func TestChances(t *testing.T) {
	o := chaos.Options{Seed: 7, Conflict: 0.1, Lost: 0.1, Vanished: 0.1, Late: 0.1, LateBy: time.Minute}
	got := outcomes(t, o)
	for what, often := range map[string]float64{
		"made true true": 0.6, "conflict false false": 0.1, "unknown true true": 0.1, "unknown false false": 0.1, "unknown false true": 0.1,
	} {
		if n := float64(got[what]) / 400; n < often-0.05 || n > often+0.05 {
			t.Errorf("%s: %.2f of the writes, want %.2f", what, n, often)
		}
	}
	if again := outcomes(t, o); fmt.Sprint(again) != fmt.Sprint(got) {
		t.Errorf("the same seed gives %v, then %v", got, again)
	}
	if o.Seed = 8; fmt.Sprint(outcomes(t, o)) == fmt.Sprint(got) {
		t.Error("two seeds give the same")
	}
	if got := outcomes(t, chaos.Options{}); got["made true true"] != 400 {
		t.Errorf("without faults: %v", got)
	}
}

// FuzzCursor: a cursor that is made up gives an error or items of the query, whether reads lag or not.
func FuzzCursor(f *testing.F) {
	c, _ := wrap(f, chaos.Options{})
	write(f, c, put("a", 0), put("b", 0))
	q := table.Query{Partition: "p", Limit: 1}
	for _, change := range []func(){c.Thaw, c.Freeze} {
		change()
		_, cursor := query(f, c, q)
		f.Add(cursor)
	}
	f.Add("~e30")
	f.Add("~")
	f.Add(".")
	f.Add("x")
	f.Fuzz(func(t *testing.T, cursor string) {
		q := q
		q.Cursor = cursor
		page, err := c.Query(context.Background(), q)
		for _, i := range page.Items {
			if err != nil || i.Partition != "p" {
				t.Errorf("cursor %q gives %q, %v", cursor, i.Key, err)
			}
		}
	})
}
