//go:build bench

package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/store/bolt"
	records "github.com/project-gimbal/fleet/internal/store/table"
)

// chain is a chain of n Pass states, whose names begin so.
func chain(name string, n int) string {
	var states []string
	for i := range n {
		next := `"End":true`
		if i < n-1 {
			next = fmt.Sprintf(`"Next":"%s%d"`, name, i+1)
		}
		states = append(states, fmt.Sprintf(`"%s%d":{"Type":"Pass","Result":{"n":%d},"ResultPath":"$.last",%s}`, name, i, i, next))
	}
	return `{"StartAt":"` + name + `0","States":{` + strings.Join(states, ",") + `}}`
}

// measureInterpreter counts the interpreter's transitions in a second.
func measureInterpreter(t *testing.T, b *board) {
	items := make([]int, 100)
	input, err := json.Marshal(map[string]any{"items": items})
	if err != nil {
		t.Fatal(err)
	}
	var branches []string
	for i := range 10 {
		branches = append(branches, chain(fmt.Sprintf("B%d-", i), 10))
	}
	var base float64
	for _, c := range []struct{ what, definition string }{
		{"a chain of 100 Pass states", chain("P", 100)},
		{"Parallel: 10 branches of 10 Pass states", `{"StartAt":"A","States":{"A":{"Type":"Parallel","End":true,"Branches":[` + strings.Join(branches, ",") + `]}}}`},
		{"Map: 100 items over 10 Pass states", `{"StartAt":"A","States":{"A":{"Type":"Map","ItemsPath":"$.items","ItemSelector":{"item.$":"$$.Map.Item.Value"},"End":true,"ItemProcessor":` + chain("P", 10) + `}}}`},
	} {
		perSecond := transitions(t, c.definition, input)
		b.add("interpreter, "+c.what, perSecond, "transitions/s")
		if base == 0 {
			base = perSecond
			continue
		}
		b.add("  over the chain", perSecond/base, "×")
	}
}

func transitions(t *testing.T, definition string, input json.RawMessage) float64 {
	t.Helper()
	machine, err := asl.ParseAny([]byte(definition))
	if err != nil {
		t.Fatal(err)
	}
	s, err := asl.NewService(asl.Options{Clock: clock.System(), Machines: map[string]*asl.Machine{"m": machine}})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	return rate(t, func() (int, error) {
		n++
		before := s.Transitions()
		x, err := s.StartExecution("m", fmt.Sprint(n), input)
		if err != nil {
			return 0, err
		}
		if x, err = s.Await(t.Context(), x.ARN); err == nil && x.Status != asl.Succeeded {
			err = fmt.Errorf("it is %s: %s %s", x.Status, x.Error, x.Cause)
		}
		return int(s.Transitions() - before), err
	})
}

// measureBolt counts bolt's operations in a second.
func measureBolt(t *testing.T, b *board) {
	for _, durable := range []bool{false, true} {
		table, err := bolt.Open(filepath.Join(t.TempDir(), "bench.db"), clock.System(), []string{"due"}, bolt.Options{Sync: durable})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = table.Close() })
		name := "bolt"
		if durable {
			name = "bolt, durable"
		}
		measureTable(t, b, name, table, durable)
	}
}

// itemBody is as large as most records.
var itemBody = []byte(`{"of":"` + strings.Repeat("x", 500) + `"}`)

func item(i int) records.Item {
	sort := fmt.Sprintf("%09d", i)
	return records.Item{Key: records.Key{Partition: fmt.Sprint("p", i/100), Sort: sort}, Index: map[string]records.Key{"due": {Partition: "d", Sort: sort}}, Body: itemBody}
}

func measureTable(t *testing.T, b *board, name string, table records.Table, writesOnly bool) {
	ctx := t.Context()
	absent := records.Condition{Absent: true}
	written := 0
	put := func(n int) func() (int, error) {
		return func() (int, error) {
			var writes []records.Write
			for range n {
				writes = append(writes, records.Write{Op: records.Put, Item: item(written), If: absent})
				written++
			}
			return 1, table.Write(ctx, writes)
		}
	}
	b.add(name+", writes of one item", rate(t, put(1)), "1/s")
	b.add(name+", writes of ten items", rate(t, put(10)), "1/s")
	if writesOnly {
		return
	}
	asked := 0
	b.add(name+", reads of an item", rate(t, func() (int, error) {
		asked = (asked + 7919) % written
		_, err := table.Get(ctx, item(asked).Key, true)
		return 1, err
	}), "1/s")
	b.add(name+", queries of 100 items", rate(t, func() (int, error) {
		asked = (asked + 7919) % (written - 100)
		page, err := table.Query(ctx, records.Query{Partition: item(asked).Partition})
		if err == nil && len(page.Items) != 100 {
			err = fmt.Errorf("%d items", len(page.Items))
		}
		return 1, err
	}), "1/s")
}
