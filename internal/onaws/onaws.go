// Package onaws runs Fleet's functions on AWS Lambda: it reads their configuration, builds a step's ports over AWS's
// services, and answers invocations.
//
// Nothing is read and nothing is built before the first invocation, so that starting is cheap. A function gets what its
// catalog entry grants and nothing else: what isn't granted needs no configuration, and fails when it is used.
package onaws

import (
	"context"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/step"
)

// Main runs a function of the catalog under the Lambda runtime. It doesn't return. Open builds the clients of one
// invocation, and build the function's handler of them.
func Main[D any, H step.Handler](f catalog.Function, open func(step.Env) (D, error), build func(D) H) {
	lambda.StartWithOptions(&function{entry: f, open: step.Opens(open, build), process: process{entry: f, lookup: os.Getenv}})
}

// function is the runtime's handler. The runtime invokes it once at a time.
type function struct {
	entry   catalog.Function
	open    step.Opener
	process process
}

// Invoke answers one invocation. An error is a messages.InvokeResponse_Error by value, typed with its fault code: the
// runtime would name any other after its Go type, and no state machine would know it.
func (f *function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	ports, err := f.process.ports(ctx)
	if err != nil {
		return nil, unopened(err)
	}
	defer ports.settle()
	env := ports.env(ctx)
	handler, err := f.open(env)
	if err != nil {
		env.Log.ErrorContext(ctx, "the function did not open", "function", f.entry.Name, "request", env.Request, "code", fault.CodeOf(err))
		return nil, unopened(fault.New(fault.CodeOf(err), "the function did not open"))
	}
	return step.Invoke(ctx, env, f.entry, handler, payload)
}

func unopened(err error) error {
	return messages.InvokeResponse_Error{Type: string(fault.CodeOf(err)), Message: err.Error()}
}
