package asl

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// takes is a function that answers after d.
func takes(c *calls, d time.Duration) lambda {
	return func(p Place, _ json.RawMessage) (string, error) {
		c.note(p.Function)
		time.Sleep(d)
		c.note(p.Function + " done")
		return `"late"`, nil
	}
}

func TestTaskFailure(t *testing.T) {
	for _, c := range []struct {
		name        string
		err         error
		kind, cause string
	}{
		{"a function's error", &TaskError{Type: "Rejected", Message: "HTTP 422"}, "Rejected", `{"errorMessage":"HTTP 422","errorType":"Rejected"}`},
		{"wrapped", fmt.Errorf("x: %w", &TaskError{Type: "A", Message: "<m>"}), "A", `{"errorMessage":"<m>","errorType":"A"}`},
		{"with a stack trace", &TaskError{Type: "A", StackTrace: []json.RawMessage{[]byte(`{"path":"f.go","line":3}`)}}, "A",
			`{"errorMessage":"","errorType":"A","stackTrace":[{"path":"f.go","line":3}]}`},
		{"a killed Lambda", &TaskError{Type: "Sandbox.Timedout", Message: "Task timed out"}, "Sandbox.Timedout",
			`{"errorMessage":"Task timed out","errorType":"Sandbox.Timedout"}`},
		{"Lambda's API", &TaskError{Type: "Lambda.TooManyRequestsException", Message: "Rate Exceeded."}, "Lambda.TooManyRequestsException", `Rate Exceeded.`},
		{"no type", errors.New("secret"), "Lambda.Unknown", "The cause could not be determined because Lambda did not return an error type."},
	} {
		bubble(t, c.name, func(t *testing.T) {
			p := play(t, func(Place, json.RawMessage) (string, error) { return "", c.err }, "", one(task("f")))
			want(t, "status", p.Status, Failed)
			want(t, "error", p.Error, c.kind)
			want(t, "cause", p.Cause, c.cause)
			want(t, "events", p.events(), []string{"1<0 ExecutionStarted", "2<0 TaskStateEntered", "3<2 TaskScheduled",
				"4<3 TaskStarted", "5<4 TaskFailed", "6<5 ExecutionFailed"})
		})
	}
	bubble(t, "an answer that is no JSON", func(t *testing.T) {
		p := play(t, func(Place, json.RawMessage) (string, error) { return "{", nil }, "", one(task("f")))
		want(t, "error", p.Error, "Lambda.Unknown")
	})
	bubble(t, "no answer is null", func(t *testing.T) {
		p := play(t, func(Place, json.RawMessage) (string, error) { return "", nil }, "", one(task("f")+`,"OutputPath":"$.Payload"`))
		want(t, "output", string(p.Output), "null")
	})
}

func TestPayload(t *testing.T) {
	for input, payload := range map[string]string{
		`{"a":1}`:           `{"a":1}`,
		`null`:              `null`,
		`"{\"text\":true}"`: `{"text":true}`, // a string is the request's body as it stands
	} {
		bubble(t, input, func(t *testing.T) {
			var got string
			play(t, func(_ Place, p json.RawMessage) (string, error) { got = string(p); return "", nil }, input, one(task("f")))
			want(t, "payload", got, payload)
		})
	}
	bubble(t, "no JSON", func(t *testing.T) {
		p := play(t, func(Place, json.RawMessage) (string, error) { t.Error("called"); return "", nil }, `"no"`, one(task("f")))
		want(t, "error", p.Error, "Lambda.InvalidRequestContentException")
	})
}

func TestPlace(t *testing.T) {
	bubble(t, "of a retry in a branch", func(t *testing.T) {
		var places []Place
		play(t, func(p Place, _ json.RawMessage) (string, error) {
			places = append(places, p)
			return "", fails("A")
		}, "", one(`"Type":"Parallel","Branches":[{"StartAt":"T","States":{"T":{`+task("fn")+`,"Retry":[{"ErrorEquals":["A"],"MaxAttempts":1}],"End":true}}}]`))
		place := Place{Machine: "main", Execution: "run", ARN: "arn:aws:states:us-east-1:000000000000:execution:main:run", State: "T", Function: "fn"}
		retried := place
		retried.Attempt = 1
		want(t, "places", places, []Place{place, retried})
	})
}

