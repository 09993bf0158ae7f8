package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"time"

	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/clock"
)

// machineOptions are run-machine's, from the command line.
type machineOptions struct {
	machine *asl.Machine
	mocks   *asl.Mocks
	input   []byte
	start   time.Time
	history bool
}

// machineResult is what run-machine prints.
type machineResult struct {
	Status asl.Status      `json:"status"`
	Output json.RawMessage `json:"output,omitempty"`
	Error  string          `json:"error,omitempty"`
	Cause  string          `json:"cause,omitempty"`
	// Path are the states in the order of entering, those of branches and iterations included.
	Path []string `json:"path"`
	// Seconds is how long it took in virtual time.
	Seconds float64     `json:"seconds"`
	History []asl.Event `json:"history,omitempty"`
}

// errRefused is what can't be run, with its place.
type errRefused string

func (e errRefused) Error() string { return string(e) }

// runMachine runs a definition alone, in virtual time.
func runMachine(args []string, t terminal, _ *interrupts) int {
	o, err := parseMachine(args, t)
	if err != nil {
		return refuse(err, "run-machine", t)
	}
	result, err := o.run()
	if refused, ok := errors.AsType[errRefused](err); ok {
		say(t.err, "run-machine: can't run this: %s\n", refused)
		return exitUsage
	}
	if err != nil {
		return refuse(err, "run-machine", t)
	}
	e := json.NewEncoder(t.out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(result); err != nil {
		return refuse(err, "run-machine", t)
	}
	if result.Status != asl.Succeeded {
		return exitFailed
	}
	return exitDone
}

// run plays the one execution to its end.
func (o machineOptions) run() (machineResult, error) {
	c := clock.NewVirtual(o.start)
	s, err := asl.NewService(asl.Options{Clock: c, Mocks: o.mocks, Machines: map[string]*asl.Machine{"machine": o.machine}, Seed: 1})
	if err != nil {
		return machineResult{}, err
	}
	var end asl.Execution
	var failed error
	err = c.Run(func() {
		var started asl.Execution
		if started, failed = s.StartExecution("machine", "run", o.input); failed == nil {
			end, failed = s.Await(context.Background(), started.ARN)
		}
	})
	switch err := errors.Join(err, failed); {
	case errors.Is(err, asl.ErrInvalidExecutionInput):
		return machineResult{}, wrong("-input: %v", err)
	case err != nil:
		return machineResult{}, err
	case end.Error == asl.ErrorUnsupported:
		return machineResult{}, errRefused(end.Cause)
	}
	return o.result(s, end)
}

func (o machineOptions) result(s *asl.Service, end asl.Execution) (machineResult, error) {
	r := machineResult{Status: end.Status, Output: end.Output, Error: end.Error, Cause: end.Cause, Path: []string{},
		Seconds: end.Stopped.Sub(end.Started).Seconds()}
	visits, err := s.Visits(end.ARN)
	for _, v := range visits {
		r.Path = append(r.Path, v.State)
	}
	if err == nil && o.history {
		r.History, err = s.GetExecutionHistory(end.ARN)
	}
	return r, err
}

// parseMachine reads run-machine's flags and files. Its errors are errHelp, usageErrors and I/O errors.
func parseMachine(args []string, t terminal) (machineOptions, error) {
	var o machineOptions
	f := newFlags("run-machine")
	definition := f.String("definition", "", "the definition to run, a JSON `FILE` in Amazon States Language; \"-\" is standard input")
	input := f.String("input", "", "the execution's input, a JSON `FILE`, {} unless given; \"-\" is standard input")
	mocks := f.String("mocks", "", "what the Tasks answer, a `FILE` in the format of Step Functions Local's mock configuration")
	testCase := f.String("case", "", "the `NAME` of the file's test case, or Machine#Name where several machines have one")
	f.BoolVar(&o.history, "history", false, "print the execution's history as well, as GetExecutionHistory gives it")
	start := f.String("at", "", "the `TIME` at which the execution starts, such as 2006-01-02T15:04:05Z; now unless given")
	if err := parse(f, args, func() { helpMachine(t.out, f) }); err != nil {
		return o, err
	}
	switch {
	case *definition == "":
		return o, wrong("-definition: a file must be named")
	case (*mocks == "") != (*testCase == ""):
		return o, wrong("-mocks and -case need each other")
	case *definition == "-" && *input == "-":
		return o, wrong("only one of -definition and -input can be standard input")
	}
	o.start = clock.System().Now()
	if *start != "" {
		var err error
		if o.start, err = time.Parse(time.RFC3339, *start); err != nil {
			return o, wrong("-at: %q is no time such as 2006-01-02T15:04:05Z", *start)
		}
	}
	return o, o.read(t, *definition, *input, *mocks, *testCase)
}

// read reads the files.
func (o *machineOptions) read(t terminal, definition, input, mocks, testCase string) error {
	text, err := readInput(t, definition)
	if err != nil {
		return wrong("-definition: %v", err)
	}
	if o.machine, err = asl.ParseAny(text); err != nil {
		return wrong("-definition: %v", err)
	}
	if input != "" {
		if o.input, err = readInput(t, input); err != nil {
			return wrong("-input: %v", err)
		}
	}
	var file []byte
	if mocks != "" {
		if file, err = os.ReadFile(mocks); err != nil {
			return wrong("-mocks: %v", err)
		}
	}
	if o.mocks, err = asl.ParseMocks(file, testCase); err == nil {
		err = o.mocks.Check(o.machine)
	}
	if err != nil {
		return wrong("-mocks: %v", err)
	}
	return nil
}

func readInput(t terminal, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(t.in)
	}
	return os.ReadFile(name)
}

func helpMachine(w io.Writer, f *flag.FlagSet) {
	say(w, "Runs a state machine's definition alone, in virtual time: nothing is called, and a year of waiting takes no time.\n\n")
	say(w, "usage: go run ./internal/local run-machine -definition FILE [flags]\n%s\n", flagHelp(f))
	say(w, "Prints {status, output, error, cause, path, seconds}, and with -history the events. A test case answers a Task's first\n")
	say(w, "invocation with \"0\" of its mocked response, the next, be it a retry, a loop or an iteration of a Map, with \"1\", and so on.\n")
	say(w, "A Throw of States.Timeout or States.HeartbeatTimeout comes when the Task's time is over; any other answer takes no time.\n\n")
	say(w, "Exit: 0 when the execution succeeded; 1 when it ended otherwise; 2 for wrong usage, and for what can't be run, with its\n")
	say(w, "place: JSONata, variables, distributed Maps, a Task without a mock, and whatever AWS's answer to isn't known.\n")
}
