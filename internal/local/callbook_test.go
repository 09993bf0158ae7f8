package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/portal"
	"github.com/project-gimbal/fleet/internal/sim"
)

var calledAt = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// aCall is the nth of a state, with a path that no book may hold.
func aCall(n int) (asl.Place, sim.Call) {
	return asl.Place{ARN: "arn:one", Execution: "one", State: "CreateProject", Attempt: 1},
		sim.Call{Vendor: "supabase", Operation: fmt.Sprint("Create", n), Method: "POST", Path: "/ada@acme.example?token=sesame", Start: calledAt, End: calledAt.Add(time.Second),
			Status: 201, Fault: sim.Kind("lost")}
}

// read opens a book and gives the operations of the calls in it.
func read(t *testing.T, path string, keep int) (b *callbook, operations string) {
	t.Helper()
	var all []string
	b, err := openCallbook(path, keep, func(arn, state string, c portal.Call) {
		if arn != "arn:one" || state != "CreateProject" || c.Vendor != "supabase" || !c.Start.Equal(calledAt) || c.End.Sub(c.Start) != time.Second || c.Status != 201 ||
			c.Fault != "lost" || c.Attempt != 2 {
			t.Errorf("%s %s %+v", arn, state, c)
		}
		all = append(all, c.Operation)
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.close() })
	return b, strings.Join(all, " ")
}

// TestCallsAreKept over restarts, the newest of them, and nothing of what was sent; what a death cut off is passed over.
func TestCallsAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.jsonl")
	b, none := read(t, path, 3)
	for n := range 5 {
		b.called(aCall(n))
	}
	b.called(asl.Place{}, sim.Call{Vendor: "vercel", Operation: "OfNoState"})
	text, err := os.ReadFile(path)
	if err != nil || none != "" || strings.Contains(string(text), "sesame") || strings.Contains(string(text), "acme") || strings.Contains(string(text), "OfNoState") {
		t.Errorf("%q, %s: %v", none, text, err)
	}
	if err := os.WriteFile(path, append(text, `{"arn":"arn:one","sta`...), 0o600); err != nil {
		t.Fatal(err)
	}
	b, operations := read(t, path, 3)
	if operations != "Create2 Create3 Create4" {
		t.Errorf("kept %s", operations)
	}
	b.called(aCall(5))
	if _, operations := read(t, path, 3); operations != "Create3 Create4 Create5" {
		t.Errorf("kept %s after a line that was cut off", operations)
	}
}

// TestCallsAreBounded: the file never holds twice as many as are kept.
func TestCallsAreBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.jsonl")
	b, _ := read(t, path, 10)
	for n := range 100 {
		b.called(aCall(n))
		text, err := os.ReadFile(path)
		if lines := strings.Count(string(text), "\n"); err != nil || lines >= 20 || lines < min(n+1, 10) {
			t.Fatalf("%d lines after %d: %v", lines, n+1, err)
		}
	}
	if _, operations := read(t, path, 2); operations != "Create98 Create99" {
		t.Errorf("kept %s", operations)
	}
}

// TestCallsCantBeShortened: where the file can't be shortened, that isn't tried at every call.
func TestCallsCantBeShortened(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "calls.jsonl")
	b, _ := read(t, path, 3)
	move := func(from, to string) {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	move(dir, dir+"-gone") // the open file is still written
	for n := range 6 {
		b.called(aCall(n))
	}
	move(dir+"-gone", dir)
	for n := 6; n < 10; n++ {
		b.called(aCall(n))
		text, err := os.ReadFile(path)
		if lines, want := strings.Count(string(text), "\n"), map[int]int{6: 7, 7: 8, 8: 3, 9: 4}[n]; err != nil || lines != want {
			t.Errorf("%d lines after %d, want %d: %v", lines, n+1, want, err)
		}
	}
}
