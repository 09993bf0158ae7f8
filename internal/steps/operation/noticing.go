package operation

import (
	"context"
	"fmt"
	"strings"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store"
)

// decommissionable refuses to begin an instance's end where one is under way, or something is in its way.
func decommissionable(tx *store.Tx, i fleet.Instance, lock fleet.UnpaidLock) error {
	if d := i.Decommission; d.Open() {
		return httpapi.Conflict(fmt.Sprintf("the instance is being decommissioned already, in stage %s: cancel that first", d.Stage))
	}
	freezes, err := tx.Freezes()
	if err != nil {
		return err
	}
	if found := fleet.Obstacles(i, freezes, lock); len(found) > 0 {
		return httpapi.Conflict("the instance can't be decommissioned now: " + strings.Join(found, "; "))
	}
	return nil
}

// PostponeNotice has an instance's notice run anew, where the message of it is about to be sent, or was told by hand, long after it was
// given: its customer has the whole of it. What the caller writes is the instance.
func PostponeNotice(tx *store.Tx, i *fleet.Instance, message string) error {
	if !noticeOf(*i, message) {
		return nil
	}
	d := *i.Decommission
	if !d.Postpone(fleet.DefaultPeriods(), tx.Now()) {
		return nil
	}
	i.Decommission = &d
	return tx.PutDue(d.NoticeEnds)
}

// NoticeTold notes on an instance that its customer was told of the notice, by a message or, where that was not surely sent, by hand.
func NoticeTold(tx *store.Tx, i *fleet.Instance, message string) error {
	if err := PostponeNotice(tx, i, message); err != nil || !noticeOf(*i, message) {
		return err
	}
	d := *i.Decommission
	d.Tell(tx.Now())
	i.Decommission = &d
	return nil
}

// noticeOf reports whether a message tells of the notice that an instance is in.
func noticeOf(i fleet.Instance, message string) bool {
	text, n := fleet.EndText(message)
	return text == fleet.NoticeGiven && i.Decommission.Needs(text, n)
}

// noticeOn continues a decommission whose execution ended before it had an outcome: another run goes on from what was written.
func noticeOn(ctx context.Context, env step.Env, o fleet.Operation) error {
	return again(ctx, env, o, fleet.Noticing)
}

// endNotice reads from the decommission whether the notice was given. Where it wasn't, there is no decommission any more: the customer was
// told nothing, and an incident says why.
func endNotice(tx *store.Tx, instance *fleet.Instance, operation *fleet.Operation) (fleet.Outcome, error) {
	instance.Progress = Resting(*instance)
	d := *instance.Decommission
	if d.Given() {
		return fleet.Succeeded, tx.CloseIncidents(fleet.IncidentUndone, fleet.IncidentOverdue)
	}
	why, err := failExport(tx, operation.ID)
	if err != nil {
		return "", err
	}
	d.Stage = fleet.Withdrawn
	instance.Decommission = &d
	before := func(i fleet.Incident) bool {
		return i.Code == fleet.IncidentOverdue || i.Code == fleet.IncidentUndone && strings.HasPrefix(i.ID, string(fleet.GiveNotice)+"-")
	}
	if err := tx.CloseIncidentsOf(before); err != nil {
		return "", err
	}
	return fleet.Undone, tx.Open(fleet.Incident{ID: operation.ID + "-undone", Code: fleet.IncidentUndone,
		Reason:     "no notice was given, and the instance is not decommissioned: its first export failed: " + why,
		NextAction: fmt.Sprintf("mend the cause, then: fleetctl decommission %s", instance.ID)})
}
