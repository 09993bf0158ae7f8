package incident

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store"
)

// Page hands every open incident that was not handed over yet to the people on call, the longest open first, and then notes that
// it did. An invocation that dies in between hands it over again the next time: people hear of each at least once. One that is
// closed before its turn is not handed over. One that fails holds up no other.
func Page(Deps) step.Event {
	return func(ctx context.Context, env step.Env) error {
		listed, failed := env.Store.Unpaged(ctx)
		for _, i := range listed {
			if !step.HasTime(ctx, env.Clock, bounds.Call) {
				break // the next invocation goes on from here
			}
			if err := page(ctx, env, i); err != nil {
				env.Log.WarnContext(ctx, "incident was not handed over", "instance", i.InstanceID, "incident", i.ID, "code", fault.CodeOf(err))
				failed = errors.Join(failed, err)
			}
		}
		return failed
	}
}

func page(ctx context.Context, env step.Env, listed fleet.Incident) error {
	i, err := env.Store.Incident(ctx, listed.InstanceID, listed.ID) // the list may lag
	if err != nil || i == nil || !i.ClosedAt.IsZero() || !i.PagedAt.IsZero() {
		return err
	}
	if err := env.Publish(ctx, subject(*i), text(*i)); err != nil {
		return err
	}
	return env.Store.Update(ctx, i.InstanceID, func(tx *store.Tx) error {
		there, err := tx.Incident(i.ID)
		if err != nil || there == nil || !there.PagedAt.IsZero() {
			return err
		}
		there.PagedAt = tx.Now()
		tx.Audit(fleet.AuditEntry{ID: "incident/" + i.ID + "/paged", Actor: "fleet", Action: "incident.paged", Subject: i.ID,
			Outcome: string(i.Code), Request: env.Request})
		return tx.PutIncident(there)
	})
}

// subject fits in the 100 characters of a line that SNS takes.
func subject(i fleet.Incident) string { return "Gimbal Fleet: " + string(i.Code) + ", " + about(i) }

func about(i fleet.Incident) string {
	if i.InstanceID == fleet.FleetID {
		return "the whole fleet"
	}
	return "instance " + i.InstanceID
}

func text(i fleet.Incident) string {
	show := "fleetctl incidents"
	if i.InstanceID != fleet.FleetID {
		show = "fleetctl show " + i.InstanceID
	}
	return fmt.Sprintf(`%s: %s

What happened: %s
What to do:    %s
Since:         %s
Incident:      %s

fleetctl runbook %s
%s
`, i.Code, about(i), i.Reason, i.NextAction, i.OpenedAt.UTC().Format(time.RFC3339), i.ID, i.Code, show)
}
