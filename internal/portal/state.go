package portal

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/project-gimbal/fleet/internal/asl"
)

// shownText is how much of a document a page shows, in bytes.
const shownText = 20000

// Source is where a step is in the repository.
type Source struct {
	// File is its path, Line where its function begins, Text all of the file.
	File string
	Line int
	Text string
}

// statePage is all that is known of a state in an execution.
type statePage struct {
	asl.State
	cell
	Source *Source // nil for a state that is no step
	Over   bool    // with the execution
	Stays  []stay
	Calls  []Call
}

// stay is a visit with its documents.
type stay struct {
	asl.Visit
	Input, Output string
	Tries         []try
}

// try is an attempt, by its number from 1. Error is empty for one that answered, and for one that lasts, which has no end.
type try struct {
	No           int
	Began, Ended time.Time
	Error, Cause string
}

// triesShown is how many attempts of a stay a page shows: the newest.
const triesShown = 50

func (p *Portal) state(x run, s asl.State, c cell, visits []asl.Visit, h history) *statePage {
	page := &statePage{State: s, cell: c, Over: x.Status != asl.Running, Calls: p.options.Feed.of(x.ARN, s.Name)}
	if source, ok := p.options.Source(s.Function); ok {
		page.Source = &source
	}
	for _, v := range visits {
		page.Stays = append(page.Stays, h.stay(v))
	}
	return page
}

// history are an execution's events, and to which visit each belongs, by the event of entering.
type history struct {
	events []asl.Event
	of     map[int64]int64
	states map[int64]string // by the event of entering
	left   map[int64]string // by the event of leaving
}

func newHistory(events []asl.Event) history {
	h := history{events: events, of: map[int64]int64{}, states: map[int64]string{}, left: map[int64]string{}}
	for _, e := range events {
		if e.StateExited != nil {
			h.left[e.ID] = e.StateExited.Name
		}
		switch {
		case e.StateEntered != nil:
			h.of[e.ID], h.states[e.ID] = e.ID, e.StateEntered.Name
		case e.StateExited != nil && h.states[h.of[e.PreviousEventID]] != e.StateExited.Name: // a frame's, after the last state in it
			h.of[e.ID] = h.entered(e.StateExited.Name)
		default:
			h.of[e.ID] = h.of[e.PreviousEventID]
		}
	}
	return h
}

// ways are those that were taken, from one state to the next, and by which visit last.
func (h history) ways() map[[2]string]int64 {
	taken := map[[2]string]int64{}
	for _, e := range h.events {
		if from := h.left[e.PreviousEventID]; e.StateEntered != nil && from != "" {
			taken[[2]string{from, e.StateEntered.Name}] = h.of[e.PreviousEventID]
		}
	}
	return taken
}

// entered is the last event so far of entering a state.
func (h history) entered(state string) (last int64) {
	for id, name := range h.states {
		if name == state {
			last = max(last, id)
		}
	}
	return last
}

// stay gathers what the history has of a visit.
func (h history) stay(v asl.Visit) stay {
	s := stay{Visit: v}
	for _, e := range h.events {
		if h.of[e.ID] != v.ID {
			continue
		}
		switch {
		case e.StateEntered != nil:
			s.Input = readable(e.StateEntered.Input)
		case e.StateExited != nil:
			s.Output = readable(e.StateExited.Output)
		case e.TaskScheduled != nil:
			s.Tries = append(s.Tries, try{No: len(s.Tries) + 1, Began: e.Timestamp})
		case e.TaskSucceeded != nil:
			s.ended(e, "", "")
		case e.TaskFailed != nil:
			s.ended(e, e.TaskFailed.Error, why(e.TaskFailed.Cause))
		case e.TaskTimedOut != nil:
			s.ended(e, e.TaskTimedOut.Error, why(e.TaskTimedOut.Cause))
		}
	}
	s.Tries = s.Tries[max(0, len(s.Tries)-triesShown):]
	return s
}

// ended ends the attempt that lasts.
func (s *stay) ended(with asl.Event, failure, cause string) {
	if last := len(s.Tries) - 1; last >= 0 {
		s.Tries[last].Ended, s.Tries[last].Error, s.Tries[last].Cause = with.Timestamp, failure, cause
	}
}

// readable is a document with its lines indented, cut where it is long.
func readable(document string) string {
	var b bytes.Buffer
	if json.Indent(&b, []byte(document), "", "  ") == nil {
		document = b.String()
	}
	if len(document) > shownText {
		document = strings.ToValidUTF8(document[:shownText], "") + "\n… it is longer"
	}
	return document
}

// why is the message in a cause. A Lambda's is a document with the message in it.
func why(cause string) string {
	var document struct{ ErrorMessage string }
	if json.Unmarshal([]byte(cause), &document) == nil && document.ErrorMessage != "" {
		return document.ErrorMessage
	}
	return cause
}

// sourcePage is a file of the repository, by its lines.
type sourcePage struct {
	Source
	Lines []string
}

// source shows the file of a function's step.
func (p *Portal) source(w http.ResponseWriter, r *http.Request, o visitor) error {
	found, ok := p.options.Source(r.PathValue("function"))
	if !ok {
		return problem{Status: http.StatusNotFound, Title: "Not found", Detail: "There is no such step."}
	}
	page := sourcePage{found, strings.Split(strings.TrimSuffix(found.Text, "\n"), "\n")}
	p.pages.show(w, http.StatusOK, "source", p.console(o, found.File, "executions").with(page))
	return nil
}
