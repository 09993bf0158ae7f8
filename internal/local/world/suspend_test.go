package world_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/edge"
	"github.com/project-gimbal/fleet/internal/provider/supabase"
	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/view"
)

const forPayment = `{"reason":"payment","note":"three bills open"}`

func (r *rig) suspend(id string) view.Operation {
	r.t.Helper()
	return act[view.Operation](r, http.StatusAccepted, "/instances/"+id+"/suspend", forPayment)
}

func (r *rig) resume(id string) view.Operation {
	r.t.Helper()
	return act[view.Operation](r, http.StatusAccepted, "/instances/"+id+"/resume", "")
}

// live provisions an instance, and forgets what was called and which faults were left.
func (r *rig) live() string {
	r.t.Helper()
	id := r.provision()
	r.wantActive(id)
	time.Sleep(time.Minute) // whatever lags shows
	return id
}

// run is one of an instance's operations.
func (r *rig) run(id, operation string) fleet.Operation {
	r.t.Helper()
	o, err := r.w.Store.Operation(r.ctx, id, operation)
	if err != nil || o == nil {
		r.t.Fatalf("operation %s: %v, %v", operation, o, err)
	}
	return *o
}

// wantSwitched judges that an instance is in a state with every switch set so, at the vendors as in the ledger, and that nothing runs.
func (r *rig) wantSwitched(id string, state fleet.State) {
	r.t.Helper()
	i := r.instance(id)
	if i.State != state || i.Operation != "" || i.Unfinished != "" {
		r.t.Errorf("instance is %s, operation %q, unfinished %q: %+v", i.State, i.Operation, i.Unfinished, i.Progress)
	}
	if (i.Suspension != nil) != (state == fleet.Suspended) || i.Progress.Deadline.IsZero() == false {
		r.t.Errorf("suspension %+v, progress %+v", i.Suspension, i.Progress)
	}
	want := fleet.Serving
	if state == fleet.Suspended {
		want = fleet.Stopped
	}
	entries, err := r.w.Store.Resources(r.ctx, id)
	if unset := fleet.Unset(entries, want); err != nil || len(unset) > 0 {
		r.t.Errorf("by the ledger not %s: %v, %v", want, unset, err)
	}
	for kind, is := range r.w.Vendors.Switches(i, r.project(id)) {
		if is != want {
			r.t.Errorf("at the vendor %s is %s, want %s", kind, is, want)
		}
	}
	var all []string
	for _, state := range []fleet.State{fleet.Active, fleet.Suspended} {
		instances, err := r.w.Store.Instances(r.ctx, state)
		if err != nil {
			r.t.Fatal(err)
		}
		for _, i := range instances {
			all = append(all, i.ID)
		}
	}
	r.wantLedgerTrue(all...)
	r.wantAuditWhole(id)
}

// vendorStates are what every vendor has, without when it was changed.
func (r *rig) vendorStates() map[string][]string {
	r.t.Helper()
	states := map[string][]string{}
	for _, v := range r.w.Vendors.All() {
		saved, err := v.Save()
		if err != nil {
			r.t.Fatal(err)
		}
		all, err := sim.Elements(saved)
		if err != nil {
			r.t.Fatal(err)
		}
		states[v.Name()] = sim.Timeless(all)
	}
	return states
}

// wantStates judges that every vendor has what it had.
func (r *rig) wantStates(before map[string][]string) {
	r.t.Helper()
	for vendor, now := range r.vendorStates() {
		for _, e := range now {
			if !slices.Contains(before[vendor], e) {
				r.t.Errorf("%s has, and had not: %.300s", vendor, e)
			}
		}
		for _, e := range before[vendor] {
			if !slices.Contains(now, e) {
				r.t.Errorf("%s had, and has not: %.300s", vendor, e)
			}
		}
	}
}

// visit asks a host for a page as the world does.
func (r *rig) visit(host string) (status int, body string) {
	r.t.Helper()
	status, text, err := edge.New(provider.Config{Clock: clock.System(), Endpoints: r.w.Endpoints}).Page(r.ctx, host, "/")
	if err != nil {
		r.t.Fatalf("%s: %v", host, err)
	}
	return status, string(text)
}

