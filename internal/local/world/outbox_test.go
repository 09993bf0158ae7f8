package world_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/view"
)

func (r *rig) reject(id string) {
	r.t.Helper()
	for range 3 { // as a sender that is not answered sends it again
		if code, _ := r.do("POST", "/signups/"+id+"/reject", `{"reason":"because"}`, operator); code == http.StatusAccepted {
			return
		}
	}
	r.t.Fatal("the rejection was never answered")
}

// message reads a message of the outbox; none is one of no status.
func (r *rig) message(id, message string) fleet.Message {
	r.t.Helper()
	m, err := r.w.Store.Message(r.ctx, id, message)
	if err != nil {
		r.t.Fatal(err)
	}
	if m == nil {
		return fleet.Message{}
	}
	return *m
}

// ticks lets the outbox be delivered once a minute.
func (r *rig) ticks(n int) {
	r.t.Helper()
	for range n {
		_, _ = r.w.Invoke(r.ctx, "deliver", []byte("{}")) // one that fails, or dies, is followed by the next
		time.Sleep(time.Minute)
	}
	r.settle()
}

// again invokes a function as its schedule does, whatever becomes of one invocation.
func (r *rig) again(function string, times int) {
	for range times {
		_, _ = r.w.Invoke(r.ctx, function, []byte("{}"))
	}
}

// TestDecisionDies lets the invocation die before and after each commit and each sending of a signup's way from its webhook to its
// end: it is decided once, and each mail is sent at most once, and not at all only with an incident.
func TestDecisionDies(t *testing.T) {
	t.Parallel()
	for name, way := range map[string]struct {
		play  func(r *rig, id string)
		end   fleet.SignupStatus
		by    string
		mails []string
	}{
		"rejected": {func(r *rig, id string) { r.ticks(4); r.reject(id); r.ticks(4) }, fleet.Rejected, "operator:token",
			[]string{fleet.DecisionWanted, fleet.SignupRejected}},
		"rejected by link": {func(r *rig, id string) {
			r.ticks(4)
			if mails := r.mailed(id, fleet.DecisionWanted); len(mails) == 0 { // it died before it was sent
				r.reject(id)
			} else {
				path := linkPattern.FindStringSubmatch(mails[0].Text)[1]
				for range 3 { // as a person does who sees an error
					q := httptest.NewRequestWithContext(r.ctx, "POST", path, strings.NewReader(rejection.Encode()))
					r.w.Front().ServeHTTP(httptest.NewRecorder(), q)
				}
			}
			r.ticks(4)
		}, fleet.Rejected, "", []string{fleet.DecisionWanted, fleet.SignupRejected}},
		"expired": {func(r *rig, _ string) {
			r.ticks(4)
			time.Sleep(bounds.Decide)
			r.again("expire-signups", 2)
			r.ticks(4)
		}, fleet.Expired, "fleet:expiry", []string{fleet.DecisionWanted, fleet.SignupExpired}},
		"approved by itself": {func(r *rig, _ string) {
			r.freeze("supabase") // what follows the approval dies elsewhere
			r.again("auto-approve", 2)
			r.ticks(4)
		}, fleet.Approved, "fleet:auto-approval", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			auto := func(o *world.Options) {
				if way.end == fleet.Approved {
					o.AutoApprove = []string{"flat"}
				}
			}
			var mu sync.Mutex
			var points []world.Point
			inBubble(t, func(o *world.Options) {
				auto(o)
				o.Hooks.Dies = func(p world.Point) bool {
					mu.Lock()
					defer mu.Unlock()
					if p.Function != "freeze" {
						points = append(points, p)
					}
					return false
				}
			}, func(r *rig) { way.play(r, r.signupUntilAnswered()) })
			if len(points) < 4+4*len(way.mails) {
				t.Fatalf("%d points are too few", len(points))
			}
			for i, point := range points {
				if !tried(i, 2) {
					continue
				}
				t.Run(fmt.Sprintf("%+v", point), func(t *testing.T) {
					inBubble(t, func(o *world.Options) {
						auto(o)
						o.Hooks.Dies = func(p world.Point) bool { return p == point }
					}, func(r *rig) {
						id := r.signupUntilAnswered()
						way.play(r, id)
						r.wantDecided(id, way.end, way.by, way.mails)
					})
				})
			}
		})
	}
}

