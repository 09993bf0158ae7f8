package step

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store"
)

// Resource is how one vendor resource is found, made and removed.
type Resource struct {
	Kind fleet.Kind
	Name string
	// Mark is what a found resource must carry to be ours; empty where the name alone is the mark.
	Mark string
	// Replace: the vendor shows the resource's secret once, so one that is found is deleted and made anew. Otherwise it is
	// adopted.
	Replace bool
	// Quiet is how long after its sender's death a create can still take effect; 0 means bounds.Quiet.
	Quiet time.Duration
	// Find looks the resource up by name, those of others too where the vendor lets them have the name.
	Find func(ctx context.Context, name string) ([]Found, error)
	// Look, where the vendor can be asked so, looks up what has an id, with its name; none where nothing has it, or what had it is ended.
	Look func(ctx context.Context, id string) ([]Found, error)
	// Create makes it, with one request that is never repeated.
	Create func(ctx context.Context, name string) (Found, error)
	// Delete removes it by the vendor's id; one that is gone already is success.
	Delete func(ctx context.Context, id string) error
}

// Found is a resource as a vendor shows it.
type Found struct {
	ID, Mark string
	// Name is what it is called at the vendor, where it was looked up by its id.
	Name       string
	Attributes map[string]string
	Secrets    map[string]provider.Secret
	// Created orders several of one name; zero where the vendor doesn't say.
	Created time.Time
}

