package incident

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/steps/operation"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/view"
)

// RemoveOrphan has the next recheck delete what an Orphan incident tells of: what is found by its name, carries the instance's mark, and is
// not what the ledger calls created. It deletes nothing itself. Asked again it changes nothing.
//
// 202 with the ledger's entry that is looked at; 404 for an instance that isn't there; 409 where no open incident tells of an orphan of the
// kind, under a legal hold, for a SUSPENDED instance, in whose accounts nothing is reached, and while an operation runs on it; and for
// what can't be undone also without a verified export, or a word why without, while terminations are frozen, and on a day of many until
// another operator asks for the same; 422 for what can't be one.
func RemoveOrphan(Deps) step.API {
	return httpapi.Operators(func(ctx context.Context, env step.Env, r httpapi.Request) (int, any, error) {
		a := asking{env: env, operator: r.Operator, nonce: env.Nonce()}
		if err := r.Decode(&a.orphan); err != nil {
			return 0, nil, err
		}
		if err := httpapi.CheckThing(a.orphan.Thing); err != nil {
			return 0, nil, err
		}
		if a.orphan.WithoutExport != "" && !httpapi.Printable(a.orphan.WithoutExport, longestWhy) {
			return 0, nil, httpapi.BadFields{"without_export": "1 to 300 printable characters that tell the others why"}
		}
		if !fleet.IsInstanceID(r.ID) {
			return 0, nil, unknown()
		}
		if err := env.Store.Update(ctx, r.ID, a.write); err != nil {
			return 0, nil, err
		}
		if a.anomaly != "" {
			a.refusal = errors.Join(operation.StopTerminations(ctx, env, a.anomaly), a.refusal)
		}
		return http.StatusAccepted, a.entry, a.refusal
	})
}

// longestWhy is how long the reason may be why there is no export, in characters.
const longestWhy = 300

// asking is a request for an orphan to be deleted.
type asking struct {
	env             step.Env
	operator, nonce string
	orphan          view.Orphan

	entry *fleet.Resource
	// refusal is why it waits although the request is noted; anomaly is what stops every termination.
	refusal error
	anomaly string
}

func unknown() error {
	return httpapi.Refuse(http.StatusNotFound, fault.Rejected, "there is no such instance")
}

func (a *asking) write(tx *store.Tx) error {
	a.refusal, a.anomaly = nil, ""
	i, err := tx.Instance()
	if err != nil {
		return err
	}
	if err := a.mayBe(tx, i); err != nil {
		return err
	}
	if a.entry, err = a.lookedFor(tx); err != nil || !a.entry.RecheckAt.IsZero() {
		return err
	}
	outcome := "ok"
	if fleet.Irreversible(a.orphan.Kind) {
		if outcome, err = a.guarded(tx, *i); err != nil || outcome == "" {
			return err
		}
	}
	if a.refusal == nil {
		a.entry.RecheckAt = tx.Now()
	}
	tx.Audit(fleet.AuditEntry{ID: "orphan/" + a.nonce, Actor: a.operator, Action: "orphan.removal-asked",
		Subject: string(a.orphan.Kind) + "/" + a.orphan.Name, Outcome: outcome, Request: a.env.Request})
	return tx.PutResource(a.entry)
}

// mayBe refuses where nothing of the instance is deleted now, or no incident tells of an orphan of the kind.
func (a *asking) mayBe(tx *store.Tx, i *fleet.Instance) error {
	switch {
	case i == nil:
		return unknown()
	case i.Hold != nil:
		return httpapi.Conflict("a legal hold stands: nothing of the instance is deleted")
	case i.State == fleet.Suspended:
		return httpapi.Conflict("the instance is SUSPENDED: nothing in its accounts is reached")
	case i.Operation != "":
		return httpapi.Conflict("operation " + i.Operation + " runs on the instance")
	}
	told, err := tx.HasOpen(func(i fleet.Incident) bool {
		return i.Code == fleet.IncidentOrphan && strings.HasPrefix(i.ID, "orphan/"+string(a.orphan.Kind)+"/")
	})
	if err == nil && !told {
		err = httpapi.Conflict("no open incident tells of an orphan of that kind")
	}
	return err
}

// lookedFor is the entry by which a recheck finds an orphan: that of its kind and name, or a new one that says that nothing is there.
func (a *asking) lookedFor(tx *store.Tx) (*fleet.Resource, error) {
	e, err := tx.Resource(a.orphan.Kind, a.orphan.Name)
	if err != nil || e != nil {
		return e, err
	}
	epoch, err := tx.Epoch()
	return &fleet.Resource{Kind: a.orphan.Kind, Name: a.orphan.Name, Status: fleet.Absent, Epoch: epoch, RemovedAt: tx.Now()}, err
}
