package world

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"

	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/schema"
	"github.com/project-gimbal/fleet/internal/seal"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/view"
)

// Invoke is Lambda: it runs one invocation of a function, in an environment of its own, for as long as the function's
// time-out allows. JSON goes in and out. A killed invocation's ports are dead from then on, and its answer is dropped; an
// error is an *asl.TaskError. It implements asl.Invoker.
func (w *World) Invoke(ctx context.Context, function string, payload json.RawMessage) (json.RawMessage, error) {
	f, ok := catalog.ByName(function)
	if !ok {
		return nil, &asl.TaskError{Type: "Lambda.ResourceNotFoundException", Message: "no function " + function}
	}
	n := w.count(function)
	hooks := w.options.Hooks
	if hooks.Twice != nil && hooks.Twice(function, n) {
		w.flying.Go(func() { _, _ = w.invoke(ctx, f, n, payload) }) // nobody waits for the second one
	}
	if hooks.Late != nil {
		if err := w.options.Clock.Sleep(ctx, hooks.Late(function, n)); err != nil {
			return nil, &asl.TaskError{Type: "Lambda.Unknown"}
		}
	}
	return w.invoke(ctx, f, n, payload)
}

func (w *World) count(function string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts[function]++
	return w.counts[function]
}

func (w *World) invoke(ctx context.Context, f catalog.Function, n int, payload json.RawMessage) (json.RawMessage, error) {
	skewed := clock.Skewed(w.options.Clock, w.skew())
	ctx, cancel := skewed.WithTimeout(ctx, time.Duration(f.Timeout)*time.Second)
	life := &life{function: f.Name, n: n, hooks: w.options.Hooks, end: cancel}
	life.again = func() { w.flying.Go(func() { _, _ = w.Invoke(context.WithoutCancel(ctx), f.Name, payload) }) } // nobody waits for it
	type result struct {
		answer json.RawMessage
		err    error
	}
	done := make(chan result, 1)
	w.flying.Go(func() {
		env := w.env(life, skewed, f)
		handler, err := handlers[f.Name](env)
		if err != nil {
			done <- result{nil, messages.InvokeResponse_Error{Type: string(fault.Internal), Message: "the function did not open"}}
			return
		}
		answer, err := step.Invoke(ctx, env, f, handler, payload)
		done <- result{answer, err}
	})
	select {
	case r := <-done:
		defer cancel()
		if life.dead() {
			return nil, &asl.TaskError{Type: "Runtime.ExitError", Message: "the process was killed"}
		}
		if refused, ok := errors.AsType[messages.InvokeResponse_Error](r.err); ok {
			return nil, &asl.TaskError{Type: refused.Type, Message: refused.Message}
		}
		return r.answer, r.err
	case <-ctx.Done():
		if life.kill() {
			return nil, &asl.TaskError{Type: "Sandbox.Timedout", Message: fmt.Sprintf("Task timed out after %d.00 seconds", f.Timeout)}
		}
		return nil, &asl.TaskError{Type: "Runtime.ExitError", Message: "the process was killed"}
	}
}

// skew is how far the next invocation's clock is off.
func (w *World) skew() time.Duration {
	if w.options.Skew <= 0 {
		return 0
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Duration(w.random.Int64N(2*int64(w.options.Skew))) - w.options.Skew
}

// env is the environment of one invocation: every port of it fails once the invocation is dead.
func (w *World) env(l *life, c clock.Clock, f catalog.Function) step.Env {
	o := w.options
	fleet := o.Table
	if o.Hooks.Table != nil {
		fleet = o.Hooks.Table(f.Name, fleet)
	}
	keys := o.Keys
	if o.Hooks.Keys != nil {
		keys = o.Hooks.Keys(f.Name, keys)
	}
	credentials := w.credentialsOf(f.Name)
	transport := asTransport(w.Vendors.link, o.Hooks.Transport)
	endpoints := w.Endpoints
	endpoints.Edge.Dial, endpoints.Edge.Outside = l.dial(endpoints.Edge.Dial), l.outside(endpoints.Edge.Outside)
	vendors := Settings()
	if o.Hooks.Settings != nil {
		o.Hooks.Settings(&vendors)
	}
	gate := step.NewGate(store.New(livingTable{fleet, l}, c), c, o.Log, o.Limits)
	return step.Env{
		Gate:  gate,
		Clock: c,
		Store: store.New(mortalTable{fleet, l}, c),
		Vault: seal.New(keys, o.KeyEncryptionKey), // as a process of its own has it, with no key unwrapped yet
		Provider: provider.Config{Endpoints: endpoints, Clock: c, Settings: vendors,
			Transport:  gate.Before(credentials.Watch(endpoints, step.LogCalls(c, endpoints, mortalTransport{transport, l})), endpoints),
			Credential: w.credential(f.Name, credentials, l), Anew: credentials.Reread},
		Databases: func(ctx context.Context, url provider.Secret) (schema.Database, error) {
			if err := l.alive(); err != nil {
				return nil, err
			}
			return o.OpenDatabase(ctx, url)
		},
		Executions: executions{w.Executions, l},
		Trigger: func(_ context.Context, function string) error {
			if err := l.alive(); err != nil {
				return err
			}
			w.Background(function)
			return nil
		},
		Publish: func(ctx context.Context, subject, text string) error {
			return l.around(false, func() error { return w.publish(ctx, subject, text) })
		},
		Logs: func(ctx context.Context, q step.LogQuery) ([]view.LogLine, error) {
			return w.find(ctx, q)
		},
		Exports:      mortalObjects{o.Exports, l},
		Archive:      mortalObjects{o.Archive, l},
		Calendar:     calendar{w, l},
		Surroundings: w.surround(l),
		Release:      o.Release,
		Nonce:        w.nonce,
		Secret:       step.RandomSecret,
		Settings:     step.Settings{Slots: o.Slots, PublicURL: w.PublicURL, Quotas: o.Quotas, Limits: o.Limits, AutoApprove: o.AutoApprove},
		Log:          o.Log,
		Request:      w.nonce(),
	}
}
