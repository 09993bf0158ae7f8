package world_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/view"
)

func (r *rig) cancel(id string) view.Operation {
	r.t.Helper()
	return act[view.Operation](r, http.StatusAccepted, "/instances/"+id+"/cancel", "")
}

// TestCancelWhileItWaits: an approved signup that has no slot yet is rejected, its slug is free, and nothing of it ever begins.
func TestCancelWhileItWaits(t *testing.T) {
	t.Parallel()
	inBubble(t, func(o *world.Options) { o.Slots = 1 }, func(r *rig) {
		first, second := r.signup("msg_1", "acme-dental"), r.signup("msg_2", "other-dental")
		r.refused(http.StatusConflict, "POST", "/instances/"+second+"/cancel", "", "reject it instead")
		r.approve(first)
		time.Sleep(10 * time.Second)
		r.approve(second)
		for range 2 {
			if answer := r.cancel(second); answer != (view.Operation{Signup: fleet.Rejected}) {
				t.Errorf("answer: %+v", answer)
			}
		}
		r.wantFree("other-dental", true)
		next := r.signup("msg_3", "other-dental")
		r.cancel(second) // takes the slug from nobody
		r.wantFree("other-dental", false)
		r.settle()
		r.wantState(first, fleet.Active)
		if i, err := r.w.Store.Instance(r.ctx, second); err != nil || i != nil {
			t.Errorf("%+v, %v", i, err)
		}
		if s := r.status(second); s["status"] != "REJECTED" || s["reason"] != "cancelled" {
			t.Errorf("status: %v", s)
		}
		if n := r.audited(second, "signup.cancelled"); n != 1 {
			t.Errorf("audited %d times", n)
		}
		if code, answer := r.do("POST", "/signups/"+next+"/reject", `{"reason":"a duplicate"}`, operator); code != http.StatusAccepted {
			t.Errorf("%d %v", code, answer)
		}
		r.refused(http.StatusConflict, "POST", "/instances/"+next+"/cancel", "", "was rejected")
		r.wantAuditWhole(second)
	})
}

// TestCancelAProvisioning cancels at many moments of a provisioning, several times at once: it is taken down once and clean, or was
// active before, and then it stays so.
func TestCancelAProvisioning(t *testing.T) {
	t.Parallel()
	for second := 0; second < 240; second += 12 {
		t.Run(fmt.Sprint(second), func(t *testing.T) {
			t.Parallel()
			inBubble(t, nil, func(r *rig) {
				id := r.signup("msg_1", "acme-dental")
				r.approve(id)
				time.Sleep(time.Duration(second) * time.Second)
				var all sync.WaitGroup
				for range 3 {
					all.Go(func() { _, _, _ = ask[view.Operation](r, "POST", "/instances/"+id+"/cancel", "") })
				}
				all.Wait()
				_, _, code := ask[view.Operation](r, "POST", "/instances/"+id+"/cancel", "")
				r.settle()
				if s := r.status(id); s["status"] == "REJECTED" { // it was cancelled before it was admitted
					if code != http.StatusAccepted || s["reason"] != "cancelled" {
						t.Errorf("answered %d; status %v", code, s)
					}
					return
				}
				if r.instance(id).State == fleet.Active {
					r.wantActive(id)
					r.refused(http.StatusConflict, "POST", "/instances/"+id+"/cancel", "", "the instance is ACTIVE")
					return
				}
				if r.wantClean(id); code != http.StatusAccepted {
					t.Errorf("answered %d", code)
				}
				if o := r.operation(id); o.Failure != fleet.Cancelled || o.N != 1 {
					t.Errorf("failed by %q, after %d take-downs", o.Failure, o.N)
				}
				if n := r.audited(id, "teardown.begun"); n != 1 {
					t.Errorf("the operator began %d take-downs", n)
				}
				if again := r.cancel(id); again.Execution != "op-"+id+"-teardown-1" {
					t.Errorf("again: %+v", again)
				}
			})
		})
	}
}

// TestCancelTooLate: each state in which there is nothing to cancel says what to do instead.
func TestCancelTooLate(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		id := r.provision()
		r.refused(http.StatusConflict, "POST", "/instances/"+id+"/cancel", "", "the instance is ACTIVE")
		r.wantActive(id)
	})
	inBubble(t, faults(t, "twilio.CreateKey=403@1+"), func(r *rig) {
		id := r.provision()
		r.refused(http.StatusConflict, "POST", "/instances/"+id+"/cancel", "", "TERMINATED already")
		r.wantClean(id)
	})
	inBubble(t, faults(t, "sendgrid.ValidateDomain=403@1+,twilio.UpdateAccount=500-before@1-200"), func(r *rig) {
		id := r.provision()
		r.refused(http.StatusConflict, "POST", "/instances/"+id+"/cancel", "", "then retry")
	})
}

// TestCancelDies lets a cancellation die before and after each of its commits and of the start of its execution: repeated, or left to
// reconcile, all is taken down clean.
func TestCancelDies(t *testing.T) {
	t.Parallel()
	for commit := 1; commit <= 2; commit++ {
		for _, after := range []bool{false, true} {
			for _, repeated := range []bool{false, true} {
				t.Run(fmt.Sprintf("commit %d after %t repeated %t", commit, after, repeated), func(t *testing.T) {
					t.Parallel()
					inBubble(t, func(o *world.Options) {
						o.Hooks.Dies = func(p world.Point) bool {
							return p.Function == "cancel" && p.Invocation == 1 && p.Commit && p.N == commit && p.After == after
						}
					}, func(r *rig) {
						id := r.signup("msg_1", "acme-dental")
						r.approve(id)
						time.Sleep(time.Minute)
						if code, _ := r.do("POST", "/instances/"+id+"/cancel", "", operator); code != http.StatusInternalServerError {
							t.Errorf("it did not die: %d", code)
						}
						lost := commit == 1 && !after // nothing was written
						if repeated || lost {
							r.cancel(id)
						}
						r.invoke("reconcile")
						r.settle()
						if r.wantClean(id); r.operation(id).N != 1 {
							t.Errorf("%d take-downs", r.operation(id).N)
						}
					})
				})
			}
		}
	}
}
