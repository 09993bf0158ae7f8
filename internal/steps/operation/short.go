package operation

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store"
)

// Short is a short operation: it lasts for one invocation and runs no execution. It holds the lease all the same, so that nothing
// else changes the instance meanwhile.
type Short struct {
	Kind  fleet.OperationKind
	Phase fleet.Phase
	// Reason says for people what it does, Actor who began it.
	Reason, Actor string
	// Needs are the vendors without which it doesn't begin: while one of them is frozen, it doesn't.
	Needs []string
	// Allow looks at the instance before it begins, and refuses by an error; nil allows all.
	Allow func(tx *store.Tx, i *fleet.Instance) error
	// Repeats is the message that a resend sends once more.
	Repeats fleet.Message
}

// Busy is told by BeginShort where another operation holds the lease, Held where a freeze holds it back.
type (
	Busy struct{ Operation string }
	Held struct{ Freeze fleet.Freeze }
)

func (b Busy) Error() string { return "operation " + b.Operation + " runs" }
func (h Held) Error() string { return h.Freeze.What() }

// BeginShort takes an instance's lease for a short operation: Busy where another one holds it, Held while what it needs is frozen,
// and an Internal fault where there is no instance. A short operation whose invocation died is ended first.
func BeginShort(ctx context.Context, env step.Env, instanceID string, s Short) (fleet.RunInput, error) {
	in, err := s.take(ctx, env, instanceID)
	busy, ok := errors.AsType[Busy](err)
	if !ok {
		return in, err
	}
	if err := reclaimDead(ctx, env, instanceID, busy); err != nil {
		return in, err
	}
	return s.take(ctx, env, instanceID)
}

// reclaimDead ends the short operation that holds the lease, if its invocation died. Of any other it gives the Busy.
func reclaimDead(ctx context.Context, env step.Env, instanceID string, busy Busy) error {
	holder, err := env.Store.Operation(ctx, instanceID, busy.Operation)
	if err != nil || holder == nil || !holder.Short() || env.Clock.Now().Before(gone(*holder)) {
		return busy
	}
	return reclaim(ctx, env, *holder)
}

func (s Short) take(ctx context.Context, env step.Env, instanceID string) (fleet.RunInput, error) {
	nonce := env.Nonce()
	var in fleet.RunInput
	err := env.Store.Update(ctx, instanceID, func(tx *store.Tx) error {
		instance, err := tx.Instance()
		if err != nil {
			return err
		}
		if instance == nil {
			return fault.New(fault.Internal, "no such instance")
		}
		if instance.Operation != "" {
			holder, err := tx.Operation(instance.Operation)
			if holder != nil && holder.BegunBy == nonce {
				in = holder.Input() // the answer to this very write was lost
				return nil
			}
			return errors.Join(err, Busy{instance.Operation})
		}
		freezes, err := tx.Freezes()
		if err != nil {
			return err
		}
		if f := fleet.Frozen(freezes, s.Needs...); f != nil {
			return Held{*f}
		}
		if s.Allow != nil {
			if err := s.Allow(tx, instance); err != nil {
				return err
			}
		}
		in, err = s.begin(tx, env, instance, nonce)
		return err
	})
	return in, err
}

func (s Short) begin(tx *store.Tx, env step.Env, instance *fleet.Instance, nonce string) (fleet.RunInput, error) {
	old, err := tx.Epoch()
	if err != nil {
		return fleet.RunInput{}, err
	}
	o := &fleet.Operation{InstanceID: instance.ID, Kind: s.Kind, Phase: s.Phase, N: 1, BegunBy: nonce, StartedAt: tx.Now(),
		RunStartedAt: tx.Now(), Progress: fleet.Progress{Deadline: tx.Now().Add(bounds.Lambda), Reason: s.Reason,
			NextAction: "none: if it dies, it is ended by itself"}}
	if o.Epoch, err = tx.MoveEpoch(old); err != nil {
		return fleet.RunInput{}, err
	}
	o.ID = string(s.Kind) + "-" + strconv.FormatInt(o.Epoch, 10)
	instance.Operation = o.ID
	if s.Kind == fleet.Resend {
		o.Message = fleet.Repetition(s.Repeats.ID, o.Epoch)
		if err := tx.PutMessage(&fleet.Message{ID: o.Message, Recipient: s.Repeats.Recipient, Channel: s.Repeats.Channel,
			Status: fleet.MessageIntended, Repeats: s.Repeats.ID}); err != nil {
			return fleet.RunInput{}, err
		}
	}
	tx.Audit(fleet.AuditEntry{ID: o.ID + "/begun", Actor: s.Actor, Action: string(s.Kind) + ".begun", Subject: o.ID, Outcome: "ok", Request: env.Request})
	return o.Input(), errors.Join(tx.PutOperation(o), tx.PutInstance(instance))
}

