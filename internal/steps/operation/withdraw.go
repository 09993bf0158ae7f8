package operation

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store"
)

// Withdraw takes a decommission back, as long as the instance is not TERMINATED, and gives it, with the operation by which the instance
// becomes what it was, where it takes one. What runs of it is stopped, its lease taken over: a notice that is not given yet, an export,
// a termination that is about to be marked. An instance that is being switched off, or was left half off, is switched on again; one that
// is off, and was ACTIVE before, is resumed; one that was suspended by then stays so. Asked again it finds what it did.
//
// A 409 where the instance is not being decommissioned, is TERMINATED, or while another operation runs; a 404 where it isn't there.
func Withdraw(ctx context.Context, env step.Env, instanceID, actor string) (d fleet.Decommission, back *fleet.Operation, err error) {
	if !fleet.IsInstanceID(instanceID) {
		return d, nil, unknown()
	}
	nonce := env.Nonce()
	err = env.Store.Update(ctx, instanceID, func(tx *store.Tx) error {
		instance, err := tx.Instance()
		if err != nil {
			return err
		}
		if err := withdrawable(instance); err != nil {
			return err
		}
		if d = *instance.Decommission; d.Stage == fleet.Withdrawn {
			back, err = wayBack(tx, instance)
			return err
		}
		back, err = withdraw(tx, env, instance, actor, nonce)
		d = *instance.Decommission
		return err
	})
	if err != nil {
		return d, nil, err
	}
	if err := Unschedule(ctx, env, instanceID); err != nil {
		env.Log.WarnContext(ctx, "a schedule was not deleted; it will find nothing due", "instance", instanceID, "code", fault.CodeOf(err))
	}
	if back == nil {
		return d, nil, nil
	}
	return d, back, env.Executions.Start(ctx, back.Workflow(), back.Execution(), back.Input())
}

// Unschedule deletes the one-time schedules of an instance's end. One that isn't there is success.
func Unschedule(ctx context.Context, env step.Env, instanceID string) (failed error) {
	for _, kind := range []fleet.OperationKind{fleet.Close, fleet.Terminate} {
		failed = errors.Join(failed, env.Calendar.Delete(ctx, fleet.ScheduleName(kind, instanceID)))
	}
	return failed
}

// withdraw writes that the decommission is withdrawn, and what brings the instance back.
func withdraw(tx *store.Tx, env step.Env, i *fleet.Instance, actor, nonce string) (back *fleet.Operation, err error) {
	d := *i.Decommission
	d.Stage = fleet.Withdrawn
	i.Decommission = &d
	if back, err = stop(tx, env, i, actor); err != nil {
		return nil, err
	}
	if back == nil {
		if back, err = bringBack(tx, env, i, actor, nonce); err != nil {
			return nil, err
		}
	}
	tx.Audit(fleet.AuditEntry{ID: fleet.NumberedID(fleet.Terminate, i.ID, d.N) + "/withdrawn", Actor: actor, Action: "decommission.withdrawn",
		Subject: "instance", Outcome: string(d.Before), Request: env.Request})
	if err := untell(tx, d); err != nil {
		return nil, err
	}
	return back, errors.Join(tx.DropDue(), tx.PutInstance(i), tx.CloseIncidentsOf(func(i fleet.Incident) bool { return moot(i, d.N) }))
}

// untell takes a notice back that was not sent. Whom it was sent to, or may have been, is told that it is over.
func untell(tx *store.Tx, d fleet.Decommission) error {
	notice := fleet.EndMessage(fleet.NoticeGiven, d.N)
	m, err := tx.Message(notice)
	if err != nil || m == nil {
		return err
	}
	if m.Status == fleet.MessageIntended {
		return tx.Withdraw(notice)
	}
	all, err := tx.Messages()
	told := !d.ToldAt.IsZero() || slices.ContainsFunc(all, func(m fleet.Message) bool {
		return fleet.OriginalMessage(m.ID) == notice && m.Status != fleet.MessageFailed
	})
	if err != nil || !told {
		return err
	}
	return tx.Intend(fleet.EndMessage(fleet.EndWithdrawn, d.N), "admin")
}

