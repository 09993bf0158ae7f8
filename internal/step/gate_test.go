package step_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/budget"
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/step"
)

// asker asks a vendor through a gate, as functions do.
type asker struct {
	r    *rig
	env  step.Env
	sent int
	way  http.RoundTripper
}

func newAsker(r *rig, answer func() (*http.Response, error)) *asker {
	a := &asker{r: r, env: r.env(r.clock, nil)}
	a.env.Gate = step.NewGate(r.store, a.env.Clock, a.env.Log, nil)
	a.way = a.env.Gate.Before(trip(func(*http.Request) (*http.Response, error) {
		a.sent++
		return answer()
	}), provider.Production())
	return a
}

// ask sends one request from a function, and gives the fault that a client makes of the error.
func (a *asker) ask(f catalog.Function, url string) error {
	a.r.t.Helper()
	var asked error
	function := step.Event(func(ctx context.Context, _ step.Env) error {
		q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
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

func answering(status int) func() (*http.Response, error) {
	return func() (*http.Response, error) {
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
		a := newAsker(r, func() (*http.Response, error) { return answering(status)() })
		for range 3 {
			if err := a.ask(catalog.AwaitProject, management); err != nil {
				t.Fatal(err)
			}
		}
		if err := a.ask(catalog.Recheck, management); !fault.Is(err, fault.Unavailable) || !fault.NothingHappened(err) || a.sent != 3 {
			t.Errorf("%v; %d were sent", err, a.sent)
		}
		probe := func(err error) bool {
			time.Sleep(time.Minute)
			back, failed := a.env.Gate.Probe(t.Context(), "supabase", "watch", func(context.Context) error { return err })
			if failed != nil {
				t.Fatal(failed)
			}
			return back
		}
		if probe(nil) || probe(fault.New(fault.Unavailable, "")) || probe(fault.New(fault.Rejected, "")) || !probe(nil) {
			t.Error("it takes two answers in a row, refusals included, and no more")
		}
		incidents, err := r.store.Incidents(t.Context(), fleet.FleetID)
		if err != nil || len(incidents) != 1 || incidents[0].ClosedAt.IsZero() {
			t.Errorf("incidents: %+v, %v", incidents, err)
		}
		status = http.StatusNotFound
		if err := a.ask(catalog.AwaitProject, management); err != nil || a.sent != 4 {
			t.Errorf("after it: %v", err)
		}
	})
}
