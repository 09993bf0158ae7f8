// Package executions starts executions of the workflows by Step Functions, and tells how they are.
package executions

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/step"
)

// patience is how long one call may take, its retries included.
const patience = 10 * time.Second

// Open puts Executions into env.
func Open(p onaws.Parts, env *step.Env) {
	client := sfn.NewFromConfig(p.AWS)
	env.Executions = executions{client.StartExecution, client.DescribeExecution, p.Clock, p.Config.StateMachines}
}

// call is one operation of an AWS client; as package onaws does, it holds those, not clients.
type call[In, Out any] = func(context.Context, *In, ...func(*sfn.Options)) (*Out, error)

// executions is the port to the state machines over Step Functions. The SDK may try both calls again: an execution's name
// lets it begin once.
type executions struct {
	start    call[sfn.StartExecutionInput, sfn.StartExecutionOutput]
	describe call[sfn.DescribeExecutionInput, sfn.DescribeExecutionOutput]
	clock    clock.Clock
	machines onaws.StateMachines
}

// Start starts an execution. Step Functions takes the same name with the same input for the same request while the execution
// is open, and refuses it otherwise with ExecutionAlreadyExists, for 90 days after its end: both are success.
func (e executions) Start(ctx context.Context, workflow, name string, input any) error {
	machine, err := e.machine(workflow)
	if err != nil {
		return err
	}
	text, err := json.Marshal(input)
	if err != nil {
		return &fault.Error{Code: fault.Internal, Text: "the execution's input does not encode", Err: err}
	}
	ctx, cancel := e.clock.WithTimeout(ctx, patience)
	defer cancel()
	_, err = e.start(ctx, &sfn.StartExecutionInput{StateMachineArn: aws.String(machine), Name: aws.String(name),
		Input: aws.String(string(text))})
	if _, there := errors.AsType[*types.ExecutionAlreadyExists](err); there || err == nil {
		return nil
	}
	return onaws.Failed("StartExecution", err)
}

// Status describes an execution. One that ended over 90 days ago is Unstarted again.
func (e executions) Status(ctx context.Context, workflow, name string) (step.Execution, error) {
	machine, err := e.machine(workflow)
	if err != nil {
		return "", err
	}
	ctx, cancel := e.clock.WithTimeout(ctx, patience)
	defer cancel()
	x, err := e.describe(ctx, &sfn.DescribeExecutionInput{ExecutionArn: aws.String(executionARN(machine, name)),
		IncludedData: types.IncludedDataMetadataOnly})
	if _, absent := errors.AsType[*types.ExecutionDoesNotExist](err); absent {
		return step.Unstarted, nil
	}
	if err != nil {
		return "", onaws.Failed("DescribeExecution", err)
	}
	switch x.Status {
	case types.ExecutionStatusRunning, types.ExecutionStatusPendingRedrive:
		return step.Open, nil
	case types.ExecutionStatusSucceeded, types.ExecutionStatusFailed, types.ExecutionStatusTimedOut, types.ExecutionStatusAborted:
		return step.Closed, nil
	}
	return "", fault.New(fault.Unavailable, "DescribeExecution gave a status that is not known")
}

func (e executions) machine(workflow string) (string, error) {
	arn, ok := e.machines.ARN(workflow)
	if !ok {
		return "", fault.New(fault.Internal, "FLEET_STATE_MACHINES has no workflow %s", workflow)
	}
	return arn, nil
}

// executionARN is the ARN of an execution of a state machine. One that was started through an alias or a version, which the
// machine's ARN then ends with, has neither in its own.
func executionARN(machine, name string) string {
	where, machine, _ := strings.Cut(machine, ":stateMachine:")
	machine, _, _ = strings.Cut(machine, ":")
	return where + ":execution:" + machine + ":" + name
}
