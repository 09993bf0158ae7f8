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
	"github.com/project-gimbal/fleet/internal/store/chaos"
	"github.com/project-gimbal/fleet/internal/store/table"
)

// TestProve: a change of a run that is not current, or not yet, is stale and writes nothing.
func TestProve(t *testing.T) {
	for _, test := range []struct {
		epoch, proof int64
		stale        bool
	}{{0, 1, true}, {0, 0, true}, {1, 1, false}, {1, 0, true}, {1, 2, true}, {3, 3, false}, {3, 2, true}, {3, 1, true}, {12, 1, true}} {
		t.Run(fmt.Sprintf("%d at %d", test.proof, test.epoch), func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.begin(id, test.epoch)
				runs := 0
				for _, write := range []bool{false, true} { // reading alone proves as well
					err := r.store.Update(r.Context(), id, func(tx *store.Tx) error {
						runs++
						tx.Prove(test.proof)
						if !write {
							return nil
						}
						return note(tx, "it")
					})
					if test.stale {
						r.wantFault(err, fault.StaleEpoch)
					} else if err != nil {
						r.Error(err)
					}
				}
				ledger, err := r.store.Resources(r.Context(), id)
				if err != nil || len(ledger) == 1 == test.stale || runs != 2 {
					r.Errorf("%d entries after %d runs, %v", len(ledger), runs, err)
				}
			})
		})
	}
}

// TestProveAgainstATakeOverMeanwhile: the epoch moves on between the change's reads and its write.
func TestProveAgainstATakeOverMeanwhile(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.begin(id, 1)
		r.begin("another", 5)
		err := r.store.Update(r.Context(), id, func(tx *store.Tx) error {
			tx.Prove(1)
			if err := note(tx, "it"); err != nil {
				return err
			}
			return r.store.Update(r.Context(), id, func(tx *store.Tx) error { _, err := tx.MoveEpoch(1); return err })
		})
		r.wantFault(err, fault.StaleEpoch)
		r.wantChain(id, 0)
		for instance, want := range map[string]int64{id: 2, "another": 5, "none": 0} {
			if e, err := r.store.Epoch(r.Context(), instance); err != nil || e != want {
				r.Errorf("epoch of %s is %d, %v", instance, e, err)
			}
		}
	})
}

// TestStaleAfterALostAnswer: a write whose answer was lost, and after which the run was taken over, is told as stale.
func TestStaleAfterALostAnswer(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.begin(id, 1)
		r.table.Script(chaos.Fault{Kind: chaos.Lost})
		runs := 0
		err := r.store.Update(r.Context(), id, func(tx *store.Tx) error {
			if runs++; runs == 2 {
				r.update(id, func(tx *store.Tx) error { _, err := tx.MoveEpoch(1); return err })
			}
			tx.Prove(1)
			return note(tx, "it")
		})
		r.wantFault(err, fault.StaleEpoch)
	})
}

func TestMoveEpoch(t *testing.T) {
	for _, test := range []struct {
		at, old, proof int64
		to             int64 // 0: stale
	}{{0, 0, -1, 1}, {0, 1, -1, 0}, {1, 1, -1, 2}, {1, 0, -1, 0}, {2, 1, -1, 0}, {1, 2, -1, 0}, {41, 41, -1, 42}, {2, 2, 2, 3}, {2, 2, 1, 0}, {2, 2, 3, 0}} {
		t.Run(fmt.Sprint(test), func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.begin(id, test.at)
				var got int64
				err := r.store.Update(r.Context(), id, func(tx *store.Tx) (err error) {
					if test.proof >= 0 {
						tx.Prove(test.proof)
					}
					got, err = tx.MoveEpoch(test.old)
					return err
				})
				want := test.to
				if test.to == 0 {
					r.wantFault(err, fault.StaleEpoch)
					want = test.at
				} else if err != nil || got != test.to {
					r.Errorf("moved to %d, %v", got, err)
				}
				if e, err := r.store.Epoch(r.Context(), id); err != nil || e != want {
					r.Errorf("the epoch is %d, want %d; %v", e, want, err)
				}
			})
		})
	}
}

// TestTakeOversAtOnce: of twenty take-overs of one run, one succeeds, whatever goes wrong.
func TestTakeOversAtOnce(t *testing.T) {
	for name, o := range map[string]chaos.Options{"well": {}, "conflicts": {Seed: 9, Conflict: 0.3, Vanished: 0.2}} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.begin(id, 1)
				r.table.Set(o)
				var mu sync.Mutex
				won := 0
				var all sync.WaitGroup
				for range 20 {
					all.Go(func() {
						err := r.store.Update(r.Context(), id, func(tx *store.Tx) error { _, err := tx.MoveEpoch(1); return err })
						mu.Lock()
						defer mu.Unlock()
						if err == nil {
							won++
						} else {
							r.wantFault(err, fault.StaleEpoch)
						}
					})
				}
				all.Wait()
				if e, err := r.store.Epoch(r.Context(), id); err != nil || e != 2 || won != 1 {
					r.Errorf("%d won, the epoch is %d, %v", won, e, err)
				}
			})
		})
	}
}

