package main

import (
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/store/table"
)

func TestReadUnits(t *testing.T) {
	for _, test := range []struct {
		bytes      int
		consistent bool
		want       float64
	}{
		{0, true, 1}, {0, false, 0.5}, {1, true, 1}, {4096, true, 1}, {4097, true, 2}, {4097, false, 1}, {8192, false, 1}, {8193, false, 1.5},
		{1 << 20, true, 256},
	} {
		if got := readUnits(test.bytes, test.consistent); got != test.want {
			t.Errorf("%d bytes, consistent %t: %v, want %v", test.bytes, test.consistent, got, test.want)
		}
	}
}

// sized is an item of that many bytes, with these places in indexes.
func sized(t *testing.T, bytes int, index map[string]table.Key) table.Item {
	t.Helper()
	i := table.Item{Key: table.Key{Partition: "p", Sort: "s"}, Version: 1, Index: index}
	i.Body = []byte(strings.Repeat("x", bytes-size(i)-len("body")))
	if got := size(i); got != bytes {
		t.Fatalf("made %d bytes, want %d", got, bytes)
	}
	return i
}

func TestWriteUnits(t *testing.T) {
	at := func(name, sort string) map[string]table.Key {
		return map[string]table.Key{name: {Partition: "x", Sort: sort}}
	}
	item := func(bytes int, index map[string]table.Key) *table.Item {
		i := sized(t, bytes, index)
		return &i
	}
	put, remove, check := table.Put, table.Delete, table.Check
	for _, test := range []struct {
		what          string
		op            table.Op
		before, after *table.Item
		want          float64
	}{
		{"a new one, up to 1 KB", put, nil, item(1024, nil), 2},
		{"a new one, one byte more", put, nil, item(1025, nil), 4},
		{"one that shrinks counts as it was", put, item(3000, nil), item(100, nil), 6},
		{"one that grows counts as it becomes", put, item(100, nil), item(3000, nil), 6},
		{"a copy", put, nil, item(1024, at("due", "1")), 4},
		{"a copy that stays", put, item(500, at("due", "1")), item(1024, at("due", "1")), 4},
		{"a copy that moves", put, item(500, at("due", "1")), item(1024, at("due", "2")), 6},
		{"a copy that goes", put, item(500, at("due", "1")), item(1024, nil), 4},
		{"one copy for another", put, item(1500, at("due", "1")), item(1024, at("list", "1")), 4 + 2 + 4},
		{"a removal", remove, item(1025, nil), nil, 4},
		{"a removal with its copy", remove, item(1025, at("due", "1")), nil, 8},
		{"a removal of nothing", remove, nil, nil, 2},
		{"a check", check, item(2049, at("due", "1")), nil, 6},
		{"a check of nothing", check, nil, nil, 2},
	} {
		w := table.Write{Op: test.op, If: table.Condition{Absent: true}}
		if test.after != nil {
			w.Item = *test.after
		}
		if got := writeUnits(w, test.before); got != test.want {
			t.Errorf("%s: %v units, want %v", test.what, got, test.want)
		}
	}
}

func TestSize(t *testing.T) {
	i := table.Item{Key: table.Key{Partition: "pp", Sort: "sss"}, Version: 123}
	bare := 2 + 2 + 7 + 2 + 3 + 3 // the names, the key, 123 in three bytes
	if got := size(i); got != bare {
		t.Errorf("bare: %d, want %d", got, bare)
	}
	i.Attributes = map[string]string{"epoch": "12"}
	i.Index = map[string]table.Key{"due": {Partition: "d", Sort: "ee"}}
	i.Body = []byte("{}")
	i.Expires = time.Unix(1700000000, 0)
	full := bare + (10 + 3 + 1 + 5 + 2) + (6 + 6 + 1 + 2) + (4 + 2) + (7 + 6)
	if got := size(i); got != full {
		t.Errorf("full: %d, want %d", got, full)
	}
	if got := stored(i); got != 2*(full+100) {
		t.Errorf("stored: %d, want %d", got, 2*(full+100))
	}
}

func TestBilled(t *testing.T) {
	for took, want := range map[time.Duration]int64{1: 1, time.Millisecond: 1, time.Millisecond + 1: 2, time.Second: 1000} {
		if got := billed(took); got != want {
			t.Errorf("%v: %d ms, want %d", took, got, want)
		}
	}
}
