package asl

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
)

// Invoker calls Lambda functions.
type Invoker interface {
	// Invoke calls a function, named as FunctionName in the definition, and gives what it answers. A failed call is a
	// *TaskError; any other error counts as one without a type. ctx says for which state the call is (see PlaceOf) and
	// is never cancelled: a Lambda runs on when its Task timed out, its branch was dropped or its execution was stopped.
	// Calls come from goroutines of their own, also several at once.
	Invoke(ctx context.Context, function string, payload json.RawMessage) (json.RawMessage, error)
}

// The resources a Task may have.
const (
	resourceInvoke = "arn:aws:states:::lambda:invoke"
	resourceStart  = "arn:aws:states:::states:startExecution"
)

// taskTimeout is TimeoutSeconds or TimeoutSecondsPath; zero for neither, which on AWS means 99999999 seconds. The same
// goes for heartbeats.
type taskTimeout struct {
	fixed time.Duration
	path  *path
}

func (p *parser) task(s *state, o *object) {
	s.timeout = p.taskTimeout(o, "TimeoutSeconds")
	if p.any {
		s.heartbeat = p.taskTimeout(o, "HeartbeatSeconds")
		if t := s.timeout.fixed; t != 0 && s.heartbeat.fixed >= t {
			p.refuse(o.fields["HeartbeatSeconds"].place, "must be less than TimeoutSeconds")
		}
		p.mockedTask(s, o)
		return
	}
	resource := p.required(o, "Resource")
	var parameters *object
	if n := o.fields["Parameters"]; n != nil {
		parameters, _ = n.value.(*object)
	} else {
		p.refuse(o.place, "Parameters is missing")
	}
	if parameters == nil {
		return
	}
	switch resource {
	case resourceInvoke:
		s.body = lambdaInvoke{p.literal(parameters, "FunctionName")}
		if parameters.fields["Payload"] == nil && parameters.fields["Payload.$"] == nil {
			p.refuse(parameters.place, "Payload is missing")
		}
		p.only(parameters, "FunctionName", "Payload", "Payload.$")
	case resourceStart:
		s.body = startExecution{machineName(p.literal(parameters, "StateMachineArn"))}
		if n := parameters.fields["Name"]; n != nil {
			if name, ok := n.value.(string); !ok || checkName(name) != nil {
				p.refuse(n.place, "can't be an execution's name")
			}
		}
		p.only(parameters, "StateMachineArn", "Name", "Name.$", "Input", "Input.$")
	case "":
	default:
		p.refuse(placeOf(o.place, "Resource"), "resource %q is not implemented", resource)
	}
}

// taskTimeout reads a field with a number of seconds, or the one that says where that is.
func (p *parser) taskTimeout(o *object, key string) taskTimeout {
	t := taskTimeout{fixed: time.Duration(p.integer(o, key, 1, maxSeconds, 0)) * time.Second}
	if n := o.take(key + "Path"); n != nil {
		t.path = p.referenceOf(n)
		if t.fixed != 0 {
			p.refuse(n.place, "can't stand beside %s", key)
		}
	}
	return t
}

// literal reads a parameter that must be a literal, so that a definition says what it uses.
func (p *parser) literal(o *object, key string) string {
	n := o.fields[key]
	if n == nil {
		p.refuse(o.place, "%s is missing, or no literal", key)
		return ""
	}
	s, ok := n.value.(string)
	if !ok || s == "" {
		p.refuse(n.place, "must be a non-empty string")
	}
	return s
}

// only refuses every parameter that isn't one of known.
func (p *parser) only(o *object, known ...string) {
	for _, key := range o.keys {
		if !slices.Contains(known, key) {
			p.refuse(o.fields[key].place, "unknown field")
		}
	}
}

// machineName is the name in a state machine's ARN; what isn't an ARN is taken as the name itself.
func machineName(arn string) string { return arn[strings.LastIndex(arn, ":")+1:] }

// work is one attempt of a Task: it runs aside, since a timed-out or dropped Task doesn't stop it.
type work func() (any, error)

// attemptTask records and runs one attempt of a Task, and gives its raw result.
func (v *visit) attemptTask(r resource, parameters any, w work) (any, error) {
	timeout, err := v.taskTimeout()
	if err != nil {
		return nil, err
	}
	scheduled := &TaskScheduledDetails{ResourceType: r.kind, Resource: r.name, Region: v.service.options.Region,
		Parameters: text(parameters), TimeoutInSeconds: int64(timeout / time.Second)}
	if err := v.record(Event{Type: TaskScheduled, TaskScheduled: scheduled}); err != nil {
		return nil, err
	}
	started := &TaskStartedDetails{ResourceType: r.kind, Resource: r.name}
	if err := v.record(Event{Type: TaskStarted, TaskStarted: started}); err != nil {
		return nil, err
	}
	if timeout == 0 {
		timeout = maxSeconds * time.Second
	}
	result, err := v.await(w, timeout)
	if err == nil {
		if raw := text(result); len(raw) > PayloadLimit {
			err = tooLarge(r.kind)
		} else {
			return result, v.record(Event{Type: TaskSucceeded, TaskSucceeded: &TaskSucceededDetails{
				ResourceType: r.kind, Resource: r.name, Output: raw}})
		}
	}
	f, ok := errors.AsType[*failure](err)
	if !ok {
		return nil, err
	}
	details := &TaskFailedDetails{ResourceType: r.kind, Resource: r.name, Error: f.name, Cause: f.cause}
	event := Event{Type: TaskFailed, TaskFailed: details}
	if f.name == ErrorTimeout {
		event = Event{Type: TaskTimedOut, TaskTimedOut: details}
	}
	if err := v.record(event); err != nil {
		return nil, err
	}
	return nil, f
}

type resource struct{ kind, name string }

type answer struct {
	result any
	err    error
}

// await runs w aside and waits for it, for the time-out, or for the track's end. An answer that is there when one of the
// others strikes counts.
func (v *visit) await(w work, timeout time.Duration) (any, error) {
	answers := make(chan answer, 1)
	v.service.aside(func() {
		result, err := w()
		answers <- answer{result, err}
	})
	ctx, cancel := v.service.options.Clock.WithTimeout(v.ctx, timeout)
	defer cancel()
	v.service.yield(func() bool { return len(answers) > 0 || ctx.Err() != nil })
	select {
	case a := <-answers:
		return a.result, a.err
	case <-ctx.Done():
	}
	select {
	case a := <-answers:
		return a.result, a.err
	default:
	}
	if v.ctx.Err() != nil {
		return nil, v.dropped()
	}
	return nil, &failure{name: ErrorTimeout}
}

// taskTimeout is the time-out of this attempt, 0 for none.
func (v *visit) taskTimeout() (time.Duration, error) {
	return v.seconds(v.state.timeout, "TimeoutSecondsPath")
}

func (v *visit) seconds(t taskTimeout, field string) (time.Duration, error) {
	if t.path == nil {
		return t.fixed, nil
	}
	value, err := v.find(*t.path, v.selected)
	if err != nil {
		return 0, v.lost(err, "%s", err)
	}
	number, _ := value.(json.Number)
	seconds, err := number.Int64()
	if err != nil || seconds < 1 || seconds > maxSeconds {
		return 0, v.runtime("The %s parameter does not reference a positive whole number: %s == %s",
			field, t.path.text, text(value))
	}
	return time.Duration(seconds) * time.Second, nil
}