// wantDecided judges a signup that somebody, or any operator, decided on once, and that its mails were sent, or that people know.
func (r *rig) wantDecided(id string, status fleet.SignupStatus, by string, mails []string) {
	r.t.Helper()
	if s, err := r.w.Store.Signup(r.ctx, id); err != nil || s.Status != status || by != "" && s.DecidedBy != by || s.DecidedBy == "" {
		r.t.Errorf("signup: %+v, %v", s, err)
	}
	if n := r.tells(id, "signup.decided"); n != 1 {
		r.t.Errorf("decided %d times", n)
	}
	r.wantFree("acme-dental", status != fleet.Approved)
	r.wantAuditWhole(id)
	var incidents []string
	for _, name := range mails {
		m, sent := r.message(id, name), len(r.mailed(id, name))
		switch {
		case m.Status == fleet.MessageSent && sent == 1:
		case m.Status == fleet.MessageUnknown && sent <= 1:
			incidents = append(incidents, "MessageUnknown")
		default:
			r.t.Errorf("%s was sent %d times: %+v", name, sent, m)
		}
	}
	r.wantOpen(id, incidents...)
	if messages, err := r.w.Store.Messages(r.ctx, id); err != nil || len(messages) != len(mails) {
		r.t.Errorf("messages: %+v, %v", messages, err)
	}
}

// TestOutboxFaults: what the vendor says, or doesn't, decides whether a message is sent again, and whether a person is told.
func TestOutboxFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		script   string
		status   fleet.MessageStatus
		mails    int
		incident []string
	}{
		"none":            {"", fleet.MessageSent, 1, nil},
		"lost":            {"sendgrid.SendMail=lost@1", fleet.MessageUnknown, 1, []string{"MessageUnknown"}},
		"500 after":       {"sendgrid.SendMail=500-after@1", fleet.MessageUnknown, 1, []string{"MessageUnknown"}},
		"500 before":      {"sendgrid.SendMail=500-before@1", fleet.MessageUnknown, 0, []string{"MessageUnknown"}},
		"refused, 429":    {"sendgrid.SendMail=refused@1,sendgrid.SendMail=429@2", fleet.MessageSent, 1, nil},
		"403":             {"sendgrid.SendMail=403@1", fleet.MessageFailed, 0, []string{"MessageFailed"}},
		"refused all day": {"sendgrid.SendMail=refused@1+", fleet.MessageFailed, 0, []string{"MessageNotSent"}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, faults(t, c.script), func(r *rig) {
				id := r.signup("msg_1", "acme-dental")
				r.ticks(5)
				if c.mails > 0 || c.status != fleet.MessageFailed || name == "403" {
					if m := r.message(id, fleet.DecisionWanted); m.Status != c.status {
						t.Errorf("after five minutes: %+v", m)
					}
				} else if m := r.message(id, fleet.DecisionWanted); m.Status != fleet.MessageIntended || m.Attempt != nil {
					t.Errorf("after five minutes: %+v", m)
				}
				time.Sleep(bounds.Outbox)
				r.ticks(3)
				if m := r.message(id, fleet.DecisionWanted); m.Status != c.status || m.Recipient != "operator" {
					t.Errorf("in the end: %+v", m)
				}
				if n := len(r.mailed(id, fleet.DecisionWanted)); n != c.mails {
					t.Errorf("sent %d times, want %d", n, c.mails)
				}
				r.wantOpen(id, c.incident...)
				for _, i := range r.allIncidents(id) {
					if strings.Count(i.NextAction, "tell the recipient by hand") != 1 {
						t.Errorf("the advice is %q", i.NextAction)
					}
				}
				if left, err := r.w.Store.Outbox(r.ctx); err != nil || len(left) > 0 {
					t.Errorf("left in the outbox: %+v, %v", left, err)
				}
				r.approve(id) // nothing is held up by a message
				r.settle()
				r.wantActive(id)
			})
		})
	}
}

// TestOutboxOutlivesAFreeze: a message that waits for a thaw, or a vendor, for longer than messages are tried is sent after all, though
// the first attempts after that fail.
func TestOutboxOutlivesAFreeze(t *testing.T) {
	t.Parallel()
	inBubble(t, faults(t, "sendgrid.SendMail=refused@1-3"), func(r *rig) {
		r.freeze("fleet")
		id := r.signup("msg_1", "acme-dental")
		r.ticks(3)
		time.Sleep(bounds.Outbox + time.Hour)
		r.thaw("fleet")
		r.ticks(5)
		if m := r.message(id, fleet.DecisionWanted); m.Status != fleet.MessageSent {
			t.Errorf("%+v", m)
		}
		r.wantOpen(id)
	})
}

// TestOutboxTwiceAtOnce: deliveries that run at once send each message once.
func TestOutboxTwiceAtOnce(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		id := r.signup("msg_1", "acme-dental")
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() { _, _ = r.w.Invoke(r.ctx, "deliver", []byte("{}")) })
		}
		all.Wait()
		r.ticks(3)
		if m := r.message(id, fleet.DecisionWanted); m.Status != fleet.MessageSent || len(r.mailed(id, fleet.DecisionWanted)) != 1 {
			t.Errorf("%+v, sent %d times", m, len(r.mailed(id, fleet.DecisionWanted)))
		}
	})
}

