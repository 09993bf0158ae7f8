// Package instance handles the instance itself: its reservation and its activation.
package instance

import (
	"context"
	"slices"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store"
)

// Deps is what these steps use: nothing but the store.
type Deps struct{}

// Open opens nothing.
func Open(step.Env) (Deps, error) { return Deps{}, nil }

// Reserve mints the secrets that must be stored before a vendor is told them. A replay keeps those that are there.
func Reserve(Deps) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		if err := run.Overdue(); err != nil {
			return err
		}
		for name, length := range map[string]int{fleet.DatabasePassword: 32, fleet.SubuserPassword: 32, fleet.ConfigKey: 32} {
			fresh := run.Env.Secret(length)
			if _, err := run.Keep(ctx, name, fresh); err != nil {
				return err
			}
		}
		return nil
	}
}

// required are the kinds of which an active instance has at least one, and none unfinished. A CloudflareRule is not among them:
// the zone's plan may allow none. Nor are EdgeSecrets, a TwilioService and a SendGridWebhook: executions that began before there were
// any must not be taken down for it, and ConfigureInstance, CreateSMSAccount and CreateEmailAccount succeed only with them.
func required() []fleet.Kind {
	return []fleet.Kind{fleet.SupabaseProject, fleet.DatabaseSchema, fleet.InstanceConfig, fleet.AuthSettings, fleet.AdminUser,
		fleet.VercelProject, fleet.VercelDomain, fleet.FrontendSettings, fleet.VercelDeployment, fleet.DNSRecord, fleet.DNSProxy,
		fleet.TwilioSubaccount, fleet.TwilioKey, fleet.SendGridSubuser, fleet.SendGridKey, fleet.SendGridDomain}
}

// Activate is the point of no return: in one transaction, under the run's epoch, the instance becomes ACTIVE if every
// required entry of its ledger is created. Where an attempt's outcome was ever unknown it schedules rechecks. A replay finds
// the instance active and changes nothing.
func Activate(Deps) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		return run.Update(ctx, func(tx *store.Tx) error {
			instance, err := tx.Instance()
			if err != nil {
				return err
			}
			if instance.State == fleet.Active {
				return nil
			}
			if err := run.Overdue(); err != nil {
				return err
			}
			if err := instance.To(fleet.Active); err != nil {
				return fault.New(fault.Conflict, "the instance is %s and can't become ACTIVE", instance.State)
			}
			if err := settleLedger(tx); err != nil {
				return err
			}
			return activate(tx, run, instance)
		})
	}
}

// settleLedger checks that the ledger is complete and schedules its rechecks.
func settleLedger(tx *store.Tx) error {
	entries, err := tx.Resources()
	if err != nil {
		return err
	}
	created := map[fleet.Kind]bool{}
	for _, e := range entries {
		if e.Status != fleet.Created && !e.Gone() {
			return fault.New(fault.Conflict, "%s is %s", e.Kind, e.Status)
		}
		created[e.Kind] = created[e.Kind] || e.Status == fleet.Created
		if e.Unknown && !slices.Contains(fleet.Settings(), e.Kind) {
			e.RecheckAt, e.Rechecks = tx.Now().Add(bounds.RecheckSoon), 1
			if err := tx.PutResource(&e); err != nil {
				return err
			}
		}
	}
	for _, kind := range required() {
		if !created[kind] {
			return fault.New(fault.Conflict, "there is no %s", kind)
		}
	}
	return nil
}

func activate(tx *store.Tx, run *step.Run, instance *fleet.Instance) error {
	signup, err := tx.Signup()
	if err != nil {
		return err
	}
	operation, err := tx.Operation(run.Operation.ID)
	if err != nil {
		return err
	}
	signup.Status = fleet.Completed
	instance.ActivatedAt = tx.Now()
	operation.Progress = fleet.Progress{Deadline: tx.Now().Add(bounds.Notify), Reason: "telling the customer",
		NextAction: "when overdue, look at the instance's messages and tell the customer by hand"}
	instance.Progress = operation.Progress
	tx.Audit(run.Audited("instance.activated", "instance", string(fleet.Active)))
	if err := tx.PutSignup(signup); err != nil {
		return err
	}
	if err := tx.PutOperation(operation); err != nil {
		return err
	}
	return tx.PutInstance(instance)
}
