package asl

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
)

// onlyTask is a machine of one Task, which tries up to four times while it is busy.
const onlyTask = `{"StartAt":"S","States":{"S":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f"},"TimeoutSeconds":60,
	"Retry":[{"ErrorEquals":["Busy"],"IntervalSeconds":1,"MaxAttempts":3}],"End":true}}}`

// FuzzMocks: a file of mocks is refused in words, or is JSON by which a Task ends as the file says: in its output, in its error, or, where
// the file says nothing of an invocation, in the refusal to run it.
func FuzzMocks(f *testing.F) {
	for _, seed := range []string{`"0":{"Return":{"a":1}}`, `"0-1":{"Throw":{"Error":"Busy"}},"2":{"Return":[1.50]}`, `"0-9":{"Throw":{"Error":"Busy","Cause":"c"}}`, `"0":{"Throw":{"Error":"Kaput"}}`,
		`"1":{"Return":1}`, `"0":{}`, `"0":{"Return":1,"Throw":{"Error":"x"}}`, `"0-2":{"Return":1},"1":{"Return":2}`, `"-1":{"Return":1}`, `"9223372036854775807":{"Return":1}`, `"0":{"Return":null}`,
		`"+0":{"Return":1}`, `"0":{"Throw":{"Error":"States.Timeout"}}`, `"0":{"Throw":{"Error":""}}`, `"0":{"Return":"\ud800"}`} {
		f.Add(answers("S", seed), "C")
	}
	f.Add(answers("S", `"0":{"Return":1}`)+"x", "M#C")
	f.Add(`{"StateMachines":{"M":{"TestCases":{"C":{"S":"absent"}}}}}`, "C")
	f.Add(`{"StateMachines":null,"MockedResponses":[]}`, "#")
	machine, err := ParseAny([]byte(onlyTask))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, file, name string) {
		m, err := ParseMocks([]byte(file), name)
		if err != nil {
			if err.Error() == "" || m != nil {
				t.Errorf("%v with %v", err, m)
			}
			return
		}
		if !json.Valid([]byte(file)) {
			t.Fatalf("taken though it is no JSON: %s", file)
		}
		if m.Check(machine) != nil || len(file) > PayloadLimit/2 {
			return
		}
		r := runAny(t, onlyTask, "{}", file, name)
		output, failure := mocked(t, file, name)
		switch {
		case strings.HasPrefix(failure, "States."): // which has a meaning of its own
		case failure != "" && (r.Status != Failed || r.Error != failure):
			t.Errorf("%s ends %s %s, want %s", file, r.Status, r.Error, failure)
		case failure == "":
			sameJSON(t, file, r.Output, output)
		}
	})
}

// mocked is what the Task ends in by the file: an output, or an error.
func mocked(t *testing.T, file, name string) (output, failure string) {
	t.Helper()
	var f mockFile
	if err := json.Unmarshal([]byte(file), &f); err != nil {
		t.Fatal(err)
	}
	states, err := f.find(name)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 4 {
		failure = ErrorUnsupported
		for key, answer := range f.MockedResponses[states["S"]] {
			first, last, ranged := strings.Cut(key, "-")
			from, _ := strconv.Atoi(first)
			to, _ := strconv.Atoi(last)
			switch {
			case from != n && (!ranged || n < from || n > to):
			case answer.Throw != nil:
				failure = *answer.Throw.Error
			default:
				output, failure = string(answer.Return), ""
			}
		}
		if failure != "Busy" {
			break
		}
	}
	return output, failure
}
