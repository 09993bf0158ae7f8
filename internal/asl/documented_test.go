package asl

import (
	"encoding/json"
	"strings"
	"testing"
)

const guide = "https://docs.aws.amazon.com/step-functions/latest/dg/"

// pass is a definition of one Pass S with these fields.
func pass(fields string) string { return one(`"Type":"Pass",` + fields) }

// parameters is a Pass that computes x.
func parameters(expression string) string {
	quoted, _ := json.Marshal(expression) // a string always encodes
	return pass(`"Parameters":{"x.$":` + string(quoted) + `}`)
}

const (
	branchingOnValue = `{"StartAt":"Which","States":{
		"Which":{"Type":"Choice","Default":"None","Choices":[
			{"Not":{"Variable":"$.type","StringEquals":"Private"},"Next":"Public"},
			{"Variable":"$.value","NumericEquals":0,"Next":"Zero"},
			{"And":[{"Variable":"$.value","NumericGreaterThanEquals":20},{"Variable":"$.value","NumericLessThan":30}],"Next":"Twenties"}]},
		"Public":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:Public","Next":"Done"},
		"Zero":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:Zero","Next":"Done"},
		"Twenties":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:Twenties","Next":"Done"},
		"None":{"Type":"Fail","Cause":"nothing matches"},"Done":{"Type":"Succeed"}}}`

	retried = `{"StartAt":"X","States":{
		"X":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:X","Next":"Y",
			"Retry":[{"ErrorEquals":["ErrorA","ErrorB"],"IntervalSeconds":1,"BackoffRate":2.0,"MaxAttempts":2},{"ErrorEquals":["ErrorC"],"IntervalSeconds":5}],
			"Catch":[{"ErrorEquals":["States.ALL"],"Next":"Z"}]},
		"Y":{"Type":"Succeed"},"Z":{"Type":"Succeed"}}}`

	shipping = `{"StartAt":"Validate-All","States":{
		"Validate-All":{"Type":"Map","InputPath":"$.detail","ItemsPath":"$.shipped","MaxConcurrency":0,"ResultPath":"$.detail.shipped",
			"Parameters":{"parcel.$":"$$.Map.Item.Value","courier.$":"$.delivery-partner"},
			"Iterator":{"StartAt":"Validate","States":{"Validate":{"Type":"Pass","End":true}}},"End":true}}}`
	shipped = `{"ship-date":"2016-03-14T01:59:00Z","detail":{"delivery-partner":"UQS","shipped":[{"prod":"R31","quantity":1344},{"prod":"S39","quantity":40}]}}`
)

// choice is a Choice that goes to Yes where the rule holds.
func choice(rule string) string {
	return `{"StartAt":"C","States":{"C":{"Type":"Choice","Default":"No","Choices":[{` + rule + `,"Next":"Yes"}]},"Yes":{"Type":"Succeed"},"No":{"Type":"Succeed"}}}`
}

