package step_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store"
)

const (
	ourSwitch = fleet.SMSSuspension
	on        = fleet.Serving
	off       = fleet.Stopped
)

// lamp is a switch at a vendor.
type lamp struct {
	rig   *rig
	is    fleet.Setting
	calls []fleet.Setting
	// level is what of it its Stopped writes over, kept what each call was given to restore it by.
	level string
	kept  []string
	plain bool // nothing is kept of it
	// fate is what becomes of each call: nil, or none left, sets it.
	fate []func(set func()) error
}

func newLamp(r *rig) *lamp { return &lamp{rig: r, is: on, level: "bright"} }

// turn sets the lamp in an invocation of its own.
func (l *lamp) turn(to fleet.Setting, in life) error {
	i, err := l.rig.tryBegin(in)
	if err != nil {
		return err
	}
	s := step.Switch{Kind: ourSwitch, Name: ourName, To: to, Before: func(context.Context) (string, error) { return l.level, nil }, Apply: func(ctx context.Context, kept string) error {
		probe := client{provider.Guard(l.rig.clock, i.port)}.resource()
		if err := probe.Delete(ctx, "none"); err != nil { // sent under an attempt, or not at all; the invocation may be dead
			return err
		}
		l.calls, l.kept = append(l.calls, to), append(l.kept, kept)
		set := func() {
			if l.is, l.level = to, kept; to == off {
				l.level = "dark"
			}
		}
		if n := len(l.calls) - 1; n < len(l.fate) && l.fate[n] != nil {
			return l.fate[n](set)
		}
		set()
		return nil
	}}
	if l.plain {
		s.Before = nil
	}
	return i.Switch(i.ctx, s)
}

func (l *lamp) entry() fleet.Resource { return l.rig.entryOf(ourSwitch, ourName) }

// want judges that vendor and ledger agree.
func (l *lamp) want(is fleet.Setting) {
	l.rig.t.Helper()
	level := map[fleet.Setting]string{on: "bright", off: "dark"}[is]
	if slices.ContainsFunc(l.kept, func(kept string) bool { return kept != "bright" }) || l.level != level {
		l.rig.t.Errorf("it is %s, restored by %q", l.level, l.kept)
	}
	if e := l.entry(); l.is != is || e.Setting() != is || e.Status != fleet.Created || e.ID != ourName {
		l.rig.t.Errorf("the vendor says %s, the ledger %+v, want %s", l.is, e, is)
	}
}

func TestSwitchToAndFro(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := newLamp(r)
		r.wantCode(l.turn(on, life{}), "")
		if e := l.entry(); len(l.calls) != 0 || e.Status != "" {
			t.Errorf("what was never switched was touched: %v, %+v", l.calls, e)
		}
		epoch := int64(1)
		for _, to := range []fleet.Setting{off, off, on, off, on, on} {
			r.wantCode(l.turn(to, life{epoch: epoch}), "")
			l.want(to)
			r.takeOver()
			r.update(func(tx *store.Tx) error { // as the next operation begins
				o, err := tx.Operation(operationID)
				if err != nil {
					return err
				}
				o.N++
				return tx.PutOperation(o)
			})
			epoch++
		}
		if want := []fleet.Setting{off, on, off, on}; !slices.Equal(l.calls, want) {
			t.Errorf("set %v, want %v", l.calls, want)
		}
		if got, want := r.audited(), []string{"resource.stopped", "resource.serving", "resource.stopped", "resource.serving"}; !slices.Equal(got, want) {
			t.Errorf("audited: %v", got)
		}
	})
}

func TestFaultsOfSwitching(t *testing.T) {
	lost := errors.New("read: connection reset by peer")
	for name, c := range map[string]struct {
		err   error
		code  fault.Code
		stays bool // the attempt: it may have been set, or may yet be
	}{
		"429":           {provider.Answered("vendor", "Update", 429, "", 0), fault.Throttled, false},
		"403":           {provider.Answered("vendor", "Update", 403, "", 0), fault.Rejected, false},
		"too late":      {provider.Failed("vendor", "Update", provider.ErrTooLate), fault.NotReady, false},
		"not ready":     {fault.New(fault.NotReady, "it is coming up"), fault.NotReady, false},
		"500":           {provider.Answered("vendor", "Update", 500, "", 0), fault.NotReady, true},
		"no answer":     {provider.Failed("vendor", "Update", lost), fault.NotReady, true},
		"what is wrong": {lost, fault.Internal, true},
		"half refused":  {fault.New(fault.Rejected, "the second of two writes was refused"), fault.Rejected, true},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				l := newLamp(r)
				l.fate = []func(func()) error{func(func()) error { return c.err }}
				r.wantCode(l.turn(off, life{}), c.code)
				if e := l.entry(); (e.Attempt != nil) != c.stays || (e.Setting() == on) == c.stays {
					t.Errorf("the ledger says %+v, want that the attempt stays: %t", e, c.stays)
				}
				if c.stays { // nothing is known: even what it was before is set anew, and not before the attempt is over
					r.wantCode(l.turn(on, life{}), fault.NotReady)
					time.Sleep(bounds.Lambda + landed)
					r.wantCode(l.turn(on, life{}), fault.NotReady) // to the instant
					time.Sleep(time.Nanosecond)
				}
				r.wantCode(l.turn(on, life{}), "")
				if calls := len(l.calls); c.stays != (calls == 2) {
					t.Errorf("set %d times", calls)
				}
				r.wantCode(l.turn(off, life{}), "")
				l.want(off)
			})
		})
	}
}

