package step

import (
	"context"
	"errors"
	"time"

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
	s := sender{Env: r.Env, nonce: r.nonce, deadline: r.deadline, update: r.Update, audited: r.Audited,
		read: func(tx *store.Tx) (*fleet.Message, error) {
			there, err := tx.Message(m.ID)
			if err == nil && there == nil {
				there = &fleet.Message{ID: m.ID, Recipient: m.Recipient, Channel: "mail", Status: fleet.MessageIntended}
			}
			return there, err
		},
		again: "send it once more, or tell the recipient by hand"}
	_, err := s.send(ctx, m)
	return err
}

// sender sends one message. What differs between a run's messages and those of the outbox is what their writes have to prove.
type sender struct {
	Env
	nonce    string
	deadline time.Time // the invocation's hard one
	update   func(ctx context.Context, change func(*store.Tx) error) error
	audited  func(action, subject, outcome string) fleet.AuditEntry
	// read gives the message's record as it is before it is sent; nil where it is not to be sent at all.
	read func(tx *store.Tx) (*fleet.Message, error)
	// spent tells of a message that could not be sent, in the write that gives it back, whether it is given up; nil where it never is.
	spent func(tx *store.Tx, m *fleet.Message) (bool, error)
	// settled adds to the write that concludes the message, if it is not nil.
	settled func(tx *store.Tx, status fleet.MessageStatus) error
	// again says how a person sees to it that the recipient is told after all, as in "tell them".
	again string
}

// send gives the message's status, empty where it is not to be sent or another attempt concluded it.
func (s sender) send(ctx context.Context, m Message) (fleet.MessageStatus, error) {
	if s.deadline.Sub(s.Clock.Now()) < bounds.Call+2*time.Second {
		return "", fault.New(fault.NotReady, "too little time left in this invocation")
	}
	done, err := s.sending(ctx, m)
	if err != nil || done {
		return "", err
	}
	id, err := m.Deliver(sentOnce(provider.WithAttempt(ctx)), m.ID)
	switch {
	case err == nil:
		return fleet.MessageSent, s.conclude(ctx, m, fleet.MessageSent, id)
	case fault.NothingHappened(err) && fault.CodeOf(err).Transient():
		return fleet.MessageIntended, errors.Join(err, s.conclude(ctx, m, fleet.MessageIntended, ""))
	case fault.NothingHappened(err):
		return fleet.MessageFailed, s.conclude(ctx, m, fleet.MessageFailed, "")
	default:
		return fleet.MessageUnknown, s.conclude(ctx, m, fleet.MessageUnknown, "")
	}
}

// sending opens the attempt. It is done when nothing is left to do: sent, failed, or unknown, be it only now that an
// earlier attempt can't act any more.
func (s sender) sending(ctx context.Context, m Message) (done bool, err error) {
	err = s.update(ctx, func(tx *store.Tx) error {
		done = false
		there, err := s.read(tx)
		if err != nil {
			return err
		}
		if done = there == nil || there.Done(); done {
			return nil
		}
		if a := there.Attempt; there.Status == fleet.MessageSending && a.Nonce != s.nonce {
			if !tx.Now().After(Resource{}.landed(a)) {
				return fault.New(fault.NotReady, "another attempt at message %s may act until %s", m.ID, Resource{}.landed(a).Format("15:04:05Z07:00"))
			}
			done = true
			return s.settle(tx, there, fleet.MessageUnknown, "")
		}
		there.Status, there.Attempt = fleet.MessageSending, &fleet.Attempt{Nonce: s.nonce, Deadline: s.deadline}
		return tx.PutMessage(there)
	})
	return done, err
}

func (s sender) conclude(ctx context.Context, m Message, status fleet.MessageStatus, vendorID string) error {
	return s.update(ctx, func(tx *store.Tx) error {
		there, err := tx.Message(m.ID)
		if err != nil || there == nil || there.Status == status {
			return err
		}
		if there.Attempt == nil || there.Attempt.Nonce != s.nonce {
			return nil // another attempt found this one unknown and said so
		}
		if status == fleet.MessageIntended && s.spent != nil {
			spent, err := s.spent(tx, there)
			if err != nil {
				return err
			}
			if spent {
				return s.giveUp(tx, there)
			}
		}
		return s.settle(tx, there, status, vendorID)
	})
}

// settle writes a message's new status with its audit entry and, where a person has to see it, its incident.
func (s sender) settle(tx *store.Tx, m *fleet.Message, status fleet.MessageStatus, vendorID string) error {
	m.Status, m.Attempt, m.VendorID = status, nil, vendorID
	if status == fleet.MessageSent {
		m.SentAt = tx.Now()
	}
	switch status {
	case fleet.MessageUnknown:
		if err := tx.Open(fleet.Incident{ID: fleet.MessageIncident(m.ID), Code: fleet.IncidentMessageUnknown,
			Reason:     "whether message " + m.ID + " reached the vendor is unknown",
			NextAction: "look in the vendor's activity log; if it is not there, " + s.again}); err != nil {
			return err
		}
	case fleet.MessageFailed:
		if err := tx.Open(fleet.Incident{ID: fleet.MessageIncident(m.ID), Code: fleet.IncidentMessageFailed,
			Reason:     "the vendor refused message " + m.ID,
			NextAction: "check the recipient's address and the sender's standing; then " + s.again}); err != nil {
			return err
		}
	}
	if status != fleet.MessageIntended {
		tx.Audit(s.audited("message."+string(status), m.ID, string(status)))
		if s.settled != nil {
			if err := s.settled(tx, status); err != nil {
				return err
			}
		}
	}
	return tx.PutMessage(m)
}
