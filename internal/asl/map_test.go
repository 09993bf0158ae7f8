package asl

import (
	"fmt"
	"strings"
	"testing"
)

// events lists "id<previous type", and an iteration's index.
func (r ran) events() []string {
	var list []string
	for _, e := range r.history {
		line := fmt.Sprintf("%d<%d %s", e.ID, e.PreviousEventID, e.Type)
		for _, details := range []*MapIterationDetails{e.MapIterationStarted, e.MapIterationSucceeded, e.MapIterationFailed, e.MapIterationAborted} {
			if details != nil {
				line += fmt.Sprintf(" %s %d", details.Name, details.Index)
			}
		}
		list = append(list, line)
	}
	return list
}

// iterating is a Map S over its input with the body of one state W.
func iterating(fields, body string) string {
	return one(`"Type":"Map",` + fields + `"ItemProcessor":{"StartAt":"W","States":{"W":{` + body + `}}}`)
}

// TestMapHistory: the events that AWS was seen to write.
func TestMapHistory(t *testing.T) {
	r := runAny(t, iterating(`"MaxConcurrency":1,`, `"Type":"Pass","End":true`), `["a","b"]`, "", "")
	want(t, "one after the other", r.events(), []string{"1<0 ExecutionStarted", "2<0 MapStateEntered", "3<2 MapStateStarted",
		"4<3 MapIterationStarted S 0", "5<4 PassStateEntered", "6<5 PassStateExited", "7<6 MapIterationSucceeded S 0",
		"8<6 MapIterationStarted S 1", "9<8 PassStateEntered", "10<9 PassStateExited", "11<10 MapIterationSucceeded S 1",
		"12<11 MapStateSucceeded", "13<11 MapStateExited", "14<13 ExecutionSucceeded"})
	want(t, "length", r.history[2].MapStateStarted.Length, 2)

	r = runAny(t, iterating("", `"Type":"Pass","End":true`), `[]`, "", "")
	want(t, "nothing to do", r.events(), []string{"1<0 ExecutionStarted", "2<0 MapStateEntered", "3<2 MapStateStarted", "4<3 MapStateSucceeded",
		"5<3 MapStateExited", "6<5 ExecutionSucceeded"})
	want(t, "output", string(r.Output), `[]`)
}

func TestMapFails(t *testing.T) {
	const body = `"Type":"Choice","Default":"Wait","Choices":[{"Variable":"$","NumericEquals":2,"Next":"Break"}]},
		"Wait":{"Type":"Wait","SecondsPath":"$","End":true},"Break":{"Type":"Fail","Error":"Broken","Cause":"two"`
	r := runAny(t, iterating("", body), `[5,2,1]`, "", "")
	want(t, "error", r.Error+" "+r.Cause, "Broken two")
	want(t, "seconds", r.seconds, 0.0)
	want(t, "all begin", r.events()[2:6], []string{"3<2 MapStateStarted", "4<3 MapIterationStarted S 0", "5<3 MapIterationStarted S 1", "6<3 MapIterationStarted S 2"})
	want(t, "the failure", r.events()[11:13], []string{"12<11 FailStateEntered", "13<12 MapIterationFailed S 1"})
	want(t, "the others are cut off", r.events()[16:], []string{"17<12 WaitStateAborted", "18<12 MapIterationAborted S 0",
		"19<12 WaitStateAborted", "20<12 MapIterationAborted S 2", "21<12 MapStateFailed", "22<21 ExecutionFailed"})
}

