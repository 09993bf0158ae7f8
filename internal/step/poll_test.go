package step_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/step/bounds"
)

func TestPoll(t *testing.T) {
	unavailable := fault.New(fault.Unavailable, "no answer")
	cases := map[string]struct {
		limit time.Duration // of the invocation
		took  time.Duration // by each check
		ready time.Duration // after which the vendor is
		err   error         // of each check until then
		code  fault.Code
		least time.Duration // that the poll takes, and most
		most  time.Duration
	}{
		"at once":            {code: ""},
		"soon":               {ready: 3 * time.Second, least: 3 * time.Second, most: 5 * time.Second},
		"late":               {ready: 45 * time.Second, least: 45 * time.Second, most: bounds.Poll},
		"too late":           {ready: time.Hour, code: fault.NotReady, least: bounds.Poll - 10*time.Second, most: bounds.Poll},
		"transient":          {ready: 5 * time.Second, err: unavailable, least: 5 * time.Second, most: 8 * time.Second},
		"transient for long": {ready: time.Hour, err: unavailable, code: fault.NotReady, least: bounds.Poll - 10*time.Second, most: bounds.Poll},
		"permanent":          {ready: time.Hour, err: fault.New(fault.Rejected, "refused"), code: fault.Rejected},
		"unclassified":       {ready: time.Hour, err: errors.New("what is this"), code: fault.Internal},
		"asked to wait":      {ready: time.Second, err: &fault.Error{Code: fault.Throttled, RetryAfter: 20 * time.Second}, least: 20 * time.Second, most: 21 * time.Second},
		"asked to wait long": {ready: time.Second, err: &fault.Error{Code: fault.Throttled, RetryAfter: time.Minute}, code: fault.NotReady},
		"short invocation":   {limit: 30 * time.Second, ready: time.Hour, code: fault.NotReady, least: 10 * time.Second, most: 30*time.Second - bounds.Margin},
		"slow checks":        {took: 9 * time.Second, ready: time.Hour, code: fault.NotReady, least: 40 * time.Second, most: bounds.Lambda},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				i, started, checks := r.begin(life{limit: c.limit}), r.clock.Now(), 0
				err := i.Poll(i.ctx, "the project", func(ctx context.Context) (bool, error) {
					checks++
					if err := r.clock.Sleep(ctx, c.took); err != nil {
						return false, fault.New(fault.Unavailable, "no answer")
					}
					if r.clock.Now().Sub(started) < c.ready {
						return false, c.err
					}
					return true, nil
				})
				r.wantCode(err, c.code)
				if took := r.clock.Now().Sub(started); took < c.least || took > c.most {
					t.Errorf("took %s, want %s to %s", took, c.least, c.most)
				}
				if checks == 0 || checks > 20 {
					t.Errorf("checked %d times", checks)
				}
			})
		})
	}
}

// TestPollEndsWithItsInvocation: a check that hangs ends when the invocation does.
func TestPollEndsWithItsInvocation(t *testing.T) {
	inBubble(t, func(r *rig) {
		i := r.begin(life{})
		started := r.clock.Now()
		err := i.Poll(i.ctx, "the project", func(ctx context.Context) (bool, error) {
			<-ctx.Done()
			return false, fault.New(fault.Unavailable, "no answer")
		})
		r.wantCode(err, fault.NotReady)
		if took := r.clock.Now().Sub(started); took > bounds.Lambda {
			t.Errorf("took %s", took)
		}
	})
}

func TestPollOverdue(t *testing.T) {
	inBubble(t, func(r *rig) {
		time.Sleep(bounds.Provision + 1)
		i := r.begin(life{})
		r.wantCode(i.Poll(i.ctx, "the project", func(context.Context) (bool, error) {
			t.Error("it was asked although the operation is overdue")
			return true, nil
		}), fault.Overdue)
	})
}

func TestHasTime(t *testing.T) {
	inBubble(t, func(r *rig) {
		i := r.begin(life{skew: bounds.Skew})
		for d, has := range map[time.Duration]bool{0: true, bounds.Lambda: true, bounds.Lambda + 1: false} {
			if step.HasTime(i.ctx, i.Clock, d) != has {
				t.Errorf("has %s: %t, want %t", d, !has, has)
			}
		}
	})
}
