package step

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/project-gimbal/fleet/internal/budget"
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store"
)

// Gate lets calls go to the vendors: as many as their budgets bear, and none to one that is down. What it knows is shared by all
// invocations, in the fleet's table.
type Gate struct {
	store  *store.Store
	clock  clock.Clock
	log    *slog.Logger
	limits budget.Limits

	mu      sync.Mutex
	read    time.Time
	outages []fleet.Outage
}

// NewGate makes a gate. The store should count no commits of an invocation's: these aren't what it does.
func NewGate(s *store.Store, c clock.Clock, log *slog.Logger, limits budget.Limits) *Gate {
	return &Gate{store: s, clock: c, log: log, limits: limits}
}

const (
	// fresh is how old what is known of the vendors' outages may be.
	fresh = 5 * time.Second
	// waitAtMost is how long a call waits for room in the budget by itself. Guard has bounded the call by then, and it needs most
	// of that for itself.
	waitAtMost = 5 * time.Second
	// downRetry is when to ask again for a vendor that is down.
	downRetry = 20 * time.Second
)

// caller is for whom a call is made.
type caller struct {
	class budget.Class
	by    string // an instance, or an invocation that is no instance's
}

type (
	callerKey struct{}
	probeKey  struct{}
	onceKey   struct{}
)

func withCaller(ctx context.Context, class budget.Class, by string) context.Context {
	return context.WithValue(ctx, callerKey{}, caller{class, by})
}

// sentOnce marks ctx for a change that is never repeated: it isn't the one to try whether a vendor writes again.
func sentOnce(ctx context.Context) context.Context { return context.WithValue(ctx, onceKey{}, true) }

// classOf is what the calls of a function are counted as.
func classOf(f catalog.Function) budget.Class {
	switch f.Trigger {
	case catalog.HTTP, catalog.Host:
		return budget.Operators
	case catalog.Schedule:
		return budget.Sweeps
	case catalog.Workflow:
	}
	return budget.Provisioning
}

// Before goes before next. A call that has no room in the vendor's budget waits a little, and is Throttled if that doesn't help;
// one of a vendor that is down is Unavailable, and so is a change of one that only reads: neither is sent, and nothing happened. What
// becomes of the others tells whether the vendor is down. Calls of an instance's own Supabase project are none of that: they have
// their own limits and their own troubles.
func (g *Gate) Before(next http.RoundTripper, places provider.Endpoints) http.RoundTripper {
	return gated{g, places, next}
}

type gated struct {
	gate   *Gate
	places provider.Endpoints
	next   http.RoundTripper
}

// call is one of a vendor, as far as the gate minds it.
type call struct {
	caller
	vendor string
	writes bool // it changes something
	once   bool // and is never repeated
	tries  bool // it is let through to see whether changes are answered again
}

func (t gated) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	c := call{vendor: t.places.Account(r.URL), writes: provider.Writes(r), once: ctx.Value(onceKey{}) != nil}
	var known bool
	if c.caller, known = ctx.Value(callerKey{}).(caller); !known || c.vendor == "" {
		return t.next.RoundTrip(r)
	}
	begun := t.gate.clock.Now()
	probe := ctx.Value(probeKey{}) != nil
	err := t.gate.closed(ctx, &c)
	if err == nil || probe {
		err = t.gate.take(ctx, c.vendor, c.class)
	}
	if err != nil {
		if r.Body != nil {
			_ = r.Body.Close() // it was never read
		}
		return nil, err
	}
	answer, err := t.next.RoundTrip(r)
	if end, tells := verdict(answer, err, t.gate.clock.Now().Sub(begun)); tells && !probe {
		t.gate.report(context.WithoutCancel(ctx), c, end)
	}
	return answer, err
}

// ending is how a call ended: it was answered, refused for Fleet's own credential, or neither.
type ending int

const (
	silent ending = iota
	answered
	refused
)

