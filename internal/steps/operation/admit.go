package operation

import (
	"context"
	"errors"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store"
)

// Admit begins the provisioning of approved signups, in the order of their approval, as long as slots are free,
// nothing that a provisioning needs is frozen, and no vendor is down. The rest waits. Where a vendor answers no changes and nobody is
// left who tries, the next one does. It may run at any time, any number of times at once.
func Admit(Deps) step.Event {
	return func(ctx context.Context, env step.Env) error {
		outages, err := env.Store.Outages(ctx)
		if err != nil || fleet.VendorDown(fleet.Holding(outages, env.Clock.Now()), fleet.Vendors()...) != nil {
			return err
		}
		tries := fleet.VendorDown(outages, fleet.Vendors()...) != nil
		if tries {
			if running, err := env.Store.RunningOperations(ctx); err != nil || len(running) > 0 {
				return err
			}
		}
		var failed error
		for s, err := range env.Store.EachSignup(ctx, fleet.Approved) { // most may have to wait, and aren't looked at
			if err != nil {
				failed = errors.Join(failed, err)
				continue
			}
			operation, closed, err := admit(ctx, env, s.InstanceID)
			if closed {
				break
			}
			if err == nil && operation != nil {
				env.Log.InfoContext(ctx, "admitted", "instance", operation.InstanceID, "operation", operation.ID)
				err = env.Executions.Start(ctx, operation.Workflow(), operation.Execution(), operation.Input())
			}
			failed = errors.Join(failed, err)
			if tries && operation != nil {
				break
			}
		}
		return failed
	}
}

// admit creates instance, operation and epoch in one transaction together with a slot. It gives no operation for a signup
// that is not waiting any more, and closed where nobody is admitted now. What is frozen is read in that very transaction: once a
// freeze is there, nothing is admitted.
func admit(ctx context.Context, env step.Env, instanceID string) (admitted *fleet.Operation, closed bool, err error) {
	nonce := env.Nonce()
	err = env.Store.Update(ctx, instanceID, func(tx *store.Tx) error {
		closed = false
		signup, err := tx.Signup()
		if err != nil || signup == nil {
			return err
		}
		if signup.Status != fleet.Approved {
			admitted, err = tx.Operation(fleet.ProvisionID(instanceID))
			if admitted != nil && admitted.BegunBy != nonce {
				admitted = nil // somebody else admitted it, and starts it
			}
			return err
		}
		instance, err := tx.Instance()
		if err != nil || instance != nil {
			admitted = nil
			return err
		}
		freezes, err := tx.Freezes()
		if err != nil {
			return err
		}
		if closed = fleet.Frozen(freezes, fleet.Vendors()...) != nil; closed {
			admitted = nil
			return nil
		}
		operation := &fleet.Operation{ID: fleet.ProvisionID(instanceID), InstanceID: instanceID, Kind: fleet.Provision,
			Phase: fleet.Building, N: 1, BegunBy: nonce, StartedAt: tx.Now(), RunStartedAt: tx.Now()}
		operation.Progress = phases()[operation.Phase].progress(*operation, tx.Now())
		if operation.Slot, err = tx.TakeSlot(env.Settings.Limits.Slots(fleet.Vendors(), env.Settings.Slots), operation.ID); err != nil {
			return err
		}
		if closed = operation.Slot == 0; closed {
			admitted = nil
			return nil
		}
		if operation.Epoch, err = tx.MoveEpoch(0); err != nil {
			return err
		}
		signup.Status = fleet.Admitted
		tx.Audit(fleet.AuditEntry{ID: operation.ID + "/admitted", Actor: "fleet", Action: "signup.admitted", Subject: "signup",
			Outcome: string(fleet.Provisioning), Request: env.Request})
		admitted = operation
		return errors.Join(tx.PutSignup(signup), tx.PutOperation(operation), tx.PutInstance(&fleet.Instance{ID: instanceID,
			Slug: signup.Slug, Host: signup.Slug + "." + env.Provider.Settings.Domain, State: fleet.Provisioning,
			Region: signup.Region, Plan: signup.Plan, Operation: operation.ID, Progress: operation.Progress, CreatedAt: tx.Now()}))
	})
	return admitted, closed, err
}
