package world_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
)

// TestCalendarRefuses: one-time schedules that can't be set keep no notice from being given, and the sweep does what they were for; an incident
// says so, until they can be set, or the end is taken back.
func TestCalendarRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		failure error
		calls   int // that fail
		told    bool
	}{
		"for good":    {fault.New(fault.Internal, "no such group"), 1 << 20, true},
		"for long":    {fault.New(fault.Unavailable, "an outage"), 1 << 20, true},
		"for a while": {fault.New(fault.Unavailable, "an outage"), 6, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			left := c.calls
			inGraveyard(t, func(o *world.Options) {
				o.Hooks.OnCalendar = func(map[string]time.Time) error {
					if left--; left >= 0 {
						return c.failure
					}
					return nil
				}
			}, func(g *graveyard) {
				id := g.provisioned("msg_1", "acme-dental")
				g.decommission(id)
				if !c.told {
					g.wantNotice(id)
					return
				}
				want := []fleet.IncidentKind{fleet.IncidentCalendarRefused}
				d := g.instance(id).Decommission
				if o := g.run(id, fleet.NumberedID(fleet.GiveNotice, id, 1)); d.Stage != fleet.InNotice || !d.Given() || o.Outcome != fleet.Succeeded || o.EndedAt.After(d.NoticeAt.Add(time.Hour)) {
					t.Errorf("%+v, %+v", d, o)
				}
				if open := g.openIncidents(id); !slices.Equal(open, want) || len(g.mailed(id, fleet.EndMessage(fleet.NoticeGiven, 1))) != 1 {
					t.Errorf("open: %v", open)
				}
				g.withdraw(id)
				g.wantLive(id, 1)
				g.decommission(id)
				time.Sleep(period)
				left = 0
				g.terminate()
				g.ticks(1)
				g.wantGrace(id)
				if open := g.openIncidents(id); len(open) > 0 {
					t.Errorf("open, though the schedules are set: %v", open)
				}
				time.Sleep(period)
				g.terminate()
				g.wantProved(id)
			})
		})
	}
}

// ticks are when function due was invoked, since the schedules began to run.
type ticks struct {
	mu    sync.Mutex
	begun time.Time
	all   []time.Duration
}

func (d *ticks) watch(o *world.Options) {
	o.Hooks.Late = func(function string, _ int) time.Duration {
		d.mu.Lock()
		defer d.mu.Unlock()
		if function == "due" {
			d.all = append(d.all, time.Since(d.begun))
		}
		return 0
	}
}

// TestCalendar: each one-time schedule invokes due at its time, once moved at its new one, and once deleted never; those whose time had
// come before the schedules ran do at once. The sweep goes on beside them.
func TestCalendar(t *testing.T) {
	t.Parallel()
	var d ticks
	inBubble(t, d.watch, func(r *rig) {
		d.begun = time.Now()
		c := r.w.OwnCalendar()
		set := func(name string, in time.Duration) {
			if err := c.Set(r.ctx, name, d.begun.Add(in)); err != nil {
				t.Error(err)
			}
		}
		for name, in := range map[string]time.Duration{"overdue": -time.Hour, "moved": 2 * time.Minute, "deleted": 3 * time.Minute, "earlier": 4 * time.Minute} {
			set(name, in)
		}
		ctx, cancel := context.WithCancel(r.ctx)
		r.w.RunSchedules(ctx)
		time.Sleep(time.Minute)
		set("moved", 5*time.Minute)
		for range 2 {
			if err := c.Delete(r.ctx, "deleted"); err != nil {
				t.Error(err)
			}
		}
		set("late", 90*time.Minute)
		time.Sleep(19 * time.Minute)
		cancel()
		r.settle()
		want := []time.Duration{0, 4 * time.Minute, 5 * time.Minute, 15 * time.Minute}
		if !slices.Equal(d.all, want) {
			t.Errorf("due was invoked after %v, not %v", d.all, want)
		}
		if left := r.w.Calendar(); len(left) != 1 || !left["late"].Equal(d.begun.Add(90*time.Minute)) {
			t.Errorf("left: %v", left)
		}
	})
}

