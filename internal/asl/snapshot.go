package asl

import (
	"encoding/json"
	"errors"
	"fmt"
)

// What Load gives as the reason for the end of an execution that was open when its process ended.
const (
	// ErrorProcessEnded is the error.
	ErrorProcessEnded = "Local.ProcessEnded"
	causeProcessEnded = "The process that ran the execution ended."
)

// snapshotVersion is that of the form in which Save writes.
const snapshotVersion = 1

type snapshot struct {
	Version    int              `json:"version"`
	Generated  uint64           `json:"generated"`
	Executions []savedExecution `json:"executions"`
}

type savedExecution struct {
	Execution
	History []Event `json:"history"`
	Visits  []Visit `json:"visits"`
}

// Save gives every execution, open ones included, as JSON.
func (s *Service) Save() ([]byte, error) {
	s.mu.Lock()
	saved := snapshot{Version: snapshotVersion, Generated: s.generated}
	s.mu.Unlock()
	for _, e := range s.all() {
		e.mu.Lock()
		saved.Executions = append(saved.Executions, savedExecution{e.describe(), e.history, e.path()})
		e.mu.Unlock()
	}
	return encode(saved)
}

// Load brings back what Save gave, in a service that has not started anything yet, so that used names stay used. An
// execution that was open died with its process: it is ABORTED now, and OnStatus learns of it. Nothing is changed where
// an error is returned.
func (s *Service) Load(state []byte) error {
	var saved snapshot
	if err := json.Unmarshal(state, &saved); err != nil {
		return fmt.Errorf("asl: no saved executions: %w", err)
	}
	if saved.Version != snapshotVersion {
		return fmt.Errorf("asl: saved executions of version %d", saved.Version)
	}
	loaded := map[string]*execution{}
	inOrder := make([]*execution, 0, len(saved.Executions))
	for i, record := range saved.Executions {
		e, err := s.restore(record)
		if err != nil {
			return fmt.Errorf("asl: saved execution %d: %w", i, err)
		}
		if loaded[e.arn] != nil {
			return fmt.Errorf("asl: saved execution %d: its name is taken", i)
		}
		loaded[e.arn] = e
		inOrder = append(inOrder, e)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.executions) > 0 {
		return errors.New("asl: Load into a service that has executions")
	}
	s.executions, s.generated = loaded, saved.Generated
	for _, e := range inOrder {
		e.finish(Aborted, 0, nil, failure{ErrorProcessEnded, causeProcessEnded}) // closed ones stay as they are
	}
	return nil
}

// restore makes an execution of its record. It has no machine any more: it doesn't go on.
func (s *Service) restore(r savedExecution) (*execution, error) {
	switch {
	case checkName(r.Name) != nil, checkName(r.Machine) != nil:
		return nil, ErrInvalidName
	case len(r.History) == 0:
		return nil, errors.New("no history")
	}
	e := &execution{service: s, machineName: r.Machine, name: r.Name, arn: s.ExecutionARN(r.Machine, r.Name),
		rawInput: r.Input, started: r.Started, stopped: r.Stopped, status: r.Status, output: r.Output,
		failure: failure{r.Error, r.Cause}, history: r.History, transitions: r.Transitions,
		cancel: func() {}, done: make(chan struct{}), visitAt: map[int64]int{}, entries: map[string]int{}}
	for _, v := range r.Visits {
		e.visitAt[v.ID] = len(e.visits)
		e.visits = append(e.visits, &v)
	}
	switch r.Status {
	case Running:
	case Succeeded, Failed, TimedOut, Aborted:
		close(e.done)
	default:
		return nil, fmt.Errorf("unknown status %q", r.Status)
	}
	return e, nil
}
