package asl

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/project-gimbal/fleet/internal/clock"
)

// lambda is a set of functions for tests.
type lambda func(p Place, payload json.RawMessage) (string, error)

func (f lambda) Invoke(ctx context.Context, function string, payload json.RawMessage) (json.RawMessage, error) {
	p, ok := PlaceOf(ctx)
	if !ok || p.Function != function || ctx.Err() != nil {
		return nil, fmt.Errorf("wrong context for %s", function)
	}
	out, err := f(p, payload)
	if ctx.Err() != nil {
		return nil, fmt.Errorf("context of %s was cancelled", function)
	}
	return json.RawMessage(out), err
}

// calls counts invocations by function.
type calls struct {
	mu    sync.Mutex
	times map[string][]time.Duration
	start time.Time
}

func newCalls() *calls { return &calls{times: map[string][]time.Duration{}, start: time.Now()} }

func (c *calls) note(function string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.times[function] = append(c.times[function], time.Since(c.start))
	return len(c.times[function])
}

func (c *calls) of(function string) []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.times[function]
}

func mustParse(t *testing.T, definition string) *Machine {
	t.Helper()
	m, err := Parse([]byte(definition), nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func newService(t *testing.T, f lambda, definitions ...string) *Service {
	t.Helper()
	machines := map[string]*Machine{}
	for i, definition := range definitions {
		name := "main"
		if i > 0 {
			name = fmt.Sprintf("other%d", i)
		}
		machines[name] = mustParse(t, definition)
	}
	s, err := NewService(Options{Clock: clock.System(), Invoker: f, Machines: machines, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// played is an execution after its end.
type played struct {
	Execution
	took    time.Duration
	history []Event
	visits  []Visit
}

// play runs the first definition to its end and lets everything settle. It needs a bubble.
func play(t *testing.T, f lambda, input string, definitions ...string) played {
	t.Helper()
	return playOn(t, newService(t, f, definitions...), input)
}

func playOn(t *testing.T, s *Service, input string) played {
	t.Helper()
	started, err := s.StartExecution("main", "run", json.RawMessage(input))
	if err != nil {
		t.Fatal(err)
	}
	end, err := s.Await(t.Context(), started.ARN)
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(started.Started)
	if err := s.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	return collect(t, s, end, took)
}

func collect(t *testing.T, s *Service, end Execution, took time.Duration) played {
	t.Helper()
	history, err := s.GetExecutionHistory(end.ARN)
	if err != nil {
		t.Fatal(err)
	}
	visits, err := s.Visits(end.ARN)
	if err != nil {
		t.Fatal(err)
	}
	return played{end, took, history, visits}
}

// path is the states' names in the order of entering.
func (p played) path() string {
	var names []string
	for _, v := range p.visits {
		names = append(names, v.State)
	}
	return strings.Join(names, " ")
}

// events lists "id<previous type".
func (p played) events() []string {
	var list []string
	for _, e := range p.history {
		list = append(list, fmt.Sprintf("%d<%d %s", e.ID, e.PreviousEventID, e.Type))
	}
	return list
}

func want[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// sameJSON compares two documents by value.
func sameJSON(t *testing.T, what string, got []byte, wanted string) {
	t.Helper()
	var a, b any
	if err := json.Unmarshal(got, &a); err != nil {
		t.Fatalf("%s: %v in %q", what, err, got)
	}
	if err := json.Unmarshal([]byte(wanted), &b); err != nil {
		t.Fatal(err)
	}
	want(t, what, a, b)
}

// task is the fields of a Task that invokes f with its input.
func task(f string) string {
	return `"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"` + f + `","Payload.$":"$"}`
}

// one is a machine of a single state S.
func one(fields string) string { return `{"StartAt":"S","States":{"S":{` + fields + `,"End":true}}}` }

// bubble runs a subtest in virtual time of its own.
func bubble(t *testing.T, name string, f func(*testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}

func fails(kind string) error { return &TaskError{Type: kind, Message: "no"} }
