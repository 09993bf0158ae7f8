package onaws

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/step"
)

// Port puts one port into a function's environment. The ports over services of AWS that few functions need are packages of their
// own below this one, and the mains of those functions hand them to Main: no other function links the service's client.
type Port func(p Parts, env *step.Env)

// Parts is what a port is made of.
type Parts struct {
	Config Config
	AWS    aws.Config
	Clock  clock.Clock
}

// Failed is the fault of a call that AWS did not answer or refused. Its text holds AWS's error code and nothing else of the
// answer. What time doesn't heal is Internal.
func Failed(operation string, err error) error {
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
