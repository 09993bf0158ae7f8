package sweep

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store"
)

// verdict is what a comparison comes to.
type verdict int

const (
	explained verdict = iota
	// unsure: something may be under way, or can't be looked at.
	unsure
	wrong
)

// most is how many incidents of a kind are opened about one vendor. What is beyond them has one common cause, as likely as not.
const most = 20

// orphan looks whether a ledger explains what the vendor's list showed, and makes its incident say so.
func (r *round) orphan(ctx context.Context, o fleet.Owned) error {
	entries, err := r.env.Store.ResourcesOf(ctx, o.InstanceID, o.Kind)
	if err != nil || has(entries, o) {
		return err
	}
	return r.judge(ctx, fleet.IncidentOrphan, o, func(i *fleet.Instance) (verdict, error) {
		entries, err := r.env.Store.ResourcesOf(ctx, o.InstanceID, o.Kind)
		if err != nil {
			return unsure, err
		}
		if v := ofOrphan(i, entries, o, r.env.Clock.Now()); v != wrong {
			return v, nil
		}
		outer, v, err := r.outer(ctx, i, o)
		if err != nil || v != wrong {
			return v, err
		}
		if outer != nil && outer.Status != fleet.Created { // it goes with what it is in
			return explained, nil
		}
		return r.look(ctx, o, true), nil
	}, func(i *fleet.Instance, entries []fleet.Resource, now time.Time) verdict {
		return ofOrphan(i, entries, o, now)
	})
}

