package asl

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// branch is a branch of a single state.
func branch(name, fields string) string {
	return fmt.Sprintf(`{"StartAt":%q,"States":{%q:{%s}}}`, name, name, fields)
}

func parallel(more string, branches ...string) string {
	return `{"StartAt":"P","States":{"P":{"Type":"Parallel"` + more + `,"Branches":[` + strings.Join(branches, ",") + `],"Next":"After"},
		"After":{"Type":"Pass","End":true}}}`
}

// timed gives functions a duration and, after it, an error ("" for none).
type timed map[string]struct {
	takes time.Duration
	err   string
}

func (f timed) functions(c *calls) lambda {
	return func(p Place, _ json.RawMessage) (string, error) {
		c.note(p.Function)
		time.Sleep(f[p.Function].takes)
		c.note(p.Function + " done")
		if kind := f[p.Function].err; kind != "" {
			return "", fails(kind)
		}
		return fmt.Sprintf("%q", p.Function), nil
	}
}

func TestParallelOrder(t *testing.T) {
	bubble(t, "the slowest decides, output by place", func(t *testing.T) {
		count := newCalls()
		functions := timed{"slow": {takes: 30 * time.Second}, "fast": {takes: 10 * time.Second}}
		p := play(t, functions.functions(count), `{"x":1}`, parallel("",
			branch("A", task("slow")+`,"OutputPath":"$.Payload","End":true`),
			branch("B", task("fast")+`,"OutputPath":"$.Payload","End":true`),
			branch("C", `"Type":"Succeed"`)))
		want(t, "took", p.took, 30*time.Second)
		sameJSON(t, "output", p.Output, `["slow","fast",{"x":1}]`)
		var last Event
		for _, e := range p.history {
			switch {
			case e.StateEntered != nil && strings.Contains("ABC", e.StateEntered.Name):
				want(t, "a branch starts after ParallelStateStarted", e.PreviousEventID, int64(3))
			case e.StateExited != nil && e.StateExited.Name == "A":
				last = e
			case e.Type == ParallelStateSucceeded, e.Type == "ParallelStateExited":
				want(t, string(e.Type)+" follows the last branch", e.PreviousEventID, last.ID)
			}
		}
		want(t, "transitions", p.Transitions, int64(5))
	})
}

// TestParallelFailure: the failure drops the siblings at once; their waits end, their Lambdas run on, and what they
// answer is not heard.
func TestParallelFailure(t *testing.T) {
	functions := timed{"bad": {10 * time.Second, "Rejected"}, "late": {takes: 60 * time.Second}, "next": {}}
	branches := []string{
		`{"StartAt":"Late","States":{"Late":{` + task("late") + `,"Next":"Next"},"Next":{` + task("next") + `,"End":true}}}`,
		branch("Bad", task("bad")+`,"End":true`),
		branch("Pause", `"Type":"Wait","Seconds":3600,"End":true`),
		branch("Retried", task("flaky")+`,"Retry":[{"ErrorEquals":["States.ALL"],"IntervalSeconds":100}],"End":true`),
	}
	functions["flaky"] = struct {
		takes time.Duration
		err   string
	}{0, "Throttled"}
	bubble(t, "uncaught", func(t *testing.T) {
		count := newCalls()
		p := play(t, functions.functions(count), "", parallel("", branches...))
		want(t, "took", p.took, 10*time.Second)
		want(t, "error", p.Error, "Rejected")
		want(t, "late's end", count.of("late done"), []time.Duration{60 * time.Second})
		want(t, "after late", len(count.of("next")), 0)
		want(t, "flaky's calls", count.of("flaky"), []time.Duration{0})
		events := p.events()
		n := len(events)
		failing := p.history[n-6]
		want(t, "failing event", failing.Type, TaskFailed)
		want(t, "the end", events[n-5:], []string{
			fmt.Sprintf("%d<%d TaskStateAborted", n-4, failing.ID),
			fmt.Sprintf("%d<%d WaitStateAborted", n-3, failing.ID),
			fmt.Sprintf("%d<%d TaskStateAborted", n-2, failing.ID),
			fmt.Sprintf("%d<%d ParallelStateFailed", n-1, failing.ID),
			fmt.Sprintf("%d<%d ExecutionFailed", n, n-1)})
		outcomes := map[string]VisitOutcome{}
		for _, v := range p.visits {
			outcomes[v.State] = v.Outcome
		}
		want(t, "outcomes", outcomes, map[string]VisitOutcome{"P": VisitFailed, "Late": VisitAborted, "Bad": VisitFailed,
			"Pause": VisitAborted, "Retried": VisitAborted})
	})
	bubble(t, "caught, while a sibling's Lambda is still running", func(t *testing.T) {
		count := newCalls()
		p := play(t, functions.functions(count), `{"x":1}`,
			parallel(`,"Catch":[{"ErrorEquals":["States.ALL"],"ResultPath":"$.error","Next":"After"}]`, branches...))
		want(t, "took", p.took, 10*time.Second)
		want(t, "status", p.Status, Succeeded)
		sameJSON(t, "output", p.Output, `{"x":1,"error":{"Error":"Rejected","Cause":"{\"errorMessage\":\"no\",\"errorType\":\"Rejected\"}"}}`)
		want(t, "late's end", count.of("late done"), []time.Duration{60 * time.Second})
		want(t, "after late", len(count.of("next")), 0)
		if last := p.history[len(p.history)-1]; last.Type != ExecutionSucceeded {
			t.Errorf("last event %s", last.Type)
		}
	})
	bubble(t, "retried as a whole", func(t *testing.T) {
		count := newCalls()
		p := play(t, functions.functions(count), "",
			parallel(`,"Retry":[{"ErrorEquals":["Rejected"],"IntervalSeconds":20,"MaxAttempts":1}]`, branches[0], branches[1]))
		want(t, "took", p.took, 40*time.Second)
		want(t, "late's calls", count.of("late"), []time.Duration{0, 30 * time.Second})
		starts := 0
		for _, e := range p.history {
			if e.Type == ParallelStateStarted {
				starts++
			}
		}
		want(t, "starts", starts, 2)
		want(t, "path", strings.Count(p.path(), "P"), 1)
	})
}

