package asl

import (
	"encoding/json"
	"regexp"
	"strings"
)

// filter is the condition of a [?(…)] in a path.
type filter interface{ holds(scope) (bool, error) }

// scope is what a filter looks at: a candidate, within a search.
type scope struct {
	search    *searching
	candidate any
}

type (
	anyFilter []filter
	allFilter []filter
	notFilter struct{ filter }
	hasFilter struct{ operand }
)

func (f anyFilter) holds(s scope) (bool, error) {
	for _, part := range f {
		if holds, err := part.holds(s); err != nil || holds {
			return holds, err
		}
	}
	return false, nil
}

func (f allFilter) holds(s scope) (bool, error) {
	for _, part := range f {
		if holds, err := part.holds(s); err != nil || !holds {
			return false, err
		}
	}
	return true, nil
}

func (f notFilter) holds(s scope) (bool, error) {
	holds, err := f.filter.holds(s)
	return !holds, err
}

func (f hasFilter) holds(s scope) (bool, error) {
	_, there := f.value(s)
	return there, nil
}

// operand is a literal, or a path from the candidate or from the document.
type operand struct {
	literal  any
	isPath   bool
	document bool
	steps    []pathStep
}

// value is false where there is none.
func (o operand) value(s scope) (any, bool) {
	if !o.isPath {
		return o.literal, true
	}
	at := s.candidate
	if o.document {
		at = s.search.root
	}
	for _, step := range o.steps {
		var there bool
		if at, there = step.into(at); !there {
			return nil, false
		}
	}
	return at, true
}

type relation struct {
	left, right operand
	operator    string
}

func (r relation) holds(s scope) (bool, error) {
	left, has := r.left.value(s)
	right, both := r.right.value(s)
	if r.operator == "==" || r.operator == "!=" {
		equal := false
		if has && both {
			var certain bool
			if equal, certain = alike(left, right); !certain {
				return false, unsupported(s.search.path.place, "%s compares %s with %s: it isn't known how AWS does", s.search.path.text, text(left), text(right))
			}
		}
		return equal == (r.operator == "=="), nil
	}
	sign, comparable := compareNumbers(left, right)
	if !comparable {
		sign, comparable = compareStrings(left, right)
	}
	return has && both && comparable && filterOrders[r.operator](sign), nil
}

// alike compares as Jayway's filters do. It isn't certain about a number and a string, which they compare as text.
func alike(a, b any) (equal, certain bool) {
	_, isNumber := a.(json.Number)
	_, isText := a.(string)
	_, otherNumber := b.(json.Number)
	_, otherText := b.(string)
	switch {
	case isNumber && otherText, isText && otherNumber:
		return false, false
	case isNumber && otherNumber:
		sign, ok := compareNumbers(a, b)
		return ok && sign == 0, ok
	}
	return same(a, b)
}

var filterOrders = map[string]func(sign int) bool{
	"<": orders["LessThan"], "<=": orders["LessThanEquals"], ">": orders["GreaterThan"], ">=": orders["GreaterThanEquals"],
}

// maxFilterDepth bounds how deep the brackets of a filter nest.
const maxFilterDepth = 50

// matches reads ?(…).
func (r *pathReader) matches() (pathStep, error) {
	r.rest = r.rest[1:]
	r.skip()
	if !r.take("(") {
		return pathStep{}, errFilter
	}
	f, err := r.alternatives()
	if err != nil {
		return pathStep{}, err
	}
	r.skip()
	if !r.take(")") {
		return pathStep{}, errFilter
	}
	return pathStep{kind: intoMatches, filter: f}, nil
}

// alternatives reads a || b.
func (r *pathReader) alternatives() (filter, error) {
	if r.depth++; r.depth > maxFilterDepth {
		return nil, errFilter
	}
	defer func() { r.depth-- }()
	var parts anyFilter
	for {
		part, err := r.conjunction()
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
		r.skip()
		if !r.take("||") {
			return parts, nil
		}
	}
}

// conjunction reads a && b.
func (r *pathReader) conjunction() (filter, error) {
	var parts allFilter
	for {
		part, err := r.term()
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
		r.skip()
		if !r.take("&&") {
			return parts, nil
		}
	}
}

// term reads !a, (a), a path that must be there, or a comparison.
func (r *pathReader) term() (filter, error) {
	r.skip()
	if strings.HasPrefix(r.rest, "!") {
		if r.depth++; r.depth > maxFilterDepth {
			return nil, errFilter
		}
		defer func() { r.depth-- }()
		r.rest = r.rest[1:]
		inner, err := r.term()
		if _, compares := inner.(relation); compares { // Jayway drops the ! there
			return nil, errFilter
		}
		return notFilter{inner}, err
	}
	if r.take("(") {
		inner, err := r.alternatives()
		if err != nil {
			return nil, err
		}
		r.skip()
		if !r.take(")") {
			return nil, errFilter
		}
		return inner, nil
	}
	return r.comparison()
}

func (r *pathReader) comparison() (filter, error) {
	left, err := r.operand()
	if err != nil {
		return nil, err
	}
	r.skip()
	for _, operator := range []string{"==", "!=", "<=", ">=", "<", ">"} {
		if !r.take(operator) {
			continue
		}
		right, err := r.operand()
		return relation{left, right, operator}, err
	}
	if !left.isPath || r.rest != "" && !strings.ContainsAny(r.rest[:1], "&|)") {
		return nil, errFilter
	}
	return hasFilter{left}, nil
}

var filterNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,15})(\.[0-9]{1,15})?`)

func (r *pathReader) operand() (operand, error) {
	r.skip()
	if r.rest == "" {
		return operand{}, errFilter
	}
	switch first := r.rest[0]; first {
	case '@', '$':
		r.rest = r.rest[1:]
		steps, err := r.steps()
		if err != nil {
			return operand{}, err
		}
		if len(steps) == 0 { // on AWS, @ alone is no scalar
			return operand{}, errFilter
		}
		for _, step := range steps {
			if step.kind > intoElement || step.index < 0 {
				return operand{}, errFilter
			}
		}
		return operand{isPath: true, document: first == '$', steps: steps}, r.operandEnds()
	case '\'', '"':
		literal, ok := r.quoted()
		if !ok {
			return operand{}, errFilter
		}
		return operand{literal: literal}, r.operandEnds()
	}
	for word, value := range map[string]any{"true": true, "false": false, "null": nil} {
		if r.take(word) {
			return operand{literal: value}, r.operandEnds()
		}
	}
	digits := filterNumber.FindString(r.rest)
	if digits == "" {
		return operand{}, errFilter
	}
	r.rest = r.rest[len(digits):]
	return operand{literal: json.Number(digits)}, r.operandEnds()
}

// operandEnds refuses what clings to an operand.
func (r *pathReader) operandEnds() error {
	if r.rest != "" && !strings.ContainsAny(r.rest[:1], " )=!<>&|") {
		return errFilter
	}
	return nil
}
