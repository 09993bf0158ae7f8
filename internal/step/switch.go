package step

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store"
)

// Switch is a setting at a vendor that goes to and fro: setting it twice is setting it once.
type Switch struct {
	Kind fleet.Kind
	Name string
	To   fleet.Setting
	// In is what the switch is in. Where somebody has removed that at its vendor nothing is left to serve: it is as good as stopped.
	In Resource
	// Before, where there is one, reads what the switch's Stopped writes over, before it does; it gives JSON, and no secret.
	Before func(ctx context.Context) (string, error)
	// Apply sets it at the vendor. It is given what Before gave when the switch was last stopped; empty where there is no Before.
	Apply func(ctx context.Context, before string) error
}

// before is the attribute of a switch's entry that keeps what its Stopped has written over. It is kept until it is surely restored.
const before = "before"

func (s Switch) resource() Resource { return Resource{Kind: s.Kind, Name: s.Name} }

// Switch sets a switch and notes in the ledger how it is set. It opens an attempt like Change, so that a late write of a dead
// invocation never lands after a newer one, in either direction: what may still be in flight is waited out, and until a new attempt
// is committed nobody knows how the switch is set. It is done where the ledger knows that it is set so; one that the ledger doesn't
// hold is fleet.Serving, and was never touched. One that the vendor refuses to stop since what it is in is surely gone is stopped, and the
// ledger says why.
func (r *Run) Switch(ctx context.Context, s Switch) error {
	refused := r.throw(ctx, s)
	if s.To != fleet.Stopped || !fault.Is(refused, fault.Rejected, fault.Conflict) {
		return refused
	}
	absent, err := r.Absent(ctx, s.In)
	if err != nil || !absent {
		return Join(refused, err)
	}
	return r.moot(ctx, s)
}

func (r *Run) throw(ctx context.Context, s Switch) error {
	if err := r.Overdue(); err != nil {
		return err
	}
	read, err := r.readBefore(ctx, s)
	if err != nil {
		return err
	}
	done, kept, err := r.switching(ctx, s, read)
	if err != nil || done {
		return err
	}
	if err := r.timeFor(bounds.Call); err != nil {
		return errors.Join(err, r.end(ctx, s.resource(), false))
	}
	err = s.Apply(provider.WithAttempt(ctx), kept)
	switch {
	case err == nil:
		return r.switched(ctx, s)
	case fault.NothingHappened(err) || fault.Is(err, fault.NotReady):
		return errors.Join(err, r.end(ctx, s.resource(), false))
	case !fault.CodeOf(err).Transient():
		return err
	default:
		return &fault.Error{Code: fault.NotReady, Text: "whether " + s.resource().subject() + " was switched is unknown; switching it again later", Err: err}
	}
}

// readBefore reads what is to be kept of a switch that is surely not stopped yet; empty for any other.
func (r *Run) readBefore(ctx context.Context, s Switch) (string, error) {
	if s.Before == nil || s.To != fleet.Stopped {
		return "", nil
	}
	e, err := r.Store.Resource(ctx, r.Input.InstanceID, s.Kind, s.Name)
	if err != nil || e != nil && e.Setting() != fleet.Serving {
		return "", err
	}
	if err := r.timeFor(2 * bounds.Call); err != nil {
		return "", err
	}
	return s.Before(ctx)
}

