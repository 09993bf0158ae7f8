package asl

import (
	"slices"
	"unicode/utf16"
)

// members is a JSON object. Its fields keep their order, which shows where a path lists them or a function writes them.
// What others may hold is not changed any more.
type members struct {
	keys   []string
	values []any
	index  map[string]int // of the keys, where there are many
}

// fewMembers are found faster without an index.
const fewMembers = 8

// newMembers has room for as many fields.
func newMembers(size int) *members {
	return &members{keys: make([]string, 0, size), values: make([]any, 0, size)}
}

// membersOf makes one of pairs of a field's name and value.
func membersOf(pairs ...any) *members {
	m := newMembers(len(pairs) / 2)
	for i := 0; i+1 < len(pairs); i += 2 {
		name, _ := pairs[i].(string)
		m.set(name, pairs[i+1])
	}
	return m
}

// find is where a field is; -1 for nowhere.
func (m *members) find(key string) int {
	if m.index == nil {
		return slices.Index(m.keys, key)
	}
	if i, there := m.index[key]; there {
		return i
	}
	return -1
}

// set gives a field its value. A new field comes last, another one stays where it is.
func (m *members) set(key string, value any) {
	if i := m.find(key); i >= 0 {
		m.values[i] = value
		return
	}
	m.keys = append(m.keys, key)
	m.values = append(m.values, value)
	switch {
	case m.index != nil:
		m.index[key] = len(m.keys) - 1
	case len(m.keys) > fewMembers:
		m.index = make(map[string]int, 2*len(m.keys))
		for i, key := range m.keys {
			m.index[key] = i
		}
	}
}

// get finds a field; nothing is in a nil object.
func (m *members) get(key string) (any, bool) {
	if m == nil {
		return nil, false
	}
	if i := m.find(key); i >= 0 {
		return m.values[i], true
	}
	return nil, false
}

// with is a copy in which a field has another value.
func (m *members) with(key string, value any) *members {
	changed := newMembers(len(m.keys) + 1)
	for i, k := range m.keys {
		changed.set(k, m.values[i])
	}
	changed.set(key, value)
	return changed
}

// hashed brings names into the order in which a Java HashMap lists them. AWS was seen to list so what templates compute
// and what States.JsonMerge gives.
func hashed(names []string) []string {
	buckets := uint32(16)
	for float64(len(names)) > 0.75*float64(buckets) {
		buckets *= 2
	}
	bucket := func(name string) uint32 {
		var h uint32
		for _, unit := range utf16.Encode([]rune(name)) {
			h = 31*h + uint32(unit)
		}
		return (h ^ h>>16) & (buckets - 1)
	}
	ordered := slices.Clone(names)
	slices.SortStableFunc(ordered, func(a, b string) int { return int(bucket(a)) - int(bucket(b)) })
	return ordered
}
