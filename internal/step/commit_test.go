package step_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/store/chaos"
	"github.com/project-gimbal/fleet/internal/store/table"
)

// holds tells whether a write holds a record of a sort with some text in it.
func holds(writes []table.Write, sort, text string) bool {
	return slices.ContainsFunc(writes, func(w table.Write) bool {
		return strings.HasPrefix(w.Item.Sort, sort) && strings.Contains(string(w.Item.Body), text)
	})
}

// ledgerWrite matches a write of a ledger entry in a status.
func ledgerWrite(status fleet.ResourceStatus) func([]table.Write) bool {
	return func(writes []table.Write) bool { return holds(writes, "resource#", `"status":"`+string(status)+`"`) }
}

// TestFaultsOfTheStore: intent and commit find their own effect after an answer was lost.
func TestFaultsOfTheStore(t *testing.T) {
	for _, kind := range []chaos.Kind{chaos.Conflict, chaos.Lost, chaos.Vanished, chaos.Late} {
		for _, status := range []fleet.ResourceStatus{fleet.Intended, fleet.Created} {
			t.Run(string(kind)+" "+string(status), func(t *testing.T) {
				inBubble(t, func(r *rig) {
					r.chaos.Script(chaos.Fault{Kind: kind, Match: ledgerWrite(status), After: time.Minute})
					r.wantCode(r.ensure(false), "")
					if r.chaos.Left() > 0 {
						t.Error("the fault did not strike")
					}
					r.chaos.Drain()
					r.wantCreated("id-1")
					if got := r.audited(); !slices.Equal(got, []string{"resource.created"}) {
						t.Errorf("audited: %v", got)
					}
				})
			})
		}
	}
}

// TestDiesAnywhere lets an invocation die before and after each of its table and vendor calls, its requests land late or not
// at all, and the next ones finish.
func TestDiesAnywhere(t *testing.T) {
	for _, replace := range []bool{false, true} {
		for _, f := range []fate{{}, lost, late(bounds.Quiet)} {
			for at := 1; ; at++ {
				reached := true
				for _, after := range []bool{false, true} {
					inBubble(t, func(r *rig) {
						i := r.begin(life{})
						if at <= i.port.n {
							return // it is not worth dying in Begin
						}
						i.port.diesAt, i.port.after = at, after
						i.resource.Replace = replace
						r.vendor.next("create", f)
						_ = i.Ensure(i.ctx, i.resource) // whatever it says, it is dead
						reached = i.port.dead()
						r.vendor.script = nil
						r.vendor.lag = func(string) time.Duration { return bounds.Lag }
						r.converge(replace)
						live := r.vendor.live()
						if len(live) != 1 {
							t.Fatalf("died at %d (after it: %t): at the vendor are %q", at, after, live)
						}
						r.wantCreated(live[0])
					})
				}
				if !reached {
					break
				}
			}
		}
	}
}

// steal makes the entry's attempt another invocation's.
func (r *rig) steal() {
	r.update(func(tx *store.Tx) error {
		e, err := tx.Resource(ourKind, ourName)
		if err != nil {
			return err
		}
		e.Attempt.Nonce = "another"
		return tx.PutResource(e)
	})
}

// TestOnlyItsOwnAttempt: an invocation ends and commits only the attempt that it opened.
func TestOnlyItsOwnAttempt(t *testing.T) {
	t.Run("end", func(t *testing.T) {
		inBubble(t, func(r *rig) {
			f := throttled
			f.During = r.steal
			r.vendor.next("find", f)
			r.wantCode(r.ensure(false), fault.Throttled)
			if e := r.entry(); e.Attempt == nil || e.Attempt.Nonce != "another" {
				t.Errorf("the ledger says %+v", e)
			}
		})
	})
	t.Run("commit", func(t *testing.T) {
		inBubble(t, func(r *rig) {
			r.vendor.next("create", fate{During: r.steal})
			r.wantCode(r.ensure(false), fault.NotReady)
			if e := r.entry(); e.Status != fleet.Intended || e.ID != "" || e.Attempt == nil || e.Attempt.Nonce != "another" {
				t.Errorf("the ledger says %+v", e)
			}
			if secret, err := r.store.Secret(r.ctx, instanceID, "key"); err != nil || secret != nil {
				t.Errorf("a secret was kept: %v", err)
			}
		})
	})
	for id, code := range map[string]fault.Code{"id-1": "", "id-7": fault.NotReady} {
		t.Run("commit of what is committed as "+id, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.vendor.next("create", fate{During: func() { r.put(fleet.Resource{Status: fleet.Created, ID: id}) }})
				r.wantCode(r.ensure(false), code)
				if e := r.entry(); e.ID != id {
					t.Errorf("the ledger says %+v", e)
				}
			})
		})
	}
}

// TestCommitOnlyUnderItsEpoch: a run that was taken over commits nothing, and its attempt stays for the take-down to see.
func TestCommitOnlyUnderItsEpoch(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.vendor.next("create", fate{During: r.takeOver})
		r.wantCode(r.ensure(false), fault.StaleEpoch)
		if e := r.entry(); e.Status != fleet.Intended || e.Attempt == nil {
			t.Errorf("the ledger says %+v", e)
		}
	})
}

// TestEndNeedsNoEpoch: that nothing is in flight helps whoever took over.
func TestEndNeedsNoEpoch(t *testing.T) {
	inBubble(t, func(r *rig) {
		f := throttled
		f.During = r.takeOver
		r.vendor.next("create", f)
		r.wantCode(r.ensure(false), fault.Throttled)
		if e := r.entry(); e.Attempt != nil {
			t.Errorf("the ledger says %+v", e)
		}
	})
}
