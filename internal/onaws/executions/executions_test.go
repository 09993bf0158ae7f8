package executions

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/smithy-go"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/step"
)

func apiError(code string) error {
	return &smithy.GenericAPIError{Code: code, Message: "AWS's own words about arn:aws:x"}
}

// wants checks an error's code, and that AWS's words aren't in its text.
func wants(t *testing.T, err error, code fault.Code) {
	t.Helper()
	if err == nil || fault.CodeOf(err) != code || strings.Contains(err.Error(), "own words") {
		t.Errorf("got %v (%s), want %s", err, fault.CodeOf(err), code)
	}
}

const prefix = "arn:aws:states:us-east-1:111122223333:stateMachine:fleet-"

var machines = onaws.StateMachines{Prefix: prefix}

func TestStart(t *testing.T) {
	var sent *sfn.StartExecutionInput
	var fails error
	e := executions{clock: clock.System(), machines: machines,
		start: func(_ context.Context, in *sfn.StartExecutionInput, _ ...func(*sfn.Options)) (*sfn.StartExecutionOutput, error) {
			sent = in
			return nil, fails
		}}
	start := func() error { return e.Start(t.Context(), "provision", "op-1-build-1", map[string]int{"epoch": 1}) }
	if err := start(); err != nil {
		t.Error(err)
	}
	if *sent.StateMachineArn != prefix+"provision" || *sent.Name != "op-1-build-1" || *sent.Input != `{"epoch":1}` {
		t.Errorf("sent %s, %s, %s", *sent.StateMachineArn, *sent.Name, *sent.Input)
	}
	if fails = (&types.ExecutionAlreadyExists{}); start() != nil {
		t.Error("one that is there already is no success")
	}
	for code, want := range map[string]fault.Code{"ExecutionLimitExceeded": fault.Unavailable, "ThrottlingException": fault.Unavailable,
		"StateMachineDoesNotExist": fault.Internal, "AccessDeniedException": fault.Internal} {
		fails = apiError(code)
		wants(t, start(), want)
	}
	fails = errors.New("own words of a connection")
	wants(t, start(), fault.Unavailable)
	wants(t, executions{machines: onaws.StateMachines{}}.Start(t.Context(), "provision", "x", nil), fault.Internal)
}

func TestStatus(t *testing.T) {
	var answer types.ExecutionStatus
	var fails error
	e := executions{clock: clock.System(), machines: machines,
		describe: func(_ context.Context, in *sfn.DescribeExecutionInput, _ ...func(*sfn.Options)) (*sfn.DescribeExecutionOutput, error) {
			if *in.ExecutionArn != "arn:aws:states:us-east-1:111122223333:execution:fleet-teardown:x" {
				t.Errorf("asked for %s", *in.ExecutionArn)
			}
			return &sfn.DescribeExecutionOutput{Status: answer}, fails
		}}
	known := map[types.ExecutionStatus]step.Execution{types.ExecutionStatusRunning: step.Open, types.ExecutionStatusPendingRedrive: step.Open,
		types.ExecutionStatusSucceeded: step.Closed, types.ExecutionStatusFailed: step.Closed, types.ExecutionStatusTimedOut: step.Closed,
		types.ExecutionStatusAborted: step.Closed}
	for _, answer = range types.ExecutionStatus("").Values() {
		if got, err := e.Status(t.Context(), "teardown", "x"); err != nil || got != known[answer] {
			t.Errorf("%s: got %q, %v, want %q", answer, got, err, known[answer])
		}
	}
	answer = "NEW"
	_, err := e.Status(t.Context(), "teardown", "x")
	wants(t, err, fault.Unavailable)
	fails = &types.ExecutionDoesNotExist{}
	if got, err := e.Status(t.Context(), "teardown", "x"); err != nil || got != step.Unstarted {
		t.Errorf("one that isn't there: got %q, %v", got, err)
	}
	fails = apiError("ThrottlingException")
	_, err = e.Status(t.Context(), "teardown", "x")
	wants(t, err, fault.Unavailable)
}

// TestExecutionARN: an execution's ARN names the machine alone, whatever it was started through.
func TestExecutionARN(t *testing.T) {
	for _, through := range []string{"", ":live", ":7"} {
		got := executionARN("arn:aws:states:us-east-1:111122223333:stateMachine:fleet-dev-provision"+through, "op-1-provision-1")
		if got != "arn:aws:states:us-east-1:111122223333:execution:fleet-dev-provision:op-1-provision-1" {
			t.Errorf("through %q: %s", through, got)
		}
	}
}
