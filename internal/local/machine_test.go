package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	orders = `{"StartAt":"Each","TimeoutSeconds":86400,"States":{
		"Each":{"Type":"Map","ItemsPath":"$.orders","MaxConcurrency":1,"ItemProcessor":{"StartAt":"Ship","States":{
			"Ship":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"${Ship}","Payload.$":"$"},
				"OutputPath":"$.Payload","Retry":[{"ErrorEquals":["Busy"],"IntervalSeconds":60}],"End":true}}},"Next":"Pause"},
		"Pause":{"Type":"Wait","Timestamp":"2026-01-01T12:00:00Z","Next":"Count"},
		"Count":{"Type":"Pass","Parameters":{"shipped.$":"States.ArrayLength($[?(@.ok == true)])"},"End":true}}}`
	shipMocks = `{"StateMachines":{"Orders":{"TestCases":{
			"Shipped":{"Ship":"Ok"},"Broken":{"Ship":"Broken"},"Few":{"Ship":"Few"},"Wrong":{"Pause":"Ok"}}}},
		"MockedResponses":{
			"Ok":{"0":{"Throw":{"Error":"Busy","Cause":"later"}},"1-2":{"Return":{"Payload":{"ok":true}}}},
			"Broken":{"0":{"Throw":{"Error":"Kaput","Cause":"no parcel"}}},
			"Few":{"0":{"Return":{"Payload":{}}}}}}`
)

// inFiles writes files and gives the command line that names them.
func inFiles(t *testing.T, definition, input, mocks string, flags ...string) []string {
	t.Helper()
	dir := t.TempDir()
	args := []string{"run-machine", "-at", "2026-01-01T00:00:00Z"}
	for flag, content := range map[string]string{"definition": definition, "input": input, "mocks": mocks} {
		if content == "" {
			continue
		}
		file := filepath.Join(dir, flag+".json")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "-"+flag, file)
	}
	return append(args, flags...)
}

func TestRunMachine(t *testing.T) {
	code, out, complaint := typed(inFiles(t, orders, `{"orders":[{"n":1},{"n":2}]}`, shipMocks, "-case", "Shipped")...)
	if code != exitDone || complaint != "" {
		t.Fatalf("ends with %d: %s", code, complaint)
	}
	if diff := cmp.Diff(`{"status":"SUCCEEDED","output":{"shipped":2},"path":["Each","Ship","Ship","Pause","Count"],"seconds":43200}`, inOneLine(t, out)); diff != "" {
		t.Error(diff)
	}

	code, out, _ = typed(inFiles(t, orders, `{"orders":[{"n":1}]}`, shipMocks, "-case", "Broken")...)
	if want := `{"status":"FAILED","error":"Kaput","cause":"no parcel","path":["Each","Ship"],"seconds":0}`; code != exitFailed || inOneLine(t, out) != want {
		t.Errorf("ends with %d: %s, want %s", code, out, want)
	}

	_, out, _ = typed(inFiles(t, orders, `{"orders":[{"n":1}]}`, shipMocks, "-case", "Orders#Shipped", "-history")...)
	var told struct {
		History []struct {
			ID        int64
			Type      string
			Timestamp string
		}
	}
	if err := json.Unmarshal([]byte(out), &told); err != nil {
		t.Fatal(err)
	}
	var types []string
	for _, e := range told.History[:8] {
		types = append(types, e.Type)
	}
	if got, want := strings.Join(types, " "), "ExecutionStarted MapStateEntered MapStateStarted MapIterationStarted TaskStateEntered TaskScheduled TaskStarted TaskFailed"; got != want {
		t.Errorf("history %s, want %s", got, want)
	}
	if e := told.History[8]; e.Type != "TaskScheduled" || e.Timestamp != "2026-01-01T00:01:00Z" {
		t.Errorf("the retry: %+v", e)
	}

	var stdout strings.Builder
	code = run([]string{"run-machine", "-definition", "-"}, terminal{in: strings.NewReader(`{"StartAt":"S","States":{"S":{"Type":"Succeed"}}}`), out: &stdout, err: &stdout}, newInterrupts())
	if want := `{"status":"SUCCEEDED","output":{},"path":["S"],"seconds":0}`; code != exitDone || inOneLine(t, stdout.String()) != want {
		t.Errorf("standard input ends with %d: %s, want %s", code, stdout.String(), want)
	}

	code, out, _ = typed(inFiles(t, `{"StartAt":"W","TimeoutSeconds":60,"States":{"W":{"Type":"Wait","Seconds":61,"End":true}}}`, "", "")...)
	if want := `{"status":"TIMED_OUT","path":["W"],"seconds":60}`; code != exitFailed || inOneLine(t, out) != want {
		t.Errorf("ends with %d: %s, want %s", code, out, want)
	}
}

