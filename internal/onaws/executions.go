package onaws

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/smithy-go"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/step"
)

// executions is the port to the state machines over Step Functions. The SDK may try both calls again: an execution's name
// lets it begin once.
type executions struct {
	start    call[*sfn.StartExecutionInput, *sfn.StartExecutionOutput, sfn.Options]
	describe call[*sfn.DescribeExecutionInput, *sfn.DescribeExecutionOutput, sfn.Options]
	clock    clock.Clock
	machines StateMachines
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
	return failed("StartExecution", err)
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
		return "", failed("DescribeExecution", err)
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

// failed is the fault of a call that AWS did not answer or refused. Its text holds AWS's error code and nothing else of the
// answer. What time doesn't heal is Internal.
func failed(operation string, err error) error {
	refused, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return &fault.Error{Code: fault.Unavailable, Text: operation + " got no answer", Err: err}
	}
	code := fault.Unavailable
	switch refused.ErrorCode() {
	case "StateMachineDoesNotExist", "InvalidArn", "InvalidName", "InvalidExecutionInput", "ResourceNotFoundException",
		"NotFoundException", "InvalidParameterValueException", "InvalidParameterException", "MalformedQueryException", "ValidationException",
		"AccessDeniedException", "AccessDenied", "AuthorizationErrorException", "QueueDoesNotExist",
		"AWS.SimpleQueueService.NonExistentQueue", "InvalidAddress", "InvalidCiphertextException", "IncorrectKeyException":
		code = fault.Internal
	}
	return &fault.Error{Code: code, Text: operation + " was refused: " + refused.ErrorCode(), Err: err}
}
