package world_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store/table"
	"github.com/project-gimbal/fleet/internal/view"
)

func (r *rig) resend(id, message string) view.Operation {
	r.t.Helper()
	return act[view.Operation](r, http.StatusAccepted, "/instances/"+id+"/resend", `{"message":"`+message+`"}`)
}

// TestResend: each message is sent once more by each request, as a new one that tells which it repeats, under an operation of its own.
func TestResend(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		id := r.provision()
		for n, message := range fleet.NewInstanceMessages() {
			answer := r.resend(id, message)
			m := answer.Message
			if m == nil || m.Status != fleet.MessageSent || m.Repeats != message || fleet.OriginalMessage(m.ID) != message || m.ID == message || m.VendorID == "" || m.Recipient == "" {
				t.Errorf("answer: %+v, %+v", answer, m)
			}
			r.wantMails(4 + n)
		}
		sent := r.w.Vendors.SendGrid.Sent()
		for n := range 3 {
			if before, after := sent[n], sent[n+3]; before.Subject != after.Subject || before.To != after.To {
				t.Errorf("the mail is another: %+v, %+v", before, after)
			}
		}
		shown := get[view.Instance](r, "/instances/"+id)
		if len(shown.Messages) != 6 || len(shown.Operations) != 4 || shown.State != fleet.Active {
			t.Errorf("%d messages, %d operations, %s", len(shown.Messages), len(shown.Operations), shown.State)
		}
		for _, o := range shown.Operations {
			if o.Outcome != fleet.Succeeded {
				t.Errorf("operation %s ended as %q", o.ID, o.Outcome)
			}
		}
		again := r.resend(id, shown.Messages[len(shown.Messages)-1].ID) // of a repetition
		if again.Message.Repeats != shown.Messages[len(shown.Messages)-1].ID || strings.Count(again.Message.ID, "resend") != 1 {
			t.Errorf("answer: %+v", again.Message)
		}
		if n := r.audited(id, "resend.begun"); n != 4 {
			t.Errorf("audited %d times", n)
		}
		r.wantActive(id)
	})
}

// TestResendClosesTheIncident: a message that may not have been sent has an incident until one that repeats it is surely sent; one
// that is not keeps it open, and opens its own.
func TestResendClosesTheIncident(t *testing.T) {
	t.Parallel()
	inBubble(t, faults(t, "sendgrid.SendMail=lost@1,sendgrid.SendMail=429@4,sendgrid.SendMail=403@5,sendgrid.SendMail=500-after@6"), func(r *rig) {
		id := r.provision()
		r.wantOpen(id, "MessageUnknown")
		_, problem, status := ask[any](r, "POST", "/instances/"+id+"/resend", `{"message":"invitation"}`)
		if status != http.StatusFailedDependency || !strings.Contains(problem.Detail, "was not sent") {
			t.Errorf("throttled: %d %+v", status, problem)
		}
		r.wantOpen(id, "MessageNotSent", "MessageUnknown")
		if m := r.resend(id, "invitation").Message; m.Status != fleet.MessageFailed {
			t.Errorf("refused: %+v", m)
		}
		if m := r.resend(id, "invitation").Message; m.Status != fleet.MessageUnknown {
			t.Errorf("unsure: %+v", m)
		}
		r.wantOpen(id, "MessageFailed", "MessageNotSent", "MessageUnknown", "MessageUnknown")
		if m := r.resend(id, "invitation").Message; m.Status != fleet.MessageSent {
			t.Errorf("sent: %+v", m)
		}
		r.wantOpen(id)
		r.wantActive(id)
	})
}

func TestResendRefuses(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		id := r.signup("msg_1", "acme-dental")
		r.refused(http.StatusNotFound, "POST", "/instances/"+id+"/resend", `{"message":"welcome"}`, "no such instance")
		r.approve(id)
		time.Sleep(time.Minute)
		r.refused(http.StatusNotFound, "POST", "/instances/"+id+"/resend", `{"message":"welcome"}`, "no such message")
		r.settle()
		r.refused(http.StatusNotFound, "POST", "/instances/"+id+"/resend", `{"message":"farewell"}`, "no such message")
		r.freeze("supabase") // only the invitation's link comes from there
		r.refused(http.StatusConflict, "POST", "/instances/"+id+"/resend", `{"message":"invitation"}`, "supabase is frozen")
		r.resend(id, "welcome")
		r.freeze("sendgrid")
		r.refused(http.StatusConflict, "POST", "/instances/"+id+"/resend", `{"message":"welcome"}`, "sendgrid is frozen")
		r.wantMails(4)
	})
}

// endless is a table that doesn't take the end of a resend.
type endless struct{ table.Table }

func (e endless) Write(ctx context.Context, writes []table.Write) error {
	if slices.ContainsFunc(writes, func(w table.Write) bool {
		return strings.HasPrefix(w.Item.Sort, "audit#resend-") && strings.HasSuffix(w.Item.Sort, "/ended")
	}) {
		return errors.New("no answer")
	}
	return e.Table.Write(ctx, writes)
}

