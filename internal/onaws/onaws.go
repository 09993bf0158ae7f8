// Package onaws runs Fleet's functions on AWS Lambda: it reads their configuration, builds a step's ports over AWS's
// services, and answers invocations.
//
// Nothing is read and nothing is built before the first invocation, so that starting is cheap. A function gets what its
// catalog entry grants and nothing else: what isn't granted needs no configuration, and fails when it is used.
package onaws

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/step"
)

// Main runs a function of the catalog under the Lambda runtime. It doesn't return. Open builds the clients of one
// invocation, and build the function's handler of them. Ports are those of the function's that few others have.
func Main[D any, H step.Handler](f catalog.Function, open func(step.Env) (D, error), build func(D) H, ports ...Port) {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	lambda.StartWithOptions(&function{entry: f, open: step.Opens(open, build), log: log, process: process{entry: f, ports: ports, lookup: os.Getenv, log: log}})
}

// function is the runtime's handler. The runtime invokes it once at a time.
type function struct {
	entry   catalog.Function
	open    step.Opener
	log     *slog.Logger
	process process
}

// Invoke answers one invocation. An error is a messages.InvokeResponse_Error by value, typed with its fault code: the
// runtime would name any other after its Go type, and no state machine would know it.
func (f *function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	ports, err := f.process.open()
	if err != nil {
		return nil, f.unopened(ctx, err)
	}
	defer ports.settle()
	env := ports.env(ctx)
	handler, err := f.open(env)
	if err != nil {
		return nil, f.unopened(ctx, err)
	}
	return step.Invoke(ctx, env, f.entry, handler, payload)
}

// unopened logs and gives the error of an invocation that did not come to its step. Only a fault's text is safe to show.
func (f *function) unopened(ctx context.Context, err error) error {
	text := "the function did not open"
	if known, ok := errors.AsType[*fault.Error](err); ok {
		text += ": " + known.Error()
	}
	f.log.ErrorContext(ctx, text, "function", f.entry.Name, "request", request(ctx), "code", fault.CodeOf(err))
	return messages.InvokeResponse_Error{Type: string(fault.CodeOf(err)), Message: text}
}

// request is the invocation's request id.
func request(ctx context.Context) string {
	if invocation, ok := lambdacontext.FromContext(ctx); ok {
		return invocation.AwsRequestID
	}
	return ""
}