// switching opens this invocation's attempt, unless the switch is set so already, and gives what was kept of the time before it was
// stopped. An attempt of another invocation that may still act is NotReady; after one that can't any more nobody knows how the
// switch is set, even where this attempt comes to nothing.
func (r *Run) switching(ctx context.Context, s Switch, read string) (done bool, kept string, err error) {
	res := s.resource()
	err = r.Update(ctx, func(tx *store.Tx) error {
		done, kept = false, ""
		e, err := tx.Resource(s.Kind, s.Name)
		if err != nil {
			return err
		}
		if e == nil {
			e = &fleet.Resource{Kind: s.Kind, Name: s.Name, Status: fleet.Intended, Attributes: map[string]string{fleet.Is: string(fleet.Serving)}}
		}
		if e.Attributes = maps.Clone(e.Attributes); e.Attributes == nil {
			e.Attributes = map[string]string{}
		}
		switch a := e.Attempt; {
		case e.Gone() || e.Status == fleet.Removing:
			return fault.New(fault.StaleEpoch, "%s is being taken down", res.subject())
		case e.Setting() == s.To:
			done = true
			return nil
		case a != nil && a.Nonce != r.nonce && !tx.Now().After(res.landed(a)):
			return fault.New(fault.NotReady, "another attempt at %s may act until %s", res.subject(), res.landed(a).Format(time.RFC3339))
		case a != nil && a.Nonce != r.nonce:
			e.Unknown = true
			delete(e.Attributes, fleet.Is)
		case s.Before != nil && e.Setting() == fleet.Serving: // and it is to be stopped
			if read == "" {
				return fault.New(fault.NotReady, "%s was switched meanwhile", res.subject())
			}
			e.Attributes[before] = read
		}
		kept = e.Attributes[before]
		e.Attempt, e.Epoch = &fleet.Attempt{Nonce: r.nonce, Deadline: r.deadline}, r.Input.Epoch
		return tx.PutResource(e)
	})
	return done, kept, err
}

// switched commits how the switch is set, under epoch and nonce.
func (r *Run) switched(ctx context.Context, s Switch) error {
	return r.Update(ctx, func(tx *store.Tx) error {
		e, err := tx.Resource(s.Kind, s.Name)
		if err != nil {
			return err
		}
		if e != nil && e.Setting() == s.To {
			return nil
		}
		if e == nil || e.Attempt == nil || e.Attempt.Nonce != r.nonce {
			return fault.New(fault.NotReady, "another attempt at %s took over", s.resource().subject())
		}
		return r.set(tx, e, s, "ok")
	})
}

// moot notes a switch as stopped that is gone with what it was in.
func (r *Run) moot(ctx context.Context, s Switch) error {
	res := s.resource()
	return r.Update(ctx, func(tx *store.Tx) error {
		e, err := tx.Resource(s.Kind, s.Name)
		if err != nil {
			return err
		}
		if e == nil {
			e = &fleet.Resource{Kind: s.Kind, Name: s.Name, Status: fleet.Intended}
		}
		switch a := e.Attempt; {
		case e.Gone() || e.Status == fleet.Removing:
			return fault.New(fault.StaleEpoch, "%s is being taken down", res.subject())
		case e.Setting() == s.To:
			return nil
		case a != nil && a.Nonce != r.nonce && !tx.Now().After(res.landed(a)):
			return fault.New(fault.NotReady, "another attempt at %s may act until %s", res.subject(), res.landed(a).Format(time.RFC3339))
		}
		return r.set(tx, e, s, "absent")
	})
}

// set writes how a switch is set: at its vendor, "ok", or by being "absent".
func (r *Run) set(tx *store.Tx, e *fleet.Resource, s Switch, outcome string) error {
	if e.Status == fleet.Intended {
		e.Status, e.ID, e.CreatedAt = fleet.Created, s.Name, tx.Now()
	}
	e.Attempt, e.Epoch = nil, r.Input.Epoch
	if e.Attributes = maps.Clone(e.Attributes); e.Attributes == nil {
		e.Attributes = map[string]string{}
	}
	if e.Attributes[fleet.Is] = string(s.To); s.To == fleet.Serving {
		delete(e.Attributes, before)
	}
	if delete(e.Attributes, fleet.Without); outcome == "absent" {
		e.Attributes[fleet.Without] = "true"
	}
	entry := r.Audited("resource."+string(s.To), s.resource().subject(), outcome)
	entry.ID = r.Operation.Execution() + "/" + entry.Action + "/" + entry.Subject // an operation that is undone switches it twice
	tx.Audit(entry)
	return tx.PutResource(e)
}
