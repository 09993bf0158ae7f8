package asl

import (
	"context"
	"errors"
	"slices"
)

// branching is what a Parallel does.
type branching struct{ branches []*graph }

func (p *parser) parallel(s *state, o *object) {
	var b branching
	if o.fields["Branches"] == nil {
		p.refuse(o.place, "Branches is missing")
	}
	for _, n := range p.list(o, "Branches") {
		if branch := p.object(n); branch != nil {
			b.branches = append(b.branches, p.graph(branch))
		}
	}
	s.body = b
}

// ended is how a branch ended.
type ended struct {
	index  int
	last   int64 // its last event
	output any
	err    error
}

// run runs every branch on a copy of the input. The first failure is the Parallel's; it drops the other branches: what
// they wait for is cancelled, and Lambdas that they invoked run on unheard.
func (b branching) run(v *visit, input any) (any, string, error) {
	if err := v.record(Event{Type: ParallelStateStarted}); err != nil {
		return nil, "", err
	}
	v.started = true
	ctx, cancel := context.WithCancel(v.ctx)
	defer cancel()
	ends := make(chan ended, len(b.branches))
	for i, branch := range b.branches {
		t := &track{execution: v.execution, graph: branch, last: v.track.last}
		v.service.aside(func() {
			output, err := t.run(ctx, input)
			ends <- ended{i, t.last, output, err}
		})
	}
	outputs := make([]any, len(b.branches))
	aborted := make([][]string, len(b.branches))
	var failed *failure
	var last int64
	for range b.branches {
		end := <-ends
		var f *failure
		var drop *dropped
		switch {
		case end.err == nil:
			outputs[end.index] = end.output
			if failed == nil {
				last = end.last
			}
		case errors.As(end.err, &drop):
			aborted[end.index] = drop.kinds
		case errors.As(end.err, &f) && failed == nil:
			failed, last = f, end.last
			v.execution.drop(cancel)
		}
	}
	v.track.last = last
	if v.ctx.Err() != nil {
		return nil, "", v.dropped(slices.Concat(aborted...)...)
	}
	if failed != nil {
		if err := v.abort(aborted); err != nil {
			return nil, "", err
		}
		return nil, "", failed
	}
	if err := v.recordBeside(Event{Type: ParallelStateSucceeded}); err != nil {
		return nil, "", err
	}
	return outputs, "", nil
}

// abort records what the failure of a branch cut off in its siblings. As on AWS, these events follow the failure's.
func (v *visit) abort(aborted [][]string) error {
	for _, kinds := range aborted {
		for _, kind := range kinds {
			if kind != Task && kind != Wait && kind != Parallel {
				continue
			}
			if err := v.recordBeside(Event{Type: EventType(kind + "StateAborted")}); err != nil {
				return err
			}
		}
	}
	return nil
}
