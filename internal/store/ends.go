package store

import (
	"context"
	"slices"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/store/table"
)

// terminations is the one record of the fleet's latest terminations.
type terminations struct {
	Terminations []fleet.Termination `json:"terminations"` // in their order
}

func terminationsKey() table.Key {
	return table.Key{Partition: partition(fleet.FleetID), Sort: "terminations"}
}
func dueKey(id string) table.Key { return table.Key{Partition: partition(id), Sort: "due"} }

// Terminations lists the fleet's latest. Whatever the change writes is written only if it is still so.
func (tx *Tx) Terminations() ([]fleet.Termination, error) {
	tx.held = append(tx.held, terminationsKey())
	t, err := get[terminations](tx, terminationsKey())
	if err != nil || t == nil {
		return nil, err
	}
	return t.Terminations, nil
}

// PutTerminations writes the fleet's latest, after they were read in this change.
func (tx *Tx) PutTerminations(latest []fleet.Termination) error {
	return tx.put(terminationsKey(), &terminations{latest})
}

// PutDue writes when something is next to be done about the instance's end.
func (tx *Tx) PutDue(at time.Time) error {
	if _, err := get[fleet.Due](tx, dueKey(tx.instance)); err != nil {
		return err
	}
	return tx.put(dueKey(tx.instance), &fleet.Due{InstanceID: tx.instance, At: at})
}

// DropDue notes that nothing is to be done about the instance's end any more.
func (tx *Tx) DropDue() error {
	_, err := get[fleet.Due](tx, dueKey(tx.instance))
	tx.remove(dueKey(tx.instance))
	return err
}

// Due lists the instances about whose end something is to be done by a time, the longest due first. The list may lag.
func (s *Store) Due(ctx context.Context, at time.Time) ([]fleet.Due, error) {
	items, err := s.due(ctx, "end", stamp(at)+"~")
	if err != nil {
		return nil, err
	}
	return decodeAll[fleet.Due](items)
}

// OpenIncident is the instance's oldest open incident of a kind, nil if there is none.
func (tx *Tx) OpenIncident(kind fleet.IncidentKind) (*fleet.Incident, error) {
	all, err := tx.store.Incidents(tx.ctx, tx.instance)
	if err != nil {
		return nil, err
	}
	for _, i := range all {
		if i.Code == kind && i.ClosedAt.IsZero() {
			return &i, nil
		}
	}
	return nil, nil
}

// HasOpen reports whether one of the instance's open incidents is what is asked for.
func (tx *Tx) HasOpen(is func(fleet.Incident) bool) (bool, error) {
	all, err := tx.store.Incidents(tx.ctx, tx.instance)
	return slices.ContainsFunc(all, func(i fleet.Incident) bool { return i.ClosedAt.IsZero() && is(i) }), err
}
