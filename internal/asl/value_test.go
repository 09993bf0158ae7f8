package asl

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
)

// FuzzDecode: decode reads what encoding/json reads, and text writes it again.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{"a":[1,-2.50e+3,{"b":null}],"c":"\u00e9\\\"\ud83d\ude00","a":true}`, ` [ ] `, `"x"`, `0`, `{"":{}}`, `[1,]`, `"\ud800"`, "nul", "", "\"\t\""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, document string) {
		value, err := decode([]byte(document))
		d := json.NewDecoder(bytes.NewReader([]byte(document)))
		d.UseNumber()
		var other any
		if failed := d.Decode(&other); failed != nil && err == nil {
			t.Fatalf("%q: only encoding/json refuses it: %v", document, failed)
		}
		if err != nil {
			return
		}
		if plain := plainly(value); !reflect.DeepEqual(plain, other) {
			t.Errorf("%q: %v, want %v", document, plain, other)
		}
		again, err := decode([]byte(text(value)))
		if err != nil || !reflect.DeepEqual(plainly(again), plainly(value)) {
			t.Errorf("%q: written as %s: %v", document, text(value), err)
		}
	})
}

// plainly is a value with maps for objects.
func plainly(value any) any {
	switch value := value.(type) {
	case *members:
		m := map[string]any{}
		for i, key := range value.keys {
			m[key] = plainly(value.values[i])
		}
		return m
	case []any:
		items := make([]any, len(value))
		for i, item := range value {
			items[i] = plainly(item)
		}
		return items
	}
	return value
}

// TestOrderIsKept: fields stay where they were first.
func TestOrderIsKept(t *testing.T) {
	value, err := decode([]byte(`{"z":1,"a":{"y":2,"b":3},"z":4}`))
	if err != nil {
		t.Fatal(err)
	}
	want(t, "text", text(value), `{"z":4,"a":{"y":2,"b":3}}`)
}
