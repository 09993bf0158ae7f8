package provider

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"unique"
)

const redacted = "[redacted]"

// Secret holds a credential. However it is printed, logged or marshalled, it reads "[redacted]"; only Reveal gives the
// value, where it is put on the wire or sealed.
type Secret struct {
	// Package fmt calls no method of what is in an unexported field, and would print a string there; a handle it prints
	// as an address.
	value unique.Handle[string]
}

// NewSecret wraps value.
func NewSecret(value string) Secret {
	if value == "" {
		return Secret{}
	}
	return Secret{unique.Make(value)}
}

// Reveal is the value itself.
func (s Secret) Reveal() string {
	if s == (Secret{}) {
		return ""
	}
	return s.value.Value()
}

// Empty reports whether there is no value.
func (s Secret) Empty() bool { return s == (Secret{}) }

// Format prints it under every verb; fmt would otherwise print the fields under those that are for no string.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) } // fmt tells no writer's error

func (Secret) String() string               { return redacted }
func (Secret) GoString() string             { return redacted }
func (Secret) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (Secret) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
