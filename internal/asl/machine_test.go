package asl

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// whole uses nearly everything that is implemented.
const whole = `{
  "Comment": "everything", "Version": "1.0", "QueryLanguage": "JSONPath", "TimeoutSeconds": 3600, "StartAt": "Reserve",
  "States": {
    "Reserve": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "TimeoutSeconds": 70,
      "Parameters": {"FunctionName": "${ReserveInstance}", "Payload": {"instanceId.$": "$.instanceId", "attempt.$": "$$.State.RetryCount"}},
      "ResultSelector": {"answer.$": "$.Payload"}, "ResultPath": "$.reserved", "Next": "Both",
      "Retry": [
        {"ErrorEquals": ["Rejected", "Conflict"], "MaxAttempts": 0},
        {"ErrorEquals": ["Throttled"], "IntervalSeconds": 2, "MaxAttempts": 5, "BackoffRate": 1.5, "MaxDelaySeconds": 30, "JitterStrategy": "FULL"},
        {"ErrorEquals": ["States.ALL"]}],
      "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Teardown"}]},
    "Both": {"Type": "Parallel", "ResultPath": null, "Next": "Which",
      "Branches": [
        {"StartAt": "Pause", "States": {"Pause": {"Type": "Wait", "Seconds": 5, "Next": "Done"}, "Done": {"Type": "Succeed"}}},
        {"StartAt": "Note", "States": {"Note": {"Type": "Pass", "Result": {"x": [1]}, "End": true}}}],
      "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Teardown"}]},
    "Which": {"Type": "Choice", "Default": "FailedDirty", "Choices": [
      {"And": [{"Variable": "$.a", "IsPresent": true}, {"Not": {"Variable": "$.a", "StringEquals": "x"}}], "Next": "Finished"}]},
    "Finished": {"Type": "Succeed"},
    "Teardown": {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution",
      "Parameters": {"StateMachineArn": "${Teardown}", "Name.$": "$.name", "Input.$": "$"}, "ResultPath": null, "Next": "FailedDirty"},
    "FailedDirty": {"Type": "Fail", "Error": "Dirty", "Cause": "see the ledger"}
  }
}`

var wholeSubstitutions = map[string]string{
	"ReserveInstance": "reserve-instance", "Teardown": "arn:aws:states:us-east-1:1:stateMachine:teardown", "Unused": "x",
}

func TestParseWhole(t *testing.T) {
	m, err := Parse([]byte(whole), wholeSubstitutions)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "placeholders", m.Placeholders(), []string{"ReserveInstance", "Teardown"})
}

