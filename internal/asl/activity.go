package asl

import (
	"context"
	"sync"

	"github.com/project-gimbal/fleet/internal/clock"
)

// activity counts the goroutines of a service: executions, branches, invocations and callbacks.
type activity struct {
	mu    sync.Mutex
	count int
	idle  chan struct{} // closed when count falls to 0; nil where nobody waits
}

func (a *activity) begin() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.count++
}

func (a *activity) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.count--; a.count == 0 && a.idle != nil {
		close(a.idle)
		a.idle = nil
	}
}

// aside runs f in a goroutine that Settle waits for.
func (s *Service) aside(f func()) {
	s.activity.begin()
	run := func() {
		defer s.activity.end()
		f()
	}
	if c, ok := s.options.Clock.(*clock.Virtual); ok {
		c.Go(run)
		return
	}
	go run()
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// yield comes before a wait for a channel or a context: a virtual clock has to be told who waits. There is nothing left
// to wait for afterwards.
func (s *Service) yield(ready func() bool) {
	if c, ok := s.options.Clock.(*clock.Virtual); ok {
		c.Await(ready)
	}
}

// Settle waits until nothing is under way any more: no open execution, no Lambda of a dropped branch or a timed-out Task
// that runs on, no callback. The error is ctx's.
func (s *Service) Settle(ctx context.Context) error {
	a := &s.activity
	a.mu.Lock()
	if a.count == 0 {
		a.mu.Unlock()
		return nil
	}
	if a.idle == nil {
		a.idle = make(chan struct{})
	}
	idle := a.idle
	a.mu.Unlock()
	s.yield(func() bool { return isClosed(idle) || ctx.Err() != nil })
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
