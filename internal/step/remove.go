package step

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store"
)

// Remove takes a ledger entry's resource down: it compares ownership, deletes by id, takes "already gone" as done, and looks
// by name until the resource is surely absent, waiting out what an attempt may still do. Run again, or twice at once, it
// converges on none. Something of the name that is not ours is left alone. What has the entry's own id and is not ours any more is a
// NotOurs fault: it is left alone too, but it is there, and the ledger goes on saying so.
func (r *Run) Remove(ctx context.Context, res Resource, entry fleet.Resource) error {
	if entry.Gone() {
		return nil
	}
	if err := r.Overdue(); err != nil {
		return err
	}
	ctx = provider.WithAttempt(ctx)
	landed := time.Time{}
	if entry.Attempt != nil {
		landed = res.landed(entry.Attempt).Add(bounds.Lag)
	}
	byID := entry.ID != "" && entry.Status == fleet.Created
	for pause := time.Second; ; pause = min(2*pause, 5*time.Second) {
		if err := r.timeFor(bounds.Call); err != nil { // a look that hangs must not outlast the invocation
			return err
		}
		now := r.Clock.Now()
		sure := now.After(landed) && now.After(entry.LookUntil)
		ids, err := r.doomed(ctx, res, entry, byID && (sure || res.Look == nil)) // before it is sure, a list may show it yet
		if err != nil {
			return err
		}
		if len(ids) > 0 && entry.Status == fleet.Intended { // it was made after all: the audit must know what is deleted
			if err := r.removing(ctx, entry, ids[0], 0); err != nil {
				return err
			}
			entry.Status = fleet.Removing
		}
		answer := 0
		for _, id := range ids {
			if err := res.Delete(provider.OnAnswer(ctx, func(status int) { answer = status }), id); err != nil {
				return err
			}
		}
		if byID && slices.Contains(ids, entry.ID) || !byID && answer != 0 && entry.Answer == 0 {
			if err := r.removing(ctx, entry, entry.ID, answer); err != nil {
				return err
			}
			byID, entry.Answer = false, answer
		}
		if len(ids) == 0 && sure {
			return r.gone(ctx, entry)
		}
		if err := r.timeFor(pause + bounds.Call); err != nil {
			return fault.New(fault.NotReady, "%s is not surely gone yet", res.subject())
		}
		if err := r.Clock.Sleep(ctx, pause); err != nil {
			return fault.New(fault.NotReady, "%s is not surely gone yet", res.subject())
		}
	}
}

// doomed gives the ids to delete: what the name shows with our mark, and the ledger's id while its deletion was never
// asked for, unless it is seen not to be there. The run's epoch is proved first.
func (r *Run) doomed(ctx context.Context, res Resource, entry fleet.Resource, byID bool) ([]string, error) {
	if err := r.Update(ctx, func(*store.Tx) error { return nil }); err != nil {
		return nil, err
	}
	seen, err := res.Find(ctx, res.Name)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, f := range seen {
		switch {
		case f.Mark == res.Mark:
			ids = append(ids, f.ID)
		case f.ID == entry.ID:
			return nil, r.estranged(ctx, entry)
		}
		byID = byID && f.ID != entry.ID // seen, and judged by its mark
	}
	if !byID {
		return ids, nil
	}
	there, err := res.there(ctx, entry.ID)
	switch {
	case fault.Is(err, fault.NotOurs):
		return nil, r.estranged(ctx, entry)
	case err != nil || !there:
		return ids, err
	}
	return append(ids, entry.ID), nil
}

// there looks by the ledger's id whether something of ours has it. What has another mark, or has no mark but its name and was renamed, is a
// NotOurs fault. Where the vendor can't be asked by the id it may always be there.
func (r Resource) there(ctx context.Context, id string) (bool, error) {
	if r.Look == nil {
		return true, nil
	}
	seen, err := r.Look(ctx, id)
	if err != nil || len(seen) == 0 {
		return false, err
	}
	name, _, _ := strings.Cut(r.Name, "#") // a double has the name of what it doubles
	if seen[0].Mark != r.Mark || r.Mark == "" && seen[0].Name != name {
		return false, fault.New(fault.NotOurs, "%s is there, and not ours any more", r.subject())
	}
	return true, nil
}

// Absent reports whether somebody else has surely removed what the ledger calls created: the vendor has nothing of its id, and nothing of
// its name that is ours, at a time when no list lags and nothing of ours can land any more.
func (r *Run) Absent(ctx context.Context, res Resource) (bool, error) {
	if res.Look == nil {
		return false, nil
	}
	e, err := r.Store.Resource(ctx, r.Input.InstanceID, res.Kind, res.Name)
	if err != nil || e == nil || e.Status != fleet.Created || e.Attempt != nil || !r.Clock.Now().After(e.LookUntil) {
		return false, err
	}
	if err := r.timeFor(2 * bounds.Call); err != nil {
		return false, err
	}
	seen, err := res.Look(ctx, e.ID)
	if err != nil || len(seen) > 0 {
		return false, err
	}
	seen, err = res.Find(ctx, res.Name)
	return err == nil && !slices.ContainsFunc(seen, func(f Found) bool { return f.Mark == res.Mark }), err
}

