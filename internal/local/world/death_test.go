package world_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
)

// TestDiesOnceAnywhere records each commit and each changing call of a clean provisioning and of one that fails, and then lets
// the invocation die once before, or after, each of them: every run ends as the recorded one did, with exactly one resource of
// each kind or none, one audit entry a change, and no message twice.
func TestDiesOnceAnywhere(t *testing.T) {
	t.Parallel()
	done := map[world.Point]bool{}
	for _, script := range []string{"", "sendgrid.ValidateDomain=403@1+"} {
		points := recorded(t, script)
		if len(points) < 100 {
			t.Fatalf("%d points are too few", len(points))
		}
		for i, point := range points {
			each := 11
			if done[point] { // without the fault: only what follows differs
				each = 33
			}
			done[point] = true
			if !tried(i, each) {
				continue
			}
			t.Run(fmt.Sprintf("%q/%+v", script, point), func(t *testing.T) {
				t.Parallel()
				inBubble(t, func(o *world.Options) {
					faults(t, script)(o)
					o.Hooks.Dies = func(p world.Point) bool { return p == point }
				}, func(r *rig) {
					id := r.signupUntilAnswered()
					r.approveUntilAnswered(id)
					r.settle()
					for range 3 { // what an asynchronous function left, its schedule goes on with
						r.invoke("admit")
						r.invoke("reconcile")
						r.settle()
					}
					if r.wantAuditWhole(id); script != "" {
						r.wantClean(id)
						return
					}
					r.wantActive(id)
					r.wantKept(id, r.instance(id).ActivatedAt)
					if sent := len(r.w.Vendors.SendGrid.Sent()); sent > 3 {
						t.Errorf("%d mails were sent", sent)
					}
					messages, err := r.w.Store.Messages(r.ctx, id)
					if err != nil || len(messages) != 3 {
						t.Errorf("messages: %+v, %v", messages, err)
					}
					for _, m := range messages {
						if m.Status == fleet.MessageUnknown {
							r.wantIncident(id, "MessageUnknown")
						}
					}
				})
			})
		}
	}
}

// recorded gives the points of a run.
func recorded(t *testing.T, script string) []world.Point {
	t.Helper()
	var mu sync.Mutex
	var points []world.Point
	inBubble(t, func(o *world.Options) {
		faults(t, script)(o)
		o.Hooks.Dies = func(p world.Point) bool {
			mu.Lock()
			defer mu.Unlock()
			points = append(points, p)
			return false
		}
	}, func(r *rig) { r.provision() })
	return points
}

// signupUntilAnswered sends the sample signup as its sender does: again until it is answered.
func (r *rig) signupUntilAnswered() string {
	r.t.Helper()
	body := string(sampleSignup(r.t))
	for range 20 {
		if status, answer := r.do("POST", "/signups", body, r.sign("msg_1", body)); status == 202 {
			return answer["id"].(string)
		}
		time.Sleep(2 * time.Second) // one that died is taken over once it surely is dead
	}
	r.t.Fatal("the signup was never answered")
	return ""
}

func (r *rig) approveUntilAnswered(id string) {
	r.t.Helper()
	for range 3 {
		if status, _ := r.do("POST", "/signups/"+id+"/approve", "", operator); status == 202 {
			return
		}
	}
	r.t.Fatal("the approval was never answered")
}
