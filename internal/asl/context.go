package asl

import (
	"context"
	"encoding/json"
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
func (v *visit) context() map[string]any {
	e := v.execution
	return map[string]any{
		"Execution": map[string]any{
			"Id":        e.arn,
			"Input":     e.input,
			"Name":      e.name,
			"RoleArn":   v.service.options.RoleARN,
			"StartTime": contextTime(e.started),
		},
		"State": map[string]any{
			"EnteredTime": contextTime(v.entered),
			"Name":        v.state.name,
			"RetryCount":  json.Number(strconv.FormatInt(v.retries, 10)),
		},
		"StateMachine": map[string]any{
			"Id":   v.service.machineARN(e.machineName),
			"Name": e.machineName,
		},
	}
}

func contextTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// find follows a path through data, or through the context object.
func (v *visit) find(p path, data any) (value any, missing int) {
	if p.context {
		data = v.context()
	}
	return p.get(data)
}
