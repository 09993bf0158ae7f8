package world

import (
	"context"
	"slices"
	"time"

	"github.com/project-gimbal/fleet/internal/step"
)

// surroundings are this machine's: the schedules that RunSchedules runs, no queue of dead letters, since what fails here is
// logged and gone, and credentials that came all at once.
type surroundings struct {
	world *World
	life  *life
}

func (s surroundings) Schedules(context.Context) ([]string, error) {
	if err := s.life.alive(); err != nil {
		return nil, err
	}
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	return slices.Clone(s.world.scheduled), nil
}

func (s surroundings) DeadLetters(context.Context) (int, error) { return 0, s.life.alive() }

func (s surroundings) CredentialChanged(_ context.Context, name string) (time.Time, error) {
	if _, known := s.world.options.Credentials[name]; !known {
		return time.Time{}, s.life.alive()
	}
	return s.world.options.CredentialsSince, s.life.alive()
}

// surround gives an invocation its surroundings.
func (w *World) surround(l *life) step.Surroundings {
	var s step.Surroundings = surroundings{w, l}
	if w.options.Hooks.Surroundings != nil {
		s = w.options.Hooks.Surroundings(s)
	}
	return s
}

// runs notes that a schedule runs, or no longer does.
func (w *World) runs(function string, now bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now {
		w.scheduled = append(w.scheduled, function)
		return
	}
	w.scheduled = slices.DeleteFunc(w.scheduled, func(name string) bool { return name == function })
}
