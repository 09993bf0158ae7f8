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
	"github.com/project-gimbal/fleet/internal/local/function"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/sandbox"
	"github.com/project-gimbal/fleet/internal/schema"
	"github.com/project-gimbal/fleet/internal/step"
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
	life := &life{function: f.Name, n: n, hooks: w.options.Hooks}
	ctx = context.WithValue(ctx, lifeKey{}, life)
	life.again = func() { w.flying.Go(func() { _, _ = w.Invoke(context.WithoutCancel(ctx), f.Name, payload) }) } // nobody waits for it
	if w.sandbox != nil {
		return asTask(w.inProcess(ctx, life, f, payload))
	}
	return asTask(w.inHere(ctx, life, f, payload))
}

// asTask gives an answer as a Task of a workflow learns of it.
func asTask(answer json.RawMessage, err error) (json.RawMessage, error) {
	if refused, ok := errors.AsType[messages.InvokeResponse_Error](err); ok {
		return nil, &asl.TaskError{Type: refused.Type, Message: refused.Message}
	}
	return answer, err
}

// inHere runs an invocation in this process.
func (w *World) inHere(ctx context.Context, life *life, f catalog.Function, payload json.RawMessage) (json.RawMessage, error) {
	skewed := clock.Skewed(w.options.Clock, w.skew())
	ctx, life.end = skewed.WithTimeout(ctx, time.Duration(f.Timeout)*time.Second)
	type result struct {
		answer json.RawMessage
		err    error
	}
	done := make(chan result, 1)
	w.flying.Go(func() {
		env := w.ports(life, skewed, f).Env(w.nonce())
		handler, err := handlers[f.Name](env)
		if err != nil {
			done <- result{nil, messages.InvokeResponse_Error{Type: string(fault.Internal), Message: "the function did not open"}}
			return
		}
		answer, err := step.Invoke(ctx, env, f, handler, payload)
		done <- result{answer, err}
	})
	killed := messages.InvokeResponse_Error{Type: sandbox.Exited, Message: "the process was killed"}
	select {
	case r := <-done:
		defer life.end()
		if life.dead() {
			return nil, killed
		}
		return r.answer, r.err
	case <-ctx.Done():
		if life.kill() {
			return nil, messages.InvokeResponse_Error{Type: sandbox.TimedOut, Message: fmt.Sprintf("Task timed out after %d.00 seconds", f.Timeout)}
		}
		return nil, killed
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

// ports are those of one invocation: every one fails once the invocation is dead.
func (w *World) ports(l *life, c clock.Clock, f catalog.Function) function.Ports {
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
	endpoints := w.Endpoints
	endpoints.Edge.Dial, endpoints.Edge.Outside = l.dial(endpoints.Edge.Dial), l.outside(endpoints.Edge.Outside)
	return function.Ports{
		Clock: c, Fleet: mortalTable{fleet, l}, Noted: livingTable{fleet, l}, Keys: keys, KeyEncryptionKey: o.KeyEncryptionKey,
		Network: mortalTransport{asTransport(w.Vendors.link, o.Hooks.Transport), l}, Endpoints: endpoints, Vendors: w.identifiers(),
		Secrets: w.secrets.read, Credentials: credentials, Credential: w.credential(f.Name, credentials, l),
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
		Logs:         w.find,
		Exports:      mortalObjects{o.Exports, l},
		Archive:      mortalObjects{o.Archive, l},
		History:      mortalObjects{o.History, l},
		Calendar:     calendar{w, l},
		Surroundings: w.surround(l),
		Release:      o.Release,
		Settings:     w.settings(),
		Log:          o.Log,
	}
}

// settings are Fleet's own.
func (w *World) settings() step.Settings {
	o := w.options
	return step.Settings{Slots: o.Slots, PublicURL: w.PublicURL, Quotas: o.Quotas, Limits: o.Limits, AutoApprove: o.AutoApprove, EndUnpaid: o.EndUnpaid}
}

// identifiers are Fleet's at the vendors.
func (w *World) identifiers() provider.Settings {
	vendors := Settings()
	if w.options.Hooks.Settings != nil {
		w.options.Hooks.Settings(&vendors)
	}
	return vendors
}
