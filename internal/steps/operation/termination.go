package operation

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store"
)

// Barrier is what keeps an instance from being terminated: it holds until a person does something about it.
type Barrier struct {
	Reason, NextAction string
	// Anomaly: nothing of the kind may go on anywhere before somebody has looked.
	Anomaly bool
}

// Barred reads what keeps an instance from being terminated now; nil where nothing does. Whatever the change writes is written only if
// freezes and the count of the day are as they were read.
func Barred(tx *store.Tx, i fleet.Instance, s step.Settings) (*Barrier, error) {
	freezes, err := tx.Freezes()
	if err != nil {
		return nil, err
	}
	today, err := Today(tx, s, fleet.Termination{InstanceID: i.ID})
	if err != nil {
		return nil, err
	}
	d := i.Decommission
	frozen := fleet.Frozen(freezes, append(fleet.Vendors(), fleet.Terminations)...)
	switch {
	case !d.Open():
		return &Barrier{Reason: "it is not being decommissioned", NextAction: "none"}, nil
	case d.Stage != fleet.InGrace && d.Stage != fleet.Terminating || i.State != fleet.Suspended:
		return &Barrier{Reason: fmt.Sprintf("it is %s, in stage %s", i.State, d.Stage), NextAction: "wait until its notice is over"}, nil
	case tx.Now().Before(d.GraceEnds):
		return &Barrier{Reason: "its grace is not over", NextAction: "wait until then"}, nil
	case i.Hold != nil:
		return &Barrier{Reason: "a legal hold stands: " + i.Hold.Why, NextAction: "when it is over: fleetctl lift " + i.ID + " --why TEXT"}, nil
	case d.FinalExport == nil || d.FinalExport.VerifiedAt.IsZero():
		return &Barrier{Reason: "no final export was verified", NextAction: "look at its close operation"}, nil
	case wanting(i) != nil:
		return wanting(i), nil
	case frozen != nil:
		return &Barrier{Reason: frozen.What() + " (" + frozen.Reason + ")", NextAction: "look into it, then: fleetctl thaw " + frozen.Scope}, nil
	case today.Anomaly():
		return &Barrier{Reason: fmt.Sprintf("%d instances were terminated within a day, twice as many as usual", today.Unseen),
			NextAction: "find out why so many end", Anomaly: true}, nil
	case today.All >= today.Limit && d.Second == "":
		return &Barrier{Reason: fmt.Sprintf("%d instances were terminated within a day", today.All),
			NextAction: "another operator than " + d.By + " approves: fleetctl approve-termination " + i.ID}, nil
	}
	return nil, nil
}

// wanting is the barrier of a final export that lacks something, until an operator says that it suffices; nil where nobody has to.
func wanting(i fleet.Instance) *Barrier {
	e, lacks := i.Decommission.Wanting()
	if e == nil {
		return nil
	}
	return &Barrier{Reason: lacks, NextAction: "see what it is: fleetctl exports " + i.ID + " " + e.ID + "; if it isn't needed: " + fleet.AcceptExport(i.ID)}
}

// HoldWanting opens the incident of a final export that lacks something, long before the end.
func HoldWanting(tx *store.Tx, i fleet.Instance) error { return Hold(tx, i, wanting(i)) }

// Day is how many terminations a day had, how many of them nobody has looked at, and how many there are on one operator's word at most.
type Day struct{ All, Unseen, Limit int }

// Anomaly reports whether there are so many that everything stops.
func (d Day) Anomaly() bool { return d.Unseen >= 2*d.Limit }

// Today counts the day's terminations without one.
func Today(tx *store.Tx, s step.Settings, but fleet.Termination) (Day, error) {
	latest, err := tx.Terminations()
	within := fleet.Within(latest, tx.Now(), but)
	return Day{len(within), fleet.Unseen(within), cmp.Or(s.TerminationsADay, fleet.TerminationsADay)}, err
}

