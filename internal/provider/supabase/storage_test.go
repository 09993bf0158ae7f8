package supabase_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/supabase"
	"github.com/project-gimbal/fleet/internal/sim"
	simulator "github.com/project-gimbal/fleet/internal/sim/supabase"
)

var (
	branding = supabase.Bucket{Name: "branding", MaxBytes: 10, Types: []string{"image/png"}}
	logo     = supabase.Object{Bucket: "branding", Path: "logo-1.png", Type: "image/png", Cache: "max-age=60", Content: []byte("png")}
)

// storageOperations are those of Storage, on a project that has the bucket.
var storageOperations = []struct {
	name string
	call func(ctx context.Context, c *supabase.Client, ref string, key provider.Secret) error
}{
	{"CreateBucket", func(ctx context.Context, c *supabase.Client, ref string, key provider.Secret) error {
		return c.CreateBucket(ctx, ref, key, supabase.Bucket{Name: "other"})
	}},
	{"UpdateBucket", func(ctx context.Context, c *supabase.Client, ref string, key provider.Secret) error {
		return c.UpdateBucket(ctx, ref, key, branding)
	}},
	{"UploadObject", func(ctx context.Context, c *supabase.Client, ref string, key provider.Secret) error {
		return c.UploadObject(ctx, ref, key, logo)
	}},
}

// public reads a file as anybody does.
func (w *world) public(t *testing.T, ref, path string) *http.Response {
	t.Helper()
	at := config(w.clock, nil).Endpoints.PublicFile(ref, "branding", path)
	out := httptest.NewRecorder()
	w.sim.ServeHTTP(out, httptest.NewRequestWithContext(t.Context(), http.MethodGet, at, nil))
	return out.Result()
}

func TestFilesAreStoredForEverybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Settings{})
		p, keys := w.ready(t, "one")
		ctx := attempt(t)
		if err := w.UploadObject(ctx, p.Ref, keys.Service, logo); !provider.NotFound(err) || !fault.Is(err, fault.Rejected) {
			t.Errorf("without a bucket: %v", err)
		}
		if err := w.CreateBucket(ctx, p.Ref, keys.Service, supabase.Bucket{Name: "branding", MaxBytes: 1}); err != nil {
			t.Fatal(err)
		}
		if err := w.CreateBucket(ctx, p.Ref, keys.Service, branding); !fault.Is(err, fault.Conflict) || !fault.NothingHappened(err) {
			t.Errorf("a second time: %v", err)
		}
		if err := w.UploadObject(ctx, p.Ref, keys.Service, logo); !fault.Is(err, fault.Rejected) || !strings.Contains(err.Error(), "HTTP 413 EntityTooLarge") {
			t.Errorf("too large: %v", err)
		}
		if err := w.UpdateBucket(ctx, p.Ref, keys.Service, branding); err != nil {
			t.Fatal(err)
		}
		page := logo
		page.Type = "text/html"
		if err := w.UploadObject(ctx, p.Ref, keys.Service, page); !fault.Is(err, fault.Rejected) || !strings.Contains(err.Error(), "HTTP 415 InvalidMimeType") {
			t.Errorf("another type: %v", err)
		}
		if err := w.UploadObject(ctx, p.Ref, keys.Anonymous, logo); !fault.Is(err, fault.Rejected) || !strings.Contains(err.Error(), "HTTP 403 AccessDenied") {
			t.Errorf("with the anonymous key: %v", err)
		}
		for range 2 { // a repeat writes over what is there
			if err := w.UploadObject(ctx, p.Ref, keys.Service, logo); err != nil {
				t.Fatal(err)
			}
		}
		got := w.public(t, p.Ref, "logo-1.png")
		content := make([]byte, 4)
		n, _ := got.Body.Read(content)
		if got.StatusCode != 200 || string(content[:n]) != "png" || got.Header.Get("Content-Type") != "image/png" ||
			got.Header.Get("Cache-Control") != "max-age=60" || got.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%d %q %v", got.StatusCode, content[:n], got.Header)
		}
		if got := w.public(t, p.Ref, "logo-2.png"); got.StatusCode != 400 {
			t.Errorf("a file that isn't there: %d", got.StatusCode)
		}
		saved, err := w.sim.Save()
		if err == nil {
			err = w.sim.Load(saved)
		}
		if got := w.public(t, p.Ref, "logo-1.png"); err != nil || got.StatusCode != 200 {
			t.Errorf("after a restart: %d, %v", got.StatusCode, err)
		}
	})
}

