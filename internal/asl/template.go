package asl

import (
	"encoding/json"
	"slices"
	"strings"
)

// template is a Parameters, ResultSelector or ItemSelector: JSON in which a field "x.$" becomes "x" with what its path
// finds or its intrinsic function gives.
type template struct {
	literal  any         // where nothing is to be replaced below
	computed *expression // where something is computed
	fields   []templateField
	array    []template
	kind     templateKind
}

type templateKind int

const (
	literalTemplate templateKind = iota
	computedTemplate
	objectTemplate
	arrayTemplate
)

type templateField struct {
	name string
	template
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
		return template{kind: arrayTemplate, array: items}
	case string, json.Number, bool, nil:
		if !top {
			return template{literal: v}
		}
	}
	p.refuse(n.place, "must be an object")
	return template{}
}

// objectTemplate compiles an object. What is computed comes last, in the order that AWS was seen to give it.
func (p *parser) objectTemplate(o *object) template {
	t := template{kind: objectTemplate}
	computed := map[string]template{}
	var names []string
	for _, key := range o.keys {
		n := o.take(key)
		name, dynamic := strings.CutSuffix(key, ".$")
		_, twice := computed[name]
		if twice || slices.ContainsFunc(t.fields, func(f templateField) bool { return f.name == name }) {
			p.refuse(n.place, "field given twice")
			continue
		}
		if !dynamic {
			t.fields = append(t.fields, templateField{name, p.template(n, false)})
			continue
		}
		computed[name] = template{kind: computedTemplate, computed: p.expression(n, key)}
		names = append(names, name)
	}
	for _, name := range hashed(names) {
		t.fields = append(t.fields, templateField{name, computed[name]})
	}
	return t
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
	found.place = n.place
	return &found
}

// referenceOf reads a reference path; nil after a complaint.
func (p *parser) referenceOf(n *node) *path {
	found := p.pathOf(n)
	if found != nil && found.query {
		p.refuse(n.place, "%s", errNoReference.Error())
		return nil
	}
	return found
}

// fill evaluates t over data and the visit's context object.
func (t template) fill(v *visit, data any) (any, error) {
	switch t.kind {
	case computedTemplate:
		return t.computed.evaluate(v, data)
	case objectTemplate:
		filled := newMembers(len(t.fields))
		for _, field := range t.fields {
			value, err := field.fill(v, data)
			if err != nil {
				return nil, err
			}
			filled.set(field.name, value)
		}
		return filled, nil
	case arrayTemplate:
		filled := make([]any, len(t.array))
		for i, item := range t.array {
			value, err := item.fill(v, data)
			if err != nil {
				return nil, err
			}
			filled[i] = value
		}
		return filled, nil
	}
	return t.literal, nil
}
