package world_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store/chaos"
	"github.com/project-gimbal/fleet/internal/store/table"
)

// TestSiblingsLandAfterTheRollbackBegan lets one branch fail at once while its siblings' creates are in flight and land
// after the take-over.
func TestSiblingsLandAfterTheRollbackBegan(t *testing.T) {
	t.Parallel()
	const failing = "twilio.CreateAccount=403@1+"
	for _, late := range []string{"supabase.CreateProject=delayed:55s", "vercel.CreateProject=delayed:25s", "sendgrid.CreateSubuser=delayed:28s",
		"supabase.CreateProject=lost", "vercel.CreateProject=late:40s", "sendgrid.CreateSubuser=hang"} {
		t.Run(late, func(t *testing.T) {
			t.Parallel()
			inBubble(t, faults(t, failing+","+late), func(r *rig) {
				id := r.provision()
				r.wantClean(id)
				r.leaveQuarantine(id)
			})
		})
	}
}

// TestLambdaOutlivesItsTask starts an invocation so late that its Task has timed out and a second attempt is under way, or
// that its sibling has failed and the roll-back has begun.
func TestLambdaOutlivesItsTask(t *testing.T) {
	t.Parallel()
	for _, function := range []string{"create-project", "create-frontend", "create-email-account", "create-sms-account", "configure-dns"} {
		t.Run("timed out/"+function, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(o *world.Options) {
				o.Hooks.Late = func(f string, n int) time.Duration {
					if f == function && n == 1 {
						return 74 * time.Second // its Task is given up one second later
					}
					return 0
				}
			}, func(r *rig) {
				r.wantActive(r.provision())
				r.wantMails(3)
			})
		})
		t.Run("sibling failed/"+function, func(t *testing.T) {
			t.Parallel()
			failing := "twilio.CreateAccount=403@1+"
			if function == "create-sms-account" {
				failing = "vercel.CreateProject=403@1+"
			}
			inBubble(t, func(o *world.Options) {
				faults(t, failing)(o)
				o.Hooks.Late = func(f string, n int) time.Duration {
					if f == function && n == 1 {
						return 20 * time.Second
					}
					return 0
				}
			}, func(r *rig) { r.wantClean(r.provision()) })
		})
	}
}

// TestStoppedFromOutside stops the execution at different moments: reconcile takes the instance down, or tells the customer
// where it is active already.
func TestStoppedFromOutside(t *testing.T) {
	t.Parallel()
	for _, after := range []time.Duration{0, 400 * time.Millisecond, 3 * time.Second, 70 * time.Second, 125 * time.Second} {
		t.Run(after.String(), func(t *testing.T) {
			t.Parallel()
			inBubble(t, nil, func(r *rig) {
				id := r.signup("msg_1", "acme-dental")
				r.approve(id)
				time.Sleep(after)
				r.stop("provision", "op-"+id+"-provision-1")
				r.settle()
				r.wantClean(id)
				r.leaveQuarantine(id)
			})
		})
	}
}

func (r *rig) stop(workflow, name string) {
	r.t.Helper()
	for r.w.Executions.StopExecution(r.w.Executions.ExecutionARN(workflow, name), "Operator", "stopped from outside") != nil {
		time.Sleep(time.Millisecond) // it has not begun yet
	}
}

// TestStoppedAfterActivation stops the execution when the instance is active and its people were not told yet.
func TestStoppedAfterActivation(t *testing.T) {
	t.Parallel()
	var r *rig
	inBubble(t, func(o *world.Options) {
		o.Hooks.OnEvent = func(e asl.Observation) {
			if e.Event.Type == "TaskStateEntered" && e.Event.StateEntered.Name == "NotifyCustomer" && e.Execution[len(e.Execution)-11:] == "provision-1" {
				go r.stop(e.Machine, e.Execution)
			}
		}
	}, func(fresh *rig) {
		r = fresh
		id := r.provision()
		r.wantActive(id)
		r.wantMails(3)
		if path := r.path("provision", "op-"+id+"-notify-1"); !slices.Equal(path, []string{"Begin", "NotifyCustomer", "EndOperation", "Provisioned"}) {
			t.Errorf("path: %v", path)
		}
	})
}

