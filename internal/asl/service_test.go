package asl

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
)

const pause = `{"StartAt":"S","States":{"S":{"Type":"Wait","Seconds":60,"End":true}}}`

func TestNames(t *testing.T) {
	for name, ok := range map[string]bool{
		"a": true, "01J-provision-1": true, "a.b_c+d=e@f": true, "é": true, strings.Repeat("é", 80): true,
		strings.Repeat("a", 81): false, "a b": false, "a\tb": false, "a/b": false, "a:b": false, "a*": false, "a?": false, "a\"": false,
		"a#": false, "a%": false, "a\\": false, "a^": false, "a|": false, "a~": false, "a`": false, "a$": false, "a&": false, "a,": false,
		"a;": false, "<a": false, "{a": false, "[a": false, "a\x7f": false, "a\u0085": false, "a\u00a0": false, "a\u2003": false, "a\xff": false,
	} {
		bubble(t, name, func(t *testing.T) {
			s := newService(t, nil, loopOf(0))
			_, err := s.StartExecution("main", name, nil)
			if ok != (err == nil) || !ok && !errors.Is(err, ErrInvalidName) {
				t.Errorf("%q: %v", name, err)
			}
		})
	}
}

func TestStartExecution(t *testing.T) {
	bubble(t, "the same name", func(t *testing.T) {
		s := newService(t, nil, pause, pause)
		start := func(machine, name, input string) (Execution, error) {
			return s.StartExecution(machine, name, json.RawMessage(input))
		}
		first, err := start("main", "a", `{"x":1}`)
		want(t, "first", err, nil)
		time.Sleep(time.Second)
		again, err := start("arn:aws:states:us-east-1:000000000000:stateMachine:main", "a", `{"x":1}`)
		want(t, "open, same input", err, nil)
		want(t, "the same execution", again.Started, first.Started)
		if _, err := start("main", "a", `{"x":2}`); !errors.Is(err, ErrExecutionAlreadyExists) {
			t.Errorf("open, other input: %v", err)
		}
		if _, err := start("other1", "a", `{"x":2}`); err != nil {
			t.Errorf("another machine: %v", err)
		}
		want(t, "settled", s.Settle(t.Context()), nil)
		if _, err := start("main", "a", `{"x":1}`); !errors.Is(err, ErrExecutionAlreadyExists) {
			t.Errorf("closed, same input: %v", err)
		}
		want(t, "executions", len(s.ListExecutions()), 2)
		time.Sleep(90 * 24 * time.Hour)
		again, err = start("main", "a", `{"x":1}`)
		want(t, "after 90 days", err, nil)
		want(t, "status", again.Status, Running)
		want(t, "settled", s.Settle(t.Context()), nil)
		want(t, "transitions", s.Transitions(), int64(3))
	})
	bubble(t, "refused", func(t *testing.T) {
		s := newService(t, nil, pause)
		for input, sentinel := range map[string]error{
			"{": ErrInvalidExecutionInput, "{} {}": ErrInvalidExecutionInput, "\"\xff\"": ErrInvalidExecutionInput,
			`"` + strings.Repeat("a", PayloadLimit-1) + `"`: ErrInvalidExecutionInput,
		} {
			if _, err := s.StartExecution("main", "a", json.RawMessage(input)); !errors.Is(err, sentinel) {
				t.Errorf("%.10s: %v", input, err)
			}
		}
		if _, err := s.StartExecution("none", "a", nil); !errors.Is(err, ErrStateMachineDoesNotExist) {
			t.Errorf("%v", err)
		}
		if _, err := s.DescribeExecution(s.ExecutionARN("main", "a")); !errors.Is(err, ErrExecutionDoesNotExist) {
			t.Errorf("%v", err)
		}
	})
	bubble(t, "a generated name", func(t *testing.T) {
		s := newService(t, nil, loopOf(0))
		a, err := s.StartExecution("main", "", nil)
		want(t, "error", err, nil)
		b, err := s.StartExecution("main", "", nil)
		want(t, "error", err, nil)
		if len(a.Name) != 36 || a.Name == b.Name {
			t.Errorf("names %q, %q", a.Name, b.Name)
		}
		want(t, "settled", s.Settle(t.Context()), nil)
	})
}

