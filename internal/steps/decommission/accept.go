package decommission

import (
	"context"
	"errors"
	"net/http"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/steps/operation"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/view"
)

// AcceptExport is an operator's word that an instance may be deleted by an export that isn't all that a final one has to be: one that lacks
// something of the customer's, or, where the project is gone from which a final one would be made, the last that there is. That may be the
// one that came with the notice: the grace begins with it. Said again it changes nothing.
//
// 200 with the decommission; 404 for an instance that isn't there; 409 where no export wants such a word, there is none at all, or an
// operation runs; 422 without a reason.
func AcceptExport(Deps) step.API {
	return httpapi.Operators(func(ctx context.Context, env step.Env, r httpapi.Request) (int, any, error) {
		var wanted view.Acceptance
		if err := r.Decode(&wanted); err != nil {
			return 0, nil, err
		}
		if !httpapi.Printable(wanted.Why, longestWhy) {
			return 0, nil, httpapi.BadFields{"why": "1 to 300 printable characters that tell the others why"}
		}
		var d fleet.Decommission
		err := change(ctx, env, r.ID, func(tx *store.Tx, i *fleet.Instance) error {
			err := accept(tx, i, fleet.Acceptance{By: r.Operator, Why: wanted.Why, At: tx.Now()}, env.Request)
			if err == nil {
				d = *i.Decommission
			}
			return err
		})
		return http.StatusOK, d, err
	})
}

func accept(tx *store.Tx, i *fleet.Instance, a fleet.Acceptance, request string) error {
	if !i.Decommission.Open() {
		return httpapi.Conflict("the instance is not being decommissioned")
	}
	d := *i.Decommission
	e, _ := d.Wanting()
	switch {
	case e == nil && d.Accepted != nil && d.FinalExport != nil && d.Accepted.Export == d.FinalExport.ID:
		return nil
	case e == nil:
		return httpapi.Conflict("no export of it wants an operator's word")
	case i.Operation != "":
		return httpapi.Conflict(operation.Busy{Operation: i.Operation}.Error() + ": try again when it has ended")
	}
	a.Export = e.ID
	stage := d.Stage
	d.Accept(a, fleet.DefaultPeriods())
	i.Decommission = &d
	i.Progress = operation.Resting(*i)
	tx.Audit(fleet.AuditEntry{ID: fleet.NumberedID(fleet.Terminate, i.ID, d.N) + "/accepted/" + e.ID, Actor: a.By, Action: "export.accepted",
		Subject: e.ID, Outcome: e.Manifest, Request: request})
	if d.Stage != stage {
		if err := tx.Intend(fleet.EndMessage(fleet.GraceBegun, d.N), "admin"); err != nil {
			return err
		}
	}
	return errors.Join(tx.PutDue(d.GraceEnds), tx.CloseIncidents(fleet.IncidentExportFailed, fleet.IncidentTerminationHeld), tx.PutInstance(i))
}
