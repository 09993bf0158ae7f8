package clock

import (
	"container/heap"
	"context"
	"errors"
	"sync"
	"time"
)

// ErrStuck is what Virtual.Run returns where all that is left waits for what never comes.
var ErrStuck = errors.New("clock: all wait, and nothing is left to wait for")

// Virtual is a clock that stands still while anything runs on it and jumps ahead when all wait, so that a year takes no
// time. What runs on it begins in Run or Go, waits only in Await and Sleep, and takes turns: the same program runs the
// same way each time. A context of WithTimeout ends when the clock gets there; whoever looks at it does so in Await.
type Virtual struct {
	mu      sync.Mutex
	now     time.Time
	alive   int
	fresh   []func()  // not begun yet
	waiting []*waiter // in the order in which they began to
	alarms  alarms
	set     int // alarms that were ever set
	done    chan struct{}
	stuck   bool
}

type waiter struct {
	ready func() bool
	turn  chan struct{}
}

// NewVirtual is a clock that stands at start.
func NewVirtual(start time.Time) *Virtual { return &Virtual{now: start.UTC()} }

// Run runs f and all that it begins to their ends. The error is ErrStuck.
func (v *Virtual) Run(f func()) error {
	v.mu.Lock()
	v.done = make(chan struct{})
	v.alive++
	v.fresh = append(v.fresh, f)
	v.next()
	v.mu.Unlock()
	<-v.done
	if v.stuck {
		return ErrStuck
	}
	return nil
}

// Go lets f run when it is its turn.
func (v *Virtual) Go(f func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.alive++
	v.fresh = append(v.fresh, f)
}

// Await returns when ready says so. It is asked whenever the others wait, and must not wait itself.
func (v *Virtual) Await(ready func() bool) {
	if ready() {
		return
	}
	w := &waiter{ready, make(chan struct{})}
	v.mu.Lock()
	v.waiting = append(v.waiting, w)
	v.next()
	v.mu.Unlock()
	<-w.turn
}

// next gives the turn to somebody. v.mu is held.
func (v *Virtual) next() {
	for {
		if len(v.fresh) > 0 {
			f := v.fresh[0]
			v.fresh = v.fresh[1:]
			go v.play(f)
			return
		}
		for i, w := range v.waiting {
			if w.ready() {
				v.waiting = append(v.waiting[:i], v.waiting[i+1:]...)
				close(w.turn)
				return
			}
		}
		if v.alive == 0 || !v.advance() {
			v.stuck = v.alive > 0
			close(v.done)
			return
		}
	}
}

func (v *Virtual) play(f func()) {
	f()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.alive--
	v.next()
}

// advance goes on to the next alarm; false where there is none. v.mu is held.
func (v *Virtual) advance() bool {
	for v.alarms.Len() > 0 {
		a, _ := heap.Pop(&v.alarms).(*alarm)
		if a.off {
			continue
		}
		if a.at.After(v.now) {
			v.now = a.at
		}
		a.ring()
		return true
	}
	return false
}

// alarm sets one that is d from now.
func (v *Virtual) alarm(d time.Duration, ring func()) *alarm {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.set++
	a := &alarm{at: v.now.Add(d), number: v.set, ring: ring}
	heap.Push(&v.alarms, a)
	return a
}

func (v *Virtual) turnOff(a *alarm) {
	v.mu.Lock()
	defer v.mu.Unlock()
	a.off = true
}

// Now is the instant at which the clock stands.
func (v *Virtual) Now() time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now
}

// Sleep waits until the clock is d ahead.
func (v *Virtual) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil || d <= 0 {
		return err
	}
	rung := false
	a := v.alarm(d, func() { rung = true })
	v.Await(func() bool { return rung || ctx.Err() != nil })
	v.turnOff(a)
	if rung {
		return nil
	}
	return ctx.Err()
}

// WithTimeout is context.WithTimeout on this clock.
func (v *Virtual) WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	inner, cancel := context.WithCancel(withDeadline(ctx, v.Now(), d))
	timed := &timed{Context: inner}
	a := v.alarm(d, func() {
		timed.mu.Lock()
		timed.over = inner.Err() == nil
		timed.mu.Unlock()
		cancel()
	})
	return timed, func() {
		v.turnOff(a)
		cancel()
	}
}

// timed is a context that ended because its time is over, or otherwise.
type timed struct {
	context.Context
	mu   sync.Mutex
	over bool
}

func (t *timed) Err() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return context.DeadlineExceeded
	}
	return t.Context.Err()
}

// alarm is something to do at an instant.
type alarm struct {
	at     time.Time
	number int // of two at the same instant the one that was set first rings first
	ring   func()
	off    bool
}

type alarms []*alarm

func (a alarms) Len() int { return len(a) }
func (a alarms) Less(i, j int) bool {
	return a[i].at.Before(a[j].at) || a[i].at.Equal(a[j].at) && a[i].number < a[j].number
}
func (a alarms) Swap(i, j int) { a[i], a[j] = a[j], a[i] }

// Push is for package heap.
func (a *alarms) Push(x any) {
	if one, ok := x.(*alarm); ok {
		*a = append(*a, one)
	}
}

// Pop is for package heap.
func (a *alarms) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}
