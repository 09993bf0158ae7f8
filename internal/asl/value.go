package asl

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"
)

// PayloadLimit is the size of a state's input, output or result in UTF-8 bytes, at most.
const PayloadLimit = 262144

// decode reads one JSON value. Numbers stay as they are written.
func decode(text []byte) (any, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("more than one JSON value")
	}
	return v, nil
}

// encode writes a value compactly, without the escapes meant for HTML, since its size counts.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// text is a value that decode, a template or a path gave, as JSON. Such a value always encodes.
func text(v any) string {
	b, err := encode(v)
	if err != nil {
		return "null"
	}
	return string(b)
}
