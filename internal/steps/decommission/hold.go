package decommission

import (
	"context"
	"net/http"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/view"
)

// longestWhy is how long the reason of a legal hold, or of lifting it, may be, in characters.
const longestWhy = 300

// Hold puts an instance under a legal hold: nothing of it is deleted until the hold is lifted. One that stands stays as it is.
//
// 200 with the hold; 404 for an instance that isn't there; 409 for one that is TERMINATED, or was never in use; 422 without a reason.
func Hold(Deps) step.API {
	return httpapi.Operators(func(ctx context.Context, env step.Env, r httpapi.Request) (int, any, error) {
		entry, err := told(env, r, "hold.set")
		if err != nil {
			return 0, nil, err
		}
		var hold fleet.Hold
		err = change(ctx, env, r.ID, func(tx *store.Tx, i *fleet.Instance) error {
			if i.Hold != nil {
				hold = *i.Hold
				return nil
			}
			switch i.State {
			case fleet.Terminated:
				return httpapi.Conflict("the instance is TERMINATED: it is too late for a hold")
			case fleet.Provisioning:
				return httpapi.Conflict("the instance is PROVISIONING: nobody has used it, and it may still be taken down")
			}
			hold = fleet.Hold{By: r.Operator, Why: entry.Note, Since: tx.Now().UTC()}
			i.Hold = &hold
			tx.Audit(entry)
			return tx.PutInstance(i)
		})
		return http.StatusOK, hold, err
	})
}

// Lift lifts an instance's legal hold. Where none stands nothing happens.
//
// 200; 404 for an instance that isn't there; 422 without a reason.
func Lift(Deps) step.API {
	return httpapi.Operators(func(ctx context.Context, env step.Env, r httpapi.Request) (int, any, error) {
		entry, err := told(env, r, "hold.lifted")
		if err != nil {
			return 0, nil, err
		}
		err = change(ctx, env, r.ID, func(tx *store.Tx, i *fleet.Instance) error {
			if i.Hold == nil {
				return nil
			}
			i.Hold = nil
			tx.Audit(entry)
			return tx.PutInstance(i)
		})
		return http.StatusOK, struct{}{}, err
	})
}

// told is the entry that tells in the audit who sets or lifts a hold, and why.
func told(env step.Env, r httpapi.Request, action string) (fleet.AuditEntry, error) {
	var wanted view.Hold
	if err := r.Decode(&wanted); err != nil {
		return fleet.AuditEntry{}, err
	}
	if !httpapi.Printable(wanted.Why, longestWhy) {
		return fleet.AuditEntry{}, httpapi.BadFields{"why": "1 to 300 printable characters that tell the others why"}
	}
	return fleet.AuditEntry{ID: "hold/" + env.Nonce(), Actor: r.Operator, Action: action, Subject: "instance", Outcome: "ok",
		Request: env.Request, Note: wanted.Why}, nil
}
