package step_test

import (
	"slices"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store"
)

// TestAdoptsOldest: of several of ours the oldest stays, whatever the list's order; the others go, through the ledger.
func TestAdoptsOldest(t *testing.T) {
	cases := map[string]struct {
		ages []time.Duration // by the vendor's list
		kept int
	}{
		"one":             {[]time.Duration{time.Hour}, 0},
		"oldest first":    {[]time.Duration{2 * time.Hour, time.Hour}, 0},
		"oldest last":     {[]time.Duration{time.Hour, 2 * time.Hour, 3 * time.Hour}, 2},
		"none is dated":   {[]time.Duration{0, 0}, 0},
		"of the same age": {[]time.Duration{time.Hour, time.Hour, time.Hour}, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				var ids []string
				for _, age := range c.ages {
					made := time.Time{}
					if age > 0 {
						made = r.clock.Now().Add(-age)
					}
					ids = append(ids, r.vendor.has(ourMark, made))
				}
				r.wantCode(r.ensure(false), "")
				r.wantCreated(ids[c.kept])
				r.wantSent("create", 0)
				r.wantSent("delete", len(ids)-1)
				for n, id := range ids {
					if n == c.kept {
						continue
					}
					if e := r.entryOf(ourKind, ourName+"#"+id); e.Status != fleet.Removed || e.ID != id || e.RemovedAt.IsZero() || e.Epoch != 1 {
						t.Errorf("the ledger says of double %s: %+v", id, e)
					}
				}
				audited := r.audited()
				if n := len(slices.DeleteFunc(audited, func(a string) bool { return a != "resource.doubled" })); n != len(ids)-1 {
					t.Errorf("%d doubles were audited", n)
				}
			})
		})
	}
}

// TestDoublesComeOutTheSame lets an invocation fail after the deletion of a double whose answer was lost. Whatever lists show
// after that, of what stays and of what was deleted and in which order, the next one keeps the same.
func TestDoublesComeOutTheSame(t *testing.T) {
	for name, listed := range map[string]func(first, second *item) []*item{
		"the other way round": func(first, second *item) []*item { return []*item{second, first} },
		"the one that stays":  func(first, _ *item) []*item { return []*item{first} },
		"the deleted one":     func(_, second *item) []*item { return []*item{second} },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				first, second := r.vendor.has(ourMark, time.Time{}), r.vendor.has(ourMark, time.Time{})
				r.vendor.next("delete", failedAfter)
				r.wantCode(r.ensure(false), fault.Unavailable)
				r.wantLive(first)
				items := r.vendor.items
				for _, shown := range [][]*item{listed(items[0], items[1]), items} {
					r.vendor.next("find", fate{List: shown})
				}
				r.converge(false)
				r.wantCreated(first)
				if e := r.entryOf(ourKind, ourName+"#"+second); e.Status != fleet.Removed {
					t.Errorf("the ledger says of the double: %+v", e)
				}
			})
		})
	}
}

// TestOnlyADoubleIsLeft: a noted double goes even where what was to stay is gone by then, and a new one is made.
func TestOnlyADoubleIsLeft(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.vendor.has(ourMark, r.clock.Now().Add(-time.Hour))
		double := r.vendor.has(ourMark, r.clock.Now())
		r.vendor.next("delete", failed)
		r.wantCode(r.ensure(false), fault.Unavailable)
		r.vendor.items[0].Gone = r.clock.Now() // somebody deleted it
		r.converge(false)
		r.wantCreated("id-3")
		if e := r.entryOf(ourKind, ourName+"#"+double); e.Status != fleet.Removed {
			t.Errorf("the ledger says of the double: %+v", e)
		}
	})
}

// TestFaultsOfDoubles: while a double can't be removed, nothing is committed, and the double is in the ledger.
func TestFaultsOfDoubles(t *testing.T) {
	for name, c := range map[string]struct {
		fate fate
		code fault.Code
	}{"429": {throttled, fault.Throttled}, "500": {failed, fault.Unavailable}, "500 after": {failedAfter, fault.Unavailable}, "lost": {lost, fault.Unavailable}, "403": {rejected, fault.Rejected}} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				oldest := r.vendor.has(ourMark, r.clock.Now().Add(-time.Hour))
				double := r.vendor.has(ourMark, r.clock.Now())
				r.vendor.next("delete", c.fate)
				r.wantCode(r.ensure(false), c.code)
				if e := r.entry(); e.Status != fleet.Intended {
					t.Errorf("the ledger says %+v", e)
				}
				if e := r.entryOf(ourKind, ourName+"#"+double); e.Status != fleet.Created || e.ID != double {
					t.Errorf("the ledger says of the double: %+v", e)
				}
				r.converge(false)
				r.wantCreated(oldest)
				if e := r.entryOf(ourKind, ourName+"#"+double); e.Status != fleet.Removed {
					t.Errorf("the ledger says of the double: %+v", e)
				}
			})
		})
	}
}

// TestReplace: the vendor showed the secret to somebody who is gone, so all of that name go, and a new one's secret counts.
func TestReplace(t *testing.T) {
	for _, there := range []int{0, 1, 3} {
		inBubble(t, func(r *rig) {
			for range there {
				r.vendor.has(ourMark, r.clock.Now())
			}
			r.wantCode(r.ensure(true), "")
			live := r.vendor.live()
			if len(live) != 1 || len(r.vendor.items) != there+1 {
				t.Fatalf("%d were there: at the vendor are %q", there, live)
			}
			r.wantCreated(live[0])
			if secret, err := r.begin(life{}).Recall(r.ctx, "key"); err != nil || secret.Reveal() != "secret of "+live[0] {
				t.Errorf("the secret kept is another's: %v", err)
			}
		})
	}
}

