// Package sweep compares what the vendors have under Fleet's mark with the ledgers, both ways, and tells of what goes on past its time. It
// changes nothing but incidents.
package sweep

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/steps/recheck"
)

// Deps is every vendor's.
type Deps struct{ recheck.Deps }

// Open makes the clients.
func Open(env step.Env) (Deps, error) {
	d, err := recheck.Open(env)
	return Deps{d}, err
}

// Compare makes the open incidents say what each vendor has that no ledger explains, an Orphan each, and what ledgers call created and
// its vendor doesn't have, a Missing each. Every vendor is compared once in fleet.SweepEvery, in a round that goes on over as many
// invocations as it takes. One that is frozen or down waits, and holds up no other. It may run at any time, and twice at once.
func Compare(d Deps) step.Event {
	return func(ctx context.Context, env step.Env) error {
		vendors := fleet.Vendors()
		failed := make([]error, len(vendors))
		var all sync.WaitGroup
		for i, vendor := range vendors {
			all.Go(func() { failed[i] = d.compare(ctx, env, vendor) })
		}
		all.Wait()
		return errors.Join(failed...)
	}
}

// forPage is how much of an invocation must be left to begin with another page. One that takes longer is cut off before the invocation is.
const forPage = 4 * bounds.Call

func (d Deps) compare(ctx context.Context, env step.Env, vendor string) error {
	s, err := env.Store.Sweep(ctx, vendor)
	if err != nil || !s.Due(env.Clock.Now()) {
		return err
	}
	waits, err := step.Waits(ctx, env, vendor)
	if err != nil {
		return err
	}
	if waits {
		env.Log.WarnContext(ctx, "not compared with the ledgers: frozen or down", "vendor", vendor, "since", s.EndedAt)
		return nil
	}
	ctx, cancel := env.Clock.WithTimeout(ctx, step.Deadline(ctx, env.Clock).Sub(env.Clock.Now())-bounds.Margin)
	defer cancel()
	r := &round{Deps: d, env: env, vendor: vendor, sweep: s}
	if err = r.begin(ctx); err == nil {
		for done := false; err == nil && !done && step.HasTime(ctx, env.Clock, forPage); {
			done, err = r.goOn(ctx)
		}
	}
	switch {
	case errors.Is(err, errOvertaken):
		return nil
	case step.Later(err), ctx.Err() != nil: // the page under way is read anew
		env.Log.WarnContext(ctx, "the comparison with the ledgers goes on later", "vendor", vendor, "code", fault.CodeOf(err))
		return nil
	}
	return err
}

// patiently does something that may have no room in a vendor's budget, until it has.
func (r *round) patiently(ctx context.Context, do func() error) error {
	for {
		err := do()
		f, ok := errors.AsType[*fault.Error](err)
		if !ok || f.Code != fault.Throttled {
			return err
		}
		wait := max(f.RetryAfter, time.Second)
		if !step.HasTime(ctx, r.env.Clock, wait+forPage) || r.env.Clock.Sleep(ctx, wait) != nil {
			return err
		}
	}
}
