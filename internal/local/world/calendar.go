package world

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/fault"
)

// calendar are the one-time schedules, as one invocation has them.
type calendar struct {
	world *World
	life  *life
}

func (c calendar) Set(_ context.Context, name string, at time.Time) error {
	return c.change(func(due map[string]time.Time) { due[name] = at })
}

func (c calendar) Delete(_ context.Context, name string) error {
	return c.change(func(due map[string]time.Time) { delete(due, name) })
}

func (c calendar) change(do func(due map[string]time.Time)) error {
	return c.life.around(false, func() error { return c.world.dates.change(do) })
}

// dates are the times of the one-time schedules that have not come, by name.
type dates struct {
	keep func(due map[string]time.Time) error // before it is so; nil for nothing

	mu    sync.Mutex
	due   map[string]time.Time // never changed, but replaced
	moved context.CancelFunc   // ends the wait for the next one; nil while nobody waits
}

func (d *dates) change(do func(due map[string]time.Time)) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	due := map[string]time.Time{}
	maps.Copy(due, d.due)
	do(due)
	if d.keep != nil {
		err := d.keep(due)
		if _, told := errors.AsType[*fault.Error](err); told {
			return err
		}
		if err != nil {
			return &fault.Error{Code: fault.Unavailable, Text: "the calendar can't be kept", Err: err}
		}
	}
	d.due = due
	if d.moved != nil {
		d.moved()
	}
	return nil
}

// next is the earliest schedule; "" where there is none. The context lasts until any of them changes; its end must be called.
func (d *dates) next(ctx context.Context) (unchanged context.Context, end context.CancelFunc, name string, at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	unchanged, d.moved = context.WithCancel(ctx)
	for n, t := range d.due {
		if name == "" || t.Before(at) {
			name, at = n, t
		}
	}
	return unchanged, d.moved, name, at
}

// Calendar are the times of the one-time schedules that have not come, by name.
func (w *World) Calendar() map[string]time.Time {
	w.dates.mu.Lock()
	defer w.dates.mu.Unlock()
	return maps.Clone(w.dates.due)
}

// RestoreCalendar brings back what Calendar gave. Schedules whose time has come meanwhile are delivered once schedules run.
func (w *World) RestoreCalendar(due map[string]time.Time) {
	w.dates.mu.Lock()
	defer w.dates.mu.Unlock()
	w.dates.due = maps.Clone(due)
}

// runCalendar delivers each one-time schedule at its time, or as soon as it can after it, until ctx is done.
func (w *World) runCalendar(ctx context.Context) {
	for ctx.Err() == nil {
		if name, at, come := w.await(ctx); come {
			w.deliver(ctx, name, at)
		}
	}
}

// await waits for the time of the earliest schedule; false if the schedules change meanwhile, or ctx is done.
func (w *World) await(ctx context.Context) (name string, at time.Time, come bool) {
	unchanged, end, name, at := w.dates.next(ctx)
	defer end()
	if name == "" {
		<-unchanged.Done()
		return name, at, false
	}
	return name, at, w.options.Clock.Sleep(unchanged, at.Sub(w.options.Clock.Now())) == nil
}

// DeliverSchedules delivers the one-time schedules whose time has come, and gives their names: for who sets the clock forward while no
// schedules run.
func (w *World) DeliverSchedules(ctx context.Context) (names []string) {
	for name, at := range w.Calendar() {
		if !at.After(w.options.Clock.Now()) {
			w.deliver(ctx, name, at)
			names = append(names, name)
		}
	}
	return names
}

// deliver invokes the function that looks after what is due, and then forgets the schedule. One whose invocation this process doesn't
// outlive is delivered again; for one that fails there is the function's own schedule.
func (w *World) deliver(ctx context.Context, name string, at time.Time) {
	_, err := w.Invoke(ctx, catalog.Due.Name, json.RawMessage("{}"))
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		w.options.Log.Warn("a one-time schedule's invocation failed", "schedule", name, "error", err.Error())
	}
	err = w.dates.change(func(due map[string]time.Time) {
		if due[name].Equal(at) { // it was not moved
			delete(due, name)
		}
	})
	if err != nil {
		w.options.Log.Warn("a one-time schedule stays", "schedule", name, "error", err.Error())
		_ = w.options.Clock.Sleep(ctx, time.Minute) // its end is seen by who called
	}
}