// TestSuspendAndResume: a suspended instance is off in every way, its visitors see our page, and a resumed one is what it was, exactly;
// its neighbour never learns of it. Both ways, twice.
func TestSuspendAndResume(t *testing.T) {
	t.Parallel()
	var direct http.RoundTripper
	underContract(t, func(o *world.Options) {
		wrap := o.Hooks.Transport
		o.Hooks.Transport = func(next http.RoundTripper) http.RoundTripper {
			if direct = next; wrap != nil {
				return wrap(next)
			}
			return next
		}
	}, func(r *rig) {
		id := r.live()
		neighbour := r.signup("msg_2", "neighbour")
		r.approve(neighbour)
		r.settle()
		time.Sleep(time.Minute)
		before, ref := r.vendorStates(), r.project(id)
		projects := supabase.New(provider.Config{Clock: clock.System(), Endpoints: r.w.Endpoints, Transport: direct, Settings: world.Settings(),
			Credential: func(context.Context, string) (provider.Secret, error) {
				return provider.NewSecret("sbp_0123456789"), nil
			}})
		keys, err := projects.APIKeys(r.ctx, ref)
		if err != nil {
			t.Fatal(err)
		}
		mails := len(r.w.Vendors.SendGrid.Sent())
		for round := range 2 {
			o := r.suspend(id)
			r.settle()
			r.wantSwitched(id, fleet.Suspended)
			if now := r.run(id, o.Operation); now.Outcome != fleet.Succeeded || now.N != 1 || o.Execution != now.Execution() {
				t.Errorf("%+v", now)
			}
			path := r.path("suspend", o.Execution)
			if tail := path[len(path)-5:]; !slices.Equal(tail, []string{"MarkSuspended", "AnnounceSuspension", "EndOperation", "Ended", "Suspended"}) {
				t.Errorf("path: %v", path)
			}
			if s := r.instance(id).Suspension; s.Reason != fleet.ForPayment || s.Note != "three bills open" || s.By != "operator:token" || s.Since.IsZero() {
				t.Errorf("suspension: %+v", s)
			}
			if status, body := r.visit(sampleHost); status != 503 || !strings.Contains(body, "<strong>"+sampleHost+"</strong>") || strings.Contains(body, "Acme") {
				t.Errorf("a visitor is shown %d: %s", status, body)
			}
			if err := projects.RestHealth(r.ctx, ref, keys.Anonymous); !fault.Is(err, fault.Rejected) {
				t.Errorf("the API answers: %v", err)
			}
			if status, _ := r.visit("neighbour.gimbal.app"); status != 200 {
				t.Errorf("the neighbour's visitors are shown %d", status)
			}
			o = r.resume(id)
			r.settle()
			r.wantSwitched(id, fleet.Active)
			path = r.path("resume", o.Execution)
			if tail := path[len(path)-6:]; !slices.Equal(tail, []string{"VerifyHealth", "MarkResumed", "AnnounceResumption", "EndOperation", "Ended", "Resumed"}) {
				t.Errorf("path: %v", path)
			}
			if status, body := r.visit(sampleHost); status != 200 || strings.Contains(body, "suspended") {
				t.Errorf("a visitor is shown %d: %s", status, body)
			}
			if err := projects.RestHealth(r.ctx, ref, keys.Anonymous); err != nil {
				t.Errorf("the API: %v", err)
			}
			r.wantStates(before)
			r.wantMails(mails + 2*(round+1))
		}
		sent := r.w.Vendors.SendGrid.Sent()[mails:]
		if !strings.Contains(sent[0].Subject, "a payment is missing") || !strings.Contains(sent[1].Subject, "is up again") {
			t.Errorf("mails: %q, %q", sent[0].Subject, sent[1].Subject)
		}
		for _, action := range []string{"instance.suspended", "instance.resumed", "suspend.begun", "resume.begun"} {
			if n := r.tells(id, action); n != 2 {
				t.Errorf("%s was audited %d times", action, n)
			}
		}
		entries, _, err := r.w.Store.Audit(r.ctx, id)
		for _, e := range entries {
			if strings.Contains(fmt.Sprint(e), "bills") {
				t.Errorf("the audit tells the note: %+v", e)
			}
		}
		r.wantNoIncident(id)
		if err != nil {
			t.Error(err)
		}
	})
}

// TestVisitorsNeverSeeVercelsError looks at the host every second of a suspension and a resumption.
func TestVisitorsNeverSeeVercelsError(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		id := r.live()
		watched := func(begin func(string) view.Operation) (seen []int) {
			begin(id)
			for running := true; running; {
				running = r.instance(id).Operation != "" // and once more when it has ended
				status, body := r.visit(sampleHost)
				if status == 503 && !strings.Contains(body, "This service is suspended") {
					t.Errorf("a visitor is shown %s", body)
				}
				if seen = append(seen, status); len(seen) > 600 {
					t.Fatal("it never ends")
				}
				time.Sleep(time.Second)
			}
			return slices.Compact(seen)
		}
		if seen := watched(r.suspend); !slices.Equal(seen, []int{200, 503}) {
			t.Errorf("while it is suspended: %v", seen)
		}
		if seen := watched(r.resume); !slices.Equal(seen, []int{503, 200}) {
			t.Errorf("while it is resumed: %v", seen)
		}
		r.settle()
		r.wantSwitched(id, fleet.Active)
	})
}

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

