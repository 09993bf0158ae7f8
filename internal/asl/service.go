package asl

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
)

// What the service refuses. The errors returned wrap these.
var (
	// ErrExecutionAlreadyExists: the name belongs to an execution with another input, or to a closed one.
	ErrExecutionAlreadyExists = errors.New("execution already exists")
	// ErrExecutionDoesNotExist: no execution has that ARN.
	ErrExecutionDoesNotExist = errors.New("execution does not exist")
	// ErrStateMachineDoesNotExist: the service holds no machine of that name.
	ErrStateMachineDoesNotExist = errors.New("state machine does not exist")
	// ErrInvalidName: a name is 1 to 80 characters without white space, control characters and <>{}[]?*"#%\^|~`$&,;:/
	ErrInvalidName = errors.New("invalid name")
	// ErrInvalidExecutionInput: the input is no JSON, or over PayloadLimit.
	ErrInvalidExecutionInput = errors.New("invalid execution input")
)

// nameRetention is how long a closed execution keeps its name.
const nameRetention = 90 * 24 * time.Hour

// Options configure a Service.
type Options struct {
	// Clock is the service's time. Required.
	Clock clock.Clock
	// Invoker calls the Lambdas. Required where a machine has a Task that invokes one.
	Invoker Invoker
	// Mocks answer the Tasks of machines that ParseAny read.
	Mocks *Mocks
	// Machines are the state machines by name.
	Machines map[string]*Machine
	// Seed decides jitter and generated names: the same seed gives the same ones.
	Seed uint64
	// Region, Account and RoleARN appear in ARNs and the context object; there are defaults.
	Region, Account, RoleARN string
	// OnStatus, if set, learns of every change of an execution's status, one after the other for each execution.
	OnStatus func(StatusChange)
	// OnEvent, if set, learns of every history event as it happens, in order for each execution.
	OnEvent func(Observation)
}

// Observation is a history event as it happened, and where.
type Observation struct {
	// Machine, Execution and ARN say of which execution.
	Machine, Execution, ARN string
	// Visit is the stay in a state to which the event belongs, as it was then; zero for an execution's own events.
	Visit Visit
	Event Event
}

// Service runs executions of its machines. It is safe for concurrent use.
type Service struct {
	options     Options
	transitions atomic.Int64

	activity activity

	mu         sync.Mutex
	executions map[string]*execution // by ARN
	generated  uint64                // names generated
}

// NewService checks that every machine which a machine starts is there.
func NewService(o Options) (*Service, error) {
	if o.Clock == nil {
		return nil, errors.New("asl: no clock")
	}
	o.Region = cmp.Or(o.Region, "us-east-1")
	o.Account = cmp.Or(o.Account, "000000000000")
	o.RoleARN = cmp.Or(o.RoleARN, "arn:aws:iam::"+o.Account+":role/workflows")
	for name, m := range o.Machines {
		if checkName(name) != nil || m == nil {
			return nil, fmt.Errorf("asl: no state machine or no proper name for it: %q", name)
		}
		var problem error
		m.Graph().Walk(func(s State) {
			if s.StateMachine != "" && o.Machines[s.StateMachine] == nil {
				problem = fmt.Errorf("asl: %s: %s starts %q, which isn't there", name, s.Place, s.StateMachine)
			}
			if s.Function != "" && o.Invoker == nil {
				problem = fmt.Errorf("asl: %s: %s invokes a function, and there is no Invoker", name, s.Place)
			}
		})
		if problem != nil {
			return nil, problem
		}
	}
	return &Service{options: o, executions: map[string]*execution{}}, nil
}

func (s *Service) machineARN(name string) string {
	return fmt.Sprintf("arn:aws:states:%s:%s:stateMachine:%s", s.options.Region, s.options.Account, name)
}

// ExecutionARN is the ARN of a machine's execution, whether there is one or not.
func (s *Service) ExecutionARN(machine, name string) string {
	return fmt.Sprintf("arn:aws:states:%s:%s:execution:%s:%s", s.options.Region, s.options.Account, machine, name)
}

