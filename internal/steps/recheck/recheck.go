// Package recheck looks again for what was absent, or single, but unsure: a request that landed later than the bounds allow
// leaves an orphan, or a double beside a live resource.
package recheck

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/steps/dns"
	"github.com/project-gimbal/fleet/internal/steps/email"
	"github.com/project-gimbal/fleet/internal/steps/frontend"
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

// LookAgain carries out the rechecks that are due, instance by instance, each in a short operation of its own under the
// lease. An instance on which another operation runs waits for the next time. It may run at any time, and twice at once.
func LookAgain(d Deps) step.Event {
	return func(ctx context.Context, env step.Env) error {
		ids, err := env.Store.RecheckDue(ctx, env.Clock.Now())
		if err != nil {
			return err
		}
		var failed error
		for _, id := range ids {
			err := d.instance(ctx, env, id)
			if err != nil && !fault.Is(err, fault.StaleEpoch) {
				failed = errors.Join(failed, err)
			}
		}
		return failed
	}
}

func (d Deps) instance(ctx context.Context, env step.Env, id string) error {
	in, err := begin(ctx, env, id)
	if err != nil || in.OperationID == "" {
		return err
	}
	run, err := step.Begin(ctx, env, "Recheck", in)
	if err != nil {
		return err
	}
	entries, err := env.Store.Resources(ctx, id)
	if err != nil {
		return err
	}
	var failed error
	for _, e := range entries {
		if !e.RecheckAt.IsZero() && !e.RecheckAt.After(env.Clock.Now()) {
			failed = errors.Join(failed, d.entry(ctx, run, e))
		}
	}
	return errors.Join(failed, end(ctx, run))
}

// begin takes the lease for a recheck. It gives no operation where another one runs.
func begin(ctx context.Context, env step.Env, id string) (fleet.RunInput, error) {
	var in fleet.RunInput
	err := env.Store.Update(ctx, id, func(tx *store.Tx) error {
		before := in
		in = fleet.RunInput{}
		instance, err := tx.Instance()
		if err != nil || instance == nil {
			return err
		}
		if instance.Operation != "" {
			holder, err := tx.Operation(instance.Operation)
			if err != nil {
				return err
			}
			if holder != nil && before.OperationID == holder.ID && before.Epoch == holder.Epoch {
				in = before // the answer to this very write was lost
				return nil
			}
			if holder == nil || holder.Kind != fleet.Recheck || !tx.Now().After(holder.Progress.Deadline.Add(bounds.Quiet+bounds.Margin)) {
				return nil
			}
			holder.Outcome, holder.EndedAt = fleet.FailedClean, tx.Now() // it died; what it left is still due
			if err := tx.PutOperation(holder); err != nil {
				return err
			}
		}
		old, err := tx.Epoch()
		if err != nil {
			return err
		}
		o := &fleet.Operation{InstanceID: id, Kind: fleet.Recheck, Phase: fleet.LookingAgain, N: 1, StartedAt: tx.Now(), RunStartedAt: tx.Now(),
			Progress: fleet.Progress{Deadline: tx.Now().Add(bounds.Lambda), Reason: "looking again for what was unsure", NextAction: "none: it is tried again by itself"}}
		if o.Epoch, err = tx.MoveEpoch(old); err != nil {
			return err
		}
		o.ID = "recheck-" + strconv.FormatInt(o.Epoch, 10)
		instance.Operation = o.ID
		in = o.Input()
		tx.Audit(fleet.AuditEntry{ID: o.ID + "/begun", Actor: "fleet", Action: "recheck.begun", Subject: o.ID, Outcome: "ok", Request: env.Request})
		return errors.Join(tx.PutOperation(o), tx.PutInstance(instance))
	})
	return in, err
}

// entry looks for a ledger entry's resource by name and deletes what is ours and not the ledger's.
func (d Deps) entry(ctx context.Context, run *step.Run, e fleet.Resource) error {
	res, doubles, err := d.resource(ctx, run, e)
	if err != nil {
		return err
	}
	if doubles {
		if err := run.RemoveStrays(ctx, res, e); err != nil {
			return err
		}
	}
	return run.Update(ctx, func(tx *store.Tx) error {
		there, err := tx.Resource(e.Kind, e.Name)
		if err != nil || there == nil || !there.RecheckAt.Equal(e.RecheckAt) {
			return err
		}
		there.RecheckAt = time.Time{}
		if there.Rechecks > 0 {
			there.Rechecks--
			there.RecheckAt = tx.Now().Add(bounds.RecheckLate - bounds.RecheckSoon)
		}
		tx.Audit(run.Audited("resource.rechecked", string(e.Kind)+"/"+e.Name, "ok"))
		return tx.PutResource(there)
	})
}

// resource is how an entry is looked for; false for what can't be doubled: settings, and the administrator, whose id is ours.
func (d Deps) resource(ctx context.Context, run *step.Run, e fleet.Resource) (res step.Resource, doubles bool, err error) {
	name := fleet.ResourceName(run.Instance.ID)
	var outer fleet.Resource
	if kind, inside := fleet.Inside()[e.Kind]; inside && kind != fleet.DNSRecord {
		if outer, err = run.Ledger(ctx, kind, name); err != nil {
			return res, false, err
		}
	}
	switch e.Kind {
	case fleet.SupabaseProject:
		res = d.project.Resource(run, e.Name)
	case fleet.VercelProject:
		res = d.frontend.Project(run, e.Name)
	case fleet.VercelDomain:
		res = d.frontend.Domain(run, e.Name)
	case fleet.VercelDeployment:
		res = d.frontend.Deployment(run, outer, nil)
	case fleet.DNSRecord:
		res = d.dns.Record(run, e.Name, "")
	case fleet.TwilioSubaccount:
		res = d.sms.Account(run, e.Name)
	case fleet.TwilioKey:
		res = d.sms.Key(outer.ID, e.Name)
	case fleet.SendGridSubuser:
		res = d.email.Subuser(run, e.Name)
	case fleet.SendGridKey:
		res = d.email.APIKey(outer.Name, e.Name)
	case fleet.SendGridDomain:
		res = d.email.Domain(outer.Name, e.Name)
	default:
		return res, false, nil
	}
	return res, true, nil
}

// end gives the lease back. Once a terminated instance has no recheck left, its slug is free.
func end(ctx context.Context, run *step.Run) error {
	return run.Update(ctx, func(tx *store.Tx) error {
		instance, err := tx.Instance()
		if err != nil {
			return err
		}
		operation, err := tx.Operation(run.Operation.ID)
		if err != nil || !operation.Running() {
			return err
		}
		operation.Outcome, operation.EndedAt = fleet.Succeeded, tx.Now()
		instance.Operation = ""
		if err := freeSlug(tx, instance); err != nil {
			return err
		}
		tx.Audit(run.Audited("recheck.ended", operation.ID, "ok"))
		return errors.Join(tx.PutOperation(operation), tx.PutInstance(instance))
	})
}

func freeSlug(tx *store.Tx, instance *fleet.Instance) error {
	if instance.State != fleet.Terminated {
		return nil
	}
	entries, err := tx.Resources()
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.RecheckAt.IsZero() {
			return nil
		}
	}
	claim, err := tx.Claim(instance.Slug)
	if err != nil || claim == nil || claim.InstanceID != instance.ID {
		return err
	}
	tx.FreeClaim(instance.Slug)
	return nil
}