// TestDocumented: what the developer guide says of its examples.
func TestDocumented(t *testing.T) {
	for _, c := range []struct {
		name, page, definition, input, mocks string
		output, failure, path                string
		seconds                              float64
	}{
		{name: "choice, in the twenties", page: "state-choice.html", definition: branchingOnValue, input: `{"type":"Private","value":22}`,
			mocks: answers("Twenties", `"0":`+returns(`"t"`)), output: `"t"`, path: "Which Twenties Done"},
		{name: "choice, not private", page: "state-choice.html", definition: branchingOnValue, input: `{"type":"Public"}`,
			mocks: answers("Public", `"0":`+returns(`"p"`)), output: `"p"`, path: "Which Public Done"},
		{name: "choice, default", page: "state-choice.html", definition: branchingOnValue, input: `{"type":"Private","value":35}`, path: "Which None"},
		{name: "choice, no type", page: "state-choice.html", definition: branchingOnValue, input: `{"value":35}`, failure: ErrorRuntime, path: "Which"},
		{name: "choice, presence protects", page: "state-choice.html", input: `{}`, output: `{}`, path: "C No",
			definition: choice(`"And":[{"Variable":"$.may","IsPresent":true},{"Variable":"$.may","StringEquals":"foo"}]`)},
		{name: "choice, null", page: "state-choice.html", input: `{"v":null}`, output: `{"v":null}`, path: "C Yes", definition: choice(`"Variable":"$.v","IsNull":true`)},
		{name: "choice, wildcard", page: "state-choice.html", input: `{"foo":"log-1.txt"}`, output: `{"foo":"log-1.txt"}`, path: "C Yes",
			definition: choice(`"Variable":"$.foo","StringMatches":"log-*.txt"`)},
		{name: "choice, variable to variable", page: "state-choice.html", input: `{"foo":"a","bar":"a"}`, output: `{"foo":"a","bar":"a"}`, path: "C Yes",
			definition: choice(`"Variable":"$.foo","StringEqualsPath":"$.bar"`)},
		{name: "choice, string is no number", page: "state-choice.html", input: `{"foo":"1"}`, output: `{"foo":"1"}`, path: "C No",
			definition: choice(`"Variable":"$.foo","NumericEquals":1`)},
		{name: "choice, timestamp", page: "state-choice.html", input: `{"foo":"2001-01-01T13:00:00+01:00"}`, output: `{"foo":"2001-01-01T13:00:00+01:00"}`, path: "C Yes",
			definition: choice(`"Variable":"$.foo","TimestampEquals":"2001-01-01T12:00:00Z"`)},

		{name: "wait, seconds", page: "state-wait.html", definition: one(`"Type":"Wait","Seconds":10`), input: `{}`, output: `{}`, path: "S", seconds: 10},
		{name: "wait, until", page: "state-wait.html", definition: one(`"Type":"Wait","Timestamp":"2016-03-14T01:59:00Z"`), input: `{}`, output: `{}`, path: "S", seconds: 59 * 60},
		{name: "wait, until from the input", page: "state-wait.html", definition: one(`"Type":"Wait","TimestampPath":"$.expirydate"`),
			input: `{"expirydate":"2016-03-14T01:59:00Z"}`, output: `{"expirydate":"2016-03-14T01:59:00Z"}`, path: "S", seconds: 59 * 60},
		{name: "wait, seconds from the input", page: "state-wait.html", definition: one(`"Type":"Wait","SecondsPath":"$.s"`), input: `{"s":31536}`, output: `{"s":31536}`, path: "S", seconds: 31536},

		{name: "fail", page: "state-fail.html", definition: `{"StartAt":"F","States":{"F":{"Type":"Fail","Cause":"Invalid response.","Error":"ErrorA"}}}`, input: `{}`, failure: "ErrorA", path: "F"},
		{name: "fail, paths", page: "state-fail.html", definition: `{"StartAt":"F","States":{"F":{"Type":"Fail","CausePath":"States.Format('This is {}', $.C)","ErrorPath":"$.E"}}}`,
			input: `{"E":"ErrorB","C":"why"}`, failure: "ErrorB", path: "F"},

		{name: "pass, result", page: "state-pass.html", definition: pass(`"Result":{"x-datum":0.381018,"y-datum":622.2269926397355},"ResultPath":"$.coords"`),
			input: `{"georefOf":"Home"}`, output: `{"georefOf":"Home","coords":{"x-datum":0.381018,"y-datum":622.2269926397355}}`, path: "S"},
		{name: "input path", page: "input-output-inputpath-params.html", definition: pass(`"InputPath":"$.dataset2"`), input: `{"dataset1":{"val1":1},"dataset2":{"val1":"a"}}`, output: `{"val1":"a"}`, path: "S"},
		{name: "input path, a selection", page: "input-output-inputpath-params.html", definition: pass(`"InputPath":"$.a[0:2]"`), input: `{"a":[1,2,3,4]}`, output: `[1,2]`, path: "S"},
		{name: "parameters", page: "input-output-inputpath-params.html", definition: pass(`"Parameters":{"comment":"mine","MyDetails":{"size.$":"$.product.details.size","exists.$":"$.product.availability","StaticValue":"foo"}}`),
			input:  `{"product":{"details":{"size":"small","color":"blue"},"availability":"in stock"}}`,
			output: `{"comment":"mine","MyDetails":{"size":"small","exists":"in stock","StaticValue":"foo"}}`, path: "S"},
		{name: "result path, a new node", page: "input-output-resultpath.html", definition: pass(`"Result":"Hello","ResultPath":"$.strings.lambdaresult"`),
			input: `{"strings":{"string1":"foo"},"who":"me"}`, output: `{"strings":{"string1":"foo","lambdaresult":"Hello"},"who":"me"}`, path: "S"},
		{name: "result path, none", page: "input-output-resultpath.html", definition: pass(`"Result":"Hello","ResultPath":null`), input: `{"who":"me"}`, output: `{"who":"me"}`, path: "S"},
		{name: "reference paths", page: "amazon-states-language-paths.html", definition: pass(`"Parameters":{"a.$":"$.foo","b.$":"$.bar","c.$":"$.car.cdr"}`),
			input: `{"foo":123,"bar":["a","b","c"],"car":{"cdr":true}}`, output: `{"a":123,"b":["a","b","c"],"c":true}`, path: "S"},
		{name: "a filter", page: "amazon-states-language-paths.html", definition: parameters(`$.jar[?(@.a >= 5)]`),
			input: `{"jar":[{"a":1},{"a":5},{"a":2},{"a":7},{"a":3}]}`, output: `{"x":[{"a":5},{"a":7}]}`, path: "S"},
		{name: "special characters", page: "amazon-states-language-paths.html", definition: parameters(`$.abc.['def ghi']`), input: `{"abc":{"def ghi":1}}`, output: `{"x":1}`, path: "S"},
		{name: "flattened", page: "amazon-states-language-paths.html", input: `{}`, output: `{"flattenArray":[1,2,3,4]}`, path: "S A B",
			definition: one(`"Type":"Parallel","ResultSelector":{"flattenArray.$":"$[*][*]"},"Branches":[
				{"StartAt":"A","States":{"A":{"Type":"Pass","Result":[1,2],"End":true}}},{"StartAt":"B","States":{"B":{"Type":"Pass","Result":[3,4],"End":true}}}]`)},

		{name: "map, items", page: "input-output-itemspath.html", path: "S W W", input: `{"ThingsPiratesSay":[{"say":"Avast!"},{"say":"Yar!"}],"ThingsGiantsSay":[{"say":"Fee!"}]}`,
			output:     `[{"say":"Avast!"},{"say":"Yar!"}]`,
			definition: one(`"Type":"Map","ItemsPath":"$.ThingsPiratesSay","Iterator":{"StartAt":"W","States":{"W":{"Type":"Pass","End":true}}}`)},
		{name: "map, parameters", page: "state-map-inline.html", definition: shipping, input: shipped, path: "Validate-All Validate Validate",
			output: `{"ship-date":"2016-03-14T01:59:00Z","detail":{"delivery-partner":"UQS","shipped":[{"parcel":{"prod":"R31","quantity":1344},"courier":"UQS"},{"parcel":{"prod":"S39","quantity":40},"courier":"UQS"}]}}`},
		{name: "map, context object", page: "input-output-contextobject.html", input: `[{"who":"bob"},{"who":"meg"},{"who":"joe"}]`, path: "S W W W",
			output: `[{"ContextValue":{"who":"bob"},"ContextIndex":0},{"ContextValue":{"who":"meg"},"ContextIndex":1},{"ContextValue":{"who":"joe"},"ContextIndex":2}]`,
			definition: one(`"Type":"Map","ItemSelector":{"ContextIndex.$":"$$.Map.Item.Index","ContextValue.$":"$$.Map.Item.Value"},
				"ItemProcessor":{"ProcessorConfig":{"Mode":"INLINE"},"StartAt":"W","States":{"W":{"Type":"Pass","End":true}}}`)},
		{name: "map, 40 at once", page: "state-map-inline.html", input: `{}`, output: `{"n":81}`, seconds: 30, path: "R S" + strings.Repeat(" W", 81) + " N",
			definition: `{"StartAt":"R","States":{"R":{"Type":"Pass","Parameters":{"a.$":"States.ArrayRange(1, 81, 1)"},"Next":"S"},
				"S":{"Type":"Map","ItemsPath":"$.a","ItemProcessor":{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":10,"End":true}}},"Next":"N"},
				"N":{"Type":"Pass","Parameters":{"n.$":"States.ArrayLength($)"},"End":true}}}`},
		{name: "map, one at a time", page: "state-map-inline.html", input: `[1,2,3]`, output: `[1,2,3]`, seconds: 30, path: "S W W W",
			definition: one(`"Type":"Map","MaxConcurrency":1,"ItemProcessor":{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":10,"End":true}}}`)},
		{name: "parallel", page: "state-parallel.html", input: `[3,2]`, output: `[5,1]`, path: "S Add Subtract", mocks: answers("Add", `"0":`+returns("5"), "Subtract", `"0":`+returns("1")),
			definition: one(`"Type":"Parallel","Branches":[
				{"StartAt":"Add","States":{"Add":{"Type":"Task","Resource":"arn:aws:states:us-east-1:123456789012:activity:Add","End":true}}},
				{"StartAt":"Subtract","States":{"Subtract":{"Type":"Task","Resource":"arn:aws:states:us-east-1:123456789012:activity:Subtract","End":true}}}]`)},

		{name: "retry, 3 and 4.5 seconds", page: "concepts-error-handling.html", input: `{}`, output: `1`, seconds: 7.5, path: "S", mocks: answers("S", `"0-1":`+throws("Busy")+`,"2":`+returns("1")),
			definition: one(`"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","Retry":[{"ErrorEquals":["Busy"],"IntervalSeconds":3,"MaxAttempts":2,"BackoffRate":1.5}]`)},
		{name: "retry, anything but a time-out", page: "concepts-error-handling.html", input: `{}`, failure: ErrorTimeout, seconds: 20, path: "S", mocks: answers("S", `"0":`+throws("States.Timeout")),
			definition: one(`"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","TimeoutSeconds":20,"Retry":[{"ErrorEquals":["States.Timeout"],"MaxAttempts":0},{"ErrorEquals":["States.ALL"]}]`)},
		{name: "retry, complex", page: "concepts-error-handling.html", definition: retried, input: `{}`, output: `{"Error":"ErrorB","Cause":"why"}`, seconds: 8, path: "X Z",
			mocks: answers("X", `"0":`+throws("ErrorA")+`,"1":`+throws("ErrorB")+`,"2":`+throws("ErrorC")+`,"3":`+throws("ErrorB"))},
		{name: "retry, the longest delay", page: "concepts-error-handling.html", input: `{}`, output: `1`, seconds: 3 + 5 + 5, path: "S", mocks: answers("S", `"0-2":`+throws("Busy")+`,"3":`+returns("1")),
			definition: one(`"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","Retry":[{"ErrorEquals":["States.TaskFailed"],"IntervalSeconds":3,"BackoffRate":2,"MaxDelaySeconds":5}]`)},
		{name: "catch, into the input", page: "concepts-error-handling.html", input: `{"a":1}`, output: `{"a":1,"error-info":{"Error":"java.lang.Exception","Cause":"why"}}`, path: "S R", mocks: answers("S", `"0":`+throws("java.lang.Exception")),
			definition: `{"StartAt":"S","States":{"S":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","Next":"E",
				"Catch":[{"ErrorEquals":["java.lang.Exception"],"ResultPath":"$.error-info","Next":"R"},{"ErrorEquals":["States.ALL"],"Next":"E"}]},"R":{"Type":"Succeed"},"E":{"Type":"Succeed"}}}`},
		{name: "a cause as JSON", page: "concepts-error-handling.html", definition: parameters(`States.StringToJson($.Cause)`), input: `{"Cause":"{\"a\":1}"}`, output: `{"x":{"a":1}}`, path: "S"},
		{name: "States.Runtime is never caught", page: "concepts-error-handling.html", input: `{}`, failure: ErrorRuntime, path: "S", mocks: answers("S", `"0":`+returns("1")),
			definition: `{"StartAt":"S","States":{"S":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","OutputPath":"$.a","Next":"E",
				"Catch":[{"ErrorEquals":["States.Runtime"],"Next":"E"}]},"E":{"Type":"Succeed"}}}`},
		{name: "a task token", page: "connect-to-resource.html", input: `{}`, output: `"ready"`, path: "S", mocks: answers("S", `"0":`+returns(`"ready"`)),
			definition: one(`"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage.waitForTaskToken","Parameters":{"QueueUrl":"u","MessageBody":{"TaskToken.$":"$$.Task.Token"}}`)},
		{name: "no heartbeat", page: "connect-to-resource.html", input: `{"beat":600}`, failure: ErrorHeartbeatTimeout, seconds: 600, path: "S", mocks: answers("S", `"0":`+throws(ErrorHeartbeatTimeout)),
			definition: one(`"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage.waitForTaskToken","HeartbeatSecondsPath":"$.beat","Parameters":{"QueueUrl":"u","MessageBody":{"TaskToken.$":"$$.Task.Token"}}`)},
	} {
		t.Run(c.name, func(t *testing.T) {
			testCase := ""
			if c.mocks != "" {
				testCase = "C"
			}
			r := runAny(t, c.definition, c.input, c.mocks, testCase)
			want(t, guide+c.page+" error", r.Error, c.failure)
			want(t, "path", r.path, c.path)
			want(t, "seconds", r.seconds, c.seconds)
			if c.output != "" {
				want(t, "cause", r.Cause, "")
				sameJSON(t, "output", r.Output, c.output)
			} else {
				want(t, "status", r.Status, Failed)
			}
		})
	}
}