// TestParallelFailHistory is, event by event, what AWS was recorded to do.
func TestParallelFailHistory(t *testing.T) {
	fail := branch("F", `"Type":"Fail","Error":"FailureType","Cause":"Cause description"`)
	bubble(t, "retried", func(t *testing.T) {
		p := play(t, nil, "", parallel(`,"Retry":[{"ErrorEquals":["States.ALL"],"MaxAttempts":2}]`, fail))
		want(t, "events", p.events(), []string{"1<0 ExecutionStarted", "2<0 ParallelStateEntered", "3<2 ParallelStateStarted",
			"4<3 FailStateEntered", "5<4 ParallelStateStarted", "6<5 FailStateEntered", "7<6 ParallelStateStarted",
			"8<7 FailStateEntered", "9<8 ParallelStateFailed", "10<9 ExecutionFailed"})
	})
	bubble(t, "caught", func(t *testing.T) {
		p := play(t, nil, "", parallel(`,"Catch":[{"ErrorEquals":["States.ALL"],"Next":"After"}]`, fail))
		want(t, "events", p.events(), []string{"1<0 ExecutionStarted", "2<0 ParallelStateEntered", "3<2 ParallelStateStarted",
			"4<3 FailStateEntered", "5<4 ParallelStateFailed", "6<5 ParallelStateExited", "7<6 PassStateEntered",
			"8<7 PassStateExited", "9<8 ExecutionSucceeded"})
		sameJSON(t, "output", p.Output, `{"Error":"FailureType","Cause":"Cause description"}`)
	})
}

func TestParallelErrors(t *testing.T) {
	for _, c := range []struct{ name, fields, catch, path, failed string }{
		{"a Choice without a match", `"Type":"Choice","Choices":[{"Variable":"$$.State.Name","StringEquals":"x","Next":"B"}]`, ErrorAll, "P B After", ""},
		{"States.Runtime ends everything", `"Type":"Pass","InputPath":"$.no","End":true`, ErrorAll, "P B", ErrorRuntime},
		{"another error's catcher", `"Type":"Fail","Error":"A"`, "B", "P B", "A"},
		{"States.TaskFailed", `"Type":"Fail","Error":"A","Cause":"a"`, ErrorTaskFailed, "P B After", ""},
	} {
		bubble(t, c.name, func(t *testing.T) {
			p := play(t, nil, "", parallel(`,"Catch":[{"ErrorEquals":["`+c.catch+`"],"Next":"After"}]`, branch("B", c.fields)))
			want(t, "path", p.path(), c.path)
			want(t, "error", p.Error, c.failed)
		})
	}
}

// TestNested: a failure far below, and one beside a nested Parallel.
func TestNested(t *testing.T) {
	inner := `"Type":"Parallel","Branches":[` + branch("Deep", task("late")+`,"End":true`) + `,` +
		branch("Deeper", `"Type":"Wait","Seconds":500,"End":true`) + `],"End":true`
	functions := timed{"late": {takes: 60 * time.Second}, "bad": {10 * time.Second, "A"}}
	bubble(t, "dropped from outside", func(t *testing.T) {
		count := newCalls()
		p := play(t, functions.functions(count), "", parallel("", branch("Inner", inner), branch("Bad", task("bad")+`,"End":true`)))
		want(t, "took", p.took, 10*time.Second)
		var kinds []string
		for _, e := range p.history[len(p.history)-5:] {
			kinds = append(kinds, string(e.Type))
		}
		want(t, "the end", kinds, []string{"TaskStateAborted", "WaitStateAborted", "ParallelStateAborted", "ParallelStateFailed", "ExecutionFailed"})
		want(t, "late's end", count.of("late done"), []time.Duration{60 * time.Second})
	})
	bubble(t, "fails from inside", func(t *testing.T) {
		functions := timed{"late": {3 * time.Second, "B"}}
		p := play(t, functions.functions(newCalls()), "", parallel(`,"Catch":[{"ErrorEquals":["B"],"Next":"After"}]`,
			branch("Inner", inner), branch("Pause", `"Type":"Wait","Seconds":9,"End":true`)))
		want(t, "took", p.took, 3*time.Second)
		want(t, "status", p.Status, Succeeded)
	})
}
