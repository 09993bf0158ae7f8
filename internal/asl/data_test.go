package asl

import (
	"encoding/json"
	"strings"
	"testing"
)

// echo answers with its payload.
func echo(_ Place, payload json.RawMessage) (string, error) { return string(payload), nil }

func TestDataFlow(t *testing.T) {
	const input = `{"a":{"b":[1,2]},"t":"x"}`
	for _, c := range []struct{ fields, output string }{
		{`"Type":"Pass"`, input},
		{`"Type":"Pass","InputPath":"$.a"`, `{"b":[1,2]}`},
		{`"Type":"Pass","InputPath":null`, `{}`},
		{`"Type":"Pass","OutputPath":"$.a.b[1]"`, `2`},
		{`"Type":"Pass","OutputPath":null`, `{}`},
		{`"Type":"Pass","Result":{"y.$":"$.t"}`, `{"y.$":"$.t"}`},
		{`"Type":"Pass","Result":null`, `null`},
		{`"Type":"Pass","Result":1,"ResultPath":"$.a.c"`, `{"a":{"b":[1,2],"c":1},"t":"x"}`},
		{`"Type":"Pass","Result":9,"ResultPath":"$.a.b[0]"`, `{"a":{"b":[9,2]},"t":"x"}`},
		{`"Type":"Pass","Result":1,"ResultPath":null`, input},
		{`"Type":"Pass","InputPath":"$.a","ResultPath":"$.n"`, `{"a":{"b":[1,2]},"t":"x","n":{"b":[1,2]}}`},
		{`"Type":"Pass","Parameters":{"p.$":"$.a.b[0]","q":[{"r.$":"$.t"},"$.t"],"n.$":"$$.Execution.Name","s":null}`,
			`{"p":1,"q":[{"r":"x"},"$.t"],"n":"run","s":null}`},
		{`"Type":"Pass","Parameters":{"p.$":"$.t"},"ResultPath":"$.n.m"`, `{"a":{"b":[1,2]},"t":"x","n":{"m":{"p":"x"}}}`},
		{task("echo") + `,"OutputPath":"$.Payload"`, input},
		{task("echo") + `,"InputPath":"$.a","ResultSelector":{"got.$":"$.Payload.b","code.$":"$.StatusCode"},"ResultPath":"$.r"`,
			`{"a":{"b":[1,2]},"t":"x","r":{"got":[1,2],"code":200}}`},
		{task("echo") + `,"ResultPath":null`, input},
		{task("echo"), `{"ExecutedVersion":"$LATEST","Payload":` + input + `,"SdkHttpMetadata":{"HttpStatusCode":200},"StatusCode":200}`},
		{`"Type":"Parallel","Parameters":{"p.$":"$.t"},"ResultSelector":{"both.$":"$","one.$":"$[1]"},"ResultPath":"$.r","OutputPath":"$.r","Branches":[
			{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}},
			{"StartAt":"B","States":{"B":{"Type":"Pass","Result":2,"End":true}}}]`, `{"both":[{"p":"x"},2],"one":2}`},
		{`"Type":"Wait","Seconds":0,"InputPath":"$.a","OutputPath":"$.b"`, `[1,2]`},
	} {
		bubble(t, c.fields, func(t *testing.T) {
			p := play(t, echo, input, one(c.fields))
			want(t, "cause", p.Cause, "")
			sameJSON(t, "output", p.Output, c.output)
		})
	}
}

