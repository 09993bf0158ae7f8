package world

import (
	"context"
	"maps"
	"time"
)

// calendar are the one-time schedules, as one invocation has them.
type calendar struct {
	world *World
	life  *life
}

func (c calendar) Set(_ context.Context, name string, at time.Time) error {
	return c.life.around(false, func() error {
		c.world.mu.Lock()
		defer c.world.mu.Unlock()
		c.world.due[name] = at
		return nil
	})
}

func (c calendar) Delete(_ context.Context, name string) error {
	return c.life.around(false, func() error {
		c.world.mu.Lock()
		defer c.world.mu.Unlock()
		delete(c.world.due, name)
		return nil
	})
}

// Calendar are the times of the one-time schedules that have not come, by name.
func (w *World) Calendar() map[string]time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.due)
}
