package step

import (
	"context"
	"strconv"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store"
)

// Outgoing is a message of the outbox: one that was written in the change that it tells of, and belongs to no run and no lease. Nothing
// but the attempt is proved by its writes.
type Outgoing struct {
	Message
	// InstanceID is whom it is about.
	InstanceID string
	// Name is what sends it, for the audit, and Vendor at whom.
	Name, Vendor string
	// Needed tells, on the records of the write that opens the attempt, whether it still has to be sent. One that hasn't is
	// withdrawn.
	Needed func(tx *store.Tx) (bool, error)
	// Again says how a person sees to it that the recipient is told after all.
	Again string
	// Told adds to the write that concludes the message: what became of it.
	Told func(tx *store.Tx, status fleet.MessageStatus) error
}

// Deliver sends a message of the outbox at most once, by the rules of Send. One that could not be sent for bounds.Outbox is given
// up: it is failed, with an incident, but never before enough attempts have failed while the vendor was up: a freeze or an outage of
// any length costs no message. A transient fault means that it stays to be sent later.
func Deliver(ctx context.Context, env Env, o Outgoing) error {
	s := sender{Env: env, nonce: env.Nonce(), deadline: Deadline(ctx, env.Clock),
		update: func(ctx context.Context, change func(*store.Tx) error) error {
			return env.Store.Update(ctx, o.InstanceID, change)
		},
		audited: func(action, subject, outcome string) fleet.AuditEntry {
			return fleet.AuditEntry{ID: "outbox/" + action + "/" + subject, Actor: "step:" + o.Name, Action: action, Subject: subject,
				Outcome: outcome, Request: env.Request}
		},
		spent: o.spent, settled: o.Told, again: o.Again}
	s.read = func(tx *store.Tx) (*fleet.Message, error) { return s.outgoing(tx, o) }
	status, err := s.send(ctx, o.Message)
	if err == nil && status != "" {
		env.Log.InfoContext(ctx, "message", "instance", o.InstanceID, "message", o.ID, "status", string(status))
	}
	return err
}

// outgoing reads a message before it is sent. It gives nothing for one that was withdrawn, or that nobody needs.
func (s sender) outgoing(tx *store.Tx, o Outgoing) (*fleet.Message, error) {
	m, err := tx.Message(o.ID)
	if err != nil || m == nil || m.Status != fleet.MessageIntended {
		return m, err
	}
	needed, err := o.Needed(tx)
	if err != nil {
		return nil, err
	}
	if !needed {
		return nil, tx.Withdraw(o.ID)
	}
	return m, nil
}

// leastTries is how often an attempt has to fail before a message is given up: while a vendor's outage is not known yet, some do.
const leastTries = 5

// spent counts an attempt in which nothing happened, unless the vendor is known to be down by now: then it was none. It tells whether
// the message has had its time and its attempts.
func (o Outgoing) spent(tx *store.Tx, m *fleet.Message) (bool, error) {
	outages, err := tx.Outages()
	if err != nil || fleet.VendorDown(outages, o.Vendor) != nil {
		return false, err
	}
	m.Tries++
	return m.Tries >= leastTries && tx.Now().Sub(m.IntendedAt) >= bounds.Outbox, nil
}

// giveUp concludes a message of which nothing was ever sent.
func (s sender) giveUp(tx *store.Tx, m *fleet.Message) error {
	m.Status, m.Attempt = fleet.MessageFailed, nil
	if err := tx.Open(fleet.Incident{ID: fleet.MessageIncident(m.ID), Code: fleet.IncidentMessageNotSent,
		Reason:     "message " + m.ID + " could not be sent for " + strconv.Itoa(int(bounds.Outbox/time.Hour)) + " hours",
		NextAction: "see the log of deliver for what kept it; " + s.again}); err != nil {
		return err
	}
	tx.Audit(s.audited("message.failed", m.ID, string(fault.Overdue)))
	if s.settled != nil {
		if err := s.settled(tx, m.Status); err != nil {
			return err
		}
	}
	return tx.PutMessage(m)
}