// TestSlots: of twenty operations three get a slot, each another one; a freed slot is the next one's.
func TestSlots(t *testing.T) {
	for name, o := range map[string]chaos.Options{"well": {}, "chaos": {Seed: 2, Conflict: 0.2, Vanished: 0.2}} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.table.Set(o)
				var mu sync.Mutex
				var taken []int
				holders := map[int]string{}
				var all sync.WaitGroup
				for i := range 20 {
					all.Go(func() {
						op, n := fmt.Sprint("op-", i), 0
						err := r.store.Update(r.Context(), fmt.Sprint("instance-", i), func(tx *store.Tx) (err error) { n, err = tx.TakeSlot(3, op); return err })
						if err != nil {
							r.Error(err)
						}
						if n > 0 {
							mu.Lock()
							taken, holders[n] = append(taken, n), op
							mu.Unlock()
						}
					})
				}
				all.Wait()
				slices.Sort(taken)
				if !slices.Equal(taken, []int{1, 2, 3}) {
					r.Fatalf("taken: %v", taken)
				}
				take := func() (n int) {
					r.update(id, func(tx *store.Tx) (err error) { n, err = tx.TakeSlot(3, "next"); return err })
					return n
				}
				free := func(n int, op string) {
					r.update(id, func(tx *store.Tx) error { return tx.FreeSlot(n, op) })
				}
				free(2, "somebody else")
				free(0, holders[2])
				free(9, holders[2])
				if n := take(); n > 0 {
					r.Errorf("slot %d was freed by one that doesn't hold it", n)
				}
				free(2, holders[2])
				free(2, holders[2]) // again
				if n := take(); n != 2 {
					r.Errorf("got slot %d after slot 2 was freed", n)
				}
				free(2, holders[2]) // a late repeat takes nothing from the next one
				if n := take(); n > 0 {
					r.Errorf("got slot %d though all are taken", n)
				}
			})
		})
	}
}

// TestLowestSlotFirst: after a deploy with fewer slots, those that run count against them.
func TestLowestSlotFirst(t *testing.T) {
	inBubble(t, func(r *rig) {
		take := func(of int, op string) (n int) {
			r.update(id, func(tx *store.Tx) (err error) { n, err = tx.TakeSlot(of, op); return err })
			return n
		}
		for i := range 3 {
			if n := take(20, fmt.Sprint("op-", i)); n != i+1 {
				r.Errorf("got slot %d, want %d", n, i+1)
			}
		}
		if n := take(3, "next"); n != 0 {
			r.Errorf("got slot %d of three while three run", n)
		}
	})
}

func TestSlotsOfNone(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.update(id, func(tx *store.Tx) error {
			if n, err := tx.TakeSlot(0, "op"); n != 0 || err != nil {
				r.Errorf("slot %d of none, %v", n, err)
			}
			return nil
		})
	})
}

// TestOnlyATakeOverChangesTheEpoch: every other write leaves the epoch's item alone, so that checks of it never conflict.
func TestOnlyATakeOverChangesTheEpoch(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.begin(id, 2)
		for i := range 5 {
			r.update(id, func(tx *store.Tx) error {
				tx.Prove(2)
				return note(tx, fmt.Sprint(i))
			})
		}
		item, err := r.table.Get(r.Context(), table.Key{Partition: "instance#" + id, Sort: "epoch"}, true)
		if err != nil || item.Version != 2 || item.Attributes["epoch"] != "2" {
			r.Errorf("%+v, %v", item, err)
		}
	})
}

func TestIncidentOpensOnce(t *testing.T) {
	inBubble(t, func(r *rig) {
		for _, reason := range []string{"first", "second"} {
			r.update(id, func(tx *store.Tx) error {
				return tx.Open(fleet.Incident{ID: "overdue", Code: "Overdue", Reason: reason, InstanceID: "forged"})
			})
		}
		all, err := r.store.Incidents(r.Context(), id)
		if err != nil || len(all) != 1 || all[0].Reason != "first" || all[0].InstanceID != id || !all[0].OpenedAt.Equal(at(0)) {
			r.Errorf("%+v, %v", all, err)
		}
		r.wantChain(id, 1)
	})
}

// TestCloseIncidents closes those of the given codes, once; they leave the fleet's list and stay with the instance.
func TestCloseIncidents(t *testing.T) {
	inBubble(t, func(r *rig) {
		for i, code := range []fleet.IncidentKind{"Overdue", "FailedDirty", "MessageNotSent"} {
			r.update(id, func(tx *store.Tx) error { return tx.Open(fleet.Incident{ID: fmt.Sprint(i), Code: code}) })
		}
		for range 2 {
			time.Sleep(time.Second)
			r.update(id, func(tx *store.Tx) error { return tx.CloseIncidents("Overdue", "FailedDirty", "Unheard") })
		}
		r.update("another", func(tx *store.Tx) error { return tx.CloseIncidents("Overdue") })
		all, err := r.store.Incidents(r.Context(), id)
		if err != nil || len(all) != 3 || !all[0].ClosedAt.Equal(at(1)) || !all[1].ClosedAt.Equal(at(1)) || !all[2].ClosedAt.IsZero() {
			r.Errorf("%+v, %v", all, err)
		}
		open, err := r.store.OpenIncidents(r.Context())
		if err != nil || len(open) != 1 || open[0].Code != "MessageNotSent" {
			r.Errorf("%+v, %v", open, err)
		}
		r.wantChain(id, 5)
	})
}

// TestOpenRefusesAnUnknownKind: whoever gets an incident finds a runbook for it.
func TestOpenRefusesAnUnknownKind(t *testing.T) {
	inBubble(t, func(r *rig) {
		for _, kind := range []fleet.IncidentKind{"", "overdue", "Rejected"} {
			err := r.store.Update(r.Context(), id, func(tx *store.Tx) error { return tx.Open(fleet.Incident{ID: "x", Code: kind}) })
			if !fault.Is(err, fault.Internal) {
				r.Errorf("%q: %v", kind, err)
			}
		}
		if all, err := r.store.Incidents(r.Context(), id); err != nil || len(all) > 0 {
			r.Errorf("%+v, %v", all, err)
		}
	})
}
