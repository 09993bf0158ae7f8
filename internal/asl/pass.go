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
type failing struct {
	failure   failure
	errorPath *expression
	causePath *expression
}

func (f failing) run(v *visit, input any) (any, string, error) {
	name, err := explain(v, f.failure.name, f.errorPath, input)
	if err != nil {
		return nil, "", err
	}
	cause, err := explain(v, f.failure.cause, f.causePath, input)
	if err != nil {
		return nil, "", err
	}
	return nil, "", &failure{name, cause}
}

// explain is a literal, or what is computed instead.
func explain(v *visit, literal string, computed *expression, input any) (string, error) {
	if computed == nil {
		return literal, nil
	}
	value, err := computed.evaluate(v, input)
	if err != nil {
		return "", err
	}
	s, ok := value.(string)
	if !ok {
		return "", unsupported(computed.place, "it isn't known what AWS makes of %s, which is no string", text(value))
	}
	return s, nil
}

// explaining are the intrinsic functions that ErrorPath and CausePath may call.
// https://docs.aws.amazon.com/step-functions/latest/dg/state-fail.html
var explaining = map[string]bool{"States.Format": true, "States.JsonToString": true, "States.ArrayGetItem": true,
	"States.Base64Encode": true, "States.Base64Decode": true, "States.Hash": true, "States.UUID": true}

func (p *parser) fail(s *state, o *object) {
	s.input = selection{path: path{text: "$"}}
	var f failing
	f.failure.name, f.errorPath = p.textOrPath(o, "Error")
	f.failure.cause, f.causePath = p.textOrPath(o, "Cause")
	s.body = f
}

// textOrPath reads a literal, or the field that says how it is computed.
func (p *parser) textOrPath(o *object, key string) (string, *expression) {
	literal, _ := p.text(o, key)
	n := o.take(key + "Path")
	switch {
	case n == nil:
		return literal, nil
	case o.fields[key] != nil:
		p.refuse(n.place, "can't stand beside %s", key)
		return "", nil
	}
	e := p.expression(n, key+"Path")
	switch {
	case e == nil:
	case e.path != nil && e.path.query:
		p.refuse(n.place, "%s", errNoReference.Error())
	case e.call != nil && !explaining[e.call.name]:
		p.refuse(n.place, "%s can't be called here", e.call.name)
	}
	return "", e
}
