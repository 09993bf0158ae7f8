package asl

import (
	"slices"
	"time"
)

// VisitOutcome is how a stay in a state ended.
type VisitOutcome string

// The outcomes of a visit; empty while it lasts.
const (
	// VisitExited: the state was left for the next one, or ended its track. Errors tells whether by a catcher.
	VisitExited VisitOutcome = "exited"
	// VisitFailed: nothing caught the error.
	VisitFailed VisitOutcome = "failed"
	// VisitAborted: a sibling branch failed, or the execution ended.
	VisitAborted VisitOutcome = "aborted"
)

// Visit is one stay in a state, made of history events for people and tests: the path of an execution is its visits.
type Visit struct {
	// ID is the event of entering.
	ID int64 `json:"id"`
	// State and Type name the state.
	State string `json:"state"`
	Type  string `json:"type"`
	// Entered is when it was entered, Left when it was left; zero while it lasts.
	Entered time.Time `json:"entered"`
	Left    time.Time `json:"left,omitzero"`
	// Attempts counts the attempts begun, the first included.
	Attempts int64 `json:"attempts"`
	// Errors are the names of the errors of failed attempts.
	Errors []string `json:"errors,omitempty"`
	// RetryAt is when the next attempt begins; zero where none is waited for.
	RetryAt time.Time `json:"retryAt,omitzero"`
	// Outcome is empty while the visit lasts.
	Outcome VisitOutcome `json:"outcome,omitempty"`
}

func (v Visit) clone() Visit {
	v.Errors = slices.Clone(v.Errors)
	return v
}

// visitOf is the record of v, which e.mu guards; nil before it was entered.
func (e *execution) visitOf(v *visit) *Visit {
	if v == nil || v.id == 0 {
		return nil
	}
	return e.visits[e.visitAt[v.id]]
}

// change changes the record of a visit.
func (e *execution) change(v *visit, f func(*Visit)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if record := e.visitOf(v); record != nil && record.Outcome == "" {
		f(record)
	}
}

func (e *execution) attemptFailed(v *visit, f *failure) {
	e.change(v, func(r *Visit) { r.Errors = append(r.Errors, f.name) })
}

func (e *execution) retrying(v *visit, at time.Time) {
	e.change(v, func(r *Visit) { r.RetryAt = at })
}

// transition counts a retry, as AWS bills it.
func (e *execution) transition(v *visit) {
	e.change(v, func(r *Visit) {
		r.RetryAt = time.Time{}
		r.Attempts++
		e.transitions++
		e.service.transitions.Add(1)
	})
}

func (e *execution) left(v *visit, outcome VisitOutcome) {
	now := e.service.options.Clock.Now()
	e.change(v, func(r *Visit) { r.Left, r.Outcome, r.RetryAt = now, outcome, time.Time{} })
}

// path copies the visits. e.mu is held.
func (e *execution) path() []Visit {
	visits := make([]Visit, len(e.visits))
	for i, v := range e.visits {
		visits[i] = v.clone()
	}
	return visits
}
