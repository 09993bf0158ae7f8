package operation

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/view"
)

// Undoes is BeginUndo's answer. Where nothing is begun, the state says what is left to do.
type Undoes struct {
	Begun bool        `json:"begun"`
	State fleet.State `json:"state"`
}

// BeginUndo is what a failed suspension, or resumption, comes to: it takes the lease over, so that nothing which still runs switches
// anything any more, and starts the opposite workflow as an execution of its own. What is done already, or is an undoing itself,
// is not undone.
func BeginUndo(Deps) step.Lead {
	return func(ctx context.Context, env step.Env, in fleet.RunInput, cause step.Cause) (any, error) {
		out, err := undo(ctx, env, in, cause, "fleet")
		return Undoes{out.begun != nil, out.state}, err
	}
}

func undo(ctx context.Context, env step.Env, in fleet.RunInput, cause step.Cause, actor string) (entered, error) {
	return enter(ctx, env, in, entry{phase: fleet.Undoing, cause: cause, actor: actor,
		allow: func(i fleet.Instance, o fleet.Operation) bool {
			return o.Running() && o.Phase != fleet.Undoing && !o.Done(i)
		}})
}

// switchOn continues a suspension, or a resumption: by another run, and after so many by undoing it. One that is done goes on to its end.
func switchOn(ctx context.Context, env step.Env, o fleet.Operation) error {
	if o.Phase == fleet.Undoing || o.N < fleet.MaxRuns {
		return again(ctx, env, o, o.Phase)
	}
	out, err := undo(ctx, env, o.Input(), step.Cause{Error: fleet.ExecutionEnded}, "fleet")
	if err != nil || out.begun != nil {
		return err
	}
	_, err = end(ctx, env, o.Input(), "fleet")
	return err
}

// endSwitching reads from state and ledger whether every switch is set as the instance's state wants it. Then the operation has done
// what it is for, or is undone; otherwise it ends dirty.
func endSwitching(tx *store.Tx, instance *fleet.Instance, operation *fleet.Operation) (fleet.Outcome, error) {
	entries, err := tx.Resources()
	if err != nil {
		return "", err
	}
	wanted := fleet.Serving
	if instance.State == fleet.Suspended {
		wanted = fleet.Stopped
	}
	if unset := fleet.Unset(entries, wanted); len(unset) > 0 {
		what := fmt.Sprintf("half undone (%s), not surely %s: ", operation.Failure, wanted)
		return fleet.FailedDirty, dirty(tx, instance, operation, what, unset)
	}
	instance.Progress = Resting(*instance)
	if !operation.Done(*instance) {
		if err := closeSwitching(tx, *operation, fleet.IncidentFailedDirty, fleet.IncidentOverdue); err != nil {
			return "", err
		}
		if operation.Failure == fleet.Cancelled {
			return fleet.Undone, nil
		}
		return fleet.Undone, standing(tx, *instance, *operation, undone(*instance, *operation))
	}
	if message := operation.Announcement(); message != "" {
		if err := giveUp(tx, message); err != nil {
			return "", err
		}
	}
	return fleet.Succeeded, closeSwitching(tx, *operation, fleet.IncidentFailedDirty, fleet.IncidentUndone, fleet.IncidentOverdue)
}

func undone(i fleet.Instance, o fleet.Operation) fleet.Incident {
	next := fmt.Sprintf("mend the cause, then: fleetctl %s %s", o.Kind, i.ID)
	if o.Kind == fleet.Close {
		next = "mend the cause: it is closed again by itself within the hour"
	}
	reason := fmt.Sprintf("%s failed and was undone: the instance is %s (%s)", o.Kind, i.State, o.Failure)
	return fleet.Incident{ID: o.ID + "-undone", Code: fleet.IncidentUndone, Reason: reason, NextAction: next}
}

// standing opens the incident of how an operation ended. A closing is begun again by itself, each time as an operation of its own: as long as
// they come to the same, for the same reason, its decommission has one, and never two.
func standing(tx *store.Tx, i fleet.Instance, o fleet.Operation, incident fleet.Incident) error {
	if o.Kind != fleet.Close || i.Decommission == nil {
		return tx.Open(incident)
	}
	own := fleet.NumberedID(o.Kind, i.ID, i.Decommission.N) + "/"
	incident.ID = own + strings.ToLower(string(incident.Code)) + "-" + causeOf(strings.ReplaceAll(incident.Reason, o.ID, ""))
	return errors.Join(tx.Standing(incident.Code, []fleet.Incident{incident}, func(string) bool { return true }),
		tx.CloseIncidentsOf(func(other fleet.Incident) bool {
			return strings.HasPrefix(other.ID, own) && !strings.HasPrefix(other.ID, incident.ID+"/")
		}))
}

// causeOf tells reasons apart.
func causeOf(reason string) string {
	sum := sha256.Sum256([]byte(reason))
	return hex.EncodeToString(sum[:4])
}

// Resting is what is said of an instance on which nothing runs.
func Resting(i fleet.Instance) fleet.Progress {
	if i.Suspension == nil {
		return fleet.Progress{}
	}
	reason := "suspended: " + string(i.Suspension.Reason)
	if d := i.Decommission; d.Open() && d.Stage != fleet.InNotice {
		return fleet.Progress{Reason: reason, NextAction: view.EndNext(*d) + ", not before " + d.GraceEnds.UTC().Format(time.RFC3339) +
			"; to keep it: fleetctl decommission " + i.ID + " --cancel"}
	}
	return fleet.Progress{Reason: reason,
		NextAction: "none by itself: once the reason is gone, fleetctl resume " + i.ID}
}