// TestRefused puts one thing after another into a good definition and looks for the complaint and its place.
func TestRefused(t *testing.T) {
	for _, c := range []struct{ old, replacement, problem string }{
		{`"Version": "1.0"`, `"Version": "2.0"`, `Version: must be "1.0"`},
		{`"JSONPath"`, `"JSONata"`, `QueryLanguage: only JSONPath is implemented`},
		{`"Version"`, `"Versoin"`, `Versoin: unknown field`},
		{`"TimeoutSeconds": 3600`, `"TimeoutSeconds": 0`, `TimeoutSeconds: must be a whole number from 1 to 99999999`},
		{`"StartAt": "Reserve"`, `"StartAt": "Nowhere"`, `StartAt: no such state: "Nowhere"`},
		{`"StartAt": "Reserve",`, ``, `StartAt is missing`},
		{`"MaxAttempts": 0`, `"MaxAttempts": 0, "Foo": 1`, `States.Reserve.Retry[0].Foo: unknown field`},
		{`"MaxAttempts": 0`, `"MaxAttempts": -1`, `States.Reserve.Retry[0].MaxAttempts: must be a whole number from 0 to 99999999`},
		{`"IntervalSeconds": 2`, `"IntervalSeconds": 0`, `States.Reserve.Retry[1].IntervalSeconds: must be a whole number from 1`},
		{`"IntervalSeconds": 2`, `"IntervalSeconds": 1.5`, `States.Reserve.Retry[1].IntervalSeconds: must be a whole number`},
		{`"BackoffRate": 1.5`, `"BackoffRate": 0.5`, `States.Reserve.Retry[1].BackoffRate: must be a number of at least 1`},
		{`"FULL"`, `"HALF"`, `States.Reserve.Retry[1].JitterStrategy: must be FULL or NONE`},
		{`"MaxDelaySeconds": 30`, `"MaxDelaySeconds": 31622400`, `States.Reserve.Retry[1].MaxDelaySeconds: must be a whole number`},
		{`["Throttled"]`, `["States.ALL"]`, `States.Reserve.Retry[1].ErrorEquals: States.ALL must stand alone, in the last one`},
		{`{"ErrorEquals": ["States.ALL"]}]`, `{"ErrorEquals": ["States.ALL", "X"]}]`, `States.Reserve.Retry[2].ErrorEquals: States.ALL must stand alone`},
		{`["Throttled"]`, `["States.Runtime"]`, `States.Reserve.Retry[1].ErrorEquals[0]: States.Runtime always ends the execution`},
		{`["Throttled"]`, `["States.Trottled"]`, `States.Reserve.Retry[1].ErrorEquals[0]: unknown reserved error name`},
		{`["Throttled"]`, `[]`, `States.Reserve.Retry[1].ErrorEquals: must be a non-empty array`},
		{`"ErrorEquals": ["Throttled"], `, ``, `States.Reserve.Retry[1]: ErrorEquals is missing`},
		{`"ResultPath": "$.error", "Next": "Teardown"}]},
    "Both"`, `"ResultPath": "$$.error", "Next": "Teardown"}]},
    "Both"`, `States.Reserve.Catch[0].ResultPath: no such field in the context object`},
		{`"ResultPath": "$.error", "Next": "Teardown"}]},
    "Both"`, `"OutputPath": "$", "Next": "Teardown"}]},
    "Both"`, `States.Reserve.Catch[0].OutputPath: unknown field`},
		{`"ResultPath": "$.reserved"`, `"ResultPath": "$.reserved[*]"`, `States.Reserve.ResultPath: must be a reference path`},
		{`"ResultPath": "$.reserved"`, `"ResultPath": "$$"`, `States.Reserve.ResultPath: can't lead into the context object`},
		{`"TimeoutSeconds": 70`, `"TimeoutSeconds": 70, "HeartbeatSeconds": 5`, `States.Reserve.HeartbeatSeconds: unknown field`},
		{`"TimeoutSeconds": 70`, `"TimeoutSeconds": 70, "TimeoutSecondsPath": "$.t"`, `States.Reserve.TimeoutSecondsPath: can't stand beside TimeoutSeconds`},
		{`arn:aws:states:::lambda:invoke"`, `arn:aws:states:::lambda:invoke.waitForTaskToken"`, `States.Reserve.Resource: resource "arn:aws:states:::lambda:invoke.waitForTaskToken" is not implemented`},
		{`states:startExecution"`, `states:startExecution.sync:2"`, `States.Teardown.Resource: resource`},
		{`"FunctionName": "${ReserveInstance}"`, `"FunctionName.$": "$.f"`, `States.Reserve.Parameters.FunctionName.$: unknown field`},
		{`"FunctionName": "${ReserveInstance}"`, `"Qualifier": "1"`, `States.Reserve.Parameters.Qualifier: unknown field`},
		{`"FunctionName": "${ReserveInstance}"`, `"FunctionName": "${Reserve}"`, `States.Reserve.Parameters.FunctionName: no value for placeholder ${Reserve}`},
		{`"FunctionName": "${ReserveInstance}"`, `"FunctionName": "${ReserveInstance"`, `States.Reserve.Parameters.FunctionName: malformed placeholder`},
		{`"$.instanceId"`, `"States.Uuid()"`, `States.Reserve.Parameters.Payload.instanceId.$: unknown intrinsic function "States.Uuid"`},
		{`"$.instanceId"`, `"plain"`, `States.Reserve.Parameters.Payload.instanceId.$: must be a path`},
		{`"$.instanceId"`, `1`, `States.Reserve.Parameters.Payload.instanceId.$: must be a string holding a path`},
		{`"$.instanceId"`, `"$.instanceId", "instanceId": 1`, `States.Reserve.Parameters.Payload.instanceId: field given twice`},
		{`"$$.State.RetryCount"`, `"$$.Task.Tokens"`, `States.Reserve.Parameters.Payload.attempt.$: no such field in the context object`},
		{`"answer.$": "$.Payload"`, `"answer.$": "$.Payload.length()"`, `States.Reserve.ResultSelector.answer.$: functions in paths are not implemented`},
		{`"Next": "Both"`, `"Next": "Both", "End": true`, `States.Reserve: needs either Next or End`},
		{`"Next": "Both"`, `"Next": "Bothh"`, `States.Reserve.Next: no such state: "Bothh"`},
		{`"Next": "Which"`, `"Next": "Finished"`, `States.Which: nothing leads to this state`},
		{`"Next": "Done"`, `"Next": "Note"`, `States.Both.Branches[0].States.Pause.Next: no such state: "Note"`},
		{`"Note": {`, `"Reserve": {`, `States.Both.Branches[1].States.Reserve: the name is used by States.Reserve as well`},
		{`"Seconds": 5`, `"Seconds": 5, "SecondsPath": "$.s"`, `States.Both.Branches[0].States.Pause: needs exactly one of Seconds`},
		{`"Seconds": 5`, `"Timestamp": "2016-03-14T01:59:00"`, `States.Both.Branches[0].States.Pause.Timestamp: must be a timestamp`},
		{`"Seconds": 5`, `"Seconds": -5`, `States.Both.Branches[0].States.Pause.Seconds: must be a whole number from 0`},
		{`"Type": "Succeed"}}}`, `"Type": "Loop"}}}`, `States.Both.Branches[0].States.Done.Type: type "Loop" is not implemented`},
		{`"Type": "Succeed"}}}`, `"Type": "Map", "End": true}}}`, `States.Both.Branches[0].States.Done: ItemProcessor is missing`},
		{`"Type": "Succeed"}}}`, `"Type": "Succeed", "QueryLanguage": "JSONata"}}}`, `States.Both.Branches[0].States.Done.QueryLanguage: only JSONPath is implemented, not JSONata`},
		{`"Type": "Succeed"}}}`, `"Type": "Succeed", "Output": 1}}}`, `States.Both.Branches[0].States.Done.Output: unknown field`},
		{`"Type": "Succeed"}}}`, `"Type": "Succeed"}}, "Commentary": ""}`, `States.Both.Branches[0].Commentary: unknown field`},
		{`"Result": {"x": [1]}`, `"ResultSelector": {}`, `States.Both.Branches[1].States.Note.ResultSelector: unknown field`},
		{`"Result": {"x": [1]}`, `"Assign": {}`, `States.Both.Branches[1].States.Note.Assign: variables are not implemented`},
		{`"Result": {"x": [1]}`, `"Retry": []`, `States.Both.Branches[1].States.Note.Retry: unknown field`},
		{`"Default": "FailedDirty"`, `"Default": "Nowhere"`, `States.Which.Default: no such state: "Nowhere"`},
		{`"IsPresent": true`, `"IsPresent": "true"`, `States.Which.Choices[0].And[0].IsPresent: must be true or false`},
		{`"StringEquals": "x"`, `"StringEquals": 1`, `States.Which.Choices[0].And[1].Not.StringEquals: must be a string`},
		{`"StringEquals": "x"`, `"StringEqual": "x"`, `States.Which.Choices[0].And[1].Not.StringEqual: unknown field`},
		{`"StringEquals": "x"`, `"StringEquals": "x", "IsNull": false`, `States.Which.Choices[0].And[1].Not: needs exactly one of`},
		{`"StringEquals": "x"`, `"StringEquals": "x", "Next": "Finished"`, `States.Which.Choices[0].And[1].Not.Next: unknown field`},
		{`"StringEquals": "x"`, `"StringMatchesPath": "$.p"`, `States.Which.Choices[0].And[1].Not.StringMatchesPath: unknown field`},
		{`"StringEquals": "x"`, `"StringMatches": "a\\b"`, `States.Which.Choices[0].And[1].Not.StringMatches: a backslash may only`},
		{`"StringEquals": "x"`, `"NumericLessThan": "1"`, `States.Which.Choices[0].And[1].Not.NumericLessThan: must be a number`},
		{`"StringEquals": "x"`, `"TimestampEquals": "now"`, `States.Which.Choices[0].And[1].Not.TimestampEquals: must be a timestamp`},
		{`"StringEquals": "x"`, `"BooleanEquals": "true"`, `States.Which.Choices[0].And[1].Not.BooleanEquals: must be true or false`},
		{`"StringEquals": "x"`, `"StringEqualsPath": "x"`, `States.Which.Choices[0].And[1].Not.StringEqualsPath: must be a path`},
		{`"StringEquals": "x"`, `"StringEqualsPath": "$.a[*]"`, `States.Which.Choices[0].And[1].Not.StringEqualsPath: must be a reference path`},
		{`"Variable": "$.a", "StringEquals"`, `"StringEquals"`, `States.Which.Choices[0].And[1].Not: Variable is missing`},
		{`, "Next": "Finished"}]}`, `}]}`, `States.Which.Choices[0]: Next is missing`},
		{`"Cause": "see the ledger"`, `"Cause": "see the ledger", "CausePath": "$.c"`, `States.FailedDirty.CausePath: can't stand beside Cause`},
		{`"Cause": "see the ledger"`, `"CausePath": "States.MathAdd(1, 2)"`, `States.FailedDirty.CausePath: States.MathAdd can't be called here`},
		{`"Cause": "see the ledger"`, `"CausePath": "$.c[*]"`, `States.FailedDirty.CausePath: must be a reference path`},
		{`"Cause": "see the ledger"`, `"Next": "Finished"`, `States.FailedDirty.Next: unknown field`},
		{`"Error": "Dirty"`, `"Error": "Dirty", "Error": "Dirty"`, `States.FailedDirty.Error: field given twice`},
		{`"Name.$": "$.name"`, `"Name": "no name"`, `States.Teardown.Parameters.Name: can't be an execution's name`},
		{`"Name.$": "$.name"`, `"TraceHeader": ""`, `States.Teardown.Parameters.TraceHeader: unknown field`},
		{`"FailedDirty": {"Type"`, `"Failed ${Teardown}": {"Type"`, `States["Failed ${Teardown}"]: a placeholder can't be part of a field's name`},
	} {
		t.Run(c.problem, func(t *testing.T) {
			if strings.Count(whole, c.old) == 0 {
				t.Fatalf("not in the definition: %s", c.old)
			}
			_, err := Parse([]byte(strings.Replace(whole, c.old, c.replacement, 1)), wholeSubstitutions)
			load, ok := errors.AsType[*LoadError](err)
			if !ok {
				t.Fatalf("error %v", err)
			}
			if !slices.ContainsFunc(load.Problems, func(p Problem) bool { return strings.HasPrefix(p.String(), c.problem) }) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestRefusedDocuments(t *testing.T) {
	for definition, problem := range map[string]string{
		"":                            "not JSON",
		"{":                           "not JSON",
		"[]":                          "must be an object",
		"{} {}":                       "not JSON",
		"\"\xff\"":                    "not JSON",
		`{"StartAt":"a"}`:             "States is missing",
		`{"StartAt":"a","States":{}}`: "States: must not be empty",
		strings.Repeat("[", 300) + strings.Repeat("]", 300):                                                             "nested deeper",
		`{"StartAt":"` + strings.Repeat("a", 81) + `","States":{"` + strings.Repeat("a", 81) + `":{"Type":"Succeed"}}}`: "a state's name has 1 to 80 characters",
		`"` + strings.Repeat("a", definitionLimit) + `"`:                                                                "more than",
	} {
		if _, err := Parse([]byte(definition), nil); err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("%.40s: got %v, want %s", definition, err, problem)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(whole)
	f.Add(one(task("f")))
	f.Add(one(`"Type":"Wait","SecondsPath":"$.a"`))
	f.Add(`{"StartAt":"a","States":{"a":{"Type":"Choice","Choices":[{"Not":{"Variable":"$.a","IsNull":true},"Next":"a"}]}}}`)
	f.Add(`{"StartAt":"a","States":{"a":null}}`)
	f.Add(`{"a":{"a":[{"a":${b}}]},"a":"${}"}`)
	f.Fuzz(func(t *testing.T, definition string) {
		m, err := Parse([]byte(definition), wholeSubstitutions)
		checkLoaded(t, m, err)
		m, err = ParseAny([]byte(definition))
		checkLoaded(t, m, err)
	})
}

// checkLoaded: a definition is refused with a reason, or its states lead to each other.
func checkLoaded(t *testing.T, m *Machine, err error) {
	t.Helper()
	if err != nil {
		load, ok := errors.AsType[*LoadError](err)
		if !ok || len(load.Problems) == 0 || m != nil {
			t.Errorf("%T: %v", err, err)
		}
		return
	}
	states := 0
	m.Graph().Walk(func(s State) {
		states++
		for _, next := range s.Targets {
			if _, ok := m.Graph().Find(next); !ok {
				t.Errorf("%s leads to %s, which isn't there", s.Name, next)
			}
		}
	})
	if states == 0 {
		t.Error("no states")
	}
}
