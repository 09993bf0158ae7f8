package world_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/view"
)

// wantNothingInside judges that what an applicant reads names no vendor and no fault.
func (r *rig) wantNothingInside(id string) map[string]any {
	r.t.Helper()
	s := r.status(id)
	text := strings.ToLower(fmt.Sprint(s["reason"], s["next_action"]))
	for _, word := range append(fleet.Vendors(), "rejected", "createkey", "403", "subaccount", "cancelled", "executionended") {
		if strings.Contains(text, word) {
			r.t.Errorf("the applicant reads %q", text)
		}
	}
	return s
}

// TestFailedApplicantIsTold: whoever's provisioning fails, or is cancelled, reads that it failed and gets word of it once, and is
// forgotten then. Why it failed is for operators.
func TestFailedApplicantIsTold(t *testing.T) {
	t.Parallel()
	for name, way := range map[string]struct {
		script, reason string
		cancelled      bool
	}{
		"failed":    {"twilio.CreateKey=403@1+", "Rejected", false},
		"cancelled": {"", fleet.Cancelled, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, faults(t, way.script), func(r *rig) {
				id := r.signup("msg_1", "acme-dental")
				r.approve(id)
				time.Sleep(time.Minute)
				if way.cancelled {
					r.cancel(id)
					if s := r.wantNothingInside(id); s["status"] != "ADMITTED" || s["reason"] == nil || !strings.Contains(s["next_action"].(string), "removed by itself") {
						t.Errorf("while it is taken down: %v", s)
					}
				}
				r.settle()
				r.wantClean(id)
				if s := r.wantNothingInside(id); s["status"] != "FAILED" || s["reason"] == nil {
					t.Errorf("status: %v", s)
				}
				failed := get[view.Signups](r, "/signups?status=FAILED")
				if len(failed.Signups) != 1 || !strings.HasPrefix(failed.Signups[0].Reason, way.reason) || failed.Signups[0].Applicant == nil {
					t.Errorf("operators see %+v", failed)
				}
				r.ticks(3)
				mails := r.mailed(id, fleet.SignupFailed)
				if len(mails) != 1 || mails[0].To != "ada@acme-dental.example" || strings.Contains(strings.ToLower(mails[0].Text), "twilio") {
					t.Errorf("mails: %+v", mails)
				}
				if s, err := r.w.Store.Signup(r.ctx, id); err != nil || len(s.Applicant) > 0 || r.tells(id, "signup.applicant_erased") != 1 {
					t.Errorf("%+v, %v", s, err)
				}
			})
		})
	}
}

// TestUntoldFailedApplicantIsErased a month after the failure, like a refused one.
func TestUntoldFailedApplicantIsErased(t *testing.T) {
	t.Parallel()
	inBubble(t, faults(t, "twilio.CreateKey=403@1+,sendgrid.SendMail=lost@1"), func(r *rig) {
		id := r.provision()
		r.ticks(3)
		r.wantOpen(id, "MessageUnknown")
		for _, wait := range []struct {
			d    time.Duration
			left bool
		}{{bounds.Applicant - time.Hour, true}, {2 * time.Hour, false}} {
			time.Sleep(wait.d)
			r.invoke("expire-signups")
			if s, err := r.w.Store.Signup(r.ctx, id); err != nil || len(s.Applicant) > 0 != wait.left {
				t.Errorf("after %s: %+v, %v", wait.d, s, err)
			}
		}
	})
}

// TestDirtyEnd: while something is left of an instance its applicant reads that, is kept, and is told only when it is clean. It takes
// no room beyond what it holds.
func TestDirtyEnd(t *testing.T) {
	t.Parallel()
	inBubble(t, func(o *world.Options) {
		faults(t, "sendgrid.ValidateDomain=403@1-3,twilio.UpdateAccount=500-before@1-200")(o)
		o.Quotas = map[string]int{"sendgrid-subusers": 1, "supabase-projects": 1}
	}, func(r *rig) {
		id := r.provision()
		if o := r.operation(id); o.Outcome != fleet.FailedDirty {
			t.Fatalf("operation ended as %q", o.Outcome)
		}
		if s := r.wantNothingInside(id); s["status"] != "ADMITTED" || s["deadline"] != nil || s["reason"] == nil || !strings.Contains(s["next_action"].(string), "an operator") {
			t.Errorf("status: %v", s)
		}
		if admitted := get[view.Signups](r, "/signups?status=ADMITTED").Signups; len(admitted) != 1 || !strings.Contains(admitted[0].NextAction, "fleetctl show") {
			t.Errorf("operators see %+v", admitted)
		}
		r.approve(r.signup("msg_2", "beta-dental"))
		r.settle()
		time.Sleep(bounds.Applicant + 24*time.Hour)
		r.invoke("expire-signups")
		r.ticks(1)
		if s, err := r.w.Store.Signup(r.ctx, id); err != nil || len(s.Applicant) == 0 || len(r.mailed(id, fleet.SignupFailed)) > 0 {
			t.Fatalf("%+v, %v", s, err)
		}
		for range 20 {
			r.retry(id)
			r.settle()
			if r.operation(id).Outcome == fleet.FailedClean {
				break
			}
		}
		r.invoke("expire-signups") // it is told first
		r.ticks(2)
		if n := len(r.mailed(id, fleet.SignupFailed)); n != 1 {
			t.Errorf("told %d times", n)
		}
	})
}

// TestCancelExpired: there is nothing to cancel.
func TestCancelExpired(t *testing.T) {
	t.Parallel()
	inBubble(t, exact, func(r *rig) {
		id := r.signup("msg_1", "acme-dental")
		time.Sleep(bounds.Decide)
		r.invoke("expire-signups")
		r.refused(http.StatusConflict, "POST", "/instances/"+id+"/cancel", "", "expired")
	})
}

// TestCompletedTellsLittle: whoever sees an instance knows its id, and learns nothing more by it.
func TestCompletedTellsLittle(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		id := r.provision()
		s := r.status(id)
		if len(s) != 4 || s["id"] != id || s["slug"] != "acme-dental" || s["status"] != "COMPLETED" || s["url"] != "https://acme-dental.gimbal.app" {
			t.Errorf("status: %v", s)
		}
	})
}
