package asl

import (
	"slices"
	"time"
)

// Graph is a machine, a branch of a Parallel or the iterations of a Map, for those who draw or check it. It is a copy.
type Graph struct {
	// Place is where it stands in the definition; empty for the machine.
	Place   string
	Comment string
	StartAt string
	// Timeout is the machine's TimeoutSeconds; 0 for none, and for branches.
	Timeout time.Duration
	// States are in the definition's order.
	States []State
}

// State is one state of a Graph. What its type doesn't have is zero.
type State struct {
	Name, Type, Place, Comment string
	// Next is the next state; empty where the state ends its graph, and for a Choice.
	Next string
	// Targets are all states that it may lead to, in the definition's order: Next, the rules', Default, the catchers'.
	Targets []string
	// Function is the Lambda that a Task invokes, StateMachine the name of the machine that it starts.
	Function, StateMachine string
	// Timeout is a Task's TimeoutSeconds, 0 for none; TimeoutPath its TimeoutSecondsPath.
	Timeout     time.Duration
	TimeoutPath string
	Retry       []Retrier
	Catch       []Catcher
	// Branches are a Parallel's, or the one that each iteration of a Map runs.
	Branches []Graph
	// ResultPath is where in its input the state's result goes; empty for null, which drops the result, and for states
	// without a result.
	ResultPath string
	// Error is a Fail's error name.
	Error string
	// Wait is a Wait's Seconds.
	Wait time.Duration
}

// Ends reports whether its graph may end in s without an error.
func (s State) Ends() bool {
	return s.Type == Succeed || s.Next == "" && s.Type != Choice && s.Type != Fail
}

// Graph describes the machine.
func (m *Machine) Graph() Graph {
	g := m.graph.describe()
	g.Timeout = m.timeout
	return g
}

func (g *graph) describe() Graph {
	d := Graph{Place: g.place, Comment: g.comment, StartAt: g.startAt}
	for _, name := range g.names {
		d.States = append(d.States, g.states[name].describe())
	}
	return d
}

func (s *state) describe() State {
	d := State{Name: s.name, Type: s.kind, Place: s.place, Comment: s.comment, Next: s.next, Timeout: s.timeout.fixed}
	for _, t := range s.targets {
		d.Targets = append(d.Targets, t.state)
	}
	if s.timeout.path != nil {
		d.TimeoutPath = s.timeout.path.text
	}
	for _, r := range s.retry {
		r.ErrorEquals = slices.Clone(r.ErrorEquals)
		d.Retry = append(d.Retry, r)
	}
	for _, c := range s.catch {
		d.Catch = append(d.Catch, Catcher{slices.Clone(c.errorEquals), c.next, c.result.path.text})
	}
	if s.hasResult {
		d.ResultPath = s.result.path.text
	}
	switch b := s.body.(type) {
	case lambdaInvoke:
		d.Function = b.function
	case startExecution:
		d.StateMachine = b.machine
	case branching:
		for _, branch := range b.branches {
			d.Branches = append(d.Branches, branch.describe())
		}
	case mapping:
		d.Branches = []Graph{b.iterator.describe()}
	case failing:
		d.Error = b.failure.name
	case waiting:
		d.Wait = b.duration
	}
	return d
}

// Walk visits every state of g, those of branches included: a Parallel or Map before its branches.
func (g Graph) Walk(visit func(State)) {
	for _, s := range g.States {
		visit(s)
		for _, branch := range s.Branches {
			branch.Walk(visit)
		}
	}
}

// Find is the state of that name, in g or in a branch.
func (g Graph) Find(name string) (found State, ok bool) {
	g.Walk(func(s State) {
		if s.Name == name {
			found, ok = s, true
		}
	})
	return found, ok
}
