package sim_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/sim"
)

// vendor is an API on which things can be posted. A call takes a second.
type vendor struct {
	sim.Router
	name string

	mu       sync.Mutex
	posted   []string
	at       []time.Time // when each took effect
	visible  []time.Time
	hostSeen string
}

func newVendor(name string) *vendor {
	v := &vendor{name: name}
	v.Handle("POST /things", "CreateThing", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if clock.System().Sleep(r.Context(), time.Second) != nil {
			return // a caller's death must not come so far
		}
		v.mu.Lock()
		defer v.mu.Unlock()
		v.posted, v.at = append(v.posted, string(body)), append(v.at, time.Now())
		v.visible = append(v.visible, sim.Options{Clock: clock.System(), Lag: 2 * time.Second}.VisibleAt(r))
		v.hostSeen = r.Host
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, "made")
	})
	v.Handle("GET /things", "ListThings", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "[]") })
	return v
}

func (v *vendor) Name() string { return v.name }

func (v *vendor) Fail(w http.ResponseWriter, status int, after time.Duration) {
	if after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(after.Seconds())))
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "failed by "+v.name)
}

func (v *vendor) Inventory() []sim.Held   { return nil }
func (v *vendor) Save() ([]byte, error)   { return nil, nil }
func (v *vendor) Load(state []byte) error { return nil }

func (v *vendor) count() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.posted)
}

const host = "https://api.vendor.test"

func newLink(t *testing.T, script string) (*sim.Link, *vendor) {
	t.Helper()
	rules, err := sim.ParseRules(script)
	if err != nil {
		t.Fatal(err)
	}
	l, v := &sim.Link{Clock: clock.System(), Script: sim.NewScript(rules...)}, newVendor("vendor")
	if err := l.Add(host, v, nil); err != nil {
		t.Fatal(err)
	}
	return l, v
}

// send posts or gets under a limit of ten seconds; the answer is status and body.
func send(t *testing.T, l *sim.Link, method, url, body string) (int, string, error) {
	t.Helper()
	ctx, cancel := clock.System().WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := l.RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	text, err := io.ReadAll(answer.Body)
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		t.Fatal(err)
	}
	if answer.Request != req {
		t.Error("the answer does not know its request")
	}
	if after := answer.Header.Get("Retry-After"); after != "" {
		return answer.StatusCode, string(text) + " after " + after, nil
	}
	return answer.StatusCode, string(text), nil
}

