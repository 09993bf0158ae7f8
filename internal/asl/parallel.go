package asl

import "context"

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

// run runs every branch on a copy of the input.
func (b branching) run(v *visit, input any) (any, string, error) {
	if err := v.record(Event{Type: ParallelStateStarted}); err != nil {
		return nil, "", err
	}
	v.started = true
	start := v.track.last
	outputs, err := fork{visit: v, tracks: len(b.branches), atOnce: len(b.branches),
		begin: func(ctx context.Context, number int, _ int64) func() ended {
			t := &track{execution: v.execution, graph: b.branches[number], last: start, item: v.track.item}
			return func() ended {
				output, err := t.run(ctx, input)
				return ended{number: number, last: t.last, output: output, err: err}
			}
		},
		aborted: func(_ int, kinds []string) error { return v.abort(kinds) },
	}.run()
	if err != nil {
		return nil, "", err
	}
	if err := v.recordBeside(Event{Type: ParallelStateSucceeded}); err != nil {
		return nil, "", err
	}
	return outputs, "", nil
}
