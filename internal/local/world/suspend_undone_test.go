package world_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/step/bounds"
)

// TestSuspensionFailsForGood refuses each switch for good, in suspension and in resumption: all that was switched is switched back, the
// instance is what it was, and an incident says so.
func TestSuspensionFailsForGood(t *testing.T) {
	t.Parallel()
	for call, kind := range map[string]string{
		"cloudflare.UpdateRecord": "2", "vercel.PauseProject": "1", "twilio.UpdateAccount": "1", "sendgrid.UpdateSubuser": "1",
		"supabase.UpdateAuthConfig": "5", "supabase.UpdateLegacyKeys": "1",
	} {
		t.Run("suspend/"+call, func(t *testing.T) {
			t.Parallel()
			inBubble(t, faults(t, call+"=403@"+kind), func(r *rig) {
				id := r.live()
				before := r.vendorStates()
				o := r.suspend(id)
				r.settle()
				r.wantSwitched(id, fleet.Active)
				r.wantStates(before)
				now := r.run(id, o.Operation)
				if now.Outcome != fleet.Undone || now.Phase != fleet.Undoing || now.Failure != string(fault.Rejected) {
					t.Errorf("%+v", now)
				}
				r.wantOpen(id, "Undone")
				r.wantMails(3)
				path := strings.Join(r.path("suspend", o.Execution), " ")
				back := strings.Join(r.path("resume", now.Execution()), " ")
				if !strings.HasSuffix(path, "BeginUndo UndoBegun Undoing") || !strings.HasSuffix(back, "EndOperation Ended Resumed") {
					t.Errorf("paths: %s; %s", path, back)
				}
				r.suspend(id) // the cause is over
				r.settle()
				r.wantSwitched(id, fleet.Suspended)
				r.wantOpen(id)
			})
		})
	}
	for call, n := range map[string]string{
		"cloudflare.UpdateRecord": "3", "vercel.UnpauseProject": "1", "twilio.UpdateAccount": "2", "sendgrid.UpdateSubuser": "2",
		"supabase.UpdateAuthConfig": "6", "supabase.UpdateLegacyKeys": "2",
	} {
		t.Run("resume/"+call, func(t *testing.T) {
			t.Parallel()
			inBubble(t, faults(t, call+"=403@"+n), func(r *rig) {
				id := r.live()
				r.suspend(id)
				r.settle()
				r.wantSwitched(id, fleet.Suspended)
				since := r.instance(id).Suspension.Since
				o := r.resume(id)
				r.settle()
				r.wantSwitched(id, fleet.Suspended)
				if now := r.run(id, o.Operation); now.Outcome != fleet.Undone || !r.instance(id).Suspension.Since.Equal(since) {
					t.Errorf("%+v", now)
				}
				r.wantOpen(id, "Undone")
				r.wantMails(4)
				r.resume(id)
				r.settle()
				r.wantSwitched(id, fleet.Active)
				r.wantOpen(id)
			})
		})
	}
}

// TestUndoingFails: where the undoing is refused as well, the operation ends dirty with an incident that names what is half switched,
// and a retry ends it.
func TestUndoingFails(t *testing.T) {
	t.Parallel()
	inBubble(t, faults(t, "supabase.UpdateLegacyKeys=403@1,twilio.UpdateAccount=403@2"), func(r *rig) {
		id := r.live()
		o := r.suspend(id)
		r.settle()
		now := r.run(id, o.Operation)
		if i := r.instance(id); now.Outcome != fleet.FailedDirty || i.Unfinished != now.ID || i.State != fleet.Active || !strings.Contains(i.Progress.Reason, "sms_suspension") {
			t.Errorf("%+v; %+v", now, i)
		}
		r.wantOpen(id, "FailedDirty")
		r.retry(id)
		r.settle()
		r.wantSwitched(id, fleet.Active)
		if now := r.run(id, o.Operation); now.Outcome != fleet.Undone || now.N != 2 {
			t.Errorf("%+v", now)
		}
		r.wantOpen(id, "Undone")
		r.refused(http.StatusConflict, "POST", "/instances/"+id+"/retry", "", "nothing to retry")
	})
}