// TestKinds: what each kind does to the caller and at the vendor, and when.
func TestKinds(t *testing.T) {
	for _, test := range []struct {
		fault   string
		status  int
		answer  string
		err     error
		took    time.Duration
		effects int           // when all is over
		effect  time.Duration // when, since the call was sent
		shown   time.Duration // when lists show it
	}{
		{"", 201, "made", nil, time.Second, 1, time.Second, 3 * time.Second},
		{"refused", 0, "", syscall.ECONNREFUSED, 0, 0, 0, 0},
		{"429", 429, "failed by vendor", nil, 0, 0, 0, 0},
		{"429-retry", 429, "failed by vendor after 5", nil, 0, 0, 0, 0},
		{"429-retry:20s", 429, "failed by vendor after 20", nil, 0, 0, 0, 0},
		{"403", 403, "failed by vendor", nil, 0, 0, 0, 0},
		{"500-before", 500, "failed by vendor", nil, 0, 0, 0, 0},
		{"500-after", 500, "failed by vendor", nil, time.Second, 1, time.Second, 3 * time.Second},
		{"lost", 0, "", syscall.ECONNRESET, time.Second, 1, time.Second, 3 * time.Second},
		{"hang", 0, "", context.DeadlineExceeded, 10 * time.Second, 0, 0, 0},
		{"delayed", 0, "", context.DeadlineExceeded, 10 * time.Second, 1, 26 * time.Second, 28 * time.Second},
		{"delayed:2s", 0, "", context.DeadlineExceeded, 10 * time.Second, 1, 3 * time.Second, 5 * time.Second},
		{"late", 201, "made", nil, time.Second, 1, time.Second, 31 * time.Second},
		{"late:90s", 201, "made", nil, time.Second, 1, time.Second, 91 * time.Second},
	} {
		t.Run(test.fault, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				script := ""
				if test.fault != "" {
					script = "vendor.CreateThing=" + test.fault
				}
				l, v := newLink(t, script)
				var seen []sim.Call
				l.Observe = func(_ context.Context, c sim.Call) { seen = append(seen, c) }
				start := time.Now()
				status, answer, err := send(t, l, "POST", host+"/things", "one")
				if status != test.status || answer != test.answer || !errors.Is(err, test.err) || time.Since(start) != test.took {
					t.Errorf("%d %q %v after %s", status, answer, err, time.Since(start))
				}
				l.Drain()
				if v.count() != test.effects {
					t.Fatalf("it took effect %d times", v.count())
				}
				if test.effects == 1 && (v.posted[0] != "one" || v.at[0].Sub(start) != test.effect || v.visible[0].Sub(start) != test.shown) {
					t.Errorf("%q took effect after %s, shown after %s", v.posted, v.at[0].Sub(start), v.visible[0].Sub(start))
				}
				kind, _, _ := strings.Cut(test.fault, ":")
				want := sim.Call{Vendor: "vendor", Operation: "CreateThing", Method: "POST", Path: "/things", Start: start.UTC(),
					End: start.Add(test.took).UTC(), Status: test.status, Fault: sim.Kind(kind)}
				if len(seen) != 1 || seen[0] != want {
					t.Errorf("seen %+v, want %+v", seen, want)
				}
				if status, answer, err := send(t, l, "POST", host+"/things", "two"); status != 201 || answer != "made" || err != nil {
					t.Errorf("the second call: %d %q %v", status, answer, err)
				}
			})
		})
	}
}

// TestEffectsOutliveTheirCaller: what was sent lands though its caller gave up, and Drain waits for it.
func TestEffectsOutliveTheirCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, v := newLink(t, "")
		var settled int
		l.Settled = func(by sim.Vendor) {
			if settled++; by != v {
				t.Error("another vendor settled")
			}
		}
		ctx, cancel := clock.System().WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, "POST", host+"/things", strings.NewReader("one"))
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if _, err := l.RoundTrip(req); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 300*time.Millisecond || v.count() != 0 {
			t.Errorf("%v after %s, %d effects", err, time.Since(start), v.count())
		}
		l.Drain()
		if v.count() != 1 || settled != 1 || time.Since(start) != time.Second {
			t.Errorf("%d effects, settled %d times, drained after %s", v.count(), settled, time.Since(start))
		}
		if _, _, err := send(t, l, "GET", host+"/things", ""); err != nil || settled != 1 {
			t.Errorf("a read settled something, %v", err)
		}
	})
}

func TestHosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &sim.Link{Clock: clock.System(), Script: sim.NewScript()}
		exact, wild, deep := newVendor("exact"), newVendor("wild"), newVendor("deep")
		for base, v := range map[string]*vendor{"https://api.x.test/base": exact, "https://*.x.test": wild, "https://*.y.x.test": deep, "http://127.0.0.1:80": exact} {
			if err := l.Add(base, v, nil); err != nil {
				t.Fatal(err)
			}
		}
		var name string
		l.Observe = func(_ context.Context, c sim.Call) { name = c.Vendor }
		for u, want := range map[string]string{"https://api.x.test/things": "exact", "https://abc.x.test/things": "wild", "https://a.y.x.test/things": "deep",
			"http://127.0.0.1:80/things": "exact"} {
			if status, _, err := send(t, l, "GET", u, ""); err != nil || status != 200 || name != want {
				t.Errorf("%s is %s: %d, %v", u, name, status, err)
			}
		}
		for _, u := range []string{"https://x.test/", "https://a.b.x.test/", "https://other.test/", "http://127.0.0.1:81/", "https://.x.test.evil/", "https://api.x.test:8443/"} {
			if status, _, err := send(t, l, "GET", u, ""); err == nil {
				t.Errorf("%s answered %d", u, status)
			}
		}
		for _, base := range []string{"", "api.x.test", "/base", "https://", "://x"} {
			if err := l.Add(base, exact, nil); err == nil {
				t.Errorf("%q was taken for a base URL", base)
			}
		}
		if _, _, err := send(t, l, "POST", "https://abc.x.test/things", "one"); err != nil || wild.hostSeen != "abc.x.test" {
			t.Errorf("the vendor saw host %q, %v", wild.hostSeen, err)
		}
	})
}

