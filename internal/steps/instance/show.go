package instance

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/view"
)

// Show gives all that Fleet knows of an instance, or of a signup that is none yet: 404 if it knows of neither. The applicant's data
// stay sealed, and secrets where they are. The audit chain is checked, and what is wrong with it is said.
func Show(Deps) step.API {
	return httpapi.Operators(func(ctx context.Context, env step.Env, r httpapi.Request) (int, any, error) {
		shown, err := show(ctx, env, r.ID)
		return http.StatusOK, shown, err
	})
}

func show(ctx context.Context, env step.Env, id string) (view.Instance, error) {
	var v view.Instance
	s, err := known(ctx, env, id)
	if err != nil {
		return v, err
	}
	i, err := env.Store.Instance(ctx, id)
	if err != nil {
		return v, err
	}
	if v.Row, err = row(ctx, env, *s, i); err != nil {
		return v, err
	}
	if i != nil {
		v.Host, v.Suspension, v.Hold, v.Decommission = i.Host, i.Suspension, i.Hold, i.Decommission
	}
	v.Signed = view.Signup{Tier: s.Tier, Vertical: s.Vertical, Timezone: s.Timezone, Locale: s.Locale, RequestedAt: s.RequestedAt, DecidedAt: s.DecidedAt,
		DecidedBy: s.DecidedBy, Reason: s.Reason}
	var errs [6]error
	v.Epoch, errs[0] = env.Store.Epoch(ctx, id)
	v.Resources, errs[1] = env.Store.Resources(ctx, id)
	v.Operations, errs[2] = env.Store.Operations(ctx, id)
	v.Messages, errs[3] = env.Store.Messages(ctx, id)
	v.History, errs[4] = env.Store.Incidents(ctx, id)
	v.Frozen, errs[5] = env.Store.Freezes(ctx)
	if err := errors.Join(errs[:]...); err != nil {
		return v, err
	}
	v.Frozen = append([]fleet.Freeze{}, v.Frozen...) // none is an empty list, not null
	slices.SortStableFunc(v.Operations, func(a, b fleet.Operation) int {
		return cmp.Or(a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.Epoch, b.Epoch))
	})
	slices.SortStableFunc(v.History, func(a, b fleet.Incident) int { return a.OpenedAt.Compare(b.OpenedAt) })
	for _, incident := range v.History {
		if incident.ClosedAt.IsZero() {
			v.Incidents++
		}
	}
	v.Audit, v.AuditFault, err = audit(ctx, env, id)
	return v, err
}

// known reads a signup: a 404 fault for one that isn't there.
func known(ctx context.Context, env step.Env, id string) (*fleet.Signup, error) {
	unknown := httpapi.Refuse(http.StatusNotFound, fault.Rejected, "there is no such instance, and no such signup")
	if !fleet.IsInstanceID(id) {
		return nil, unknown
	}
	s, err := env.Store.Signup(ctx, id)
	if err == nil && s == nil {
		err = unknown
	}
	return s, err
}

// row is the instance's in a list. What the others wait for is read only where it waits.
func row(ctx context.Context, env step.Env, s fleet.Signup, i *fleet.Instance) (view.Row, error) {
	var w waiting
	if s.Status == fleet.Approved {
		var listed, frozen, down error
		w.approved, listed = env.Store.Signups(ctx, fleet.Approved)
		w.freezes, frozen = env.Store.Freezes(ctx)
		w.outages, down = env.Store.Outages(ctx)
		if err := errors.Join(listed, frozen, down); err != nil {
			return view.Row{}, err
		}
	}
	return w.row(s, i, w.places()[s.InstanceID]), nil
}

// audit reads the chain, and says what is wrong with it: an entry that doesn't decode is one that was changed.
func audit(ctx context.Context, env step.Env, id string) (entries []fleet.AuditEntry, wrong string, err error) {
	entries, head, err := env.Store.Audit(ctx, id)
	switch {
	case fault.Is(err, fault.Internal):
		return entries, step.SafeText(err), nil
	case err != nil:
		return nil, "", err
	case len(entries) == 0:
		return []fleet.AuditEntry{}, fleet.ErrBrokenChain.Error() + ": it is empty, and a signup begins one", nil
	}
	if err := fleet.VerifyChain(entries, head); err != nil {
		return entries, err.Error(), nil
	}
	return entries, "", nil
}
