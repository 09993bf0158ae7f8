// Package fleet is the domain: instances and their states, signups, operations, the ledger of vendor resources, messages,
// incidents and the audit chain. It knows no database, no vendor and no clock.
package fleet

import (
	"errors"
	"fmt"
	"slices"
)

// State is where an instance is in its life.
type State string

const (
	// Provisioning: the instance is being created, or its creation is being rolled back.
	Provisioning State = "PROVISIONING"
	// Active: operational and accessible.
	Active State = "ACTIVE"
	// Maintenance: down for a short while for an update or a restore.
	Maintenance State = "MAINTENANCE"
	// Suspended: switched off for unpaid bills or a violation, or on its way out. Nothing is deleted.
	Suspended State = "SUSPENDED"
	// Terminated: over. Whether its resources are gone is read from the ledger, not from the state.
	Terminated State = "TERMINATED"
)

// States lists the states, by the way of an instance.
func States() []State { return []State{Provisioning, Active, Maintenance, Suspended, Terminated} }

// Move is one legal change of state.
type Move struct {
	From, To State
	// When says for people what brings it about.
	When string
}

// Moves is the one table of legal changes. An instance begins in Provisioning.
func Moves() []Move {
	return []Move{
		{Provisioning, Active, "every part is there and healthy"},
		{Provisioning, Terminated, "the provisioning failed and was rolled back"},
		{Active, Maintenance, "an update or a restore begins"},
		{Maintenance, Active, "it is over"},
		{Active, Suspended, "payment, violation, or end of notice"},
		{Suspended, Active, "resumed"},
		{Suspended, Terminated, "the grace period is over"},
	}
}

// ErrIllegalMove is returned for a change of state that the table does not hold.
var ErrIllegalMove = errors.New("illegal change of state")

// CheckMove returns an error wrapping ErrIllegalMove unless the table holds from → to.
func CheckMove(from, to State) error {
	if slices.ContainsFunc(Moves(), func(m Move) bool { return m.From == from && m.To == to }) {
		return nil
	}
	return fmt.Errorf("%w: %s → %s", ErrIllegalMove, from, to)
}