// Looked is what a look-up by an id comes to: none where the vendor says that there is nothing of it.
func Looked(f Found, err error) ([]Found, error) {
	switch {
	case provider.NotFound(err):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return []Found{f}, nil
}

func (r Resource) quiet() time.Duration { return cmp.Or(r.Quiet, bounds.Quiet) }

// landed is when whatever the attempt sent has taken effect, if it ever does, on any machine's clock.
func (r Resource) landed(a *fleet.Attempt) time.Time {
	return a.Deadline.Add(r.quiet() + bounds.Margin)
}

func (r Resource) subject() string { return string(r.Kind) + "/" + r.Name }

// Ensure makes the resource, or adopts the one that an earlier attempt made, and commits it to the ledger with its
// attributes, secrets and audit entry. Run again after any death, or twice at once, it converges on exactly one.
// The rules are those of the checked protocol: intent and attempt first; look until sure; create once; commit under epoch
// and nonce. Only what proves that nothing happened ends the attempt.
func (r *Run) Ensure(ctx context.Context, res Resource) error {
	if err := r.Overdue(); err != nil {
		return err
	}
	entry, err := r.intend(ctx, res)
	if err != nil || entry.Status == fleet.Created {
		return err
	}
	ctx = provider.WithAttempt(ctx)
	ours, err := r.look(ctx, res, entry)
	switch {
	case fault.Is(err, fault.StaleEpoch):
		return err
	case err != nil: // nothing that creates was sent by this attempt
		return errors.Join(err, r.end(ctx, res, false))
	case len(ours) > 0:
		return r.adopt(ctx, res, ours)
	}
	made, err := res.Create(ctx, res.Name)
	switch {
	case err == nil:
		return r.commit(ctx, res, made)
	case fault.Is(err, fault.Conflict) && fault.NothingHappened(err):
		return r.conflicted(ctx, res, entry, err)
	case fault.NothingHappened(err):
		return errors.Join(err, r.end(ctx, res, false))
	default:
		return &fault.Error{Code: fault.NotReady, Text: "whether " + res.subject() + " was made is unknown; looking again later", Err: err}
	}
}

// intend records the intent and opens this invocation's attempt. An attempt of another invocation that may still act is
// NotReady; one that can't any more leaves its outcome unknown.
func (r *Run) intend(ctx context.Context, res Resource) (fleet.Resource, error) {
	var entry fleet.Resource
	err := r.Update(ctx, func(tx *store.Tx) error {
		e, err := tx.Resource(res.Kind, res.Name)
		if err != nil {
			return err
		}
		if e == nil {
			e = &fleet.Resource{Kind: res.Kind, Name: res.Name, Status: fleet.Intended}
		}
		switch a := e.Attempt; {
		case e.Status == fleet.Created:
			entry = *e
			return nil
		case e.Status != fleet.Intended:
			return fault.New(fault.StaleEpoch, "%s is being taken down", res.subject())
		case a != nil && a.Nonce != r.nonce && !tx.Now().After(res.landed(a)):
			return fault.New(fault.NotReady, "another attempt at %s may act until %s", res.subject(), res.landed(a).Format(time.RFC3339))
		case a != nil && a.Nonce != r.nonce:
			e.Unknown = true
			e.LookUntil = later(e.LookUntil, res.landed(a).Add(bounds.Lag))
		}
		e.Attempt = &fleet.Attempt{Nonce: r.nonce, Deadline: r.deadline}
		e.Epoch = r.Input.Epoch
		entry = *e
		return tx.PutResource(e)
	})
	return entry, err
}

// look looks the resource up until it is found or surely absent. Of a Replace resource what it finds is deleted, so it
// ends surely absent. It fails without having sent anything that creates.
func (r *Run) look(ctx context.Context, res Resource, entry fleet.Resource) ([]Found, error) {
	for pause := time.Second; ; pause = min(2*pause, 5*time.Second) {
		if err := r.timeFor(bounds.Call); err != nil { // a look that hangs must not outlast the invocation
			return nil, err
		}
		sure := r.Clock.Now().After(entry.LookUntil)
		seen, err := res.Find(ctx, res.Name)
		if err == nil {
			seen, err = res.ours(seen)
		}
		switch {
		case err != nil && (!fault.Is(err, fault.Unavailable) || fault.NothingHappened(err)):
			return nil, err
		case err != nil: // a read can be repeated
		case len(seen) > 0 && res.Replace:
			for _, f := range seen {
				if err := res.Delete(ctx, f.ID); err != nil {
					return nil, err
				}
			}
		case len(seen) > 0:
			return seen, nil
		case sure:
			return nil, r.timeFor(bounds.Call)
		}
		if err := r.timeFor(pause + bounds.Call); err != nil {
			return nil, err
		}
		if err := r.Clock.Sleep(ctx, pause); err != nil {
			return nil, fault.New(fault.NotReady, "out of time while looking for %s", res.subject())
		}
	}
}

// timeFor is NotReady when less than d and the time to commit is left of the invocation.
func (r *Run) timeFor(d time.Duration) error {
	if r.deadline.Sub(r.Clock.Now()) < d+2*time.Second {
		return fault.New(fault.NotReady, "too little time left in this invocation")
	}
	return nil
}

// ours keeps what carries our mark. Something of our name with another's mark is NotOurs.
func (r Resource) ours(seen []Found) ([]Found, error) {
	if slices.ContainsFunc(seen, func(f Found) bool { return f.Mark != r.Mark }) {
		return nil, fault.New(fault.NotOurs, "%s exists and is not ours", r.subject())
	}
	return seen, nil
}

// adopt removes all but the oldest of what was found, under the attempt that is still open, and commits the oldest. What an
// earlier attempt noted as a double stays one: its deletion may be under way, whatever lists still show.
func (r *Run) adopt(ctx context.Context, res Resource, seen []Found) error {
	noted, err := r.noted(ctx, res)
	if err != nil {
		return err
	}
	seen = slices.DeleteFunc(seen, func(f Found) bool { return slices.Contains(noted, f.ID) })
	slices.SortStableFunc(seen, func(a, b Found) int { return a.Created.Compare(b.Created) })
	for _, f := range seen[min(1, len(seen)):] {
		noted = append(noted, f.ID)
	}
	if err := r.removeDoubles(ctx, res, noted); err != nil {
		return err
	}
	if len(seen) == 0 {
		err := fault.New(fault.NotReady, "of %s only doubles were shown", res.subject())
		return errors.Join(err, r.end(ctx, res, false))
	}
	return r.commit(ctx, res, seen[0])
}

// noted gives the ids of the doubles that are in the ledger, removed or not.
func (r *Run) noted(ctx context.Context, res Resource) (ids []string, err error) {
	entries, err := r.Store.Resources(ctx, r.Input.InstanceID)
	for _, e := range entries {
		if e.Kind == res.Kind && strings.HasPrefix(e.Name, res.Name+"#") {
			ids = append(ids, e.ID)
		}
	}
	return ids, err
}

// removeDoubles gives each double a ledger entry of its own and removes it at once. One that was removed is left as it is.
func (r *Run) removeDoubles(ctx context.Context, res Resource, ids []string) error {
	for _, id := range ids {
		gone, err := r.noteDouble(ctx, res, id, fleet.Created, "resource.doubled")
		if err != nil {
			return err
		}
		if gone {
			continue
		}
		if err := res.Delete(ctx, id); err != nil {
			return err
		}
		if _, err := r.noteDouble(ctx, res, id, fleet.Removed, "resource.removed"); err != nil {
			return err
		}
	}
	return nil
}

// noteDouble writes a double's ledger entry, unless it says already that the double is gone.
func (r *Run) noteDouble(ctx context.Context, res Resource, id string, status fleet.ResourceStatus, action string) (gone bool, err error) {
	name := res.Name + "#" + id
	err = r.Update(ctx, func(tx *store.Tx) error {
		e, err := tx.Resource(res.Kind, name)
		if err != nil {
			return err
		}
		if e == nil {
			e = &fleet.Resource{Kind: res.Kind, Name: name, ID: id, Epoch: r.Input.Epoch}
		}
		if gone = e.Gone(); gone {
			return nil
		}
		if e.Status = status; status == fleet.Removed {
			e.RemovedAt = tx.Now()
		}
		tx.Audit(r.Audited(action, string(res.Kind)+"/"+name, "double"))
		return tx.PutResource(e)
	})
	return gone, err
}

// commit writes what was made or adopted, its secrets and its audit entry, under epoch and nonce.
func (r *Run) commit(ctx context.Context, res Resource, f Found) error {
	secrets := map[string][]byte{}
	for name, s := range f.Secrets {
		sealed, err := r.Vault.Seal(ctx, r.Input.InstanceID, "secret/"+name, []byte(s.Reveal()))
		if err != nil {
			return err
		}
		secrets[name] = sealed
	}
	return r.Update(ctx, func(tx *store.Tx) error {
		e, err := tx.Resource(res.Kind, res.Name)
		if err != nil {
			return err
		}
		if e != nil && e.Status == fleet.Created && e.ID == f.ID {
			return nil
		}
		if e == nil || e.Attempt == nil || e.Attempt.Nonce != r.nonce {
			return fault.New(fault.NotReady, "another attempt at %s took over", res.subject())
		}
		e.Status, e.ID, e.Attributes, e.Attempt, e.Epoch = fleet.Created, f.ID, f.Attributes, nil, r.Input.Epoch
		e.CreatedAt = tx.Now()
		e.LookUntil = later(e.LookUntil, tx.Now().Add(bounds.Lag+bounds.Margin))
		for name, sealed := range secrets {
			if _, err := tx.Secret(name); err != nil { // read, so that it may be overwritten
				return err
			}
			if err := tx.PutSecret(name, sealed); err != nil {
				return err
			}
		}
		tx.Audit(r.Audited("resource.created", res.subject(), "ok"))
		return tx.PutResource(e)
	})
}

// end ends this invocation's attempt as one that did nothing. LookUntil and Unknown stay as they are; a conflict is noted
// and makes look-ups wait out the lag. It needs no epoch: to know that nothing is in flight helps whoever took over, too.
func (r *Run) end(ctx context.Context, res Resource, conflicted bool) error {
	return r.Store.Update(ctx, r.Input.InstanceID, func(tx *store.Tx) error {
		e, err := tx.Resource(res.Kind, res.Name)
		if err != nil || e == nil || e.Attempt == nil || e.Attempt.Nonce != r.nonce {
			return err
		}
		e.Attempt = nil
		if conflicted {
			e.Conflicted, e.Unknown = true, true
			e.LookUntil = later(e.LookUntil, tx.Now().Add(bounds.Lag+bounds.Margin))
		}
		return tx.PutResource(e)
	})
}

// conflicted ends an attempt that was told the name is taken. The first time it may be ours and not shown yet, so it is
// looked for once more; the second time it is somebody else's.
func (r *Run) conflicted(ctx context.Context, res Resource, entry fleet.Resource, cause error) error {
	if err := r.end(ctx, res, true); err != nil {
		return err
	}
	if entry.Conflicted {
		return cause
	}
	return &fault.Error{Code: fault.NotReady, Text: "the name of " + res.subject() + " is taken; looking whether it is ours", Err: cause}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func asFault(err error) *fault.Error {
	f, _ := errors.AsType[*fault.Error](err)
	return f
}

// Join is one error for several: the first transient one, since trying again helps it on, or else the first.
func Join(errs ...error) error {
	var first error
	for _, err := range errs {
		if err != nil && fault.CodeOf(err).Transient() {
			return err
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// Unsent marks a failure from before a request was sent: nothing happened.
func Unsent(err error) error {
	return &fault.Error{Code: fault.CodeOf(err), Text: "not sent: what it needs could not be read", NothingHappened: true, Err: err}
}
