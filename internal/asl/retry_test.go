package asl

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"
)

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		matches       bool
	}{
		{"A", "A", true}, {"A", "a", false}, {"A", "AB", false},
		{ErrorAll, "A", true}, {ErrorAll, ErrorTimeout, true}, {ErrorAll, ErrorNoChoiceMatched, true}, {ErrorAll, "", true},
		{ErrorAll, ErrorDataLimitExceeded, false}, {ErrorAll, ErrorRuntime, false},
		{ErrorTaskFailed, "A", true}, {ErrorTaskFailed, "Sandbox.Timedout", true}, {ErrorTaskFailed, ErrorTimeout, false},
		{ErrorTaskFailed, ErrorRuntime, false},
		{ErrorTimeout, ErrorTimeout, true}, {ErrorTimeout, ErrorHeartbeatTimeout, true}, {ErrorTimeout, "Sandbox.Timedout", false},
		{ErrorHeartbeatTimeout, ErrorTimeout, false},
		{ErrorDataLimitExceeded, ErrorDataLimitExceeded, true}, {ErrorRuntime, ErrorRuntime, false},
	} {
		if got := matches([]string{"other", c.pattern}, c.name); got != c.matches {
			t.Errorf("%s on %s: %v", c.pattern, c.name, got)
		}
	}
}

func TestDelay(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	plain := Retrier{Interval: 2 * time.Second, BackoffRate: 1.5}
	want(t, "first", plain.Delay(0, random), 2*time.Second)
	want(t, "third", plain.Delay(2, random), 4500*time.Millisecond)
	want(t, "without end", plain.Delay(100000, random), longestDelay)
	capped := Retrier{Interval: 10 * time.Second, BackoffRate: 2, MaxDelay: 25 * time.Second}
	want(t, "under the cap", capped.Delay(1, random), 20*time.Second)
	want(t, "over the cap", capped.Delay(2, random), 25*time.Second)
	jitter := Retrier{Interval: 10 * time.Second, BackoffRate: 2, MaxDelay: 30 * time.Second, FullJitter: true}
	var least, most time.Duration = time.Hour, 0
	for range 2000 {
		d := jitter.Delay(5, random)
		least, most = min(least, d), max(most, d)
	}
	if least < 0 || least > time.Second || most < 29*time.Second || most > 30*time.Second {
		t.Errorf("full jitter from %v to %v", least, most)
	}
}

// failing answers each call of a function with the next error; "" is success.
func failingWith(c *calls, errors ...string) lambda {
	return func(p Place, _ json.RawMessage) (string, error) {
		n := c.note(p.Function)
		if n <= len(errors) && errors[n-1] != "" {
			return "", fails(errors[n-1])
		}
		return `"ok"`, nil
	}
}

// TestRetry plays errors against retriers and looks at when the function is called, and how it ends.
func TestRetry(t *testing.T) {
	const seconds = time.Second
	for _, c := range []struct {
		name, retry string
		errors      []string
		at          []time.Duration
		failed      string
	}{
		{"defaults: 1 s, then doubled, three times", `{"ErrorEquals":["A"]}`, []string{"A", "A", "A", "A"},
			[]time.Duration{0, 1 * seconds, 3 * seconds, 7 * seconds}, "A"},
		{"success ends it", `{"ErrorEquals":["A"]}`, []string{"A", ""}, []time.Duration{0, 1 * seconds}, ""},
		{"MaxAttempts 0 is never, whatever comes after",
			`{"ErrorEquals":["A"],"MaxAttempts":0},{"ErrorEquals":["States.ALL"]}`, []string{"A"}, []time.Duration{0}, "A"},
		{"the first that matches is in charge",
			`{"ErrorEquals":["A"],"IntervalSeconds":5},{"ErrorEquals":["States.ALL"],"IntervalSeconds":50}`, []string{"A", "B"},
			[]time.Duration{0, 5 * seconds, 55 * seconds}, ""},
		{"a counter for each, and no other takes over", // the example of AWS's documentation
			`{"ErrorEquals":["ErrorA","ErrorB"],"IntervalSeconds":1,"BackoffRate":2.0,"MaxAttempts":2},{"ErrorEquals":["ErrorC"],"IntervalSeconds":5}`,
			[]string{"ErrorA", "ErrorB", "ErrorC", "ErrorB"}, []time.Duration{0, 1 * seconds, 3 * seconds, 8 * seconds}, "ErrorB"},
		{"backoff counts a retrier's own retries",
			`{"ErrorEquals":["A"],"IntervalSeconds":10},{"ErrorEquals":["B"],"IntervalSeconds":1,"BackoffRate":3}`,
			[]string{"B", "A", "B", "A"}, []time.Duration{0, 1 * seconds, 11 * seconds, 14 * seconds, 34 * seconds}, ""},
		{"MaxDelaySeconds", `{"ErrorEquals":["States.ALL"],"IntervalSeconds":10,"MaxDelaySeconds":15,"MaxAttempts":3}`,
			[]string{"A", "A", "A"}, []time.Duration{0, 10 * seconds, 25 * seconds, 40 * seconds}, ""},
		{"BackoffRate 1", `{"ErrorEquals":["NotReady"],"IntervalSeconds":2,"BackoffRate":1,"MaxAttempts":99}`,
			[]string{"NotReady", "NotReady", "NotReady"}, []time.Duration{0, 2 * seconds, 4 * seconds, 6 * seconds}, ""},
		{"States.TaskFailed takes a killed Lambda", `{"ErrorEquals":["States.TaskFailed"]}`, []string{"Runtime.ExitError", "Sandbox.Timedout"},
			[]time.Duration{0, 1 * seconds, 3 * seconds}, ""},
		{"no retrier matches", `{"ErrorEquals":["A"]}`, []string{"B"}, []time.Duration{0}, "B"},
	} {
		bubble(t, c.name, func(t *testing.T) {
			count := newCalls()
			p := play(t, failingWith(count, c.errors...), "", one(task("f")+`,"Retry":[`+c.retry+`]`))
			want(t, "calls", count.of("f"), c.at)
			want(t, "error", p.Error, c.failed)
			want(t, "attempts", p.visits[0].Attempts, int64(len(c.at)))
			want(t, "transitions", p.Transitions, int64(len(c.at)))
		})
	}
}

