package step

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
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
)

func withCaller(ctx context.Context, class budget.Class, by string) context.Context {
	return context.WithValue(ctx, callerKey{}, caller{class, by})
}

// classOf is what the calls of a function are counted as.
func classOf(f catalog.Function) budget.Class {
	switch f.Trigger {
	case catalog.HTTP:
		return budget.Operators
	case catalog.Schedule:
		return budget.Sweeps
	case catalog.Workflow:
	}
	return budget.Provisioning
}

// Before goes before next. A call that has no room in the vendor's budget waits a little, and is Throttled if that doesn't help;
// one of a vendor that is down is Unavailable: neither is sent, and nothing happened. What becomes of the others tells whether the
// vendor is down. Calls of an instance's own Supabase project are none of that: they have their own limits and their own troubles.
func (g *Gate) Before(next http.RoundTripper, places provider.Endpoints) http.RoundTripper {
	return gated{g, places, next}
}

type gated struct {
	gate   *Gate
	places provider.Endpoints
	next   http.RoundTripper
}

func (t gated) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	vendor := t.places.Account(r.URL)
	who, known := ctx.Value(callerKey{}).(caller)
	if vendor == "" || !known {
		return t.next.RoundTrip(r)
	}
	probe := ctx.Value(probeKey{}) != nil
	err := t.gate.closed(ctx, vendor)
	if err == nil || probe {
		err = t.gate.take(ctx, vendor, who.class)
	}
	if err != nil {
		if r.Body != nil {
			_ = r.Body.Close() // it was never read
		}
		return nil, err
	}
	answer, err := t.next.RoundTrip(r)
	if answered, tells := verdict(answer, err); tells && !probe {
		t.gate.report(context.WithoutCancel(ctx), vendor, who.by, answered)
	}
	return answer, err
}

// verdict is what a call tells of its vendor: that it answers, or that it doesn't. One that was throttled, or given up by its
// caller, tells nothing. A refusal is an answer.
func verdict(answer *http.Response, err error) (answered, tells bool) {
	switch {
	case errors.Is(err, context.Canceled):
		return false, false
	case err != nil:
		return false, true
	case answer.StatusCode == http.StatusTooManyRequests:
		return false, false
	}
	return answer.StatusCode < http.StatusInternalServerError, true
}

// closed is a fault while the vendor is down.
func (g *Gate) closed(ctx context.Context, vendor string) error {
	o, err := g.outage(ctx, vendor)
	if err != nil || !o.Down() {
		return err
	}
	return &fault.Error{Code: fault.Unavailable, Vendor: vendor, Text: "not sent: " + vendor + " is down, and being watched",
		NothingHappened: true, RetryAfter: downRetry}
}

// outage is what is known of a vendor, not older than fresh.
func (g *Gate) outage(ctx context.Context, vendor string) (fleet.Outage, error) {
	all, ok := g.known()
	if !ok { // several may read at once: a lock isn't held while the table is waited for
		now := g.clock.Now()
		var err error
		if all, err = g.store.Outages(ctx); err != nil {
			return fleet.Outage{}, notAsked(err)
		}
		g.mu.Lock()
		g.outages, g.read = all, now
		g.mu.Unlock()
	}
	if i := slices.IndexFunc(all, func(o fleet.Outage) bool { return o.Vendor == vendor }); i >= 0 {
		return all[i], nil
	}
	return fleet.Outage{Vendor: vendor}, nil
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

// report notes how a call ended. What can't be noted is only logged: the call has been made, and the next one tells the same.
func (g *Gate) report(ctx context.Context, vendor, by string, answered bool) {
	if answered {
		if o, err := g.outage(ctx, vendor); err != nil || !o.Doubted() {
			return
		}
	}
	ctx, cancel := g.clock.WithTimeout(ctx, bounds.Margin)
	defer cancel()
	err := g.change(ctx, vendor, func(tx *store.Tx, o *fleet.Outage) (bool, error) {
		if answered {
			return o.Answered(), nil
		}
		was := o.Down()
		if !o.Unanswered(by, tx.Now()) {
			return !was, nil
		}
		return true, standing(tx, vendor, []fleet.Incident{{ID: "vendor/" + vendor, Code: fleet.IncidentVendorDown,
			Reason:     vendor + " doesn't answer: calls for several instances failed, and none was answered in between",
			NextAction: "none: it is watched, nothing is sent there meanwhile, and all that waits goes on by itself; see the vendor's status page"}})
	})
	if err != nil {
		g.log.WarnContext(ctx, "how a vendor is was not noted", "vendor", vendor, "code", fault.CodeOf(err))
	}
}

// change changes what is known of a vendor, if do says that there is a change.
func (g *Gate) change(ctx context.Context, vendor string, do func(*store.Tx, *fleet.Outage) (bool, error)) error {
	err := g.store.Update(ctx, fleet.FleetID, func(tx *store.Tx) error {
		o, err := tx.Outage(vendor)
		if err != nil {
			return err
		}
		changed, err := do(tx, o)
		if err != nil || !changed {
			return err
		}
		return tx.PutOutage(o)
	})
	g.mu.Lock()
	defer g.mu.Unlock()
	g.read = time.Time{} // it is read anew
	return err
}

// standing makes the open incidents about a vendor be these.
func standing(tx *store.Tx, vendor string, wanted []fleet.Incident) error {
	return tx.Standing(fleet.IncidentVendorDown, wanted, func(cause string) bool { return cause != "vendor/"+vendor })
}

// Doubted lists the vendors that are down, or of which calls have failed since the last answer.
func (g *Gate) Doubted(ctx context.Context) ([]fleet.Outage, error) {
	all, err := g.store.Outages(ctx)
	return slices.DeleteFunc(all, func(o fleet.Outage) bool { return !o.Doubted() }), err
}

// Probe asks a vendor something cheap, down or not, and notes whether it answers. It reports whether the vendor is back by it.
func (g *Gate) Probe(ctx context.Context, vendor, by string, ask func(context.Context) error) (back bool, err error) {
	asked := ask(context.WithValue(ctx, probeKey{}, true))
	f := asFault(asked)
	switch {
	case f != nil && (f.Code == fault.Throttled || f.Code == fault.Internal): // it tells nothing
		return false, asked
	case asked != nil && f == nil:
		return false, asked
	}
	answered := f == nil || !f.Code.Transient()
	var o fleet.Outage
	err = g.change(ctx, vendor, func(tx *store.Tx, there *fleet.Outage) (bool, error) {
		if back = false; !there.Down() {
			o = *there
			return false, nil
		}
		if back = there.Probed(answered, tx.Now()); back {
			return true, standing(tx, vendor, nil)
		}
		return true, nil
	})
	if err == nil && !back && !o.Down() && o.Vendor != "" { // it was only doubted
		g.report(ctx, vendor, by, answered)
	}
	return back, err
}
