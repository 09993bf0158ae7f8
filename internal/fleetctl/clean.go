package main

import (
	"encoding/json"
	"strings"
	"unicode"
)

// decode decodes a document for people: what a terminal would obey is taken out of its texts.
func decode(text []byte, into any) error {
	var all any
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	if err := d.Decode(&all); err != nil {
		return err
	}
	safe, err := json.Marshal(cleaned(all))
	if err != nil {
		return err
	}
	return json.Unmarshal(safe, into)
}

func cleaned(value any) any {
	switch v := value.(type) {
	case string:
		return clean(v)
	case []any:
		for i := range v {
			v[i] = cleaned(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = cleaned(v[name])
		}
	}
	return value
}

// clean takes out what a terminal would obey: control characters, and those that turn the direction of writing.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, text)
}
