package asl

import "strings"

// choosing is what a Choice does: the first rule that holds decides.
type choosing struct {
	rules     []rule
	otherwise string
}

type rule struct {
	condition condition
	next      string
}

// condition is a rule's test over the Choice's effective input.
type condition interface {
	holds(v *visit, input any) (bool, error)
}

func (c choosing) run(v *visit, input any) (any, string, error) {
	for _, r := range c.rules {
		holds, err := r.condition.holds(v, input)
		if err != nil {
			return nil, "", err
		}
		if holds {
			return input, r.next, nil
		}
	}
	if c.otherwise != "" {
		return input, c.otherwise, nil
	}
	return nil, "", &failure{ErrorNoChoiceMatched,
		v.words("Failed to transition out of the state. No rule of the Choice state matched, and it has no Default.")}
}

func (p *parser) choice(s *state, o *object) {
	var c choosing
	if o.fields["Choices"] == nil {
		p.refuse(o.place, "Choices is missing")
	}
	for _, n := range p.list(o, "Choices") {
		r := p.object(n)
		if r == nil {
			continue
		}
		next := p.required(r, "Next")
		if n := r.fields["Next"]; n != nil {
			s.targets = append(s.targets, target{next, n.place})
		}
		_, _ = p.text(r, "Comment")
		c.rules = append(c.rules, rule{p.condition(r), next})
	}
	if name, ok := p.text(o, "Default"); ok {
		c.otherwise = name
		s.targets = append(s.targets, target{name, o.fields["Default"].place})
	}
	s.body = c
}

type (
	and []condition
	or  []condition
	not struct{ condition condition }
)

// holds evaluates in order and stops early, so that an IsPresent protects what follows it.
func (c and) holds(v *visit, input any) (bool, error) {
	for _, part := range c {
		if holds, err := part.holds(v, input); err != nil || !holds {
			return false, err
		}
	}
	return true, nil
}

func (c or) holds(v *visit, input any) (bool, error) {
	for _, part := range c {
		if holds, err := part.holds(v, input); err != nil || holds {
			return holds, err
		}
	}
	return false, nil
}

func (c not) holds(v *visit, input any) (bool, error) {
	holds, err := c.condition.holds(v, input)
	return !holds, err
}

// condition reads a test: And, Or, Not, or a Variable with one comparison. It takes every field that is left of o.
func (p *parser) condition(o *object) condition {
	var keys []string
	for _, key := range o.keys {
		switch {
		case o.read[key] || key == "Variable":
		case isOperator(key):
			keys = append(keys, key)
		default:
			p.refuse(o.take(key).place, "unknown field")
		}
	}
	if len(keys) != 1 {
		p.refuse(o.place, "needs exactly one of And, Or, Not and the comparisons")
		return nil
	}
	operator := keys[0]
	switch operator {
	case "And", "Or":
		parts := p.conditions(o, operator)
		p.end(o)
		if operator == "And" {
			return and(parts)
		}
		return or(parts)
	case "Not":
		inner := p.object(o.take("Not"))
		p.end(o)
		if inner == nil {
			return nil
		}
		return not{p.condition(inner)}
	}
	return p.comparison(o, operator)
}

// isOperator reports whether a rule may have a field of that name beside Variable, Next and Comment.
func isOperator(key string) bool {
	name, byPath := strings.CutSuffix(key, "Path")
	if comparisons[name] != nil {
		return !byPath || name != "StringMatches"
	}
	return typeTests[key] != nil || key == "And" || key == "Or" || key == "Not"
}

func (p *parser) conditions(o *object, key string) []condition {
	var parts []condition
	for _, n := range p.list(o, key) {
		if inner := p.object(n); inner != nil {
			parts = append(parts, p.condition(inner))
		}
	}
	return parts
}

func (p *parser) comparison(o *object, operator string) condition {
	variable, n := o.take("Variable"), o.take(operator)
	p.end(o)
	if variable == nil {
		p.refuse(o.place, "Variable is missing")
		return nil
	}
	found := p.referenceOf(variable)
	if found == nil {
		return nil
	}
	if check, ok := typeTests[operator]; ok {
		want, isBool := n.value.(bool)
		if !isBool {
			p.refuse(n.place, "must be true or false")
		}
		return typeTest{*found, check, want, operator == "IsPresent"}
	}
	name, byPath := strings.CutSuffix(operator, "Path")
	c := comparison{variable: *found, holdsFor: comparisons[name]}
	if byPath {
		other := p.referenceOf(n)
		if other == nil {
			return nil
		}
		c.path = other
		return c
	}
	c.value = n.plain()
	if problem := checkOperand(name, c.value); problem != "" {
		p.refuse(n.place, "%s", problem)
	}
	return c
}

// comparison compares a variable with a value or with what is at another path.
type comparison struct {
	variable path
	value    any
	path     *path
	holdsFor func(have, want any) bool
}

func (c comparison) holds(v *visit, input any) (bool, error) {
	have, err := v.choose(c.variable, input)
	if err != nil {
		return false, err
	}
	want := c.value
	if c.path != nil {
		if want, err = v.choose(*c.path, input); err != nil {
			return false, err
		}
	}
	return c.holdsFor(have, want), nil
}

// typeTest is IsPresent, IsNull and so on.
type typeTest struct {
	variable path
	check    func(any) bool
	want     bool
	presence bool
}

func (t typeTest) holds(v *visit, input any) (bool, error) {
	if t.presence {
		_, err := v.find(t.variable, input)
		return (err == nil) == t.want, nil
	}
	value, err := v.choose(t.variable, input)
	return err == nil && t.check(value) == t.want, err
}

// choose finds what a rule looks at.
func (v *visit) choose(p path, input any) (any, error) {
	value, err := v.find(p, input)
	if err != nil {
		return nil, v.lost(err, "Invalid path '%s': The choice state's condition path references an invalid value.", p.text)
	}
	return value, nil
}
