package step_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/budget"
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/step/bounds"
)

// asker asks a vendor through a gate, as functions do.
type asker struct {
	r        *rig
	env      step.Env
	sent     int
	way      http.RoundTripper
	method   string
	patience time.Duration // how long it waits for the answer
}

func newAsker(r *rig, answer func(*http.Request) (*http.Response, error)) *asker {
	a := &asker{r: r, env: r.env(r.clock, nil), method: http.MethodGet, patience: bounds.Call}
	a.env.Gate = step.NewGate(r.store, a.env.Clock, a.env.Log, nil)
	a.way = a.env.Gate.Before(trip(func(q *http.Request) (*http.Response, error) {
		a.sent++
		return answer(q)
	}), provider.Production())
	return a
}

// ask sends one request from a function, and gives the fault that a client makes of the error.
func (a *asker) ask(f catalog.Function, url string) error {
	a.r.t.Helper()
	var asked error
	function := step.Event(func(ctx context.Context, _ step.Env) error {
		ctx, cancel := a.env.Clock.WithTimeout(ctx, a.patience)
		defer cancel()
		q, err := http.NewRequestWithContext(ctx, a.method, url, nil)
		if err != nil {
			return err
		}
		answer, err := a.way.RoundTrip(q)
		if err != nil {
			asked = provider.Failed("supabase", "GetProject", err)
			return nil
		}
		return answer.Body.Close()
	})
	a.env.Request = a.env.Nonce()
	if _, err := step.Invoke(a.r.t.Context(), a.env, f, function, json.RawMessage("{}")); err != nil {
		a.r.t.Fatal(err)
	}
	return asked
}

// probe probes a minute later, and tells whether the vendor is back by it.
func (a *asker) probe(err error) bool {
	a.r.t.Helper()
	time.Sleep(time.Minute)
	back, failed := a.env.Gate.Probe(a.r.t.Context(), fleet.Outage{Vendor: "supabase"}, "watch", func(context.Context) error { return err })
	if failed != nil {
		a.r.t.Fatal(failed)
	}
	return back
}

// wantOver judges that there was one incident, of that reason, which is over.
func (a *asker) wantOver(reason string) {
	a.r.t.Helper()
	incidents, err := a.r.store.Incidents(a.r.t.Context(), fleet.FleetID)
	if err != nil || len(incidents) != 1 || incidents[0].ClosedAt.IsZero() || !strings.Contains(incidents[0].Reason, reason) {
		a.r.t.Errorf("incidents: %+v, %v", incidents, err)
	}
}

func answering(status int) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) {
		out := httptest.NewRecorder()
		out.WriteHeader(status)
		return out.Result(), nil
	}
}

const management = "https://api.supabase.com/v1/projects"

// TestSweepsAndProvisioningsLeaveEachOtherTheirs: whoever uses up what it can have is throttled before anything is sent, and told for
// how long; the others still have their reserve.
func TestSweepsAndProvisioningsLeaveEachOtherTheirs(t *testing.T) {
	inBubble(t, func(r *rig) {
		a := newAsker(r, answering(http.StatusOK))
		b, _ := budget.Limits(nil).Of("supabase")
		exhaust := func(f catalog.Function) (n int) {
			for ; ; n++ {
				before := a.sent
				err := a.ask(f, management)
				if err == nil {
					continue
				}
				if !fault.Is(err, fault.Throttled) || !fault.NothingHappened(err) || a.sent != before {
					t.Errorf("%v, and %d were sent", err, a.sent-before)
				}
				return n
			}
		}
		sweeps := exhaust(catalog.Recheck)
		if want := b.Usable() - b.Reserve[budget.Provisioning] - b.Reserve[budget.Operators]; sweeps != want {
			t.Errorf("sweeps made %d calls, not %d", sweeps, want)
		}
		if n := exhaust(catalog.AwaitProject); n != b.Reserve[budget.Provisioning] {
			t.Errorf("beside a sweep, provisionings made %d calls", n)
		}
		if n := exhaust(catalog.Doctor); n != b.Reserve[budget.Operators] {
			t.Errorf("beside both, operators made %d calls", n)
		}
		if a.ask(catalog.Recheck, "https://abcdefghijklmnopqrst.supabase.co/auth/v1/health") != nil {
			t.Error("a project's own calls are counted")
		}
		time.Sleep(b.Span())
		if err := a.ask(catalog.AwaitProject, management); err != nil {
			t.Errorf("after the window: %v", err)
		}
	})
}

