package supabase_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/supabase"
	"github.com/project-gimbal/fleet/internal/sim"
	simulator "github.com/project-gimbal/fleet/internal/sim/supabase"
)

// media is a bucket as customers make them.
var media = supabase.Bucket{Name: "Our media & more", MaxBytes: 30 << 20, Types: []string{"image/*"}, Private: true}

// content is n bytes that tell where they are.
func content(n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(i>>16 ^ i>>8 ^ i)
	}
	return out
}

func object(path string, bytes int) supabase.StoredObject {
	return supabase.StoredObject{Bucket: media.Name, Path: path, Bytes: int64(bytes), Type: "image/png", Cache: "max-age=60"}
}

// put stores a file.
func (w *world) put(t *testing.T, ref string, key provider.Secret, o supabase.StoredObject, with []byte) {
	t.Helper()
	if err := w.Upload(attempt(t), ref, key, o, bytes.NewReader(with)); err != nil {
		t.Fatalf("%s: %v", o.Path, err)
	}
}

// withMedia gives a ready project that has the bucket, and its secret key.
func (w *world) withMedia(t *testing.T) (ref string, key provider.Secret) {
	t.Helper()
	p, _ := w.ready(t, "one")
	key, err := w.SecretKey(t.Context(), p.Ref)
	for _, b := range []supabase.Bucket{{Name: "branding"}, media} {
		if err == nil {
			err = w.CreateBucket(attempt(t), p.Ref, key, b)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return p.Ref, key
}

// TestMediaOfASuspendedProject: with legacy keys disabled, the secret key lists, reads and writes everything, whatever it is called.
func TestMediaOfASuspendedProject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Settings{})
		ref, key := w.withMedia(t)
		if err := w.SetLegacyKeys(attempt(t), ref, false); err != nil {
			t.Fatal(err)
		}
		paths := []string{"a.png", "a/b.png", "a/b/c d.png", "a b/100%/ü+&=?#.png", "a%2Fb.png", "Ä/日本.png", "x;y,z'(1)!*$@:.png", ".emptyFolderPlaceholder"}
		for i, path := range paths {
			w.put(t, ref, key, object(path, i), content(i))
		}
		buckets, err := w.Buckets(t.Context(), ref, key)
		if want := []supabase.Bucket{{Name: "branding"}, media}; err != nil || fmt.Sprint(buckets) != fmt.Sprint(want) {
			t.Errorf("buckets %+v, %v", buckets, err)
		}
		page, err := w.Objects(t.Context(), ref, key, media.Name, "")
		if err != nil || page.Next != "" || len(page.Objects) != len(paths) {
			t.Fatalf("%+v, %v", page, err)
		}
		for _, o := range page.Objects {
			i := slices.Index(paths, o.Path)
			if i < 0 || o.Bytes != int64(i) || o.Type != "image/png" || o.Cache != "max-age=60" || o.Bucket != media.Name || o.Changed.IsZero() {
				t.Errorf("listed %+v", o)
				continue
			}
			got, err := read(w.Download(t.Context(), ref, key, o, 0))
			if err != nil || !bytes.Equal(got, content(i)) {
				t.Errorf("%s: %x, %v", o.Path, got, err)
			}
		}
	})
}

func read(r io.ReadCloser, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	got, err := io.ReadAll(r)
	return got, errors.Join(err, r.Close())
}

// TestObjectsComeInPages: every file on exactly one, also when the listing is taken up again later.
func TestObjectsComeInPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Settings{})
		ref, key := w.withMedia(t)
		const files = 1001
		for i := range files {
			w.put(t, ref, key, object(fmt.Sprintf("%d/%d.png", i%7, i), 1), []byte{1})
		}
		seen, cursor, pages := map[string]bool{}, "", 0
		for {
			page, err := w.Objects(t.Context(), ref, key, media.Name, cursor)
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range page.Objects {
				if seen[o.Path] {
					t.Errorf("%s is listed twice", o.Path)
				}
				seen[o.Path] = true
			}
			pages++
			if cursor = page.Next; cursor == "" {
				break
			}
			w.put(t, ref, key, object("0/0", 1), []byte{1}) // it lies before, and shifts nothing
			w.sleep(t, time.Hour)
		}
		if delete(seen, "0/0"); len(seen) != files || pages != 3 {
			t.Errorf("%d files on %d pages", len(seen), pages)
		}
		if page, err := w.Objects(t.Context(), ref, key, "no such bucket", ""); err != nil || len(page.Objects) != 0 {
			t.Errorf("no such bucket: %+v, %v", page, err)
		}
	})
}

