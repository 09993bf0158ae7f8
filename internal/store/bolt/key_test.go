package bolt

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/project-gimbal/fleet/internal/store/table"
)

// texts are short and full of the bytes that the encoding treats specially.
var texts = rapid.StringOfN(rapid.SampledFrom([]rune{0, 1, 'a', 'b', '\u00ff', '\U0010ffff'}), 1, 4, -1)

func drawKey(t *rapid.T, label string) table.Key {
	return table.Key{Partition: texts.Draw(t, label+" partition"), Sort: texts.Draw(t, label+" sort")}
}

// TestKeyOrder: within a partition bytes sort as the keys they stand for.
func TestKeyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, a, b := texts.Draw(t, "partition"), texts.Draw(t, "a"), texts.Draw(t, "b")
		k, l := drawKey(t, "item"), drawKey(t, "other")
		if got := bytes.Compare(itemKey(table.Key{Partition: p, Sort: a}), itemKey(table.Key{Partition: p, Sort: b})); got != strings.Compare(a, b) {
			t.Fatalf("items sort %d", got)
		}
		want := slices.Compare([]string{a, k.Partition, k.Sort}, []string{b, l.Partition, l.Sort})
		if got := bytes.Compare(indexKey(table.Key{Partition: p, Sort: a}, k), indexKey(table.Key{Partition: p, Sort: b}, l)); got != want {
			t.Fatalf("index entries sort %d, want %d", got, want)
		}
	})
}

// TestSpan: a query's span holds what the query selects and nothing else.
func TestSpan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := table.Query{Partition: texts.Draw(t, "queried")}
		edge := rapid.OneOf(rapid.Just(""), texts)
		if rapid.Bool().Draw(t, "by prefix") {
			q.Prefix = edge.Draw(t, "prefix")
		} else {
			q.From, q.To = edge.Draw(t, "from"), edge.Draw(t, "to")
		}
		k, item := drawKey(t, "place"), drawKey(t, "item")
		want := k.Partition == q.Partition && strings.HasPrefix(k.Sort, q.Prefix) && k.Sort >= q.From && (q.To == "" || k.Sort <= q.To)
		if got := spanOf(q).holds(itemKey(k)); got != want {
			t.Fatalf("%+v holds %q: %v", q, k, got)
		}
		q.Index = "due"
		if got := spanOf(q).holds(indexKey(k, item)); got != want {
			t.Fatalf("%+v holds %q in an index: %v", q, k, got)
		}
	})
}

func TestExpiryOrder(t *testing.T) {
	var last []byte
	for _, seconds := range []int64{-1 << 40, -1, 0, 1, 1 << 31, 1 << 40} {
		k := expirySeconds(time.Unix(seconds, 0))
		if bytes.Compare(last, k) >= 0 {
			t.Errorf("%d sorts before earlier ones", seconds)
		}
		last = k
	}
}

func FuzzParseItemKey(f *testing.F) {
	f.Add(itemKey(table.Key{Partition: "p", Sort: "s"}))
	f.Add([]byte{0, 9, 'p'})
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, b []byte) {
		key, err := parseItemKey(b)
		switch {
		case err != nil && !errors.Is(err, errDamaged):
			t.Error(err)
		case err == nil && !bytes.Equal(itemKey(key), b):
			t.Errorf("%x comes back as %x", b, itemKey(key))
		}
	})
}

func FuzzDecode(f *testing.F) {
	whole, err := encode(table.Item{
		Version: 3, Attributes: map[string]string{"epoch": "1"}, Index: map[string]table.Key{"due": {Partition: "p", Sort: "s"}},
		Body: []byte("{}"), Expires: time.Unix(1, 0),
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add([]byte{})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, '{'})
	f.Fuzz(func(t *testing.T, b []byte) {
		item, err := decode(table.Key{Partition: "p", Sort: "s"}, b)
		if err != nil {
			if !errors.Is(err, errDamaged) {
				t.Error(err)
			}
			return
		}
		again, err := encode(item)
		if err != nil {
			t.Fatal(err)
		}
		same, err := decode(item.Key, again)
		if err != nil || same.Version != item.Version || !bytes.Equal(same.Body, item.Body) || !same.Expires.Equal(item.Expires) {
			t.Errorf("%+v comes back as %+v, %v", item, same, err)
		}
	})
}
