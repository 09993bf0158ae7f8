package step_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/store/chaos"
	"github.com/project-gimbal/fleet/internal/store/table"
)

const messageID = "invitation"

// send invokes Send once. What was delivered is an item at the vendor.
func (r *rig) send(l life) error {
	r.t.Helper()
	i, err := r.tryBegin(l)
	if err != nil {
		return err
	}
	return r.sendBy(i)
}

func (r *rig) sendBy(i invocation) error {
	return i.Send(i.ctx, step.Message{ID: messageID, Recipient: "admin", Deliver: func(ctx context.Context, _ string) (string, error) {
		made, err := i.resource.Create(ctx, ourName)
		return made.ID, err
	}})
}

func (r *rig) message() fleet.Message {
	r.t.Helper()
	messages, err := r.store.Messages(r.ctx, instanceID)
	if err != nil || len(messages) > 1 {
		r.t.Fatalf("messages: %+v, %v", messages, err)
	}
	if len(messages) == 0 {
		return fleet.Message{}
	}
	return messages[0]
}

// wantMessage judges the message, and that it has an incident if, and only if, a person has to see it.
func (r *rig) wantMessage(status fleet.MessageStatus, code fleet.IncidentKind) {
	r.t.Helper()
	if m := r.message(); m.Status != status || (m.Attempt != nil) != (status == fleet.MessageSending) {
		r.t.Errorf("the message is %+v, want it %s", m, status)
	}
	incidents, err := r.store.Incidents(r.ctx, instanceID)
	if err != nil {
		r.t.Fatal(err)
	}
	switch {
	case code == "" && len(incidents) > 0:
		r.t.Errorf("incidents: %+v", incidents)
	case code != "" && (len(incidents) != 1 || incidents[0].Code != code || incidents[0].Reason == "" || incidents[0].NextAction == ""):
		r.t.Errorf("incidents: %+v, want one of code %s", incidents, code)
	}
}

func TestSendOnce(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.wantCode(r.send(life{}), "")
		r.wantCode(r.send(life{}), "")
		r.wantMessage(fleet.MessageSent, "")
		if m := r.message(); m.VendorID != "id-1" || m.Recipient != "admin" || m.SentAt.IsZero() {
			t.Errorf("the message is %+v", m)
		}
		r.wantSent("create", 1)
		if got := r.audited(); !slices.Equal(got, []string{"message.sent"}) {
			t.Errorf("audited: %v", got)
		}
	})
}

func TestFaultsOfSending(t *testing.T) {
	cases := map[string]struct {
		fate     fate
		code     fault.Code
		status   fleet.MessageStatus
		incident fleet.IncidentKind
		again    bool // whether it is sent again
	}{
		"429":          {throttled, fault.Throttled, fleet.MessageIntended, "", true},
		"refused":      {refused, fault.Unavailable, fleet.MessageIntended, "", true},
		"403":          {rejected, "", fleet.MessageFailed, "MessageFailed", false},
		"409":          {nameTaken, "", fleet.MessageFailed, "MessageFailed", false},
		"500":          {failed, "", fleet.MessageUnknown, "MessageUnknown", false},
		"502 after":    {failedAfter, "", fleet.MessageUnknown, "MessageUnknown", false},
		"answer lost":  {lost, "", fleet.MessageUnknown, "MessageUnknown", false},
		"request lost": {vanished, "", fleet.MessageUnknown, "MessageUnknown", false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.vendor.next("create", c.fate)
				r.wantCode(r.send(life{}), c.code)
				r.wantMessage(c.status, c.incident)
				r.wantCode(r.send(life{}), "")
				if c.again {
					r.wantMessage(fleet.MessageSent, "")
					r.wantSent("create", 2)
				} else {
					r.wantMessage(c.status, c.incident)
					r.wantSent("create", 1)
					if got := r.audited(); !slices.Equal(got, []string{"incident.opened", "message." + string(c.status)}) {
						t.Errorf("audited: %v", got)
					}
				}
			})
		})
	}
}

