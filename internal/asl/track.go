package asl

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// track is one line of states under way: an execution's own, a branch of a Parallel, or an iteration of a Map.
type track struct {
	execution *execution
	graph     *graph
	last      int64    // its last event
	item      *mapItem // in an iteration of a Map
}

// run goes through the states from the start to an end. The error is a *failure that nothing caught, or a *dropped.
func (t *track) run(ctx context.Context, input any) (any, error) {
	name := t.graph.startAt
	for {
		v := &visit{ctx: ctx, track: t, execution: t.execution, service: t.execution.service, state: t.graph.states[name],
			input: input}
		output, next, err := v.run()
		if err != nil {
			return nil, err
		}
		if next == "" {
			return output, nil
		}
		input, name = output, next
	}
}

// visit is one stay in a state, all its attempts included.
type visit struct {
	ctx       context.Context // done when the track is dropped
	track     *track
	execution *execution
	service   *Service
	state     *state

	input     any // as the state got it
	selected  any // after InputPath
	entered   time.Time
	id        int64   // its entry's event
	number    int     // how often the state was entered before, this time included
	retries   int64   // over all retriers
	done      []int64 // retries by retrier
	started   bool    // a Parallel's branches or a Map's iterations were started
	drawn     int     // random numbers
	selecting bool    // fills the ItemSelector of a Map
}

func (v *visit) run() (output any, next string, err error) {
	if err := v.enter(); err != nil {
		return nil, "", err
	}
	v.done = make([]int64, len(v.state.retry))
	for {
		output, next, err := v.attempt()
		if err == nil {
			return output, next, v.exit(output)
		}
		var f *failure
		if !errors.As(err, &f) {
			return nil, "", err
		}
		f = v.named(f)
		v.execution.attemptFailed(v, f)
		again, err := v.retry(f)
		if err != nil {
			return nil, "", err
		}
		if !again {
			return v.giveUp(f)
		}
	}
}

// attempt takes the state's input through all its fields once.
func (v *visit) attempt() (output any, next string, err error) {
	s := v.state
	if v.selected, err = s.input.apply(v, v.input); err != nil {
		return nil, "", err
	}
	effective := v.selected
	if s.parameters != nil {
		if effective, err = s.parameters.fill(v, v.selected); err != nil {
			return nil, "", err
		}
		if len(text(effective)) > PayloadLimit {
			return nil, "", tooLarge(s.name)
		}
	}
	result, decided, err := s.body.run(v, effective)
	if err != nil {
		return nil, "", err
	}
	if next = decided; next == "" {
		next = s.next
	}
	if s.hasResult {
		if s.selector != nil {
			if result, err = s.selector.fill(v, result); err != nil {
				return nil, "", err
			}
		}
		if result, err = s.result.apply(v, v.input, result); err != nil {
			return nil, "", err
		}
	}
	if output, err = s.output.apply(v, result); err != nil {
		return nil, "", err
	}
	if len(text(output)) > PayloadLimit {
		return nil, "", tooLarge(s.name)
	}
	return output, next, nil
}

// retry waits for the next attempt, if the retrier in charge of the error allows one. The first retrier that names the
// error is in charge; once it is used up, no other takes over.
func (v *visit) retry(f *failure) (again bool, err error) {
	for i, r := range v.state.retry {
		if !matches(r.ErrorEquals, f.name) {
			continue
		}
		if v.done[i] >= r.MaxAttempts {
			return false, nil
		}
		delay := r.Delay(v.done[i], v.service.random(v.execution.arn, v.state.name, v.number, v.retries))
		v.done[i]++
		v.retries++
		v.execution.retrying(v, v.service.options.Clock.Now().Add(delay))
		if v.service.options.Clock.Sleep(v.ctx, delay) != nil {
			return false, v.dropped()
		}
		v.execution.transition(v)
		return true, nil
	}
	return false, nil
}

// named is f, unless f has no name and somebody asks for any error: it isn't known whether that matches.
func (v *visit) named(f *failure) *failure {
	if f.name != "" {
		return f
	}
	asks := slices.ContainsFunc(v.state.retry, func(r Retrier) bool { return matches(r.ErrorEquals, "") }) ||
		slices.ContainsFunc(v.state.catch, func(c catcher) bool { return matches(c.errorEquals, "") })
	if asks {
		return unsupported(v.state.place, "it isn't known what a Retry or Catch makes of an error without a name")
	}
	return f
}

// giveUp takes the catcher for the error, if there is one.
func (v *visit) giveUp(f *failure) (output any, next string, err error) {
	if v.started {
		if err := v.record(Event{Type: EventType(v.state.kind + "StateFailed")}); err != nil {
			return nil, "", err
		}
	}
	for _, c := range v.state.catch {
		if !matches(c.errorEquals, f.name) {
			continue
		}
		output, err := c.result.apply(v, v.input, f.output())
		if f.cause == "" && f.name != ErrorTimeout && !c.result.none {
			err = unsupported(v.state.place, "it isn't known how AWS shows an error without a cause")
		}
		if err == nil && len(text(output)) > PayloadLimit {
			err = tooLarge(v.state.name)
		}
		if err != nil {
			v.execution.left(v, VisitFailed)
			return nil, "", err
		}
		return output, c.next, v.exit(output)
	}
	v.execution.left(v, VisitFailed)
	return nil, "", f
}

func (v *visit) enter() error {
	v.entered = v.service.options.Clock.Now()
	return v.record(Event{Type: EventType(v.state.kind + "StateEntered"),
		StateEntered: &StateEnteredDetails{Name: v.state.name, Input: text(v.input)}})
}

func (v *visit) exit(output any) error {
	return v.record(Event{Type: EventType(v.state.kind + "StateExited"),
		StateExited: &StateExitedDetails{Name: v.state.name, Output: text(output)}})
}

// record adds an event that follows the track's last one.
func (v *visit) record(e Event) error { return v.recordEvent(e, true) }

// recordBeside adds an event that the track's next one doesn't follow.
func (v *visit) recordBeside(e Event) error { return v.recordEvent(e, false) }

func (v *visit) recordEvent(e Event, follow bool) error {
	if !v.note(e, follow) {
		return v.dropped()
	}
	return nil
}

// note records an event, and reports false where the track was dropped or the execution has ended.
func (v *visit) note(e Event, follow bool) bool {
	e.PreviousEventID = v.track.last
	id, ok := v.execution.append(v, e)
	if ok && follow {
		v.track.last = id
	}
	return ok
}

// dropped ends the visit as nobody waits for it any more. within are the types of the states under way in its branches.
func (v *visit) dropped(within ...string) error {
	if v.id == 0 { // not entered
		return &dropped{}
	}
	v.execution.left(v, VisitAborted)
	return &dropped{kinds: append(slices.Clone(within), v.state.kind)}
}

// runtime is the error that always ends the execution.
func (v *visit) runtime(format string, args ...any) error {
	return &failure{ErrorRuntime, v.words(format, args...)}
}

// words is a cause as Step Functions phrases it.
func (v *visit) words(format string, args ...any) string {
	return fmt.Sprintf("An error occurred while executing the state '%s' (entered at the event id #%d). %s",
		v.state.name, v.id, fmt.Sprintf(format, args...))
}

func tooLarge(what string) *failure {
	return &failure{ErrorDataLimitExceeded, fmt.Sprintf(
		"The state/task '%s' returned a result with a size exceeding the maximum number of bytes service limit.", what)}
}
