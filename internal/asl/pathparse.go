package asl

import (
	"errors"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	errNoPath      = errors.New("must be a path, such as $.a['b'][0]")
	errNoReference = errors.New("must be a reference path, such as $.a['b'][0]")
	errFunction    = errors.New("functions in paths are not implemented")
	errSlice       = errors.New("a slice from one end to the other and one with a step are not implemented")
	errDepth       = errors.New("after .. only a name, * or a last [n] is implemented")
	errFilter      = errors.New("filters have @ and $ paths, strings, numbers, true, false, null, == != < <= > >=, &&, ||, ! and brackets; more is not implemented")
)

// parsePath reads "$", "$.a.b", "$['a'][0]", "$$.Execution.Id", "$..x[?(@.a > 1)]" and the like.
func parsePath(s string) (path, error) {
	r := &pathReader{rest: s}
	p, err := r.path()
	if err == nil && r.rest != "" {
		err = errNoPath
	}
	return p, err
}

// pathReader reads a path from left to right.
type pathReader struct {
	rest  string
	depth int // of filters in filters
}

// path reads a path, as far as it goes.
func (r *pathReader) path() (path, error) {
	whole := r.rest
	var p path
	if !r.take("$") {
		return p, errNoPath
	}
	p.context = r.take("$")
	var err error
	if p.steps, err = r.steps(); err != nil {
		return p, err
	}
	p.text = whole[:len(whole)-len(r.rest)]
	for _, step := range p.steps {
		if step.kind > intoElement || step.index < 0 {
			p.query = true
		}
	}
	if p.context && len(p.steps) > 0 && p.steps[0].kind != intoField {
		return p, errors.New("no such field in the context object")
	}
	return p, p.knownContext()
}

func (r *pathReader) skip() { r.rest = strings.TrimLeft(r.rest, " ") }

// take takes a prefix away, if it is there.
func (r *pathReader) take(prefix string) bool {
	rest, ok := strings.CutPrefix(r.rest, prefix)
	r.rest = rest
	return ok
}

// steps reads as many steps as there are.
func (r *pathReader) steps() ([]pathStep, error) {
	var steps []pathStep
	for r.rest != "" && (r.rest[0] == '.' || r.rest[0] == '[') {
		deep := r.take("..")
		if deep {
			steps = append(steps, pathStep{kind: intoDepth})
		}
		step, err := r.step(deep)
		if err != nil {
			return nil, err
		}
		if deep && step.kind != intoField && step.kind != intoAll && (step.kind != intoElement || r.rest != "") {
			return nil, errDepth
		}
		steps = append(steps, step)
	}
	return steps, nil
}

// step reads one step; deep where .. stood before it.
func (r *pathReader) step(deep bool) (pathStep, error) {
	dotted := deep || r.take(".")
	if r.take("[") {
		return r.bracket()
	}
	if !dotted {
		return pathStep{}, errNoPath
	}
	if r.take("*") {
		return pathStep{kind: intoAll}, nil
	}
	name := r.name()
	switch {
	case name == "":
		return pathStep{}, errNoPath
	case strings.HasPrefix(r.rest, "("):
		return pathStep{}, errFunction
	}
	return pathStep{field: name}, nil
}

// name takes letters, digits, _ and -.
func (r *pathReader) name() string {
	end := strings.IndexFunc(r.rest, func(c rune) bool {
		return !unicode.IsLetter(c) && !unicode.IsDigit(c) && c != '_' && c != '-'
	})
	if end < 0 {
		end = len(r.rest)
	}
	name := r.rest[:end]
	if !utf8.ValidString(name) {
		return ""
	}
	r.rest = r.rest[end:]
	return name
}

// bracket reads what follows a [, its ] included.
func (r *pathReader) bracket() (pathStep, error) {
	r.skip()
	var step pathStep
	var err error
	switch {
	case r.rest == "":
		return step, errNoPath
	case r.take("*"):
		step.kind = intoAll
	case r.rest[0] == '?':
		step, err = r.matches()
	case r.rest[0] == '\'' || r.rest[0] == '"':
		step, err = r.names()
	default:
		step, err = r.numbers()
	}
	if err != nil {
		return step, err
	}
	r.skip()
	if !r.take("]") {
		return step, errNoPath
	}
	return step, nil
}

// names reads 'a' and 'a','b'.
func (r *pathReader) names() (pathStep, error) {
	var names []string
	for {
		name, ok := r.quoted()
		if !ok || name == "" {
			return pathStep{}, errNoPath
		}
		names = append(names, name)
		r.skip()
		if !r.take(",") {
			break
		}
		r.skip()
	}
	if len(names) == 1 {
		return pathStep{field: names[0]}, nil
	}
	return pathStep{kind: intoFields, fields: names}, nil
}

// quoted reads 'a' or "a" without quotes and backslashes in it.
func (r *pathReader) quoted() (string, bool) {
	if r.rest == "" || r.rest[0] != '\'' && r.rest[0] != '"' {
		return "", false
	}
	text, rest, ok := strings.Cut(r.rest[1:], r.rest[:1])
	r.rest = rest
	return text, ok && !strings.ContainsAny(text, `'"\`) && utf8.ValidString(text)
}

// numbers reads 1, -1, 0,2, 1:3, 1: and :3.
func (r *pathReader) numbers() (pathStep, error) {
	inside, _, ok := strings.Cut(r.rest, "]")
	if !ok {
		return pathStep{}, errNoPath
	}
	r.rest = r.rest[len(inside):]
	if strings.Contains(inside, ":") {
		return slice(inside)
	}
	var indices []int
	for part := range strings.SplitSeq(inside, ",") {
		index, ok := number(strings.Trim(part, " "))
		if !ok {
			return pathStep{}, errNoPath
		}
		indices = append(indices, index)
	}
	if len(indices) == 1 {
		return pathStep{kind: intoElement, index: indices[0]}, nil
	}
	return pathStep{kind: intoElements, indices: indices}, nil
}

func slice(inside string) (pathStep, error) {
	step := pathStep{kind: intoSlice}
	ends := strings.Split(strings.Trim(inside, " "), ":")
	if len(ends) != 2 {
		return step, errSlice
	}
	for i, end := range ends {
		if end == "" {
			continue
		}
		index, ok := number(end)
		if !ok {
			return step, errNoPath
		}
		if i == 0 {
			step.from = &index
		} else {
			step.to = &index
		}
	}
	switch {
	case step.from == nil && step.to == nil:
		return step, errNoPath
	case step.from != nil && step.to != nil && (*step.from < 0) != (*step.to < 0):
		return step, errSlice
	}
	return step, nil
}

// number reads a whole number as JSON writes it, -0 excepted.
func number(s string) (int, bool) {
	n, err := strconv.ParseInt(s, 10, 32)
	return int(n), err == nil && s == strconv.FormatInt(n, 10)
}
