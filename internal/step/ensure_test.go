package step_test

import (
	"slices"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step/bounds"
)

// ensure invokes Ensure once, in an invocation that nothing is wrong with.
func (r *rig) ensure(replace bool) error {
	r.t.Helper()
	i := r.begin(life{})
	i.resource.Replace = replace
	return i.Ensure(i.ctx, i.resource)
}

// converge invokes Ensure until it succeeds, as a state machine does.
func (r *rig) converge(replace bool) {
	r.t.Helper()
	var err error
	for range 60 {
		if err = r.ensure(replace); err == nil {
			return
		}
		if !fault.CodeOf(err).Transient() {
			break
		}
		time.Sleep(5 * time.Second)
	}
	r.t.Fatalf("Ensure does not converge: %v", err)
}

// another is the attempt of an invocation that was to end a while ago.
func (r *rig) another(ago time.Duration) *fleet.Attempt {
	return &fleet.Attempt{Nonce: "another", Deadline: r.clock.Now().Add(-ago)}
}

const landed = bounds.Quiet + bounds.Margin

func TestEnsureMakesOnce(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.wantCode(r.ensure(false), "")
		r.wantCreated("id-1")
		e := r.entry()
		if want := r.clock.Now().Add(bounds.Lag + bounds.Margin); !e.LookUntil.Equal(want) || e.Unknown || e.Epoch != 1 || e.CreatedAt.IsZero() {
			t.Errorf("entry: %+v, want LookUntil %s", e, want)
		}
		if e.Attributes["url"] != "https://id-1" {
			t.Errorf("attributes: %v", e.Attributes)
		}
		if secret, err := r.begin(life{}).Recall(r.ctx, "key"); err != nil || secret.Reveal() != "secret of id-1" {
			t.Errorf("secret: %q, %v", secret.Reveal(), err)
		}
		r.wantCode(r.ensure(false), "")
		r.wantSent("find", 1)
		r.wantSent("create", 1)
		if got := r.audited(); !slices.Equal(got, []string{"resource.created"}) {
			t.Errorf("audited: %v", got)
		}
	})
}

func TestIntentRefuses(t *testing.T) {
	for status, code := range map[fleet.ResourceStatus]fault.Code{
		fleet.Created: "", fleet.Removing: fault.StaleEpoch, fleet.Removed: fault.StaleEpoch, fleet.Absent: fault.StaleEpoch,
	} {
		t.Run(string(status), func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.put(fleet.Resource{Status: status, ID: "id-9"})
				r.wantCode(r.ensure(false), code)
				if e := r.entry(); e.Status != status || e.Attempt != nil {
					t.Errorf("the ledger says %+v", e)
				}
				r.wantSent("find", 0)
				r.wantSent("create", 0)
			})
		})
	}
	for _, status := range []fleet.ResourceStatus{"", fleet.Intended, fleet.Created} {
		t.Run("stale/"+string(status), func(t *testing.T) {
			inBubble(t, func(r *rig) {
				if status != "" {
					r.put(fleet.Resource{Status: status})
				}
				i := r.begin(life{})
				r.takeOver()
				r.wantCode(i.Ensure(i.ctx, i.resource), fault.StaleEpoch)
				if e := r.entry(); e.Status != status || e.Attempt != nil {
					t.Errorf("the ledger says %+v", e)
				}
				r.wantSent("find", 0)
				r.wantSent("create", 0)
			})
		})
	}
}

func TestEnsureOverdue(t *testing.T) {
	inBubble(t, func(r *rig) {
		time.Sleep(bounds.Provision)
		r.wantCode(r.ensure(false), "") // at its deadline it is not past it
	})
	inBubble(t, func(r *rig) {
		time.Sleep(bounds.Provision + 1)
		r.wantCode(r.ensure(false), fault.Overdue)
		r.wantSent("find", 0)
		if e := r.entry(); e.Status != "" {
			t.Errorf("the ledger says %+v", e)
		}
	})
}