// TestLargeFiles: up and down in parts, from any offset, none larger than a part.
func TestLargeFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Settings{})
		ref, key := w.withMedia(t)
		for _, n := range []int{0, 1, 4 << 20, 4<<20 + 1, supabase.UploadPart, supabase.UploadPart + 1, 2*supabase.UploadPart + 12345} {
			o, want := object("big.png", n), content(n)
			*w.calls = nil
			w.put(t, ref, key, o, want)
			if calls := len(*w.calls); n > supabase.UploadPart && calls != 1+(n+supabase.UploadPart-1)/supabase.UploadPart || n <= supabase.UploadPart && calls != 1 {
				t.Errorf("%d bytes: %d calls", n, calls)
			}
			page, err := w.Objects(t.Context(), ref, key, media.Name, "")
			if err != nil || len(page.Objects) != 1 || page.Objects[0].Bytes != int64(n) || page.Objects[0].Cache != "max-age=60" {
				t.Errorf("%d bytes: listed %+v, %v", n, page.Objects, err)
			}
			for _, from := range []int{0, n / 3, max(n-1, 0), n} {
				got, err := read(w.Download(t.Context(), ref, key, o, int64(from)))
				if err != nil || sha256.Sum256(got) != sha256.Sum256(want[from:]) {
					t.Errorf("%d bytes from %d: %d bytes, %v", n, from, len(got), err)
				}
			}
		}
		for _, from := range []int64{-1, 2} {
			if _, err := w.Download(t.Context(), ref, key, object("big.png", 1), from); !fault.NothingHappened(err) || fault.CodeOf(err).Transient() {
				t.Errorf("from %d: %v", from, err)
			}
		}
	})
}

// TestFilesThatChange: what was begun as one file doesn't end as another.
func TestFilesThatChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Settings{})
		ref, key := w.withMedia(t)
		const n = 5 << 20
		o := object("big.png", n)
		for name, then := range map[string][]byte{"as long as before": bytes.Repeat([]byte("x"), n), "longer": content(n + 1), "shorter": content(n - 1), "much shorter": content(1)} {
			w.put(t, ref, key, o, content(n))
			r, err := w.Download(t.Context(), ref, key, o, 0)
			if err != nil {
				t.Fatal(err)
			}
			w.put(t, ref, key, object(o.Path, len(then)), then)
			if got, err := io.ReadAll(r); !fault.Is(err, fault.Conflict) || len(got) != 4<<20 {
				t.Errorf("%s: %d bytes, %v", name, len(got), err)
			}
			if _, err := w.Download(t.Context(), ref, key, o, 0); len(then) != n && !fault.Is(err, fault.Conflict) {
				t.Errorf("%s, from the beginning: %v", name, err)
			}
		}
		for _, gone := range []supabase.StoredObject{object("none.png", 1), {Bucket: "none", Path: "x", Bytes: 1}} {
			if _, err := w.Download(t.Context(), ref, key, gone, 0); !provider.NotFound(err) {
				t.Errorf("%+v: %v", gone, err)
			}
		}
	})
}

// TestUploadsThatBreakOff: nothing is there before the whole is, and what went wrong can be gone on with.
func TestUploadsThatBreakOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Settings{}, sim.Rule{Call: "supabase.AppendUpload", Kind: sim.Lost, From: 1, To: 1})
		ref, key := w.withMedia(t)
		const n = supabase.UploadPart + 10
		o, whole := object("big.png", n), content(n)
		if err := w.Upload(attempt(t), ref, key, o, bytes.NewReader(whole)); !fault.Is(err, fault.Unavailable) || fault.NothingHappened(err) {
			t.Errorf("a lost answer: %v", err)
		}
		for name, short := range map[string]io.Reader{"short": bytes.NewReader(whole[:n-1]), "broken": iotest.TimeoutReader(bytes.NewReader(whole))} {
			if err := w.Upload(attempt(t), ref, key, o, short); !fault.Is(err, fault.Unavailable) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if page, err := w.Objects(t.Context(), ref, key, media.Name, ""); err != nil || len(page.Objects) != 0 {
			t.Errorf("there already: %+v, %v", page, err)
		}
		upload, err := w.BeginUpload(attempt(t), ref, key, o)
		if err != nil {
			t.Fatal(err)
		}
		w.sleep(t, time.Hour)
		next, err := w.AppendUpload(attempt(t), ref, key, upload, 0, whole[:supabase.UploadPart])
		if err != nil || next != supabase.UploadPart {
			t.Fatalf("%d, %v", next, err)
		}
		if _, err := w.AppendUpload(attempt(t), ref, key, upload, 0, whole[:supabase.UploadPart]); !fault.Is(err, fault.Conflict) || !fault.NothingHappened(err) {
			t.Errorf("the same part again: %v", err)
		}
		if _, err := w.AppendUpload(attempt(t), ref, key, "bm9uZQ", 0, whole[:1]); !provider.NotFound(err) {
			t.Errorf("no such upload: %v", err)
		}
		if _, err := w.AppendUpload(attempt(t), ref, key, upload, next, whole[next:]); err != nil {
			t.Fatal(err)
		}
		if got, err := read(w.Download(t.Context(), ref, key, o, 0)); err != nil || !bytes.Equal(got, whole) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		if _, err := w.BeginUpload(attempt(t), ref, key, supabase.StoredObject{Bucket: "none", Path: "x", Bytes: 1}); !provider.NotFound(err) {
			t.Errorf("no such bucket: %v", err)
		}
	})
}

