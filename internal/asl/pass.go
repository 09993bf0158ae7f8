package asl

// constant is a Pass with a Result.
type constant struct{ value any }

func (c constant) run(*visit, any) (any, string, error) { return c.value, "", nil }

func (p *parser) pass(s *state, o *object) {
	p.processing(s, o)
	if n := o.take("Result"); n != nil {
		s.body = constant{n.plain()}
		return
	}
	s.body = passThrough{}
}

// failing is what a Fail does.
type failing struct{ failure failure }

func (f failing) run(*visit, any) (any, string, error) {
	err := f.failure
	return nil, "", &err
}

func (p *parser) fail(s *state, o *object) {
	s.input = selection{path: path{text: "$"}}
	name, _ := p.text(o, "Error")
	cause, _ := p.text(o, "Cause")
	s.body = failing{failure{name, cause}}
}