// TestTeardownStopped stops three take-downs: the operation ends dirty with its incident, and an operator's retry finishes
// it clean.
func TestTeardownStopped(t *testing.T) {
	t.Parallel()
	var r *rig
	inBubble(t, func(o *world.Options) {
		faults(t, "twilio.CreateKey=403@1+")(o)
		o.Hooks.OnEvent = func(e asl.Observation) {
			if e.Machine == "teardown" && e.Event.Type == "TaskStateEntered" && e.Event.StateEntered.Name == "RemoveDNS" && e.Execution[len(e.Execution)-2:] != "-4" {
				go r.stop(e.Machine, e.Execution)
			}
		}
	}, func(fresh *rig) {
		r = fresh
		id := r.provision()
		o := r.operation(id)
		if o.Outcome != fleet.FailedDirty || o.N != fleet.MaxRuns {
			t.Fatalf("operation ended as %q after %d take-downs", o.Outcome, o.N)
		}
		if i := r.instance(id); i.State != fleet.Provisioning || i.Progress.NextAction == "" || i.Progress.Reason == "" {
			t.Errorf("instance: %+v", i)
		}
		r.wantIncident(id, "FailedDirty")
		r.retry(id)
		r.settle()
		r.wantClean(id)
	})
}

func (r *rig) retry(id string) {
	r.t.Helper()
	if status, answer := r.do("POST", "/instances/"+id+"/retry", "", operator); status != 202 {
		r.t.Fatalf("retry answered %d: %v", status, answer)
	}
}

func (r *rig) wantIncident(id string, code fleet.IncidentKind) {
	r.t.Helper()
	incidents, err := r.w.Store.Incidents(r.ctx, id)
	if err != nil || !slices.ContainsFunc(incidents, func(i fleet.Incident) bool { return i.Code == code && i.NextAction != "" }) {
		r.t.Errorf("no incident %s: %+v, %v", code, incidents, err)
	}
}

// TestVendorDownDuringTeardown has a vendor refuse for as long as a take-down lasts: dirty, with incident; retry ends clean.
func TestVendorDownDuringTeardown(t *testing.T) {
	t.Parallel()
	inBubble(t, func(o *world.Options) {
		faults(t, "sendgrid.ValidateDomain=403@1+,twilio.UpdateAccount=500-before@1-200")(o)
	}, func(r *rig) {
		id := r.provision()
		if o := r.operation(id); o.Outcome != fleet.FailedDirty {
			t.Fatalf("operation ended as %q: %+v", o.Outcome, o.Progress)
		}
		r.wantIncident(id, "FailedDirty")
		for _, h := range r.w.Vendors.Inventory() {
			if h.Kind != string(fleet.TwilioSubaccount) && h.Kind != string(fleet.TwilioKey) {
				t.Errorf("another vendor was held up: %+v", h)
			}
		}
		for range 20 { // the vendor stays down for a while
			r.retry(id)
			r.settle()
			if r.operation(id).Outcome == fleet.FailedClean {
				break
			}
		}
		r.wantClean(id)
	})
}

// TestActivationAnswerLost loses the answer of the write that activates: the instance stays ACTIVE.
func TestActivationAnswerLost(t *testing.T) {
	t.Parallel()
	for _, kind := range []chaos.Kind{chaos.Lost, chaos.Vanished, chaos.Conflict} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(o *world.Options) {
				flaky := chaos.Wrap(o.Table, o.Clock, chaos.Options{})
				flaky.Script(chaos.Fault{Kind: kind, Match: func(writes []table.Write) bool {
					return slices.ContainsFunc(writes, func(w table.Write) bool { return strings.HasPrefix(w.Item.Index["list"].Partition, "instance#ACTIVE") })
				}})
				o.Table = flaky
				t.Cleanup(func() {
					if flaky.Left() > 0 {
						t.Error("the fault did not strike")
					}
				})
			}, func(r *rig) {
				r.wantActive(r.provision())
				r.wantMails(3)
			})
		})
	}
	t.Run("and the Lambda dies", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(o *world.Options) {
			o.Hooks.Dies = func(p world.Point) bool { return p.Function == "activate-instance" && p.Commit && p.N == 2 && p.After }
		}, func(r *rig) {
			r.wantActive(r.provision())
			r.wantMails(3)
		})
	})
}

