// Package clock is the only time there is in Fleet: code takes a Clock and never asks package time for now, a timer or a
// time-out (the linter forbids it).
//
// System is the machine's clock, and under testing/synctest the bubble's virtual one. Scaled runs faster than the
// machine's, for the local runner. Virtual waits for nothing, for what runs on it alone. Skewed is off by a constant, as two
// machines' clocks are. Leaping can be set forward.
package clock

import (
	"context"
	"math"
	"time"
)

// Clock tells the time and waits. All instants and durations are in the clock's own time.
type Clock interface {
	// Now is the current instant, in UTC.
	Now() time.Time
	// Sleep waits for d, or returns ctx's error as soon as ctx is done. A d of zero or less returns at once.
	Sleep(ctx context.Context, d time.Duration) error
	// WithTimeout is context.WithTimeout on this clock. Deadline reads the deadline back in this clock's time.
	WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc)
}

type deadlineKey struct{}

// deadline is an instant in true time, and how far the clock was off whose WithTimeout set it.
type deadline struct {
	at time.Time
	by time.Duration
}

// Deadline is ctx's deadline in the time of the clock whose WithTimeout set it. A deadline that was set by package
// context, as the Lambda runtime does, is returned as it is.
func Deadline(ctx context.Context) (time.Time, bool) {
	if d, ok := ctx.Value(deadlineKey{}).(deadline); ok {
		return d.at.Add(d.by), true
	}
	return ctx.Deadline()
}

// withDeadline notes the deadline that is d from now, in true time, or the outer one if that comes earlier.
func withDeadline(ctx context.Context, now time.Time, d time.Duration) context.Context {
	at := now.Add(d)
	if outer, ok := ctx.Value(deadlineKey{}).(deadline); ok && outer.at.Before(at) {
		at = outer.at
	} else if outer, set := ctx.Deadline(); !ok && set && outer.Before(at) {
		at = outer
	}
	return context.WithValue(ctx, deadlineKey{}, deadline{at: at})
}

// System is the machine's clock, or the bubble's under testing/synctest.
func System() Clock { return system{} }

// system reads the wall clock each time: a frozen Lambda's monotonic clock stands still.
type system struct{}

func (system) Now() time.Time { return time.Now().UTC().Round(0) }

func (system) Sleep(ctx context.Context, d time.Duration) error { return sleep(ctx, d) }

func (s system) WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(withDeadline(ctx, s.Now(), d), d)
}

// sleep waits for a real duration.
func sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil || d <= 0 {
		return err
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// Scaled starts at origin (the machine's time if zero) and runs speed times as fast as the machine's clock.
func Scaled(origin time.Time, speed float64) Clock {
	start := time.Now()
	if origin.IsZero() {
		origin = start
	}
	return &scaled{origin: origin.UTC(), start: start, speed: speed}
}

type scaled struct {
	origin, start time.Time
	speed         float64
}

func (s *scaled) Now() time.Time {
	elapsed := time.Since(s.start)
	if s.speed != 1 { // a float rounds what is longer than 104 days
		elapsed = time.Duration(float64(elapsed) * s.speed)
	}
	return s.origin.Add(elapsed)
}

func (s *scaled) Sleep(ctx context.Context, d time.Duration) error { return sleep(ctx, s.real(d)) }

func (s *scaled) WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(withDeadline(ctx, s.Now(), d), s.real(d))
}

func (s *scaled) real(d time.Duration) time.Duration {
	if s.speed == 1 {
		return d
	}
	return time.Duration(math.Ceil(float64(d) / s.speed)) // never too early
}

// Skewed is c, but its Now is off by the given amount.
func Skewed(c Clock, by time.Duration) Clock { return skewed{c, by} }

type skewed struct {
	Clock
	by time.Duration
}

func (s skewed) Now() time.Time { return s.Clock.Now().Add(s.by) }

func (s skewed) WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	inner, cancel := s.Clock.WithTimeout(ctx, d)
	if set, ok := inner.Value(deadlineKey{}).(deadline); ok {
		set.by += s.by // what this clock's owner computes from the deadline is in its own time
		inner = context.WithValue(inner, deadlineKey{}, set)
	}
	return inner, cancel
}
