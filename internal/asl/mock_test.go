package asl

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestMocksRefused(t *testing.T) {
	for _, c := range []struct{ file, name, problem string }{
		{`{`, "C", "no mock configuration"},
		{`{"StateMachine":{}}`, "C", `unknown field "StateMachine"`},
		{answers("S", `"0":`+returns("1")), "D", `there is no test case "D"; there are M#C`},
		{`{"StateMachines":{"A":{"TestCases":{"C":{}}},"B":{"TestCases":{"C":{}}}}}`, "C", `several machines have a test case "C": A#C, B#C`},
		{`{"StateMachines":{"A":{"TestCases":{"C":{"S":"R"}}}}}`, "C", `S: "R" is none of the MockedResponses`},
		{answers("S", `"0":{}`), "C", "MockedResponses.RS.0: needs either Return or Throw"},
		{answers("S", `"0":{"Return":1,"Throw":{"Error":"E"}}`), "C", "needs either Return or Throw"},
		{answers("S", `"0":{"Throw":{"Cause":"c"}}`), "C", "needs an Error in its Throw"},
		{answers("S", `"0":{"Throw":{"Error":""}}`), "C", "needs an Error in its Throw"},
		{answers("S", `"0":`+returns("1")) + "{}", "C", "something follows it"},
		{answers("S", `"first":`+returns("1")), "C", `must be given as "0" or "1-2"`},
		{answers("S", `"2-1":`+returns("1")), "C", `must be given as "0" or "1-2"`},
		{answers("S", `"0-2":`+returns("1")+`,"2-3":`+returns("1")), "C", "MockedResponses.RS.2-3: another answer"},
		{answers("S", `"1":`+returns("1")+`,"0-2":`+returns("1")), "C", "another answer"},
	} {
		_, err := ParseMocks([]byte(c.file), c.name)
		if err == nil || !strings.Contains(err.Error(), c.problem) {
			t.Errorf("%s: %v, want %s", c.file, err, c.problem)
		}
	}
	m, err := ParseMocks([]byte(answers("S", `"0":`+returns("1"))), "M#C")
	if err != nil {
		t.Fatal(err)
	}
	machine, err := ParseAny([]byte(pass(`"Result":1`)))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Check(machine); err == nil || err.Error() != `"S" is no Task of the definition` {
		t.Errorf("a mock for a Pass: %v", err)
	}
}

// TestMocksCount: as in Step Functions Local, an execution counts a state's invocations, whatever made them.
func TestMocksCount(t *testing.T) {
	const polling = `{"StartAt":"Get","States":{
		"Get":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f"},"OutputPath":"$.Payload","Retry":[{"ErrorEquals":["Busy"]}],"Next":"Is"},
		"Is":{"Type":"Choice","Choices":[{"Variable":"$","StringEquals":"done","Next":"End"}],"Default":"Wait"},
		"Wait":{"Type":"Wait","Seconds":30,"Next":"Get"},"End":{"Type":"Succeed"}}}`
	r := runAny(t, polling, `{}`, answers("Get", `"0":`+returns(`{"Payload":"no"}`)+`,"1":`+throws("Busy")+`,"2":`+returns(`{"Payload":"no"}`)+`,"3":`+returns(`{"Payload":"done"}`)), "C")
	want(t, "path", r.path, "Get Is Wait Get Is Wait Get Is End")
	want(t, "seconds", r.seconds, 61.0)

	r = runAny(t, polling, `{}`, answers("Get", `"0":`+returns(`{"Payload":"no"}`)), "C")
	want(t, "too few", r.Error+" "+r.Cause, ErrorUnsupported+" States.Get: MockedResponses.RGet has no answer for invocation 1")
	r = runAny(t, polling, `{}`, "", "")
	want(t, "none", r.Error+" "+r.Cause, ErrorUnsupported+" States.Get: the test case has no mock for this Task")
}

