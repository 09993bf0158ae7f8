// Package freeze keeps new work from starting, and lets it start again.
package freeze

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/view"
)

// Deps is what these functions use: nothing but the Env.
type Deps struct{}

// Open opens nothing.
func Open(step.Env) (Deps, error) { return Deps{}, nil }

// Freeze freezes the fleet or a vendor. Once it has answered, nothing new starts: no provisioning is admitted, no dirty take-down
// retried, no message sent once more, no recheck made. What runs goes on to its end, take-downs included, and so does what
// reconcile finds of it; but under a freeze of the fleet, or of terminations, nothing is deleted for good of
// an instance that was in use. A scope that is frozen already stays as it is.
func Freeze(Deps) step.API {
	return httpapi.Operators(func(ctx context.Context, env step.Env, r httpapi.Request) (int, any, error) {
		wanted, err := request(r, true)
		if err != nil {
			return 0, nil, err
		}
		frozen, err := change(ctx, env, r, "frozen", wanted, func(tx *store.Tx, freezes []fleet.Freeze) ([]fleet.Freeze, bool, error) {
			if slices.ContainsFunc(freezes, in(wanted.Scope)) {
				return freezes, false, nil
			}
			return append(freezes, fleet.Freeze{Scope: wanted.Scope, Reason: wanted.Reason, By: r.Operator, Since: tx.Now()}), true, nil
		})
		return http.StatusOK, frozen, err
	})
}

// Thaw ends a freeze, and lets admission begin what waits. A scope that isn't frozen stays so. Whoever thaws terminations has looked at those
// that there were: they make no anomaly any more, and the incident of the stop is over.
func Thaw(Deps) step.API {
	return httpapi.Operators(func(ctx context.Context, env step.Env, r httpapi.Request) (int, any, error) {
		wanted, err := request(r, false)
		if err != nil {
			return 0, nil, err
		}
		frozen, err := change(ctx, env, r, "thawed", wanted, func(tx *store.Tx, freezes []fleet.Freeze) ([]fleet.Freeze, bool, error) {
			if !slices.ContainsFunc(freezes, in(wanted.Scope)) {
				return freezes, false, nil
			}
			if err := seen(tx, wanted.Scope); err != nil {
				return nil, false, err
			}
			return slices.DeleteFunc(freezes, in(wanted.Scope)), true, nil
		})
		if err != nil {
			return 0, nil, err
		}
		if err := env.Trigger(ctx, catalog.Admit.Name); err != nil {
			env.Log.WarnContext(ctx, "admit was not triggered; its schedule will", "code", fault.CodeOf(err))
		}
		return http.StatusOK, frozen, nil
	})
}

// request reads and checks the body.
func request(r httpapi.Request, reason bool) (wanted view.FreezeRequest, err error) {
	if err := r.Decode(&wanted); err != nil {
		return wanted, err
	}
	bad := httpapi.BadFields{}
	scopes := fleet.Scopes()
	if !slices.Contains(scopes, wanted.Scope) {
		bad["scope"] = "one of " + strings.Join(scopes, ", ")
	}
	switch {
	case reason && !httpapi.Printable(wanted.Reason, 500):
		bad["reason"] = "1 to 500 printable characters that tell the others why"
	case !reason && wanted.Reason != "":
		bad["reason"] = "a thaw has none"
	}
	if len(bad) > 0 {
		return wanted, bad
	}
	return wanted, nil
}

// seen notes that the terminations that there were have been looked at, where it is those that are thawed.
func seen(tx *store.Tx, scope string) error {
	if scope != fleet.Terminations {
		return nil
	}
	latest, err := tx.Terminations()
	if err != nil {
		return err
	}
	for i := range latest {
		latest[i].Seen = true
	}
	return errors.Join(tx.PutTerminations(latest), tx.CloseIncidents(fleet.IncidentTerminationsStopped))
}

func in(scope string) func(fleet.Freeze) bool {
	return func(f fleet.Freeze) bool { return f.Scope == scope }
}

// change changes what is frozen in one transaction with its audit entry, which is in the whole fleet's chain, and gives what is
// frozen then. The entry's id holds a nonce: it tells this freeze from the next one of the same scope, and a change whose answer was
// lost finds by it that it was made, whatever another operator has made of it since.
func change(ctx context.Context, env step.Env, r httpapi.Request, action string, wanted view.FreezeRequest,
	do func(*store.Tx, []fleet.Freeze) (next []fleet.Freeze, changed bool, err error)) (view.Frozen, error) {
	frozen := view.Frozen{}
	entry := fleet.AuditEntry{ID: "freeze/" + wanted.Scope + "/" + action + "/" + env.Nonce(), Actor: r.Operator, Action: "fleet." + action,
		Subject: wanted.Scope, Outcome: "ok", Request: env.Request, Note: wanted.Reason}
	err := env.Store.Update(ctx, fleet.FleetID, func(tx *store.Tx) error {
		now, err := tx.Freezes()
		if err != nil {
			return err
		}
		made, err := tx.Audited(entry.ID)
		if err != nil {
			return err
		}
		next, changed := now, false
		if !made {
			if next, changed, err = do(tx, now); err != nil {
				return err
			}
		}
		if frozen.Frozen = append([]fleet.Freeze{}, next...); !changed { // none is an empty list, not null
			return nil
		}
		tx.Audit(entry)
		return tx.PutFreezes(next)
	})
	return frozen, err
}
