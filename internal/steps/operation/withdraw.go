package operation

import (
	"context"
	"errors"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store"
)

// Withdraw takes a decommission back, as long as the instance is not TERMINATED, and gives it. A termination that is about to be marked
// is stopped: its lease is taken over. An instance that was ACTIVE before is resumed, by an operation that is given as well; one that
// was suspended by then stays so. Asked again it finds what it did.
//
// A 409 where the instance is not being decommissioned, is TERMINATED, or while another operation runs; a 404 where it isn't there.
func Withdraw(ctx context.Context, env step.Env, instanceID, actor string) (d fleet.Decommission, resumes *fleet.Operation, err error) {
	if !fleet.IsInstanceID(instanceID) {
		return d, nil, unknown()
	}
	nonce := env.Nonce()
	err = env.Store.Update(ctx, instanceID, func(tx *store.Tx) error {
		resumes = nil
		instance, err := tx.Instance()
		if err != nil {
			return err
		}
		if err := withdrawable(instance); err != nil {
			return err
		}
		if d = *instance.Decommission; d.Stage == fleet.Withdrawn {
			resumes, err = resumption(tx, instance)
			return err
		}
		if err := stop(tx, env, instance, actor); err != nil {
			return err
		}
		d.Stage = fleet.Withdrawn
		instance.Decommission = &d
		tx.Audit(fleet.AuditEntry{ID: fleet.NumberedID(fleet.Terminate, instance.ID, d.N) + "/withdrawn", Actor: actor, Action: "decommission.withdrawn",
			Subject: "instance", Outcome: string(d.Before), Request: env.Request})
		if instance.State == fleet.Suspended && d.Before == fleet.Active {
			resumes, err = Wish{Kind: fleet.Resume, Actor: actor}.begin(tx, env, instance, nonce)
		}
		return errors.Join(err, tx.DropDue(), tx.PutInstance(instance), tx.CloseIncidents(fleet.IncidentTerminationHeld))
	})
	if err != nil || resumes == nil {
		return d, nil, err
	}
	return d, resumes, env.Executions.Start(ctx, resumes.Workflow(), resumes.Execution(), resumes.Input())
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

// resumption is the operation that resumes an instance whose decommission was withdrawn; nil where none runs.
func resumption(tx *store.Tx, i *fleet.Instance) (*fleet.Operation, error) {
	if i.Operation == "" {
		return nil, nil
	}
	o, err := tx.Operation(i.Operation)
	if err != nil || o.Kind != fleet.Resume {
		return nil, err
	}
	return o, nil
}

// stop ends a termination that runs and is not marked yet: whatever of it still runs finds its epoch stale. Any other operation is not
// for a withdrawal to end.
func stop(tx *store.Tx, env step.Env, i *fleet.Instance, actor string) error {
	if i.Operation == "" {
		return nil
	}
	o, err := tx.Operation(i.Operation)
	if err != nil {
		return err
	}
	if o == nil || o.Kind != fleet.Terminate {
		return httpapi.Conflict(Busy{i.Operation}.Error() + ": try again when it has ended")
	}
	if _, err := tx.MoveEpoch(o.Epoch); err != nil {
		return err
	}
	i.Operation, i.Progress = "", Resting(*i)
	o.Outcome, o.Failure, o.EndedAt, o.Progress = fleet.Undone, fleet.Cancelled, tx.Now(), i.Progress
	tx.Audit(fleet.AuditEntry{ID: o.Execution() + "/ended", Actor: actor, Action: "operation.ended", Subject: o.Execution(), Outcome: string(o.Outcome), Request: env.Request})
	return tx.PutOperation(o)
}
