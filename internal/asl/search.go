package asl

import "errors"

// search finds what a path that is no reference path leads to, as Jayway's JsonPath does, which AWS uses: a definite
// path finds a value, any other an array of everything it matches. Unlike Jayway's, and as AWS was seen to, such an
// array is empty where the way to it is missing.
func (p path) search(root any) (any, error) {
	s := searching{path: p, root: root, found: []any{}}
	err := s.from(0, root, true)
	switch {
	case !p.definite() && isMissing(err):
		return []any{}, nil
	case err != nil:
		return nil, err
	case !p.definite():
		return s.found, nil
	case len(s.found) == 0:
		return nil, s.lost("No results for path: " + p.text)
	}
	return s.found[0], nil
}

// definite reports whether a path finds one value at most.
func (p path) definite() bool {
	for i, step := range p.steps {
		if step.kind > intoElement && (step.kind != intoFields || i < len(p.steps)-1) {
			return false
		}
	}
	return true
}

func isMissing(err error) bool {
	_, ok := errors.AsType[*missing](err)
	return ok
}

type searching struct {
	path  path
	root  any
	found []any
	taken int // steps
}

// longestSearch is how many steps a search takes at most: with several .. they multiply.
const longestSearch = 1 << 20

func (s *searching) lost(why string) error {
	return &missing{"Invalid path '" + s.path.text + "' : " + why}
}

// from takes the steps from number i on. sure is true while every step before led to one place.
func (s *searching) from(i int, at any, sure bool) error {
	if s.taken++; s.taken > longestSearch {
		return unsupported(s.path.place, "%s takes more than %d steps", s.path.text, longestSearch)
	}
	if i == len(s.path.steps) {
		s.found = append(s.found, at)
		return nil
	}
	step := s.path.steps[i]
	switch step.kind {
	case intoField, intoFields:
		return s.fields(i, step, at, sure)
	case intoAll:
		return s.each(i+1, children(at))
	case intoDepth:
		return s.deep(i+1, at)
	case intoMatches:
		return s.matches(i, step, at, sure)
	default:
		return s.elements(i, step, at, sure)
	}
}

func (s *searching) each(i int, values []any) error {
	for _, value := range values {
		if err := s.from(i, value, false); err != nil {
			return err
		}
	}
	return nil
}

// children are the values of an object's fields or an array's elements.
func children(at any) []any {
	switch at := at.(type) {
	case *members:
		return at.values
	case []any:
		return at
	}
	return nil
}

func (s *searching) fields(i int, step pathStep, at any, sure bool) error {
	object, ok := at.(*members)
	last := i == len(s.path.steps)-1
	switch {
	case !ok && sure:
		return s.lost("Expected to find an object")
	case !ok:
		return nil
	case step.kind == intoFields && last:
		some := newMembers(len(step.fields))
		for _, name := range step.fields {
			if value, there := object.get(name); there {
				some.set(name, value)
			}
		}
		return s.from(i+1, some, sure)
	case step.kind == intoFields:
		for _, name := range step.fields {
			if value, there := object.get(name); there {
				if err := s.from(i+1, value, false); err != nil {
					return err
				}
			}
		}
		return nil
	}
	value, there := object.get(step.field)
	switch {
	case there:
		return s.from(i+1, value, sure)
	case sure && !last:
		return s.lost("Missing property in path")
	}
	return nil
}

func (s *searching) elements(i int, step pathStep, at any, sure bool) error {
	items, ok := at.([]any)
	switch {
	case !ok && sure && step.kind == intoSlice:
		return unsupported(s.path.place, "%s meets something that is no array: it isn't known what AWS finds", s.path.text)
	case !ok && sure:
		return s.lost("An index can only be applied to arrays")
	case !ok:
		return nil
	}
	switch step.kind {
	case intoElement:
		if value, there := element(items, step.index); there {
			return s.from(i+1, value, sure)
		}
		return nil
	case intoElements:
		var some []any
		for _, index := range step.indices {
			if value, there := element(items, index); there {
				some = append(some, value)
			}
		}
		return s.each(i+1, some)
	}
	from, to := 0, len(items)
	if step.from != nil {
		from = bound(*step.from, len(items))
	}
	if step.to != nil {
		to = bound(*step.to, len(items))
	}
	return s.each(i+1, items[min(from, to):to])
}

// element is the one of an index, from the end where that is negative.
func element(items []any, index int) (any, bool) {
	if index < 0 {
		index += len(items)
	}
	if index < 0 || index >= len(items) {
		return nil, false
	}
	return items[index], true
}

// bound is the end of a slice within an array.
func bound(index, length int) int {
	if index < 0 {
		index += length
	}
	return min(max(index, 0), length)
}

// deep applies step i to at and to everything in it, from the outside in.
func (s *searching) deep(i int, at any) error {
	step := s.path.steps[i]
	_, isArray := at.([]any)
	if step.kind == intoAll || isArray == (step.kind == intoElement) {
		if err := s.from(i, at, false); err != nil {
			return err
		}
	}
	for _, child := range children(at) {
		if err := s.deep(i, child); err != nil {
			return err
		}
	}
	return nil
}

func (s *searching) matches(i int, step pathStep, at any, sure bool) error {
	candidates, isArray := at.([]any)
	if _, isObject := at.(*members); isObject {
		candidates = []any{at}
	} else if !isArray && sure {
		return unsupported(s.path.place, "the filter of %s meets neither an array nor an object: it isn't known what AWS finds", s.path.text)
	}
	for _, candidate := range candidates {
		holds, err := step.filter.holds(scope{s, candidate})
		if err != nil {
			return err
		}
		if holds {
			if err := s.from(i+1, candidate, false); err != nil {
				return err
			}
		}
	}
	return nil
}