// TestNobodyIsAskedForWhatIsDecided: a question that was not sent yet is withdrawn, and one that was is not sent once more by hand.
func TestNobodyIsAskedForWhatIsDecided(t *testing.T) {
	t.Parallel()
	inBubble(t, faults(t, "sendgrid.SendMail=refused@1"), func(r *rig) {
		id := r.signup("msg_1", "acme-dental")
		asked := r.signup("msg_2", "beta-dental")
		_, _ = r.w.Invoke(r.ctx, "deliver", []byte("{}")) // the first one's is given back
		r.approve(id)
		r.approve(asked)
		r.settle()
		r.ticks(2)
		if m := r.message(id, fleet.DecisionWanted); m.Status != "" || len(r.mailed(id, fleet.DecisionWanted)) > 0 {
			t.Errorf("%+v", m)
		}
		if n := len(r.mailed(asked, fleet.DecisionWanted)); n != 1 {
			t.Errorf("asked %d times", n)
		}
		code, answer := r.do("POST", "/instances/"+asked+"/resend", `{"message":"decision-wanted"}`, operator)
		r.want(http.StatusConflict, code, answer)
		if shown := get[view.Instance](r, "/instances/"+asked); len(shown.Messages) != 4 {
			t.Errorf("messages: %+v", shown.Messages)
		}
	})
}

// TestFrozenOutboxWaits: while SendGrid is frozen nothing is sent, and then it is.
func TestFrozenOutboxWaits(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		id := r.signup("msg_1", "acme-dental")
		r.freeze("sendgrid")
		r.ticks(2)
		if n := len(r.mailed(id, fleet.DecisionWanted)); n != 0 {
			t.Errorf("sent %d times while it is frozen", n)
		}
		r.thaw("sendgrid")
		r.ticks(1)
		if n := len(r.mailed(id, fleet.DecisionWanted)); n != 1 {
			t.Errorf("sent %d times", n)
		}
	})
}

// TestCancelledApplicantIsTold as one who is rejected.
func TestCancelledApplicantIsTold(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		id := r.signup("msg_1", "acme-dental")
		r.freeze("supabase")
		r.approve(id)
		r.cancel(id)
		r.ticks(2)
		if mails := r.mailed(id, fleet.SignupRejected); len(mails) != 1 || !strings.Contains(mails[0].Text, "cancelled") {
			t.Errorf("mails: %+v", mails)
		}
	})
}

// TestUntoldApplicantIsErased: what may not have been sent a person has to send, who needs the address; a month later it is erased.
func TestUntoldApplicantIsErased(t *testing.T) {
	t.Parallel()
	inBubble(t, faults(t, "sendgrid.SendMail=lost@1"), func(r *rig) {
		id := r.signup("msg_1", "acme-dental")
		r.reject(id)
		r.ticks(3)
		r.wantOpen(id, "MessageUnknown")
		time.Sleep(bounds.Applicant - 10*time.Minute)
		r.invoke("expire-signups")
		if s := r.wantSignup(id, fleet.Rejected, "operator:token"); len(s.Applicant) == 0 {
			t.Error("the applicant's data are gone too early")
		}
		time.Sleep(10 * time.Minute)
		for range 2 {
			r.invoke("expire-signups")
		}
		if s := r.wantSignup(id, fleet.Rejected, "operator:token"); len(s.Applicant) > 0 || r.tells(id, "signup.applicant_erased") != 1 {
			t.Error("the applicant's data are still there")
		}
		r.wantAuditWhole(id)
	})
}

// TestLinksStayInTheirMail: neither a link's token nor the applicant is in any log, or in the table, of signups that are decided by
// one, and by hand.
func TestLinksStayInTheirMail(t *testing.T) {
	t.Parallel()
	inSecret(t, func(o *world.Options) { o.Quotas = world.Quotas() }, func(s *secrets) {
		id := s.provision()
		link := s.mailedLink(id)
		s.search.Plant(link[strings.LastIndexByte(link, '.')+1:], "the link's signature", operatorMail)
		s.page("POST", link, approval)
		s.page("GET", link+"x", nil)
		other := s.signup("msg_2", "beta-dental")
		s.search.Plant(strings.TrimPrefix(s.link(other), "/decisions/"), "the other link", operatorMail)
		s.reject(other)
		s.ticks(2)
		s.gather(id)
		s.wantNone()
		if !s.search.Shown(logged, `"function":"show-decision"`) {
			t.Error("the page left no line in the log")
		}
	})
}
