package asl

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// path is a JSONPath. A reference path leads to exactly one place of a document: it has steps into fields and elements
// only. Any other path finds what search does.
type path struct {
	text    string
	place   string // in the definition
	context bool   // starts with $$: leads into the context object
	steps   []pathStep
	query   bool // no reference path
}

// pathStep is a step of a path.
type pathStep struct {
	kind     stepKind
	field    string
	index    int // into an array; negative from its end
	fields   []string
	indices  []int
	from, to *int
	filter   filter
}

type stepKind int

const (
	intoField stepKind = iota
	intoElement
	intoFields   // ['a','b']
	intoElements // [0,2]
	intoSlice    // [1:3]
	intoAll      // *
	intoDepth    // .., for the step that follows
	intoMatches  // [?(…)]
)

func (s pathStep) String() string {
	if s.kind == intoElement {
		return "[" + strconv.Itoa(s.index) + "]"
	}
	return "['" + s.field + "']"
}

// contextFields are the fields of the context object that exist here. Map is there in the iterations of a Map, Task in
// a Task that waits for what it began.
var contextFields = map[string]map[string]bool{
	"Execution":    {"Id": true, "Input": true, "Name": true, "RedriveCount": true, "RoleArn": true, "StartTime": true},
	"Map":          {"Item": true},
	"State":        {"EnteredTime": true, "Name": true, "RetryCount": true},
	"StateMachine": {"Id": true, "Name": true},
	"Task":         {"Token": true},
}

func (p path) knownContext() error {
	if !p.context || len(p.steps) == 0 {
		return nil
	}
	fields, ok := contextFields[p.steps[0].field]
	if ok && (len(p.steps) == 1 || fields[p.steps[1].field]) {
		return nil
	}
	return errors.New("no such field in the context object")
}

// missing is a path that leads nowhere. It says why in AWS's words.
type missing struct{ why string }

func (m *missing) Error() string { return m.why }

// get follows the path. The error is a *missing, or a *failure where it isn't known what AWS would find.
func (p path) get(root any) (any, error) {
	if p.query {
		return p.search(root)
	}
	value := root
	for i, step := range p.steps {
		var ok bool
		if value, ok = step.into(value); !ok {
			return nil, &missing{p.reason(i)}
		}
	}
	return value, nil
}

func (s pathStep) into(v any) (any, bool) {
	if s.kind == intoField {
		fields, _ := v.(*members)
		return fields.get(s.field)
	}
	items, _ := v.([]any)
	if s.index >= len(items) {
		return nil, false
	}
	return items[s.index], true
}

// reason says why the step of that number leads nowhere.
func (p path) reason(step int) string {
	var b strings.Builder
	for _, step := range p.steps[:step+1] {
		b.WriteString(step.String())
	}
	what := "Missing property in path"
	if step == len(p.steps)-1 {
		what = "No results for path:"
	}
	return fmt.Sprintf("Invalid path '%s' : %s $%s", p.text, what, b.String())
}

// set is root with value at a reference path. Fields that are not there are made; root itself stays as it is.
func (p path) set(root, value any) (any, error) { return setSteps(root, p.steps, value, true) }

func setSteps(at any, steps []pathStep, value any, exists bool) (any, error) {
	if len(steps) == 0 {
		return value, nil
	}
	step := steps[0]
	if step.kind == intoElement {
		items, ok := at.([]any)
		if !ok || step.index >= len(items) {
			return nil, errors.New("no such element")
		}
		child, err := setSteps(items[step.index], steps[1:], value, true)
		if err != nil {
			return nil, err
		}
		changed := append([]any(nil), items...)
		changed[step.index] = child
		return changed, nil
	}
	fields, ok := at.(*members)
	if !ok && exists {
		return nil, errors.New("not an object")
	}
	old, there := fields.get(step.field)
	child, err := setSteps(old, steps[1:], value, there)
	if err != nil {
		return nil, err
	}
	if fields == nil {
		return membersOf(step.field, child), nil
	}
	return fields.with(step.field, child), nil
}