// TestAttemptOfAnother waits for what another invocation may still do, and then takes its outcome for unknown.
func TestAttemptOfAnother(t *testing.T) {
	for name, quiet := range map[string]time.Duration{"": 0, "project": bounds.QuietProject} {
		end := landed
		if quiet > 0 {
			end = quiet + bounds.Margin
		}
		for _, ago := range []time.Duration{-bounds.Lambda, 0, bounds.Quiet, end - 1, end, end + 1, time.Hour} {
			t.Run(name+ago.String(), func(t *testing.T) {
				inBubble(t, func(r *rig) {
					a := r.another(ago)
					r.put(fleet.Resource{Status: fleet.Intended, Attempt: a})
					i := r.begin(life{})
					i.resource.Quiet = quiet
					err := i.Ensure(i.ctx, i.resource)
					e := r.entry()
					if ago <= end {
						r.wantCode(err, fault.NotReady)
						if e.Attempt == nil || *e.Attempt != *a || e.Unknown || !e.LookUntil.IsZero() {
							t.Errorf("the ledger says %+v", e)
						}
						r.wantSent("find", 0)
						return
					}
					if until := a.Deadline.Add(end + bounds.Lag); !e.Unknown || e.LookUntil.Before(until) {
						t.Errorf("the ledger says %+v, want unknown and to look until %s", e, until)
					}
				})
			})
		}
	}
}

// TestLooksUntilSure: a create is sent only after a look that began after the time until which looks may miss something.
func TestLooksUntilSure(t *testing.T) {
	for _, took := range []time.Duration{0, 300 * time.Millisecond, 7 * time.Second, 19 * time.Second} {
		t.Run(took.String(), func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.put(fleet.Resource{Status: fleet.Intended, Attempt: r.another(landed + 1)})
				until := r.entry().Attempt.Deadline.Add(landed + bounds.Lag)
				for range 200 {
					r.vendor.next("find", fate{Before: took})
				}
				r.converge(false)
				r.wantCreated("id-1")
				finds, creates := r.vendor.sent("find"), r.vendor.sent("create")
				if last := finds[len(finds)-1]; len(creates) != 1 || !last.At.After(until) {
					t.Errorf("created at %v after a look at %s, want one after %s", creates, last.At, until)
				}
				if len(finds) > 30 {
					t.Errorf("it looked %d times", len(finds))
				}
				if e := r.entry(); !e.Unknown {
					t.Error("the unknown attempt is forgotten")
				}
			})
		})
	}
}

// TestWhatIsUnsureStays: an attempt that ends as having done nothing tells nothing about an earlier one.
func TestWhatIsUnsureStays(t *testing.T) {
	for name, f := range map[string]fate{"429": throttled, "403": rejected, "refused": refused} {
		t.Run("look "+name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.put(fleet.Resource{Status: fleet.Intended, Attempt: r.another(landed + 1)})
				until := r.entry().Attempt.Deadline.Add(landed + bounds.Lag)
				r.vendor.next("find", f)
				if err := r.ensure(false); err == nil {
					t.Fatal("Ensure succeeded although its look failed")
				}
				if e := r.entry(); e.Attempt != nil || !e.Unknown || !e.LookUntil.Equal(until) {
					t.Errorf("the ledger says %+v, want no attempt, unknown, until %s", e, until)
				}
			})
		})
		t.Run("later than the attempt, look "+name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				until := r.clock.Now().Add(time.Hour)
				r.put(fleet.Resource{Status: fleet.Intended, Attempt: r.another(landed + 1), LookUntil: until})
				r.vendor.next("find", f)
				if err := r.ensure(false); err == nil {
					t.Fatal("Ensure succeeded although its look failed")
				}
				if e := r.entry(); e.Attempt != nil || !e.Unknown || !e.LookUntil.Equal(until) {
					t.Errorf("the ledger says %+v, want no attempt, unknown, until %s", e, until)
				}
			})
		})
		t.Run("create "+name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				until := r.clock.Now().Add(10 * time.Second)
				r.put(fleet.Resource{Status: fleet.Intended, Unknown: true, LookUntil: until})
				r.vendor.next("create", f)
				if err := r.ensure(false); err == nil {
					t.Fatal("Ensure succeeded although its create failed")
				}
				if e := r.entry(); e.Attempt != nil || !e.Unknown || !e.LookUntil.Equal(until) {
					t.Errorf("the ledger says %+v, want no attempt, unknown, until %s", e, until)
				}
			})
		})
	}
}

