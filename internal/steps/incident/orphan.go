package incident

import (
	"context"
	"net/http"
	"strings"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/view"
)

// RemoveOrphan has the next recheck delete what an Orphan incident tells of: what is found by its name, carries the instance's mark, and is
// not what the ledger calls created. It deletes nothing itself. Asked again it changes nothing.
//
// 202 with the ledger's entry that is looked at; 404 for an instance that isn't there; 409 where no open incident tells of an orphan of the
// kind, under a legal hold, for a SUSPENDED instance, in whose accounts nothing is reached, and while an operation runs on it; 422 for
// what can't be one.
func RemoveOrphan(Deps) step.API {
	return httpapi.Operators(func(ctx context.Context, env step.Env, r httpapi.Request) (int, any, error) {
		var thing view.Thing
		if err := r.Decode(&thing); err != nil {
			return 0, nil, err
		}
		if err := httpapi.CheckThing(thing); err != nil {
			return 0, nil, err
		}
		if !fleet.IsInstanceID(r.ID) {
			return 0, nil, unknown()
		}
		var entry *fleet.Resource
		nonce := env.Nonce()
		err := env.Store.Update(ctx, r.ID, func(tx *store.Tx) (err error) {
			entry, err = lookedFor(tx, thing)
			if err != nil || !entry.RecheckAt.IsZero() {
				return err
			}
			entry.RecheckAt = tx.Now()
			tx.Audit(fleet.AuditEntry{ID: "orphan/" + nonce, Actor: r.Operator, Action: "orphan.removal-asked",
				Subject: string(thing.Kind) + "/" + thing.Name, Outcome: "ok", Request: env.Request})
			return tx.PutResource(entry)
		})
		return http.StatusAccepted, entry, err
	})
}

func unknown() error {
	return httpapi.Refuse(http.StatusNotFound, fault.Rejected, "there is no such instance")
}

// lookedFor is the entry by which a recheck finds an orphan: that of its kind and name, or a new one that says that nothing is there.
func lookedFor(tx *store.Tx, thing view.Thing) (*fleet.Resource, error) {
	i, err := tx.Instance()
	if err != nil {
		return nil, err
	}
	switch {
	case i == nil:
		return nil, unknown()
	case i.Hold != nil:
		return nil, httpapi.Conflict("a legal hold stands: nothing of the instance is deleted")
	case i.State == fleet.Suspended:
		return nil, httpapi.Conflict("the instance is SUSPENDED: nothing in its accounts is reached")
	case i.Operation != "":
		return nil, httpapi.Conflict("operation " + i.Operation + " runs on the instance")
	}
	told, err := tx.HasOpen(func(i fleet.Incident) bool {
		return i.Code == fleet.IncidentOrphan && strings.HasPrefix(i.ID, "orphan/"+string(thing.Kind)+"/")
	})
	if err != nil {
		return nil, err
	}
	if !told {
		return nil, httpapi.Conflict("no open incident tells of an orphan of that kind")
	}
	e, err := tx.Resource(thing.Kind, thing.Name)
	if err != nil || e != nil {
		return e, err
	}
	epoch, err := tx.Epoch()
	return &fleet.Resource{Kind: thing.Kind, Name: thing.Name, Status: fleet.Absent, Epoch: epoch, RemovedAt: tx.Now()}, err
}
