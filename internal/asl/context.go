package asl

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"
)

// Place says for which state of which execution a Lambda is invoked.
type Place struct {
	// Machine is the state machine's name, Execution the execution's, ARN its Amazon resource name.
	Machine, Execution, ARN string
	// State is the Task's name, Function the function as the definition names it.
	State, Function string
	// Attempt counts the state's retries: 0 for the first invocation.
	Attempt int64
}

type placeKey struct{}

// PlaceOf tells an Invoker which state a call is for; false where ctx is not from a Task.
func PlaceOf(ctx context.Context) (Place, bool) {
	p, ok := ctx.Value(placeKey{}).(Place)
	return p, ok
}

func (v *visit) place(function string) Place {
	return Place{Machine: v.execution.machineName, Execution: v.execution.name, ARN: v.execution.arn,
		State: v.state.name, Function: function, Attempt: v.retries}
}

// context is the context object as this state sees it now.
func (v *visit) context() *members {
	e := v.execution
	state := membersOf("Name", v.state.name, "EnteredTime", contextTime(v.entered))
	if v.state.retries() {
		state.set("RetryCount", json.Number(strconv.FormatInt(v.retries, 10)))
	}
	c := membersOf(
		"Execution", membersOf("Id", e.arn, "Input", e.input, "StartTime", contextTime(e.started), "Name", e.name,
			"RoleArn", v.service.options.RoleARN, "RedriveCount", json.Number("0")),
		"StateMachine", membersOf("Id", v.service.machineARN(e.machineName), "Name", e.machineName),
		"State", state,
	)
	if item := v.track.item; item != nil && v.selecting {
		c.set("Map", membersOf("Item", membersOf("Index", integer(int64(item.index)), "Value", item.value)))
	}
	if t, ok := v.state.body.(mockedTask); ok && t.submits {
		c.set("Task", membersOf("Token", v.token()))
	}
	return c
}

func contextTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// find follows a path through data, or through the context object. The errors are path.get's.
func (v *visit) find(p path, data any) (any, error) {
	if !p.context {
		return p.get(data)
	}
	c := v.context()
	if len(p.steps) == 0 {
		if v.track.item != nil && !v.selecting {
			return nil, unsupported(p.place, "it isn't known what else the context object has in an iteration")
		}
		return c, nil
	}
	switch _, there := c.get(p.steps[0].field); {
	case there:
	case p.steps[0].field == "Map" && v.track.item != nil:
		return nil, unsupported(p.place, "an iteration's item is in the context object for the ItemSelector of its Map only")
	case p.steps[0].field == "Task":
		return nil, unsupported(p.place, "a task token is there in Tasks that wait for what they begin only")
	}
	return p.get(c)
}

// lost is the failure of a path that find didn't follow to its end.
func (v *visit) lost(err error, format string, args ...any) error {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	return v.runtime(format, args...)
}
