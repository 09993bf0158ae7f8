// Package recheck looks again for what was absent, or single, but unsure: a request that landed later than the bounds allow
// leaves an orphan, or a double beside a live resource.
package recheck

import (
	"context"
	"errors"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/steps/dns"
	"github.com/project-gimbal/fleet/internal/steps/email"
	"github.com/project-gimbal/fleet/internal/steps/frontend"
	"github.com/project-gimbal/fleet/internal/steps/operation"
	"github.com/project-gimbal/fleet/internal/steps/project"
	"github.com/project-gimbal/fleet/internal/steps/sms"
	"github.com/project-gimbal/fleet/internal/store"
)

// Deps is every vendor's.
type Deps struct {
	project  project.Deps
	frontend frontend.Deps
	dns      dns.Deps
	sms      sms.Deps
	email    email.Deps
}

// Open makes the clients.
func Open(env step.Env) (d Deps, err error) {
	var errs [5]error
	d.project, errs[0] = project.Open(env)
	d.frontend, errs[1] = frontend.Open(env)
	d.dns, errs[2] = dns.Open(env)
	d.sms, errs[3] = sms.Open(env)
	d.email, errs[4] = email.Open(env)
	return d, errors.Join(errs[:]...)
}

// LookAgain carries out the rechecks that are due, the longest due first, each instance's in a short operation of its own under
// the lease. An instance on which another operation runs, a suspended one, in whose accounts nothing is reached, one under a
// legal hold, of which nothing is deleted, and what this invocation has no time for, wait for the next time; all do while anything is frozen or down. It may run at any time, and twice
// at once.
func LookAgain(d Deps) step.Event {
	return func(ctx context.Context, env step.Env) error {
		if waits, err := step.Waits(ctx, env, fleet.Vendors()...); err != nil || waits {
			return err
		}
		ids, err := env.Store.RecheckDue(ctx, env.Clock.Now())
		if err != nil {
			return err
		}
		var failed error
		for _, id := range ids {
			if !step.HasTime(ctx, env.Clock, 2*bounds.Call) {
				break
			}
			err := d.instance(ctx, env, id)
			if _, held := errors.AsType[operation.Held](err); held {
				break
			}
			if err != nil && !fault.Is(err, fault.StaleEpoch) {
				failed = errors.Join(failed, err)
			}
		}
		return failed
	}
}

// errWaits: the instance's rechecks wait, for as long as it is suspended or a legal hold stands.
var errWaits = errors.New("the instance is suspended, or held")

func (d Deps) instance(ctx context.Context, env step.Env, id string) error {
	in, err := operation.BeginShort(ctx, env, id, operation.Short{Kind: fleet.Recheck, Phase: fleet.LookingAgain, Actor: "fleet",
		Reason: "looking again for what was unsure", Needs: fleet.Vendors(), Allow: func(_ *store.Tx, i *fleet.Instance) error {
			if i.State == fleet.Suspended || i.Hold != nil {
				return errWaits
			}
			return nil
		}})
	if _, busy := errors.AsType[operation.Busy](err); busy || errors.Is(err, errWaits) {
		return nil
	}
	if err != nil {
		return err
	}
	ctx = step.About(ctx, in)
	run, err := step.Begin(ctx, env, "Recheck", in)
	if err != nil {
		return err
	}
	entries, err := env.Store.Resources(ctx, id)
	if err != nil {
		return err
	}
	outcome := fleet.Succeeded
	for _, e := range entries {
		if e.RecheckAt.IsZero() || e.RecheckAt.After(env.Clock.Now()) || !step.HasTime(ctx, env.Clock, 2*bounds.Call) {
			continue
		}
		barred, err := barred(ctx, run, e)
		if barred {
			continue
		}
		if err == nil {
			err = d.entry(ctx, run, e)
		}
		if err != nil {
			outcome = fleet.FailedDirty
			env.Log.WarnContext(ctx, "recheck failed", "instance", id, "kind", e.Kind, "code", fault.CodeOf(err))
		}
	}
	return operation.EndShort(ctx, run, outcome)
}

// barred reports whether nothing is deleted by an entry now: under a legal hold that was set meanwhile, and where an operator asked for it, while
// terminations are frozen.
func barred(ctx context.Context, run *step.Run, e fleet.Resource) (bool, error) {
	now, held := run.Store.Instance(ctx, run.Instance.ID)
	freezes, err := run.Store.Freezes(ctx)
	if err := errors.Join(held, err); err != nil {
		return false, err
	}
	return now == nil || now.Hold != nil || e.Asked != nil && fleet.Frozen(freezes, fleet.Terminations) != nil, nil
}

// entry looks for a ledger entry's resource by name, deletes what is ours and not the ledger's, and schedules the next look. One
// that fails is looked for again later, each time twice as late, and becomes an incident when it goes on failing.
func (d Deps) entry(ctx context.Context, run *step.Run, e fleet.Resource) error {
	res, err := d.Resource(ctx, run, e)
	if err == nil {
		err = run.RemoveStrays(ctx, res, e)
	}
	if fault.Is(err, fault.StaleEpoch) {
		return err
	}
	return errors.Join(err, run.Update(ctx, func(tx *store.Tx) error {
		there, gone := tx.Resource(e.Kind, e.Name)
		if gone != nil || there == nil || !there.RecheckAt.Equal(e.RecheckAt) {
			return gone
		}
		if err != nil {
			return postpone(tx, there)
		}
		if err := blind(tx, there, false); err != nil {
			return err
		}
		there.RecheckAt, there.RecheckFailures = time.Time{}, 0
		if there.Rechecks > 0 {
			there.Rechecks--
			there.RecheckAt = tx.Now().Add(bounds.RecheckLate - bounds.RecheckSoon)
		}
		tx.Audit(run.Audited("resource.rechecked", string(e.Kind)+"/"+e.Name, "ok"))
		return tx.PutResource(there)
	}))
}

// patience is how many times in a row a recheck may fail before it becomes an incident.
const patience = 4

func postpone(tx *store.Tx, e *fleet.Resource) error {
	e.RecheckFailures++
	e.RecheckAt = tx.Now().Add(min(5*time.Minute<<min(e.RecheckFailures, 10), 12*time.Hour))
	if e.RecheckFailures >= patience {
		if err := blind(tx, e, true); err != nil {
			return err
		}
	}
	return tx.PutResource(e)
}

// blind makes an entry have an open incident, or none: whether its look-up keeps failing.
func blind(tx *store.Tx, e *fleet.Resource, is bool) error {
	own := "recheck/" + string(e.Kind) + "/" + e.Name
	var wanted []fleet.Incident
	if is {
		wanted = []fleet.Incident{{ID: own, Code: fleet.IncidentRecheckFailed,
			Reason:     "whether a stray " + string(e.Kind) + " is left can't be seen: the look-up keeps failing",
			NextAction: "check the vendor's state and Fleet's credential there; it is tried again by itself, and the slug stays in quarantine until it works"}}
	}
	return tx.Standing(fleet.IncidentRecheckFailed, wanted, func(cause string) bool { return cause != own })
}
