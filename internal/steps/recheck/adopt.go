package recheck

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/steps/operation"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/view"
)

// Adopt takes what was put back at a vendor by hand into the ledger: the one thing of that name that carries the instance's mark, in the
// place of what the ledger calls created. It changes nothing at the vendor. It is a short operation under the lease.
//
// 200 with the ledger's entry; 404 for an instance that isn't there; 409 where the ledger calls nothing of that name created, the vendor has
// none or several of it, for a SUSPENDED instance, and while an operation runs on it or the vendor is frozen; 422 for what can't be one.
func Adopt(d Deps) step.API {
	return httpapi.Operators(func(ctx context.Context, env step.Env, r httpapi.Request) (int, any, error) {
		var thing view.Thing
		if err := r.Decode(&thing); err != nil {
			return 0, nil, err
		}
		if err := httpapi.CheckThing(thing); err != nil {
			return 0, nil, err
		}
		entry, err := d.adopt(ctx, env, r, thing)
		return http.StatusOK, entry, err
	})
}

func (d Deps) adopt(ctx context.Context, env step.Env, r httpapi.Request, thing view.Thing) (*fleet.Resource, error) {
	unknown := httpapi.Refuse(http.StatusNotFound, fault.Rejected, "there is no such instance")
	if !fleet.IsInstanceID(r.ID) {
		return nil, unknown
	}
	if i, err := env.Store.Instance(ctx, r.ID); err != nil || i == nil {
		return nil, errors.Join(err, unknown)
	}
	in, err := operation.BeginShort(ctx, env, r.ID, operation.Short{Kind: fleet.Recheck, Phase: fleet.LookingAgain, Actor: r.Operator,
		Reason: "taking what was put back into the ledger", Needs: []string{thing.Kind.Vendor()}, Allow: func(tx *store.Tx, i *fleet.Instance) error {
			if i.State == fleet.Suspended {
				return httpapi.Conflict("the instance is SUSPENDED: nothing in its accounts is reached")
			}
			e, err := tx.Resource(thing.Kind, thing.Name)
			if err == nil && (e == nil || e.Status != fleet.Created) {
				err = httpapi.Conflict("the ledger calls no such thing created")
			}
			return err
		}})
	if busy, ok := errors.AsType[operation.Busy](err); ok {
		return nil, httpapi.Conflict(busy.Error())
	}
	if held, ok := errors.AsType[operation.Held](err); ok {
		return nil, httpapi.Conflict(held.Error())
	}
	if err != nil {
		return nil, err
	}
	ctx = step.About(ctx, in)
	run, err := step.Begin(ctx, env, "Adopt", in)
	if err != nil {
		return nil, err
	}
	entry, err := d.take(ctx, run, thing)
	outcome := fleet.Succeeded
	if err != nil {
		outcome = fleet.FailedClean
	}
	return entry, errors.Join(err, operation.EndShort(ctx, run, outcome))
}

// take writes the vendor's id of what is found by the thing's name into its entry.
func (d Deps) take(ctx context.Context, run *step.Run, thing view.Thing) (*fleet.Resource, error) {
	res, err := d.Resource(ctx, run, fleet.Resource{Kind: thing.Kind, Name: thing.Name})
	if err != nil {
		return nil, err
	}
	found, err := res.Find(ctx, thing.Name)
	if err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(f step.Found) bool { return f.Mark != res.Mark })
	if len(found) != 1 {
		return nil, httpapi.Conflict("the vendor has none, or several, of that name with the instance's mark")
	}
	var entry *fleet.Resource
	err = run.Update(ctx, func(tx *store.Tx) error {
		e, err := tx.Resource(thing.Kind, thing.Name)
		if entry = e; err != nil || e == nil || e.ID == found[0].ID {
			return err
		}
		e.ID, e.Epoch, e.CreatedAt = found[0].ID, run.Input.Epoch, tx.Now()
		if found[0].Attributes != nil {
			e.Attributes = found[0].Attributes
		}
		tx.Audit(run.Audited("resource.adopted", string(e.Kind)+"/"+e.Name, "ok"))
		return tx.PutResource(e)
	})
	return entry, err
}