// TestNamesThatMeanOthers: they are refused before anything is sent.
func TestNamesThatMeanOthers(t *testing.T) {
	s := &stub{status: 200}
	c := stubbed(s)
	for _, o := range []supabase.StoredObject{
		{Bucket: "b", Path: ""}, {Bucket: "", Path: "x"}, {Bucket: "b", Path: "../x"}, {Bucket: "b", Path: "a/../../x"}, {Bucket: "b", Path: "./x"},
		{Bucket: "b", Path: "a//b"}, {Bucket: "b", Path: "/a"}, {Bucket: "b", Path: "a/"}, {Bucket: "..", Path: "x"}, {Bucket: "a/b", Path: "x"},
		{Bucket: "b", Path: "a\nb"}, {Bucket: "b", Path: "\xff"}, {Bucket: "b", Path: strings.Repeat("x", 1025)},
	} {
		_, down := c.Download(t.Context(), ref, keys.Service, o, 0)
		_, begin := c.BeginUpload(attempt(t), ref, keys.Service, o)
		for name, err := range map[string]error{"download": down, "upload": c.Upload(attempt(t), ref, keys.Service, o, strings.NewReader("")), "upload in parts": begin} {
			if !fault.Is(err, fault.Rejected) || !fault.NothingHappened(err) {
				t.Errorf("%s of %q: %v", name, o.Bucket+" "+o.Path, err)
			}
		}
	}
	for _, upload := range []string{"", "..", "a/b", "a?b"} {
		if _, err := c.AppendUpload(attempt(t), ref, keys.Service, upload, 0, nil); !fault.Is(err, fault.Internal) {
			t.Errorf("%q: %v", upload, err)
		}
	}
	if len(s.sent) != 0 {
		t.Errorf("sent %v", s.sent[0].URL)
	}
}

// mediaOperations are calls of Storage on a project that has the bucket and a file in it.
var mediaOperations = map[string]func(ctx context.Context, c *supabase.Client, ref string, key provider.Secret) error{
	"ListBuckets": func(ctx context.Context, c *supabase.Client, ref string, key provider.Secret) error {
		_, err := c.Buckets(ctx, ref, key)
		return err
	},
	"ListObjects": func(ctx context.Context, c *supabase.Client, ref string, key provider.Secret) error {
		_, err := c.Objects(ctx, ref, key, media.Name, "")
		return err
	},
	"GetObject": func(ctx context.Context, c *supabase.Client, ref string, key provider.Secret) error {
		_, err := read(c.Download(ctx, ref, key, object("a/b.png", 3), 0))
		return err
	},
	"BeginUpload": func(ctx context.Context, c *supabase.Client, ref string, key provider.Secret) error {
		_, err := c.BeginUpload(ctx, ref, key, object("a/c.png", 3))
		return err
	},
	"AppendUpload": func(ctx context.Context, c *supabase.Client, ref string, key provider.Secret) error {
		return c.Upload(ctx, ref, key, object("a/d.png", supabase.UploadPart+1), bytes.NewReader(content(supabase.UploadPart+1)))
	},
}

func TestMediaUnderEveryFault(t *testing.T) {
	for operation, call := range mediaOperations {
		for _, want := range []struct {
			kind    sim.Kind
			code    fault.Code
			nothing bool
		}{
			{sim.Refused, fault.Unavailable, true}, {sim.TooMany, fault.Throttled, true}, {sim.Denied, fault.Rejected, true}, {sim.ErrorBefore, fault.Unavailable, false},
			{sim.ErrorAfter, fault.Unavailable, false}, {sim.Lost, fault.Unavailable, false}, {sim.Hang, fault.Unavailable, false}, {sim.Delayed, fault.Unavailable, false},
		} {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, simulator.Settings{}, sim.Rule{Call: "supabase." + operation, Kind: want.kind, From: 1, To: 1})
				ref, key := w.withMedia(t)
				w.put(t, ref, key, object("a/b.png", 3), content(3))
				f := faultOf(t, call(attempt(t), w.Client, ref, key))
				if f.Code != want.code || f.NothingHappened != want.nothing || f.Operation != operation {
					t.Errorf("%s, %s: %v of %s, nothing happened %v", operation, want.kind, f, f.Operation, f.NothingHappened)
				}
				if err := call(attempt(t), w.Client, ref, key); err != nil {
					t.Errorf("%s, %s: again: %v", operation, want.kind, err)
				}
			})
		}
	}
}