func TestDataFlowFails(t *testing.T) {
	const at = "An error occurred while executing the state 'S' (entered at the event id #2). "
	for _, c := range []struct{ fields, kind, cause string }{
		{`"Type":"Pass","InputPath":"$.x"`, ErrorRuntime, at + "Invalid path '$.x' : No results for path: $['x']"},
		{`"Type":"Pass","OutputPath":"$.x.y"`, ErrorRuntime, at + "Invalid path '$.x.y' : Missing property in path $['x']"},
		{`"Type":"Pass","Parameters":{"v":{"value.$":"$.x"}}`, ErrorRuntime,
			at + `The JSONPath '$.x' specified for the field 'value.$' could not be found in the input '{"a":1,"neg":-1,"half":1.5,"t":"z"}'`},
		{`"Type":"Pass","ResultPath":"$.a.b"`, ErrorResultPathMatchFailure, at + "Unable to apply ReferencePath $.a.b"},
		{`"Type":"Wait","SecondsPath":"$.x"`, ErrorRuntime, at + "The SecondsPath parameter does not reference an input value: $.x"},
		{`"Type":"Wait","SecondsPath":"$.neg"`, ErrorRuntime, at + "The SecondsPath parameter references a negative value: $.neg == -1"},
		{`"Type":"Wait","SecondsPath":"$.half"`, ErrorRuntime, at + "The SecondsPath parameter cannot be parsed as a long value: $.half == 1.5"},
		{`"Type":"Wait","TimestampPath":"$.t"`, ErrorRuntime,
			at + "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string: $.t == z"},
		{`"Type":"Wait","Timestamp":"2999-01-01T00:00:00Z"`, ErrorRuntime, at + "Wait state delay is too long."},
		{task("echo") + `,"TimeoutSecondsPath":"$.x"`, ErrorRuntime, at + "Invalid path '$.x' : No results for path: $['x']"},
		{task("echo") + `,"ResultSelector":{"v.$":"$.x"}`, ErrorRuntime, at + "The JSONPath '$.x' specified for the field 'v.$'"},
	} {
		bubble(t, c.fields, func(t *testing.T) {
			p := play(t, echo, `{"a":1,"neg":-1,"half":1.5,"t":"z"}`, one(c.fields))
			want(t, "status", p.Status, Failed)
			want(t, "error", p.Error, c.kind)
			cause := p.Cause
			if strings.Contains(c.cause, "{") { // the order of fields is nobody's business
				cause, c.cause = cause[:strings.Index(cause, "{")], c.cause[:strings.Index(c.cause, "{")]
			}
			if !strings.HasPrefix(cause, c.cause) {
				t.Errorf("cause %s, want %s", p.Cause, c.cause)
			}
		})
	}
}

// TestNumbers: what the workflow only carries is not changed.
func TestNumbers(t *testing.T) {
	bubble(t, "carried", func(t *testing.T) {
		p := play(t, echo, `{"n":12345678901234567890,"f":1.10,"h":"<&>"}`, one(task("echo")+`,"OutputPath":"$.Payload"`))
		want(t, "output", string(p.Output), `{"n":12345678901234567890,"f":1.10,"h":"<&>"}`)
	})
}

func TestContextObject(t *testing.T) {
	bubble(t, "whole", func(t *testing.T) {
		var seen []string
		flaky := func(_ Place, payload json.RawMessage) (string, error) {
			seen = append(seen, string(payload))
			if len(seen) < 3 {
				return "", fails("Throttled")
			}
			return "1", nil
		}
		p := play(t, flaky, `{"x":1}`, `{"StartAt":"Before","States":{"Before":{"Type":"Wait","Seconds":90,"Next":"S"},
			"S":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f","Payload":{"c.$":"$$"}},
			"Retry":[{"ErrorEquals":["Throttled"]}],"End":true}}}`)
		want(t, "status", p.Status, Succeeded)
		want(t, "calls", len(seen), 3)
		for i, payload := range seen {
			sameJSON(t, "context", []byte(payload), `{"c":{
				"Execution":{"Id":"arn:aws:states:us-east-1:000000000000:execution:main:run","Input":{"x":1},"Name":"run","RedriveCount":0,
					"RoleArn":"arn:aws:iam::000000000000:role/workflows","StartTime":"2000-01-01T00:00:00.000Z"},
				"State":{"EnteredTime":"2000-01-01T00:01:30.000Z","Name":"S","RetryCount":`+string('0'+rune(i))+`},
				"StateMachine":{"Id":"arn:aws:states:us-east-1:000000000000:stateMachine:main","Name":"main"}}}`)
		}
	})
}