// TestMockedEvents: each kind of resource has its own events.
func TestMockedEvents(t *testing.T) {
	for _, c := range []struct{ fields, mock, events string }{
		{`"Resource":"arn:aws:states:::sqs:sendMessage.waitForTaskToken","Parameters":{}`, returns("1"), "TaskScheduled TaskStarted TaskSubmitted TaskSucceeded"},
		{`"Resource":"arn:aws:states:::aws-sdk:dynamodb:getItem","Parameters":{}`, throws("E"), "TaskScheduled TaskStarted TaskFailed"},
		{`"Resource":"arn:aws:states:::states:startExecution.sync:2","Parameters":{},"TimeoutSeconds":5`, throws("States.Timeout"), "TaskScheduled TaskStarted TaskSubmitted TaskTimedOut"},
		{`"Resource":"arn:aws:lambda:us-east-1:123456789012:function:f:$LATEST"`, returns("1"), "LambdaFunctionScheduled LambdaFunctionStarted LambdaFunctionSucceeded"},
		{`"Resource":"arn:aws:lambda:us-east-1:123456789012:function:f"`, throws("E"), "LambdaFunctionScheduled LambdaFunctionStarted LambdaFunctionFailed"},
		{`"Resource":"arn:aws:lambda:us-east-1:123456789012:function:f"`, throws("States.Timeout"), "LambdaFunctionScheduled LambdaFunctionStarted LambdaFunctionTimedOut"},
		{`"Resource":"arn:aws:states:us-east-1:123456789012:activity:a","HeartbeatSeconds":5`, throws("States.HeartbeatTimeout"), "ActivityScheduled ActivityStarted ActivityTimedOut"},
		{`"Resource":"arn:aws:states:us-east-1:123456789012:activity:a"`, returns("1"), "ActivityScheduled ActivityStarted ActivitySucceeded"},
		{`"Resource":"arn:aws:states:us-east-1:123456789012:activity:a"`, throws("E"), "ActivityScheduled ActivityStarted ActivityFailed"},
	} {
		r := runAny(t, one(`"Type":"Task",`+c.fields), `{}`, answers("S", `"0":`+c.mock), "C")
		var types []string
		for _, e := range r.history[2:] {
			types = append(types, string(e.Type))
		}
		if events := strings.Join(types, " "); !strings.HasPrefix(events, c.events+" ") {
			t.Errorf("%s: %s, want %s", c.fields, events, c.events)
		}
	}
}