// TestComposingFails: what fails before anything was sent gives the message back, or fails it for good.
func TestComposingFails(t *testing.T) {
	for code, status := range map[fault.Code]fleet.MessageStatus{
		fault.Unavailable: fleet.MessageIntended, fault.NotReady: fleet.MessageIntended, fault.Internal: fleet.MessageFailed, fault.Rejected: fleet.MessageFailed,
	} {
		inBubble(t, func(r *rig) {
			i := r.begin(life{})
			err := i.Send(i.ctx, step.Message{ID: messageID, Deliver: func(context.Context, string) (string, error) {
				return "", step.Unsent(fault.New(code, "the link could not be made"))
			}})
			if (err != nil) != code.Transient() {
				t.Errorf("%s gave %v", code, err)
			}
			if m := r.message(); m.Status != status {
				t.Errorf("%s left %+v", code, m)
			}
		})
	}
}

// TestSendingOfAnother waits for what another invocation may still do, and then says that its outcome is unknown.
func TestSendingOfAnother(t *testing.T) {
	for _, wait := range []time.Duration{0, bounds.Lambda, bounds.Lambda + landed, bounds.Lambda + landed + 1, time.Minute * 10} {
		t.Run(wait.String(), func(t *testing.T) {
			inBubble(t, func(r *rig) {
				i := r.begin(life{})
				r.vendor.next("create", fate{During: i.port.die})
				_ = r.sendBy(i) // it died while sending
				r.wantMessage(fleet.MessageSending, "")
				time.Sleep(wait)
				err := r.send(life{})
				r.wantSent("create", 1)
				if wait <= bounds.Lambda+landed {
					r.wantCode(err, fault.NotReady)
					r.wantMessage(fleet.MessageSending, "")
				} else {
					r.wantCode(err, "")
					r.wantMessage(fleet.MessageUnknown, "MessageUnknown")
				}
			})
		})
	}
}

// TestUnknownAndItsIncidentAreOneWrite: no write holds the one without the other.
func TestUnknownAndItsIncidentAreOneWrite(t *testing.T) {
	for status, f := range map[fleet.MessageStatus]fate{fleet.MessageUnknown: lost, fleet.MessageFailed: rejected} {
		inBubble(t, func(r *rig) {
			writes := 0
			r.chaos.Script(chaos.Fault{Kind: chaos.Lost, Match: func(ws []table.Write) bool {
				message := holds(ws, "message#", `"status":"`+string(status)+`"`)
				if incident := holds(ws, "incident#", ""); message != incident {
					t.Errorf("one write holds %s: %t, and its incident: %t", status, message, incident)
				}
				if message {
					writes++
				}
				return message
			}})
			r.vendor.next("create", f)
			r.wantCode(r.send(life{}), "")
			if writes != 1 {
				t.Errorf("%d such writes", writes)
			}
			if m := r.message(); m.Status != status {
				t.Errorf("the message is %+v", m)
			}
		})
	}
}

func TestSendOnlyUnderItsEpoch(t *testing.T) {
	inBubble(t, func(r *rig) {
		i := r.begin(life{})
		r.takeOver()
		r.wantCode(r.sendBy(i), fault.StaleEpoch)
		r.wantSent("create", 0)
		if m := r.message(); m.Status != "" {
			t.Errorf("the message is %+v", m)
		}
	})
	inBubble(t, func(r *rig) {
		r.vendor.next("create", fate{During: r.takeOver})
		r.wantCode(r.send(life{}), fault.StaleEpoch)
		r.wantMessage(fleet.MessageSending, "") // the run that took over finds it unknown
		time.Sleep(bounds.Lambda + landed + 1)
		r.wantCode(r.send(life{epoch: 2}), "")
		r.wantMessage(fleet.MessageUnknown, "MessageUnknown")
		r.wantSent("create", 1)
	})
}

