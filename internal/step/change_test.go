package step_test

import (
	"context"
	"errors"
	"maps"
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

// setting is one that is written over whatever is there.
type setting struct {
	rig     *rig
	applied []time.Time
	fails   []error // by application; nil, or none left, is success
	during  func()
}

func (s *setting) change(l life) error {
	i := s.rig.begin(l)
	return i.Change(i.ctx, step.Change{Kind: ourKind, Name: ourName, Apply: func(ctx context.Context) error {
		// A change is sent under an attempt, or not at all.
		probe := client{provider.Guard(s.rig.clock, s.rig.vendor)}.resource()
		if err := probe.Delete(ctx, "none"); errors.Is(err, provider.ErrNoAttempt) {
			return err
		}
		s.applied = append(s.applied, s.rig.clock.Now())
		if s.during != nil {
			s.during()
		}
		if n := len(s.applied) - 1; n < len(s.fails) {
			return s.fails[n]
		}
		return nil
	}})
}

func TestChangeOnce(t *testing.T) {
	inBubble(t, func(r *rig) {
		s := &setting{rig: r}
		r.wantCode(s.change(life{}), "")
		r.wantCode(s.change(life{}), "")
		if e := r.entry(); len(s.applied) != 1 || e.Status != fleet.Created || e.ID != ourName || e.Attempt != nil {
			t.Errorf("applied %d times, the ledger says %+v", len(s.applied), e)
		}
		if got := r.audited(); !slices.Equal(got, []string{"resource.created"}) {
			t.Errorf("audited: %v", got)
		}
	})
}

func TestFaultsOfChanging(t *testing.T) {
	gone := errors.New("read: connection reset by peer")
	cases := map[string]struct {
		err   error
		code  fault.Code
		stays bool // the attempt: it may have been applied, or may yet be
	}{
		"429":           {provider.Answered("vendor", "Update", 429, "", 0), fault.Throttled, false},
		"403":           {provider.Answered("vendor", "Update", 403, "", 0), fault.Rejected, false},
		"too late":      {provider.Failed("vendor", "Update", provider.ErrTooLate), fault.NotReady, false},
		"not ready":     {fault.New(fault.NotReady, "the project is coming up"), fault.NotReady, false},
		"500":           {provider.Answered("vendor", "Update", 500, "", 0), fault.NotReady, true},
		"no answer":     {provider.Failed("vendor", "Update", gone), fault.NotReady, true},
		"what is wrong": {gone, fault.Internal, true},
		"half refused":  {fault.New(fault.Rejected, "the second of two writes was refused"), fault.Rejected, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				s := &setting{rig: r, fails: []error{c.err}}
				r.wantCode(s.change(life{}), c.code)
				e := r.entry()
				if e.Status != fleet.Intended || (e.Attempt != nil) != c.stays {
					t.Errorf("the ledger says %+v, want that the attempt stays: %t", e, c.stays)
				}
				if c.stays {
					r.wantCode(s.change(life{}), fault.NotReady)
					time.Sleep(bounds.Lambda + landed)
					r.wantCode(s.change(life{}), fault.NotReady) // to the instant
					time.Sleep(time.Nanosecond)
				}
				r.wantCode(s.change(life{}), "")
				if now := r.entry(); len(s.applied) != 2 || now.Status != fleet.Created || now.Unknown != c.stays {
					t.Errorf("applied %d times, the ledger says %+v", len(s.applied), now)
				}
			})
		})
	}
}

func TestChangeRefuses(t *testing.T) {
	for _, status := range []fleet.ResourceStatus{fleet.Removing, fleet.Removed, fleet.Absent} {
		inBubble(t, func(r *rig) {
			r.put(fleet.Resource{Status: status})
			s := &setting{rig: r}
			r.wantCode(s.change(life{}), fault.StaleEpoch)
			if len(s.applied) != 0 {
				t.Errorf("applied although it is %s", status)
			}
		})
	}
	inBubble(t, func(r *rig) {
		s := &setting{rig: r}
		r.wantCode(s.change(life{limit: bounds.Call}), fault.NotReady)
		if e := r.entry(); len(s.applied) != 0 || e.Attempt != nil {
			t.Errorf("applied %d times with too little time, the ledger says %+v", len(s.applied), e)
		}
		time.Sleep(bounds.Provision + 1)
		r.wantCode(s.change(life{}), fault.Overdue)
	})
	inBubble(t, func(r *rig) {
		s := &setting{rig: r, during: r.takeOver}
		r.wantCode(s.change(life{}), fault.StaleEpoch)
		if e := r.entry(); e.Status != fleet.Intended || e.Attempt == nil {
			t.Errorf("the ledger says %+v", e)
		}
	})
}