// TestUnknownStaysUnknown: after an attempt that nobody knows the end of, one that surely did nothing leaves it as unknown as it was.
func TestUnknownStaysUnknown(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := newLamp(r)
		throttled := func(func()) error { return provider.Answered("vendor", "Update", 429, "", 0) }
		l.fate = []func(func()) error{
			func(set func()) error { set(); return provider.Failed("vendor", "Update", errors.New("cut off")) }, throttled}
		r.wantCode(l.turn(off, life{}), fault.NotReady)
		time.Sleep(bounds.Lambda + landed + 1)
		r.wantCode(l.turn(off, life{}), fault.Throttled)
		if e := l.entry(); e.Attempt != nil || e.Setting() != "" {
			t.Errorf("the ledger says %+v", e)
		}
		r.wantCode(l.turn(on, life{}), "") // it is on, by what the ledger said before both
		l.want(on)
	})
}

// TestLateSwitchNeverLandsAfterTheOther: what a dead suspension sent may land until its quiet period is over, and the resumption that
// follows under a new epoch comes after that.
func TestLateSwitchNeverLandsAfterTheOther(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := newLamp(r)
		l.fate = []func(func()) error{func(set func()) error {
			r.vendor.late.Go(func() {
				time.Sleep(bounds.Lambda + bounds.Quiet)
				set()
			})
			return provider.Failed("vendor", "Update", context.DeadlineExceeded)
		}}
		r.wantCode(l.turn(off, life{}), fault.NotReady)
		r.takeOver()
		r.wantCode(l.turn(off, life{epoch: 1}), fault.StaleEpoch)
		began := time.Now()
		for l.turn(on, life{epoch: 2}) != nil {
			time.Sleep(time.Second)
		}
		if waited := time.Since(began); waited > bounds.Lambda+landed+2*time.Second {
			t.Errorf("waited for %s", waited)
		}
		time.Sleep(5 * time.Minute)
		l.want(on)
	})
}

// TestDyingSwitch dies before and after each of its calls of table and vendor: the same switch set again, and the other one, converge.
func TestDyingSwitch(t *testing.T) {
	for _, next := range []fleet.Setting{off, on} {
		for at := 1; at <= 20; at++ {
			for _, after := range []bool{false, true} {
				t.Run(fmt.Sprintf("then %s, at %d after %t", next, at, after), func(t *testing.T) {
					inBubble(t, func(r *rig) {
						l := newLamp(r)
						_ = l.turn(off, life{diesAt: at, after: after})
						r.takeOver()
						for try := 0; l.turn(next, life{epoch: 2}) != nil; try++ {
							if try > 200 {
								t.Fatal("it never comes to an end")
							}
							time.Sleep(time.Second)
						}
						if e := l.entry(); e.Status == "" && next == on && l.is == on {
							return // it died before it wrote anything
						}
						if l.want(next); next == on && l.entry().Attributes["before"] != "" {
							t.Error("what was restored is still kept")
						}
						if e := l.entry(); l.is != next || e.Setting() != next {
							t.Errorf("the vendor says %s, the ledger %+v", l.is, e)
						}
					})
				})
			}
		}
	}
}

func TestSwitchRefuses(t *testing.T) {
	for _, status := range []fleet.ResourceStatus{fleet.Removing, fleet.Removed, fleet.Absent} {
		inBubble(t, func(r *rig) {
			r.update(func(tx *store.Tx) error {
				return tx.PutResource(&fleet.Resource{Kind: ourSwitch, Name: ourName, Status: status, Attributes: map[string]string{fleet.Is: string(on)}})
			})
			l := newLamp(r)
			r.wantCode(l.turn(on, life{}), fault.StaleEpoch)
			r.wantCode(l.turn(off, life{}), fault.StaleEpoch)
			if len(l.calls) != 0 {
				t.Errorf("set although it is %s", status)
			}
		})
	}
	inBubble(t, func(r *rig) {
		l := newLamp(r)
		r.wantCode(l.turn(off, life{limit: bounds.Call}), fault.NotReady)
		if e := l.entry(); len(l.calls) != 0 || e.Status != "" {
			t.Errorf("read with too little time, the ledger says %+v", e)
		}
		l.plain = true
		r.wantCode(l.turn(off, life{limit: bounds.Call}), fault.NotReady)
		if e := l.entry(); len(l.calls) != 0 || e.Attempt != nil || e.Setting() != on {
			t.Errorf("set %v with too little time, the ledger says %+v", l.calls, e)
		}
		time.Sleep(bounds.Provision + 1)
		r.wantCode(l.turn(off, life{}), fault.Overdue)
	})
	inBubble(t, func(r *rig) { // its commit comes after another run took over
		l := newLamp(r)
		l.fate = []func(func()) error{func(set func()) error { set(); r.takeOver(); return nil }}
		r.wantCode(l.turn(off, life{}), fault.StaleEpoch)
		if e := l.entry(); e.Attempt == nil || e.Setting() != "" {
			t.Errorf("the ledger says %+v", e)
		}
	})
}

