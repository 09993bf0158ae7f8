package fleet_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
)

// chain makes a whole chain of n entries.
func chain(n int) ([]fleet.AuditEntry, fleet.AuditHead) {
	var entries []fleet.AuditEntry
	var head fleet.AuditHead
	for i := range n {
		e := fleet.AuditEntry{ID: "change/" + strconv.Itoa(i), At: time.Date(2026, 11, 24, 3, 0, i, 5, time.UTC), Actor: "step:Test",
			Action: "thing.done", Subject: "thing", Outcome: "ok", Request: "request-" + strconv.Itoa(i)}.Chain(head)
		head = fleet.AuditHead{Seq: e.Seq, Hash: e.Hash}
		entries = append(entries, e)
	}
	return entries, head
}

func TestChainNumbersAndLinks(t *testing.T) {
	entries, head := chain(3)
	previous := ""
	for i, e := range entries {
		if e.Seq != int64(i+1) || e.Previous != previous || len(e.Hash) != 64 {
			t.Errorf("entry %d: %+v", i, e)
		}
		previous = e.Hash
	}
	if head.Seq != 3 || head.Hash != previous {
		t.Errorf("head: %+v", head)
	}
}

func TestVerifyChain(t *testing.T) {
	for _, test := range []struct {
		name   string
		tamper func(entries []fleet.AuditEntry, head *fleet.AuditHead) []fleet.AuditEntry
		whole  bool
	}{
		{"whole", func(e []fleet.AuditEntry, _ *fleet.AuditHead) []fleet.AuditEntry { return e }, true},
		{"empty", func(_ []fleet.AuditEntry, h *fleet.AuditHead) []fleet.AuditEntry { *h = fleet.AuditHead{}; return nil }, true},
		{"time zone of the reader", func(e []fleet.AuditEntry, _ *fleet.AuditHead) []fleet.AuditEntry {
			e[1].At = e[1].At.In(time.FixedZone("elsewhere", 3600))
			return e
		}, true},
		{"id", changed(func(e *fleet.AuditEntry) { e.ID = "x" }), false},
		{"time", changed(func(e *fleet.AuditEntry) { e.At = e.At.Add(1) }), false},
		{"actor", changed(func(e *fleet.AuditEntry) { e.Actor = "operator:eve" }), false},
		{"action", changed(func(e *fleet.AuditEntry) { e.Action = "x" }), false},
		{"subject", changed(func(e *fleet.AuditEntry) { e.Subject = "x" }), false},
		{"outcome", changed(func(e *fleet.AuditEntry) { e.Outcome = "x" }), false},
		{"request", changed(func(e *fleet.AuditEntry) { e.Request = "" }), false},
		{"number", changed(func(e *fleet.AuditEntry) { e.Seq = 7 }), false},
		{"previous", changed(func(e *fleet.AuditEntry) { e.Previous = "" }), false},
		{"hash", changed(func(e *fleet.AuditEntry) { e.Hash = "" }), false},
		{"changed and hashed anew", func(e []fleet.AuditEntry, _ *fleet.AuditHead) []fleet.AuditEntry {
			e[1].Outcome = "x"
			e[1] = e[1].Chain(fleet.AuditHead{Seq: e[0].Seq, Hash: e[0].Hash})
			return e
		}, false},
		{"last changed and hashed anew", func(e []fleet.AuditEntry, _ *fleet.AuditHead) []fleet.AuditEntry {
			e[3].Outcome = "x"
			e[3] = e[3].Chain(fleet.AuditHead{Seq: e[2].Seq, Hash: e[2].Hash})
			return e
		}, false},
		{"first missing", func(e []fleet.AuditEntry, _ *fleet.AuditHead) []fleet.AuditEntry { return e[1:] }, false},
		{"gap", func(e []fleet.AuditEntry, _ *fleet.AuditHead) []fleet.AuditEntry { return slices.Delete(e, 1, 2) }, false},
		{"end cut off", func(e []fleet.AuditEntry, _ *fleet.AuditHead) []fleet.AuditEntry { return e[:3] }, false},
		{"all gone", func([]fleet.AuditEntry, *fleet.AuditHead) []fleet.AuditEntry { return nil }, false},
		{"one twice", func(e []fleet.AuditEntry, _ *fleet.AuditHead) []fleet.AuditEntry { return slices.Insert(e, 1, e[0]) }, false},
		{"reordered", func(e []fleet.AuditEntry, _ *fleet.AuditHead) []fleet.AuditEntry { e[1], e[2] = e[2], e[1]; return e }, false},
		{"head of another chain", func(e []fleet.AuditEntry, h *fleet.AuditHead) []fleet.AuditEntry { h.Hash = e[0].Hash; return e }, false},
		{"head's number", func(e []fleet.AuditEntry, h *fleet.AuditHead) []fleet.AuditEntry { h.Seq++; return e }, false},
		{"no head", func(e []fleet.AuditEntry, h *fleet.AuditHead) []fleet.AuditEntry { *h = fleet.AuditHead{}; return e }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			entries, head := chain(4)
			err := fleet.VerifyChain(test.tamper(entries, &head), head)
			if test.whole && err != nil || !test.whole && !errors.Is(err, fleet.ErrBrokenChain) {
				t.Error(err)
			}
		})
	}
}

func changed(change func(*fleet.AuditEntry)) func([]fleet.AuditEntry, *fleet.AuditHead) []fleet.AuditEntry {
	return func(e []fleet.AuditEntry, _ *fleet.AuditHead) []fleet.AuditEntry {
		change(&e[1])
		return e
	}
}

// TestChainSurvivesStorage: what is verified has been through JSON.
func TestChainSurvivesStorage(t *testing.T) {
	entries, head := chain(3)
	entries[0].At = entries[0].At.In(time.FixedZone("", 0))
	text, err := json.Marshal(entries)
	if err != nil {
		t.Fatal(err)
	}
	var back []fleet.AuditEntry
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if err := fleet.VerifyChain(back, head); err != nil {
		t.Error(err)
	}
}

// TestChainFromALocalClock: an entry may be made with any zone and with a monotonic reading.
func TestChainFromALocalClock(t *testing.T) {
	for _, at := range []time.Time{time.Now(), time.Date(2026, 7, 1, 0, 0, 0, 0, time.FixedZone("X", -7*3600))} {
		e := fleet.AuditEntry{ID: "x", At: at}.Chain(fleet.AuditHead{})
		e.At = e.At.UTC().Round(0)
		if err := fleet.VerifyChain([]fleet.AuditEntry{e}, fleet.AuditHead{Seq: 1, Hash: e.Hash}); err != nil {
			t.Error(err)
		}
	}
}
