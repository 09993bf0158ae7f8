package asl

import (
	"strings"
	"testing"
)

// TestIntrinsics: the developer guide's examples, and what AWS was seen to answer.
// https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html
func TestIntrinsics(t *testing.T) {
	for _, c := range []struct{ expression, input, x string }{
		{`States.Array($.Id)`, `{"Id":123456}`, `[123456]`},
		{`States.Array()`, `{}`, `[]`},
		{`States.Array('Foo', 2022, $.someJson, null)`, `{"someJson":{"random":"abcdefg"}}`, `["Foo",2022,{"random":"abcdefg"},null]`},
		{`States.Array(-1.5, true, false,States.Array($$.Execution.Name))`, `{}`, `[-1.5,true,false,["run"]]`},
		{`States.ArrayPartition($.inputArray,4)`, `{"inputArray":[1,2,3,4,5,6,7,8,9]}`, `[[1,2,3,4],[5,6,7,8],[9]]`},
		{`States.ArrayPartition($.inputArray,1.5)`, `{"inputArray":[1,2,3]}`, `[[1,2],[3]]`},
		{`States.ArrayPartition($.a,5)`, `{"a":[]}`, `[]`},
		{`States.ArrayContains($.inputArray, $.lookingFor)`, `{"inputArray":[1,2,3,4,5,6,7,8,9],"lookingFor":5}`, `true`},
		{`States.ArrayContains($.a, $.v)`, `{"a":[{"1":2,"2":[]}],"v":{"2":[],"1":2}}`, `true`},
		{`States.ArrayContains($.a, '5')`, `{"a":[5]}`, `false`},
		{`States.ArrayContains($.a, null)`, `{"a":[[1,2,3],2]}`, `false`},
		{`States.ArrayRange(1, 9, 2)`, `{}`, `[1,3,5,7,9]`},
		{`States.ArrayRange(0, 10, 3)`, `{}`, `[0,3,6,9]`},
		{`States.ArrayLength(States.ArrayRange(1, 1000, 1))`, `{}`, `1000`},
		{`States.ArrayGetItem($.inputArray, $.index)`, `{"inputArray":[1,2,3,4,5,6,7,8,9],"index":5}`, `6`},
		{`States.ArrayLength($.inputArray)`, `{"inputArray":[1,2,3,4,5,6,7,8,9]}`, `9`},
		{`States.ArrayUnique($.inputArray)`, `{"inputArray":[1,2,3,3,3,3,3,3,4]}`, `[1,2,3,4]`},
		{`States.ArrayUnique($.a)`, `{"a":[null,true,null,"a",{"a":1},[null],"a",{"a":1},[null]]}`, `[null,true,"a",{"a":1},[null]]`},
		{`States.Base64Encode($.input)`, `{"input":"Data to encode"}`, `"RGF0YSB0byBlbmNvZGU="`},
		{`States.Base64Decode($.base64)`, `{"base64":"RGF0YSB0byBlbmNvZGU="}`, `"Data to encode"`},
		{`States.Base64Decode('')`, `{}`, `""`},
		{`States.Hash($.Data, $.Algorithm)`, `{"Data":"input data","Algorithm":"SHA-1"}`, `"aaff4a450a104cd177d28d18d74485e8cae074b7"`},
		{`States.Hash('input data', 'MD5')`, `{}`, `"812f45842bc6d66ee14572ce20db8e86"`},
		{`States.Hash('input data', 'SHA-256')`, `{}`, `"b4a697a057313163aee33cd8d40c66e9f0f177e00cac2de32475ffff6169c3e3"`},
		{`States.Hash('input data', 'SHA-384')`, `{}`, `"d28a7d5cf25a74f11a50a18452b75e04bb3d70c9dd0510d6123aa008c756511b87525bdc835ebb27e1fb9e9374a15562"`},
		{`States.ArrayGetItem(States.StringSplit(States.Hash('input data', 'SHA-512'), 'f'), 0)`, `{}`, `"6ce4adb348546d4"`},
		{`States.JsonMerge($.json1, $.json2, false)`, `{"json1":{"a":{"a1":1,"a2":2},"b":2},"json2":{"a":{"a3":1,"a4":2},"c":3}}`, `{"a":{"a3":1,"a4":2},"b":2,"c":3}`},
		{`States.JsonMerge(States.StringToJson('{"constant_in_literal": "false"}'), $.i, false)`, `{"i":{"constant_input_field":"v"}}`, `{"constant_input_field":"v","constant_in_literal":"false"}`},
		{`States.StringToJson($.escapedJsonString)`, `{"escapedJsonString":"{\"foo\": \"bar\"}"}`, `{"foo":"bar"}`},
		{`States.StringToJson(' ')`, `{}`, `null`},
		{`States.StringToJson('-0')`, `{}`, `0`},
		{`States.JsonToString($.unescapedJson)`, `{"unescapedJson":{"foo":"bar"}}`, `"{\"foo\":\"bar\"}"`},
		{`States.JsonToString($)`, `{"b": [1, 1.1, null, true], "a": "é\n<>\u001f"}`, `"{\"b\":[1,1.1,null,true],\"a\":\"é\\n<>\\u001F\"}"`},
		{`States.MathAdd($.value1, $.step)`, `{"value1":111,"step":-1}`, `110`},
		{`States.MathAdd(1.49, 1.5)`, `{}`, `3`},
		{`States.MathAdd(-1.5, -1.51)`, `{}`, `-3`},
		{`States.MathAdd(-0.5, 0)`, `{}`, `0`},
		{`States.MathRandom(7, 8)`, `{}`, `7`},
		{`States.StringSplit($.inputString, $.splitter)`, `{"inputString":"1,2,3,4,5","splitter":","}`, `["1","2","3","4","5"]`},
		{`States.StringSplit($.inputString, $.splitter)`, `{"inputString":"This.is+a,test=string","splitter":".+,="}`, `["This","is","a","test","string"]`},
		{`States.StringSplit(', , ,', ',')`, `{}`, `[" "," "]`},
		{`States.StringSplit(',,,,', ',')`, `{}`, `[]`},
		{`States.Format('Hello, my name is {}.', $.name)`, `{"name":"Arnav"}`, `"Hello, my name is Arnav."`},
		{`States.Format($.template, $.name)`, `{"name":"Arnav","template":"Hello, my name is {}."}`, `"Hello, my name is Arnav."`},
		{`States.Format('fst={} and snd={}.', $.a, $.b)`, `{"a":{"Arg1":1,"Arg2":[]},"b":null}`, `"fst={Arg1=1, Arg2=[]} and snd=null."`},
		{`States.Format('it\'s \{{}\} \\ {}', 1, [])`, ``, ``},
		{`States.Format('it\'s \{{}\} \\', 1.1)`, `{}`, `"it's {1.1} \\"`},
		{`States.Format('{}.{}.{}', States.ArrayGetItem(States.StringSplit(States.ArrayGetItem(States.StringSplit($.Arn, '/'), 2), '.'), 0), States.ArrayGetItem(States.StringSplit(States.ArrayGetItem(States.StringSplit($.Arn, '/'), 2), '.'), 1), 'z')`,
			`{"Arn":"arn:aws:imagebuilder:us-east-1:1:image/recipe/1.0"}`, `"1.0.z"`},
	} {
		t.Run(c.expression+c.input, func(t *testing.T) {
			if c.x == "" {
				if _, err := ParseAny([]byte(parameters(c.expression))); err == nil {
					t.Error("accepted")
				}
				return
			}
			r := runAny(t, parameters(c.expression), c.input, "", "")
			want(t, "cause", r.Cause, "")
			want(t, "output", string(r.Output), `{"x":`+c.x+`}`)
		})
	}
}