// TestSuspendRefuses: what doesn't allow it says why.
func TestSuspendRefuses(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		id := r.signup("msg_1", "acme-dental")
		r.refused(http.StatusNotFound, "POST", "/instances/"+id+"/suspend", forPayment, "no such instance")
		r.approve(id)
		time.Sleep(10 * time.Second)
		r.refused(http.StatusConflict, "POST", "/instances/"+id+"/suspend", forPayment, "op-"+id+" runs")
		r.settle()
		at := "/instances/" + id
		for body, says := range map[string]string{`{}`: "payment or violation", `{"reason":"decommission"}`: "payment or violation",
			`{"reason":"payment","note":"two\nlines"}`: "one line", `{"reason":"payment","note":"` + strings.Repeat("x", 301) + `"}`: "one line"} {
			r.refused(http.StatusUnprocessableEntity, "POST", at+"/suspend", body, says)
		}
		r.refused(http.StatusNotFound, "POST", "/instances/nobody/suspend", forPayment, "no such instance")
		r.refused(http.StatusConflict, "POST", at+"/resume", "", "the instance is ACTIVE")
		r.freeze("twilio")
		r.refused(http.StatusConflict, "POST", at+"/suspend", forPayment, "twilio is frozen")
		r.thaw("twilio")
		r.suspend(id)
		r.refused(http.StatusConflict, "POST", at+"/resend", `{"message":"welcome"}`, "runs")
		r.settle()
		r.refused(http.StatusConflict, "POST", at+"/suspend", forPayment, "the instance is SUSPENDED")
		r.refused(http.StatusConflict, "POST", at+"/resend", `{"message":"welcome"}`, "SUSPENDED")
		o := r.run(id, r.operations(id, fleet.Suspend)[0])
		if sent := r.resend(id, o.Announcement()); sent.Message.Status != fleet.MessageSent {
			t.Errorf("once more: %+v", sent)
		}
		r.wantSwitched(id, fleet.Suspended)
		r.wantNoIncident(id)
	})
}

// TestCancelSuspension cancels at many moments of a suspension, several times at once: it is undone once, or was done before.
func TestCancelSuspension(t *testing.T) {
	t.Parallel()
	for moment := 0; moment < 8; moment++ {
		t.Run(fmt.Sprint(moment), func(t *testing.T) {
			t.Parallel()
			inBubble(t, nil, func(r *rig) {
				id := r.live()
				before := r.vendorStates()
				o := r.suspend(id)
				time.Sleep(time.Duration(moment) * 300 * time.Millisecond)
				var all sync.WaitGroup
				for range 3 {
					all.Go(func() { _, _, _ = ask[view.Operation](r, "POST", "/instances/"+id+"/cancel", "") })
				}
				all.Wait()
				r.settle()
				now := r.run(id, o.Operation)
				if now.Outcome == fleet.Succeeded {
					r.wantSwitched(id, fleet.Suspended)
					r.refused(http.StatusConflict, "POST", "/instances/"+id+"/cancel", "", "the instance is SUSPENDED")
					return
				}
				r.wantSwitched(id, fleet.Active)
				r.wantStates(before)
				r.wantNoIncident(id)
				if now.Outcome != fleet.Undone || now.Failure != fleet.Cancelled || now.N != 1 {
					t.Errorf("%+v", now)
				}
			})
		})
	}
}

// operations are the ids of an instance's operations of a kind.
func (r *rig) operations(id string, kind fleet.OperationKind) (ids []string) {
	r.t.Helper()
	all, err := r.w.Store.Operations(r.ctx, id)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, o := range all {
		if o.Kind == kind {
			ids = append(ids, o.ID)
		}
	}
	return ids
}

