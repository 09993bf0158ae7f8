package asl

import (
	"encoding/json"
	"strings"
)

// template is a Parameters or ResultSelector: JSON in which a field "x.$" becomes "x" with what its path finds.
type template struct {
	literal any                 // where nothing is to be replaced below
	path    *path               // where a path is evaluated
	field   string              // the path's field, ".$" included
	object  map[string]template // otherwise one of these
	array   []template
}

// template compiles a payload template. top is true for the whole one, which must be an object.
func (p *parser) template(n *node, top bool) template {
	switch v := n.value.(type) {
	case *object:
		return p.objectTemplate(v)
	case []*node:
		if top {
			break
		}
		items := make([]template, len(v))
		for i, item := range v {
			items[i] = p.template(item, false)
		}
		return template{array: items}
	case string, json.Number, bool, nil:
		if !top {
			return template{literal: v}
		}
	}
	p.refuse(n.place, "must be an object")
	return template{}
}

func (p *parser) objectTemplate(o *object) template {
	fields := make(map[string]template, len(o.keys))
	for _, key := range o.keys {
		n := o.take(key)
		name, dynamic := strings.CutSuffix(key, ".$")
		if _, twice := fields[name]; twice {
			p.refuse(n.place, "field given twice")
			continue
		}
		if !dynamic {
			fields[name] = p.template(n, false)
			continue
		}
		if s, ok := n.value.(string); ok && strings.HasPrefix(s, "States.") {
			p.refuse(n.place, "intrinsic functions are not implemented")
			continue
		}
		if found := p.pathOf(n); found != nil {
			fields[name] = template{path: found, field: key}
		}
	}
	return template{object: fields}
}

// pathOf reads a path; nil after a complaint.
func (p *parser) pathOf(n *node) *path {
	s, ok := n.value.(string)
	if !ok {
		p.refuse(n.place, "must be a string holding a path")
		return nil
	}
	found, err := parsePath(s)
	if err != nil {
		p.refuse(n.place, "%s", err.Error())
		return nil
	}
	return &found
}

// fill evaluates t over data and the visit's context object.
func (t template) fill(v *visit, data any) (any, error) {
	switch {
	case t.path != nil:
		value, missing := v.find(*t.path, data)
		if missing >= 0 {
			searched := data
			if t.path.context {
				searched = v.context()
			}
			return nil, v.runtime("The JSONPath '%s' specified for the field '%s' could not be found in the input '%s'",
				t.path.text, t.field, text(searched))
		}
		return value, nil
	case t.object != nil:
		filled := make(map[string]any, len(t.object))
		for key, field := range t.object {
			value, err := field.fill(v, data)
			if err != nil {
				return nil, err
			}
			filled[key] = value
		}
		return filled, nil
	case t.array != nil:
		filled := make([]any, len(t.array))
		for i, item := range t.array {
			value, err := item.fill(v, data)
			if err != nil {
				return nil, err
			}
			filled[i] = value
		}
		return filled, nil
	default:
		return t.literal, nil
	}
}