// TestTaskTimeout: the Task fails at its time-out to the instant, its Lambda runs on.
func TestTaskTimeout(t *testing.T) {
	bubble(t, "fails", func(t *testing.T) {
		count := newCalls()
		p := play(t, takes(count, 100*time.Second), "", one(task("f")+`,"TimeoutSeconds":70`))
		want(t, "took", p.took, 70*time.Second)
		want(t, "error", p.Error, ErrorTimeout)
		want(t, "cause", p.Cause, "")
		want(t, "the handler's end", count.of("f done"), []time.Duration{100 * time.Second})
		want(t, "events", p.events(), []string{"1<0 ExecutionStarted", "2<0 TaskStateEntered", "3<2 TaskScheduled",
			"4<3 TaskStarted", "5<4 TaskTimedOut", "6<5 ExecutionFailed"})
		want(t, "scheduled with", p.history[2].TaskScheduled.TimeoutInSeconds, int64(70))
	})
	bubble(t, "in each attempt anew, caught", func(t *testing.T) {
		count := newCalls()
		p := play(t, takes(count, 100*time.Second), `{"limit":10}`, `{"StartAt":"S","States":{
			"S":{`+task("f")+`,"TimeoutSecondsPath":"$.limit","Retry":[{"ErrorEquals":["States.TaskFailed"]},{"ErrorEquals":["States.Timeout"],"IntervalSeconds":5,"MaxAttempts":1}],
				"Catch":[{"ErrorEquals":["States.ALL"],"Next":"Caught"}],"End":true},
			"Caught":{"Type":"Pass","End":true}}}`)
		want(t, "took", p.took, 25*time.Second)
		want(t, "calls", count.of("f"), []time.Duration{0, 15 * time.Second})
		want(t, "done", count.of("f done"), []time.Duration{100 * time.Second, 115 * time.Second})
		sameJSON(t, "output", p.Output, `{"Error":"States.Timeout","Cause":""}`)
	})
	bubble(t, "an answer in time", func(t *testing.T) {
		p := play(t, takes(newCalls(), 70*time.Second-1), "", one(task("f")+`,"TimeoutSeconds":70`))
		want(t, "status", p.Status, Succeeded)
		want(t, "took", p.took, 70*time.Second-1)
	})
}

func TestMachineTimeout(t *testing.T) {
	bubble(t, "nothing is caught", func(t *testing.T) {
		count := newCalls()
		p := play(t, takes(count, time.Hour), "", `{"StartAt":"S","TimeoutSeconds":60,"States":{
			"S":{`+task("f")+`,"Retry":[{"ErrorEquals":["States.ALL"]}],"Catch":[{"ErrorEquals":["States.ALL"],"Next":"Caught"}],"End":true},
			"Caught":{"Type":"Pass","End":true}}}`)
		want(t, "status", p.Status, TimedOut)
		want(t, "took", p.took, time.Minute)
		want(t, "path", p.path(), "S")
		want(t, "last", p.events()[4], "5<0 ExecutionTimedOut")
		want(t, "visit", p.visits[0].Outcome, VisitAborted)
		want(t, "the handler's end", count.of("f done"), []time.Duration{time.Hour})
	})
	bubble(t, "a year at most", func(t *testing.T) {
		p := play(t, nil, "", `{"StartAt":"A","States":{"A":{"Type":"Wait","Seconds":31000000,"Next":"B"},"B":{"Type":"Wait","Seconds":31000000,"End":true}}}`)
		want(t, "status", p.Status, TimedOut)
		want(t, "took", p.took, 365*24*time.Hour)
	})
}