// TestConcludesOnlyItsOwnAttempt: what another attempt found unknown stays so, although this one knows better.
func TestConcludesOnlyItsOwnAttempt(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.vendor.next("create", fate{During: func() {
			m := r.message()
			r.update(func(tx *store.Tx) error {
				if _, err := tx.Message(m.ID); err != nil {
					return err
				}
				m.Attempt.Nonce = "another"
				return tx.PutMessage(&m)
			})
		}})
		r.wantCode(r.send(life{}), "")
		r.wantMessage(fleet.MessageSending, "")
	})
}

func TestSendRefuses(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.wantCode(r.send(life{limit: bounds.Call + 2*time.Second - 1}), fault.NotReady)
		r.wantSent("create", 0)
		if m := r.message(); m.Status != "" {
			t.Errorf("the message is %+v", m)
		}
		time.Sleep(bounds.Provision + 1)
		r.wantCode(r.send(life{}), fault.Overdue)
		r.wantSent("create", 0)
	})
}

// TestSendAtMostOnce lets an invocation die before and after each of its calls, with another one beside it from each moment
// on, lost answers of the store, and a third one in the end: at most one message, and none only with an incident.
func TestSendAtMostOnce(t *testing.T) {
	for _, beside := range []time.Duration{-1, 0, bounds.Lambda + bounds.Quiet, bounds.Lambda + landed + 1} {
		t.Run(fmt.Sprint("beside it ", beside), func(t *testing.T) {
			t.Parallel()
			sendsAtMostOnce(t, beside)
		})
	}
}

func sendsAtMostOnce(t *testing.T, beside time.Duration) {
	t.Helper()
	for _, f := range []fate{{Before: 2 * time.Second, After: 2 * time.Second}, throttled, refused, failed, late(bounds.Quiet)} {
		for _, kind := range []chaos.Kind{"", chaos.Lost, chaos.Vanished, chaos.Late} {
			if f.Before == 0 && kind != "" {
				continue // the store and the vendor need not go wrong in every combination
			}
			reached := true
			for at := 1; reached; at++ {
				for _, after := range []bool{false, true} {
					inBubble(t, func(r *rig) {
						reached = r.sendDying(life{diesAt: at, after: after}, beside, f, kind)
					})
				}
			}
		}
	}
}

func (r *rig) sendDying(l life, beside time.Duration, f fate, kind chaos.Kind) (died bool) {
	i, err := r.tryBegin(l)
	if err != nil {
		return true // it died in Begin
	}
	if kind != "" {
		at := fleet.MessageSending
		if l.after {
			at = fleet.MessageSent
		}
		r.chaos.Script(chaos.Fault{Kind: kind, After: 2 * time.Minute, Match: func(ws []table.Write) bool {
			return holds(ws, "message#", `"status":"`+string(at)+`"`)
		}})
	}
	r.vendor.next("create", f)
	done := make(chan error, 1)
	if beside < 0 {
		done <- nil
	} else {
		go func() {
			time.Sleep(beside)
			done <- r.send(life{})
		}()
	}
	_ = r.sendBy(i) // whatever it says, it is dead
	died = i.port.dead()
	if err := <-done; err != nil && !fault.CodeOf(err).Transient() {
		r.t.Errorf("the one beside it failed: %v", err)
	}
	for err = errDead; err != nil; {
		if err = r.send(life{}); err != nil && !fault.CodeOf(err).Transient() {
			r.t.Fatalf("the last one failed: %v", err)
		}
		time.Sleep(5 * time.Second)
	}
	r.vendor.late.Wait()
	r.chaos.Drain()
	m := r.message()
	incidents, err := r.store.Incidents(r.ctx, instanceID)
	delivered := len(r.vendor.live())
	if err != nil || delivered > 1 || !m.Done() || m.Status == fleet.MessageSent && delivered != 1 ||
		(len(incidents) == 1) != (m.Status != fleet.MessageSent) {
		r.t.Errorf("dies %+v, beside it %s later, %+v, store %q: delivered %d times, message %+v, incidents %+v, %v", l, beside, f, kind, delivered, m, incidents, err)
	}
	return died
}
