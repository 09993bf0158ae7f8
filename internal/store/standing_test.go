package store_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/store"
)

// stand lets the given causes stand in the fleet's incidents; unsure names one of which nobody knows.
func (r *rig) stand(unsure string, causes ...string) {
	r.Helper()
	r.update(fleet.FleetID, standing(unsure, causes...))
	time.Sleep(time.Second)
}

func standing(unsure string, causes ...string) func(tx *store.Tx) error {
	return func(tx *store.Tx) error {
		var wanted []fleet.Incident
		for _, c := range causes {
			wanted = append(wanted, fleet.Incident{ID: c, Code: fleet.IncidentCheckFailed, Reason: c + " failed"})
		}
		return tx.Standing(fleet.IncidentCheckFailed, wanted, func(cause string) bool { return cause == unsure })
	}
}

// wantIncidents judges the fleet's incidents: their ids, with "+" where one is open.
func (r *rig) wantIncidents(want ...string) {
	r.Helper()
	all, err := r.store.Incidents(r.Context(), fleet.FleetID)
	if err != nil {
		r.Fatal(err)
	}
	var got []string
	for _, i := range all {
		open := ""
		if i.ClosedAt.IsZero() {
			open = "+"
		}
		got = append(got, i.ID+open)
	}
	if slices.Sort(want); !slices.Equal(got, want) {
		r.Errorf("the incidents are %q, want %q", got, want)
	}
}

func TestStanding(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.update(fleet.FleetID, func(tx *store.Tx) error { return tx.Open(fleet.Incident{ID: "other/1", Code: fleet.IncidentOverdue}) })
		r.stand("", "check/dns", "check/mail")
		r.wantIncidents("check/dns/1+", "check/mail/1+", "other/1+")
		r.stand("", "check/dns") // stands on, while the other is over
		r.wantIncidents("check/dns/1+", "check/mail/1", "other/1+")
		r.stand("", "check/mail", "check/dns") // came back
		r.stand("check/dns")                   // unknown is not over
		r.wantIncidents("check/dns/1+", "check/mail/1", "check/mail/2", "other/1+")
		r.stand("")
		r.stand("", "check/mail")
		r.wantIncidents("check/dns/1", "check/mail/1", "check/mail/2", "check/mail/3+", "other/1+")

		all, err := r.store.Incidents(r.Context(), fleet.FleetID)
		if err != nil || all[3].Reason != "check/mail failed" || !all[3].OpenedAt.Equal(at(5)) || !all[2].ClosedAt.Equal(at(3)) {
			r.Errorf("%+v, %v", all, err)
		}
		open, err := r.store.OpenIncidents(r.Context())
		if err != nil || len(open) != 2 {
			r.Errorf("open: %+v, %v", open, err)
		}
		r.wantChain(fleet.FleetID, 8) // five opened, three closed
	})
}

// TestStandingClosedByHand: an operator may close one whose cause stands. The next look opens another.
func TestStandingClosedByHand(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.stand("", "check/dns")
		r.update(fleet.FleetID, func(tx *store.Tx) error { return tx.CloseIncidents(fleet.IncidentCheckFailed) })
		r.stand("", "check/dns")
		r.wantIncidents("check/dns/1", "check/dns/2+")
	})
}

// TestStandingAtOnce: several looks at once open one incident.
func TestStandingAtOnce(t *testing.T) {
	inBubble(t, func(r *rig) {
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				if err := r.store.Update(r.Context(), fleet.FleetID, standing("", "check/dns")); err != nil {
					r.Error(err)
				}
			})
		}
		all.Wait()
		r.wantIncidents("check/dns/1+")
	})
}

func TestStandingRefusesAnotherKind(t *testing.T) {
	inBubble(t, func(r *rig) {
		for _, w := range []fleet.Incident{{ID: "x", Code: fleet.IncidentOverdue}, {Code: fleet.IncidentCheckFailed}} {
			err := r.store.Update(r.Context(), fleet.FleetID, func(tx *store.Tx) error {
				return tx.Standing(fleet.IncidentCheckFailed, []fleet.Incident{w}, func(string) bool { return false })
			})
			if !fault.Is(err, fault.Internal) {
				r.Errorf("%+v: %v", fmt.Sprint(w), err)
			}
		}
		r.wantIncidents()
	})
}
