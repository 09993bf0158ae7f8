package main

import (
	"bytes"
	"testing"

	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/sim"
)

func TestPlainLines(t *testing.T) {
	var out bytes.Buffer
	p := newPlain(&out, clock.System())
	p.start, p.watch = noon, newWatch()
	const x = "op-1-provision-1"
	seen := func(seconds float64, visit asl.Visit, e asl.Event) {
		e.Timestamp = at(seconds)
		p.observed(asl.Observation{Machine: "provision", Execution: x, Visit: visit, Event: e})
	}
	p.line(at(0), "the operator approves")
	seen(0, asl.Visit{}, asl.Event{Type: asl.ExecutionStarted})
	seen(0, asl.Visit{State: "Begin", Type: "Choice"}, asl.Event{StateEntered: &asl.StateEnteredDetails{}})
	seen(0, asl.Visit{State: "Begin", Type: "Choice"}, asl.Event{StateExited: &asl.StateExitedDetails{}})

	project := asl.Visit{State: "AwaitProject", Type: "Task", Entered: at(1)}
	seen(1, project, asl.Event{StateEntered: &asl.StateEnteredDetails{}})
	for range 7 {
		p.watch.called(asl.Place{Execution: x, State: "AwaitProject"}, sim.Call{Vendor: "supabase", Operation: "GetProject"})
	}
	p.remind(at(10))
	p.remind(at(22))
	p.remind(at(30))
	late := &asl.TaskFailedDetails{Error: "NotReady", Cause: `{"errorMessage":"the Supabase project is not ready yet","errorType":"NotReady"}`}
	seen(51, project, asl.Event{Type: asl.TaskFailed, TaskFailed: late})
	p.remind(at(55))
	seen(60, project, asl.Event{Type: asl.TaskFailed, TaskFailed: late})
	seen(61, project, asl.Event{Type: asl.TaskFailed, TaskFailed: &asl.TaskFailedDetails{Error: "Sandbox.Timedout"}})
	project.Left, project.Attempts, project.Errors = at(93.5), 4, []string{"NotReady", "NotReady", "Sandbox.Timedout"}
	seen(93.5, project, asl.Event{StateExited: &asl.StateExitedDetails{}})
	p.remind(at(200))

	seen(94, asl.Visit{State: "CreateAdmin", Type: "Task"}, asl.Event{TaskTimedOut: &asl.TaskFailedDetails{Error: "States.Timeout"}})
	given := asl.Visit{State: "CreateAdmin", Type: "Task", Entered: at(93.5), Left: at(94.25), Attempts: 1, Errors: []string{"States.Timeout"}}
	seen(94.25, given, asl.Event{StateExited: &asl.StateExitedDetails{}})
	for _, e := range []asl.Event{{Type: asl.ExecutionSucceeded}, {ExecutionFailed: &asl.FailureDetails{Error: "TakenDown"}},
		{ExecutionTimedOut: &asl.FailureDetails{}}, {ExecutionAborted: &asl.FailureDetails{}}} {
		seen(95, asl.Visit{}, e)
	}
	golden(t, "plain.txt", out.String())
}
