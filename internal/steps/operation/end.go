package operation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/steps/ending"
	"github.com/project-gimbal/fleet/internal/store"
)

// Ended is End's answer.
type Ended struct {
	Outcome fleet.Outcome `json:"outcome"`
}

// End writes the operation's outcome, read from the state and the ledger, and frees lease and slot. A replay finds the
// outcome written.
func End(Deps) step.Verdict {
	return func(ctx context.Context, run *step.Run) (any, error) {
		outcome, err := end(ctx, run.Env, run.Input, run.Actor())
		if err != nil {
			return nil, err
		}
		if err := run.Trigger(ctx, catalog.Admit.Name); err != nil {
			run.Log.WarnContext(ctx, "admit was not triggered; its schedule will", "code", fault.CodeOf(err))
		}
		return Ended{outcome}, nil
	}
}

func end(ctx context.Context, env step.Env, in fleet.RunInput, actor string) (fleet.Outcome, error) {
	var outcome fleet.Outcome
	err := env.Store.Update(ctx, in.InstanceID, func(tx *store.Tx) error {
		tx.Prove(in.Epoch)
		instance, operation, err := read(tx, in.OperationID)
		if err != nil {
			return err
		}
		if outcome = operation.Outcome; outcome != "" {
			return nil
		}
		if outcome, err = phases()[operation.Phase].end(tx, instance, operation); err != nil {
			return err
		}
		return conclude(tx, env, instance, operation, outcome, actor)
	})
	return outcome, err
}

// conclude writes an operation's outcome, and frees lease and slot.
func conclude(tx *store.Tx, env step.Env, i *fleet.Instance, o *fleet.Operation, outcome fleet.Outcome, actor string) error {
	o.Outcome, o.EndedAt, o.Progress = outcome, tx.Now(), i.Progress
	if err := leave(tx, i, *o, outcome); err != nil {
		return err
	}
	i.Operation = ""
	tx.Audit(fleet.AuditEntry{ID: o.Execution() + "/ended", Actor: actor, Action: "operation.ended", Subject: o.Execution(),
		Outcome: string(outcome), Request: env.Request})
	return errors.Join(tx.FreeSlot(o.Slot, o.ID), tx.PutInstance(i), tx.PutOperation(o))
}

// endProvisioning ends an operation whose instance is active. A message that was never concluded becomes an incident.
func endProvisioning(tx *store.Tx, instance *fleet.Instance, _ *fleet.Operation) (fleet.Outcome, error) {
	if instance.State != fleet.Active {
		return "", fault.New(fault.Conflict, "the instance is %s: the operation has no outcome yet", instance.State)
	}
	for _, id := range fleet.NewInstanceMessages() {
		if err := giveUp(tx, id); err != nil {
			return "", err
		}
	}
	instance.Progress = fleet.Progress{}
	return fleet.Succeeded, tx.CloseIncidents(fleet.IncidentOverdue)
}

// giveUp concludes a message that is not concluded, with its incident. Whoever is about to send it after all finds it concluded, so
// the recipient isn't told twice.
func giveUp(tx *store.Tx, id string) error {
	m, err := tx.Message(id)
	if err != nil || m != nil && m.Done() {
		return err
	}
	if m == nil {
		m = &fleet.Message{ID: id, Channel: "mail"}
	}
	incident := fleet.Incident{ID: fleet.MessageIncident(id), Code: fleet.IncidentMessageNotSent, Reason: "message " + id + " was not sent",
		NextAction: "the instance is up: send it once more, or tell the recipient by hand"}
	if m.Status == fleet.MessageSending {
		m.Status, m.Attempt = fleet.MessageUnknown, nil
		incident.Code, incident.Reason = fleet.IncidentMessageUnknown, "whether message "+id+" reached the vendor is unknown"
		incident.NextAction = "look in the vendor's activity log; if it is not there, send it once more"
	} else {
		m.Status = fleet.MessageFailed
	}
	return errors.Join(tx.PutMessage(m), tx.Open(incident))
}

// endRemoval ends a take-down by what it is for.
func endRemoval(tx *store.Tx, instance *fleet.Instance, operation *fleet.Operation) (fleet.Outcome, error) {
	if operation.Kind == fleet.Terminate {
		return endTermination(tx, instance, operation)
	}
	return endTeardown(tx, instance, operation)
}