// bringBack begins what makes an instance on which nothing runs what it was: the next undoing of a closing that ended dirty, half way, or
// the resumption of one that is off and was ACTIVE. It gives nil where it is that already.
func bringBack(tx *store.Tx, env step.Env, i *fleet.Instance, actor, nonce string) (*fleet.Operation, error) {
	if i.Unfinished != "" {
		o, err := tx.Operation(i.Unfinished)
		if err != nil {
			return nil, err
		}
		if o != nil && o.Kind == fleet.Close {
			return o, undoClosing(tx, env, i, o, actor)
		}
	}
	if i.State == fleet.Suspended && i.Decommission.Before == fleet.Active {
		return (Wish{Kind: fleet.Resume, Actor: actor}).begin(tx, env, i, nonce)
	}
	return nil, nil
}

// undoClosing writes the run that switches an instance on again which was to be closed.
func undoClosing(tx *store.Tx, env step.Env, i *fleet.Instance, o *fleet.Operation, actor string) error {
	epoch, err := tx.Epoch()
	if err != nil {
		return err
	}
	if err := advance(tx, i, o, epoch, fleet.Undoing, step.Cause{Error: fleet.Cancelled}); err != nil {
		return err
	}
	tx.Audit(begunEntry(o, actor, o.Failure, env.Request))
	return nil
}

func withdrawable(i *fleet.Instance) error {
	switch {
	case i == nil:
		return unknown()
	case i.Decommission == nil || i.Decommission.Stage == fleet.Ended:
		return httpapi.Conflict("the instance is not being decommissioned")
	case i.State == fleet.Terminated:
		return httpapi.Conflict("the instance is TERMINATED: what can't be undone has begun")
	}
	return nil
}

// moot reports whether an incident is over with the nth decommission, which it was about. What ended dirty is still to be mended.
func moot(i fleet.Incident, n int) bool {
	message, _ := strings.CutPrefix(i.ID, fleet.MessageIncident(""))
	if text, of := fleet.EndText(message); text != "" && of == n {
		return true
	}
	return i.Code == fleet.IncidentTerminationHeld || i.Code == fleet.IncidentCalendarRefused || strings.HasPrefix(i.ID, string(fleet.Close)+"-") && (i.Code == fleet.IncidentExportFailed || i.Code == fleet.IncidentUndone)
}

// wayBack is the operation that makes an instance whose decommission was withdrawn what it was; nil where none runs.
func wayBack(tx *store.Tx, i *fleet.Instance) (*fleet.Operation, error) {
	if i.Operation == "" {
		return nil, nil
	}
	o, err := tx.Operation(i.Operation)
	if err != nil || o == nil || o.Kind != fleet.Resume && o.Phase != fleet.Undoing {
		return nil, err
	}
	return o, nil
}

// stop ends what runs of an instance's end: whatever of it still runs finds its epoch stale. What has switched the instance off by halves
// goes on to undo that, and is given. An export that somebody wanted is given up: it is made again once the instance is what it was. Any other
// operation is not for a withdrawal to end.
func stop(tx *store.Tx, env step.Env, i *fleet.Instance, actor string) (*fleet.Operation, error) {
	if i.Operation == "" {
		return nil, nil
	}
	o, err := tx.Operation(i.Operation)
	if err != nil {
		return nil, err
	}
	switch {
	case o == nil || !o.Kind.Ends() && o.Kind != fleet.MakeExport:
		return nil, httpapi.Conflict(Busy{i.Operation}.Error() + ": try again when it has ended")
	case o.Kind == fleet.Close && o.Phase == fleet.Undoing:
		return o, nil
	case o.Kind == fleet.Close && !o.Done(*i):
		return o, undoClosing(tx, env, i, o, actor)
	}
	return nil, quit(tx, env, i, o, actor)
}

// quit ends an operation that has changed nothing at any vendor.
func quit(tx *store.Tx, env step.Env, i *fleet.Instance, o *fleet.Operation, actor string) error {
	if _, err := tx.MoveEpoch(o.Epoch); err != nil {
		return err
	}
	if _, err := failExport(tx, o.ID); err != nil {
		return err
	}
	i.Operation, i.Progress = "", Resting(*i)
	o.Outcome, o.Failure, o.EndedAt, o.Progress = fleet.Undone, fleet.Cancelled, tx.Now(), i.Progress
	tx.Audit(fleet.AuditEntry{ID: o.Execution() + "/ended", Actor: actor, Action: "operation.ended", Subject: o.Execution(), Outcome: string(o.Outcome), Request: env.Request})
	return tx.PutOperation(o)
}