// TestSchedulesAreDeliveredByHand: those whose time has come, each once, and no other.
func TestSchedulesAreDeliveredByHand(t *testing.T) {
	t.Parallel()
	var d ticks
	inBubble(t, d.watch, func(r *rig) {
		d.begun = time.Now()
		c := r.w.OwnCalendar()
		for name, in := range map[string]time.Duration{"come": time.Minute, "late": time.Hour} {
			if err := c.Set(r.ctx, name, d.begun.Add(in)); err != nil {
				t.Fatal(err)
			}
		}
		for _, want := range [][]string{nil, {"come"}, nil} {
			if got := r.w.DeliverSchedules(r.ctx); !slices.Equal(got, want) {
				t.Errorf("after %s: %v, want %v", time.Since(d.begun), got, want)
			}
			time.Sleep(time.Minute)
		}
		if want := []time.Duration{time.Minute}; !slices.Equal(d.all, want) || len(r.w.Calendar()) != 1 {
			t.Errorf("due was invoked after %v, not %v; left: %v", d.all, want, r.w.Calendar())
		}
	})
}

// TestCalendarIsDeliveredAgain: a schedule whose invocation didn't end before its process did is delivered once more.
func TestCalendarIsDeliveredAgain(t *testing.T) {
	t.Parallel()
	var d ticks
	inBubble(t, func(o *world.Options) {
		d.watch(o)
		note := o.Hooks.Late
		o.Hooks.Late = func(function string, n int) time.Duration {
			note(function, n)
			if function == "due" && n == 1 {
				return time.Minute
			}
			return 0
		}
	}, func(r *rig) {
		d.begun = time.Now()
		if err := r.w.OwnCalendar().Set(r.ctx, "close-x", d.begun.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		r.scheduled(90 * time.Second) // the first invocation is under way
		if len(r.w.Calendar()) != 1 {
			t.Error("it is forgotten")
		}
		r.scheduled(time.Second)
		if want := []time.Duration{time.Minute, 90 * time.Second}; !slices.Equal(d.all, want) || len(r.w.Calendar()) > 0 {
			t.Errorf("due was invoked after %v, not %v; left: %v", d.all, want, r.w.Calendar())
		}
	})
}

// TestCalendarIsKept: what can't be kept doesn't come about, and what was kept is delivered by another process.
func TestCalendarIsKept(t *testing.T) {
	t.Parallel()
	var d ticks
	var kept map[string]time.Time
	var full error
	inBubble(t, func(o *world.Options) {
		d.watch(o)
		o.Hooks.OnCalendar = func(due map[string]time.Time) error {
			if full == nil {
				kept = maps.Clone(due)
			}
			return full
		}
	}, func(r *rig) {
		c := r.w.OwnCalendar()
		d.begun = time.Now()
		at := d.begun.Add(time.Minute)
		if err := c.Set(r.ctx, "close-x", at); err != nil || !kept["close-x"].Equal(at) {
			t.Errorf("%v, %v", kept, err)
		}
		full = errors.New("the disk is full")
		if err := errors.Join(c.Set(r.ctx, "close-x", at.Add(time.Hour)), c.Delete(r.ctx, "close-x")); !fault.Is(err, fault.Unavailable) {
			t.Error(err)
		}
		if !maps.Equal(r.w.Calendar(), kept) {
			t.Errorf("%v, not %v", r.w.Calendar(), kept)
		}
		r.w.RestoreCalendar(kept)
		r.scheduled(90 * time.Second)
		if want := []time.Duration{time.Minute}; !slices.Equal(d.all, want) || len(kept) != 1 {
			t.Errorf("due was invoked after %v, not %v; kept %v", d.all, want, kept)
		}
		full = nil
		r.scheduled(time.Second)
		if len(kept) > 0 || len(d.all) != 2 {
			t.Errorf("kept %v after %v", kept, d.all)
		}
	})
}