// StartExecution starts a machine, given by name or ARN, and doesn't wait. An empty name is replaced by a generated one,
// an empty input by {}. Where an open execution has that name and the very same input, it is that one that is returned.
// Errors: ErrStateMachineDoesNotExist, ErrInvalidName, ErrInvalidExecutionInput, ErrExecutionAlreadyExists.
func (s *Service) StartExecution(machine, name string, input json.RawMessage) (Execution, error) {
	machine = machineName(machine)
	m := s.options.Machines[machine]
	if m == nil {
		return Execution{}, fmt.Errorf("%w: '%s'", ErrStateMachineDoesNotExist, s.machineARN(machine))
	}
	if len(input) == 0 {
		input = json.RawMessage("{}")
	}
	if len(input) > PayloadLimit {
		return Execution{}, fmt.Errorf("%w: more than %d bytes", ErrInvalidExecutionInput, PayloadLimit)
	}
	value, err := decode(input)
	if err != nil {
		return Execution{}, fmt.Errorf("%w: not JSON", ErrInvalidExecutionInput)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if name == "" {
		name = s.generateName()
	}
	if checkName(name) != nil {
		return Execution{}, fmt.Errorf("%w: %q", ErrInvalidName, name)
	}
	arn := s.ExecutionARN(machine, name)
	now := s.options.Clock.Now()
	if old := s.executions[arn]; old != nil {
		if again, free, err := old.claimed(input, now); !free {
			return again, err
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	e := &execution{service: s, machine: m, machineName: machine, name: name, arn: arn, ctx: ctx, cancel: cancel,
		rawInput: slices.Clone(input), input: value, started: now, status: Running, done: make(chan struct{}),
		visitAt: map[int64]int{}, entries: map[string]int{}}
	s.executions[arn] = e
	return s.begin(e), nil
}

// begin records and announces the start, and lets the execution run.
func (s *Service) begin(e *execution) Execution {
	e.mu.Lock()
	defer e.mu.Unlock()
	id := e.add(Event{Type: ExecutionStarted, ExecutionStarted: &ExecutionStartedDetails{
		Input: string(e.rawInput), RoleARN: s.options.RoleARN}}, e.started)
	e.observe(nil, id)
	e.changed()
	s.aside(e.run)
	return e.describe()
}

// claimed answers a start under a name that e has: with e, with a refusal, or that the name is free again.
func (e *execution) claimed(input json.RawMessage, now time.Time) (again Execution, free bool, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.status == Running && bytes.Equal(e.rawInput, input):
		return e.describe(), false, nil
	case e.status != Running && now.Sub(e.stopped) >= nameRetention:
		return Execution{}, true, nil
	default:
		return Execution{}, false, fmt.Errorf("%w: '%s'", ErrExecutionAlreadyExists, e.arn)
	}
}

// StopExecution ends an open execution as ABORTED, for a reason that may be empty. Its Lambdas run on. A closed
// execution stays as it is. Error: ErrExecutionDoesNotExist.
func (s *Service) StopExecution(arn, reason, cause string) error {
	e, err := s.find(arn)
	if err != nil {
		return err
	}
	e.finish(Aborted, 0, nil, failure{reason, cause})
	return nil
}

// DescribeExecution tells how an execution stands. Error: ErrExecutionDoesNotExist.
func (s *Service) DescribeExecution(arn string) (Execution, error) {
	e, err := s.find(arn)
	if err != nil {
		return Execution{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.describe(), nil
}

// ListExecutions describes every execution, in the order of their start.
func (s *Service) ListExecutions() []Execution {
	list := []Execution{}
	for _, e := range s.all() {
		e.mu.Lock()
		list = append(list, e.describe())
		e.mu.Unlock()
	}
	return list
}

// GetExecutionHistory gives an execution's events so far. Error: ErrExecutionDoesNotExist.
func (s *Service) GetExecutionHistory(arn string) ([]Event, error) {
	_, events, err := s.Course(arn)
	return events, err
}

// Visits gives the path of an execution so far: its stays in states, in the order of entering. Error:
// ErrExecutionDoesNotExist.
func (s *Service) Visits(arn string) ([]Visit, error) {
	visits, _, err := s.Course(arn)
	return visits, err
}

// Course gives an execution's visits and events as of one instant. Error: ErrExecutionDoesNotExist.
func (s *Service) Course(arn string) ([]Visit, []Event, error) {
	e, err := s.find(arn)
	if err != nil {
		return nil, nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.path(), slices.Clone(e.history), nil
}

// Await waits for the end of an execution. Errors: ErrExecutionDoesNotExist, ctx's.
func (s *Service) Await(ctx context.Context, arn string) (Execution, error) {
	e, err := s.find(arn)
	if err != nil {
		return Execution{}, err
	}
	s.yield(func() bool { return isClosed(e.done) || ctx.Err() != nil })
	select {
	case <-e.done:
	case <-ctx.Done():
		return Execution{}, ctx.Err()
	}
	return s.DescribeExecution(arn)
}

// Transitions counts the state transitions of all executions since NewService.
func (s *Service) Transitions() int64 { return s.transitions.Load() }

func (s *Service) find(arn string) (*execution, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.executions[arn]; e != nil {
		return e, nil
	}
	return nil, fmt.Errorf("%w: '%s'", ErrExecutionDoesNotExist, arn)
}

// all lists the executions in the order of their start, then of their ARNs.
func (s *Service) all() []*execution {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.executions), func(a, b *execution) int {
		return cmp.Or(a.started.Compare(b.started), strings.Compare(a.arn, b.arn))
	})
}

// generateName makes a name for an execution that was given none. s.mu is held.
func (s *Service) generateName() string {
	s.generated++
	r := rand.New(rand.NewPCG(s.options.Seed, s.generated))
	return uuid(r.Uint64(), r.Uint64())
}

// random is the source for one draw. It depends on what is drawn for, and not on what other branches drew before.
func (s *Service) random(arn, state string, number int, retries int64) *rand.Rand {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%s\n%s\n%d\n%d", arn, state, number, retries) // a hash never fails
	return rand.New(rand.NewPCG(s.options.Seed, h.Sum64()))
}
