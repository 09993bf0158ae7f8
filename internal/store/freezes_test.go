package store_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/store/chaos"
	"github.com/project-gimbal/fleet/internal/store/table"
)

// freeze freezes the scopes, and nothing else.
func (r *rig) freeze(scopes ...string) {
	r.Helper()
	r.update(fleet.FleetID, func(tx *store.Tx) error {
		if _, err := tx.Freezes(); err != nil {
			return err
		}
		var all []fleet.Freeze
		for _, scope := range scopes {
			all = append(all, fleet.Freeze{Scope: scope, Reason: "an outage"})
		}
		return tx.PutFreezes(all)
	})
}

func (r *rig) frozen() []string {
	r.Helper()
	all, err := r.store.Freezes(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	scopes := []string{}
	for _, f := range all {
		scopes = append(scopes, f.Scope)
	}
	return scopes
}

// TestFreezes: what is frozen is read as it was written last, by scope, however much lists lag.
func TestFreezes(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.table.Freeze()
		for _, scopes := range [][]string{{}, {"vercel"}, {"vercel", "fleet", "twilio"}, {"twilio"}, {}, {"fleet"}} {
			r.freeze(scopes...)
			slices.Sort(scopes)
			if got := r.frozen(); !slices.Equal(got, scopes) {
				r.Errorf("%q is frozen, want %q", got, scopes)
			}
		}
	})
}

// begin is a change that begins something where nothing is frozen; meanwhile is done after it has looked, the first time.
func begin(name string, meanwhile func()) func(tx *store.Tx) error {
	var once sync.Once
	return func(tx *store.Tx) error {
		freezes, err := tx.Freezes()
		if err != nil || len(freezes) > 0 {
			return err
		}
		once.Do(meanwhile)
		return note(tx, name)
	}
}

// TestNothingBeginsOnceFrozen: a change that saw nothing frozen writes nothing once something is; nor when its answers are lost.
func TestNothingBeginsOnceFrozen(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.update(id, begin("thawed", func() { r.freeze("vercel"); r.freeze() })) // frozen and thawed in between
		r.update(id, begin("frozen", func() { r.freeze("vercel") }))
		r.freeze()
		r.update(id, begin("frozen, its answer lost", func() {
			r.table.Script(chaos.Fault{Kind: chaos.Vanished, Match: func(w []table.Write) bool { return len(w) > 1 }})
			r.freeze("fleet")
		}))
		ledger, err := r.store.Resources(r.Context(), id)
		if err != nil || len(ledger) != 1 || ledger[0].Name != "thawed" {
			r.Errorf("%+v, %v", ledger, err)
		}
		r.wantChain(id, 1)
	})
}

// TestFreezesUnderChaos: of what begins beside freezes that come and go, nothing does so while one is there.
func TestFreezesUnderChaos(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.table.Set(chaos.Options{Seed: 3, Lag: 5 * time.Second, Conflict: 0.1, Lost: 0.1, Vanished: 0.1})
		for round := range 20 {
			var all sync.WaitGroup
			for i := range 5 {
				all.Go(func() {
					instance, name := fmt.Sprintf("%s-%d", id, i), fmt.Sprintf("before-%d", round)
					r.update(instance, begin(name, func() { time.Sleep(time.Duration(i) * time.Millisecond) }))
				})
			}
			time.Sleep(time.Duration(round%5) * time.Millisecond) // 0: all race with the freeze; 4: one does
			r.freeze("fleet")
			before := r.begun()
			all.Wait()
			if after := r.begun(); after != before {
				r.Errorf("round %d: %d had begun when all was frozen, %d later", round, before, after)
			}
			r.freeze()
		}
		if r.begun() == 0 {
			r.Error("nothing ever began: nothing was shown")
		}
	})
}

// begun counts what began on the instances of the test above.
func (r *rig) begun() (n int) {
	r.Helper()
	for i := range 5 {
		ledger, err := r.store.Resources(r.Context(), fmt.Sprintf("%s-%d", id, i))
		if err != nil {
			r.Fatal(err)
		}
		n += len(ledger)
	}
	return n
}