func TestStorageUnderEveryFault(t *testing.T) {
	for _, o := range storageOperations {
		for _, want := range []struct {
			kind    sim.Kind
			code    fault.Code
			nothing bool
			retry   time.Duration
		}{
			{sim.Refused, fault.Unavailable, true, 0}, {sim.TooMany, fault.Throttled, true, 0}, {sim.TooManyRetry, fault.Throttled, true, 7 * time.Second},
			{sim.Denied, fault.Rejected, true, 0}, {sim.ErrorBefore, fault.Unavailable, false, 0}, {sim.ErrorAfter, fault.Unavailable, false, 0},
			{sim.Lost, fault.Unavailable, false, 0}, {sim.Hang, fault.Unavailable, false, 0}, {sim.Delayed, fault.Unavailable, false, 0},
		} {
			t.Run(o.name+"/"+string(want.kind), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					first := 1
					if o.name == "CreateBucket" {
						first = 2 // the one of the test's own bucket
					}
					w := newWorld(t, simulator.Settings{}, sim.Rule{Call: "supabase." + o.name, Kind: want.kind, After: 7 * time.Second, From: first, To: first})
					p, keys := w.ready(t, "one")
					if err := w.CreateBucket(attempt(t), p.Ref, keys.Service, branding); err != nil {
						t.Fatal(err)
					}
					f := faultOf(t, o.call(attempt(t), w.Client, p.Ref, keys.Service))
					if f.Code != want.code || f.NothingHappened != want.nothing || f.RetryAfter != want.retry || f.Operation != o.name {
						t.Errorf("%v of %s: nothing happened %v, retry after %v", f, f.Operation, f.NothingHappened, f.RetryAfter)
					}
					time.Sleep(time.Minute) // what was delayed has landed
					err := o.call(attempt(t), w.Client, p.Ref, keys.Service)
					landed := slices.Contains([]sim.Kind{sim.ErrorAfter, sim.Lost, sim.Delayed}, want.kind)
					if o.name == "CreateBucket" && landed {
						if !fault.Is(err, fault.Conflict) {
							t.Errorf("again: %v", err)
						}
					} else if err != nil {
						t.Errorf("again: %v", err)
					}
				})
			})
		}
	}
}

func TestStorageNeedsAnAttempt(t *testing.T) {
	for _, o := range storageOperations {
		s := &stub{status: 500}
		if err := o.call(t.Context(), stubbed(s), ref, keys.Service); !errors.Is(err, provider.ErrNoAttempt) || len(s.sent) != 0 {
			t.Errorf("%s outside an attempt: %v", o.name, err)
		}
	}
}

// TestStorageTellsTheRealStatusInTheBody: https://supabase.com/docs/guides/storage/debugging/error-codes.
func TestStorageTellsTheRealStatusInTheBody(t *testing.T) {
	for name, c := range map[string]struct {
		status  int
		body    string
		code    fault.Code
		nothing bool
		shown   int
	}{
		"duplicate":          {400, `{"statusCode":"409","error":"Duplicate","message":"sesame","code":"KeyAlreadyExists"}`, fault.Conflict, true, 409},
		"no bucket":          {400, `{"statusCode":"404","error":"sesame","code":"NoSuchBucket"}`, fault.Rejected, true, 404},
		"database":           {400, `{"statusCode":"544","error":"sesame","code":"DatabaseTimeout"}`, fault.Unavailable, false, 544},
		"internal":           {400, `{"statusCode":"500","code":"InternalError"}`, fault.Unavailable, false, 500},
		"slow down":          {400, `{"statusCode":"503","code":"SlowDown"}`, fault.Throttled, true, 503},
		"throttled":          {429, `{"statusCode":"429","code":"too_many_connections"}`, fault.Throttled, true, 429},
		"plain status":       {403, `{"message":"sesame"}`, fault.Rejected, true, 403},
		"odd code":           {400, `{"statusCode":"413","code":"<sesame>"}`, fault.Rejected, true, 413},
		"proxy's page":       {400, `<html>sesame</html>`, fault.Unavailable, false, 0},
		"another document":   {400, `{"message":"sesame"}`, fault.Unavailable, false, 0},
		"status out of play": {400, `{"statusCode":"200"}`, fault.Unavailable, false, 0},
		"gateway's 404":      {404, `{"error":"sesame"}`, fault.Unavailable, false, 0},
		"bad gateway":        {502, ``, fault.Unavailable, false, 502},
		"another's answer":   {200, `{"Key":"branding/else.png","name":"else"}`, fault.Unavailable, false, 200},
		"no answer":          {200, ``, fault.Unavailable, false, 200},
	} {
		for _, o := range storageOperations {
			f := faultOf(t, o.call(attempt(t), stubbed(&stub{status: c.status, body: c.body}), ref, keys.Service))
			if f.Code != c.code || f.NothingHappened != c.nothing || f.Status != c.shown || strings.Contains(f.Error(), "sesame") {
				t.Errorf("%s, %s: %v, nothing happened %v", name, o.name, f, f.NothingHappened)
			}
		}
	}
}

func TestStorageTakesPlainNamesOnly(t *testing.T) {
	for _, name := range []string{"", "..", "../x", "a//b", "/a", "a/", "a b", "a%2fb", "a?b", "A", "ä"} {
		s := &stub{status: 200}
		o := logo
		o.Path = name
		if err := stubbed(s).UploadObject(attempt(t), ref, keys.Service, o); !fault.Is(err, fault.Internal) || len(s.sent) != 0 {
			t.Errorf("%q: %v", name, err)
		}
	}
}