// TestResendThatCannotEnd: who is told that a message that was sent was not sends it again.
func TestResendThatCannotEnd(t *testing.T) {
	t.Parallel()
	inBubble(t, func(o *world.Options) {
		o.Hooks.Table = func(function string, inner table.Table) table.Table {
			if function == "resend" {
				return endless{inner}
			}
			return inner
		}
	}, func(r *rig) {
		id := r.provision()
		if m := r.resend(id, "welcome").Message; m == nil || m.Status != fleet.MessageSent {
			t.Errorf("answer: %+v", m)
		}
		time.Sleep(bounds.Lambda + bounds.Quiet + bounds.Margin + 2*bounds.Skew)
		r.invoke("reconcile")
		r.wantActive(id)
		r.wantMails(4)
		r.wantOpen(id)
	})
}

// TestResendWhileSomethingRuns: two requests at once send one message each, one after the other, or the later one is told to wait.
func TestResendWhileSomethingRuns(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		id := r.provision()
		answers := make(chan int)
		for range 5 {
			go func() {
				_, _, status := ask[view.Operation](r, "POST", "/instances/"+id+"/resend", `{"message":"welcome"}`)
				answers <- status
			}()
		}
		sent := 0
		for range 5 {
			switch status := <-answers; status {
			case http.StatusAccepted:
				sent++
			case http.StatusConflict:
			default:
				t.Errorf("answered %d", status)
			}
		}
		if sent == 0 || sent == 5 {
			t.Errorf("%d of 5 at once were let through", sent)
		}
		r.wantMails(3 + sent)
		r.wantActive(id)
	})
}

// TestResendDies lets a resend die before and after each of its commits and calls. Nothing sends it again; reconcile gives the lease
// back, and what was not surely sent is an incident.
func TestResendDies(t *testing.T) {
	t.Parallel()
	for _, message := range []string{"invitation", "welcome"} {
		points := resendPoints(t, message)
		if len(points) < 8 {
			t.Fatalf("%d points are too few", len(points))
		}
		for i, point := range points {
			if !tried(i, 2) {
				continue
			}
			t.Run(fmt.Sprintf("%s %+v", message, point), func(t *testing.T) {
				t.Parallel()
				inBubble(t, func(o *world.Options) {
					o.Hooks.Dies = func(p world.Point) bool { return p == point }
				}, func(r *rig) { r.resendDies(message, point) })
			})
		}
	}
}

func resendPoints(t *testing.T, message string) (points []world.Point) {
	inBubble(t, func(o *world.Options) {
		o.Hooks.Dies = func(p world.Point) bool {
			if p.Function == "resend" {
				points = append(points, p)
			}
			return false
		}
	}, func(r *rig) { r.resend(r.provision(), message) })
	return points
}

func (r *rig) resendDies(message string, point world.Point) {
	id := r.provision()
	if code, _ := r.do("POST", "/instances/"+id+"/resend", `{"message":"`+message+`"}`, operator); code != http.StatusInternalServerError {
		r.t.Errorf("it did not die: %d", code)
	}
	mails := len(r.w.Vendors.SendGrid.Sent())
	r.invoke("reconcile")
	if i := r.instance(id); i.Operation != "" { // what it sent may land yet: nobody else may begin
		r.refused(http.StatusConflict, "POST", "/instances/"+id+"/resend", `{"message":"`+message+`"}`, "try again when it has ended")
	}
	time.Sleep(bounds.Lambda + bounds.Quiet + bounds.Margin + 2*bounds.Skew)
	r.invoke("reconcile")
	r.settle()
	r.wantActive(id)
	r.wantMails(mails)
	messages, err := r.w.Store.Messages(r.ctx, id)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, m := range messages {
		if !m.Done() {
			r.t.Errorf("a message is left: %+v", m)
		}
		if m.Repeats != "" && m.Status != fleet.MessageSent {
			if m.Status == fleet.MessageFailed && mails > 3 {
				r.t.Errorf("it was sent, and %+v", m)
			}
			i, err := r.w.Store.Incident(r.ctx, id, fleet.MessageIncident(m.ID))
			if err != nil || i == nil || !i.ClosedAt.IsZero() {
				r.t.Errorf("message %+v has incident %+v, %v", m, i, err)
			}
		}
	}
	if m := r.resend(id, message).Message; m.Status != fleet.MessageSent {
		r.t.Errorf("the next one: %+v", m)
	}
	r.wantOpen(id)
}

// wantOpen judges of which kinds an instance's open incidents are, sorted.
func (r *rig) wantOpen(id string, kinds ...string) {
	r.t.Helper()
	shown := get[view.Instance](r, "/instances/"+id)
	open := []string{}
	for _, i := range shown.History {
		if i.ClosedAt.IsZero() {
			open = append(open, string(i.Code))
		}
	}
	if !sameSorted(open, kinds) || shown.Incidents != len(kinds) {
		r.t.Errorf("open are %q, counted %d, want %q", open, shown.Incidents, kinds)
	}
}