// endTeardown reads from the ledger whether all is gone. Clean, the instance is terminated, and its slug is free at once, or
// once the last recheck found nothing; its applicant is told. Dirty, it stays as it is, with an incident that says what is left; where a vendor was down
// meanwhile, that has an incident already, and the instance waits for it.
func endTeardown(tx *store.Tx, instance *fleet.Instance, operation *fleet.Operation) (fleet.Outcome, error) {
	entries, err := tx.Resources()
	if err != nil {
		return "", err
	}
	if left := fleet.Left(entries); len(left) > 0 {
		return fleet.FailedDirty, dirty(tx, instance, operation, "left after the take-down: ", left)
	}
	if err := instance.To(fleet.Terminated); err != nil {
		return "", fault.New(fault.Conflict, "the instance is %s and can't become TERMINATED", instance.State)
	}
	instance.TerminatedAt = tx.Now()
	instance.Progress = fleet.Progress{Reason: operation.Failure, NextAction: "none: nothing is left at any vendor"}
	unknown, err := scheduleRechecks(tx, entries)
	if err != nil {
		return "", err
	}
	if err := releaseSlug(tx, instance, unknown); err != nil {
		return "", err
	}
	signup, err := tx.Signup()
	if err != nil {
		return "", err
	}
	reason := operation.Failure
	if operation.FailureText != "" {
		reason += ": " + operation.FailureText
	}
	return fleet.FailedClean, errors.Join(ending.Fail(tx, signup, reason), tx.CloseIncidents(fleet.IncidentFailedDirty, fleet.IncidentOverdue, fleet.IncidentBrandingFailed))
}

// dirty notes on an instance of which kinds an operation left something. Where a vendor was down meanwhile, which has an incident
// already, the instance waits for it; otherwise an incident says what is left.
func dirty(tx *store.Tx, instance *fleet.Instance, operation *fleet.Operation, what string, left []fleet.Kind) error {
	slices.Sort(left)
	left = slices.Compact(left)
	vendor, err := outageOf(tx, left, operation.RunStartedAt)
	if err != nil {
		return err
	}
	cause, err := mendable(tx, *operation)
	if err != nil {
		return err
	}
	reason := what + list(left)
	if instance.Waits = vendor; vendor != "" {
		instance.Progress = fleet.Progress{Reason: "waits for " + vendor + ", which was down; " + reason,
			NextAction: "none: it goes on by itself when " + vendor + " answers; its incident says more"}
		return nil
	}
	instance.Progress = fleet.Progress{Reason: reason, NextAction: cause + ", then retry"}
	return standing(tx, *instance, *operation, fleet.Incident{ID: operation.Execution(), Code: fleet.IncidentFailedDirty, Reason: reason,
		NextAction: cause + ", then: fleetctl retry " + instance.ID})
}

// mendable says what there is to do before a retry: terminations are thawed, and what isn't ours any more is given back by hand, or removed.
func mendable(tx *store.Tx, o fleet.Operation) (string, error) {
	all, err := frozenFor(tx, o)
	if err != nil {
		return "", err
	}
	entries, err := tx.Resources()
	for _, e := range entries {
		if e.Estranged {
			all = append(all, fmt.Sprintf("%s %s (%s) has another name or owner's mark at %s: put Fleet's back, or remove it there by hand", e.Kind, e.Name, e.ID, e.Kind.Vendor()))
		}
	}
	if len(all) == 0 {
		return "mend the cause at the vendor", err
	}
	return strings.Join(all, "; "), err
}

// frozenFor is what to do about a freeze under which a termination deletes nothing for good; empty where there is none.
func frozenFor(tx *store.Tx, o fleet.Operation) ([]string, error) {
	if o.Kind != fleet.Terminate {
		return nil, nil
	}
	freezes, err := tx.Freezes()
	f := fleet.Frozen(freezes, fleet.Terminations)
	if err != nil || f == nil {
		return nil, err
	}
	return []string{"look into why " + f.What() + ", then: fleetctl thaw " + f.Scope}, nil
}

func list(kinds []fleet.Kind) string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
	}
	return strings.Join(names, ", ")
}

// outageOf is a vendor that was down since a time, and at which something of these kinds is; empty if there is none.
// What a vendor that is down keeps others from doing is theirs only after that.
func outageOf(tx *store.Tx, kinds []fleet.Kind, since time.Time) (string, error) {
	outages, err := tx.Outages()
	for _, o := range outages {
		if o.During(since) && slices.ContainsFunc(kinds, func(k fleet.Kind) bool { return k.Vendor() == o.Vendor }) {
			return o.Vendor, err
		}
	}
	return "", err
}

// scheduleRechecks sees to it that entries whose attempts may yet turn out to have made something are looked for again.
// What lived inside a resource that is gone can't turn up.
func scheduleRechecks(tx *store.Tx, entries []fleet.Resource) (unknown bool, err error) {
	for _, e := range entries {
		if _, inside := fleet.Inside()[e.Kind]; inside || !e.Unknown {
			continue
		}
		unknown = true
		e.RecheckAt, e.Rechecks = tx.Now().Add(bounds.RecheckSoon), 1
		if err := tx.PutResource(&e); err != nil {
			return false, err
		}
	}
	return unknown, nil
}

func releaseSlug(tx *store.Tx, instance *fleet.Instance, unknown bool) error {
	claim, err := tx.Claim(instance.Slug)
	if err != nil || claim == nil || claim.InstanceID != instance.ID {
		return err
	}
	if unknown {
		claim.Quarantined = true
		return tx.PutClaim(claim)
	}
	tx.FreeClaim(instance.Slug)
	return nil
}