// TestTwoSwitchesAtOnce: the second attempt waits for the first, whichever way it goes.
func TestTwoSwitchesAtOnce(t *testing.T) {
	for _, other := range []fleet.Setting{off, on} {
		inBubble(t, func(r *rig) {
			l := newLamp(r)
			l.fate = []func(func()) error{func(set func()) error {
				r.wantCode(l.turn(other, life{}), fault.NotReady)
				set()
				return nil
			}}
			r.wantCode(l.turn(off, life{}), "")
			if len(l.calls) != 1 {
				t.Errorf("set %v", l.calls)
			}
			l.want(off)
		})
	}
}

// TestSwitchOfWhatIsGone: where a person has removed what a switch is in, and that is sure, it is stopped; it is never serving so.
func TestSwitchOfWhatIsGone(t *testing.T) {
	gone := func() error { return &fault.Error{Code: fault.Rejected, Text: "gone", NothingHappened: true} }
	there := []step.Found{{ID: "id-1", Mark: ourMark}}
	for name, c := range map[string]struct {
		to          fleet.Setting
		change      func(e *fleet.Resource) // of the ledger's entry of what it is in
		refusal     error
		look, find  []step.Found
		unavailable bool
		code        fault.Code
	}{
		"gone":                        {to: off, refusal: gone()},
		"a closed account":            {to: off, refusal: fault.New(fault.Conflict, "closed")},
		"to be serving":               {to: on, refusal: gone(), code: fault.Rejected},
		"it is there":                 {to: off, refusal: gone(), look: there, code: fault.Rejected},
		"another one has its name":    {to: off, refusal: gone(), find: []step.Found{{ID: "id-2", Mark: ourMark}}, code: fault.Rejected},
		"a stranger has its name":     {to: off, refusal: gone(), find: []step.Found{{ID: "id-2", Mark: "theirs"}}},
		"lists lag":                   {to: off, refusal: gone(), change: func(e *fleet.Resource) { e.LookUntil = time.Now().Add(time.Minute) }, code: fault.Rejected},
		"it is being removed":         {to: off, refusal: gone(), change: func(e *fleet.Resource) { e.Status = fleet.Removing }, code: fault.Rejected},
		"an attempt":                  {to: off, refusal: gone(), change: func(e *fleet.Resource) { e.Attempt = &fleet.Attempt{Nonce: "x"} }, code: fault.Rejected},
		"nobody knows":                {to: off, refusal: fault.New(fault.Unavailable, "no answer"), code: fault.NotReady},
		"the vendor can't be asked":   {to: off, refusal: gone(), unavailable: true, code: fault.Unavailable},
		"what else is no such answer": {to: off, refusal: fault.New(fault.NotOurs, "no mark"), code: fault.NotOurs},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				e := fleet.Resource{Status: fleet.Created, ID: "id-1"}
				if c.change != nil {
					c.change(&e)
				}
				r.put(e)
				if c.to == on { // it has to be stopped to be switched on
					r.update(func(tx *store.Tx) error {
						return tx.PutResource(&fleet.Resource{Kind: ourSwitch, Name: ourName, Status: fleet.Created, Attributes: map[string]string{fleet.Is: string(off)}})
					})
				}
				i := r.begin(life{})
				res := i.resource
				res.Find = func(context.Context, string) ([]step.Found, error) { return c.find, nil }
				res.Look = func(context.Context, string) ([]step.Found, error) {
					if c.unavailable {
						return nil, fault.New(fault.Unavailable, "no answer")
					}
					return c.look, nil
				}
				r.wantCode(i.Switch(i.ctx, step.Switch{Kind: ourSwitch, Name: ourName, To: c.to, In: res,
					Apply: func(context.Context, string) error { return c.refusal }}), c.code)
				s := r.entryOf(ourSwitch, ourName)
				if is := s.Setting() == off && s.Attributes[fleet.Without] != ""; is != (c.code == "") {
					t.Errorf("the ledger says %+v", s)
				}
				if c.code == "" && (len(r.audited()) != 1 || r.audited()[0] != "resource.stopped") {
					t.Errorf("audited: %v", r.audited())
				}
			})
		})
	}
}
