// Package leak finds secrets in what a system lets out of itself. It is for tests.
package leak

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
)

// Search seeks secrets in what emitters let out. It is safe for concurrent use.
type Search struct {
	mu      sync.Mutex
	sought  map[string]*secret // by value
	emitted map[string]*bytes.Buffer
}

// secret is where a value comes from, and the emitters that have to show it.
type secret struct {
	from    string
	belongs []string
}

// Found is a secret that an emitter has shown.
type Found struct {
	Emitter, From string
	// Before is what stands before it.
	Before string
}

func (f Found) String() string {
	return fmt.Sprintf("%s shows a secret of %s: …%q…", f.Emitter, f.From, f.Before)
}

// shortest is how long a value must be, in bytes: anything shorter turns up by chance.
const shortest = 8

// Plant seeks a value from now on, and in what was emitted before. It may be shown by the emitters to which it belongs. What is too
// short to be a secret is left alone.
func (s *Search) Plant(value, from string, belongs ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(value) < shortest {
		return
	}
	if s.sought == nil {
		s.sought = map[string]*secret{}
	}
	if s.sought[value] == nil {
		s.sought[value] = &secret{from: from}
	}
	s.sought[value].belongs = append(s.sought[value].belongs, belongs...)
}

// Planted lists the values that are sought, sorted.
func (s *Search) Planted() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var values []string
	for value := range s.sought {
		values = append(values, value)
	}
	slices.Sort(values)
	return values
}

// From tells where a planted value comes from; empty for one that isn't planted.
func (s *Search) From(value string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.sought[value]; known != nil {
		return known.from
	}
	return ""
}

// Emit takes in what an emitter lets out.
func (s *Search) Emit(emitter string, text []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.emitted == nil {
		s.emitted = map[string]*bytes.Buffer{}
	}
	if s.emitted[emitter] == nil {
		s.emitted[emitter] = &bytes.Buffer{}
	}
	s.emitted[emitter].Write(append(text, '\n'))
}

// Emitter is Emit as a writer.
func (s *Search) Emitter(name string) io.Writer { return emitter{s, name} }

type emitter struct {
	search *Search
	name   string
}

func (e emitter) Write(p []byte) (int, error) {
	e.search.Emit(e.name, bytes.Clone(p))
	return len(p), nil
}

// Emitted is how much each emitter has let out, in bytes.
func (s *Search) Emitted() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	sizes := map[string]int{}
	for name, text := range s.emitted {
		sizes[name] = text.Len()
	}
	return sizes
}

// Shown reports whether an emitter has let a text out.
func (s *Search) Shown(emitter, text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.emitted[emitter] != nil && bytes.Contains(s.emitted[emitter].Bytes(), []byte(text))
}

// Found lists what was shown by whom it doesn't belong to, each secret once for each emitter, sorted.
func (s *Search) Found() []Found {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Found
	for name, buffer := range s.emitted {
		text := buffer.String()
		for value, secret := range s.sought {
			if slices.Contains(secret.belongs, name) {
				continue
			}
			if i := find(text, value); i >= 0 {
				all = append(all, Found{name, secret.from, text[max(0, i-100):i]})
			}
		}
	}
	slices.SortFunc(all, func(a, b Found) int { return cmp.Or(cmp.Compare(a.Emitter, b.Emitter), cmp.Compare(a.From, b.From)) })
	return all
}

// find gives where a value stands in text in any spelling, -1 if nowhere.
func find(text, value string) int {
	for _, spelling := range Spellings(value) {
		if i := strings.Index(text, spelling); i >= 0 {
			return i
		}
	}
	return -1
}
