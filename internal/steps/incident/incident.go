// Package incident shows operators what they have to see, takes their word that they do, and hands it to the people on call.
package incident

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/steps/operation"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/view"
)

// Deps is what these functions use: nothing but the Env.
type Deps struct{}

// Open opens nothing.
func Open(step.Env) (Deps, error) { return Deps{}, nil }

// List gives the open incidents of all instances and of the whole fleet, oldest first.
func List(Deps) step.API {
	return httpapi.Operators(func(ctx context.Context, env step.Env, _ httpapi.Request) (int, any, error) {
		open, err := env.Store.OpenIncidents(ctx)
		if err != nil {
			return 0, nil, err
		}
		slices.SortStableFunc(open, func(a, b fleet.Incident) int {
			return cmp.Or(a.OpenedAt.Compare(b.OpenedAt), cmp.Compare(a.InstanceID, b.InstanceID), cmp.Compare(a.ID, b.ID))
		})
		return http.StatusOK, view.Incidents{Incidents: open}, nil
	})
}

// Acknowledge notes that an operator sees to an incident, or that it is dealt with: of a notice that was not surely sent, that its customer
// was told by hand. The answer is the incident; a repeat changes
// nothing. 409 where another operator sees to it, and for one that is closed. Whoever closes one need not have acknowledged it.
func Acknowledge(Deps) step.API {
	return httpapi.Operators(func(ctx context.Context, env step.Env, r httpapi.Request) (int, any, error) {
		var a view.Acknowledgement
		if err := r.Decode(&a); err != nil {
			return 0, nil, err
		}
		bad := httpapi.BadFields{}
		if a.InstanceID != fleet.FleetID && !fleet.IsInstanceID(a.InstanceID) {
			bad["instance_id"] = `an instance's id, or "` + fleet.FleetID + `" for an incident of the whole fleet`
		}
		if !httpapi.Printable(a.ID, 200) {
			bad["id"] = "an incident's id"
		}
		if len(bad) > 0 {
			return 0, nil, bad
		}
		incident, err := acknowledge(ctx, env, r, a)
		return http.StatusOK, incident, err
	})
}

func acknowledge(ctx context.Context, env step.Env, r httpapi.Request, a view.Acknowledgement) (*fleet.Incident, error) {
	var incident *fleet.Incident
	err := env.Store.Update(ctx, a.InstanceID, func(tx *store.Tx) error {
		var err error
		if incident, err = tx.Incident(a.ID); err != nil {
			return err
		}
		switch {
		case incident == nil:
			return httpapi.Refuse(http.StatusNotFound, fault.Rejected, "there is no such incident")
		case !incident.ClosedAt.IsZero() && a.Close:
			return nil
		case !incident.ClosedAt.IsZero():
			return httpapi.Conflict("the incident is closed: nothing is left to see to")
		case !a.Close && incident.AckedBy == r.Operator:
			return nil
		case !a.Close && incident.AckedBy != "":
			return httpapi.Conflict(incident.AckedBy + " sees to it already; close it when it is dealt with")
		}
		noted := func(what string) {
			tx.Audit(fleet.AuditEntry{ID: "incident/" + a.ID + "/" + what, Actor: r.Operator, Action: "incident." + what, Subject: a.ID,
				Outcome: string(incident.Code), Request: env.Request})
		}
		if incident.AckedBy == "" {
			incident.AckedBy, incident.AckedAt = r.Operator, tx.Now()
			noted("acknowledged")
		}
		if a.Close {
			incident.ClosedAt = tx.Now()
			noted("closed")
			if err := toldByHand(tx, incident.ID); err != nil {
				return err
			}
		}
		return tx.PutIncident(incident)
	})
	return incident, err
}

// toldByHand notes, where an incident is about the message of an instance's notice, that its customer was told of it.
func toldByHand(tx *store.Tx, incident string) error {
	message, is := strings.CutPrefix(incident, fleet.MessageIncident(""))
	if text, _ := fleet.EndText(message); !is || text != fleet.NoticeGiven {
		return nil
	}
	i, err := tx.Instance()
	if err != nil || i == nil {
		return err
	}
	return errors.Join(operation.NoticeTold(tx, i, message), tx.PutInstance(i))
}
