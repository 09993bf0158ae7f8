package asl

import (
	"context"
	"encoding/json"
	"errors"
)

// inlineConcurrency is how many iterations of an inline Map run at once at most.
// https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html
const inlineConcurrency = 40

// mapping is what an inline Map does.
type mapping struct {
	items           path
	selector        *template // nil: an iteration gets its item
	iterator        *graph
	concurrency     int64 // 0 for no limit of the definition's own
	concurrencyPath *path
}

// mapItem is what an iteration is for.
type mapItem struct {
	index int
	value any
}

// distributed are the fields that only a distributed Map has.
var distributed = []string{"ItemReader", "ItemBatcher", "ResultWriter", "Label", "ToleratedFailureCount", "ToleratedFailureCountPath",
	"ToleratedFailurePercentage", "ToleratedFailurePercentagePath"}

func (p *parser) mapState(s *state, o *object) {
	for _, key := range distributed {
		if n := o.take(key); n != nil {
			p.refuse(n.place, "is for distributed Maps, which are not implemented")
		}
	}
	m := mapping{items: path{text: "$"}, concurrency: p.integer(o, "MaxConcurrency", 0, maxSeconds, 0)}
	if n := o.take("ItemsPath"); n != nil {
		if found := p.referenceOf(n); found != nil {
			m.items = *found
		}
	}
	if n := o.take("MaxConcurrencyPath"); n != nil {
		m.concurrencyPath = p.referenceOf(n)
		if o.fields["MaxConcurrency"] != nil {
			p.refuse(n.place, "can't stand beside MaxConcurrency")
		}
	}
	m.selector = p.either(o, "ItemSelector", "Parameters", func(n *node) *template {
		t := p.template(n, true)
		return &t
	})
	iterator := o.take("ItemProcessor")
	if old := o.take("Iterator"); iterator == nil {
		iterator = old
	} else if old != nil {
		p.refuse(old.place, "can't stand beside ItemProcessor")
	}
	if iterator == nil {
		p.refuse(o.place, "ItemProcessor is missing")
		return
	}
	if body := p.object(iterator); body != nil {
		p.processor(body)
		m.iterator = p.graph(body)
	}
	s.body = m
}

// either reads one of two fields of which the second is the older name of the first.
func (p *parser) either(o *object, name, old string, read func(*node) *template) *template {
	n, other := o.take(name), o.take(old)
	switch {
	case n != nil && other != nil:
		p.refuse(other.place, "can't stand beside %s", name)
	case n != nil:
		return read(n)
	case other != nil:
		return read(other)
	}
	return nil
}

// processor reads what an ItemProcessor has beside a graph.
func (p *parser) processor(o *object) {
	n := o.take("ProcessorConfig")
	if n == nil {
		return
	}
	config := p.object(n)
	if config == nil {
		return
	}
	if mode, ok := p.text(config, "Mode"); ok && mode != "INLINE" {
		p.refuse(config.fields["Mode"].place, "only INLINE is implemented")
	}
	p.end(config)
}

func (m mapping) run(v *visit, input any) (any, string, error) {
	found, err := v.find(m.items, input)
	items, isArray := found.([]any)
	if err != nil || !isArray {
		return nil, "", v.lost(err, "Reference path \"%s\" must point to array.", m.items.text)
	}
	atOnce, err := m.atOnce(v, input)
	if err != nil {
		return nil, "", err
	}
	if err := v.record(Event{Type: MapStateStarted, MapStateStarted: &MapStateStartedDetails{Length: len(items)}}); err != nil {
		return nil, "", err
	}
	v.started = true
	outputs, err := fork{visit: v, tracks: len(items), atOnce: atOnce,
		begin: func(ctx context.Context, number int, after int64) func() ended {
			return m.iterate(ctx, v, input, mapItem{number, items[number]}, after)
		},
		aborted: func(number int, kinds []string) error {
			if err := v.abort(kinds); err != nil {
				return err
			}
			return v.recordBeside(iterationEvent(MapIterationAborted, v, number))
		},
	}.run()
	if err != nil {
		return nil, "", err
	}
	if err := v.recordBeside(Event{Type: MapStateSucceeded}); err != nil {
		return nil, "", err
	}
	return outputs, "", nil
}

// atOnce is how many iterations may run at once.
func (m mapping) atOnce(v *visit, input any) (int, error) {
	n := m.concurrency
	if m.concurrencyPath != nil {
		value, err := v.find(*m.concurrencyPath, input)
		if err != nil {
			return 0, v.lost(err, "%s", err)
		}
		number, _ := value.(json.Number)
		if n, err = number.Int64(); err != nil {
			return 0, v.runtime("The MaxConcurrencyPath field refers to value \"%s\" which is not a valid integer: %s",
				unquoted(value), m.concurrencyPath.text)
		}
		if n < 0 {
			return 0, unsupported(m.concurrencyPath.place, "it isn't known what AWS makes of a negative MaxConcurrency")
		}
	}
	if n == 0 || n > inlineConcurrency {
		n = inlineConcurrency
	}
	return int(n), nil
}

// iterate starts one iteration. Its first event follows the Map's start, or the end of the iteration that made room.
func (m mapping) iterate(ctx context.Context, v *visit, input any, item mapItem, after int64) func() ended {
	t := &track{execution: v.execution, graph: m.iterator, last: after, item: &item}
	inside := *v // the Map's visit as this iteration sees it
	inside.ctx, inside.track, inside.selecting = ctx, t, true
	payload, err := m.payload(&inside, input, item)
	if err == nil && !inside.note(iterationEvent(MapIterationStarted, v, item.index), true) {
		err = &dropped{}
	}
	if err != nil {
		return func() ended { return ended{number: item.index, last: after, err: err} }
	}
	return func() ended { return inside.finish(t, payload) }
}

// payload is an iteration's input.
func (m mapping) payload(inside *visit, input any, item mapItem) (any, error) {
	if m.selector == nil {
		return item.value, nil
	}
	payload, err := m.selector.fill(inside, input)
	if err == nil && len(text(payload)) > PayloadLimit {
		err = tooLarge(inside.state.name)
	}
	return payload, err
}

// finish runs an iteration to its end.
func (v *visit) finish(t *track, payload any) ended {
	output, err := t.run(v.ctx, payload)
	end := ended{number: t.item.index, last: t.last, output: output, err: err}
	var f *failure
	switch {
	case err == nil:
		if !v.note(iterationEvent(MapIterationSucceeded, v, t.item.index), true) {
			end.err = &dropped{}
		}
		end.closed = t.last
	case errors.As(err, &f):
		if !v.note(iterationEvent(MapIterationFailed, v, t.item.index), false) {
			end.err = &dropped{}
		}
	}
	return end
}

func iterationEvent(kind EventType, v *visit, number int) Event {
	details := &MapIterationDetails{v.state.name, number}
	switch kind {
	case MapIterationStarted:
		return Event{Type: kind, MapIterationStarted: details}
	case MapIterationSucceeded:
		return Event{Type: kind, MapIterationSucceeded: details}
	case MapIterationFailed:
		return Event{Type: kind, MapIterationFailed: details}
	}
	return Event{Type: kind, MapIterationAborted: details}
}