// estranged notes that what has an entry's id is not ours any more, and is that fault.
func (r *Run) estranged(ctx context.Context, entry fleet.Resource) error {
	subject := string(entry.Kind) + "/" + entry.Name
	err := r.Update(ctx, func(tx *store.Tx) error {
		e, err := tx.Resource(entry.Kind, entry.Name)
		if err != nil || e == nil || e.Gone() || e.Estranged {
			return err
		}
		e.Estranged = true
		tx.Audit(r.Audited("resource.estranged", subject, "not ours"))
		return tx.PutResource(e)
	})
	if err != nil {
		return err
	}
	return fault.New(fault.NotOurs, "%s is there, and not ours any more", subject)
}

// removing notes that a resource's deletion was asked for, or is about to be, under which id, and the vendor's first answer to it.
func (r *Run) removing(ctx context.Context, entry fleet.Resource, id string, answer int) error {
	return r.Update(ctx, func(tx *store.Tx) error {
		e, err := tx.Resource(entry.Kind, entry.Name)
		if err != nil || e == nil || e.Gone() || e.Status == fleet.Removing && (answer == 0 || e.Answer != 0) {
			return err
		}
		e.Estranged = false
		if e.Answer = answer; e.Status == fleet.Removing {
			return tx.PutResource(e)
		}
		e.Status, e.ID, e.Epoch = fleet.Removing, id, r.Input.Epoch
		tx.Audit(r.Audited("resource.removing", string(e.Kind)+"/"+e.Name, "ok"))
		return tx.PutResource(e)
	})
}

// gone is the last commit of a removal. An entry that was never seen becomes absent. Where there was an attempt its outcome
// stays unknown, and a recheck looks again.
func (r *Run) gone(ctx context.Context, entry fleet.Resource) error {
	return r.Update(ctx, func(tx *store.Tx) error {
		e, err := tx.Resource(entry.Kind, entry.Name)
		if err != nil || e == nil || e.Gone() {
			return err
		}
		action := "resource.removed"
		if e.Status == fleet.Intended {
			e.Status, action = fleet.Absent, "resource.absent"
		} else {
			e.Status = fleet.Removed
		}
		e.Unknown, e.Estranged = e.Unknown || e.Attempt != nil, false
		e.Epoch, e.RemovedAt = r.Input.Epoch, tx.Now()
		tx.Audit(r.Audited(action, string(e.Kind)+"/"+e.Name, "ok"))
		return tx.PutResource(e)
	})
}

// RemoveInside notes as removed all that lived inside a kind of resource and vanished with it.
func (r *Run) RemoveInside(ctx context.Context, outer fleet.Kind) error {
	return r.Update(ctx, func(tx *store.Tx) error {
		all, err := tx.Resources()
		if err != nil {
			return err
		}
		for _, e := range all {
			if fleet.Inside()[e.Kind] != outer || e.Gone() {
				continue
			}
			e.Status, e.Epoch, e.RemovedAt = fleet.Removed, r.Input.Epoch, tx.Now()
			tx.Audit(r.Audited("resource.removed", string(e.Kind)+"/"+e.Name, "ok"))
			if err := tx.PutResource(&e); err != nil {
				return err
			}
		}
		return nil
	})
}

// RemoveAll takes down every ledger entry of a kind, and notes what lived inside it as gone. An entry that can't be removed
// yet doesn't hold up the others. What ends an instance's life, and can't be undone, is a Conflict while terminations are frozen.
func (r *Run) RemoveAll(ctx context.Context, kind fleet.Kind, of func(entry fleet.Resource) Resource) error {
	if err := r.held(ctx, kind); err != nil {
		return err
	}
	entries, err := r.Store.Resources(ctx, r.Input.InstanceID)
	if err != nil {
		return err
	}
	var failed []error
	for _, e := range entries {
		if e.Kind == kind {
			failed = append(failed, r.Remove(ctx, of(e), e))
		}
	}
	if err := Join(failed...); err != nil {
		return err
	}
	return r.RemoveInside(ctx, kind)
}

// RemoveStrays deletes what is found by an entry's name, carries our mark and is not what the ledger says is there. It is the
// recheck's look: after the bounds, and beside a live resource as well as after its removal.
func (r *Run) RemoveStrays(ctx context.Context, res Resource, entry fleet.Resource) error {
	if err := r.Update(ctx, func(*store.Tx) error { return nil }); err != nil {
		return err
	}
	ctx = provider.WithAttempt(ctx)
	seen, err := res.Find(ctx, res.Name)
	if err != nil {
		return err
	}
	for _, f := range seen {
		if f.Mark != res.Mark || entry.Status == fleet.Created && f.ID == entry.ID {
			continue
		}
		if err := res.Delete(ctx, f.ID); err != nil {
			return err
		}
		err := r.Update(ctx, func(tx *store.Tx) error {
			tx.Audit(r.Audited("resource.stray-removed", res.subject()+"#"+f.ID, "ok"))
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
