package asl

import (
	"strings"
	"testing"
)

// TestChoice evaluates one rule over one input. The cases agree with what AWS was recorded to do.
func TestChoice(t *testing.T) {
	const (
		yes     = "C Yes"
		no      = "C No"
		runtime = "C"
	)
	for _, c := range []struct{ input, rule, path string }{
		{`{"a":"x"}`, `"Variable":"$.a","StringEquals":"x"`, yes},
		{`{"a":"x"}`, `"Variable":"$.a","StringEquals":"X"`, no},
		{`{"a":1}`, `"Variable":"$.a","StringEquals":"1"`, no},
		{`{"a":"AB"}`, `"Variable":"$.a","StringLessThan":"ABC"`, yes},
		{`{"a":"a"}`, `"Variable":"$.a","StringGreaterThan":"B"`, yes},
		{`{"a":"a"}`, `"Variable":"$.a","StringGreaterThanEquals":"a"`, yes},
		{`{"a":"b"}`, `"Variable":"$.a","StringLessThanEquals":"a"`, no},
		{`{"a":"\ud83d\ude00"}`, `"Variable":"$.a","StringLessThan":"\uff5e"`, yes}, // by UTF-16 units
		{`{"a":"x","b":"x"}`, `"Variable":"$.a","StringEqualsPath":"$.b"`, yes},
		{`{"a":"x","b":1}`, `"Variable":"$.a","StringEqualsPath":"$.b"`, no},
		{`{"a":"x"}`, `"Variable":"$.a","StringEqualsPath":"$.b"`, runtime},
		{`{"a":1}`, `"Variable":"$.a","NumericEquals":1.0`, yes},
		{`{"a":1}`, `"Variable":"$.a","NumericLessThan":1.5`, yes},
		{`{"a":"1"}`, `"Variable":"$.a","NumericEquals":1`, no},
		{`{"a":9007199254740993}`, `"Variable":"$.a","NumericEquals":9007199254740992`, no},
		{`{"a":-2,"b":-2}`, `"Variable":"$.a","NumericGreaterThanEqualsPath":"$.b"`, yes},
		{`{"a":true}`, `"Variable":"$.a","BooleanEquals":true`, yes},
		{`{"a":"true"}`, `"Variable":"$.a","BooleanEquals":true`, no},
		{`{"a":false,"b":false}`, `"Variable":"$.a","BooleanEqualsPath":"$.b"`, yes},
		{`{"a":"2012-10-09T19:00:55Z"}`, `"Variable":"$.a","TimestampEquals":"2012-10-09T20:00:55+01:00"`, yes},
		{`{"a":"2012-10-09T19:00:55.5Z"}`, `"Variable":"$.a","TimestampGreaterThan":"2012-10-09T19:00:55Z"`, yes},
		{`{"a":"2012-10-09"}`, `"Variable":"$.a","TimestampLessThan":"2013-10-09T19:00:55Z"`, no},
		{`{"a":null}`, `"Variable":"$.a","IsNull":true`, yes},
		{`{}`, `"Variable":"$.a","IsNull":true`, runtime},
		{`{"a":null}`, `"Variable":"$.a","IsPresent":true`, yes},
		{`{}`, `"Variable":"$.a","IsPresent":false`, yes},
		{`{}`, `"Variable":"$.a.b[0]","IsPresent":true`, no},
		{`{"a":1.1}`, `"Variable":"$.a","IsNumeric":true`, yes},
		{`{"a":[]}`, `"Variable":"$.a","IsString":false`, yes},
		{`{"a":false}`, `"Variable":"$.a","IsBoolean":true`, yes},
		{`{"a":"2012-10-09T19:00:55Z"}`, `"Variable":"$.a","IsTimestamp":true`, yes},
		{`{"a":"2012-10-09 19:00:55Z"}`, `"Variable":"$.a","IsTimestamp":true`, no},
		{`{"a":"2012-13-09T19:00:55Z"}`, `"Variable":"$.a","IsTimestamp":true`, no},
		{`{"a":"2012-10-09T19:00:55"}`, `"Variable":"$.a","IsTimestamp":true`, no},
		{`{"a":"foo.log"}`, `"Variable":"$.a","StringMatches":"*.log"`, yes},
		{`{"a":"foo.log.gz"}`, `"Variable":"$.a","StringMatches":"*.log"`, no},
		{`{"a":"zebra.log.log"}`, `"Variable":"$.a","StringMatches":"z*.*log"`, yes},
		{`{"a":"foo"}`, `"Variable":"$.a","StringMatches":"foo*"`, yes},
		{`{"a":"aba"}`, `"Variable":"$.a","StringMatches":"ab*ba"`, no},
		{`{"a":"a*b"}`, `"Variable":"$.a","StringMatches":"a\\*b"`, yes},
		{`{"a":"axb"}`, `"Variable":"$.a","StringMatches":"a\\*b"`, no},
		{`{"a":"a\\xx"}`, `"Variable":"$.a","StringMatches":"a\\\\*"`, yes},
		{`{"a":"a.b"}`, `"Variable":"$.a","StringMatches":"a?b"`, no},
		{`{"a":1,"b":2}`, `"And":[{"Variable":"$.a","NumericEquals":1},{"Variable":"$.b","NumericEquals":2}]`, yes},
		{`{"a":1,"b":2}`, `"And":[{"Variable":"$.a","NumericEquals":1},{"Variable":"$.b","NumericEquals":1}]`, no},
		{`{"a":1,"b":2}`, `"Or":[{"Variable":"$.a","NumericEquals":0},{"Variable":"$.b","NumericEquals":2}]`, yes},
		{`{"a":1}`, `"Not":{"Variable":"$.a","NumericEquals":1}`, no},
		{`{}`, `"And":[{"Variable":"$.a","IsPresent":true},{"Variable":"$.a","NumericEquals":1}]`, no}, // stops early
		{`{}`, `"Or":[{"Variable":"$.a","IsPresent":false},{"Variable":"$.a","NumericEquals":1}]`, yes},
		{`{}`, `"Not":{"Variable":"$.a","NumericEquals":1}`, runtime},
		{`{}`, `"Variable":"$$.Execution.Name","StringEquals":"run"`, yes},
	} {
		bubble(t, c.input+c.rule, func(t *testing.T) {
			p := play(t, nil, c.input, `{"StartAt":"C","States":{
				"C":{"Type":"Choice","Choices":[{`+c.rule+`,"Next":"Yes"}],"Default":"No"},
				"Yes":{"Type":"Succeed"},"No":{"Type":"Succeed"}}}`)
			want(t, "path", p.path(), c.path)
			if c.path != runtime {
				want(t, "status", p.Status, Succeeded)
				return
			}
			want(t, "error", p.Error, ErrorRuntime)
			if !strings.Contains(p.Cause, "the state 'C' (entered at the event id #2). Invalid path '$.") {
				t.Errorf("cause %s", p.Cause)
			}
		})
	}
}

func TestChoiceOrder(t *testing.T) {
	const definition = `{"StartAt":"C","States":{
		"C":{"Type":"Choice","InputPath":"$.in","OutputPath":"$.out","Choices":[
			{"Variable":"$.n","NumericGreaterThan":10,"Next":"Big"},
			{"Variable":"$.n","NumericGreaterThan":1,"Next":"Some"}]},
		"Big":{"Type":"Succeed"},"Some":{"Type":"Succeed"}}}`
	bubble(t, "first rule that holds", func(t *testing.T) {
		p := play(t, nil, `{"in":{"n":11,"out":[1]}}`, definition)
		want(t, "path", p.path(), "C Big")
		want(t, "output", string(p.Output), "[1]")
	})
	bubble(t, "none and no default", func(t *testing.T) {
		p := play(t, nil, `{"in":{"n":0,"out":[1]}}`, definition)
		want(t, "path", p.path(), "C")
		want(t, "error", p.Error, ErrorNoChoiceMatched)
	})
}
