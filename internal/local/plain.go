package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/clock"
)

// longWait is how long a state lasts, in the vendors' time, before a line says what it waits for, and again.
const longWait = 20 * time.Second

// plain shows a play as lines, each with the vendors' time since the beginning.
type plain struct {
	out   io.Writer
	clock clock.Clock
	start time.Time

	mu      sync.Mutex
	waiting map[visited]time.Time // what is under way, and when a line was last said of it
	reasons map[visited]string    // why its last attempt failed
	calls   map[visited]int       // how many it had made when a line was last said of it
	watch   *watch
	stop    context.CancelFunc
	done    sync.WaitGroup
}

func newPlain(out io.Writer, c clock.Clock) *plain {
	return &plain{out: out, clock: c, start: c.Now(), waiting: map[visited]time.Time{}, reasons: map[visited]string{}, calls: map[visited]int{}, stop: func() {}}
}

func (p *plain) said(format string, args ...any) {
	p.line(p.clock.Now(), fmt.Sprintf(format, args...))
}

func (p *plain) line(at time.Time, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	since := at.Sub(p.start)
	when := fmt.Sprintf("%.1fs", since.Seconds())
	if since >= day {
		when = seconds(since)
	}
	say(p.out, "%8s  %s\n", when, text)
}

// turned leaves a line free.
func (p *plain) turned(what string) {
	p.mu.Lock()
	say(p.out, "\n")
	p.mu.Unlock()
	p.said("%s", what)
}

// attach watches for long waits.
func (p *plain) attach(s *system, w *watch) {
	p.mu.Lock()
	p.watch, p.start = w, p.clock.Now()
	p.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	p.stop = cancel
	p.done.Go(func() {
		for p.clock.Sleep(ctx, longWait/4) == nil {
			p.remind(p.clock.Now())
		}
	})
}

func (p *plain) close() {
	p.stop()
	p.done.Wait()
}

// remind says what is waited for, of states that last.
func (p *plain) remind(now time.Time) {
	p.mu.Lock()
	var long []visited
	for v, since := range p.waiting {
		if now.Sub(since) >= longWait {
			long = append(long, v)
			p.waiting[v] = now
		}
	}
	p.mu.Unlock()
	slices.SortFunc(long, func(a, b visited) int { return strings.Compare(a.state, b.state) })
	for _, v := range long {
		p.line(now, ofState(v, p.waitsFor(v)))
	}
}

// waitsFor is what a state waits for: what it asked a vendor since it was last said, or else what its last attempt met.
func (p *plain) waitsFor(v visited) string {
	calls := p.watch.of(v.execution, v.state)
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.calls[v]
	p.calls[v] = len(calls)
	switch {
	case len(calls) > before:
		return "waits: " + latest(calls)
	case p.reasons[v] != "":
		return "still " + p.reasons[v]
	}
	return "goes on"
}

// ofState is a line about a state.
func ofState(v visited, text string) string { return fmt.Sprintf("%-19s %s", v.state, text) }

func (p *plain) observed(o asl.Observation) {
	if text := p.tell(o); text != "" {
		p.line(o.Event.Timestamp, text)
	}
}

// tell is what is said of an event; nothing of most.
func (p *plain) tell(o asl.Observation) string {
	v := visited{o.Execution, o.Visit.State}
	lasts := o.Visit.Type == asl.Task
	switch {
	case o.Event.Type == asl.ExecutionStarted:
		return "execution " + o.Execution + " starts"
	case o.Event.Type == asl.ExecutionSucceeded:
		return "execution " + o.Execution + " has ended"
	case o.Event.Type == asl.ParallelStateFailed:
		p.drop(o.Execution)
		return ofState(v, "failed with one branch; the others' Lambdas run on, unheard")
	case o.Event.ExecutionFailed != nil:
		p.drop(o.Execution)
		return "execution " + o.Execution + " failed: " + o.Event.ExecutionFailed.Error
	case o.Event.ExecutionTimedOut != nil:
		p.drop(o.Execution)
		return "execution " + o.Execution + " timed out"
	case o.Event.ExecutionAborted != nil:
		p.drop(o.Execution)
		return "execution " + o.Execution + " was stopped"
	case lasts && o.Event.StateEntered != nil:
		p.mark(v, o.Event.Timestamp)
		return ""
	case lasts && o.Event.StateExited != nil:
		p.unmark(v)
		return ofState(v, p.finished(v, o))
	case o.Event.TaskFailed != nil:
		return p.failed(v, setback(o.Event.TaskFailed))
	case o.Event.TaskTimedOut != nil:
		return p.failed(v, setback(o.Event.TaskTimedOut))
	case o.Visit.Outcome == asl.VisitAborted:
		p.unmark(v)
	}
	return ""
}

func (p *plain) mark(v visited, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting[v] = at
}

func (p *plain) unmark(v visited) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.waiting, v)
	delete(p.reasons, v)
	delete(p.calls, v)
}

// drop forgets the states of an execution that nothing waits for any more. They are all in the one Parallel that failed, or the
// execution has ended.
func (p *plain) drop(execution string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for v := range p.waiting {
		if v.execution == execution {
			delete(p.waiting, v)
			delete(p.reasons, v)
			delete(p.calls, v)
		}
	}
}

// failed says why an attempt failed; the same reason once only, for a state may be tried for minutes.
func (p *plain) failed(v visited, reason string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reasons[v] == reason {
		return ""
	}
	p.reasons[v] = reason
	return ofState(v, reason)
}

// finished says how a state went.
func (p *plain) finished(v visited, o asl.Observation) string {
	text := "done"
	if len(o.Visit.Errors) >= int(o.Visit.Attempts) {
		text = "given up"
	}
	text += " in " + seconds(o.Visit.Left.Sub(o.Visit.Entered))
	if n := len(p.watch.of(v.execution, v.state)); n > 0 {
		text += ", " + counted(n, "call")
	}
	if o.Visit.Attempts > 1 {
		text += ", " + counted(int(o.Visit.Attempts), "attempt")
	}
	return text
}

// setback says why an attempt failed. The cause of a Lambda's error is a document with the message in it.
func setback(d *asl.TaskFailedDetails) string {
	cause := d.Cause
	var document struct{ ErrorMessage string }
	if json.Unmarshal([]byte(cause), &document) == nil {
		cause = document.ErrorMessage
	}
	if cause == "" {
		return d.Error
	}
	return d.Error + ": " + cause
}