// EndShort gives the lease back and writes a short operation's outcome: a resend's is read from its message.
func EndShort(ctx context.Context, run *step.Run, outcome fleet.Outcome) error {
	return run.Update(ctx, func(tx *store.Tx) error {
		instance, operation, err := read(tx, run.Operation.ID)
		if err != nil || !operation.Running() {
			return err
		}
		return endShort(tx, instance, operation, outcome)
	})
}

func endShort(tx *store.Tx, instance *fleet.Instance, operation *fleet.Operation, outcome fleet.Outcome) (err error) {
	switch operation.Kind {
	case fleet.Recheck:
		err = freeRecheckedSlug(tx, instance)
	case fleet.Resend:
		outcome, err = settleResend(tx, instance, operation.Message)
	case fleet.Provision, fleet.Suspend, fleet.Resume, fleet.MakeExport, fleet.TakeIn, fleet.Terminate: // they are not short
	}
	if err != nil {
		return err
	}
	operation.Outcome, operation.EndedAt = outcome, tx.Now()
	if instance.Operation == operation.ID {
		instance.Operation = ""
	}
	tx.Audit(fleet.AuditEntry{ID: operation.ID + "/ended", Actor: "fleet", Action: string(operation.Kind) + ".ended", Subject: operation.ID, Outcome: string(outcome)})
	return errors.Join(tx.PutOperation(operation), tx.PutInstance(instance))
}

// settleResend concludes a message that its invocation left unconcluded, with its incident. One that was sent closes the incidents of
// those it repeats, and counts as word of the notice if it is that. It gives what that makes of the operation.
func settleResend(tx *store.Tx, instance *fleet.Instance, message string) (fleet.Outcome, error) {
	m, err := tx.Message(message)
	if err != nil || m == nil {
		return fleet.FailedClean, err
	}
	switch m.Status {
	case fleet.MessageSent:
		return fleet.Succeeded, errors.Join(NoticeTold(tx, instance, message), closeIncidents(tx, fleet.OriginalMessage(message)))
	case fleet.MessageSending, fleet.MessageUnknown:
		return fleet.FailedDirty, giveUp(tx, message)
	default:
		return fleet.FailedClean, giveUp(tx, message)
	}
}

// closeIncidents closes those of a message and of all that repeat it.
func closeIncidents(tx *store.Tx, original string) error {
	messages, err := tx.Messages()
	if err != nil {
		return err
	}
	over := map[string]bool{}
	for _, m := range messages {
		over[fleet.MessageIncident(m.ID)] = fleet.OriginalMessage(m.ID) == original
	}
	return tx.CloseIncidentsOf(func(i fleet.Incident) bool { return over[i.ID] })
}

// freeRecheckedSlug lets the slug of a terminated instance go that has no recheck left.
func freeRecheckedSlug(tx *store.Tx, instance *fleet.Instance) error {
	if instance.State != fleet.Terminated {
		return nil
	}
	entries, err := tx.Resources()
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.RecheckAt.IsZero() {
			return nil
		}
	}
	return releaseSlug(tx, instance, false)
}

// reclaim ends a short operation whose invocation died, once nothing that it sent can land any more. What a recheck left is still
// due.
func reclaim(ctx context.Context, env step.Env, o fleet.Operation) error {
	return env.Store.Update(ctx, o.InstanceID, func(tx *store.Tx) error {
		instance, operation, err := read(tx, o.ID)
		if err != nil || !operation.Running() || tx.Now().Before(gone(*operation)) {
			return err
		}
		if _, err := tx.MoveEpoch(operation.Epoch); err != nil {
			return err
		}
		return endShort(tx, instance, operation, fleet.FailedDirty)
	})
}

// gone is when nothing of a short operation's invocation can act any more.
func gone(o fleet.Operation) time.Time {
	return o.Progress.Deadline.Add(bounds.Quiet + bounds.Margin)
}
