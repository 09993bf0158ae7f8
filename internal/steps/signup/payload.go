package signup

import (
	"bytes"
	"encoding/json"
	"net/http"
	"unicode/utf8"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/httpapi"
)

// payload is a JSON object whose members are taken one by one. Names are exact: package json would take "SLUG" for "slug",
// and the last of two. What is wrong with a member is noted, and the others are still read.
type payload struct {
	prefix  string // of the members' names, as in "branding."
	members map[string]json.RawMessage
	bad     httpapi.BadFields
}

// newPayload reads a body that is one JSON object in UTF-8 and nothing else; any other is a 400 fault.
func newPayload(body []byte) (payload, error) {
	p := payload{bad: httpapi.BadFields{}}
	if !utf8.Valid(body) || !json.Valid(body) || !p.read(body) {
		return p, httpapi.Refuse(http.StatusBadRequest, fault.Rejected, "the body is no JSON object in UTF-8, or something follows it")
	}
	return p, nil
}

// read splits valid JSON into its members; false if it is no object.
func (p *payload) read(text []byte) bool {
	p.members = map[string]json.RawMessage{}
	decoder := json.NewDecoder(bytes.NewReader(text))
	if opening, err := decoder.Token(); err != nil || opening != json.Delim('{') {
		return false
	}
	for decoder.More() {
		name, err := decoder.Token()
		var value json.RawMessage
		if err != nil || decoder.Decode(&value) != nil {
			return false
		}
		key, _ := name.(string) // a member's name is one
		if _, twice := p.members[key]; twice {
			p.bad.Add(p.prefix+key, "given more than once")
		}
		p.members[key] = value
	}
	return true
}

// take gives a member, once; null counts as not given.
func (p *payload) take(name string) (json.RawMessage, bool) {
	value, ok := p.members[name]
	delete(p.members, name)
	return value, ok && string(value) != "null"
}

// text reads a string into into, which keeps what it holds if there is none.
func (p *payload) text(name string, into *string) {
	if value, ok := p.take(name); ok && json.Unmarshal(value, into) != nil {
		p.bad.Add(p.prefix+name, "wrong type: want a string")
	}
}

// object reads an object, empty if there is none.
func (p *payload) object(name string) payload {
	inner := payload{prefix: p.prefix + name + ".", bad: p.bad}
	if value, ok := p.take(name); ok && !inner.read(value) {
		p.bad.Add(p.prefix+name, "wrong type: want an object")
	}
	return inner
}

// end notes the members that nobody took.
func (p *payload) end() {
	for name := range p.members {
		p.bad.Add(p.prefix+name, "no such field")
	}
}