func TestIntrinsicsFail(t *testing.T) {
	long := strings.Repeat("a", 10001)
	for _, c := range []struct{ expression, input, failure, cause string }{
		{`States.ArrayPartition($.a,0)`, `{"a":[1]}`, ErrorIntrinsicFailure, "can't have 0 elements"},
		{`States.ArrayPartition($.a,4)`, `{"a":1}`, ErrorIntrinsicFailure, "1 is no array"},
		{`States.ArrayRange(1, 1001, 1)`, `{}`, ErrorIntrinsicFailure, "more than 1000 elements"},
		{`States.ArrayRange(1, 9, 0)`, `{}`, ErrorIntrinsicFailure, "step of 0"},
		{`States.ArrayGetItem($.a, 2)`, `{"a":[1,2]}`, ErrorIntrinsicFailure, "outside of the array"},
		{`States.ArrayContains($.a, 2)`, `{"a":"12"}`, ErrorIntrinsicFailure, "no array"},
		{`States.Base64Encode($.a)`, `{"a":"` + long + `"}`, ErrorIntrinsicFailure, "more than 10000 characters"},
		{`States.Hash($.a, 'MD5')`, `{"a":"` + long + `"}`, ErrorIntrinsicFailure, "more than 10000 characters"},
		{`States.Hash('a', 'SHA-3')`, `{}`, ErrorIntrinsicFailure, "no algorithm"},
		{`States.StringToJson($.a)`, `{"a":"{"}`, ErrorIntrinsicFailure, "not one JSON value"},
		{`States.StringToJson($.a)`, `{"a":1}`, ErrorIntrinsicFailure, "no string"},
		{`States.JsonMerge($.a, $.a, $.b)`, `{"a":{},"b":true}`, ErrorIntrinsicFailure, "deep merging"},
		{`States.JsonMerge($.a, $.b, false)`, `{"a":{},"b":[]}`, ErrorIntrinsicFailure, "must be objects"},
		{`States.MathAdd($.a, 1)`, `{"a":"1"}`, ErrorIntrinsicFailure, "no number"},
		{`States.StringSplit($.a, ',')`, `{"a":1}`, ErrorIntrinsicFailure, "must be strings"},
		{`States.Format($.t, 1)`, `{"t":"{} {}"}`, ErrorIntrinsicFailure, "2 {} for 1"},
		{`States.Format('{}', $.nowhere)`, `{"a":1}`, ErrorRuntime, "The function 'States.Format('{}', $.nowhere)' had the following error: The JsonPath argument for the field '$.nowhere' could not be found in the input '{\"a\":1}'"},

		{`States.ArrayRange(9, 1, -1)`, `{}`, ErrorUnsupported, "States.S.Parameters.x.$: States.ArrayRange: it isn't known"},
		{`States.ArrayContains($.a, 1.0)`, `{"a":[1]}`, ErrorUnsupported, "it isn't known whether 1 is 1.0"},
		{`States.MathAdd(2147483647, 1)`, `{}`, ErrorUnsupported, "more than 32 bits"},
		{`States.MathRandom(5, 5)`, `{}`, ErrorUnsupported, "nothing below 5"},
		{`States.JsonToString($)`, `{"a":1.10}`, ErrorUnsupported, "writes the number 1.10"},
		{`States.Format($.t, 1)`, `{"t":"{a} {}"}`, ErrorUnsupported, "alone in a template"},
		{`States.Base64Decode('/w==')`, `{}`, ErrorUnsupported, "no UTF-8"},
		{`States.Hash($.a, 'MD5')`, `{"a":1}`, ErrorUnsupported, "no string"},
	} {
		t.Run(c.expression, func(t *testing.T) {
			r := runAny(t, parameters(c.expression), c.input, "", "")
			want(t, "error", r.Error, c.failure)
			if !strings.Contains(r.Cause, c.cause) {
				t.Errorf("cause %s, want %s", r.Cause, c.cause)
			}
		})
	}
}