// TestSuspendedAnewInsteadOfRetried: what is half switched may as well be suspended anew.
func TestSuspendedAnewInsteadOfRetried(t *testing.T) {
	t.Parallel()
	inBubble(t, faults(t, "supabase.UpdateLegacyKeys=403@1,twilio.UpdateAccount=403@2"), func(r *rig) {
		id := r.live()
		r.suspend(id)
		r.settle()
		r.wantOpen(id, "FailedDirty")
		r.suspend(id)
		r.settle()
		r.wantSwitched(id, fleet.Suspended)
		r.wantOpen(id)
	})
}

// TestOutageDuringSuspension: a vendor that takes no changes for hours has suspensions undone as far as that goes; they wait for it, and
// their undoing ends by itself when it is back.
func TestOutageDuringSuspension(t *testing.T) {
	t.Parallel()
	inBubble(t, faults(t, "twilio.UpdateAccount=500-before@1-150"), func(r *rig) {
		ids := []string{r.live(), r.signup("msg_2", "other-dental")}
		r.approve(ids[1])
		r.settle()
		for _, id := range ids {
			r.suspend(id)
		}
		r.scheduled(bounds.Switch + bounds.Undo + 10*time.Minute)
		for _, id := range ids {
			if i := r.instance(id); i.State != fleet.Active || i.Waits != "twilio" || i.Unfinished == "" || i.Operation != "" {
				t.Errorf("%+v", i)
			}
		}
		r.scheduled(3 * time.Hour)
		for _, id := range ids {
			r.wantSwitched(id, fleet.Active)
			if o := r.run(id, r.operations(id, fleet.Suspend)[0]); o.Outcome != fleet.Undone {
				t.Errorf("%+v", o)
			}
		}
	})
}

// TestSuspensionOverdue: a vendor that answers nothing good until the deadline has the suspension undone, and its neighbours in time.
func TestSuspensionOverdue(t *testing.T) {
	t.Parallel()
	inBubble(t, faults(t, "sendgrid.UpdateSubuser=500-before@1-20"), func(r *rig) {
		id := r.live()
		o := r.suspend(id)
		began := time.Now()
		r.settle()
		r.wantSwitched(id, fleet.Active)
		now := r.run(id, o.Operation)
		if now.Outcome != fleet.Undone || now.Failure != string(fault.Overdue) || time.Since(began) > bounds.Switch+bounds.Undo {
			t.Errorf("after %s: %+v", time.Since(began), now)
		}
	})
}

// TestStoppedSuspension: an execution that is stopped is begun again, three times at most, and then undone; an undoing, too, and then it
// ends dirty.
func TestStoppedSuspension(t *testing.T) {
	t.Parallel()
	for stops, want := range map[int]fleet.Outcome{1: fleet.Succeeded, 2: fleet.Succeeded, 3: fleet.Undone, 5: fleet.Undone, 6: fleet.FailedDirty} {
		t.Run(fmt.Sprint(stops), func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(o *world.Options) { o.Latency.Answer = 3 * time.Second }, func(r *rig) {
				id := r.live()
				o := r.suspend(id)
				for range stops {
					time.Sleep(2 * time.Second)
					now := r.run(id, o.Operation)
					r.stop(now.Workflow(), now.Execution())
					for try := 0; r.run(id, o.Operation).Execution() == now.Execution() && r.run(id, o.Operation).Running(); try++ {
						if time.Sleep(time.Second); try > 60 {
							t.Fatal("it is not begun again")
						}
					}
				}
				r.settle()
				now := r.run(id, o.Operation)
				if now.Outcome != want {
					t.Errorf("ended as %q in %s %d: %s", now.Outcome, now.Phase, now.N, now.Failure)
				}
				switch want {
				case fleet.Succeeded:
					r.wantSwitched(id, fleet.Suspended)
				case fleet.Undone:
					r.wantSwitched(id, fleet.Active)
				default:
					r.retry(id)
					r.settle()
					r.wantSwitched(id, fleet.Active)
				}
			})
		})
	}
}