func TestMapRules(t *testing.T) {
	const at = "An error occurred while executing the state 'S' (entered at the event id #2). "
	for _, c := range []struct {
		name, definition, input, failure, cause string
		output                                  string
	}{
		{name: "no array", definition: iterating(`"ItemsPath":"$.a",`, `"Type":"Pass","End":true`), input: `{"a":{}}`, failure: ErrorRuntime, cause: at + `Reference path "$.a" must point to array.`},
		{name: "nothing", definition: iterating(`"ItemsPath":"$.b",`, `"Type":"Pass","End":true`), input: `{"a":{}}`, failure: ErrorRuntime, cause: at + `Reference path "$.b" must point to array.`},
		{name: "no limit", definition: iterating(`"ItemsPath":"$.a","MaxConcurrencyPath":"$.m",`, `"Type":"Pass","End":true`), input: `{"a":[1],"m":"NoNumber"}`, failure: ErrorRuntime,
			cause: at + `The MaxConcurrencyPath field refers to value "NoNumber" which is not a valid integer: $.m`},
		{name: "a limit", definition: iterating(`"ItemsPath":"$.a","MaxConcurrencyPath":"$.m",`, `"Type":"Pass","End":true`), input: `{"a":[1],"m":0}`, output: `[1]`},
		{name: "below every limit", definition: iterating(`"ItemsPath":"$.a","MaxConcurrencyPath":"$.m",`, `"Type":"Pass","End":true`), input: `{"a":[1],"m":-1}`, failure: ErrorUnsupported, cause: "States.S.MaxConcurrencyPath: it isn't known"},
		{name: "the context object's items", definition: iterating(`"ItemsPath":"$$.Execution.Input.a",`, `"Type":"Pass","End":true`), input: `{"a":[1]}`, output: `[1]`},
		{name: "an item that isn't there", definition: iterating(`"ItemSelector":{"x.$":"$$.Map.Item.Value.a"},`, `"Type":"Pass","End":true`), input: `[{"a":1},{}]`, failure: ErrorRuntime,
			cause: at + `The JSONPath '$$.Map.Item.Value.a' specified for the field 'x.$' could not be found in the input`},
		{name: "an item outside", definition: pass(`"Parameters":{"x.$":"$$.Map.Item.Value"}`), input: `{}`, failure: ErrorRuntime, cause: at + `The JSONPath '$$.Map.Item.Value'`},
		{name: "an item within", definition: iterating("", `"Type":"Pass","Parameters":{"x.$":"$$.Map.Item.Value"},"End":true`), input: `[1]`, failure: ErrorUnsupported,
			cause: "States.S.ItemProcessor.States.W.Parameters.x.$: an iteration's item is in the context object for the ItemSelector"},
		{name: "a token outside", definition: pass(`"Parameters":{"x.$":"$$.Task.Token"}`), input: `{}`, failure: ErrorUnsupported, cause: "States.S.Parameters.x.$: a task token is there"},
		{name: "shaped", definition: iterating(`"InputPath":"$.in","ResultSelector":{"all.$":"$","last.$":"$[-1]"},"ResultPath":"$.out","OutputPath":"$.out",`, `"Type":"Pass","End":true`),
			input: `{"in":[1,2]}`, output: `{"all":[1,2],"last":2}`},
		{name: "nested", definition: iterating("", `"Type":"Map","ItemSelector":{"i.$":"$$.Map.Item.Index"},"ItemProcessor":{"StartAt":"In","States":{"In":{"Type":"Pass","OutputPath":"$.i","End":true}}},"End":true`),
			input: `[[7,8],[9]]`, output: `[[0,1],[0]]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := runAny(t, c.definition, c.input, "", "")
			want(t, "error", r.Error, c.failure)
			if !strings.HasPrefix(r.Cause, c.cause) {
				t.Errorf("cause %s, want %s", r.Cause, c.cause)
			}
			if c.output != "" {
				want(t, "output", string(r.Output), c.output)
			}
		})
	}
}

// TestMapRetried: the retrier of a Map tries all its iterations again.
func TestMapRetried(t *testing.T) {
	r := runAny(t, iterating(`"MaxConcurrency":1,"Retry":[{"ErrorEquals":["Broken"],"IntervalSeconds":7}],`,
		`"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","Parameters":{},"End":true`), `[1,2]`,
		answers("W", `"0":`+returns("0")+`,"1":`+throws("Broken")+`,"2-3":`+returns("1")), "C")
	want(t, "output", string(r.Output), `[1,1]`)
	want(t, "seconds", r.seconds, 7.0)
	want(t, "path", r.path, "S W W W W")
}

func TestMapInGraph(t *testing.T) {
	m, err := ParseAny([]byte(iterating("", `"Type":"Pass","End":true`)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	m.Graph().Walk(func(s State) { names = append(names, s.Type+" "+s.Name) })
	want(t, "states", names, []string{"Map S", "Pass W"})
	s, _ := m.Graph().Find("S")
	want(t, "iterations", s.Branches[0].Place, "States.S.ItemProcessor")
}
