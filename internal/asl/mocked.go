package asl

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// mockedTask is a Task that is answered by Mocks.
type mockedTask struct {
	family   string // of its events: Task, LambdaFunction or Activity
	resource resource
	arn      string
	submits  bool // the service's answer comes first, and what is waited for later
}

var (
	integrationARN = regexp.MustCompile(`^arn:aws[a-z-]*:states:::([A-Za-z0-9:-]+):([A-Za-z0-9]+(\.sync(:2)?|\.waitForTaskToken)?)$`)
	functionARN    = regexp.MustCompile(`^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]+(:[A-Za-z0-9$_-]+)?$`)
	activityARN    = regexp.MustCompile(`^arn:aws[a-z-]*:states:[a-z0-9-]+:[0-9]{12}:(activity|task):.+$`) // the guide has examples with task
)

// mockedTask reads what is particular to a Task of any resource.
func (p *parser) mockedTask(s *state, o *object) {
	name := p.required(o, "Resource")
	if n := o.take("Credentials"); n != nil {
		p.template(n, true)
	}
	t := mockedTask{arn: name}
	parts := integrationARN.FindStringSubmatch(name)
	switch {
	case name == "":
		return
	case parts != nil:
		t.family, t.resource = "Task", resource{parts[1], parts[2]}
		t.submits = parts[3] != ""
		p.functionName(o, name)
	case functionARN.MatchString(name):
		t.family, t.resource.kind = "LambdaFunction", name
	case activityARN.MatchString(name):
		t.family, t.resource.kind = "Activity", name
	default:
		p.refuse(placeOf(o.place, "Resource"), "resource %q is none that is known here", name)
	}
	if n := o.fields["HeartbeatSeconds"]; n != nil && t.family == "LambdaFunction" {
		p.refuse(n.place, "a Lambda function sends no heartbeats")
	}
	s.body = t
}

// functionName looks for what lambda:invoke can't do without.
func (p *parser) functionName(o *object, resource string) {
	if !strings.Contains(resource, ":::lambda:invoke") {
		return
	}
	n := o.fields["Parameters"]
	if n == nil {
		p.refuse(o.place, "Parameters is missing")
		return
	}
	if parameters, ok := n.value.(*object); ok && parameters.fields["FunctionName"] == nil && parameters.fields["FunctionName.$"] == nil {
		p.refuse(parameters.place, "FunctionName is missing")
	}
}

func (t mockedTask) run(v *visit, parameters any) (any, string, error) {
	timeout, err := v.taskTimeout()
	if err != nil {
		return nil, "", err
	}
	heartbeat, err := v.seconds(v.state.heartbeat, "HeartbeatSecondsPath")
	if err != nil {
		return nil, "", err
	}
	answer, err := v.service.options.Mocks.answer(v)
	if err != nil {
		return nil, "", err
	}
	for _, e := range t.begin(v, text(parameters), timeout, heartbeat) {
		if err := v.record(e); err != nil {
			return nil, "", err
		}
	}
	f := answer.failure
	if f == nil {
		raw := text(answer.result)
		if len(raw) <= PayloadLimit {
			return answer.result, "", v.record(t.succeeded(raw))
		}
		f = tooLarge(t.resource.kind)
	}
	if v.service.options.Clock.Sleep(v.ctx, until(f.name, timeout, heartbeat)) != nil {
		return nil, "", v.dropped()
	}
	if err := v.record(t.failed(f)); err != nil {
		return nil, "", err
	}
	return nil, "", &failure{f.name, f.cause}
}

// until is how long a Task takes that fails so: a time-out comes when its time is over.
func until(name string, timeout, heartbeat time.Duration) time.Duration {
	switch name {
	case ErrorTimeout:
		return timeout
	case ErrorHeartbeatTimeout:
		return heartbeat
	}
	return 0
}

// begin are the events up to the answer.
func (t mockedTask) begin(v *visit, input string, timeout, heartbeat time.Duration) []Event {
	seconds, beat := int64(timeout/time.Second), int64(heartbeat/time.Second)
	if t.family != "Task" {
		work := &WorkScheduledDetails{Resource: t.arn, Input: input, TimeoutInSeconds: seconds, HeartbeatInSeconds: beat}
		if t.family == "Activity" {
			return []Event{{Type: ActivityScheduled, ActivityScheduled: work}, {Type: ActivityStarted}}
		}
		return []Event{{Type: LambdaFunctionScheduled, LambdaFunctionScheduled: work}, {Type: LambdaFunctionStarted}}
	}
	events := []Event{
		{Type: TaskScheduled, TaskScheduled: &TaskScheduledDetails{ResourceType: t.resource.kind, Resource: t.resource.name,
			Region: v.service.options.Region, Parameters: input, TimeoutInSeconds: seconds, HeartbeatInSeconds: beat}},
		{Type: TaskStarted, TaskStarted: &TaskStartedDetails{ResourceType: t.resource.kind, Resource: t.resource.name}},
	}
	if t.submits {
		events = append(events, Event{Type: TaskSubmitted, TaskSubmitted: &TaskStartedDetails{
			ResourceType: t.resource.kind, Resource: t.resource.name}})
	}
	return events
}

func (t mockedTask) succeeded(output string) Event {
	switch t.family {
	case "LambdaFunction":
		return Event{Type: LambdaFunctionSucceeded, LambdaFunctionSucceeded: &WorkSucceededDetails{Output: output}}
	case "Activity":
		return Event{Type: ActivitySucceeded, ActivitySucceeded: &WorkSucceededDetails{Output: output}}
	}
	return Event{Type: TaskSucceeded, TaskSucceeded: &TaskSucceededDetails{ResourceType: t.resource.kind, Resource: t.resource.name, Output: output}}
}

func (t mockedTask) failed(f *failure) Event {
	late := f.name == ErrorTimeout || f.name == ErrorHeartbeatTimeout
	work := &FailureDetails{f.name, f.cause}
	task := &TaskFailedDetails{ResourceType: t.resource.kind, Resource: t.resource.name, Error: f.name, Cause: f.cause}
	switch {
	case t.family == "LambdaFunction" && late:
		return Event{Type: LambdaFunctionTimedOut, LambdaFunctionTimedOut: work}
	case t.family == "LambdaFunction":
		return Event{Type: LambdaFunctionFailed, LambdaFunctionFailed: work}
	case t.family == "Activity" && late:
		return Event{Type: ActivityTimedOut, ActivityTimedOut: work}
	case t.family == "Activity":
		return Event{Type: ActivityFailed, ActivityFailed: work}
	case late:
		return Event{Type: TaskTimedOut, TaskTimedOut: task}
	}
	return Event{Type: TaskFailed, TaskFailed: task}
}

// token is the task token of this attempt.
func (v *visit) token() string {
	r := v.service.random(v.execution.arn, v.state.name+" token", int(v.id), v.retries)
	return fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64())
}