// TestAnyRefused: what can't be run says where it is.
func TestAnyRefused(t *testing.T) {
	const task = `"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f"`
	for _, c := range []struct{ definition, problem string }{
		{`{"QueryLanguage":"JSONata","StartAt":"S","States":{"S":{"Type":"Succeed"}}}`, "QueryLanguage: only JSONPath is implemented, not JSONata"},
		{one(`"Type":"Pass","QueryLanguage":"JSONata"`), "States.S.QueryLanguage: only JSONPath is implemented, not JSONata"},
		{one(`"Type":"Pass","Assign":{"a":1}`), "States.S.Assign: variables are not implemented"},
		{one(`"Type":"Task","Resource":"f"`), `States.S.Resource: resource "f" is none that is known here`},
		{one(`"Type":"Task","Resource":"arn:aws:states:::lambda:invoke"`), "States.S: Parameters is missing"},
		{one(`"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{}`), "States.S.Parameters: FunctionName is missing"},
		{one(task + `,"HeartbeatSeconds":5`), "States.S.HeartbeatSeconds: a Lambda function sends no heartbeats"},
		{one(`"Type":"Task","Resource":"arn:aws:states:us-east-1:123456789012:activity:a","TimeoutSeconds":5,"HeartbeatSeconds":5`), "States.S.HeartbeatSeconds: must be less than TimeoutSeconds"},
		{one(`"Type":"Task","Resource":"arn:aws:states:us-east-1:123456789012:activity:a","HeartbeatSeconds":5,"HeartbeatSecondsPath":"$.a"`), "States.S.HeartbeatSecondsPath: can't stand beside HeartbeatSeconds"},
		{iterating(`"ToleratedFailureCount":1,`, `"Type":"Pass","End":true`), "States.S.ToleratedFailureCount: is for distributed Maps"},
		{iterating(`"ItemReader":{},`, `"Type":"Pass","End":true`), "States.S.ItemReader: is for distributed Maps"},
		{iterating(`"ItemSelector":{},"Parameters":{},`, `"Type":"Pass","End":true`), "States.S.Parameters: can't stand beside ItemSelector"},
		{iterating(`"Iterator":{},`, `"Type":"Pass","End":true`), "States.S.Iterator: can't stand beside ItemProcessor"},
		{iterating(`"MaxConcurrency":1,"MaxConcurrencyPath":"$.a",`, `"Type":"Pass","End":true`), "States.S.MaxConcurrencyPath: can't stand beside MaxConcurrency"},
		{iterating(`"ItemsPath":"$.a[*]",`, `"Type":"Pass","End":true`), "States.S.ItemsPath: must be a reference path"},
		{one(`"Type":"Map","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED"},"StartAt":"W","States":{"W":{"Type":"Succeed"}}}`), "States.S.ItemProcessor.ProcessorConfig.Mode: only INLINE"},
		{one(`"Type":"Pass","Parameters":{"a.$":"$.b.length()"}`), "States.S.Parameters.a.$: functions in paths are not implemented"},
		{one(`"Type":"Pass","InputPath":"States.Array()"`), "States.S.InputPath: must be a path"},
		{one(`"Type":"Pass","ResultPath":"$..a"`), "States.S.ResultPath: must be a reference path"},
	} {
		_, err := ParseAny([]byte(c.definition))
		load, ok := errors.AsType[*LoadError](err)
		if !ok || !slices.ContainsFunc(load.Problems, func(p Problem) bool { return strings.HasPrefix(p.String(), c.problem) }) {
			t.Errorf("%s: %v, want %s", c.definition, err, c.problem)
		}
	}
	// What Parse refuses, since here it would have to be run, and AWS doesn't.
	for _, legal := range []string{
		one(`"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName.$":"$.f"},"Credentials":{"RoleArn":"r"}`),
		one(task + `,"Retry":[],"Catch":[]`),
		one(task + `,"Retry":[{"ErrorEquals":["States.Runtime"]}]`),
		pass(`"Comment":"${Anything}","Result":"${","QueryLanguage":"JSONPath"`),
	} {
		if _, err := ParseAny([]byte(legal)); err != nil {
			t.Errorf("%s: %v", legal, err)
		}
	}
}

// TestBareErrors: an error without a name or a cause goes through, but nobody knows what a handler on AWS makes of it.
func TestBareErrors(t *testing.T) {
	const handled = `"Type":"Parallel","Branches":[{"StartAt":"F","States":{"F":{"Type":"Fail"FIELDS}}}],"Catch":[{"ErrorEquals":["States.ALL"],"Next":"E"RESULT}],"Next":"E"},"E":{"Type":"Succeed"`
	for _, c := range []struct{ fields, result, failure string }{
		{``, ``, ErrorUnsupported},
		{`,"Error":"X"`, ``, ErrorUnsupported},
		{`,"Error":"X"`, `,"ResultPath":null`, ""},
		{`,"Error":"X","Cause":"c"`, ``, ""},
	} {
		definition := `{"StartAt":"S","States":{"S":{` + strings.NewReplacer("FIELDS", c.fields, "RESULT", c.result).Replace(handled) + `}}}`
		want(t, c.fields+c.result, runAny(t, definition, `{}`, "", "").Error, c.failure)
	}
	r := runAny(t, `{"StartAt":"F","States":{"F":{"Type":"Fail"}}}`, `{}`, "", "")
	want(t, "bare", string(r.Status)+r.Error+r.Cause, "FAILED")
}
