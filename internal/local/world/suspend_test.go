package world_test

import (
	"context"
	"fmt"
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
	"github.com/project-gimbal/fleet/internal/provider/supabase"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/view"
)

// TestSuspendAndResume: a suspended instance is off in every way, its visitors see our page, and a resumed one is what it was, exactly;
// its neighbour never learns of it. Both ways, twice.
func TestSuspendAndResume(t *testing.T) {
	t.Parallel()
	var direct http.RoundTripper
	var once sync.Once
	underContract(t, func(o *world.Options) {
		wrap := o.Hooks.Transport
		o.Hooks.Transport = func(next http.RoundTripper) http.RoundTripper {
			once.Do(func() { direct = next })
			if wrap != nil {
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

// TestRechecksWaitForTheResumption: what is in a suspended account or a disabled subuser can't be looked at, and isn't.
func TestRechecksWaitForTheResumption(t *testing.T) {
	t.Parallel()
	inBubble(t, faults(t, "sendgrid.CreateKey=lost,twilio.CreateService=lost"), func(r *rig) {
		id := r.live()
		if due := r.ledger(id, fleet.SendGridKey); due.RecheckAt.IsZero() {
			t.Fatalf("nothing is to be looked for again: %+v", due)
		}
		r.suspend(id)
		r.settle()
		for range 3 {
			time.Sleep(bounds.RecheckSoon + 2*bounds.Margin)
			r.invoke("recheck")
			r.settle()
		}
		for _, kind := range []fleet.Kind{fleet.SendGridKey, fleet.TwilioService} {
			if e := r.ledger(id, kind); e.RecheckFailures != 0 || e.RecheckAt.IsZero() || e.Rechecks != 1 {
				t.Errorf("%+v", e)
			}
		}
		r.resume(id)
		r.settle()
		r.invoke("recheck")
		for _, kind := range []fleet.Kind{fleet.SendGridKey, fleet.TwilioService} {
			if e := r.ledger(id, kind); e.RecheckFailures != 0 || e.Rechecks != 0 {
				t.Errorf("%+v", e)
			}
		}
		r.wantNoIncident(id)
		r.wantSwitched(id, fleet.Active)
	})
}
