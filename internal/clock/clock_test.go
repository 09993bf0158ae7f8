package clock_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
)

// clocks are the sorts of clock, each made anew in the bubble; by is how far its Now is off, speed how fast it runs.
var clocks = []struct {
	name  string
	make  func() clock.Clock
	speed float64
	by    time.Duration
}{
	{"system", clock.System, 1, 0},
	{"fast", func() clock.Clock { return clock.Scaled(time.Time{}, 8) }, 8, 0},
	{"slow", func() clock.Clock { return clock.Scaled(time.Time{}, 0.5) }, 0.5, 0},
	{"ahead", func() clock.Clock { return clock.Skewed(clock.System(), 5*time.Second) }, 1, 5 * time.Second},
	{"behind", func() clock.Clock { return clock.Skewed(clock.System(), -5*time.Second) }, 1, -5 * time.Second},
	{"off and fast", func() clock.Clock { return clock.Skewed(clock.Scaled(time.Time{}, 4), time.Second) }, 4, time.Second},
	{"leapt", func() clock.Clock {
		l := clock.NewLeaping(clock.Scaled(time.Time{}, 4))
		l.Leap(720 * time.Hour)
		return l
	}, 4, 720 * time.Hour},
	{"off twice", func() clock.Clock { return clock.Skewed(clock.Skewed(clock.System(), 2*time.Second), 3*time.Second) }, 1, 5 * time.Second},
}

// each runs a test in a bubble on every sort of clock.
func each(t *testing.T, test func(t *testing.T, c clock.Clock, speed float64, by time.Duration)) {
	for _, sort := range clocks {
		t.Run(sort.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, sort.make(), sort.speed, sort.by) })
		})
	}
}

func TestNow(t *testing.T) {
	each(t, func(t *testing.T, c clock.Clock, speed float64, by time.Duration) {
		start := time.Now()
		for _, real := range []time.Duration{0, time.Second, 90 * 24 * time.Hour} {
			time.Sleep(real)
			want := start.Add(by + time.Duration(float64(time.Since(start))*speed))
			if now := c.Now(); !now.Equal(want) || now.Location() != time.UTC {
				t.Errorf("it is %s, want %s", now, want)
			}
		}
	})
}

func TestOrigin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		origin := time.Date(2030, 2, 3, 4, 5, 6, 0, time.FixedZone("", 3600))
		c := clock.Scaled(origin, 60)
		time.Sleep(time.Minute)
		if want := origin.Add(time.Hour); !c.Now().Equal(want) || c.Now().Location() != time.UTC {
			t.Errorf("it is %s, want %s in UTC", c.Now(), want)
		}
	})
}

// TestCenturies: a clock of speed 1 stays exact for longer than a float would.
func TestCenturies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, start := clock.System(), time.Now()
		for range 3 {
			time.Sleep(100*365*24*time.Hour + time.Nanosecond)
		}
		if !c.Now().Equal(time.Now()) {
			t.Errorf("%s after %s", c.Now(), time.Since(start))
		}
	})
}