func TestIntrinsicsRefused(t *testing.T) {
	for expression, problem := range map[string]string{
		`States.Foo()`:                     `unknown intrinsic function "States.Foo"`,
		`States.UUID`:                      `needs its arguments in brackets`,
		`States.UUID(1)`:                   `can't have 1 arguments`,
		`States.UUID() `:                   `" " follows`,
		`States.ArrayLength($.a`:           `needs commas`,
		`States.ArrayLength($.a $.b)`:      `needs commas`,
		`States.ArrayLength()`:             `can't have 0 arguments`,
		`States.Format('{} {}', 1)`:        `has 2 {} and 1 arguments`,
		`States.Format('{a}')`:             `needs a backslash before`,
		`States.Format(1)`:                 `is its template`,
		`States.Array('a)`:                 `no closing apostrophe`,
		`States.Array('\n')`:               `a backslash in a string may only`,
		`States.Array("a")`:                `an argument is a path`,
		`States.Array($.a.length())`:       `functions in paths`,
		`States.JsonMerge($.a, $.b, true)`: `can't merge deeply`,
		strings.Repeat("States.Array(", 11) + `1` + strings.Repeat(")", 11): `more than 10 intrinsic functions`,
	} {
		_, err := ParseAny([]byte(parameters(expression)))
		if err == nil || !strings.Contains(err.Error(), "States.S.Parameters.x.$: ") || !strings.Contains(err.Error(), problem) {
			t.Errorf("%s: %v, want %s", expression, err, problem)
		}
	}
}

