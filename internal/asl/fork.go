package asl

import (
	"context"
	"errors"
	"slices"
)

// fork is a Parallel or a Map that runs tracks beside each other. The first failure is its own; it drops the other
// tracks: what they wait for is cancelled, and Lambdas that they invoked run on unheard.
type fork struct {
	visit  *visit
	tracks int // in all
	atOnce int // at most
	// begin starts a track, whose first event follows the event after, and gives what runs it to its end.
	begin func(ctx context.Context, number int, after int64) func() ended
	// aborted records that a track was cut off in states of these types, innermost first.
	aborted func(number int, kinds []string) error
}

// ended is how a track of a fork ended.
type ended struct {
	number int
	last   int64 // its last event
	closed int64 // that of the end itself, where there is one
	output any
	err    error
}

// outcome gathers the ends of tracks.
type outcome struct {
	outputs []any
	aborted [][]string
	failed  *failure
	last    int64
	closed  int64
}

// run gives the tracks' outputs in their order.
func (f fork) run() ([]any, error) {
	v := f.visit
	ctx, cancel := context.WithCancel(v.ctx)
	defer cancel()
	o := outcome{outputs: make([]any, f.tracks), aborted: make([][]string, f.tracks), last: v.track.last}
	ends := make(chan ended, f.tracks)
	begun, running := 0, 0
	for {
		for begun < f.tracks && running < f.atOnce && o.failed == nil && v.ctx.Err() == nil {
			run := f.begin(ctx, begun, o.last)
			begun++
			running++
			v.service.aside(func() { ends <- run() })
		}
		if running == 0 {
			break
		}
		v.service.yield(func() bool { return len(ends) > 0 })
		end := <-ends
		running--
		if o.note(end) {
			v.execution.drop(cancel)
		}
	}
	v.track.last = o.last
	if v.ctx.Err() != nil {
		return nil, v.dropped(slices.Concat(o.aborted...)...)
	}
	if o.failed == nil {
		v.track.last = max(o.last, o.closed)
		return o.outputs, nil
	}
	for number, kinds := range o.aborted {
		if kinds == nil {
			continue
		}
		if err := f.aborted(number, kinds); err != nil {
			return nil, err
		}
	}
	return nil, o.failed
}

// note takes the end of a track, and reports whether it is the first failure.
func (o *outcome) note(end ended) (failed bool) {
	var f *failure
	var drop *dropped
	switch {
	case end.err == nil:
		o.outputs[end.number] = end.output
		if o.failed == nil {
			o.last, o.closed = end.last, end.closed
		}
	case errors.As(end.err, &drop):
		o.aborted[end.number] = append([]string{}, drop.kinds...)
	case errors.As(end.err, &f) && o.failed == nil:
		o.failed, o.last = f, end.last
		return true
	}
	return false
}

// abort records what the failure of a track cut off in another one. As on AWS, these events follow the failure's.
func (v *visit) abort(kinds []string) error {
	for _, kind := range kinds {
		if kind != Task && kind != Wait && kind != Parallel && kind != Map {
			continue
		}
		if err := v.recordBeside(Event{Type: EventType(kind + "StateAborted")}); err != nil {
			return err
		}
	}
	return nil
}