// Terminate begins the termination of an instance whose grace is over, in the name of the operator who decommissioned it, or goes on
// with it. What bars it becomes an incident, and is no error: whoever calls does so again. Called again, late or twice, it finds what
// it began.
func Terminate(ctx context.Context, env step.Env, instanceID string) error {
	var begun *fleet.Operation
	var barrier *Barrier
	nonce := env.Nonce()
	err := env.Store.Update(ctx, instanceID, func(tx *store.Tx) error {
		begun, barrier = nil, nil
		instance, err := tx.Instance()
		if err != nil || instance == nil || !instance.Decommission.Open() || instance.State == fleet.Terminated {
			return err
		}
		if instance.Operation != "" {
			o, err := tx.Operation(instance.Operation)
			if o != nil && o.BegunBy == nonce {
				begun = o // the answer to this very write was lost
			}
			return err // it is tried again when that has ended
		}
		if barrier, err = Barred(tx, *instance, env.Settings); err != nil || barrier != nil {
			return errors.Join(err, Hold(tx, *instance, barrier))
		}
		begun, err = terminate(tx, env, instance, nonce)
		return err
	})
	if err != nil {
		return err
	}
	if barrier != nil && barrier.Anomaly {
		return StopTerminations(ctx, env, barrier.Reason)
	}
	if begun == nil {
		return nil
	}
	return env.Executions.Start(ctx, begun.Workflow(), begun.Execution(), begun.Input())
}

// terminate writes the next run of an instance's termination.
func terminate(tx *store.Tx, env step.Env, instance *fleet.Instance, nonce string) (*fleet.Operation, error) {
	d := *instance.Decommission
	id := fleet.NumberedID(fleet.Terminate, instance.ID, d.N)
	o, err := tx.Operation(id)
	if err != nil {
		return nil, err
	}
	if o == nil {
		o = &fleet.Operation{ID: id, InstanceID: instance.ID, Kind: fleet.Terminate, StartedAt: tx.Now()}
	}
	old, err := tx.Epoch()
	if err != nil {
		return nil, err
	}
	o.BegunBy, o.Failure, o.FailureText = nonce, "", ""
	d.Stage = fleet.Terminating
	instance.Decommission = &d
	if err := advance(tx, instance, o, old, fleet.Confirming, step.Cause{}); err != nil {
		return nil, err
	}
	tx.Audit(begunEntry(o, "fleet", "", env.Request))
	return o, tx.CloseIncidentsOf(func(i fleet.Incident) bool {
		return i.Code == fleet.IncidentTerminationHeld && i.Reason != held(unconfirmed)
	})
}

// unconfirmed is the reason of a termination that is begun again by itself, as long as it comes to nothing: it has one incident.
const unconfirmed = "it could not be confirmed"

// held is what an incident says of a termination that a reason keeps back.
func held(reason string) string { return "not terminated: " + reason }

// Hold opens the incident of what bars a termination; nil opens none. It is opened once as long as it is the same barrier.
func Hold(tx *store.Tx, i fleet.Instance, b *Barrier) error {
	if b == nil {
		return nil
	}
	reason := held(b.Reason)
	open, err := tx.OpenIncident(fleet.IncidentTerminationHeld)
	if err != nil || open != nil && open.Reason == reason {
		return err
	}
	if err := tx.CloseIncidents(fleet.IncidentTerminationHeld); err != nil {
		return err
	}
	return tx.Open(fleet.Incident{ID: fmt.Sprintf("termination-held-%d-%d", i.Decommission.N, tx.Now().Unix()), Code: fleet.IncidentTerminationHeld,
		Reason: reason, NextAction: b.NextAction})
}

