package table_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/project-gimbal/fleet/internal/store/table"
)

// TestItemLimit: exactly MaxItemSize fits, whatever it is made of.
func TestItemLimit(t *testing.T) {
	i := table.Item{
		Key:        table.Key{Partition: "part", Sort: "sort"},
		Attributes: map[string]string{"name": "value"},
		Index:      map[string]table.Key{"due": {Partition: "p", Sort: "s"}},
	}
	const around = 4 + 4 + 4 + 5 + 3 + 1 + 1
	if i.Size() != around {
		t.Fatalf("size %d, want %d", i.Size(), around)
	}
	for over := range 2 {
		i.Body = make([]byte, table.MaxItemSize-around+over)
		err := table.Validate([]table.Write{{Op: table.Put, Item: i, If: table.Condition{Absent: true}}})
		if over == 0 && err != nil || over == 1 && !errors.Is(err, table.ErrLimit) {
			t.Errorf("%d bytes over: %v", over, err)
		}
	}
}

// TestWriteLimit: exactly MaxWriteSize fits; what is deleted and checked counts with its key.
func TestWriteLimit(t *testing.T) {
	for over := range 2 {
		writes := []table.Write{
			{Op: table.Delete, Item: table.Item{Key: table.Key{Partition: "p", Sort: "d"}, Body: []byte("not sent")}, If: table.Condition{Version: 1}},
			{Op: table.Check, Item: table.Item{Key: table.Key{Partition: "p", Sort: "c"}}, If: table.Condition{Attribute: "a"}},
		}
		left := table.MaxWriteSize - 4 + over
		for n := 0; left > 0; n++ {
			key := table.Key{Partition: "p", Sort: fmt.Sprintf("%03d", n)}
			size := min(left, table.MaxItemSize)
			writes = append(writes, table.Write{Op: table.Put, If: table.Condition{Version: 1}, Item: table.Item{Key: key, Body: make([]byte, size-4)}})
			left -= size
		}
		err := table.Validate(writes)
		if over == 0 && err != nil || over == 1 && !errors.Is(err, table.ErrLimit) {
			t.Errorf("%d bytes over: %v", over, err)
		}
	}
}

// TestErrorsTellNoContents: what is wrong is told without the item's text, which may be a secret.
func TestErrorsTellNoContents(t *testing.T) {
	const secret = "s3cret"
	bad := secret + "\xff"
	for _, i := range []table.Item{
		{Key: table.Key{Partition: bad, Sort: "s"}},
		{Key: table.Key{Partition: "p", Sort: strings.Repeat(secret, 1000)}},
		{Key: table.Key{Partition: "p", Sort: "s"}, Attributes: map[string]string{"a": bad}},
		{Key: table.Key{Partition: "p", Sort: "s"}, Body: bytes.Repeat([]byte(secret), 100_000)},
	} {
		err := table.Validate([]table.Write{{Op: table.Put, Item: i, If: table.Condition{Absent: true}}})
		if !errors.Is(err, table.ErrLimit) || strings.Contains(err.Error(), secret) {
			t.Errorf("got %v", err)
		}
	}
}