// TestRunMachineTwice: the same files give the same answer, iterations side by side included.
func TestRunMachineTwice(t *testing.T) {
	definition := strings.Replace(orders, `"MaxConcurrency":1,`, "", 1)
	var answers []string
	for range 2 {
		_, out, _ := typed(inFiles(t, definition, `{"orders":[1,2,3]}`, strings.Replace(shipMocks, "1-2", "1-9", 1), "-case", "Shipped", "-history")...)
		answers = append(answers, out)
	}
	if answers[0] != answers[1] || !strings.Contains(answers[0], "SUCCEEDED") {
		t.Error(cmp.Diff(answers[0], answers[1]))
	}
}

func TestRunMachineRefuses(t *testing.T) {
	for _, c := range []struct{ name, definition, input, mocks, testCase, says string }{
		{"no definition", `{"StartAt":1}`, "", "", "", "-definition: invalid state machine definition: StartAt: must be a string"},
		{"JSONata", `{"QueryLanguage":"JSONata","StartAt":"S","States":{"S":{"Type":"Succeed"}}}`, "", "", "", "QueryLanguage: only JSONPath is implemented, not JSONata"},
		{"no mocks", orders, `{"orders":[1]}`, "", "", "can't run this: States.Each.ItemProcessor.States.Ship: the test case has no mock for this Task"},
		{"too few answers", orders, `{"orders":[1,2]}`, shipMocks, "Few", "can't run this: States.Each.ItemProcessor.States.Ship: MockedResponses.Few has no answer for invocation 1"},
		{"a mock for a Wait", orders, "", shipMocks, "Wrong", `-mocks: "Pause" is no Task of the definition`},
		{"no such case", orders, "", shipMocks, "Shiped", `-mocks: there is no test case "Shiped"; there are Orders#Broken, `},
		{"no JSON", orders, "{", shipMocks, "Shipped", "-input: invalid execution input: not JSON"},
		{"unknown outcome", `{"StartAt":"S","States":{"S":{"Type":"Pass","Parameters":{"a.$":"States.JsonToString($)"},"End":true}}}`, `{"x":1.50}`, "", "",
			"can't run this: States.S.Parameters.a.$: States.JsonToString: it isn't known how AWS writes the number 1.50"},
	} {
		var flags []string
		if c.testCase != "" {
			flags = []string{"-case", c.testCase}
		}
		code, out, complaint := typed(inFiles(t, c.definition, c.input, c.mocks, flags...)...)
		if code != exitUsage || out != "" || !strings.Contains(complaint, c.says) {
			t.Errorf("%s: ends with %d, %s %s; want %s", c.name, code, out, complaint, c.says)
		}
	}
}

// inOneLine is a JSON document without its spaces.
func inOneLine(t *testing.T, document string) string {
	t.Helper()
	var b strings.Builder
	for line := range strings.Lines(document) {
		b.WriteString(strings.TrimSpace(line))
	}
	return strings.ReplaceAll(b.String(), `": `, `":`)
}
