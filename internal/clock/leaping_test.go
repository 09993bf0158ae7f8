package clock_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
)

// TestLeap: the clock is ahead by what it leapt, and what waited goes on as long as it would have.
func TestLeap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := clock.NewLeaping(clock.Scaled(time.Time{}, 4))
		start, real := l.Now(), time.Now()
		ctx, cancel := l.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		l.Leap(30 * 24 * time.Hour)
		l.Leap(time.Hour)
		if passed := l.Now().Sub(start); passed != 30*24*time.Hour+time.Hour {
			t.Errorf("it leapt by %s", passed)
		}
		if at, ok := clock.Deadline(ctx); !ok || !at.Equal(start.Add(time.Minute)) {
			t.Errorf("the deadline is %s, %t", at, ok)
		}
		later, stop := l.WithTimeout(t.Context(), time.Minute)
		defer stop()
		if at, ok := clock.Deadline(later); !ok || !at.Equal(l.Now().Add(time.Minute)) {
			t.Errorf("the deadline after the leap is %s, %t", at, ok)
		}
		<-ctx.Done()
		if took := time.Since(real); took != 15*time.Second {
			t.Errorf("a minute took %s", took)
		}
		if l.Now().Location() != time.UTC {
			t.Errorf("it is %s", l.Now())
		}
	})
}
