package asl

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
)

// ran is an execution of any definition in virtual time.
type ran struct {
	Execution
	seconds float64
	path    string
	history []Event
}

// runAny runs a definition whose Tasks a test case of mocks answers; "" for none.
func runAny(t *testing.T, definition, input, mocks, testCase string) ran {
	t.Helper()
	m, err := ParseAny([]byte(definition))
	if err != nil {
		t.Fatal(err)
	}
	var file []byte
	if mocks != "" {
		file = []byte(mocks)
	}
	answers, err := ParseMocks(file, testCase)
	if err != nil {
		t.Fatal(err)
	}
	c := clock.NewVirtual(time.Date(2016, 3, 14, 1, 0, 0, 0, time.UTC))
	s, err := NewService(Options{Clock: c, Mocks: answers, Machines: map[string]*Machine{"machine": m}, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	var r ran
	stuck := c.Run(func() {
		var started Execution
		if started, err = s.StartExecution("machine", "run", []byte(input)); err == nil {
			r.Execution, err = s.Await(t.Context(), started.ARN)
		}
	})
	if err := errors.Join(stuck, err); err != nil {
		t.Fatal(err)
	}
	r.seconds = r.Stopped.Sub(r.Started).Seconds()
	visits, err := s.Visits(r.ARN)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, v := range visits {
		names = append(names, v.State)
	}
	r.path = strings.Join(names, " ")
	if r.history, err = s.GetExecutionHistory(r.ARN); err != nil {
		t.Fatal(err)
	}
	return r
}

// answers is a mock configuration with the test case "C": each state's invocations answer what is given for them.
func answers(states ...string) string {
	var cases, responses []string
	for i := 0; i+1 < len(states); i += 2 {
		cases = append(cases, `"`+states[i]+`":"R`+states[i]+`"`)
		responses = append(responses, `"R`+states[i]+`":{`+states[i+1]+`}`)
	}
	return `{"StateMachines":{"M":{"TestCases":{"C":{` + strings.Join(cases, ",") + `}}}},"MockedResponses":{` + strings.Join(responses, ",") + `}}`
}

func throws(name string) string { return `{"Throw":{"Error":"` + name + `","Cause":"why"}}` }

func returns(value string) string { return `{"Return":` + value + `}` }