// missing looks whether the vendor has what an instance's ledger calls created, and makes their incidents say so.
func (r *round) missing(ctx context.Context, i fleet.Instance, kind fleet.Kind) error {
	entries, err := r.env.Store.ResourcesOf(ctx, i.ID, kind)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Status != fleet.Created || r.seen.Has(kind, e.ID) {
			continue
		}
		o := fleet.Owned{Kind: kind, InstanceID: i.ID, Name: e.Name, ID: e.ID}
		err := r.judge(ctx, fleet.IncidentMissing, o, func(i *fleet.Instance) (verdict, error) {
			if v := ofMissing(i, []fleet.Resource{e}, o, r.env.Clock.Now()); v != wrong {
				return v, nil
			}
			outer, v, err := r.outer(ctx, i, o)
			if err != nil || v != wrong {
				return v, err
			}
			if outer != nil && !r.seen.Has(outer.Kind, outer.ID) { // what it is in is missing
				return explained, nil
			}
			return r.look(ctx, o, false), nil
		}, func(i *fleet.Instance, entries []fleet.Resource, now time.Time) verdict {
			return ofMissing(i, entries, o, now)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// judge makes the incident about a thing be what ask, which may look at the vendor, says. What the instance's records say is asked once
// more in the change that opens it, and that no other run had the instance meanwhile.
func (r *round) judge(ctx context.Context, code fleet.IncidentKind, o fleet.Owned, ask func(*fleet.Instance) (verdict, error),
	still func(*fleet.Instance, []fleet.Resource, time.Time) verdict) error {
	cause := causeOf(code, o)
	_, open := r.open[cause]
	if !open && r.standingNow(code) >= most {
		r.more = append(r.more, code)
		return nil
	}
	epoch, err := r.env.Store.Epoch(ctx, o.InstanceID)
	if err != nil {
		return err
	}
	i, err := r.env.Store.Instance(ctx, o.InstanceID)
	if err != nil {
		return err
	}
	v, err := ask(i)
	if err == nil && v == wrong && !open {
		v, err = r.tell(ctx, tellOf(code, i, o), epoch, still)
	}
	if err == nil && (v == wrong || v == unsure && open) {
		r.stand = append(r.stand, cause)
	}
	return err
}

// tell opens an incident about an instance, or about the fleet where no such instance ever was.
func (r *round) tell(ctx context.Context, t told, epoch int64, still func(*fleet.Instance, []fleet.Resource, time.Time) verdict) (v verdict, err error) {
	err = r.env.Store.Update(ctx, t.whose, func(tx *store.Tx) error {
		if t.whose == fleet.FleetID {
			v = wrong
			return tx.Standing(t.code, []fleet.Incident{t.incident}, func(cause string) bool { return cause != t.incident.ID })
		}
		i, err := tx.Instance()
		if err != nil {
			return err
		}
		entries, err := tx.Resources()
		if err != nil {
			return err
		}
		now, err := tx.Epoch()
		if err != nil {
			return err
		}
		if v = still(i, entries, tx.Now()); now != epoch {
			v = unsure
		}
		if v != wrong {
			return nil
		}
		return tx.Standing(t.code, []fleet.Incident{t.incident}, func(cause string) bool { return cause != t.incident.ID })
	})
	return v, err
}

// ofOrphan is what an instance's records say of something that its vendor has.
func ofOrphan(i *fleet.Instance, entries []fleet.Resource, o fleet.Owned, now time.Time) verdict {
	switch {
	case has(entries, o):
		return explained
	case i == nil:
		return wrong
	case i.Operation != "":
		return unsure
	}
	for _, e := range entries {
		if e.Kind == o.Kind && (e.Status == fleet.Intended || e.Status == fleet.Removing || !e.RecheckAt.IsZero() || now.Before(settled(e))) {
			return unsure
		}
	}
	return wrong
}

// ofMissing is what an instance's records say of something that its vendor doesn't have.
func ofMissing(i *fleet.Instance, entries []fleet.Resource, o fleet.Owned, now time.Time) verdict {
	at := slices.IndexFunc(entries, func(e fleet.Resource) bool { return e.Kind == o.Kind && e.Name == o.Name })
	switch {
	case i == nil, at < 0, !has(entries[at:at+1], o):
		return explained
	case i.Operation != "", now.Before(settled(entries[at])):
		return unsure
	}
	return wrong
}

func has(entries []fleet.Resource, o fleet.Owned) bool {
	return slices.ContainsFunc(entries, func(e fleet.Resource) bool {
		return e.Kind == o.Kind && e.Status == fleet.Created && e.ID == o.ID
	})
}

// settled is when the vendor shows what the ledger tells of an entry, on any machine's clock: an attempt may act no more, and no list lags.
func settled(e fleet.Resource) time.Time {
	at := e.LookUntil
	if e.Attempt != nil {
		at = later(at, e.Attempt.Deadline.Add(bounds.QuietProject+bounds.Margin+bounds.Lag))
	}
	if !e.RemovedAt.IsZero() {
		at = later(at, e.RemovedAt.Add(bounds.Lag+bounds.Margin))
	}
	return at
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// within are the kinds of what is looked for in something else of the instance's.
func within() map[fleet.Kind]fleet.Kind {
	return map[fleet.Kind]fleet.Kind{fleet.VercelDomain: fleet.VercelProject, fleet.SendGridDomain: fleet.SendGridSubuser}
}

// outer is the ledger's entry of what a thing is in, nil for what stands by itself. In a suspended instance's accounts nothing is reached.
func (r *round) outer(ctx context.Context, i *fleet.Instance, o fleet.Owned) (*fleet.Resource, verdict, error) {
	kind, inside := within()[o.Kind]
	switch {
	case !inside:
		return nil, wrong, nil
	case i != nil && i.State == fleet.Suspended:
		return nil, unsure, nil
	}
	e, err := r.env.Store.Resource(ctx, o.InstanceID, kind, fleet.ResourceName(o.InstanceID))
	if err == nil && e == nil {
		e = &fleet.Resource{Kind: kind}
	}
	return e, wrong, err
}

// look looks a thing up by itself, as a list may lag and shift: it is wrong where the vendor has it or not as is.
func (r *round) look(ctx context.Context, o fleet.Owned, is bool) verdict {
	run := &step.Run{Env: r.env, Name: "Compare", Input: fleet.RunInput{InstanceID: o.InstanceID}, Instance: fleet.Instance{ID: o.InstanceID}}
	name, _, _ := strings.Cut(o.Name, "#") // a double's entry has the name that it shares, and its id
	res, err := r.Resource(ctx, run, fleet.Resource{Kind: o.Kind, Name: name})
	var found []step.Found
	if err == nil {
		err = r.patiently(ctx, func() (err error) {
			found, err = res.Find(ctx, name)
			return err
		})
	}
	if provider.NotFound(err) {
		err = nil
	}
	if err != nil {
		r.env.Log.WarnContext(ctx, "not compared with the ledger: the look-up failed", "instance", o.InstanceID, "kind", o.Kind, "code", fault.CodeOf(err))
		return unsure
	}
	if is == slices.ContainsFunc(found, func(f step.Found) bool { return f.ID == o.ID && f.Mark == res.Mark }) {
		return wrong
	}
	return explained
}
