package asl

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"
	"unicode/utf8"
)

// definitionLimit is the size of a definition in bytes, at most.
const definitionLimit = 1 << 20

// maxSeconds is the largest number of seconds that a field may hold.
const maxSeconds = 99999999

// executionLimit is how long an execution lives at most: a year.
const executionLimit = 365 * 24 * time.Hour

// Machine is a definition that was found right. It is not changed any more.
type Machine struct {
	comment      string
	timeout      time.Duration // 0 if the definition has none
	graph        *graph
	placeholders []string
}

// graph is a set of states with a start: a machine's or a branch's.
type graph struct {
	place   string
	comment string
	startAt string
	names   []string // in document order
	states  map[string]*state
}

// parser collects what is wrong with one definition.
type parser struct {
	substitutions map[string]string
	used          map[string]bool
	placeholders  []string
	names         map[string]string // state → place
	problems      []Problem
	broken        bool // the document can't be walked
	any           bool // Tasks are mocked, and nothing is substituted
}

// Parse reads a definition and puts the substitutions in place of their ${Name} placeholders, which may stand in any
// string value. A placeholder without a value is refused; substitutions that the definition doesn't use are not.
// The error is a *LoadError with every problem and its place.
func Parse(definition []byte, substitutions map[string]string) (*Machine, error) {
	return parse(definition, &parser{substitutions: substitutions})
}

// ParseAny reads a definition whose Tasks may have any resource, since Mocks answer them. Placeholders stay as they are.
// The error is a *LoadError.
func ParseAny(definition []byte) (*Machine, error) { return parse(definition, &parser{any: true}) }

func parse(definition []byte, p *parser) (*Machine, error) {
	p.used, p.names = map[string]bool{}, map[string]string{}
	m := p.machine(definition)
	if len(p.problems) > 0 {
		return nil, &LoadError{p.problems}
	}
	return m, nil
}

func (p *parser) machine(definition []byte) *Machine {
	switch {
	case len(definition) > definitionLimit:
		p.refuse("", "more than %d bytes", definitionLimit)
		return nil
	case !utf8.Valid(definition), !json.Valid(definition):
		p.refuse("", "not JSON")
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(definition))
	d.UseNumber()
	root := p.read(d, "", 0)
	if p.broken {
		p.refuse("", "nested deeper than %d", maxDepth)
		return nil
	}
	o := p.object(root)
	if o == nil {
		return nil
	}
	m := &Machine{timeout: time.Duration(p.integer(o, "TimeoutSeconds", 1, maxSeconds, 0)) * time.Second}
	if version, ok := p.text(o, "Version"); ok && version != "1.0" {
		p.refuse("Version", "must be \"1.0\"")
	}
	p.queryLanguage(o)
	m.graph = p.graph(o)
	m.comment = m.graph.comment
	m.placeholders = p.placeholders
	return m
}

// Placeholders lists the placeholders that the definition has, in the order of their first use.
func (m *Machine) Placeholders() []string { return slices.Clone(m.placeholders) }

// graph reads StartAt and States of a machine or a branch, and checks that its states lead somewhere.
func (p *parser) graph(o *object) *graph {
	g := &graph{place: o.place, states: map[string]*state{}}
	g.comment, _ = p.text(o, "Comment")
	g.startAt = p.required(o, "StartAt")
	states := o.take("States")
	p.end(o)
	if states == nil {
		p.refuse(o.place, "States is missing")
		return g
	}
	all := p.object(states)
	if all == nil {
		return g
	}
	if len(all.keys) == 0 {
		p.refuse(all.place, "must not be empty")
	}
	for _, name := range all.keys {
		n := all.take(name)
		p.claim(name, n.place)
		if body := p.object(n); body != nil {
			g.names = append(g.names, name)
			g.states[name] = p.state(name, body)
		}
	}
	p.connected(g)
	return g
}

// claim checks a state's name. Names are unique over a whole definition.
func (p *parser) claim(name, place string) {
	if name == "" || utf8.RuneCountInString(name) > 80 {
		p.refuse(place, "a state's name has 1 to 80 characters")
	}
	if other, taken := p.names[name]; taken {
		p.refuse(place, "the name is used by %s as well", other)
		return
	}
	p.names[name] = place
}

// connected complains about targets that aren't there and about states that nothing leads to.
func (p *parser) connected(g *graph) {
	if g.startAt != "" && g.states[g.startAt] == nil {
		p.refuse(placeOf(g.place, "StartAt"), "no such state: %q", g.startAt)
	}
	reached := map[string]bool{}
	next := []string{g.startAt}
	for len(next) > 0 {
		name := next[0]
		next = next[1:]
		if s := g.states[name]; s != nil && !reached[name] {
			reached[name] = true
			for _, t := range s.targets {
				next = append(next, t.state)
			}
		}
	}
	for _, name := range g.names {
		s := g.states[name]
		for _, t := range s.targets {
			if g.states[t.state] == nil {
				p.refuse(t.place, "no such state: %q", t.state)
			}
		}
		if !reached[name] {
			p.refuse(s.place, "nothing leads to this state")
		}
	}
}
