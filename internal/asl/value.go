package asl

import (
	"bytes"
	"encoding/json"
	"errors"
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
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return decodeNext(d)
}

func decodeNext(d *json.Decoder) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		m := newMembers(0)
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			value, err := decodeNext(d)
			if err != nil {
				return nil, err
			}
			name, _ := key.(string)
			m.set(name, value)
		}
		_, err := d.Token()
		return m, err
	case json.Delim('['):
		items := []any{}
		for d.More() {
			item, err := decodeNext(d)
			if err != nil {
				return nil, err
			}
			items = append(items, item)
		}
		_, err := d.Token()
		return items, err
	}
	return token, nil
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
			b = appendText(b, v.values[key])
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
		for _, key := range x.keys {
			other, there := y.values[key]
			if !there {
				return false, true
			}
			equal, sure := same(x.values[key], other)
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