// TestSuspendTwiceAtOnce: asked several times at once it begins once, and every invocation of every step may be made twice.
func TestSuspendTwiceAtOnce(t *testing.T) {
	t.Parallel()
	inBubble(t, func(o *world.Options) {
		o.Hooks.Twice = func(string, int) bool { return true }
	}, func(r *rig) {
		id := r.live()
		for _, w := range []struct {
			path  string
			state fleet.State
		}{{"suspend", fleet.Suspended}, {"resume", fleet.Active}} {
			var all sync.WaitGroup
			told := make([]view.Operation, 3)
			for i := range told {
				all.Go(func() { told[i], _, _ = ask[view.Operation](r, "POST", "/instances/"+id+"/"+w.path, forPayment) })
			}
			all.Wait()
			r.settle()
			r.wantSwitched(id, w.state)
			if told[0].Operation == "" || told[0].Operation != told[1].Operation || told[1].Operation != told[2].Operation {
				t.Errorf("told %+v", told)
			}
		}
		r.wantMails(5)
		if n := len(r.operations(id, fleet.Suspend)) + len(r.operations(id, fleet.Resume)); n != 2 {
			t.Errorf("%d operations", n)
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

// TestSuspendDiesAnywhere lets an invocation die once before, or after, each commit and call of a suspension, of a resumption and of one
// that is undone: every run ends with all switches one way.
func TestSuspendDiesAnywhere(t *testing.T) {
	t.Parallel()
	for _, script := range []string{"", "twilio.UpdateAccount=403@1"} {
		points := suspensionPoints(t, script)
		if len(points) < 60 {
			t.Fatalf("%d points are too few", len(points))
		}
		for i, point := range points {
			if !tried(i, 7) {
				continue
			}
			t.Run(fmt.Sprintf("%q/%+v", script, point), func(t *testing.T) {
				t.Parallel()
				up := false
				inBubble(t, func(o *world.Options) {
					faults(t, script)(o)
					o.Hooks.Dies = func(p world.Point) bool { return up && p == point }
				}, func(r *rig) {
					id := r.live()
					before := r.vendorStates()
					up = true
					wanted := map[string]fleet.State{"suspend": fleet.Suspended, "resume": fleet.Active}
					if script != "" {
						wanted = map[string]fleet.State{"suspend": fleet.Active}
					}
					for _, what := range slices.Backward(slices.Sorted(maps.Keys(wanted))) {
						for try := 0; try < 3; try++ {
							if status, _ := r.do("POST", "/instances/"+id+"/"+what, forPayment, operator); status == http.StatusAccepted {
								break
							}
						}
						r.settle()
						for range 4 {
							time.Sleep(time.Minute)
							r.invoke("reconcile")
							r.settle()
						}
						if o := r.run(id, r.operations(id, fleet.OperationKind(what))[0]); script != "" && o.Outcome == fleet.Succeeded {
							r.wantSwitched(id, fleet.Suspended) // who was refused died, and nobody learned of it
							return
						}
						r.wantSwitched(id, wanted[what])
					}
					if r.wantStates(before); script != "" {
						r.wantOpen(id, "Undone")
					}
				})
			})
		}
	}
}

// suspensionPoints are those of a suspension, and of a resumption where none fails.
func suspensionPoints(t *testing.T, script string) (points []world.Point) {
	t.Helper()
	var mu sync.Mutex
	up := false
	inBubble(t, func(o *world.Options) {
		faults(t, script)(o)
		o.Hooks.Dies = func(p world.Point) bool {
			mu.Lock()
			defer mu.Unlock()
			if up && p.Function != "reconcile" {
				points = append(points, p)
			}
			return false
		}
	}, func(r *rig) {
		id := r.live()
		mu.Lock()
		up = true
		mu.Unlock()
		r.suspend(id)
		r.settle()
		if script == "" {
			r.resume(id)
			r.settle()
		}
	})
	return points
}

// TestSuspendedIsTakenDown: what a termination needs of a suspended instance is reached, and everything of it is removed.
func TestSuspendedIsTakenDown(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		id := r.live()
		o := r.suspend(id)
		r.settle()
		r.wantSwitched(id, fleet.Suspended)
		in := r.run(id, o.Operation).Input()
		err := r.w.Store.Update(r.ctx, id, func(tx *store.Tx) error {
			now, err := tx.Operation(in.OperationID)
			if err != nil {
				return err
			}
			now.Progress.Deadline = tx.Now().Add(bounds.Teardown)
			return tx.PutOperation(now)
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, function := range []string{"remove-dns", "remove-frontend", "remove-email-account", "remove-sms-account", "remove-project"} {
			r.step(function, in)
			r.step(function, in) // and once more
		}
		if held := r.w.Vendors.Inventory(); len(held) > 0 {
			t.Errorf("left at vendors: %+v", held)
		}
		entries, err := r.w.Store.Resources(r.ctx, id)
		for _, e := range entries {
			if !e.Gone() {
				t.Errorf("the ledger calls %s %s, %v", e.Kind, e.Status, err)
			}
		}
	})
}
