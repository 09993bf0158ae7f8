package sweep

import (
	"context"
	"errors"
	"slices"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store"
)

// round is one comparison of a vendor with the ledgers, as far as this invocation sees it.
type round struct {
	Deps
	env    step.Env
	vendor string
	sweep  fleet.Sweep // as it is stored

	open map[string]fleet.Incident // about this vendor, by cause
	seen store.Seen
	// stand and more are what the page under way adds to the sweep's.
	stand []string
	more  []fleet.IncidentKind
}

// errOvertaken: another invocation went on with the round.
var errOvertaken = errors.New("another invocation goes on with the comparison")

// begin begins a round, or goes on with the one under way.
func (r *round) begin(ctx context.Context) error {
	open, err := r.env.Store.OpenIncidents(ctx)
	if err != nil {
		return err
	}
	r.open = map[string]fleet.Incident{}
	for _, i := range open {
		if cause := store.CauseOf(i.ID); about(i.Code, cause) == r.vendor {
			r.open[cause] = i
		}
	}
	return r.save(ctx, r.sweep.Begun(r.env.Clock.Now()), func(*store.Tx) error { return nil })
}

// goOn takes the round's next page, of the vendor's list or of the instances, or ends it.
func (r *round) goOn(ctx context.Context) (done bool, err error) {
	r.stand, r.more = nil, nil
	switch {
	case !r.sweep.Listed:
		return false, r.list(ctx)
	case r.sweep.State != "":
		return false, r.ledgers(ctx)
	}
	return true, r.end(ctx)
}

// list reads a page of what the vendor has, looks for orphans on it, and notes what it showed.
func (r *round) list(ctx context.Context) error {
	next := r.sweep
	var page fleet.OwnedPage
	err := r.patiently(ctx, func() (err error) {
		page, err = r.Owned(ctx, r.vendor, next.Cursor)
		return err
	})
	if err == nil && page.Next != "" && page.Next == next.Cursor {
		err = &fault.Error{Code: fault.Unavailable, Vendor: r.vendor, Operation: "Owned", Text: "the list doesn't get on"}
	}
	if err != nil {
		return r.anew(ctx, err)
	}
	for _, o := range page.Owned {
		if err := r.orphan(ctx, o); err != nil {
			return err
		}
	}
	if next.Cursor, next.Pages = page.Next, next.Pages+1; page.Next == "" {
		next.Listed, next.State = true, fleet.SweptStates()[0]
	}
	return r.save(ctx, next, func(tx *store.Tx) error { return tx.PutSeen(r.vendor, next.Pages-1, page.Owned) })
}

// anew has a round begin anew whose cursor the vendor takes no more. It gives err.
func (r *round) anew(ctx context.Context, err error) error {
	if r.sweep.Cursor == "" || fault.CodeOf(err).Transient() {
		return err
	}
	next := r.sweep
	next.Cursor, next.Pages = "", 0
	return errors.Join(err, r.save(ctx, next, func(*store.Tx) error { return nil }))
}

// ledgers looks for what is missing of a page of instances.
func (r *round) ledgers(ctx context.Context) (err error) {
	if r.seen == nil {
		if r.seen, err = r.env.Store.Seen(ctx, r.vendor, r.sweep.Pages); err != nil {
			return err
		}
	}
	page, cursor, err := r.env.Store.InstancesAfter(ctx, r.sweep.State, r.sweep.Cursor)
	if fault.Is(err, fault.Unavailable) {
		return err
	}
	if err != nil {
		r.env.Log.WarnContext(ctx, "instances were not compared: their records are damaged", "vendor", r.vendor)
	}
	for _, i := range page {
		for _, kind := range fleet.Swept(r.vendor) {
			if err := r.missing(ctx, i, kind); err != nil {
				return err
			}
		}
	}
	next := r.sweep
	if next.Cursor = cursor; cursor == "" {
		states := fleet.SweptStates()
		if at := slices.Index(states, next.State) + 1; at < len(states) {
			next.State = states[at]
		} else {
			next.State = ""
		}
	}
	return r.save(ctx, next, func(*store.Tx) error { return nil })
}

// end closes the incidents that the round didn't find to stand, and ends it.
func (r *round) end(ctx context.Context) error {
	for cause, i := range r.open {
		if !slices.Contains(r.sweep.Stand, cause) {
			if err := r.standing(ctx, i.InstanceID, i.Code, cause, nil); err != nil {
				return err
			}
		}
	}
	for _, code := range []fleet.IncidentKind{fleet.IncidentOrphan, fleet.IncidentMissing} {
		var incident *fleet.Incident
		if slices.Contains(r.sweep.More, code) {
			incident = tooMany(code, r.vendor)
		}
		if err := r.standing(ctx, fleet.FleetID, code, causeOfMany(code, r.vendor), incident); err != nil {
			return err
		}
	}
	s := r.sweep
	r.env.Log.InfoContext(ctx, "compared with the ledgers", "vendor", r.vendor, "pages", s.Pages, "stand", len(s.Stand), "since", s.BegunAt)
	return r.save(ctx, fleet.Sweep{Vendor: s.Vendor, FirstAt: s.FirstAt, EndedAt: r.env.Clock.Now()}, func(*store.Tx) error { return nil })
}

// save writes how far the round is, unless another invocation has gone on with it.
func (r *round) save(ctx context.Context, next fleet.Sweep, also func(tx *store.Tx) error) error {
	if !next.BegunAt.IsZero() {
		next.Stand = merged(next.Stand, r.stand)
		next.More = merged(next.More, r.more)
	}
	err := r.env.Store.Update(ctx, fleet.FleetID, func(tx *store.Tx) error {
		there, err := tx.Sweep(r.vendor)
		if err != nil || same(*there, next) {
			return err
		}
		if !same(*there, r.sweep) {
			return errOvertaken
		}
		return errors.Join(also(tx), tx.PutSweep(&next))
	})
	if err == nil {
		r.sweep = next
	}
	return err
}

func merged[T comparable](all, more []T) []T {
	all = slices.Clone(all)
	for _, m := range more {
		if !slices.Contains(all, m) {
			all = append(all, m)
		}
	}
	return all
}

// same reports whether a round is as far as another.
func same(a, b fleet.Sweep) bool {
	return a.BegunAt.Equal(b.BegunAt) && a.EndedAt.Equal(b.EndedAt) && a.Pages == b.Pages && a.Listed == b.Listed && a.State == b.State && a.Cursor == b.Cursor
}
