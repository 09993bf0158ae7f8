// Package objectstest is what every objects.Store must pass.
package objectstest

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/objects"
)

// Suite tests an empty store.
func Suite(t *testing.T, s objects.Store) { SuiteExcept(t, s, nil) }

// SuiteExcept leaves out tests that a store is known to fail, by name, and says why.
func SuiteExcept(t *testing.T, s objects.Store, known map[string]string) {
	for name, test := range map[string]func(*testing.T, objects.Store){"put": put, "once": once, "upload": upload, "aborted": aborted,
		"wrong parts": wrongParts, "list": list, "nothing there": nothing} {
		t.Run(name, func(t *testing.T) {
			if why := known[name]; why != "" {
				t.Skip("SKIPPED: " + why)
			}
			test(t, s)
		})
	}
}

// Content reads an object from an offset on.
func Content(t *testing.T, s objects.Store, key string, offset int64) []byte {
	t.Helper()
	r, err := s.Read(t.Context(), key, offset)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	return content
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

func put(t *testing.T, s objects.Store) {
	tags := map[string]bool{}
	for _, body := range [][]byte{[]byte("first"), []byte("the second"), {}, []byte("thirs")} {
		if err := s.Put(t.Context(), "a/b-c_d.json", body); err != nil {
			t.Fatal(err)
		}
		o, err := s.Head(t.Context(), "a/b-c_d.json")
		if err != nil || o.Size != int64(len(body)) || o.Key != "a/b-c_d.json" || tags[o.Tag] {
			t.Errorf("%+v, %v, after %v", o, err, tags)
		}
		if again, err := s.Head(t.Context(), o.Key); err != nil || again != o {
			t.Errorf("%+v, %v, and it was %+v", again, err, o)
		}
		tags[o.Tag] = true
		if got := Content(t, s, "a/b-c_d.json", 0); !bytes.Equal(got, body) {
			t.Errorf("%q, want %q", got, body)
		}
	}
	if err := s.Put(t.Context(), "a/b-c_d.json", []byte("0123456789")); err != nil {
		t.Fatal(err)
	}
	if got := string(Content(t, s, "a/b-c_d.json", 7)); got != "789" {
		t.Errorf("from 7 on: %q", got)
	}
}

func once(t *testing.T, s objects.Store) {
	if err := s.PutOnce(t.Context(), "once/x", []byte("first")); err != nil {
		t.Fatal(err)
	}
	if err := s.PutOnce(t.Context(), "once/x", []byte("second")); !errors.Is(err, objects.ErrExists) {
		t.Errorf("a second one: %v", err)
	}
	if got := string(Content(t, s, "once/x", 0)); got != "first" {
		t.Errorf("%q", got)
	}
}

func upload(t *testing.T, s objects.Store) {
	const key = "big/file.sql"
	id, err := s.Begin(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	first, last := random(objects.MinPart+1), random(10)
	if _, err := s.Part(t.Context(), key, id, 1, random(objects.MinPart)); err != nil {
		t.Fatal(err)
	}
	two, err := s.Part(t.Context(), key, id, 2, last)
	if err != nil {
		t.Fatal(err)
	}
	one, err := s.Part(t.Context(), key, id, 1, first) // again, with other content
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Head(t.Context(), key); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before it is complete: %v", err)
	}
	for range 2 { // the answer to the first was lost
		if err := s.Complete(t.Context(), key, id, []objects.Part{one, two}); err != nil {
			t.Fatal(err)
		}
	}
	if got := Content(t, s, key, 0); !bytes.Equal(got, slices.Concat(first, last)) {
		t.Errorf("%d bytes, want %d others", len(got), len(first)+len(last))
	}
	if got := Content(t, s, key, int64(len(first))); !bytes.Equal(got, last) {
		t.Errorf("the end: %d bytes", len(got))
	}
}

// begun is an upload with two small parts.
func begun(t *testing.T, s objects.Store, key string) (upload string, parts []objects.Part) {
	upload, err := s.Begin(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 2 {
		p, err := s.Part(t.Context(), key, upload, n+1, []byte("small"))
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, p)
	}
	return upload, parts
}

func wrongParts(t *testing.T, s objects.Store) {
	const key = "refused/x"
	upload, parts := begun(t, s, key)
	for what, wrong := range map[string][]objects.Part{"a small part before the last": parts,
		"one that was never written": {parts[0], {Number: 7, Tag: parts[1].Tag}}, "another tag": {{Number: 1, Tag: parts[0].Tag + "0"}}} {
		if err := s.Complete(t.Context(), key, upload, wrong); !fault.Is(err, fault.Internal) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := s.Complete(t.Context(), key, upload, parts[:1]); err != nil {
		t.Errorf("the right ones after that: %v", err)
	}
}

func aborted(t *testing.T, s objects.Store) {
	const key = "aborted/x"
	upload, parts := begun(t, s, key)
	if err := s.Complete(t.Context(), key, upload, nil); !fault.Is(err, fault.Internal) {
		t.Errorf("of no parts: %v", err)
	}
	for range 2 {
		if err := s.Abort(t.Context(), key, upload); err != nil {
			t.Errorf("abort: %v", err)
		}
	}
	if err := s.Complete(t.Context(), key, upload, parts[:1]); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("complete what was aborted: %v", err)
	}
	if _, err := s.Part(t.Context(), key, upload, 1, []byte("x")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a part of what was aborted: %v", err)
	}
	for _, n := range []int{0, -1, objects.MaxParts + 1} {
		if _, err := s.Part(t.Context(), key, upload, n, []byte("x")); !fault.Is(err, fault.Internal) {
			t.Errorf("part %d: %v", n, err)
		}
	}
}

func list(t *testing.T, s objects.Store) {
	for _, key := range []string{"list/b", "list/a/2", "list/a/1", "lisp"} {
		if err := s.Put(t.Context(), key, []byte(key)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Begin(t.Context(), "list/never"); err != nil {
		t.Fatal(err)
	}
	all, err := s.List(t.Context(), "list/")
	want := []objects.Object{{Key: "list/a/1", Size: 8}, {Key: "list/a/2", Size: 8}, {Key: "list/b", Size: 6}}
	if err != nil || !slices.Equal(all, want) {
		t.Errorf("%v, %v", all, err)
	}
}

func nothing(t *testing.T, s objects.Store) {
	if _, err := s.Head(t.Context(), "none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("head: %v", err)
	}
	if _, err := s.Read(t.Context(), "none", 0); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read: %v", err)
	}
	if all, err := s.List(t.Context(), "none/"); err != nil || len(all) != 0 {
		t.Errorf("list: %v, %v", all, err)
	}
	for _, key := range []string{"", "/a", "../a", "a/../b", "a//b", ".uploads/x", "a/.hidden", "a b", "a\x00", "é", strings.Repeat("a", 513)} {
		if err := s.Put(t.Context(), key, nil); !fault.Is(err, fault.Internal) {
			t.Errorf("put %q: %v", key, err)
		}
		if _, err := s.Begin(t.Context(), key); !fault.Is(err, fault.Internal) {
			t.Errorf("begin %q: %v", key, err)
		}
		if _, err := s.Head(t.Context(), key); !fault.Is(err, fault.Internal) {
			t.Errorf("head %q: %v", key, err)
		}
	}
}
