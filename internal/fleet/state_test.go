package fleet_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/project-gimbal/fleet/internal/fleet"
)

var states = []fleet.State{fleet.Provisioning, fleet.Active, fleet.Maintenance, fleet.Suspended, fleet.Terminated}

// TestMoves judges every pair of states, strangers to the table included. What is legal is written out here anew.
func TestMoves(t *testing.T) {
	legal := map[fleet.State][]fleet.State{
		fleet.Provisioning: {fleet.Active, fleet.Terminated},
		fleet.Active:       {fleet.Maintenance, fleet.Suspended},
		fleet.Maintenance:  {fleet.Active},
		fleet.Suspended:    {fleet.Active, fleet.Terminated},
	}
	all := append([]fleet.State{"", "active", "DELETED"}, states...)
	for _, from := range all {
		for _, to := range all {
			t.Run(fmt.Sprintf("%s to %s", from, to), func(t *testing.T) {
				i := fleet.Instance{State: from}
				err := i.To(to)
				if slices.Contains(legal[from], to) {
					if err != nil || i.State != to || fleet.CheckMove(from, to) != nil {
						t.Errorf("a legal move ended in %s with %v", i.State, err)
					}
					return
				}
				if !errors.Is(err, fleet.ErrIllegalMove) || !errors.Is(fleet.CheckMove(from, to), fleet.ErrIllegalMove) {
					t.Errorf("an illegal move gave %v", err)
				}
				if i.State != from {
					t.Errorf("a refused move left the state %s", i.State)
				}
			})
		}
	}
}

func TestMovesAreToldOnceWithAReason(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range fleet.Moves() {
		pair := string(m.From + m.To)
		if seen[pair] || m.When == "" || !slices.Contains(states, m.From) || !slices.Contains(states, m.To) {
			t.Errorf("move %+v is double, without a reason, or of an unknown state", m)
		}
		seen[pair] = true
	}
}

func TestMovesCannotBeChangedByACaller(t *testing.T) {
	fleet.Moves()[0] = fleet.Move{From: fleet.Terminated, To: fleet.Active}
	if err := fleet.CheckMove(fleet.Terminated, fleet.Active); err == nil {
		t.Error("a caller changed the table")
	}
}