// TestRandom: a draw is in its range, the same for the same seed of a definition, another in each iteration.
func TestRandom(t *testing.T) {
	r := runAny(t, one(`"Type":"Map","ItemsPath":"$.a","ItemSelector":{"id.$":"States.UUID()","n.$":"States.MathRandom(-3, 3)","seeded.$":"States.MathRandom(0, 1000000, 5)"},
		"ItemProcessor":{"StartAt":"W","States":{"W":{"Type":"Pass","End":true}}}`), `{"a":[1,2,3,4,5,6,7,8]}`, "", "")
	value, err := decode(r.Output)
	if err != nil {
		t.Fatal(err)
	}
	ids, seeded := map[any]bool{}, map[any]bool{}
	for _, item := range children(value) {
		drawn, _ := plainly(item).(map[string]any)
		id, _ := drawn["id"].(string)
		if len(id) != 36 || id[14] != '4' || !strings.Contains("89ab", id[19:20]) {
			t.Errorf("%q is no UUID of version 4", id)
		}
		ids[id] = true
		seeded[drawn["seeded"]] = true
		if n, ok := compareNumbers(drawn["n"], integer(-3)); !ok || n < 0 {
			t.Errorf("%v is below -3", drawn["n"])
		}
		if n, ok := compareNumbers(drawn["n"], integer(3)); !ok || n >= 0 {
			t.Errorf("%v is not below 3", drawn["n"])
		}
	}
	want(t, "different ids", len(ids), 8)
	want(t, "different seeded numbers", len(seeded), 1)
}

func FuzzIntrinsic(f *testing.F) {
	for _, seed := range []string{`States.Format('a {} \{', $.a)`, `States.JsonToString($)`, `States.StringToJson($.b)`, `States.ArrayPartition($.c, 2)`,
		`States.ArrayRange(1, 9, 2)`, `States.ArrayUnique($.c)`, `States.MathAdd(1.5, -2)`, `States.StringSplit($.b, ',')`, `States.Hash($.b, 'MD5')`,
		`States.Base64Decode(States.Base64Encode($.b))`, `States.JsonMerge($, $, false)`, `States.MathRandom(1, 2, 3)`, `States.UUID()`, `States.Array($..c[?(@.d)])`} {
		f.Add(seed, `{"a":{"x":1},"b":"{\"y\":[2]}","c":[1,1.0,"1",null,{"d":1}]}`)
	}
	f.Fuzz(func(t *testing.T, expression, input string) {
		if _, err := decode([]byte(input)); err != nil || len(input) > PayloadLimit {
			return
		}
		if _, err := ParseAny([]byte(parameters(expression))); err != nil {
			return
		}
		r := runAny(t, parameters(expression), input, "", "")
		switch {
		case r.Status == Succeeded:
			if _, err := decode(r.Output); err != nil {
				t.Errorf("%s gives %s", expression, r.Output)
			}
		case r.Error == "" || r.Cause == "":
			t.Errorf("%s fails without words: %q %q", expression, r.Error, r.Cause)
		}
	})
}