func TestWait(t *testing.T) {
	for fields, took := range map[string]time.Duration{
		`"Seconds":600`:                             600 * time.Second,
		`"Seconds":0`:                               0,
		`"SecondsPath":"$.s"`:                       90 * time.Second,
		`"Timestamp":"2000-01-01T01:00:00Z"`:        time.Hour,
		`"TimestampPath":"$.at"`:                    30 * time.Minute,
		`"Timestamp":"1999-01-01T00:00:00.5Z"`:      0,
		`"SecondsPath":"$$.Execution.RedriveCount"`: 0,
	} {
		bubble(t, fields, func(t *testing.T) {
			p := play(t, nil, `{"s":90,"at":"2000-01-01T01:30:00+01:00"}`, one(`"Type":"Wait",`+fields))
			want(t, "status", p.Status, Succeeded)
			want(t, "took", p.took, took)
		})
	}
}

// TestHistoryShape holds a whole history against GetExecutionHistory's form.
func TestHistoryShape(t *testing.T) {
	bubble(t, "task", func(t *testing.T) {
		p := play(t, echo, `{"a": 1}`, `{"StartAt":"S","States":{"S":{`+task("f")+`,"TimeoutSeconds":5,"ResultPath":null,"Next":"End"},"End":{"Type":"Succeed"}}}`)
		got, err := json.Marshal(p.history)
		if err != nil {
			t.Fatal(err)
		}
		const at = `"timestamp":"2000-01-01T00:00:00Z"`
		output := strings.ReplaceAll(`{"ExecutedVersion":"$LATEST","Payload":{"a":1},"SdkHttpMetadata":{"HttpStatusCode":200},"StatusCode":200}`, `"`, `\"`)
		sameJSON(t, "history", got, `[
			{"id":1,"previousEventId":0,`+at+`,"type":"ExecutionStarted","executionStartedEventDetails":{"input":"{\"a\": 1}","inputDetails":{"truncated":false},"roleArn":"arn:aws:iam::000000000000:role/workflows"}},
			{"id":2,"previousEventId":0,`+at+`,"type":"TaskStateEntered","stateEnteredEventDetails":{"name":"S","input":"{\"a\":1}","inputDetails":{"truncated":false}}},
			{"id":3,"previousEventId":2,`+at+`,"type":"TaskScheduled","taskScheduledEventDetails":{"resourceType":"lambda","resource":"invoke","region":"us-east-1","parameters":"{\"FunctionName\":\"f\",\"Payload\":{\"a\":1}}","timeoutInSeconds":5}},
			{"id":4,"previousEventId":3,`+at+`,"type":"TaskStarted","taskStartedEventDetails":{"resourceType":"lambda","resource":"invoke"}},
			{"id":5,"previousEventId":4,`+at+`,"type":"TaskSucceeded","taskSucceededEventDetails":{"resourceType":"lambda","resource":"invoke","output":"`+output+`","outputDetails":{"truncated":false}}},
			{"id":6,"previousEventId":5,`+at+`,"type":"TaskStateExited","stateExitedEventDetails":{"name":"S","output":"{\"a\":1}","outputDetails":{"truncated":false}}},
			{"id":7,"previousEventId":6,`+at+`,"type":"SucceedStateEntered","stateEnteredEventDetails":{"name":"End","input":"{\"a\":1}","inputDetails":{"truncated":false}}},
			{"id":8,"previousEventId":7,`+at+`,"type":"SucceedStateExited","stateExitedEventDetails":{"name":"End","output":"{\"a\":1}","outputDetails":{"truncated":false}}},
			{"id":9,"previousEventId":8,`+at+`,"type":"ExecutionSucceeded","executionSucceededEventDetails":{"output":"{\"a\":1}","outputDetails":{"truncated":false}}}]`)
	})
}

func TestFail(t *testing.T) {
	bubble(t, "with nothing", func(t *testing.T) {
		p := play(t, nil, "", `{"StartAt":"F","States":{"F":{"Type":"Fail"}}}`)
		got, err := json.Marshal(p.history[2])
		if err != nil {
			t.Fatal(err)
		}
		sameJSON(t, "event", got, `{"id":3,"previousEventId":2,"timestamp":"2000-01-01T00:00:00Z","type":"ExecutionFailed","executionFailedEventDetails":{}}`)
	})
	bubble(t, "with all", func(t *testing.T) {
		p := play(t, nil, "", `{"StartAt":"F","States":{"F":{"Type":"Fail","Error":"Dirty","Cause":"why"}}}`)
		want(t, "error", p.Error+" "+p.Cause, "Dirty why")
	})
}

