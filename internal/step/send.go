package step

import (
	"context"
	"errors"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store"
)

// Message is one message to one recipient over one channel, sent at most once.
type Message struct {
	ID        string // unique in the instance, such as "invitation"
	Recipient string // a role: "admin", "operator"
	// Deliver composes the message and hands it to the vendor with one request that is never repeated. Links are made here
	// and never stored. It is told the message's id and gives the vendor's. A fault of composing must say that nothing happened.
	Deliver func(ctx context.Context, id string) (vendorID string, err error)
}

// Send sends a message at most once. What proves that nothing was sent gives the message back to be sent later; a definite
// refusal fails it; anything else leaves it unknown, and it is never sent again by itself. Failed and unknown come with an
// incident, in the same write, and Send succeeds: an instance is not held up by a message.
func (r *Run) Send(ctx context.Context, m Message) error {
	if err := r.Overdue(); err != nil {
		return err
	}
	if err := r.timeFor(bounds.Call); err != nil {
		return err
	}
	done, err := r.sending(ctx, m)
	if err != nil || done {
		return err
	}
	id, err := m.Deliver(provider.WithAttempt(ctx), m.ID)
	switch {
	case err == nil:
		return r.conclude(ctx, m, fleet.MessageSent, id)
	case fault.NothingHappened(err) && fault.CodeOf(err).Transient():
		return errors.Join(err, r.conclude(ctx, m, fleet.MessageIntended, ""))
	case fault.NothingHappened(err):
		return r.conclude(ctx, m, fleet.MessageFailed, "")
	default:
		return r.conclude(ctx, m, fleet.MessageUnknown, "")
	}
}

// sending opens the attempt. It is done when nothing is left to do: sent, failed, or unknown, be it only now that an
// earlier attempt can't act any more.
func (r *Run) sending(ctx context.Context, m Message) (done bool, err error) {
	err = r.Update(ctx, func(tx *store.Tx) error {
		done = false
		there, err := tx.Message(m.ID)
		if err != nil {
			return err
		}
		if there == nil {
			there = &fleet.Message{ID: m.ID, Recipient: m.Recipient, Channel: "mail", Status: fleet.MessageIntended}
		}
		if done = there.Done(); done {
			return nil
		}
		if a := there.Attempt; there.Status == fleet.MessageSending && a.Nonce != r.nonce {
			if !tx.Now().After(Resource{}.landed(a)) {
				return fault.New(fault.NotReady, "another attempt at message %s may act until %s", m.ID, Resource{}.landed(a).Format("15:04:05Z07:00"))
			}
			done = true
			return r.settle(tx, there, fleet.MessageUnknown, "")
		}
		there.Status, there.Attempt = fleet.MessageSending, &fleet.Attempt{Nonce: r.nonce, Deadline: r.deadline}
		return tx.PutMessage(there)
	})
	return done, err
}

func (r *Run) conclude(ctx context.Context, m Message, status fleet.MessageStatus, vendorID string) error {
	return r.Update(ctx, func(tx *store.Tx) error {
		there, err := tx.Message(m.ID)
		if err != nil || there == nil || there.Status == status {
			return err
		}
		if there.Attempt == nil || there.Attempt.Nonce != r.nonce {
			return nil // another attempt found this one unknown and said so
		}
		return r.settle(tx, there, status, vendorID)
	})
}

// settle writes a message's new status with its audit entry and, where a person has to see it, its incident.
func (r *Run) settle(tx *store.Tx, m *fleet.Message, status fleet.MessageStatus, vendorID string) error {
	m.Status, m.Attempt, m.VendorID = status, nil, vendorID
	if status == fleet.MessageSent {
		m.SentAt = tx.Now()
	}
	switch status {
	case fleet.MessageUnknown:
		if err := tx.Open(fleet.Incident{ID: fleet.MessageIncident(m.ID), Code: fleet.IncidentMessageUnknown,
			Reason:     "whether message " + m.ID + " reached the vendor is unknown",
			NextAction: "look in the vendor's activity log; if it is not there, send it once more"}); err != nil {
			return err
		}
	case fleet.MessageFailed:
		if err := tx.Open(fleet.Incident{ID: fleet.MessageIncident(m.ID), Code: fleet.IncidentMessageFailed,
			Reason:     "the vendor refused message " + m.ID,
			NextAction: "check the recipient's address and the sender's standing; then send it once more, or tell the recipient by hand"}); err != nil {
			return err
		}
	}
	if status != fleet.MessageIntended {
		tx.Audit(r.Audited("message."+string(status), m.ID, string(status)))
	}
	return tx.PutMessage(m)
}
