package step

import (
	"context"
	"errors"
	"maps"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store"
)

// Change is a setting that is written over whatever is there: applying it twice is applying it once.
type Change struct {
	Kind  fleet.Kind
	Name  string
	Apply func(ctx context.Context) error
	// Attributes, where there is one, tells after Apply what later steps have to know of what was applied. No secrets.
	Attributes func() map[string]string
}

// Change applies a setting once and notes it in the ledger. It opens an attempt like Ensure, so that a late write of a dead
// invocation never lands after a newer one; what may still be in flight is waited out and the setting applied anew.
func (r *Run) Change(ctx context.Context, c Change) error {
	if err := r.Overdue(); err != nil {
		return err
	}
	res := Resource{Kind: c.Kind, Name: c.Name}
	entry, err := r.intend(ctx, res)
	if err != nil || entry.Status == fleet.Created {
		return err
	}
	if err := r.timeFor(bounds.Call); err != nil {
		return errors.Join(err, r.end(ctx, res, false))
	}
	err = c.Apply(provider.WithAttempt(ctx))
	switch {
	case err == nil:
		found := Found{ID: c.Name}
		if c.Attributes != nil {
			found.Attributes = c.Attributes()
		}
		return r.commit(ctx, res, found)
	case fault.NothingHappened(err) || fault.Is(err, fault.NotReady):
		return errors.Join(err, r.end(ctx, res, false))
	case !fault.CodeOf(err).Transient():
		return err
	default:
		return &fault.Error{Code: fault.NotReady, Text: "whether " + res.subject() + " was applied is unknown; applying it again later", Err: err}
	}
}

// SeeTo notes in the ledger that something inside an instance's own database was done. do is idempotent and protected by
// the database itself, so it needs no attempt; only the run's epoch is proved before and after.
func (r *Run) SeeTo(ctx context.Context, kind fleet.Kind, name string, do func(ctx context.Context) error) error {
	if err := r.Overdue(); err != nil {
		return err
	}
	done := false
	err := r.Update(ctx, func(tx *store.Tx) error {
		e, err := tx.Resource(kind, name)
		done = e != nil && e.Status == fleet.Created
		return err
	})
	if err != nil || done {
		return err
	}
	if err := do(ctx); err != nil {
		return err
	}
	return r.Update(ctx, func(tx *store.Tx) error {
		e, err := tx.Resource(kind, name)
		if err != nil || e != nil && e.Status == fleet.Created {
			return err
		}
		if e != nil && e.Gone() {
			return fault.New(fault.StaleEpoch, "%s is being taken down", kind)
		}
		tx.Audit(r.Audited("resource.created", string(kind)+"/"+name, "ok"))
		return tx.PutResource(&fleet.Resource{Kind: kind, Name: name, ID: name, Status: fleet.Created, Epoch: r.Input.Epoch, CreatedAt: tx.Now()})
	})
}

// Describe adds to what the ledger tells of something that was made: a vendor may know a part of it only later. What is there
// already is written over; nothing is written where nothing differs.
func (r *Run) Describe(ctx context.Context, kind fleet.Kind, name string, attributes map[string]string) error {
	return r.Update(ctx, func(tx *store.Tx) error {
		e, err := tx.Resource(kind, name)
		if err != nil {
			return err
		}
		if e == nil || e.Status != fleet.Created {
			return fault.New(fault.StaleEpoch, "%s is not there, or being taken down", kind)
		}
		told := maps.Clone(e.Attributes)
		if told == nil {
			told = map[string]string{}
		}
		maps.Copy(told, attributes)
		if maps.Equal(told, e.Attributes) {
			return nil
		}
		e.Attributes = told
		tx.Audit(r.Audited("resource.described", string(kind)+"/"+name, "ok"))
		return tx.PutResource(e)
	})
}