// TestOverHTTP: a vendor behind a transport answers as one in-process, and faults strike there as well.
func TestOverHTTP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner, v := newLink(t, "")
		rules, err := sim.ParseRules("vendor.CreateThing=lost@2")
		if err != nil {
			t.Fatal(err)
		}
		l := &sim.Link{Clock: clock.System(), Script: sim.NewScript(rules...)}
		if err := l.Add(host, v, inner); err != nil {
			t.Fatal(err)
		}
		if status, answer, err := send(t, l, "POST", host+"/things", "one"); status != 201 || answer != "made" || err != nil {
			t.Errorf("%d %q %v", status, answer, err)
		}
		if _, _, err := send(t, l, "POST", host+"/things", "two"); !errors.Is(err, syscall.ECONNRESET) || v.count() != 2 {
			t.Errorf("%v, %d effects", err, v.count())
		}
		unreachable := &sim.Link{Clock: clock.System(), Script: sim.NewScript()}
		if err := unreachable.Add(host, v, &sim.Link{Clock: clock.System(), Script: sim.NewScript()}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := send(t, unreachable, "GET", host+"/things", ""); err == nil {
			t.Error("a vendor that can't be reached answered")
		}
	})
}

type brokenBody struct{}

func (brokenBody) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestBodyThatBreaksOff(t *testing.T) {
	l, v := newLink(t, "")
	req, err := http.NewRequestWithContext(t.Context(), "POST", host+"/things", brokenBody{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.RoundTrip(req); !errors.Is(err, io.ErrUnexpectedEOF) || v.count() != 0 {
		t.Errorf("%v, %d effects", err, v.count())
	}
}

func TestRouter(t *testing.T) {
	var r sim.Router
	if len(r.Operations()) != 0 {
		t.Errorf("operations of nothing: %v", r.Operations())
	}
	said := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
	}
	r.Handle("GET /v1/things/{id}", "GetThing", said("get"))
	r.Handle("DELETE /v1/things/{id}", "DeleteThing", said("delete"))
	r.Handle("GET /v1/things/special", "GetSpecial", said("special"))
	for call, want := range map[string]string{"GET /v1/things/5": "GetThing", "HEAD /v1/things/5": "GetThing", "DELETE /v1/things/5": "DeleteThing",
		"GET /v1/things/special": "GetSpecial", "DELETE /v1/things/special": "DeleteThing", "POST /v1/things/5": "", "GET /v1/things": "", "GET /": ""} {
		method, path, _ := strings.Cut(call, " ")
		req, err := http.NewRequestWithContext(t.Context(), method, host+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Operation(req); got != want {
			t.Errorf("%s is %q, want %q", call, got, want)
		}
	}
	if names := r.Operations(); len(names) != 3 {
		t.Errorf("operations: %v", names)
	}
}

func TestVisibleAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := sim.Options{Clock: clock.System(), Lag: 2 * time.Second}
		for header, want := range map[string]time.Duration{"": 2 * time.Second, "30s": 30 * time.Second, "0s": 0, "soon": 2 * time.Second} {
			req, err := http.NewRequestWithContext(t.Context(), "POST", host, nil)
			if err != nil {
				t.Fatal(err)
			}
			if header != "" {
				req.Header.Set(sim.VisibleAfter, header)
			}
			if at := o.VisibleAt(req); time.Until(at) != want {
				t.Errorf("%q: visible in %s", header, time.Until(at))
			}
		}
	})
}