// TestLimits: payloads of at most 262,144 bytes, histories of at most 25,000 events.
func TestLimits(t *testing.T) {
	sized := func(n int) lambda {
		return func(Place, json.RawMessage) (string, error) { return `"` + strings.Repeat("x", n) + `"`, nil }
	}
	catching := func(kind string) string {
		return `{"StartAt":"S","States":{"S":{` + task("f") + `,"ResultPath":"$.r","Retry":[{"ErrorEquals":["` + kind + `"],"MaxAttempts":0}],
			"Catch":[{"ErrorEquals":["` + kind + `"],"Next":"Caught"}],"End":true},"Caught":{"Type":"Pass","End":true}}}`
	}
	bubble(t, "States.ALL does not catch it", func(t *testing.T) {
		p := play(t, sized(PayloadLimit), "", catching(ErrorAll))
		want(t, "path", p.path(), "S")
		want(t, "error", p.Error, ErrorDataLimitExceeded)
		want(t, "event", p.history[4].Type, TaskFailed)
		want(t, "cause", p.Cause, "The state/task 'lambda' returned a result with a size exceeding the maximum number of bytes service limit.")
	})
	bubble(t, "its own name does", func(t *testing.T) {
		p := play(t, sized(PayloadLimit), "", catching(ErrorDataLimitExceeded))
		want(t, "path", p.path(), "S Caught")
	})
	bubble(t, "a state's output", func(t *testing.T) {
		p := play(t, sized(PayloadLimit-200), `{"x":"`+strings.Repeat("y", 400)+`"}`, catching(ErrorAll))
		want(t, "event", p.history[4].Type, TaskSucceeded)
		want(t, "error", p.Error, ErrorDataLimitExceeded)
	})
	bubble(t, "Parameters", func(t *testing.T) {
		p := play(t, sized(1), `{"x":"`+strings.Repeat("y", PayloadLimit/2)+`"}`, one(`"Type":"Pass","Parameters":{"a.$":"$.x","b.$":"$.x"},"ResultPath":null`))
		want(t, "error", p.Error, ErrorDataLimitExceeded)
	})
	bubble(t, "bytes of UTF-8 count", func(t *testing.T) {
		p := play(t, sized(1), `{"x":"`+strings.Repeat("é", PayloadLimit/4)+`"}`, one(`"Type":"Pass","Parameters":{"a.$":"$.x","b.$":"$.x"}`))
		want(t, "error", p.Error, ErrorDataLimitExceeded)
	})
	bubble(t, "history", func(t *testing.T) {
		p := play(t, nil, "", `{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"},"B":{"Type":"Pass","Next":"A"}}}`)
		want(t, "status", p.Status, Failed)
		want(t, "error", p.Error+" "+p.Cause, "States.Runtime The execution reached the maximum number of history events (25000).")
		want(t, "events", len(p.history), HistoryLimit)
		want(t, "last", p.history[HistoryLimit-1].Type, ExecutionFailed)
	})
	bubble(t, "history that just suffices", func(t *testing.T) {
		// 1 start, 12,498 visits of two events each in loops of A, C, and the end: ExecutionSucceeded may be event 25,000.
		left := 12498 - 1
		p := play(t, func(Place, json.RawMessage) (string, error) { return "", nil }, "", loopOf(left))
		want(t, "status", p.Status, Succeeded)
		want(t, "events", len(p.history), 1+12498*2+1)
	})
}

// loopOf is a machine of n Passes and a Succeed.
func loopOf(n int) string {
	var b strings.Builder
	b.WriteString(`{"StartAt":"P0","States":{`)
	for i := range n {
		fmt.Fprintf(&b, `"P%d":{"Type":"Pass","Next":"P%d"},`, i, i+1)
	}
	fmt.Fprintf(&b, `"P%d":{"Type":"Succeed"}}}`, n)
	return b.String()
}
