package asl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Mocks are the answers that the Tasks of a machine get instead of calling anything, in the format of Step Functions
// Local's mock configuration: a test case names a mocked response for each Task, and that has an answer for every
// invocation. https://docs.aws.amazon.com/step-functions/latest/dg/sfn-local-mock-cfg-file.html
type Mocks struct {
	states map[string]mockedResponse

	mu      sync.Mutex
	invoked map[string]map[string]int // by execution and state
}

// mockedResponse is one of a file's MockedResponses.
type mockedResponse struct {
	name    string
	answers []mockedAnswer
}

// mockedAnswer is for the invocations from first to last; the first of all is number 0.
type mockedAnswer struct {
	first, last int
	result      any
	failure     *failure // nil: result is the answer
}

// mockFile is the configuration as it is written.
type mockFile struct {
	StateMachines map[string]struct {
		TestCases map[string]map[string]string
	}
	MockedResponses map[string]map[string]struct {
		Return json.RawMessage
		Throw  *struct{ Error, Cause *string }
	}
}

// ParseMocks reads the test case of that name, or "Machine#Case" where several machines of the file have one, or
// nothing but an empty case where there is no file. Errors say what is wrong with the file, and where.
func ParseMocks(file []byte, name string) (*Mocks, error) {
	m := &Mocks{states: map[string]mockedResponse{}, invoked: map[string]map[string]int{}}
	if file == nil {
		return m, nil
	}
	var f mockFile
	d := json.NewDecoder(bytes.NewReader(file))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf("no mock configuration: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("no mock configuration: something follows it")
	}
	states, err := f.find(name)
	if err != nil {
		return nil, err
	}
	for state, response := range states {
		answers, there := f.MockedResponses[response]
		if !there {
			return nil, fmt.Errorf("%s: %q is none of the MockedResponses", state, response)
		}
		r := mockedResponse{name: response}
		for _, key := range slices.Sorted(maps.Keys(answers)) {
			a, err := mockedAnswerOf(key, answers[key].Return, answers[key].Throw)
			if err != nil {
				return nil, fmt.Errorf("MockedResponses.%s.%s: %w", response, key, err)
			}
			if _, taken := r.find(a.first); taken || a.last > a.first && r.overlaps(a) {
				return nil, fmt.Errorf("MockedResponses.%s.%s: another answer is for that invocation as well", response, key)
			}
			r.answers = append(r.answers, a)
		}
		m.states[state] = r
	}
	return m, nil
}

// find is the test case of that name.
func (f mockFile) find(name string) (map[string]string, error) {
	machine, testCase, both := strings.Cut(name, "#")
	if !both {
		machine, testCase = "", name
	}
	var found []map[string]string
	var all []string
	for _, m := range slices.Sorted(maps.Keys(f.StateMachines)) {
		for _, c := range slices.Sorted(maps.Keys(f.StateMachines[m].TestCases)) {
			all = append(all, m+"#"+c)
			if c == testCase && (!both || m == machine) {
				found = append(found, f.StateMachines[m].TestCases[c])
			}
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return nil, fmt.Errorf("there is no test case %q; there are %s", name, strings.Join(all, ", "))
	}
	return nil, fmt.Errorf("several machines have a test case %q: %s", name, strings.Join(all, ", "))
}

func mockedAnswerOf(key string, result json.RawMessage, throw *struct{ Error, Cause *string }) (a mockedAnswer, err error) {
	first, last, isRange := strings.Cut(key, "-")
	a.first, err = strconv.Atoi(first)
	a.last = a.first
	if err == nil && isRange {
		a.last, err = strconv.Atoi(last)
	}
	switch {
	case err != nil || a.first < 0 || a.last < a.first:
		return a, errors.New(`the invocations must be given as "0" or "1-2"`)
	case (result == nil) == (throw == nil):
		return a, errors.New("needs either Return or Throw")
	case throw != nil && (throw.Error == nil || *throw.Error == ""):
		return a, errors.New("needs an Error in its Throw")
	case throw != nil:
		a.failure = &failure{name: *throw.Error}
		if throw.Cause != nil {
			a.failure.cause = *throw.Cause
		}
		return a, nil
	}
	a.result, err = decode(result)
	return a, err
}

func (r mockedResponse) overlaps(a mockedAnswer) bool {
	return slices.ContainsFunc(r.answers, func(b mockedAnswer) bool { return a.first <= b.last && b.first <= a.last })
}

func (r mockedResponse) find(invocation int) (mockedAnswer, bool) {
	for _, a := range r.answers {
		if a.first <= invocation && invocation <= a.last {
			return a, true
		}
	}
	return mockedAnswer{}, false
}

// Check complains of mocks for what isn't a Task of the machine.
func (m *Mocks) Check(machine *Machine) error {
	for _, name := range slices.Sorted(maps.Keys(m.states)) {
		if s, ok := machine.Graph().Find(name); !ok || s.Type != Task {
			return fmt.Errorf("%q is no Task of the definition", name)
		}
	}
	return nil
}

// answer is what a Task gets now. As in Step Functions Local, an execution counts the invocations of each state, retries,
// loops and iterations included.
func (m *Mocks) answer(v *visit) (mockedAnswer, error) {
	place, name := v.state.place, v.state.name
	if m == nil {
		return mockedAnswer{}, unsupported(place, "nothing answers this Task")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	response, ok := m.states[name]
	if !ok {
		return mockedAnswer{}, unsupported(place, "the test case has no mock for this Task")
	}
	counts := m.invoked[v.execution.arn]
	if counts == nil {
		counts = map[string]int{}
		m.invoked[v.execution.arn] = counts
	}
	invocation := counts[name]
	counts[name]++
	a, ok := response.find(invocation)
	if !ok {
		return a, unsupported(place, "MockedResponses.%s has no answer for invocation %d", response.name, invocation)
	}
	return a, nil
}
