package asl

import "time"

// HistoryLimit is how many events an execution has at most. Where event number 25,000 would be another than
// ExecutionSucceeded, it is ExecutionFailed.
const HistoryLimit = 25000

// EventType is the type of a history event, in AWS's spelling. The types of entering, leaving and aborting states are
// made of the state's type and StateEntered, StateExited and StateAborted, as in TaskStateEntered.
type EventType string

// The event types that aren't made of a state's type.
const (
	ExecutionStarted       EventType = "ExecutionStarted"
	ExecutionSucceeded     EventType = "ExecutionSucceeded"
	ExecutionFailed        EventType = "ExecutionFailed"
	ExecutionTimedOut      EventType = "ExecutionTimedOut"
	ExecutionAborted       EventType = "ExecutionAborted"
	TaskScheduled          EventType = "TaskScheduled"
	TaskStarted            EventType = "TaskStarted"
	TaskSucceeded          EventType = "TaskSucceeded"
	TaskFailed             EventType = "TaskFailed"
	TaskTimedOut           EventType = "TaskTimedOut"
	ParallelStateStarted   EventType = "ParallelStateStarted"
	ParallelStateSucceeded EventType = "ParallelStateSucceeded"
	ParallelStateFailed    EventType = "ParallelStateFailed"
	TaskSubmitted          EventType = "TaskSubmitted"
	MapStateStarted        EventType = "MapStateStarted"
	MapStateSucceeded      EventType = "MapStateSucceeded"
	MapStateFailed         EventType = "MapStateFailed"
	MapIterationStarted    EventType = "MapIterationStarted"
	MapIterationSucceeded  EventType = "MapIterationSucceeded"
	MapIterationFailed     EventType = "MapIterationFailed"
	MapIterationAborted    EventType = "MapIterationAborted"

	LambdaFunctionScheduled EventType = "LambdaFunctionScheduled"
	LambdaFunctionStarted   EventType = "LambdaFunctionStarted"
	LambdaFunctionSucceeded EventType = "LambdaFunctionSucceeded"
	LambdaFunctionFailed    EventType = "LambdaFunctionFailed"
	LambdaFunctionTimedOut  EventType = "LambdaFunctionTimedOut"
	ActivityScheduled       EventType = "ActivityScheduled"
	ActivityStarted         EventType = "ActivityStarted"
	ActivitySucceeded       EventType = "ActivitySucceeded"
	ActivityFailed          EventType = "ActivityFailed"
	ActivityTimedOut        EventType = "ActivityTimedOut"
)

// Event is one entry of an execution's history, in GetExecutionHistory's shape. At most one of the details is there.
type Event struct {
	// ID counts from 1. PreviousEventID is the event that led to this one, 0 where there is none.
	ID              int64     `json:"id"`
	PreviousEventID int64     `json:"previousEventId"`
	Timestamp       time.Time `json:"timestamp"`
	Type            EventType `json:"type"`

	ExecutionStarted   *ExecutionStartedDetails   `json:"executionStartedEventDetails,omitempty"`
	ExecutionSucceeded *ExecutionSucceededDetails `json:"executionSucceededEventDetails,omitempty"`
	ExecutionFailed    *FailureDetails            `json:"executionFailedEventDetails,omitempty"`
	ExecutionTimedOut  *FailureDetails            `json:"executionTimedOutEventDetails,omitempty"`
	ExecutionAborted   *FailureDetails            `json:"executionAbortedEventDetails,omitempty"`
	StateEntered       *StateEnteredDetails       `json:"stateEnteredEventDetails,omitempty"`
	StateExited        *StateExitedDetails        `json:"stateExitedEventDetails,omitempty"`
	TaskScheduled      *TaskScheduledDetails      `json:"taskScheduledEventDetails,omitempty"`
	TaskStarted        *TaskStartedDetails        `json:"taskStartedEventDetails,omitempty"`
	TaskSucceeded      *TaskSucceededDetails      `json:"taskSucceededEventDetails,omitempty"`
	TaskFailed         *TaskFailedDetails         `json:"taskFailedEventDetails,omitempty"`
	TaskTimedOut       *TaskFailedDetails         `json:"taskTimedOutEventDetails,omitempty"`
	TaskSubmitted      *TaskStartedDetails        `json:"taskSubmittedEventDetails,omitempty"`

	MapStateStarted       *MapStateStartedDetails `json:"mapStateStartedEventDetails,omitempty"`
	MapIterationStarted   *MapIterationDetails    `json:"mapIterationStartedEventDetails,omitempty"`
	MapIterationSucceeded *MapIterationDetails    `json:"mapIterationSucceededEventDetails,omitempty"`
	MapIterationFailed    *MapIterationDetails    `json:"mapIterationFailedEventDetails,omitempty"`
	MapIterationAborted   *MapIterationDetails    `json:"mapIterationAbortedEventDetails,omitempty"`

	LambdaFunctionScheduled *WorkScheduledDetails `json:"lambdaFunctionScheduledEventDetails,omitempty"`
	LambdaFunctionSucceeded *WorkSucceededDetails `json:"lambdaFunctionSucceededEventDetails,omitempty"`
	LambdaFunctionFailed    *FailureDetails       `json:"lambdaFunctionFailedEventDetails,omitempty"`
	LambdaFunctionTimedOut  *FailureDetails       `json:"lambdaFunctionTimedOutEventDetails,omitempty"`
	ActivityScheduled       *WorkScheduledDetails `json:"activityScheduledEventDetails,omitempty"`
	ActivitySucceeded       *WorkSucceededDetails `json:"activitySucceededEventDetails,omitempty"`
	ActivityFailed          *FailureDetails       `json:"activityFailedEventDetails,omitempty"`
	ActivityTimedOut        *FailureDetails       `json:"activityTimedOutEventDetails,omitempty"`
}

