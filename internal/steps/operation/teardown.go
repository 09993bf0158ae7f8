// Package operation handles operations as such: their beginning, their take-down or undoing, their end, and those that ended
// without an outcome.
package operation

import (
	"context"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
)

// Deps is what these functions use: the store and the executions, both of the Env.
type Deps struct{}

// Open opens nothing.
func Open(step.Env) (Deps, error) { return Deps{}, nil }

// TornDown is BeginTeardown's answer: the instance's state. ACTIVE means that there is nothing to take down.
type TornDown struct {
	State fleet.State `json:"state"`
}

// BeginTeardown is the workflow's way to Teardown.
func BeginTeardown(Deps) step.Lead {
	return func(ctx context.Context, env step.Env, in fleet.RunInput, cause step.Cause) (any, error) {
		state, err := Teardown(ctx, env, in, cause, "fleet")
		return TornDown{state}, err
	}
}

// Teardown is the one place where a take-down begins, called by the workflow's Catch, by cancel and by reconcile alike. An instance
// that is past PROVISIONING, and not marked TERMINATED by a termination of which this is the way on, is left alone, and its state told. A run that is no longer current is a StaleEpoch fault.
func Teardown(ctx context.Context, env step.Env, in fleet.RunInput, cause step.Cause, actor string) (fleet.State, error) {
	begun, err := enter(ctx, env, in, entry{phase: fleet.TakingDown, cause: cause, actor: actor,
		allow: func(i fleet.Instance, o fleet.Operation) bool {
			return i.State == fleet.Provisioning || o.Kind == fleet.Terminate && i.State == fleet.Terminated && o.Running()
		}})
	return begun.state, err
}