// TestReplaceKeepsTheLastSecret: the secret of an earlier one, kept or not, is overwritten in the commit.
func TestReplaceKeepsTheLastSecret(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.wantCode(r.ensure(true), "")
		r.put(fleet.Resource{Status: fleet.Intended}) // as if its commit had been lost, but for the secret
		r.converge(true)
		r.wantCreated("id-2")
		if secret, err := r.begin(life{}).Recall(r.ctx, "key"); err != nil || secret.Reveal() != "secret of id-2" {
			t.Errorf("the secret kept is another's: %v", err)
		}
	})
}

// TestReplaceFails: while an old one can't be deleted nothing new is made, and the attempt ends.
func TestReplaceFails(t *testing.T) {
	for name, c := range map[string]struct {
		fate fate
		code fault.Code
	}{"429": {throttled, fault.Throttled}, "403": {rejected, fault.Rejected}, "500": {failed, fault.Unavailable}, "late": {late(time.Minute), fault.Unavailable}} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.vendor.has(ourMark, r.clock.Now())
				r.vendor.next("delete", c.fate)
				r.wantCode(r.ensure(true), c.code)
				r.wantSent("create", 0)
				if e := r.entry(); e.Status != fleet.Intended || e.Attempt != nil {
					t.Errorf("the ledger says %+v", e)
				}
				r.converge(true)
				r.vendor.late.Wait()
				r.wantCreated("id-2")
			})
		})
	}
}

// TestConflict: a taken name may be ours and not shown yet, so it is looked for once more; the second time it is another's.
func TestConflict(t *testing.T) {
	t.Run("ours", func(t *testing.T) {
		inBubble(t, func(r *rig) {
			r.vendor.has(ourMark, r.clock.Now())
			r.vendor.lag = func(string) time.Duration { return bounds.Lag }
			r.vendor.next("create", nameTaken)
			r.wantCode(r.ensure(false), fault.NotReady)
			until := r.clock.Now().Add(bounds.Lag + bounds.Margin)
			if e := r.entry(); e.Attempt != nil || !e.Conflicted || !e.Unknown || !e.LookUntil.Equal(until) {
				t.Errorf("the ledger says %+v, want to look until %s", e, until)
			}
			r.converge(false)
			r.wantCreated("id-1")
			r.wantSent("create", 1)
		})
	})
	t.Run("another's", func(t *testing.T) {
		inBubble(t, func(r *rig) {
			r.vendor.next("create", nameTaken, nameTaken)
			r.wantCode(r.ensure(false), fault.NotReady)
			first := r.clock.Now()
			var err error
			for err = r.ensure(false); fault.Is(err, fault.NotReady); err = r.ensure(false) {
				time.Sleep(5 * time.Second)
			}
			r.wantCode(err, fault.Conflict)
			creates := r.vendor.sent("create")
			if len(creates) != 2 || !creates[1].At.After(first.Add(bounds.Lag+bounds.Margin)) {
				t.Errorf("created at %v", creates)
			}
			if e := r.entry(); e.Status != fleet.Intended || e.Attempt != nil {
				t.Errorf("the ledger says %+v", e)
			}
		})
	})
	t.Run("not surely refused", func(t *testing.T) { // such as a conflict that a proxy reports for a request it repeated
		inBubble(t, func(r *rig) {
			i := r.begin(life{})
			i.resource.Create = unsureConflict
			r.wantCode(i.Ensure(i.ctx, i.resource), fault.NotReady)
			if e := r.entry(); e.Attempt == nil || e.Conflicted {
				t.Errorf("the ledger says %+v", e)
			}
		})
	})
}

// TestNotOurs: something of our name without our mark is reported and never touched.
func TestNotOurs(t *testing.T) {
	for _, replace := range []bool{false, true} {
		for name, marks := range map[string][]string{"alone": {"theirs"}, "unmarked": {""}, "beside ours": {ourMark, "theirs"}} {
			t.Run(name, func(t *testing.T) {
				inBubble(t, func(r *rig) {
					var ids []string
					for _, mark := range marks {
						ids = append(ids, r.vendor.has(mark, r.clock.Now()))
					}
					r.wantCode(r.ensure(replace), fault.NotOurs)
					r.wantLive(ids...)
					r.wantSent("delete", 0)
					if e := r.entry(); e.Status != fleet.Intended || e.Attempt != nil {
						t.Errorf("the ledger says %+v", e)
					}
				})
			})
		}
	}
}

// TestAdoptCommitsOnlyUnderItsEpoch: a run that was taken over adopts nothing and removes no double.
func TestAdoptCommitsOnlyUnderItsEpoch(t *testing.T) {
	for _, there := range []int{1, 2} {
		inBubble(t, func(r *rig) {
			for range there {
				r.vendor.has(ourMark, r.clock.Now())
			}
			r.vendor.next("find", fate{During: r.takeOver})
			r.wantCode(r.ensure(false), fault.StaleEpoch)
			r.wantSent("delete", 0)
			if e := r.entry(); e.Status != fleet.Intended {
				t.Errorf("the ledger says %+v", e)
			}
		})
	}
}

// TestAdoptsUnderAnOpenAttempt: the attempt stays open until the doubles are gone.
func TestAdoptsUnderAnOpenAttempt(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.vendor.has(ourMark, r.clock.Now())
		r.vendor.has(ourMark, r.clock.Now())
		open := false
		r.vendor.next("delete", fate{During: func() {
			r.update(func(tx *store.Tx) error {
				e, err := tx.Resource(ourKind, ourName)
				open = err == nil && e.Attempt != nil
				return err
			})
		}})
		r.wantCode(r.ensure(false), "")
		if !open {
			t.Error("a double was deleted outside an attempt")
		}
	})
}