func TestSleep(t *testing.T) {
	each(t, func(t *testing.T, c clock.Clock, speed float64, _ time.Duration) {
		for _, d := range []time.Duration{-time.Hour, 0, time.Nanosecond, 3 * time.Second, 30 * 24 * time.Hour} {
			real, before := time.Now(), c.Now()
			if err := c.Sleep(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			if slept := c.Now().Sub(before); slept < d || slept > max(d, 0)+time.Duration(speed) {
				t.Errorf("slept %s of its own time, want %s", slept, d)
			}
			if took := time.Since(real); float64(took) > float64(max(d, 0))/speed+1 {
				t.Errorf("a sleep of %s took %s", d, took)
			}
		}
	})
}

func TestSleepEndsWithItsContext(t *testing.T) {
	each(t, func(t *testing.T, c clock.Clock, speed float64, _ time.Duration) {
		ctx, cancel := context.WithCancel(t.Context())
		start := time.Now()
		time.AfterFunc(time.Second, cancel)
		if err := c.Sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) || time.Since(start) != time.Second {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		for _, d := range []time.Duration{-1, 0, time.Hour} {
			if err := c.Sleep(ctx, d); !errors.Is(err, context.Canceled) {
				t.Errorf("sleeping %s under a context that is over: %v", d, err)
			}
		}
		timed, stop := c.WithTimeout(t.Context(), 2*time.Second)
		defer stop()
		before := c.Now()
		if err := c.Sleep(timed, time.Hour); !errors.Is(err, context.DeadlineExceeded) || c.Now().Sub(before) != 2*time.Second {
			t.Errorf("%v after %s, want a time-out after 2s", err, c.Now().Sub(before))
		}
	})
}

// TestTimeout: the context ends when d of the clock's time has passed, and Deadline says so in the clock's time.
func TestTimeout(t *testing.T) {
	each(t, func(t *testing.T, c clock.Clock, speed float64, _ time.Duration) {
		want := c.Now().Add(time.Minute)
		ctx, cancel := c.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if at, ok := clock.Deadline(ctx); !ok || !at.Equal(want) {
			t.Errorf("deadline %s, %t; want %s", at, ok, want)
		}
		start := time.Now()
		<-ctx.Done()
		if took := time.Since(start); float64(took)*speed != float64(time.Minute) || !c.Now().Equal(want) {
			t.Errorf("ended after %s, at %s", took, c.Now())
		}
	})
}

// TestNestedTimeouts: the earlier end counts, at any depth, and never moves.
func TestNestedTimeouts(t *testing.T) {
	each(t, func(t *testing.T, c clock.Clock, _ float64, _ time.Duration) {
		ctx := t.Context()
		start := c.Now()
		for _, step := range []struct{ d, want time.Duration }{
			{time.Minute, time.Minute}, {time.Hour, time.Minute}, {30 * time.Second, 30 * time.Second},
			{40 * time.Second, 30 * time.Second}, {31 * time.Second, 30 * time.Second}, {time.Second, time.Second},
		} {
			inner, cancel := c.WithTimeout(ctx, step.d)
			defer cancel()
			ctx = inner
			if at, ok := clock.Deadline(ctx); !ok || at.Sub(start) != step.want {
				t.Errorf("after a time-out of %s the deadline is in %s, want %s", step.d, at.Sub(start), step.want)
			}
		}
		<-ctx.Done()
		if passed := c.Now().Sub(start); passed != time.Second {
			t.Errorf("ended after %s", passed)
		}
	})
}

// TestTimeoutsOfTwoClocks: an invocation whose clock is off inherits a deadline of somebody whose clock is right.
func TestTimeoutsOfTwoClocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		right := clock.System()
		for _, by := range []time.Duration{5 * time.Second, -5 * time.Second} {
			off := clock.Skewed(right, by)
			outer, cancel := right.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			for _, step := range []struct{ d, want time.Duration }{{8 * time.Second, 8 * time.Second}, {12 * time.Second, 10 * time.Second}} {
				inner, cancel := off.WithTimeout(outer, step.d)
				defer cancel()
				if at, _ := clock.Deadline(inner); at.Sub(off.Now()) != step.want {
					t.Errorf("off by %s: %s are left of %s, want %s", by, at.Sub(off.Now()), step.d, step.want)
				}
				back, cancel := right.WithTimeout(inner, time.Hour)
				defer cancel()
				if at, _ := clock.Deadline(back); at.Sub(right.Now()) != step.want {
					t.Errorf("off by %s, then right: %s are left, want %s", by, at.Sub(right.Now()), step.want)
				}
			}
		}
	})
}

func TestDeadlineOfPackageContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if at, ok := clock.Deadline(t.Context()); ok {
			t.Errorf("a deadline out of nothing: %s", at)
		}
		at := time.Now().Add(time.Minute)
		ctx, cancel := context.WithDeadline(t.Context(), at)
		defer cancel()
		if got, ok := clock.Deadline(ctx); !ok || !got.Equal(at) {
			t.Errorf("%s, %t", got, ok)
		}
		inner, stop := clock.System().WithTimeout(ctx, time.Hour)
		defer stop()
		if got, ok := clock.Deadline(inner); !ok || !got.Equal(at) {
			t.Errorf("nested: %s, %t; want %s", got, ok, at)
		}
	})
}
