package world

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"sync"

	"github.com/google/uuid"

	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store/table"
)

// Point is a place in an invocation's run: before or after the nth commit, or vendor call, that it makes.
type Point struct {
	Function string
	// Invocation counts those of the function, N the commits or calls of this invocation, both from 1.
	Invocation, N int
	Commit        bool // a commit; otherwise a vendor call that isn't a read, or a word to the people on call
	After         bool
}

// life is one invocation's. A hard kill runs no defers: whatever its code still tries fails.
type life struct {
	function string
	n        int
	hooks    Hooks
	end      context.CancelFunc
	again    func() // makes the invocation a second time

	mu             sync.Mutex
	over           bool
	commits, calls int
}

type lifeKey struct{}

// Kill ends the invocation that ctx belongs to, as a hook may want: no point is where it polls.
func Kill(ctx context.Context) {
	if l, ok := ctx.Value(lifeKey{}).(*life); ok {
		l.kill()
	}
}

var errDead = errors.New("this invocation is dead")

// kill ends the life; false if it was over already.
func (l *life) kill() bool {
	l.mu.Lock()
	was := l.over
	l.over = true
	l.mu.Unlock()
	if !was {
		l.end()
	}
	return !was
}

// finish ends the life of an invocation that has ended: what its code still tries fails.
func (l *life) finish() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
}

func (l *life) dead() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.over
}

func (l *life) alive() error {
	if l.dead() {
		return &fault.Error{Code: fault.Unavailable, Text: "this invocation is dead", Err: errDead}
	}
	return nil
}

// pass comes to a point, and dies there if it is to.
func (l *life) pass(p Point) error {
	if l.hooks.Dies != nil && !l.dead() && l.hooks.Dies(p) {
		l.kill()
	}
	if l.hooks.Again != nil && !p.After && l.hooks.Again(p) {
		l.again()
	}
	if l.dead() {
		return errDead
	}
	return nil
}

func (l *life) next(commit bool) Point {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := Point{Function: l.function, Invocation: l.n, Commit: commit}
	if commit {
		l.commits++
		p.N = l.commits
	} else {
		l.calls++
		p.N = l.calls
	}
	return p
}

// around does something that has an effect, with a point before and after it. The answer of a commit may be lost:
// table.ErrOutcomeUnknown.
func (l *life) around(commit bool, do func() error) error {
	p := l.next(commit)
	if err := l.pass(p); err != nil {
		return err
	}
	err := do()
	p.After = true
	if dead := l.pass(p); dead != nil {
		return errors.Join(dead, err)
	}
	if commit && l.hooks.Loses != nil && l.hooks.Loses(p) {
		return table.ErrOutcomeUnknown
	}
	return err
}

func (l *life) dial(dial func(context.Context, string, string) (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if l.dead() {
			return nil, errDead
		}
		return dial(ctx, network, address)
	}
}

type mortalTable struct {
	table.Table
	life *life
}

func (t mortalTable) Get(ctx context.Context, key table.Key, consistent bool) (table.Item, error) {
	if t.life.dead() {
		return table.Item{}, errDead
	}
	return t.Table.Get(ctx, key, consistent)
}

func (t mortalTable) Query(ctx context.Context, q table.Query) (table.Page, error) {
	if t.life.dead() {
		return table.Page{}, errDead
	}
	return t.Table.Query(ctx, q)
}

func (t mortalTable) Write(ctx context.Context, writes []table.Write) error {
	var refused error
	err := t.life.around(true, func() error {
		refused = t.Table.Write(ctx, writes)
		return nil
	})
	if err != nil {
		return err
	}
	return refused
}

// livingTable fails once the life is over, too, but its writes are no points: what the gate notes is none of the invocation's work.
type livingTable struct {
	table.Table
	life *life
}

func (t livingTable) Get(ctx context.Context, key table.Key, consistent bool) (table.Item, error) {
	return mortalTable(t).Get(ctx, key, consistent)
}

func (t livingTable) Query(ctx context.Context, q table.Query) (table.Page, error) {
	return mortalTable(t).Query(ctx, q)
}

func (t livingTable) Write(ctx context.Context, writes []table.Write) error {
	if t.life.dead() {
		return errDead
	}
	return t.Table.Write(ctx, writes)
}

type mortalTransport struct {
	next http.RoundTripper
	life *life
}

func (t mortalTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.life.dead() {
		return nil, errDead
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return t.next.RoundTrip(r)
	}
	var answer *http.Response
	var failed error
	if err := t.life.around(false, func() error {
		answer, failed = t.next.RoundTrip(r)
		return nil
	}); err != nil {
		return nil, err
	}
	return answer, failed
}

func asTransport(link http.RoundTripper, wrap func(http.RoundTripper) http.RoundTripper) http.RoundTripper {
	if wrap == nil {
		return link
	}
	return wrap(link)
}

// executions is the port to the state machines.
type executions struct {
	service *asl.Service
	life    *life
}

func (e executions) Start(_ context.Context, workflow, name string, input any) error {
	text, err := json.Marshal(input)
	if err != nil {
		return &fault.Error{Code: fault.Internal, Text: "the input does not encode", Err: err}
	}
	err = e.life.around(true, func() error {
		_, err := e.service.StartExecution(workflow, name, text)
		return err
	})
	if err != nil && !errors.Is(err, asl.ErrExecutionAlreadyExists) {
		return &fault.Error{Code: fault.Unavailable, Text: "the execution did not start", Err: err}
	}
	return nil
}

func (e executions) Status(_ context.Context, workflow, name string) (step.Execution, error) {
	if err := e.life.alive(); err != nil {
		return "", err
	}
	x, err := e.service.DescribeExecution(e.service.ExecutionARN(workflow, name))
	switch {
	case errors.Is(err, asl.ErrExecutionDoesNotExist):
		return step.Unstarted, nil
	case err != nil:
		return "", &fault.Error{Code: fault.Unavailable, Text: "the execution can't be described", Err: err}
	case x.Status == asl.Running:
		return step.Open, nil
	}
	return step.Closed, nil
}

func (w *World) nonce() string { return uuid.NewString() }
