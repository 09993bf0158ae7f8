package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/store/chaos"
	"github.com/project-gimbal/fleet/internal/store/table"
)

// TestUpdateUnderFaults: whatever happens to the write, the change is made once, with one audit entry, by a closure that
// looks before it writes.
func TestUpdateUnderFaults(t *testing.T) {
	for name, test := range map[string]struct {
		kinds []chaos.Kind
		runs  int
	}{
		"none":              {nil, 1},
		"conflict":          {[]chaos.Kind{chaos.Conflict}, 2},
		"lost":              {[]chaos.Kind{chaos.Lost}, 2},
		"vanished":          {[]chaos.Kind{chaos.Vanished}, 2},
		"late":              {[]chaos.Kind{chaos.Late}, 2},
		"one after another": {[]chaos.Kind{chaos.Conflict, chaos.Vanished, chaos.Late, chaos.Conflict, chaos.Lost}, 6},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.update(id, func(tx *store.Tx) error { return note(tx, "before") })
				for _, kind := range test.kinds {
					r.table.Script(chaos.Fault{Kind: kind, After: time.Hour})
				}
				runs := 0
				r.update(id, func(tx *store.Tx) error {
					runs++
					return note(tx, "it")
				})
				r.table.Drain()
				if runs != test.runs || r.table.Left() > 0 {
					r.Errorf("the change ran %d times, want %d; %d faults are left", runs, test.runs, r.table.Left())
				}
				ledger, err := r.store.Resources(r.Context(), id)
				if err != nil || len(ledger) != 2 {
					r.Errorf("ledger: %+v, %v", ledger, err)
				}
				r.wantChain(id, 2)
			})
		})
	}
}

// TestUpdateReadsAnew: a change that ran on something another write has replaced runs again and sees it.
func TestUpdateReadsAnew(t *testing.T) {
	inBubble(t, func(r *rig) {
		put := func(n int) func(tx *store.Tx) error {
			return func(tx *store.Tx) error {
				if _, err := tx.Operation("op"); err != nil {
					return err
				}
				return tx.PutOperation(&fleet.Operation{ID: "op", InstanceID: id, N: n})
			}
		}
		r.update(id, put(1))
		var seen []int
		r.update(id, func(tx *store.Tx) error {
			o, err := tx.Operation("op")
			if err != nil {
				return err
			}
			if seen = append(seen, o.N); len(seen) == 1 {
				r.update(id, put(10)) // somebody else, meanwhile
			}
			o.N++
			return tx.PutOperation(o)
		})
		o, err := r.store.Operation(r.Context(), id, "op")
		if err != nil || o.N != 11 || !cmp.Equal(seen, []int{1, 10}) {
			r.Errorf("%+v, %v; seen %v", o, err, seen)
		}
	})
}

// TestManyUpdatesOfOneInstance: fifty at once all land, on one unbroken chain, whatever goes wrong.
func TestManyUpdatesOfOneInstance(t *testing.T) {
	const many = 50
	for name, o := range map[string]chaos.Options{
		"well":  {},
		"chaos": {Seed: 3, Conflict: 0.2, Lost: 0.1, Vanished: 0.1, Late: 0.1, LateBy: 5 * time.Second, Lag: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.begin(id, 1)
				r.table.Set(o)
				var all sync.WaitGroup
				for i := range many {
					all.Go(func() {
						err := r.store.Update(r.Context(), id, func(tx *store.Tx) error {
							tx.Prove(1)
							return note(tx, fmt.Sprint("n", i))
						})
						if err != nil {
							r.Error(err)
						}
					})
				}
				all.Wait()
				r.table.Drain()
				ledger, err := r.store.Resources(r.Context(), id)
				if err != nil || len(ledger) != many {
					r.Errorf("%d entries, %v", len(ledger), err)
				}
				r.wantChain(id, many)
			})
		})
	}
}