func TestStopExecution(t *testing.T) {
	bubble(t, "handlers run on", func(t *testing.T) {
		count := newCalls()
		s := newService(t, takes(count, 100*time.Second), `{"StartAt":"S","States":{
			"S":{`+task("f")+`,"Catch":[{"ErrorEquals":["States.ALL"],"Next":"Caught"}],"End":true},"Caught":{"Type":"Succeed"}}}`)
		started, err := s.StartExecution("main", "run", nil)
		want(t, "start", err, nil)
		time.Sleep(10 * time.Second)
		want(t, "stop", s.StopExecution(started.ARN, "Operator.Cancelled", "asked to"), nil)
		time.Sleep(time.Second)
		want(t, "stop again", s.StopExecution(started.ARN, "other", ""), nil)
		end, err := s.DescribeExecution(started.ARN)
		want(t, "describe", err, nil)
		want(t, "settled", s.Settle(t.Context()), nil)
		p := collect(t, s, end, end.Stopped.Sub(end.Started))
		want(t, "status", p.Status, Aborted)
		want(t, "took", p.took, 10*time.Second)
		want(t, "why", p.Error+": "+p.Cause, "Operator.Cancelled: asked to")
		want(t, "path", p.path(), "S")
		want(t, "last", p.events()[4], "5<0 ExecutionAborted")
		want(t, "the handler's end", count.of("f done"), []time.Duration{100 * time.Second})
	})
}

// starter is a machine that starts other1 under a name taken from its input.
const starter = `{"StartAt":"S","States":{"S":{"Type":"Task","Resource":"arn:aws:states:::states:startExecution",
	"Parameters":{"StateMachineArn":"other1","Name.$":"$.name","Input":{"from.$":"$$.Execution.Id"}},
	"Catch":[{"ErrorEquals":["StepFunctions.ExecutionAlreadyExistsException"],"Next":"Exists"}],"End":true},
	"Exists":{"Type":"Pass","End":true}}}`

func TestStartExecutionTask(t *testing.T) {
	bubble(t, "starts and does not wait", func(t *testing.T) {
		s := newService(t, nil, starter, pause)
		p := playOn(t, s, `{"name":"child"}`)
		want(t, "took", p.took, 0)
		sameJSON(t, "output", p.Output, `{"ExecutionArn":"arn:aws:states:us-east-1:000000000000:execution:other1:child",
			"SdkHttpMetadata":{"HttpStatusCode":200},"StartDate":946684800000}`)
		child, err := s.DescribeExecution(s.ExecutionARN("other1", "child"))
		want(t, "child", err, nil)
		want(t, "child's end", child.Stopped.Sub(child.Started), time.Minute)
		sameJSON(t, "child's input", child.Input, `{"from":"arn:aws:states:us-east-1:000000000000:execution:main:run"}`)
		want(t, "resource", p.history[2].TaskScheduled.ResourceType+":"+p.history[2].TaskScheduled.Resource, "states:startExecution")
	})
	bubble(t, "a name that is taken", func(t *testing.T) {
		s := newService(t, nil, starter, pause)
		_, err := s.StartExecution("other1", "child", nil)
		want(t, "start", err, nil)
		p := playOn(t, s, `{"name":"child"}`)
		want(t, "path", p.path(), "S Exists")
		sameJSON(t, "output", p.Output, `{"Error":"StepFunctions.ExecutionAlreadyExistsException",
			"Cause":"Execution Already Exists: 'arn:aws:states:us-east-1:000000000000:execution:other1:child' (Service: AWSStepFunctions; Status Code: 400; Error Code: ExecutionAlreadyExists; Proxy: null)"}`)
	})
	bubble(t, "a bad name", func(t *testing.T) {
		p := playOn(t, newService(t, nil, starter, pause), `{"name":"a b"}`)
		want(t, "error", p.Error, "StepFunctions.InvalidNameException")
	})
}

