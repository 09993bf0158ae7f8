package store

import (
	"context"

	"github.com/project-gimbal/fleet/internal/fleet"
)

// Intend writes a message into the outbox, in the very change that it tells of. One of that id that is there already is left as
// it is: nobody is told twice.
func (tx *Tx) Intend(id, recipient string) error {
	there, err := tx.Message(id)
	if err != nil || there != nil {
		return err
	}
	return tx.PutMessage(&fleet.Message{ID: id, Recipient: recipient, Channel: "mail", Status: fleet.MessageIntended,
		InstanceID: tx.instance, IntendedAt: tx.Now()})
}

// Withdraw takes a message out of the outbox that nobody needs any more. One that may have been sent stays.
func (tx *Tx) Withdraw(id string) error {
	there, err := tx.Message(id)
	if err != nil || there == nil || there.Status != fleet.MessageIntended {
		return err
	}
	tx.remove(messageKey(tx.instance, id))
	return nil
}

// Outbox lists the messages of the outbox that are not concluded, the longest there first. The list may lag.
func (s *Store) Outbox(ctx context.Context) ([]fleet.Message, error) {
	items, err := s.due(ctx, "outbox", "")
	if err != nil {
		return nil, err
	}
	return decodeAll[fleet.Message](items)
}