// TestRetryAnew: counters start over when a state is entered again.
func TestRetryAnew(t *testing.T) {
	bubble(t, "loop", func(t *testing.T) {
		count := newCalls()
		p := play(t, failingWith(count, "A", "A", "B"), "", `{"StartAt":"S","States":{
			"S":{`+task("f")+`,"Retry":[{"ErrorEquals":["A"],"MaxAttempts":1}],"Catch":[{"ErrorEquals":["A"],"Next":"S"}],"End":true}}}`)
		want(t, "calls", count.of("f"), []time.Duration{0, time.Second, time.Second})
		want(t, "error", p.Error, "B")
		want(t, "path", p.path(), "S S")
	})
}

// TestJitter: full jitter stays inside its bound, differs by seed, and is the same for the same seed.
func TestJitter(t *testing.T) {
	delays := func(t *testing.T, seed uint64) (at []time.Duration) {
		count := newCalls()
		s := newService(t, failingWith(count, "A", "A", "A"), one(task("f")+
			`,"Retry":[{"ErrorEquals":["A"],"IntervalSeconds":8,"BackoffRate":1,"JitterStrategy":"FULL"}]`))
		s.options.Seed = seed
		playOn(t, s, "")
		at = count.of("f")
		for i := 1; i < len(at); i++ {
			if d := at[i] - at[i-1]; d < 0 || d > 8*time.Second {
				t.Errorf("delay %v", d)
			}
		}
		return at
	}
	var first, again, other []time.Duration
	bubble(t, "one", func(t *testing.T) { first = delays(t, 1) })
	bubble(t, "again", func(t *testing.T) { again = delays(t, 1) })
	bubble(t, "other", func(t *testing.T) { other = delays(t, 2) })
	want(t, "same seed", again, first)
	if len(first) != 4 || first[1] == other[1] || first[2]-first[1] == first[1] {
		t.Errorf("no jitter: %v, %v", first, other)
	}
}

func TestCatch(t *testing.T) {
	const document = `"{\"errorMessage\":\"no\",\"errorType\":\"A\"}"`
	for _, c := range []struct{ name, catch, kind, path, output string }{
		{"whole input replaced", `{"ErrorEquals":["A"],"Next":"Caught"}`, "A", "S Caught", `{"Error":"A","Cause":` + document + `}`},
		{"ResultPath", `{"ErrorEquals":["A"],"ResultPath":"$.error","Next":"Caught"}`, "A", "S Caught",
			`{"x":1,"error":{"Error":"A","Cause":` + document + `}}`},
		{"ResultPath null", `{"ErrorEquals":["A"],"ResultPath":null,"Next":"Caught"}`, "A", "S Caught", `{"x":1}`},
		{"first that matches", `{"ErrorEquals":["B","A"],"ResultPath":null,"Next":"Caught"},{"ErrorEquals":["States.ALL"],"ResultPath":null,"Next":"Other"}`,
			"A", "S Caught", `{"x":1}`},
		{"States.ALL", `{"ErrorEquals":["B"],"Next":"Caught"},{"ErrorEquals":["States.ALL"],"ResultPath":null,"Next":"Other"}`, "A", "S Other", `{"x":1}`},
		{"none", `{"ErrorEquals":["B"],"Next":"Caught"}`, "A", "S", ``},
		{"ResultPath that can't be applied", `{"ErrorEquals":["A"],"ResultPath":"$.x.y","Next":"Caught"}`, "A", "S", ``},
	} {
		bubble(t, c.name, func(t *testing.T) {
			// What the state does to its own data does not touch what the catcher gets: the state's input as it came.
			p := play(t, failingWith(newCalls(), c.kind), `{"x":1}`, `{"StartAt":"S","States":{
				"S":{`+task("f")+`,"InputPath":"$.x","ResultPath":"$.r","OutputPath":"$.r","Catch":[{"ErrorEquals":["Never"],"Next":"Other"},`+c.catch+`],"Next":"Caught"},
				"Caught":{"Type":"Pass","End":true},"Other":{"Type":"Pass","End":true}}}`)
			want(t, "path", p.path(), c.path)
			if c.output == "" {
				want(t, "status", p.Status, Failed)
				return
			}
			sameJSON(t, "output", p.Output, c.output)
			want(t, "visit", p.visits[0].Errors, []string{"A"})
		})
	}
}