func TestUpdateReturnsTheChangesError(t *testing.T) {
	inBubble(t, func(r *rig) {
		mine := errors.New("mine")
		err := r.store.Update(r.Context(), id, func(tx *store.Tx) error {
			return errors.Join(note(tx, "it"), mine)
		})
		if !errors.Is(err, mine) {
			r.Error(err)
		}
		if ledger, err := r.store.Resources(r.Context(), id); err != nil || len(ledger) > 0 {
			r.Errorf("a failed change wrote %+v, %v", ledger, err)
		}
		r.wantChain(id, 0)
	})
}

func TestUpdateGivesUp(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.table.Set(chaos.Options{Conflict: 1})
		start, runs := time.Now(), 0
		err := r.store.Update(r.Context(), id, func(tx *store.Tx) error { runs++; return note(tx, "it") })
		r.wantFault(err, fault.Unavailable)
		if took := time.Since(start); runs != 60 || took > 12*time.Second {
			r.Errorf("gave up after %d runs and %s", runs, took)
		}
		ctx, cancel := context.WithTimeout(r.Context(), time.Second)
		defer cancel()
		start = time.Now()
		err = r.store.Update(ctx, id, func(tx *store.Tx) error { return note(tx, "it") })
		r.wantFault(err, fault.Unavailable)
		if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took > time.Second {
			r.Errorf("%v after %s", err, took)
		}
	})
}

// TestUpdateOverLimits: what can never be written is not tried again.
func TestUpdateOverLimits(t *testing.T) {
	inBubble(t, func(r *rig) {
		runs := 0
		err := r.store.Update(r.Context(), id, func(tx *store.Tx) error {
			runs++
			return tx.PutSecret("big", make([]byte, table.MaxItemSize))
		})
		if r.wantFault(err, fault.Internal); runs != 1 {
			r.Errorf("ran %d times", runs)
		}
		err = r.store.Update(r.Context(), id, func(tx *store.Tx) error {
			for i := range table.MaxWrites {
				if err := note(tx, fmt.Sprint(i)); err != nil {
					return err
				}
			}
			return nil
		})
		r.wantFault(err, fault.Internal)
	})
}

func TestUpdateWithoutWrites(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.table.Set(chaos.Options{Vanished: 1}) // no write comes through
		r.update(id, func(tx *store.Tx) error {
			_, err := tx.Instance()
			return err
		})
	})
}

// TestPutUnseen: nothing is overwritten that was not read.
func TestPutUnseen(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.update(id, func(tx *store.Tx) error { return tx.PutInstance(&fleet.Instance{ID: id, Slug: "first"}) })
		err := r.store.Update(r.Context(), id, func(tx *store.Tx) error { return tx.PutInstance(&fleet.Instance{ID: id, Slug: "second"}) })
		r.wantFault(err, fault.Unavailable)
		if i, err := r.store.Instance(r.Context(), id); err != nil || i.Slug != "first" {
			r.Errorf("%+v, %v", i, err)
		}
	})
}

// TestAuditInOneChange: several entries of one change follow each other; one that is given twice, or is there already,
// stands once.
func TestAuditInOneChange(t *testing.T) {
	inBubble(t, func(r *rig) {
		entry := func(id string) fleet.AuditEntry { return fleet.AuditEntry{ID: id, Actor: "test", Action: "x"} }
		r.update(id, func(tx *store.Tx) error {
			for _, e := range []string{"a", "b", "a", "c"} {
				tx.Audit(entry(e))
			}
			return nil
		})
		r.wantChain(id, 3)
		time.Sleep(time.Hour)
		r.update(id, func(tx *store.Tx) error {
			for _, e := range []string{"b", "d", "d", "a"} {
				tx.Audit(entry(e))
			}
			return nil
		})
		r.wantChain(id, 4)
		r.update(id, func(tx *store.Tx) error { tx.Audit(entry("a")); return nil })
		r.wantChain(id, 4)
		entries, _, err := r.store.Audit(r.Context(), id)
		if err != nil {
			r.Fatal(err)
		}
		var order []string
		for _, e := range entries {
			order = append(order, e.ID)
		}
		if strings.Join(order, "") != "abcd" || !entries[0].At.Equal(at(0)) || !entries[3].At.Equal(at(3600)) {
			r.Errorf("%v at %s and %s", order, entries[0].At, entries[3].At)
		}
		if _, head, err := r.store.Audit(r.Context(), "another"); err != nil || head != (fleet.AuditHead{}) {
			r.Errorf("a chain of another instance: %+v, %v", head, err)
		}
	})
}

