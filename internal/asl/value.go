package asl

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"
)

// PayloadLimit is the size of a state's input, output or result in UTF-8 bytes, at most.
const PayloadLimit = 262144

// decode reads one JSON value: a *members, []any, string, json.Number, bool or nil. Numbers stay as they are written.
func decode(text []byte) (any, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("not UTF-8")
	}
	if !json.Valid(text) {
		return nil, errors.New("not one JSON value")
	}
	r := &validReader{text: text}
	return r.value()
}

// validReader reads JSON that json.Valid has accepted.
type validReader struct {
	text []byte
	at   int
}

// next is the next byte that isn't white space.
func (r *validReader) next() byte {
	for ; ; r.at++ {
		switch c := r.text[r.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
}

// more skips a comma, and reports whether the object or array goes on. Its end is skipped as well.
func (r *validReader) more(end byte) bool {
	switch r.next() {
	case end:
		r.at++
		return false
	case ',':
		r.at++
	}
	return true
}

func (r *validReader) value() (any, error) {
	switch r.next() {
	case '{':
		r.at++
		m := newMembers(0)
		for r.more('}') {
			r.next()
			key, err := r.string()
			if err != nil {
				return nil, err
			}
			r.next()
			r.at++ // the colon
			value, err := r.value()
			if err != nil {
				return nil, err
			}
			m.set(key, value)
		}
		return m, nil
	case '[':
		r.at++
		items := []any{}
		for r.more(']') {
			item, err := r.value()
			if err != nil {
				return nil, err
			}
			items = append(items, item)
		}
		return items, nil
	case '"':
		return r.string()
	}
	return r.word(), nil
}

// string reads a string from its quotation mark on.
func (r *validReader) string() (string, error) {
	start, plain := r.at, true
	for r.at++; r.text[r.at] != '"'; r.at++ {
		if r.text[r.at] == '\\' {
			plain = false
			r.at++
		}
	}
	r.at++
	if plain {
		return string(r.text[start+1 : r.at-1]), nil
	}
	var s string
	err := json.Unmarshal(r.text[start:r.at], &s)
	return s, err
}

// word reads true, false, null or a number.
func (r *validReader) word() any {
	start := r.at
	for r.at < len(r.text) && strings.IndexByte(" \t\r\n,]}", r.text[r.at]) < 0 {
		r.at++
	}
	switch word := string(r.text[start:r.at]); word {
	case "true":
		return true
	case "false":
		return false
	case "null":
		return nil
	default:
		return json.Number(word)
	}
}

// encode writes what encoding/json can write, compactly and without the escapes meant for HTML, since its size counts.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// text is a value that decode, a template or a path gave, as JSON.
func text(v any) string { return string(appendText(nil, v)) }

func appendText(b []byte, v any) []byte {
	switch v := v.(type) {
	case *members:
		b = append(b, '{')
		for i, key := range v.keys {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendQuoted(b, key), ':')
			b = appendText(b, v.values[i])
		}
		return append(b, '}')
	case []any:
		b = append(b, '[')
		for i, item := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendText(b, item)
		}
		return append(b, ']')
	case string:
		return appendQuoted(b, v)
	case json.Number:
		return append(b, v...)
	case bool:
		if v {
			return append(b, "true"...)
		}
		return append(b, "false"...)
	}
	return append(b, "null"...)
}

const hexDigits = "0123456789ABCDEF"

// appendQuoted writes a string with no more escapes than JSON asks for.
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c >= 0x20:
			b = append(b, c)
		case c == '\n':
			b = append(b, '\\', 'n')
		case c == '\t':
			b = append(b, '\\', 't')
		case c == '\r':
			b = append(b, '\\', 'r')
		case c == '\b':
			b = append(b, '\\', 'b')
		case c == '\f':
			b = append(b, '\\', 'f')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(b, '"')
}

// same reports whether two values are equal. Numbers are by what they are worth; certain is false where two are worth
// the same and written differently, which AWS may see otherwise.
func same(a, b any) (equal, certain bool) {
	switch x := a.(type) {
	case *members:
		y, ok := b.(*members)
		if !ok || len(x.keys) != len(y.keys) {
			return false, true
		}
		certain = true
		for i, key := range x.keys {
			other, there := y.get(key)
			if !there {
				return false, true
			}
			equal, sure := same(x.values[i], other)
			if !equal {
				return false, true
			}
			certain = certain && sure
		}
		return true, certain
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false, true
		}
		certain = true
		for i := range x {
			equal, sure := same(x[i], y[i])
			if !equal {
				return false, true
			}
			certain = certain && sure
		}
		return true, certain
	case json.Number:
		y, ok := b.(json.Number)
		if !ok {
			return false, true
		}
		sign, comparable := compareNumbers(x, y)
		return comparable && sign == 0, x == y
	}
	return a == b, true
}
