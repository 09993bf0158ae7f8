package asl

// The types of states.
const (
	Task     = "Task"
	Pass     = "Pass"
	Choice   = "Choice"
	Wait     = "Wait"
	Succeed  = "Succeed"
	Fail     = "Fail"
	Parallel = "Parallel"
	Map      = "Map"
)

// state is one state of a definition. What only some types have stays zero in the others.
type state struct {
	name, kind, place, comment string

	next    string // empty where the state ends its track
	targets []target

	input, output selection
	parameters    *template
	selector      *template
	result        resultPath
	hasResult     bool // the type produces a result, to which ResultPath applies
	retry         []Retrier
	catch         []catcher
	timeout       taskTimeout
	heartbeat     taskTimeout
	body          body
}

// target is a state that another one leads to, and the place that says so.
type target struct{ state, place string }

// body is what a type of state does with its effective input.
type body interface {
	// run gives the state's result, and the next state where the body decides on it.
	run(v *visit, input any) (result any, next string, err error)
}

// selection is an InputPath or OutputPath.
type selection struct {
	path path
	none bool // null: an empty object instead
}

// resultPath is a ResultPath: where in the state's input the result goes.
type resultPath struct {
	path path
	none bool // null: nowhere
}

// retries reports whether the state can be retried.
func (s *state) retries() bool { return s.kind == Task || s.kind == Parallel || s.kind == Map }

func (p *parser) state(name string, o *object) *state {
	s := &state{name: name, place: o.place}
	s.comment, _ = p.text(o, "Comment")
	p.queryLanguage(o)
	if n := o.take("Assign"); n != nil {
		p.refuse(n.place, "variables are not implemented")
	}
	s.kind = p.required(o, "Type")
	switch s.kind {
	case Task:
		p.transition(s, o)
		p.processing(s, o)
		p.handlers(s, o)
		p.task(s, o)
	case Parallel:
		p.transition(s, o)
		p.processing(s, o)
		p.handlers(s, o)
		p.parallel(s, o)
	case Map:
		p.transition(s, o)
		p.processing(s, o)
		p.handlers(s, o)
		p.mapState(s, o)
	case Pass:
		p.transition(s, o)
		p.pass(s, o)
	case Wait:
		p.transition(s, o)
		p.ends(s, o)
		p.wait(s, o)
	case Choice:
		p.ends(s, o)
		p.choice(s, o)
	case Succeed:
		p.ends(s, o)
		s.body = passThrough{}
	case Fail:
		p.fail(s, o)
	case "":
		return s
	default:
		p.refuse(placeOf(o.place, "Type"), "type %q is not implemented", s.kind)
		return s
	}
	p.end(o)
	return s
}

// queryLanguage reads the field that a machine and its states may have.
func (p *parser) queryLanguage(o *object) {
	if language, ok := p.text(o, "QueryLanguage"); ok && language != "JSONPath" {
		p.refuse(o.fields["QueryLanguage"].place, "only JSONPath is implemented, not %s", language)
	}
}

// transition reads Next and End, of which exactly one must be there.
func (p *parser) transition(s *state, o *object) {
	next, hasNext := p.text(o, "Next")
	end := o.take("End")
	if hasNext == (end != nil) {
		p.refuse(o.place, "needs either Next or End")
		return
	}
	if end != nil && end.value != true {
		p.refuse(end.place, "must be true")
	}
	if hasNext {
		s.next = next
		s.targets = append(s.targets, target{next, o.fields["Next"].place})
	}
}

// ends reads InputPath and OutputPath.
func (p *parser) ends(s *state, o *object) {
	s.input = p.selection(o, "InputPath")
	s.output = p.selection(o, "OutputPath")
}

// processing reads the fields by which a state with a result shapes its data. A Map's Parameters are for its items.
func (p *parser) processing(s *state, o *object) {
	p.ends(s, o)
	s.hasResult = true
	s.result = p.resultPath(o)
	if n := o.fields["Parameters"]; n != nil && s.kind != Map {
		o.take("Parameters")
		t := p.template(n, true)
		s.parameters = &t
	}
	if s.kind == Pass {
		return
	}
	if n := o.take("ResultSelector"); n != nil {
		t := p.template(n, true)
		s.selector = &t
	}
}

func (p *parser) selection(o *object, key string) selection {
	n := o.take(key)
	switch {
	case n == nil:
		return selection{path: path{text: "$"}}
	case n.value == nil:
		return selection{none: true}
	}
	if found := p.pathOf(n); found != nil {
		return selection{path: *found}
	}
	return selection{}
}

func (p *parser) resultPath(o *object) resultPath {
	n := o.take("ResultPath")
	switch {
	case n == nil:
		return resultPath{path: path{text: "$"}}
	case n.value == nil:
		return resultPath{none: true}
	}
	found := p.referenceOf(n)
	if found == nil {
		return resultPath{}
	}
	if found.context {
		p.refuse(n.place, "can't lead into the context object")
	}
	return resultPath{path: *found}
}

// apply takes the part of data that s selects.
func (s selection) apply(v *visit, data any) (any, error) {
	if s.none {
		return newMembers(0), nil
	}
	value, err := v.find(s.path, data)
	if err != nil {
		return nil, v.lost(err, "%s", err)
	}
	return value, nil
}

// apply puts a result into a state's input.
func (r resultPath) apply(v *visit, input, result any) (any, error) {
	if r.none {
		return input, nil
	}
	output, err := r.path.set(input, result)
	if err != nil {
		return nil, &failure{ErrorResultPathMatchFailure, v.words("Unable to apply ReferencePath %s to input %s",
			r.path.text, text(input))}
	}
	return output, nil
}

// passThrough is what a Succeed does: its input is its output.
type passThrough struct{}

func (passThrough) run(_ *visit, input any) (any, string, error) { return input, "", nil }
