package step

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda/messages"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
)

// Handler is what a function does with an invocation's payload.
type Handler interface {
	handle(ctx context.Context, env Env, f catalog.Function, payload json.RawMessage) (any, error)
}

// Func is a step of a workflow. Its result is dropped: the store is the truth.
type Func func(ctx context.Context, run *Run) error

// Verdict is a step on whose answer the workflow chooses.
type Verdict func(ctx context.Context, run *Run) (any, error)

// Lead is a step that runs without proving an epoch, because it is what moves the epoch on.
type Lead func(ctx context.Context, env Env, in fleet.RunInput, cause Cause) (any, error)

// Cause is the error for which a workflow comes to a Lead step: what a Catch puts into the input.
type Cause struct {
	Error string `json:"Error"`
	Cause string `json:"Cause"`
}

// Text is what the cause says for people: a failed Lambda's errorMessage, which Invoke keeps safe to show, of at most 300
// bytes. Empty where it says nothing.
func (c Cause) Text() string {
	var told struct {
		Message string `json:"errorMessage"`
	}
	if json.Unmarshal([]byte(c.Cause), &told) != nil {
		return ""
	}
	return told.Message[:min(len(told.Message), 300)]
}

// Event is a function that a schedule or an event invokes.
type Event func(ctx context.Context, env Env) error

// Ends is a function that a schedule invokes, and EventBridge when an execution of a workflow has ended: execution is its name then,
// and otherwise empty.
type Ends func(ctx context.Context, env Env, execution string) error

// API is a function behind the HTTP API.
type API func(ctx context.Context, env Env, request events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error)

func (f Func) handle(ctx context.Context, env Env, c catalog.Function, payload json.RawMessage) (any, error) {
	_, err := Verdict(func(ctx context.Context, run *Run) (any, error) { return nil, f(ctx, run) }).handle(ctx, env, c, payload)
	return struct{}{}, err
}

func (f Verdict) handle(ctx context.Context, env Env, c catalog.Function, payload json.RawMessage) (any, error) {
	var in fleet.RunInput
	if err := decode(payload, &in); err != nil {
		return nil, err
	}
	run, err := Begin(ctx, env, c.State(), in)
	if err != nil {
		return nil, err
	}
	answer, err := f(ctx, run)
	return answer, run.honour(ctx, err)
}

func (f Lead) handle(ctx context.Context, env Env, _ catalog.Function, payload json.RawMessage) (any, error) {
	var in struct {
		fleet.RunInput
		Failure Cause `json:"failure"`
	}
	if err := decode(payload, &in); err != nil {
		return nil, err
	}
	return f(ctx, env, in.RunInput, in.Failure)
}

func (f Event) handle(ctx context.Context, env Env, _ catalog.Function, _ json.RawMessage) (any, error) {
	return struct{}{}, f(ctx, env)
}

func (f Ends) handle(ctx context.Context, env Env, _ catalog.Function, payload json.RawMessage) (any, error) {
	var change struct {
		Source string          `json:"source"`
		Detail json.RawMessage `json:"detail"`
	}
	var execution struct {
		Name string `json:"name"`
	}
	if err := decode(payload, &change); err != nil {
		return nil, err
	}
	if change.Source == "aws.states" {
		if err := decode(change.Detail, &execution); err != nil {
			return nil, err
		}
	}
	return struct{}{}, f(ctx, env, execution.Name)
}

func (f API) handle(ctx context.Context, env Env, _ catalog.Function, payload json.RawMessage) (any, error) {
	var request events.APIGatewayV2HTTPRequest
	if err := decode(payload, &request); err != nil {
		return nil, err
	}
	return f(ctx, env, request)
}

func decode(payload json.RawMessage, into any) error {
	if err := json.Unmarshal(payload, into); err != nil {
		return &fault.Error{Code: fault.Internal, Text: "the input does not decode", Err: err}
	}
	return nil
}

// Invoke runs one invocation of a function: payload in, answer out, as JSON. A failure comes back as a
// messages.InvokeResponse_Error by value, typed with its fault code: that is what a state machine matches. Its text is
// safe to show. A panic is an Internal fault.
func Invoke(ctx context.Context, env Env, f catalog.Function, h Handler, payload json.RawMessage) (answer json.RawMessage, err error) {
	started := env.Clock.Now()
	log := env.Log.With("function", f.Name, "request", env.Request).With(subject(payload)...)
	defer func() {
		if p := recover(); p != nil {
			// A panic's value may hold anything; its type and place are enough.
			log.ErrorContext(ctx, "panic", "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			err = messages.InvokeResponse_Error{Type: string(fault.Internal), Message: "the step panicked"}
		}
	}()
	ctx, env.Log = withLog(ctx, log), log
	ctx = withCaller(ctx, classOf(f), cmp.Or(about(payload).InstanceID, env.Request))
	result, err := h.handle(ctx, env, f, payload)
	took := slog.Duration("took", env.Clock.Now().Sub(started))
	if err != nil {
		code := fault.CodeOf(err)
		text := SafeText(err)
		log.LogAttrs(ctx, slog.LevelWarn, "failed", slog.String("code", string(code)), slog.String("error", text), took)
		return nil, messages.InvokeResponse_Error{Type: string(code), Message: text}
	}
	log.LogAttrs(ctx, slog.LevelInfo, "done", took)
	answer, err = json.Marshal(result)
	if err != nil {
		return nil, messages.InvokeResponse_Error{Type: string(fault.Internal), Message: "the answer does not encode"}
	}
	return answer, nil
}

// subject are the ids that a payload is about, so that one query by instance finds its logs.
func subject(payload json.RawMessage) []any {
	if in := about(payload); in.InstanceID != "" {
		return []any{"instance", in.InstanceID, "operation", in.OperationID, "epoch", in.Epoch}
	}
	return nil
}

// about is what of a payload says which instance it is about; empty where it doesn't.
func about(payload json.RawMessage) fleet.RunInput {
	var in struct {
		fleet.RunInput
		PathParameters struct {
			ID string `json:"id"`
		} `json:"pathParameters"`
	}
	if json.Unmarshal(payload, &in) != nil {
		return fleet.RunInput{}
	}
	in.InstanceID = cmp.Or(in.InstanceID, in.PathParameters.ID)
	return in.RunInput
}

// SafeText is the text of the fault in err's chain. Other errors' texts may hold anything and are not shown.
func SafeText(err error) string {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f.Error()
	}
	return "an unclassified error of type " + fmt.Sprintf("%T", err)
}

// Opener makes a function's handler for one invocation.
type Opener func(env Env) (Handler, error)

// Opens ties a noun's Open to one of its handlers.
func Opens[D any, H Handler](open func(Env) (D, error), build func(D) H) Opener {
	return func(env Env) (Handler, error) {
		deps, err := open(env)
		if err != nil {
			return nil, err
		}
		return build(deps), nil
	}
}
