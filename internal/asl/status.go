package asl

import (
	"encoding/json"
	"time"
)

// StatusChange is an execution's new status, as EventBridge's "Step Functions Execution Status Change" tells it.
type StatusChange struct {
	Execution       Execution
	region, account string
}

// At is when the status changed.
func (c StatusChange) At() time.Time {
	if c.Execution.Stopped.IsZero() {
		return c.Execution.Started
	}
	return c.Execution.Stopped
}

// statusDetail is the event's detail. Dates are milliseconds since 1970; what there is none of is null.
type statusDetail struct {
	ExecutionARN  string    `json:"executionArn"`
	MachineARN    string    `json:"stateMachineArn"`
	Name          string    `json:"name"`
	Status        Status    `json:"status"`
	StartDate     int64     `json:"startDate"`
	StopDate      *int64    `json:"stopDate"`
	Input         string    `json:"input"`
	InputDetails  included  `json:"inputDetails"`
	Output        *string   `json:"output"`
	OutputDetails *included `json:"outputDetails"`
	Error         *string   `json:"error"`
	Cause         *string   `json:"cause"`
}

type included struct {
	Included bool `json:"included"`
}

// Event is the EventBridge event, under the given event id.
func (c StatusChange) Event(id string) (json.RawMessage, error) {
	e := c.Execution
	detail := statusDetail{ExecutionARN: e.ARN, MachineARN: e.MachineARN, Name: e.Name, Status: e.Status,
		StartDate: e.Started.UnixMilli(), Input: string(e.Input), InputDetails: included{true},
		Error: optional(e.Error), Cause: optional(e.Cause)}
	if !e.Stopped.IsZero() {
		at := e.Stopped.UnixMilli()
		detail.StopDate = &at
	}
	if e.Output != nil {
		detail.Output, detail.OutputDetails = optional(string(e.Output)), &included{true}
	}
	return encode(map[string]any{
		"version":     "0",
		"id":          id,
		"detail-type": "Step Functions Execution Status Change",
		"source":      "aws.states",
		"account":     c.account,
		"time":        c.At().UTC().Format(time.RFC3339),
		"region":      c.region,
		"resources":   []string{e.ARN},
		"detail":      detail,
	})
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
