// Package chaos makes a table.Table behave as badly as DynamoDB may: reads that aren't consistent and queries of
// indexes lag, writes conflict, their answers are lost, and some are made long after their caller gave up. It is for
// tests and for the demo's faults.
//
// What goes wrong is drawn by seed (Options) or told (Script, Freeze); the same writes in the same order go wrong in the
// same way.
package chaos

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/store/table"
)

// Kind is a way in which a Write goes wrong.
type Kind string

const (
	// Conflict: refused with table.Conflicting for one part, as by another write at the same time. Nothing is written.
	Conflict Kind = "conflict"
	// Lost: the write is made, or refused, but nobody learns which: table.ErrOutcomeUnknown.
	Lost Kind = "lost"
	// Vanished: the write is not made, and nobody learns that: table.ErrOutcomeUnknown.
	Vanished Kind = "vanished"
	// Late: table.ErrOutcomeUnknown at once; the write is made later, if its conditions hold then.
	Late Kind = "late"
)

// Fault makes one Write go wrong.
type Fault struct {
	Kind Kind
	// Match, if set, tells whether a write is the one meant. It is called under a lock and must not use the table.
	Match func([]table.Write) bool
	// After is when a Late write is made.
	After time.Duration
}

// Options are what goes wrong by chance.
type Options struct {
	Seed uint64
	// Lag is the most by which inconsistent reads and queries of indexes are behind. Each write draws two lags, one for
	// the table and one for its indexes.
	Lag time.Duration
	// Conflict, Lost, Vanished and Late are how often a Write goes wrong in that way, from 0 to 1 together.
	Conflict, Lost, Vanished, Late float64
	// LateBy is the most by which a Late write comes late.
	LateBy time.Duration
}

// Table is a table that goes wrong. It is safe for concurrent use, as far as the table in it is.
type Table struct {
	inner table.Table
	clock clock.Clock

	mu      sync.Mutex // never held over a call of inner
	options Options
	random  *rand.Rand
	script  []Fault
	past    past
	frozen  bool
	late    sync.WaitGroup
}

// Wrap makes inner go wrong, by c's time.
func Wrap(inner table.Table, c clock.Clock, o Options) *Table {
	return &Table{inner: inner, clock: c, options: o, random: rand.New(rand.NewPCG(o.Seed, 0)), past: past{}}
}

// Set replaces what goes wrong by chance, from its seed on. What lags already goes on lagging.
func (t *Table) Set(o Options) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.options, t.random = o, rand.New(rand.NewPCG(o.Seed, 0))
}

// Script adds faults. Each strikes the first Write that it matches, once; the earliest that matches goes first, and
// before anything drawn by chance.
func (t *Table) Script(faults ...Fault) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.script = append(t.script, faults...)
}

// Left counts the scripted faults that haven't struck yet: a test that ends with some has not tested them.
func (t *Table) Left() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.script)
}

// Drain waits until every late write has been made or refused. It comes before closing the table.
func (t *Table) Drain() { t.late.Wait() }

// Write is the table's, unless it goes wrong. What the table refuses with table.ErrLimit is always told.
func (t *Table) Write(ctx context.Context, writes []table.Write) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := table.Validate(writes); err != nil {
		return err
	}
	f := t.next(writes)
	switch f.Kind {
	case Conflict:
		return t.conflict(writes)
	case Vanished:
		return table.ErrOutcomeUnknown
	case Late:
		t.later(ctx, writes, f.After)
		return table.ErrOutcomeUnknown
	}
	err := t.write(ctx, writes)
	if f.Kind == Lost && !isLimit(err) {
		return table.ErrOutcomeUnknown
	}
	return err
}

// next gives the fault of a write; its Kind is empty if the write goes well.
func (t *Table) next(writes []table.Write) Fault {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, f := range t.script {
		if f.Match == nil || f.Match(writes) {
			t.script = append(t.script[:i:i], t.script[i+1:]...)
			return f
		}
	}
	o, x := t.options, t.random.Float64()
	for _, c := range []struct {
		kind   Kind
		chance float64
	}{{Conflict, o.Conflict}, {Lost, o.Lost}, {Vanished, o.Vanished}, {Late, o.Late}} {
		if x < c.chance {
			return Fault{Kind: c.kind, After: t.draw(o.LateBy)}
		}
		x -= c.chance
	}
	return Fault{}
}

// draw gives a duration of at most the given one. The caller holds mu.
func (t *Table) draw(most time.Duration) time.Duration {
	if most <= 0 {
		return 0
	}
	return time.Duration(t.random.Int64N(int64(most) + 1))
}

func (t *Table) conflict(writes []table.Write) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	reasons := make([]table.Reason, len(writes))
	reasons[t.random.IntN(len(reasons))] = table.Conflicting
	return &table.ConditionError{Reasons: reasons}
}

// later makes a write when its caller may be gone: it keeps its own copy, and nothing cancels it.
func (t *Table) later(ctx context.Context, writes []table.Write, after time.Duration) {
	ctx = context.WithoutCancel(ctx)
	writes = copyWrites(writes)
	t.late.Go(func() {
		if t.clock.Sleep(ctx, after) == nil {
			_ = t.write(ctx, writes) // refused or not, nobody is there to hear it
		}
	})
}