// StopTerminations freezes terminations, fleet-wide, with an incident of the whole fleet's. Where they are frozen they stay so.
func StopTerminations(ctx context.Context, env step.Env, reason string) error {
	return env.Store.Update(ctx, fleet.FleetID, func(tx *store.Tx) error {
		freezes, err := tx.Freezes()
		if err != nil || fleet.Frozen(freezes, fleet.Terminations) != nil {
			return err
		}
		id := "terminations-stopped-" + env.Nonce()
		tx.Audit(fleet.AuditEntry{ID: "freeze/" + id, Actor: "fleet", Action: "fleet.frozen", Subject: fleet.Terminations, Outcome: "ok", Request: env.Request})
		return errors.Join(
			tx.PutFreezes(append(freezes, fleet.Freeze{Scope: fleet.Terminations, Reason: reason, By: "fleet", Since: tx.Now()})),
			tx.Open(fleet.Incident{ID: id, Code: fleet.IncidentTerminationsStopped, Reason: "terminations are frozen: " + reason,
				NextAction: "find out why; then: fleetctl thaw " + fleet.Terminations}))
	})
}

// confirmOn continues a termination whose execution ended: to its take-down where the mark is made, else by another run, or by its end.
func confirmOn(ctx context.Context, env step.Env, o fleet.Operation) error {
	state, err := Teardown(ctx, env, o.Input(), step.Cause{}, "fleet")
	if err != nil || state == fleet.Terminated {
		return err
	}
	return again(ctx, env, o, fleet.Confirming)
}

// endConfirmation ends a termination that was not confirmed: nothing was deleted, the instance is in its grace as before, and the sweep
// tries again. An incident says why.
func endConfirmation(tx *store.Tx, instance *fleet.Instance, operation *fleet.Operation) (fleet.Outcome, error) {
	if instance.State == fleet.Terminated {
		return "", fault.New(fault.Conflict, "the instance is TERMINATED: its take-down has to come")
	}
	instance.Progress = Resting(*instance)
	if d := instance.Decommission; d.Open() {
		now := *d
		now.Stage = fleet.InGrace
		instance.Decommission = &now
	}
	open, err := tx.OpenIncident(fleet.IncidentTerminationHeld)
	if err != nil || open != nil {
		return fleet.Undone, err
	}
	return fleet.Undone, Hold(tx, *instance, &Barrier{Reason: unconfirmed, NextAction: "look at execution " + operation.Execution() + "; it is tried again by itself"})
}

// endTermination reads from the ledger and the records whether all is gone and proved. The instance's slug is free then, at once or after
// the last recheck.
func endTermination(tx *store.Tx, instance *fleet.Instance, operation *fleet.Operation) (fleet.Outcome, error) {
	entries, err := tx.Resources()
	if err != nil {
		return "", err
	}
	if left := fleet.Left(entries); len(left) > 0 {
		return fleet.FailedDirty, dirty(tx, instance, operation, "left after the take-down: ", left)
	}
	d := *instance.Decommission
	if missing := unproved(d); missing != "" {
		instance.Progress = fleet.Progress{Reason: "all is deleted, but not proved: " + missing, NextAction: "mend the cause, then retry"}
		return fleet.FailedDirty, tx.Open(fleet.Incident{ID: operation.Execution(), Code: fleet.IncidentFailedDirty, Reason: instance.Progress.Reason,
			NextAction: "look at the execution, then: fleetctl retry " + instance.ID})
	}
	d.Stage = fleet.Ended
	instance.Decommission, instance.Suspension = &d, nil
	instance.Progress = fleet.Progress{Reason: "decommissioned", NextAction: "none: nothing is left at any vendor"}
	unknown, err := scheduleRechecks(tx, entries)
	if err != nil {
		return "", err
	}
	if err := releaseSlug(tx, instance, unknown); err != nil {
		return "", err
	}
	if err := tx.DropDue(); err != nil {
		return "", err
	}
	return fleet.Succeeded, tx.CloseIncidentsOf(func(fleet.Incident) bool { return true })
}

// unproved is what lacks of an end's proof, empty where nothing does.
func unproved(d fleet.Decommission) string {
	switch {
	case d.Archived == nil:
		return "its audit chain is not archived"
	case d.Certificate == nil:
		return "its certificate is not issued"
	case d.KeyDestroyedAt.IsZero():
		return "its data key is not destroyed"
	case d.Sealed == nil:
		return "the end of its audit chain is not archived"
	}
	return ""
}
