package asl

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// expression is what a field whose name ends in ".$" holds: a path or an intrinsic function.
type expression struct {
	text  string
	field string // ".$" included
	place string
	path  *path
	call  *call
}

// call is an intrinsic function with its arguments.
type call struct {
	name      string
	function  intrinsic
	arguments []argument
	format    []string // what stands between the {} of a States.Format's literal; nil where that is computed
}

// argument is a literal, a path or another call.
type argument struct {
	literal any
	path    *path
	call    *call
	raw     string // a string as it is written, escapes included
}

// maxCalls is how many intrinsic functions a field may have.
const maxCalls = 10

// expression reads a path or an intrinsic function; nil after a complaint.
func (p *parser) expression(n *node, field string) *expression {
	s, ok := n.value.(string)
	if !ok || !strings.HasPrefix(s, "States.") {
		found := p.pathOf(n)
		if found == nil {
			return nil
		}
		return &expression{text: s, field: field, place: n.place, path: found}
	}
	r := &callReader{pathReader: pathReader{rest: s}, place: n.place}
	c, err := r.call()
	if err == nil && r.rest != "" {
		err = fmt.Errorf("%q follows the intrinsic function", r.rest)
	}
	if err != nil {
		p.refuse(n.place, "%s", err.Error())
		return nil
	}
	return &expression{text: s, field: field, place: n.place, call: c}
}

type callReader struct {
	pathReader
	place string
	calls int
}

var functionName = regexp.MustCompile(`^States\.[A-Za-z0-9]+`)

func (r *callReader) call() (*call, error) {
	if r.calls++; r.calls > maxCalls {
		return nil, fmt.Errorf("has more than %d intrinsic functions", maxCalls)
	}
	c := &call{name: functionName.FindString(r.rest)}
	r.rest = r.rest[len(c.name):]
	var known bool
	if c.function, known = intrinsics[c.name]; !known {
		return nil, fmt.Errorf("unknown intrinsic function %q", c.name)
	}
	if !r.take("(") {
		return nil, fmt.Errorf("%s needs its arguments in brackets", c.name)
	}
	r.skip()
	for !r.take(")") {
		if len(c.arguments) > 0 && !r.take(",") {
			return nil, fmt.Errorf("%s needs commas between its arguments and a bracket after them", c.name)
		}
		a, err := r.argument()
		if err != nil {
			return nil, err
		}
		c.arguments = append(c.arguments, a)
		r.skip()
	}
	if n := len(c.arguments); n < c.function.least || n > c.function.most {
		return nil, fmt.Errorf("%s can't have %d arguments", c.name, n)
	}
	return c, c.check()
}

var argumentNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?`)

func (r *callReader) argument() (argument, error) {
	r.skip()
	switch {
	case strings.HasPrefix(r.rest, "$"):
		found, err := r.path()
		found.place = r.place
		return argument{path: &found}, err
	case strings.HasPrefix(r.rest, "States."):
		inner, err := r.call()
		return argument{call: inner}, err
	case r.take("'"):
		return r.text()
	}
	for word, value := range map[string]any{"true": true, "false": false, "null": nil} {
		if r.take(word) {
			return argument{literal: value}, nil
		}
	}
	digits := argumentNumber.FindString(r.rest)
	if digits == "" {
		return argument{}, errors.New("an argument is a path, 'text', a number, true, false, null or an intrinsic function")
	}
	r.rest = r.rest[len(digits):]
	return argument{literal: json.Number(digits)}, nil
}

// text reads a string up to its closing apostrophe.
func (r *callReader) text() (argument, error) {
	var plain strings.Builder
	for i := 0; i < len(r.rest); i++ {
		switch c := r.rest[i]; {
		case c == '\'':
			a := argument{literal: plain.String(), raw: r.rest[:i]}
			r.rest = r.rest[i+1:]
			return a, nil
		case c != '\\':
			plain.WriteByte(c)
		case i+1 < len(r.rest) && strings.IndexByte(`'{}\`, r.rest[i+1]) >= 0:
			i++
			plain.WriteByte(r.rest[i])
		default:
			return argument{}, errors.New(`a backslash in a string may only stand before ', {, } and \`)
		}
	}
	return argument{}, errors.New("a string has no closing apostrophe")
}

// check looks at what literals tell before anything runs.
func (c *call) check() error {
	if c.name == "States.Format" {
		return c.checkFormat()
	}
	if c.name == "States.JsonMerge" && c.arguments[2].literal == true {
		return errors.New("States.JsonMerge can't merge deeply: AWS Step Functions doesn't either")
	}
	return nil
}

// checkFormat takes a literal template apart.
func (c *call) checkFormat() error {
	template := c.arguments[0]
	if template.path != nil || template.call != nil {
		return nil
	}
	if _, ok := template.literal.(string); !ok {
		return errors.New("the first argument of States.Format is its template, a string")
	}
	parts, ok := formatParts(template.raw)
	if !ok {
		return errors.New(`States.Format needs a backslash before a { or } that is not {}`)
	}
	if len(parts)-1 != len(c.arguments)-1 {
		return fmt.Errorf("States.Format has %d {} and %d arguments for them", len(parts)-1, len(c.arguments)-1)
	}
	c.format = parts
	return nil
}

// formatParts is what stands between the {} of a template.
func formatParts(raw string) (parts []string, ok bool) {
	var part strings.Builder
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c == '\\' && i+1 < len(raw):
			i++
			part.WriteByte(raw[i])
		case c == '{' && strings.HasPrefix(raw[i:], "{}"):
			i++
			parts = append(parts, part.String())
			part.Reset()
		case c == '{' || c == '}':
			return nil, false
		default:
			part.WriteByte(c)
		}
	}
	return append(parts, part.String()), true
}

// evaluate gives the expression's value.
func (e *expression) evaluate(v *visit, data any) (any, error) {
	if e.call != nil {
		return e.invoke(v, e.call, data)
	}
	value, err := v.find(*e.path, data)
	if err != nil {
		return nil, v.lost(err, "The JSONPath '%s' specified for the field '%s' could not be found in the input '%s'",
			e.path.text, e.field, text(v.searched(*e.path, data)))
	}
	return value, nil
}

// searched is what a path was looked for in.
func (v *visit) searched(p path, data any) any {
	if p.context {
		return v.context()
	}
	return data
}

func (e *expression) invoke(v *visit, c *call, data any) (any, error) {
	values := make([]any, len(c.arguments))
	for i, a := range c.arguments {
		var err error
		switch {
		case a.call != nil:
			values[i], err = e.invoke(v, a.call, data)
		case a.path != nil:
			if values[i], err = v.find(*a.path, data); err != nil {
				err = v.lost(err, "The function '%s' had the following error: The JsonPath argument for the field '%s' could not be "+
					"found in the input '%s'", e.text, a.path.text, text(v.searched(*a.path, data)))
			}
		default:
			values[i] = a.literal
		}
		if err != nil {
			return nil, err
		}
	}
	value, err := c.function.run(invocation{v, e, c}, values)
	var refused wrongArgument
	switch {
	case errors.As(err, &refused):
		return nil, &failure{ErrorIntrinsicFailure, v.words("The function '%s' had the following error: %s", e.text, refused)}
	case err != nil:
		return nil, err
	case len(text(value)) > PayloadLimit:
		return nil, tooLarge(v.state.name)
	}
	return value, nil
}

// invocation is a call under way.
type invocation struct {
	visit      *visit
	expression *expression
	call       *call
}

// wrongArgument is what an intrinsic function can't work with.
type wrongArgument string

func (w wrongArgument) Error() string { return string(w) }

func wrong(format string, args ...any) error { return wrongArgument(fmt.Sprintf(format, args...)) }

// unknown is the failure of a call whose outcome on AWS isn't known.
func (i invocation) unknown(format string, args ...any) error {
	return unsupported(i.expression.place, "%s: %s", i.call.name, fmt.Sprintf(format, args...))
}

// characters counts a string as Java does: those beyond U+FFFF count twice.
func characters(s string) int {
	n := utf8.RuneCountInString(s)
	for _, r := range s {
		if r > 0xffff {
			n++
		}
	}
	return n
}