// seeTo invokes SeeTo and tells how often it did what it was to do.
func (r *rig) seeTo(l life, do func() error) (done int, err error) {
	i := r.begin(l)
	err = i.SeeTo(i.ctx, fleet.DatabaseSchema, ourName, func(context.Context) error {
		done++
		return do()
	})
	return done, err
}

func nothing() error { return nil }

func TestSeeTo(t *testing.T) {
	inBubble(t, func(r *rig) {
		done, err := r.seeTo(life{}, func() error { return fault.New(fault.Unavailable, "no connection") })
		r.wantCode(err, fault.Unavailable)
		if e := r.entryOf(fleet.DatabaseSchema, ourName); done != 1 || e.Status != "" {
			t.Errorf("done %d times, the ledger says %+v", done, e)
		}
		done, err = r.seeTo(life{}, nothing)
		r.wantCode(err, "")
		if e := r.entryOf(fleet.DatabaseSchema, ourName); done != 1 || e.Status != fleet.Created || e.Epoch != 1 || e.CreatedAt.IsZero() {
			t.Errorf("done %d times, the ledger says %+v", done, e)
		}
		done, err = r.seeTo(life{}, nothing)
		r.wantCode(err, "")
		if done != 0 {
			t.Error("done although the ledger said that it was")
		}
		if got := r.audited(); !slices.Equal(got, []string{"resource.created"}) {
			t.Errorf("audited: %v", got)
		}
	})
	inBubble(t, func(r *rig) {
		_, err := r.seeTo(life{}, func() error { r.takeOver(); return nil })
		r.wantCode(err, fault.StaleEpoch)
		if e := r.entryOf(fleet.DatabaseSchema, ourName); e.Status != "" {
			t.Errorf("the ledger says %+v", e)
		}
	})
	for _, status := range []fleet.ResourceStatus{fleet.Removed, fleet.Absent} {
		inBubble(t, func(r *rig) {
			r.update(func(tx *store.Tx) error {
				return tx.PutResource(&fleet.Resource{Kind: fleet.DatabaseSchema, Name: ourName, Status: status})
			})
			_, err := r.seeTo(life{}, nothing)
			r.wantCode(err, fault.StaleEpoch)
			if e := r.entryOf(fleet.DatabaseSchema, ourName); e.Status != status {
				t.Errorf("the ledger says %+v", e)
			}
		})
	}
	inBubble(t, func(r *rig) {
		time.Sleep(bounds.Provision + 1)
		done, err := r.seeTo(life{}, nothing)
		r.wantCode(err, fault.Overdue)
		if done != 0 {
			t.Error("done although it is overdue")
		}
	})
}

// TestChangeKeepsItsAttributes: what Apply found out is in the ledger, and a replay finds it there.
func TestChangeKeepsItsAttributes(t *testing.T) {
	inBubble(t, func(r *rig) {
		for range 2 {
			i, version := r.begin(life{}), ""
			r.wantCode(i.Change(i.ctx, step.Change{Kind: ourKind, Name: ourName,
				Apply: func(context.Context) error {
					version = "v1"
					return nil
				},
				Attributes: func() map[string]string { return map[string]string{"version": version} },
			}), "")
			if e := r.entry(); e.Status != fleet.Created || e.Attributes["version"] != "v1" {
				t.Errorf("the ledger says %+v", e)
			}
		}
	})
}

func TestDescribe(t *testing.T) {
	inBubble(t, func(r *rig) {
		describe := func(attributes map[string]string) error {
			i := r.begin(life{})
			return i.Describe(i.ctx, ourKind, ourName, attributes)
		}
		r.wantCode(describe(map[string]string{"host": "a"}), fault.StaleEpoch) // nothing was made yet
		r.put(fleet.Resource{ID: "1", Status: fleet.Created, Epoch: 1})
		for _, host := range []string{"a", "a", "b"} {
			r.wantCode(describe(map[string]string{"host": host}), "")
		}
		r.wantCode(describe(map[string]string{"user": "u"}), "")
		if e := r.entry(); !maps.Equal(e.Attributes, map[string]string{"host": "b", "user": "u"}) || e.ID != "1" || e.Status != fleet.Created {
			t.Errorf("the ledger says %+v", e)
		}
		if got := r.audited(); !slices.Equal(got, []string{"resource.described"}) {
			t.Errorf("audited: %v", got)
		}
		late := r.begin(life{})
		r.takeOver()
		r.wantCode(late.Describe(late.ctx, ourKind, ourName, map[string]string{"host": "c"}), fault.StaleEpoch)
		if e := r.entry(); e.Attributes["host"] != "b" {
			t.Error("a run that was superseded wrote")
		}
	})
}
