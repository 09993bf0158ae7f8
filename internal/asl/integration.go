package asl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// lambdaInvoke is a Task with the resource lambda:invoke.
type lambdaInvoke struct{ function string }

func (l lambdaInvoke) run(v *visit, parameters any) (any, string, error) {
	payload := lambdaPayload(parameters)
	ctx := context.WithValue(context.Background(), placeKey{}, v.place(l.function))
	result, err := v.attemptTask(resource{"lambda", "invoke"}, parameters, func() (any, error) {
		if !json.Valid(payload) {
			return nil, &failure{"Lambda.InvalidRequestContentException", "Could not parse request body into json"}
		}
		answer, err := v.service.options.Invoker.Invoke(ctx, l.function, payload)
		if err != nil {
			return nil, invocationFailure(err)
		}
		return lambdaResult(answer)
	})
	return result, "", err
}

// lambdaPayload is the request body. A Payload that is a string is the body as it stands.
func lambdaPayload(parameters any) json.RawMessage {
	fields, _ := parameters.(*members)
	payload, _ := fields.get("Payload")
	if body, ok := payload.(string); ok {
		return json.RawMessage(body)
	}
	return json.RawMessage(text(payload))
}

// lambdaResult is what the integration makes of a function's answer. AWS adds the HTTP headers of Lambda's API, which
// are left out: nothing may depend on them.
func lambdaResult(answer json.RawMessage) (any, error) {
	if len(answer) == 0 {
		answer = json.RawMessage("null")
	}
	payload, err := decode(answer)
	if err != nil {
		return nil, &failure{lambdaUnknown, "The function answered with something that is not JSON."}
	}
	return membersOf(
		"ExecutedVersion", "$LATEST",
		"Payload", payload,
		"SdkHttpMetadata", membersOf("HttpStatusCode", json.Number("200")),
		"StatusCode", json.Number("200"),
	), nil
}

// startExecution is a Task with the resource states:startExecution: it starts and doesn't wait.
type startExecution struct{ machine string }

func (s startExecution) run(v *visit, parameters any) (any, string, error) {
	fields, _ := parameters.(*members)
	result, err := v.attemptTask(resource{"states", "startExecution"}, parameters, func() (any, error) {
		value, given := fields.get("Name")
		name, isText := value.(string)
		if given && (!isText || name == "") {
			return nil, startFailure(ErrInvalidName)
		}
		started, err := v.service.StartExecution(s.machine, name, executionInput(fields))
		if err != nil {
			return nil, startFailure(err)
		}
		return membersOf(
			"ExecutionArn", started.ARN,
			"SdkHttpMetadata", membersOf("HttpStatusCode", json.Number("200")),
			"StartDate", json.Number(fmt.Sprint(started.Started.UnixMilli())),
		), nil
	})
	return result, "", err
}

// executionInput is the new execution's input. An Input that is a string is the input as it stands.
func executionInput(fields *members) json.RawMessage {
	input, given := fields.get("Input")
	if !given {
		return nil
	}
	if s, ok := input.(string); ok {
		return json.RawMessage(s)
	}
	return json.RawMessage(text(input))
}

// startFailure names an error of StartExecution as the integration does.
func startFailure(err error) *failure {
	code, sentinel, words := "InvalidExecutionInput", ErrInvalidExecutionInput, "Invalid State Machine Execution Input"
	switch {
	case errors.Is(err, ErrExecutionAlreadyExists):
		code, sentinel, words = "ExecutionAlreadyExists", ErrExecutionAlreadyExists, "Execution Already Exists"
	case errors.Is(err, ErrStateMachineDoesNotExist):
		code, sentinel, words = "StateMachineDoesNotExist", ErrStateMachineDoesNotExist, "State Machine Does Not Exist"
	case errors.Is(err, ErrInvalidName):
		code, sentinel, words = "InvalidName", ErrInvalidName, "Invalid Name"
	}
	return &failure{"StepFunctions." + code + "Exception",
		fmt.Sprintf("%s (Service: AWSStepFunctions; Status Code: 400; Error Code: %s; Proxy: null)",
			strings.Replace(err.Error(), sentinel.Error(), words, 1), code)}
}
