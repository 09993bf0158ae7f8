package decommission

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/steps/operation"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/view"
)

// longestReason is how long the reason of a decommission may be, in characters.
const longestReason = 300

// Begin begins the end of an ACTIVE or SUSPENDED instance: its first export, and then the notice. Asked again while that runs it tells the
// same operation.
//
// 202 with the operation; 404 for an instance that isn't there; 409 for one in another state, which names all that is in the way: an
// operation that runs or is to be retried, a legal hold, unpaid bills under the lock, a freeze, a decommission under way; 422 without a reason.
func Begin(Deps) step.API {
	return httpapi.Operators(func(ctx context.Context, env step.Env, r httpapi.Request) (int, any, error) {
		var wanted view.Decommission
		if err := r.Decode(&wanted); err != nil {
			return 0, nil, err
		}
		if !httpapi.Printable(wanted.Reason, longestReason) {
			return 0, nil, httpapi.BadFields{"reason": "1 to 300 printable characters that tell the others why"}
		}
		o, err := operation.Begin(ctx, env, r.ID, operation.Wish{Kind: fleet.GiveNotice, Actor: r.Operator, Reason: wanted.Reason})
		if err != nil {
			return 0, nil, err
		}
		return http.StatusAccepted, operation.Told(*o), nil
	})
}

// GiveNotice gives the notice, once the first export is verified: in one transaction it sets the times, which run from here, puts the mail
// into the outbox, and has the sweep look after the end of the notice. A replay finds it given.
func GiveNotice(Deps) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		return progress(ctx, run, func(tx *store.Tx, i *fleet.Instance, made fleet.VerifiedExport) error {
			d := i.Decommission
			if d.Given() {
				return nil
			}
			if err := run.Overdue(); err != nil {
				return err
			}
			d.Give(made, fleet.DefaultPeriods(), tx.Now())
			tx.Audit(run.Audited("notice.given", "instance", made.Manifest))
			return errors.Join(tx.PutDue(d.NoticeEnds), tx.Intend(fleet.EndMessage(fleet.NoticeGiven, d.N), "admin"))
		})
	}
}

// BeginGrace begins the grace of an instance that is SUSPENDED, with every switch of its ledger stopped, once its final export is verified.
// A replay finds it begun.
func BeginGrace(Deps) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		return progress(ctx, run, func(tx *store.Tx, i *fleet.Instance, made fleet.VerifiedExport) error {
			d := i.Decommission
			if d.FinalExport != nil && d.FinalExport.ID == made.ID {
				return nil
			}
			entries, err := tx.Resources()
			if err != nil {
				return err
			}
			if unset := fleet.Unset(entries, fleet.Stopped); i.State != fleet.Suspended || len(unset) > 0 {
				return fault.New(fault.Conflict, "the instance is %s, and not stopped: %v", i.State, unset)
			}
			message := fleet.EndMessage(fleet.GraceBegun, d.N)
			if d.FinalExport != nil {
				message = fleet.RenewedMessage(d.N, made.ID)
			}
			d.Grace(made, fleet.DefaultPeriods(), tx.Now())
			tx.Audit(run.Audited("grace.begun", "instance", made.Manifest))
			return errors.Join(tx.PutDue(d.GraceEnds), tx.Intend(message, "admin"), operation.HoldWanting(tx, *i))
		})
	}
}

// progress changes the decommission of the run's instance, given the export that the run has made and verified.
func progress(ctx context.Context, run *step.Run, do func(tx *store.Tx, i *fleet.Instance, made fleet.VerifiedExport) error) error {
	return run.Update(ctx, func(tx *store.Tx) error {
		i, err := tx.Instance()
		if err != nil {
			return err
		}
		e, err := tx.Export(run.Operation.ID)
		if err != nil {
			return err
		}
		if !i.Decommission.Open() || e == nil || e.Status != fleet.ExportVerified {
			return fault.New(fault.Conflict, "the instance is not being decommissioned, or its export is not verified")
		}
		d := *i.Decommission
		i.Decommission = &d
		if err := do(tx, i, e.Verified()); err != nil {
			return err
		}
		return tx.PutInstance(i)
	})
}

// patience is for how long a calendar is asked that can't be reached.
const patience = 30 * time.Minute

// ScheduleEnds sets the one-time schedules of the ends of notice and grace that are to come, and deletes them again where the decommission
// was withdrawn meanwhile. The sweep backs them up: where one can't be set, what it is for happens some minutes later, and an incident
// says so.
func ScheduleEnds(Deps) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		d := *run.Instance.Decommission
		var failed error
		for kind, at := range ends(d) {
			if at.After(run.Clock.Now()) {
				failed = step.Join(failed, run.Calendar.Set(ctx, fleet.ScheduleName(kind, run.Instance.ID), at))
			}
		}
		now, err := run.Store.Instance(ctx, run.Instance.ID)
		switch {
		case err != nil:
			return errors.Join(failed, err)
		case now == nil || !now.Decommission.Open():
			return operation.Unschedule(ctx, run.Env, run.Instance.ID)
		case failed != nil && fault.CodeOf(failed).Transient() && run.Clock.Now().Before(reached(d).Add(patience)):
			return failed
		}
		return run.Update(ctx, func(tx *store.Tx) error {
			if failed == nil {
				return tx.CloseIncidents(fleet.IncidentCalendarRefused)
			}
			return tx.Open(fleet.Incident{ID: "calendar-" + run.Operation.ID, Code: fleet.IncidentCalendarRefused,
				Reason:     "the schedules of its end could not be set: " + string(fault.CodeOf(failed)) + ". The sweep due does at its times what they are for",
				NextAction: "see that due runs: fleetctl doctor; and look for the cause: fleetctl logs " + run.Instance.ID})
		})
	}
}

// reached is when the decommission came to its stage.
func reached(d fleet.Decommission) time.Time {
	if d.FinalExport != nil {
		return d.FinalExport.VerifiedAt
	}
	return d.NoticeAt
}

// ends are the times at which operations of an instance's end begin.
func ends(d fleet.Decommission) map[fleet.OperationKind]time.Time {
	return map[fleet.OperationKind]time.Time{fleet.Close: d.NoticeEnds, fleet.Terminate: d.GraceEnds}
}
