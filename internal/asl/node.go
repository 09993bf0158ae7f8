package asl

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strings"
)

// node is a value of a definition that knows its place.
type node struct {
	place string
	value any // *object, []*node, string, json.Number, bool, nil
}

// object is a JSON object in document order that knows which of its fields were read.
type object struct {
	place  string
	keys   []string
	fields map[string]*node
	read   map[string]bool
}

// maxDepth bounds how deep a definition nests.
const maxDepth = 200

var (
	plainKey    = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.\$)?$`)
	placeholder = regexp.MustCompile(`\$\{([^{}]*)\}`)
)

func placeOf(parent, key string) string {
	switch {
	case !plainKey.MatchString(key):
		return fmt.Sprintf("%s[%q]", parent, key)
	case parent == "":
		return key
	default:
		return parent + "." + key
	}
}

// read builds the tree of a document that json.Valid accepted.
func (p *parser) read(d *json.Decoder, place string, depth int) *node {
	n := &node{place: place}
	token, err := d.Token()
	if err != nil || depth > maxDepth {
		p.broken = true
		return n
	}
	switch token {
	case json.Delim('{'):
		n.value = p.readObject(d, place, depth)
	case json.Delim('['):
		items := []*node{}
		for d.More() && !p.broken {
			items = append(items, p.read(d, fmt.Sprintf("%s[%d]", place, len(items)), depth+1))
		}
		p.skipDelim(d)
		n.value = items
	default:
		n.value = token
		if s, ok := token.(string); ok {
			n.value = p.substitute(place, s)
		}
	}
	return n
}

func (p *parser) readObject(d *json.Decoder, place string, depth int) *object {
	o := &object{place: place, fields: map[string]*node{}, read: map[string]bool{}}
	for d.More() && !p.broken {
		token, err := d.Token()
		key, ok := token.(string)
		if err != nil || !ok {
			p.broken = true
			return o
		}
		at := placeOf(place, key)
		if !p.any && strings.Contains(key, "${") {
			p.refuse(at, "a placeholder can't be part of a field's name")
		}
		value := p.read(d, at, depth+1)
		if _, twice := o.fields[key]; twice {
			p.refuse(at, "field given twice")
			continue
		}
		o.keys = append(o.keys, key)
		o.fields[key] = value
	}
	p.skipDelim(d)
	return o
}

func (p *parser) skipDelim(d *json.Decoder) {
	if p.broken {
		return
	}
	if _, err := d.Token(); err != nil {
		p.broken = true
	}
}

// substitute replaces every ${Name} in s. What it puts in is not looked at again.
func (p *parser) substitute(place, s string) string {
	if p.any || !strings.Contains(s, "${") {
		return s
	}
	if rest := placeholder.ReplaceAllString(s, ""); strings.Contains(rest, "${") {
		p.refuse(place, "malformed placeholder")
		return s
	}
	return placeholder.ReplaceAllStringFunc(s, func(match string) string {
		name := match[2 : len(match)-1]
		value, ok := p.substitutions[name]
		if !ok {
			p.refuse(place, "no value for placeholder %s", match)
			return match
		}
		if !p.used[name] {
			p.used[name] = true
			p.placeholders = append(p.placeholders, name)
		}
		return value
	})
}

// object is n as an object, or nil after a complaint.
func (p *parser) object(n *node) *object {
	o, ok := n.value.(*object)
	if !ok {
		p.refuse(n.place, "must be an object")
		return nil
	}
	return o
}

// take reads a field: nil if it is not there.
func (o *object) take(key string) *node {
	o.read[key] = true
	return o.fields[key]
}

// end complains about every field that nobody took.
func (p *parser) end(o *object) {
	for _, key := range o.keys {
		if !o.read[key] {
			p.refuse(o.fields[key].place, "unknown field")
		}
	}
}

// text reads a string field; empty and false if it is not there or no string.
func (p *parser) text(o *object, key string) (string, bool) {
	n := o.take(key)
	if n == nil {
		return "", false
	}
	s, ok := n.value.(string)
	if !ok {
		p.refuse(n.place, "must be a string")
	}
	return s, ok
}

// required is text of a field that must be there and not be empty.
func (p *parser) required(o *object, key string) string {
	s, ok := p.text(o, key)
	switch {
	case o.fields[key] == nil:
		p.refuse(o.place, "%s is missing", key)
	case ok && s == "":
		p.refuse(o.fields[key].place, "must not be empty")
	}
	return s
}

// integer reads a whole number between low and high; otherwise if it is not there.
func (p *parser) integer(o *object, key string, low, high, otherwise int64) int64 {
	n := o.take(key)
	if n == nil {
		return otherwise
	}
	number, ok := n.value.(json.Number)
	if !ok {
		p.refuse(n.place, "must be a whole number")
		return otherwise
	}
	i, err := number.Int64()
	if err != nil || i < low || i > high {
		p.refuse(n.place, "must be a whole number from %d to %d", low, high)
		return otherwise
	}
	return i
}

// float reads a number of at least low; otherwise if it is not there.
func (p *parser) float(o *object, key string, low, otherwise float64) float64 {
	n := o.take(key)
	if n == nil {
		return otherwise
	}
	number, ok := n.value.(json.Number)
	if !ok {
		p.refuse(n.place, "must be a number")
		return otherwise
	}
	f, err := number.Float64()
	if err != nil || math.IsInf(f, 0) || f < low {
		p.refuse(n.place, "must be a number of at least %g", low)
		return otherwise
	}
	return f
}

// list reads an array field that must not be empty; nil if it is not there.
func (p *parser) list(o *object, key string) []*node {
	n := o.take(key)
	if n == nil {
		return nil
	}
	items, ok := n.value.([]*node)
	if !ok || len(items) == 0 {
		p.refuse(n.place, "must be a non-empty array")
		return nil
	}
	return items
}

// plain is a node's value as decode would have given it.
func (n *node) plain() any {
	switch v := n.value.(type) {
	case *object:
		m := newMembers(len(v.keys))
		for _, key := range v.keys {
			m.set(key, v.fields[key].plain())
		}
		return m
	case []*node:
		items := make([]any, len(v))
		for i, item := range v {
			items[i] = item.plain()
		}
		return items
	default:
		return v
	}
}
