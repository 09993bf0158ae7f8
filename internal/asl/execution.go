package asl

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"time"
	"unicode"
)

// Status is an execution's.
type Status string

// The statuses of an execution.
const (
	Running   Status = "RUNNING"
	Succeeded Status = "SUCCEEDED"
	Failed    Status = "FAILED"
	TimedOut  Status = "TIMED_OUT"
	Aborted   Status = "ABORTED"
)

// Execution describes an execution as DescribeExecution does.
type Execution struct {
	ARN        string `json:"executionArn"`
	MachineARN string `json:"stateMachineArn"`
	// Machine is the state machine's name.
	Machine string `json:"stateMachine"`
	Name    string `json:"name"`
	Status  Status `json:"status"`
	// Started is when it began, Stopped when it ended; zero while it runs.
	Started time.Time `json:"startDate"`
	Stopped time.Time `json:"stopDate,omitzero"`
	// Input is as it was given, Output is there once it succeeded.
	Input  json.RawMessage `json:"input"`
	Output json.RawMessage `json:"output,omitempty"`
	// Error and Cause say why it failed or was stopped.
	Error string `json:"error,omitempty"`
	Cause string `json:"cause,omitempty"`
	// Transitions counts the states entered and the retries, as AWS bills them.
	Transitions int64 `json:"transitions"`
}

// execution is a run of a machine, open or closed.
type execution struct {
	service     *Service
	machine     *Machine // nil for a closed one that Load brought
	machineName string
	name, arn   string
	rawInput    json.RawMessage
	input       any
	started     time.Time
	ctx         context.Context
	cancel      context.CancelFunc
	done        chan struct{} // closed at the end

	mu          sync.Mutex
	status      Status
	stopped     time.Time
	output      json.RawMessage
	failure     failure
	history     []Event
	visits      []*Visit
	visitAt     map[int64]int  // event of entering → index in visits
	entries     map[string]int // how often a state was entered
	transitions int64

	events, changes queue
}

// run plays the machine to its end. It returns when every track has ended; Lambdas may still run.
func (e *execution) run() {
	limit := executionLimit
	if t := e.machine.timeout; t > 0 && t < limit {
		limit = t
	}
	ctx, cancel := e.service.options.Clock.WithTimeout(e.ctx, limit)
	defer cancel()
	t := &track{execution: e, graph: e.machine.graph}
	output, err := t.run(ctx, e.input)
	var f *failure
	switch {
	case err == nil:
		e.finish(Succeeded, t.last, json.RawMessage(text(output)), failure{})
	case errors.As(err, &f):
		e.finish(Failed, t.last, nil, *f)
	default: // dropped: stopped, which has finished it already, or out of time
		e.finish(TimedOut, 0, nil, failure{})
	}
}

// append adds an event of a visit, and reports false where the track was dropped or the execution has ended.
func (e *execution) append(v *visit, event Event) (id int64, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.status != Running || v.ctx.Err() != nil {
		return 0, false
	}
	if len(e.history) == HistoryLimit-1 {
		e.finishLocked(Failed, event.PreviousEventID, nil,
			failure{ErrorRuntime, "The execution reached the maximum number of history events (25000)."})
		return 0, false
	}
	now := e.service.options.Clock.Now()
	id = e.add(event, now)
	switch {
	case event.StateEntered != nil:
		e.entries[v.state.name]++
		v.id, v.number = id, e.entries[v.state.name]
		e.visitAt[id] = len(e.visits)
		e.visits = append(e.visits, &Visit{ID: id, State: v.state.name, Type: v.state.kind, Entered: v.entered, Attempts: 1})
		e.transitions++
		e.service.transitions.Add(1)
	case event.StateExited != nil:
		record := e.visitOf(v)
		record.Left, record.Outcome = now, VisitExited
	}
	e.observe(v, id)
	return id, true
}

// add numbers an event and keeps it. e.mu is held.
func (e *execution) add(event Event, now time.Time) int64 {
	event.ID = int64(len(e.history)) + 1
	event.Timestamp = now
	e.history = append(e.history, event)
	return event.ID
}

// observe tells the observer of an event. e.mu is held.
func (e *execution) observe(v *visit, id int64) {
	tell := e.service.options.OnEvent
	if tell == nil {
		return
	}
	seen := Observation{Machine: e.machineName, Execution: e.name, ARN: e.arn, Event: e.history[id-1]}
	if record := e.visitOf(v); record != nil {
		seen.Visit = record.clone()
	}
	e.events.post(e.service, func() { tell(seen) })
}

// drop ends tracks; nothing of theirs is recorded afterwards.
func (e *execution) drop(cancel context.CancelFunc) {
	e.mu.Lock()
	defer e.mu.Unlock()
	cancel()
}

// finish closes the execution, unless it is closed already.
func (e *execution) finish(status Status, previous int64, output json.RawMessage, f failure) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.finishLocked(status, previous, output, f)
}

func (e *execution) finishLocked(status Status, previous int64, output json.RawMessage, f failure) {
	if e.status != Running {
		return
	}
	e.status, e.output, e.failure = status, output, f
	e.stopped = e.service.options.Clock.Now()
	event := Event{PreviousEventID: previous}
	details := &FailureDetails{f.name, f.cause}
	switch status {
	case Succeeded:
		event.Type, event.ExecutionSucceeded = ExecutionSucceeded, &ExecutionSucceededDetails{Output: string(output)}
	case Failed:
		event.Type, event.ExecutionFailed = ExecutionFailed, details
	case TimedOut:
		event.Type, event.ExecutionTimedOut = ExecutionTimedOut, details
	default:
		event.Type, event.ExecutionAborted = ExecutionAborted, details
	}
	id := e.add(event, e.stopped)
	for _, open := range e.visits {
		if open.Outcome == "" {
			open.Left, open.Outcome, open.RetryAt = e.stopped, VisitAborted, time.Time{}
		}
	}
	e.observe(nil, id)
	e.changed()
	e.cancel()
	close(e.done)
}

// changed tells of the status. e.mu is held.
func (e *execution) changed() {
	if tell := e.service.options.OnStatus; tell != nil {
		change := StatusChange{e.describe(), e.service.options.Region, e.service.options.Account}
		e.changes.post(e.service, func() { tell(change) })
	}
}

// describe is the execution now. e.mu is held.
func (e *execution) describe() Execution {
	return Execution{
		ARN: e.arn, MachineARN: e.service.machineARN(e.machineName), Machine: e.machineName, Name: e.name,
		Status: e.status, Started: e.started, Stopped: e.stopped, Input: e.rawInput, Output: e.output,
		Error: e.failure.name, Cause: e.failure.cause, Transitions: e.transitions,
	}
}

// forbiddenInNames are the characters that an execution's name must not have, beside white space and control characters.
const forbiddenInNames = "<>{}[]?*\"#%\\^|~`$&,;:/"

// checkName holds a name against AWS's rules: 1 to 80 characters, some forbidden.
func checkName(name string) error {
	length := 0
	for _, r := range name {
		if length++; !allowedInName(r) {
			return ErrInvalidName
		}
	}
	if length < 1 || length > 80 {
		return ErrInvalidName
	}
	return nil
}

func allowedInName(r rune) bool {
	special := r == unicode.ReplacementChar || r == 0xfffe || r == 0xffff
	return !unicode.IsSpace(r) && !unicode.IsControl(r) && !special && !strings.ContainsRune(forbiddenInNames, r)
}
