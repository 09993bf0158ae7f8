package asl

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// The error names that Amazon States Language reserves.
const (
	// ErrorAll matches every error but DataLimitExceeded and Runtime. It stands alone, in the last retrier or catcher.
	ErrorAll = "States.ALL"
	// ErrorTaskFailed matches every error but Timeout (and Runtime, which always ends an execution).
	ErrorTaskFailed = "States.TaskFailed"
	// ErrorTimeout is a Task that took longer than its TimeoutSeconds. It also matches HeartbeatTimeout.
	ErrorTimeout = "States.Timeout"
	// ErrorHeartbeatTimeout is a Task without a heartbeat for too long.
	ErrorHeartbeatTimeout = "States.HeartbeatTimeout"
	// ErrorRuntime is a path that leads nowhere and the like. It always ends the execution.
	ErrorRuntime = "States.Runtime"
	// ErrorDataLimitExceeded is a payload over PayloadLimit.
	ErrorDataLimitExceeded = "States.DataLimitExceeded"
	// ErrorNoChoiceMatched is a Choice without a matching rule and without a Default.
	ErrorNoChoiceMatched = "States.NoChoiceMatched"
	// ErrorResultPathMatchFailure is a ResultPath that can't be applied to the state's input.
	ErrorResultPathMatchFailure = "States.ResultPathMatchFailure"
	// ErrorIntrinsicFailure is an intrinsic function that can't work with its arguments.
	ErrorIntrinsicFailure = "States.IntrinsicFailure"
	// ErrorUnsupported is something of which it isn't known here what AWS makes of it. It always ends the execution; the
	// cause is a Problem. On AWS there is no such error.
	ErrorUnsupported = "Local.Unsupported"
)

// reservedNames are the names with the prefix "States." that an ErrorEquals may hold.
var reservedNames = map[string]bool{
	ErrorAll: true, ErrorTaskFailed: true, ErrorTimeout: true, ErrorHeartbeatTimeout: true,
	ErrorDataLimitExceeded: true, ErrorNoChoiceMatched: true, ErrorResultPathMatchFailure: true,
	"States.ParameterPathFailure": true, "States.BranchFailed": true, "States.Permissions": true,
	ErrorIntrinsicFailure: true, "States.ExceedToleratedFailureThreshold": true,
	"States.ItemReaderFailed": true, "States.ResultWriterFailed": true,
}

// TaskError is how an invocation failed, as Lambda reports it. An Invoker returns it, wrapped or not.
type TaskError struct {
	// Type is Lambda's errorType, and the error name that Retry and Catch see: a function's own, or the platform's such
	// as "Sandbox.Timedout", "Runtime.ExitError". Empty means "Lambda.Unknown".
	Type string
	// Message is Lambda's errorMessage. It ends up in the history.
	Message string
	// StackTrace is what the function's runtime adds, if anything.
	StackTrace []json.RawMessage
}

func (e *TaskError) Error() string { return e.Type + ": " + e.Message }

// What Step Functions reports where Lambda did not name an error.
const (
	lambdaUnknown = "Lambda.Unknown"
	causeUnknown  = "The cause could not be determined because Lambda did not return an error type."
)

// invocationFailure is err as the state machine sees it. An error of Lambda's API has plain text as its cause, an error of the
// function the JSON document that Lambda answers.
func invocationFailure(err error) *failure {
	task, ok := errors.AsType[*TaskError](err)
	if !ok || task.Type == "" {
		return &failure{lambdaUnknown, causeUnknown}
	}
	if strings.HasPrefix(task.Type, "Lambda.") {
		return &failure{task.Type, task.Message}
	}
	document := struct {
		ErrorMessage string            `json:"errorMessage"`
		ErrorType    string            `json:"errorType"`
		StackTrace   []json.RawMessage `json:"stackTrace,omitempty"`
	}{task.Message, task.Type, task.StackTrace}
	cause, err := encode(document)
	if err != nil { // a stack trace that is no JSON
		document.StackTrace = nil
		cause, _ = encode(document) // two strings always encode
	}
	return &failure{task.Type, string(cause)}
}

// failure is an error in the sense of the states language: a name, and a cause for people.
type failure struct{ name, cause string }

func (f *failure) Error() string { return f.name }

// output is what a catcher hands to the next state.
func (f *failure) output() any { return membersOf("Error", f.name, "Cause", f.cause) }

// unsupported ends an execution at a place of the definition whose outcome on AWS isn't known.
func unsupported(place, format string, args ...any) *failure {
	return &failure{ErrorUnsupported, Problem{place, fmt.Sprintf(format, args...)}.String()}
}

// dropped ends a track that nobody waits for any more: a sibling failed, or the execution ended. kinds are the types of
// the states that were under way, innermost first.
type dropped struct{ kinds []string }

func (*dropped) Error() string { return "dropped" }

// Problem is one thing that Parse refuses.
type Problem struct {
	// Place is where, such as "States.CreateProject.Retry[0].Foo"; empty for the document.
	Place string
	// Text is what, such as "unknown field".
	Text string
}

func (p Problem) String() string {
	if p.Place == "" {
		return p.Text
	}
	return p.Place + ": " + p.Text
}

// LoadError is everything that Parse refuses in a definition.
type LoadError struct{ Problems []Problem }

func (e *LoadError) Error() string {
	texts := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		texts[i] = p.String()
	}
	return "invalid state machine definition: " + strings.Join(texts, "; ")
}

func (p *parser) refuse(place, format string, args ...any) {
	p.problems = append(p.problems, Problem{place, fmt.Sprintf(format, args...)})
}