// DataDetails say whether a field's text was cut short. Here it never is.
type DataDetails struct {
	Truncated bool `json:"truncated"`
}

// ExecutionStartedDetails are those of ExecutionStarted. Input is JSON.
type ExecutionStartedDetails struct {
	Input        string      `json:"input"`
	InputDetails DataDetails `json:"inputDetails"`
	RoleARN      string      `json:"roleArn"`
}

// ExecutionSucceededDetails are those of ExecutionSucceeded. Output is JSON.
type ExecutionSucceededDetails struct {
	Output        string      `json:"output"`
	OutputDetails DataDetails `json:"outputDetails"`
}

// FailureDetails are those of an execution that ended otherwise.
type FailureDetails struct {
	Error string `json:"error,omitempty"`
	Cause string `json:"cause,omitempty"`
}

// StateEnteredDetails are those of entering a state. Input is JSON.
type StateEnteredDetails struct {
	Name         string      `json:"name"`
	Input        string      `json:"input"`
	InputDetails DataDetails `json:"inputDetails"`
}

// StateExitedDetails are those of leaving a state. Output is JSON.
type StateExitedDetails struct {
	Name          string      `json:"name"`
	Output        string      `json:"output"`
	OutputDetails DataDetails `json:"outputDetails"`
}

// TaskScheduledDetails are those of TaskScheduled. Parameters is JSON. TimeoutInSeconds is left out where the Task has
// no time-out of its own.
type TaskScheduledDetails struct {
	ResourceType     string `json:"resourceType"`
	Resource         string `json:"resource"`
	Region           string `json:"region"`
	Parameters       string `json:"parameters"`
	TimeoutInSeconds int64  `json:"timeoutInSeconds,omitempty"`
	// HeartbeatInSeconds is left out where the Task has no HeartbeatSeconds.
	HeartbeatInSeconds int64 `json:"heartbeatInSeconds,omitempty"`
}

// WorkScheduledDetails are those of LambdaFunctionScheduled and ActivityScheduled. Resource is an ARN, Input is JSON.
type WorkScheduledDetails struct {
	Resource           string      `json:"resource"`
	Input              string      `json:"input"`
	InputDetails       DataDetails `json:"inputDetails"`
	TimeoutInSeconds   int64       `json:"timeoutInSeconds,omitempty"`
	HeartbeatInSeconds int64       `json:"heartbeatInSeconds,omitempty"`
}

// WorkSucceededDetails are those of LambdaFunctionSucceeded and ActivitySucceeded. Output is JSON.
type WorkSucceededDetails struct {
	Output        string      `json:"output"`
	OutputDetails DataDetails `json:"outputDetails"`
}

// MapStateStartedDetails are those of MapStateStarted. Length counts the items.
type MapStateStartedDetails struct {
	Length int `json:"length"`
}

// MapIterationDetails are those of an iteration of the Map of that name. Index counts from 0.
type MapIterationDetails struct {
	Name  string `json:"name"`
	Index int    `json:"index"`
}

// TaskStartedDetails are those of TaskStarted, and of TaskSubmitted, whose output is in no mock.
type TaskStartedDetails struct {
	ResourceType string `json:"resourceType"`
	Resource     string `json:"resource"`
}

// TaskSucceededDetails are those of TaskSucceeded. Output is JSON.
type TaskSucceededDetails struct {
	ResourceType  string      `json:"resourceType"`
	Resource      string      `json:"resource"`
	Output        string      `json:"output"`
	OutputDetails DataDetails `json:"outputDetails"`
}

// TaskFailedDetails are those of TaskFailed and TaskTimedOut.
type TaskFailedDetails struct {
	ResourceType string `json:"resourceType"`
	Resource     string `json:"resource"`
	Error        string `json:"error,omitempty"`
	Cause        string `json:"cause,omitempty"`
}