// verdict is what a call tells of its vendor. A refusal is an answer, unless it is of Fleet's own credential. One that was throttled,
// that was given up by its caller before it had its time, or whose credential may be another one by now tells nothing.
func verdict(answer *http.Response, err error, took time.Duration) (end ending, tells bool) {
	switch {
	case errors.Is(err, provider.ErrCredentialRefused):
		return refused, true
	case errors.Is(err, provider.ErrCredentialChanged), errors.Is(err, provider.ErrCredentialUnsure), errors.Is(err, context.Canceled),
		errors.Is(err, context.DeadlineExceeded) && took < bounds.Call-time.Second:
		return silent, false
	case err != nil:
		return silent, true
	case answer.StatusCode == http.StatusTooManyRequests:
		return silent, false
	case answer.StatusCode >= http.StatusInternalServerError:
		return silent, true
	}
	return answered, true
}

// closed is a fault for a call that isn't to be sent now.
func (g *Gate) closed(ctx context.Context, c *call) error {
	calls, writes, err := g.outage(ctx, c.vendor)
	f := &fault.Error{Code: fault.Unavailable, Vendor: c.vendor, NothingHappened: true, RetryAfter: downRetry}
	switch {
	case err != nil:
		return err
	case calls.Down() && calls.Refused:
		f.Text, f.Err = "not sent: "+c.vendor+" refuses Fleet's credential, and is being watched", provider.ErrCredentialRefused
		return f
	case calls.Down():
		f.Text = "not sent: " + c.vendor + " is down, and being watched"
		return f
	case !c.writes || !writes.Down():
		return nil
	}
	if !c.once && writes.Try(fleet.TryEvery, g.clock.Now()) { // as far as is known here
		if c.tries, err = g.try(ctx, c.vendor, fleet.TryEvery); err != nil {
			return notAsked(err)
		}
	}
	if c.tries {
		return nil
	}
	f.Text = "not sent: " + c.vendor + " answers no changes, and is being watched"
	return f
}

// outage is what is known of a vendor's calls, and of its writes alone, not older than fresh.
func (g *Gate) outage(ctx context.Context, vendor string) (calls, writes fleet.Outage, err error) {
	all, ok := g.known()
	if !ok { // several may read at once: a lock isn't held while the table is waited for
		now := g.clock.Now()
		if all, err = g.store.Outages(ctx); err != nil {
			return calls, writes, notAsked(err)
		}
		g.mu.Lock()
		g.outages, g.read = all, now
		g.mu.Unlock()
	}
	for _, o := range all {
		switch {
		case o.Vendor != vendor:
		case o.Writes:
			writes = o
		default:
			calls = o
		}
	}
	return calls, writes, nil
}

// known is what was read of the vendors' outages; false if it isn't fresh.
func (g *Gate) known() ([]fleet.Outage, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.outages, !g.read.IsZero() && g.clock.Now().Sub(g.read).Abs() <= fresh
}

func notAsked(err error) error {
	return &fault.Error{Code: fault.CodeOf(err), Text: "not sent: the budget could not be read", NothingHappened: true, Err: err}
}

// take counts a call of a class, and waits for room while that is soon.
func (g *Gate) take(ctx context.Context, vendor string, class budget.Class) error {
	b, limited := g.limits.Of(vendor)
	if !limited {
		return nil
	}
	for end := g.clock.Now().Add(waitAtMost); ; {
		var wait time.Duration
		err := g.store.Update(ctx, fleet.FleetID, func(tx *store.Tx) error {
			w, err := tx.Window(vendor)
			if err != nil {
				return err
			}
			if wait = w.Take(b, class, tx.Now()); wait > 0 {
				return nil
			}
			return tx.PutWindow(w)
		})
		if err != nil {
			return notAsked(err)
		}
		if wait == 0 {
			return nil
		}
		if g.clock.Now().Add(wait).After(end) || g.clock.Sleep(ctx, wait) != nil {
			return &fault.Error{Code: fault.Throttled, Vendor: vendor, Text: fmt.Sprintf("not sent: the budget for %s is used up", class),
				NothingHappened: true, RetryAfter: wait}
		}
	}
}