// TestReadingFreezesWritesNothing: a change that only looks costs no write.
func TestReadingFreezesWritesNothing(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.table.Script(chaos.Fault{Kind: chaos.Conflict})
		r.update(id, func(tx *store.Tx) error { _, err := tx.Freezes(); return err })
		if r.table.Left() != 1 {
			r.Error("something was written")
		}
		r.update(id, func(tx *store.Tx) error { return note(tx, "it") })
	})
}

// TestUnpaged: an open incident is to be paged until it is paged or closed; paged, it stays open.
func TestUnpaged(t *testing.T) {
	inBubble(t, func(r *rig) {
		change := func(instance, name string, change func(i *fleet.Incident)) {
			r.update(instance, func(tx *store.Tx) error {
				i, err := tx.Incident(name)
				if err != nil {
					return err
				}
				change(i)
				return tx.PutIncident(i)
			})
		}
		for i := range 12 { // in every shard
			r.update(fmt.Sprintf("instance-%02d", 11-i), func(tx *store.Tx) error {
				return tx.Open(fleet.Incident{ID: "x", Code: fleet.IncidentOverdue})
			})
			time.Sleep(time.Second)
		}
		r.update(fleet.FleetID, func(tx *store.Tx) error { return tx.Open(fleet.Incident{ID: "y", Code: fleet.IncidentCheckFailed}) })
		for i := range 4 {
			change(fmt.Sprintf("instance-%02d", i), "x", func(i *fleet.Incident) { i.PagedAt = at(99) })
			change(fmt.Sprintf("instance-%02d", 4+i), "x", func(i *fleet.Incident) { i.ClosedAt = at(99) })
		}
		due, err := r.store.Unpaged(r.Context())
		got := []string{}
		for _, i := range due {
			got = append(got, i.InstanceID)
		}
		if want := []string{"instance-11", "instance-10", "instance-09", "instance-08", fleet.FleetID}; err != nil || !slices.Equal(got, want) {
			r.Errorf("to be paged: %q, %v, want %q", got, err, want)
		}
		if open, err := r.store.OpenIncidents(r.Context()); err != nil || len(open) != 9 {
			r.Errorf("%d are open, %v", len(open), err)
		}
		if i, err := r.store.Incident(r.Context(), "instance-00", "x"); err != nil || i == nil || !i.PagedAt.Equal(at(99)) {
			r.Errorf("%+v, %v", i, err)
		}
		if i, err := r.store.Incident(r.Context(), "instance-00", "y"); err != nil || i != nil {
			r.Errorf("%+v, %v", i, err)
		}
	})
}

// TestFreezesComeNotAgain: what was read of the freezes before they were lifted and others set is never taken for what is there now.
func TestFreezesComeNotAgain(t *testing.T) {
	inBubble(t, func(r *rig) {
		put := func(scopes ...string) {
			err := r.store.Update(r.Context(), fleet.FleetID, func(tx *store.Tx) error {
				if _, err := tx.Freezes(); err != nil {
					return err
				}
				all := []fleet.Freeze{}
				for _, s := range scopes {
					all = append(all, fleet.Freeze{Scope: s})
				}
				return tx.PutFreezes(all)
			})
			if err != nil {
				r.Fatal(err)
			}
		}
		put("twilio")
		tries := 0
		err := r.store.Update(r.Context(), fleet.FleetID, func(tx *store.Tx) error {
			frozen, err := tx.Freezes()
			if err != nil {
				return err
			}
			if tries++; tries == 1 { // meanwhile
				put()
				put("sendgrid")
			}
			return tx.PutFreezes(append(frozen, fleet.Freeze{Scope: "vercel"}))
		})
		if err != nil {
			r.Fatal(err)
		}
		var scopes []string
		err = r.store.Update(r.Context(), fleet.FleetID, func(tx *store.Tx) error {
			scopes = nil
			all, err := tx.Freezes()
			for _, f := range all {
				scopes = append(scopes, f.Scope)
			}
			return err
		})
		if err != nil || tries != 2 || len(scopes) != 2 || scopes[0] != "sendgrid" || scopes[1] != "vercel" {
			r.Errorf("%q after %d tries, %v", scopes, tries, err)
		}
	})
}
