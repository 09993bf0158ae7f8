package main

import (
	"sync"

	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/sim"
)

// watch keeps every call of a vendor with the state that it was made for.
type watch struct {
	mu    sync.Mutex
	calls map[visited][]sim.Call
}

// visited is a state of an execution. Our workflows enter no state twice.
type visited struct{ execution, state string }

func newWatch() *watch { return &watch{calls: map[visited][]sim.Call{}} }

func (w *watch) called(place asl.Place, call sim.Call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := visited{place.Execution, place.State}
	w.calls[at] = append(w.calls[at], call)
}

// of gives the calls that a state has made so far, in the order of their ends.
func (w *watch) of(execution, state string) []sim.Call {
	w.mu.Lock()
	defer w.mu.Unlock()
	calls := w.calls[visited{execution, state}]
	return calls[:len(calls):len(calls)]
}