// TestFaultsOfLooking: nothing that creates was sent, so the attempt ends; a look without an answer is repeated.
func TestFaultsOfLooking(t *testing.T) {
	cases := map[string]struct {
		fates []fate
		code  fault.Code
	}{
		"429":         {[]fate{throttled}, fault.Throttled},
		"403":         {[]fate{rejected}, fault.Rejected},
		"refused":     {[]fate{refused}, fault.Unavailable},
		"500":         {[]fate{failed}, ""},
		"no answer":   {[]fate{lost}, ""},
		"500s":        {slices.Repeat([]fate{failed}, 60), fault.NotReady},
		"no answers":  {slices.Repeat([]fate{lost}, 9), fault.NotReady},
		"500 and 429": {[]fate{failed, throttled}, fault.Throttled},
	}
	for name, c := range cases {
		for _, replace := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				inBubble(t, func(r *rig) {
					r.vendor.next("find", c.fates...)
					r.wantCode(r.ensure(replace), c.code)
					if e := r.entry(); e.Attempt != nil || e.Unknown {
						t.Errorf("the ledger says %+v", e)
					}
					if c.code != "" {
						r.wantSent("create", 0)
					}
					r.vendor.script = nil
					r.converge(replace)
					r.wantCreated("id-1")
				})
			})
		}
	}
}

// TestFaultsOfCreating: only what proves that nothing happened ends the attempt, and a create is never sent twice by one.
func TestFaultsOfCreating(t *testing.T) {
	cases := map[string]struct {
		fate  fate
		code  fault.Code
		stays bool // the attempt
		id    string
	}{
		"429":               {throttled, fault.Throttled, false, "id-1"},
		"403":               {rejected, fault.Rejected, false, "id-1"},
		"refused":           {refused, fault.Unavailable, false, "id-1"},
		"500 before":        {failed, fault.NotReady, true, "id-1"},
		"500 after":         {failedAfter, fault.NotReady, true, "id-1"},
		"408 after":         {fate{Status: 408}, fault.NotReady, true, "id-1"},
		"302 after":         {fate{Status: 302}, fault.NotReady, true, "id-1"},
		"answer lost":       {lost, fault.NotReady, true, "id-1"},
		"request lost":      {vanished, fault.NotReady, true, "id-1"},
		"late":              {late(bounds.Lambda + bounds.Quiet - 1), fault.NotReady, true, "id-1"},
		"slow, but in time": {fate{Before: 10 * time.Second, After: 9 * time.Second}, "", false, "id-1"},
		"too slow":          {fate{Before: 10 * time.Second, After: 11 * time.Second}, fault.NotReady, true, "id-1"},
	}
	for name, c := range cases {
		for _, replace := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				inBubble(t, func(r *rig) {
					r.vendor.next("create", c.fate)
					r.wantCode(r.ensure(replace), c.code)
					if e := r.entry(); (e.Attempt != nil) != c.stays {
						t.Errorf("the ledger says %+v, want that the attempt stays: %t", e, c.stays)
					}
					r.wantSent("create", 1)
					r.vendor.lag = func(string) time.Duration { return bounds.Lag }
					r.converge(replace)
					live := r.vendor.live()
					if len(live) != 1 {
						t.Fatalf("at the vendor are %q", live)
					}
					r.wantCreated(live[0])
					if e := r.entry(); e.Unknown != c.stays {
						t.Errorf("unknown is %t, want %t", e.Unknown, c.stays)
					}
					if secret, err := r.begin(life{}).Recall(r.ctx, "key"); err != nil || secret.Reveal() != "secret of "+live[0] {
						t.Errorf("the secret kept is another's: %v", err)
					}
				})
			})
		}
	}
}

// TestTooLittleTime: nothing is sent that the invocation might not see the end of.
func TestTooLittleTime(t *testing.T) {
	for left, creates := range map[time.Duration]int{bounds.Call + 2*time.Second - 1: 0, bounds.Call + 2*time.Second: 1, bounds.Lambda: 1} {
		t.Run(left.String(), func(t *testing.T) {
			inBubble(t, func(r *rig) {
				i := r.begin(life{limit: left})
				err := i.Ensure(i.ctx, i.resource)
				r.wantSent("create", creates)
				if creates == 0 {
					r.wantCode(err, fault.NotReady)
					if e := r.entry(); e.Attempt != nil || e.Unknown {
						t.Errorf("the ledger says %+v", e)
					}
				}
			})
		})
	}
}
