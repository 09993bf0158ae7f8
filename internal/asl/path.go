package asl

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// path is a reference path: it leads to exactly one place of a document. Wildcards, slices, filters, descendants and
// negative indices are no reference paths.
type path struct {
	text    string
	context bool // starts with $$: leads into the context object
	steps   []pathStep
}

// pathStep goes into a field or an array's element.
type pathStep struct {
	field string
	index int // -1 for a field
}

func (s pathStep) String() string {
	if s.index >= 0 {
		return "[" + strconv.Itoa(s.index) + "]"
	}
	return "['" + s.field + "']"
}

var errNoPath = errors.New("must be a reference path, such as $.a['b'][0]")

// contextFields are the fields of the context object that exist here.
var contextFields = map[string]map[string]bool{
	"Execution":    {"Id": true, "Input": true, "Name": true, "RoleArn": true, "StartTime": true},
	"State":        {"EnteredTime": true, "Name": true, "RetryCount": true},
	"StateMachine": {"Id": true, "Name": true},
}

// parsePath reads "$", "$.a.b", "$['a'][0]", "$$.Execution.Id" and the like.
func parsePath(s string) (path, error) {
	p := path{text: s}
	rest, ok := strings.CutPrefix(s, "$")
	if !ok {
		return p, errNoPath
	}
	if after, ok := strings.CutPrefix(rest, "$"); ok {
		p.context, rest = true, after
	}
	for rest != "" {
		var step pathStep
		var err error
		if step, rest, err = parseStep(rest); err != nil {
			return p, err
		}
		p.steps = append(p.steps, step)
	}
	return p, p.knownContext()
}

// parseStep reads the step at the start of s.
func parseStep(s string) (pathStep, string, error) {
	if name, ok := strings.CutPrefix(s, "."); ok {
		end := strings.IndexFunc(name, func(r rune) bool {
			return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != '-'
		})
		if end < 0 {
			end = len(name)
		}
		if end == 0 || strings.ContainsRune(name[:end], unicode.ReplacementChar) {
			return pathStep{}, "", errNoPath
		}
		return pathStep{name[:end], -1}, name[end:], nil
	}
	inside, ok := strings.CutPrefix(s, "[")
	if !ok || inside == "" {
		return pathStep{}, "", errNoPath
	}
	if quote := inside[0]; quote == '\'' || quote == '"' {
		name, rest, ok := strings.Cut(inside[1:], string(quote)+"]")
		if !ok || name == "" || strings.ContainsAny(name, `'"\`) {
			return pathStep{}, "", errNoPath
		}
		return pathStep{name, -1}, rest, nil
	}
	digits, rest, ok := strings.Cut(inside, "]")
	index, err := strconv.ParseUint(digits, 10, 31)
	if !ok || err != nil || digits != strconv.FormatUint(index, 10) {
		return pathStep{}, "", errNoPath
	}
	return pathStep{"", int(index)}, rest, nil
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

// get follows the path. missing is -1, or the number of the step that leads nowhere.
func (p path) get(root any) (value any, missing int) {
	value = root
	for i, step := range p.steps {
		var ok bool
		if value, ok = step.into(value); !ok {
			return nil, i
		}
	}
	return value, -1
}

func (s pathStep) into(v any) (any, bool) {
	if s.index < 0 {
		fields, _ := v.(map[string]any)
		child, ok := fields[s.field]
		return child, ok
	}
	items, _ := v.([]any)
	if s.index >= len(items) {
		return nil, false
	}
	return items[s.index], true
}

// reason says in AWS's words why get found nothing.
func (p path) reason(missing int) string {
	var b strings.Builder
	for _, step := range p.steps[:missing+1] {
		b.WriteString(step.String())
	}
	what := "Missing property in path"
	if missing == len(p.steps)-1 {
		what = "No results for path:"
	}
	return fmt.Sprintf("Invalid path '%s' : %s $%s", p.text, what, b.String())
}

// set is root with value at the path. Fields that are not there are made; root itself stays as it is.
func (p path) set(root, value any) (any, error) { return setSteps(root, p.steps, value, true) }

func setSteps(at any, steps []pathStep, value any, exists bool) (any, error) {
	if len(steps) == 0 {
		return value, nil
	}
	step := steps[0]
	if step.index >= 0 {
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
	fields, ok := at.(map[string]any)
	if !ok && exists {
		return nil, errors.New("not an object")
	}
	old, there := fields[step.field]
	child, err := setSteps(old, steps[1:], value, there)
	if err != nil {
		return nil, err
	}
	changed := make(map[string]any, len(fields)+1)
	for key, v := range fields {
		changed[key] = v
	}
	changed[step.field] = child
	return changed, nil
}