// TestMessageAnswerLost loses a message's answer: it is never sent again, and there is an incident.
func TestMessageAnswerLost(t *testing.T) {
	t.Parallel()
	for i, kind := range []string{"lost", "403", "500-after", "500-before", "delayed", "hang"} {
		mails := map[string]int{"lost": 3, "403": 2, "500-after": 3, "500-before": 2, "delayed": 3, "hang": 2}[kind]
		for j, nth := range []string{"@1", "@2", "@3"} {
			if i >= 2 && !tried(i+j, 3) {
				continue
			}
			t.Run(kind+nth, func(t *testing.T) {
				t.Parallel()
				inBubble(t, faults(t, "sendgrid.SendMail="+kind+nth), func(r *rig) {
					id := r.provision()
					r.wantActive(id)
					time.Sleep(time.Minute) // a delayed one lands
					r.wantMails(mails)
					r.wantIncident(id, map[bool]fleet.IncidentKind{true: "MessageFailed", false: "MessageUnknown"}[kind == "403"])
				})
			})
		}
	}
	for _, kind := range []string{"refused", "429", "429-retry"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			inBubble(t, faults(t, "sendgrid.SendMail="+kind+"@1-3"), func(r *rig) {
				id := r.provision()
				r.wantActive(id)
				r.wantMails(3)
				if incidents, err := r.w.Store.Incidents(r.ctx, id); err != nil || len(incidents) > 0 {
					t.Errorf("incidents: %+v, %v", incidents, err)
				}
			})
		})
	}
	t.Run("the Lambda dies sending", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(o *world.Options) {
			o.Hooks.Dies = func(p world.Point) bool {
				return p.Function == "notify-customer" && p.Invocation == 1 && !p.Commit && p.N == 2 && p.After
			}
		}, func(r *rig) {
			id := r.provision()
			r.wantActive(id)
			r.wantMails(3)
			r.wantIncident(id, "MessageUnknown")
		})
	})
}

// TestLateOrphanIsNotAdopted lets a failed instance's resources turn up later than any bound: the next owner of the slug never
// adopts them, and the rechecks remove them.
func TestLateOrphanIsNotAdopted(t *testing.T) {
	t.Parallel()
	for _, orphan := range []string{"supabase.CreateProject", "vercel.CreateProject", "cloudflare.CreateRecord", "twilio.CreateAccount"} { // SendGrid gives no name twice
		t.Run(orphan, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(o *world.Options) {
				faults(t, orphan+"=delayed:12m,sendgrid.ValidateDomain=403")(o)
			}, func(r *rig) {
				first := r.provision()
				if o := r.operation(first); o.Outcome != fleet.FailedClean {
					t.Fatalf("the first ended as %q: %s", o.Outcome, o.Failure)
				}
				time.Sleep(13 * time.Minute)
				r.settle()
				orphans := len(r.w.Vendors.Inventory())
				if orphans == 0 {
					t.Fatal("no orphan turned up")
				}
				time.Sleep(bounds.RecheckSoon)
				r.invoke("recheck")
				time.Sleep(time.Minute) // a project takes a while to go
				if held := r.w.Vendors.Inventory(); len(held) > 0 {
					t.Errorf("the recheck left %+v", held)
				}
				time.Sleep(bounds.RecheckLate)
				r.invoke("recheck")
				second := r.signup("msg_2", "acme-dental")
				r.approve(second)
				r.settle()
				r.wantState(second, fleet.Active)
				r.wantLedgerTrue(second)
			})
		})
	}
}

// TestOrphanAfterEveryRecheck lets a failed instance's DNS record turn up when its slug has a new owner already: the record is
// not touched, and the new owner's provisioning ends clean instead of adopting it.
func TestOrphanAfterEveryRecheck(t *testing.T) {
	t.Parallel()
	inBubble(t, faults(t, "cloudflare.CreateRecord=delayed:25h,sendgrid.ValidateDomain=403"), func(r *rig) {
		id := r.signup("msg_1", "acme-dental")
		r.approve(id)
		time.Sleep(10 * time.Minute)
		r.wantState(id, fleet.Terminated)
		r.leaveQuarantine(id)
		time.Sleep(time.Hour)
		orphan := r.w.Vendors.Inventory()
		if len(orphan) != 1 || orphan[0].Name != "acme-dental.gimbal.app" {
			t.Fatalf("orphan: %+v", orphan)
		}
		second := r.signup("msg_2", "acme-dental")
		r.approve(second)
		r.settle()
		r.wantState(second, fleet.Terminated)
		if o := r.operation(second); o.Failure != "NotOurs" {
			t.Errorf("failure: %q", o.Failure)
		}
		if held := r.w.Vendors.Inventory(); len(held) != 1 || held[0] != orphan[0] {
			t.Errorf("the orphan was touched: %+v", held)
		}
	})
}

func (r *rig) wantState(id string, state fleet.State) {
	r.t.Helper()
	if i := r.instance(id); i.State != state {
		r.t.Errorf("instance is %s: %+v", i.State, i.Progress)
	}
}