// TestRemoveAndPut: the last word in a change counts, and no item is in a write twice.
func TestRemoveAndPut(t *testing.T) {
	claim := func(id string) *fleet.SlugClaim { return &fleet.SlugClaim{Slug: "acme", InstanceID: id} }
	for name, test := range map[string]struct {
		there  bool
		change func(tx *store.Tx) error
		want   string
	}{
		"freed":             {true, func(tx *store.Tx) error { tx.FreeClaim("acme"); return nil }, ""},
		"freed twice":       {true, func(tx *store.Tx) error { tx.FreeClaim("acme"); tx.FreeClaim("acme"); return nil }, ""},
		"put, then freed":   {true, func(tx *store.Tx) error { defer tx.FreeClaim("acme"); return tx.PutClaim(claim("new")) }, ""},
		"freed, then put":   {true, func(tx *store.Tx) error { tx.FreeClaim("acme"); return tx.PutClaim(claim("new")) }, "new"},
		"put twice":         {true, func(tx *store.Tx) error { return errors.Join(tx.PutClaim(claim("x")), tx.PutClaim(claim("new"))) }, "new"},
		"freed though free": {false, func(tx *store.Tx) error { tx.FreeClaim("acme"); return nil }, ""},
		"new, then freed":   {false, func(tx *store.Tx) error { defer tx.FreeClaim("acme"); return tx.PutClaim(claim("new")) }, ""},
		"new":               {false, func(tx *store.Tx) error { return tx.PutClaim(claim("new")) }, "new"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				if test.there {
					r.update(id, func(tx *store.Tx) error { return tx.PutClaim(claim("old")) })
				}
				r.update(id, func(tx *store.Tx) error {
					if _, err := tx.Claim("acme"); err != nil {
						return err
					}
					return test.change(tx)
				})
				c, err := r.store.Claim(r.Context(), "acme")
				if err != nil || (c == nil) != (test.want == "") || c != nil && c.InstanceID != test.want {
					r.Errorf("%+v, %v", c, err)
				}
			})
		})
	}
}

// TestClaimsOfManyInstances: of a hundred instances that claim a slug at once, one has it.
func TestClaimsOfManyInstances(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.table.Set(chaos.Options{Seed: 5, Conflict: 0.1, Lost: 0.1, Vanished: 0.1})
		var mu sync.Mutex
		winners := map[string]bool{}
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				mine, got := fmt.Sprint("instance-", i), false
				err := r.store.Update(r.Context(), mine, func(tx *store.Tx) error {
					c, err := tx.Claim("acme")
					if got = c == nil || c.InstanceID == mine; err != nil || c != nil {
						return err
					}
					return tx.PutClaim(&fleet.SlugClaim{Slug: "acme", InstanceID: mine})
				})
				if err != nil {
					r.Error(err)
				}
				if got {
					mu.Lock()
					winners[mine] = true
					mu.Unlock()
				}
			})
		}
		all.Wait()
		synctest.Wait()
		c, err := r.store.Claim(r.Context(), "acme")
		if err != nil || c == nil || len(winners) != 1 || !winners[c.InstanceID] {
			r.Errorf("%+v has it, %v; winners: %v", c, err, winners)
		}
	})
}
