package step_test

import (
	"context"
	"time"

	"github.com/project-gimbal/fleet/internal/step/bounds"
)

// upTo draws a duration, often one of the extremes.
func (s *simulation) upTo(most time.Duration) time.Duration {
	least, greatest := 0.33, 0.33
	if s.sharp {
		least, greatest = 0.1, 0.8
	}
	switch {
	case most <= 0 || s.chance(least):
		return 0
	case s.chance(greatest / (1 - least)):
		return most
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Duration(s.random.Int64N(int64(most)))
}

// lag draws how far behind a list is about an item: anew for each list, or once for each item, so that nothing is seen early.
func (s *simulation) lag(id string) time.Duration {
	fresh := s.upTo(bounds.Lag)
	if !s.sharp {
		return fresh
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.lags[id]; !known {
		s.lags[id] = fresh
	}
	return s.lags[id]
}

// somewhen draws a moment within the next d, often this one.
func (s *simulation) somewhen(d time.Duration) time.Duration {
	if s.chance(0.4) {
		return 0
	}
	return time.Duration(s.below(int(d)))
}

func (s *simulation) chance(p float64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.random.Float64() < p
}

func (s *simulation) below(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.random.IntN(n)
}

// fate draws what becomes of a vendor's call. A late effect comes no later than the quiet period after its sender's end.
func (s *simulation) fate(sender context.Context, what string) fate {
	f := fate{Before: 100 * time.Millisecond, After: 100 * time.Millisecond}
	if slow := what == "find" && s.sharp && s.chance(0.4); slow {
		f.After = 9 * time.Second // what it shows is old by the time it arrives
		return f
	}
	if s.isCalm() {
		return f
	}
	switch n := s.below(100); {
	case n < 50:
		f = fate{Before: s.upTo(2 * time.Second), After: s.upTo(2 * time.Second)}
	case n < 70 && what != "find":
		if p, ok := sender.Value(portKey{}).(*port); ok {
			f = late(s.upTo(p.deadline.Add(bounds.Quiet).Sub(s.clock.Now())))
		}
	case s.sharp && n < 90:
	case n < 75:
		f = refused
	case n < 79:
		f = failed
	case n < 83:
		f = failedAfter
	case n < 87:
		f = lost
	case n < 90:
		f = vanished
	case n < 98:
		f = throttled
	default:
		f = rejected
	}
	s.log("%s comes to %+v", what, f)
	return f
}

// life draws an invocation's: its clock, and whether and where it dies before its time is over.
func (s *simulation) life(epoch int64) life {
	l := life{epoch: epoch, skew: s.upTo(bounds.Skew)}
	if s.chance(0.5) {
		l.skew = -l.skew
	}
	if !s.isCalm() && !s.sharp && s.chance(0.4) {
		l.diesAt, l.after = 5+s.below(30), s.chance(0.5)
	}
	return l
}
