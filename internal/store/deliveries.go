package store

import (
	"context"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/store/table"
)

func deliveryKey(id string) table.Key { return table.Key{Partition: partition(id), Sort: "delivery"} }

// Delivery reads the webhook by which an instance's signup came, nil if there is none or it has lapsed.
func (s *Store) Delivery(ctx context.Context, instanceID string) (*fleet.Delivery, error) {
	return one[fleet.Delivery](ctx, s, deliveryKey(instanceID))
}

// Delivery reads the webhook by which the signup came, nil if there is none or it has lapsed.
func (tx *Tx) Delivery() (*fleet.Delivery, error) {
	return get[fleet.Delivery](tx, deliveryKey(tx.instance))
}

// PutDelivery writes the webhook by which the signup came.
func (tx *Tx) PutDelivery(d *fleet.Delivery) error { return tx.put(deliveryKey(tx.instance), d) }

// DropDelivery forgets a webhook that was read in this change.
func (tx *Tx) DropDelivery() { tx.remove(deliveryKey(tx.instance)) }

// lapses is when a record goes by itself, never for most.
func lapses(record any) time.Time {
	switch r := record.(type) {
	case *fleet.Delivery:
		return r.Until
	case *fleet.SlugClaim:
		return r.Until
	}
	return time.Time{}
}
