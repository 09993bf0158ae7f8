package portal

import (
	"slices"
	"sync"
	"time"
)

// CallsKept is how many calls of vendors a Feed keeps, the newest: of several hundred provisionings.
const CallsKept = 20000

// Call is a call of a vendor that a state made. It tells nothing of what was sent or answered.
type Call struct {
	Vendor, Operation string
	Start, End        time.Time
	// Status is HTTP's, 0 without an answer; Fault what was done to the call, empty for nothing.
	Status int
	Fault  string
	// Attempt is the state's, from 1.
	Attempt int64
}

// Feed tells the pages what happens in executions. It is safe for concurrent use.
type Feed struct {
	mu       sync.Mutex
	calls    []stateCall // the newest; oldest is where the oldest of them is, once there are CallsKept
	oldest   int
	watchers map[string][]chan struct{} // by the ARN of the execution
}

type stateCall struct {
	arn, state string
	call       Call
}

// NewFeed makes a Feed.
func NewFeed() *Feed { return &Feed{watchers: map[string][]chan struct{}{}} }

// Called takes in that a state of an execution has called a vendor.
func (f *Feed) Called(arn, state string, c Call) {
	f.mu.Lock()
	defer f.mu.Unlock()
	kept := stateCall{arn, state, c}
	if len(f.calls) < CallsKept {
		f.calls = append(f.calls, kept)
		return
	}
	f.calls[f.oldest] = kept
	f.oldest = (f.oldest + 1) % CallsKept
}

// of are the calls that a state of an execution has made, in the order of their ends.
func (f *Feed) of(arn, state string) (calls []Call) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.calls {
		if k := f.calls[(f.oldest+i)%len(f.calls)]; k.arn == arn && k.state == state {
			calls = append(calls, k.call)
		}
	}
	return calls
}

// Changed takes in that something happened in an execution.
func (f *Feed) Changed(arn string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, w := range f.watchers[arn] {
		select {
		case w <- struct{}{}:
		default: // it has not looked yet since the last change
		}
	}
}

// watch gives a channel that tells of changes of an execution, until done is called.
func (f *Feed) watch(arn string) (changed <-chan struct{}, done func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w := make(chan struct{}, 1)
	f.watchers[arn] = append(f.watchers[arn], w)
	return w, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.watchers[arn] = slices.DeleteFunc(f.watchers[arn], func(other chan struct{}) bool { return other == w })
		if len(f.watchers[arn]) == 0 {
			delete(f.watchers, arn)
		}
	}
}