func TestMediaNeedsAnAttemptToWrite(t *testing.T) {
	for operation, call := range mediaOperations {
		s := &stub{status: 500}
		writes := strings.HasSuffix(operation, "Upload")
		if err := call(t.Context(), stubbed(s), ref, keys.Service); errors.Is(err, provider.ErrNoAttempt) != writes || (len(s.sent) == 0) != writes {
			t.Errorf("%s outside an attempt: %v, %d sent", operation, err, len(s.sent))
		}
	}
}

// TestMediaAnswers: a success that isn't what was asked for proves nothing.
func TestMediaAnswers(t *testing.T) {
	part := http.Header{"Content-Range": {"bytes 0-2/3"}}
	for name, test := range map[string]struct {
		operation string
		answer    stub
		code      fault.Code // empty: it is good
	}{
		"a part":                  {"GetObject", stub{status: 206, body: "abc", header: part}, ""},
		"the whole":               {"GetObject", stub{status: 200, body: "abc"}, ""},
		"no range":                {"GetObject", stub{status: 206, body: "abc"}, fault.Unavailable},
		"another range":           {"GetObject", stub{status: 206, body: "abc", header: http.Header{"Content-Range": {"bytes 1-2/3"}}}, fault.Unavailable},
		"an odd range":            {"GetObject", stub{status: 206, body: "abc", header: http.Header{"Content-Range": {"bytes */3"}}}, fault.Unavailable},
		"less":                    {"GetObject", stub{status: 206, body: "ab", header: part}, fault.Unavailable},
		"a page":                  {"GetObject", stub{status: 200, body: "<html>"}, fault.Conflict},
		"no content":              {"GetObject", stub{status: 204}, fault.Unavailable},
		"out of range":            {"GetObject", stub{status: 416}, fault.Conflict},
		"no list":                 {"ListObjects", stub{status: 200, body: `{}`}, fault.Unavailable},
		"null":                    {"ListObjects", stub{status: 200, body: `{"objects":null,"hasNext":false}`}, fault.Unavailable},
		"no cursor":               {"ListObjects", stub{status: 200, body: `{"objects":[],"hasNext":true}`}, fault.Unavailable},
		"no name":                 {"ListObjects", stub{status: 200, body: `{"objects":[{"metadata":{"size":1}}],"hasNext":false}`}, fault.Unavailable},
		"no size":                 {"ListObjects", stub{status: 200, body: `{"objects":[{"name":"a","metadata":{}}],"hasNext":false}`}, fault.Unavailable},
		"negative":                {"ListObjects", stub{status: 200, body: `{"objects":[{"name":"a","metadata":{"size":-1}}],"hasNext":false}`}, fault.Unavailable},
		"broken off upload":       {"ListObjects", stub{status: 200, body: `{"objects":[{"name":"a","metadata":null}],"hasNext":false}`}, ""},
		"no buckets":              {"ListBuckets", stub{status: 200, body: `null`}, fault.Unavailable},
		"a bucket without a name": {"ListBuckets", stub{status: 200, body: `[{"public":true}]`}, fault.Unavailable},
		"nowhere":                 {"BeginUpload", stub{status: 201}, fault.Unavailable},
		"elsewhere":               {"BeginUpload", stub{status: 201, header: http.Header{"Location": {"https://evil.example/upload/resumable/../x"}}}, fault.Unavailable},
		"by another host":         {"BeginUpload", stub{status: 201, header: http.Header{"Location": {"http://inside/storage/v1/upload/resumable/bm9uZQ=="}}}, ""},
	} {
		err := mediaOperations[test.operation](attempt(t), stubbed(&test.answer), ref, keys.Service)
		if test.code == "" && err != nil || test.code != "" && !fault.Is(err, test.code) {
			t.Errorf("%s: %v, want %q", name, err, test.code)
		}
	}
	again := roundTrip(func(r *http.Request) (*http.Response, error) {
		return (&stub{status: 200, body: `{"objects":[],"hasNext":true,"nextCursor":"same"}`}).RoundTrip(r)
	})
	if _, err := stubbed(again).Objects(t.Context(), ref, keys.Service, "b", "same"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a list that doesn't get on: %v", err)
	}
}