func TestNewService(t *testing.T) {
	m := mustParse(t, starter)
	for name, o := range map[string]Options{
		"no clock":         {},
		"starts nothing":   {Clock: clock.System(), Machines: map[string]*Machine{"main": m}},
		"no invoker":       {Clock: clock.System(), Machines: map[string]*Machine{"main": mustParse(t, one(task("f")))}},
		"no machine":       {Clock: clock.System(), Machines: map[string]*Machine{"main": nil}},
		"an improper name": {Clock: clock.System(), Machines: map[string]*Machine{"a b": mustParse(t, pause)}},
	} {
		if _, err := NewService(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestCallbacks: every event in order with its visit, and both status changes in EventBridge's form.
func TestCallbacks(t *testing.T) {
	bubble(t, "in order", func(t *testing.T) {
		var mu sync.Mutex
		var seen []Observation
		var changes []StatusChange
		s := newService(t, failingWith(newCalls(), "A"), one(task("f")+`,"Retry":[{"ErrorEquals":["A"]}],"OutputPath":"$.Payload"`))
		s.options.OnEvent = func(o Observation) { mu.Lock(); defer mu.Unlock(); seen = append(seen, o) }
		s.options.OnStatus = func(c StatusChange) {
			time.Sleep(time.Hour) // holds nobody up
			mu.Lock()
			defer mu.Unlock()
			changes = append(changes, c)
		}
		p := playOn(t, s, "")
		want(t, "took", p.took, time.Second)
		for i, o := range seen {
			want(t, "event", o.Event, p.history[i])
			if i > 0 && i < len(p.history)-1 {
				want(t, "state", o.Visit.State, "S")
			}
		}
		want(t, "events", len(seen), len(p.history))
		want(t, "attempt", seen[5].Visit.Attempts, int64(2))
		want(t, "errors", seen[5].Visit.Errors, []string{"A"})
		want(t, "changes", len(changes), 2)
		for i, form := range []string{
			`"status":"RUNNING","stopDate":null,"output":null,"outputDetails":null`,
			`"status":"SUCCEEDED","stopDate":946684801000,"output":"\"ok\"","outputDetails":{"included":true}`,
		} {
			event, err := changes[i].Event("e-1")
			want(t, "error", err, nil)
			sameJSON(t, "event", event, `{"version":"0","id":"e-1","detail-type":"Step Functions Execution Status Change","source":"aws.states",
				"account":"000000000000","time":"2000-01-01T00:00:0`+string('0'+rune(i))+`Z","region":"us-east-1",
				"resources":["arn:aws:states:us-east-1:000000000000:execution:main:run"],
				"detail":{"executionArn":"arn:aws:states:us-east-1:000000000000:execution:main:run",
					"stateMachineArn":"arn:aws:states:us-east-1:000000000000:stateMachine:main","name":"run","startDate":946684800000,
					"input":"{}","inputDetails":{"included":true},"error":null,"cause":null,`+form+`}}`)
		}
	})
	bubble(t, "a retry that is waited for", func(t *testing.T) {
		s := newService(t, failingWith(newCalls(), "A"), one(task("f")+`,"Retry":[{"ErrorEquals":["A"],"IntervalSeconds":10}]`))
		started, err := s.StartExecution("main", "run", nil)
		want(t, "start", err, nil)
		time.Sleep(5 * time.Second)
		visits, err := s.Visits(started.ARN)
		want(t, "error", err, nil)
		want(t, "retry at", visits[0].RetryAt, started.Started.Add(10*time.Second))
		want(t, "settled", s.Settle(t.Context()), nil)
		visits, err = s.Visits(started.ARN)
		want(t, "error", err, nil)
		want(t, "outcome", visits[0].Outcome, VisitExited)
		want(t, "no retry", visits[0].RetryAt.IsZero(), true)
	})
}

func TestSaveAndLoad(t *testing.T) {
	bubble(t, "over a restart", func(t *testing.T) {
		old := newService(t, echo, pause, one(task("f")))
		closed, err := old.StartExecution("other1", "closed", json.RawMessage(`{"x": "<1>"}`))
		want(t, "start", err, nil)
		_, err = old.Await(t.Context(), closed.ARN)
		want(t, "end", err, nil)
		open, err := old.StartExecution("main", "open", nil)
		want(t, "start", err, nil)
		time.Sleep(time.Second)
		state, err := old.Save()
		want(t, "save", err, nil)
		want(t, "the old process dies", old.StopExecution(open.ARN, "", ""), nil)
		want(t, "settled", old.Settle(t.Context()), nil)

		time.Sleep(time.Hour)
		var changes []StatusChange
		s := newService(t, echo, pause, one(task("f")))
		s.options.OnStatus = func(c StatusChange) { changes = append(changes, c) }
		want(t, "load", s.Load(state), nil)
		want(t, "settled", s.Settle(t.Context()), nil)
		ended, err := s.Await(t.Context(), open.ARN)
		want(t, "describe", err, nil)
		want(t, "ended", string(ended.Status)+" "+ended.Error, "ABORTED "+ErrorProcessEnded)
		want(t, "when", ended.Stopped, clock.System().Now())
		want(t, "announced", len(changes), 1)
		want(t, "whom", changes[0].Execution.Name, "open")
		p := collect(t, s, ended, 0)
		want(t, "events", p.events(), []string{"1<0 ExecutionStarted", "2<0 WaitStateEntered", "3<0 ExecutionAborted"})
		want(t, "visit", p.visits[0].Outcome, VisitAborted)

		before, err := old.DescribeExecution(closed.ARN)
		want(t, "describe", err, nil)
		after, err := s.DescribeExecution(closed.ARN)
		want(t, "describe", err, nil)
		sameJSON(t, "input", after.Input, string(before.Input))
		before.Input, after.Input = nil, nil
		want(t, "closed", after, before)
		was, err := old.GetExecutionHistory(closed.ARN)
		want(t, "history", err, nil)
		is, err := s.GetExecutionHistory(closed.ARN)
		want(t, "history", err, nil)
		want(t, "history", is, was)
		for _, name := range []string{"other1", "main"} {
			if _, err := s.StartExecution(name, map[string]string{"other1": "closed", "main": "open"}[name], nil); !errors.Is(err, ErrExecutionAlreadyExists) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := s.Load(state); err == nil {
			t.Error("loaded twice")
		}
	})
}

func FuzzLoad(f *testing.F) {
	f.Add(`{"version":1,"executions":[{"stateMachine":"main","name":"a","status":"RUNNING","input":{},"history":[{"id":1}],"visits":[{"id":7}]}]}`)
	f.Add(`{"version":1,"executions":[{"stateMachine":"main","name":"a","status":"FAILED","history":[{}]},{"stateMachine":"main","name":"a"}]}`)
	f.Add(`{"version":2}`)
	f.Fuzz(func(t *testing.T, state string) {
		s := newService(t, echo, pause)
		if s.Load([]byte(state)) != nil {
			want(t, "nothing changed", len(s.ListExecutions()), 0)
			return
		}
		for _, e := range s.ListExecutions() {
			if e.Status == Running {
				t.Errorf("%s runs", e.Name)
			}
			if _, err := s.Await(t.Context(), e.ARN); err != nil {
				t.Error(err)
			}
		}
		if _, err := s.Save(); err != nil {
			t.Error(err)
		}
	})
}

// TestScaledClock: outside virtual time, a scaled clock makes hours pass in milliseconds.
func TestScaledClock(t *testing.T) {
	m := mustParse(t, `{"StartAt":"S","States":{"S":{"Type":"Wait","Seconds":3600,"End":true}}}`)
	c := clock.Scaled(time.Time{}, 100000)
	s, err := NewService(Options{Clock: c, Machines: map[string]*Machine{"main": m}})
	want(t, "error", err, nil)
	started, err := s.StartExecution("main", "run", nil)
	want(t, "error", err, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	end, err := s.Await(ctx, started.ARN)
	want(t, "error", err, nil)
	if took := end.Stopped.Sub(end.Started); took < time.Hour {
		t.Errorf("took %v", took)
	}
}

func TestAwaitGivesUp(t *testing.T) {
	bubble(t, "with its context", func(t *testing.T) {
		s := newService(t, nil, pause)
		started, err := s.StartExecution("main", "run", nil)
		want(t, "start", err, nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.Await(ctx, started.ARN); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Await: %v", err)
		}
		if err := s.Settle(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Settle: %v", err)
		}
		want(t, "settled", s.Settle(t.Context()), nil)
	})
}