// TestNothingIsSentWhileDown: after three that failed nothing is sent, and nothing happened; only probes are, and two of them end it.
func TestNothingIsSentWhileDown(t *testing.T) {
	inBubble(t, func(r *rig) {
		status := http.StatusBadGateway
		a := newAsker(r, func(q *http.Request) (*http.Response, error) { return answering(status)(q) })
		for range 3 {
			if err := a.ask(catalog.AwaitProject, management); err != nil {
				t.Fatal(err)
			}
		}
		if err := a.ask(catalog.Recheck, management); !fault.Is(err, fault.Unavailable) || !fault.NothingHappened(err) || a.sent != 3 {
			t.Errorf("%v; %d were sent", err, a.sent)
		}
		if a.probe(nil) || a.probe(fault.New(fault.Unavailable, "")) || a.probe(fault.New(fault.Rejected, "")) || !a.probe(nil) {
			t.Error("it takes two answers in a row, refusals included, and no more")
		}
		a.wantOver("doesn't answer")
		status = http.StatusNotFound
		if err := a.ask(catalog.AwaitProject, management); err != nil || a.sent != 4 {
			t.Errorf("after it: %v", err)
		}
	})
}

// TestOnlyChangesAreHeldBack: a vendor that answers reads and fails changes is asked on, and one change a minute tries it. Two of them
// that are answered end it.
func TestOnlyChangesAreHeldBack(t *testing.T) {
	inBubble(t, func(r *rig) {
		status := http.StatusServiceUnavailable
		a := newAsker(r, func(q *http.Request) (*http.Response, error) {
			if q.Method == http.MethodGet {
				return answering(http.StatusOK)(q)
			}
			return answering(status)(q)
		})
		change := func() (sent bool) {
			a.method = http.MethodPost
			defer func() { a.method = http.MethodGet }()
			before := a.sent
			if err := a.ask(catalog.AwaitProject, management); err != nil && (!fault.Is(err, fault.Unavailable) || !fault.NothingHappened(err)) {
				t.Error(err)
			}
			return a.sent > before
		}
		read := func() bool { return a.ask(catalog.AwaitProject, management) == nil }
		if !change() || !read() || !change() || change() || !read() {
			t.Error("two changes tell, and reads go on")
		}
		for range 2 {
			if a.probe(nil) {
				t.Error("a read told that changes are answered")
			}
		}
		if !change() || change() {
			t.Error("one change a minute tries it")
		}
		status = http.StatusBadRequest
		for range 2 {
			if time.Sleep(time.Minute); !change() {
				t.Error("no change tries it")
			}
		}
		for range 2 {
			if !change() {
				t.Error("after two answers it is not over")
			}
		}
		a.wantOver("answers no changes")
	})
}

// TestRefusesFleetsCredential: that is an outage with a reason of its own, which no other probe than one that is accepted ends.
func TestRefusesFleetsCredential(t *testing.T) {
	inBubble(t, func(r *rig) {
		a := newAsker(r, func(*http.Request) (*http.Response, error) { return nil, provider.ErrCredentialRefused })
		for n := range 5 {
			err := a.ask(catalog.AwaitProject, management)
			if !errors.Is(err, provider.ErrCredentialRefused) || !fault.Is(err, fault.Unavailable) || !fault.NothingHappened(err) || a.sent != min(n+1, 3) {
				t.Errorf("%v, and %d were sent", err, a.sent)
			}
		}
		refused := provider.Failed("supabase", "Organization", provider.ErrCredentialRefused)
		if a.probe(nil) || a.probe(refused) || a.probe(nil) || a.probe(fault.New(fault.Unavailable, "")) || a.probe(nil) || !a.probe(nil) {
			t.Error("a refused credential is no answer")
		}
		a.wantOver("refuses Fleet's credential")
	})
}

// TestGivenUpByItsCaller: a call whose caller doesn't wait for it tells nothing of the vendor; one that had all its time does.
func TestGivenUpByItsCaller(t *testing.T) {
	inBubble(t, func(r *rig) {
		a := newAsker(r, func(q *http.Request) (*http.Response, error) {
			<-q.Context().Done()
			return nil, q.Context().Err()
		})
		for _, a.patience = range []time.Duration{time.Second, 8 * time.Second, 15 * time.Second, 8 * time.Second} {
			if err := a.ask(catalog.AwaitProject, management); !fault.Is(err, fault.Unavailable) {
				t.Error(err)
			}
		}
		a.patience = bounds.Call
		for n := range 4 {
			_ = a.ask(catalog.AwaitProject, management)
			if a.sent != 4+min(n+1, 3) {
				t.Errorf("after %d, %d were sent", n+1, a.sent)
			}
		}
	})
}
