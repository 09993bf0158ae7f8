package clock

import (
	"context"
	"sync/atomic"
	"time"
)

// Leaping runs as another clock does, and can be set forward. A wait and a time limit last as long as they would without that, so it is
// set forward while nothing is under way.
type Leaping struct {
	clock Clock
	ahead atomic.Int64 // nanoseconds
}

// NewLeaping is a clock that is where c is.
func NewLeaping(c Clock) *Leaping { return &Leaping{clock: c} }

// Leap sets the clock forward by d.
func (l *Leaping) Leap(d time.Duration) { l.ahead.Add(int64(d)) }

// Now is the current instant, in UTC.
func (l *Leaping) Now() time.Time { return l.now().Now() }

// Sleep waits for d, or returns ctx's error as soon as ctx is done.
func (l *Leaping) Sleep(ctx context.Context, d time.Duration) error { return l.clock.Sleep(ctx, d) }

// WithTimeout is context.WithTimeout on this clock.
func (l *Leaping) WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return l.now().WithTimeout(ctx, d)
}

// now is the clock as it is off at present.
func (l *Leaping) now() Clock { return Skewed(l.clock, time.Duration(l.ahead.Load())) }
