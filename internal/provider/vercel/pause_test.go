package vercel_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/vercel"
)

func TestPause(t *testing.T) {
	inWorld(t, "", nil, func(w *world) {
		p, other := w.project("acme"), w.project("other")
		for _, step := range []struct {
			name string
			set  func(context.Context, string) error
			want bool
		}{
			{"new", func(context.Context, string) error { return nil }, false},
			{"unpaused though it wasn't paused", w.client.Unpause, false},
			{"paused", w.client.Pause, true},
			{"paused again", w.client.Pause, true},
			{"unpaused", w.client.Unpause, false},
			{"paused once more", w.client.Pause, true},
		} {
			if err := step.set(w.attempt(), p.ID); err != nil {
				w.Errorf("%s: %v", step.name, err)
			}
			if paused, err := w.client.Paused(w.Context(), p.ID); err != nil || paused != step.want {
				w.Errorf("%s: paused %v, %v", step.name, paused, err)
			}
		}
		if paused, err := w.client.Paused(w.Context(), other.ID); err != nil || paused {
			w.Errorf("another project: paused %v, %v", paused, err)
		}
		if err := w.client.Pause(w.attempt(), "prj_none"); !fault.Is(err, fault.Rejected) || !fault.NothingHappened(err) {
			w.Errorf("one that isn't there: %v", err)
		}
		if _, err := w.client.Paused(w.Context(), "prj_none"); !provider.NotFound(err) {
			w.Errorf("one that isn't there: %v", err)
		}
		if _, err := w.client.Paused(w.Context(), "acme"); !fault.Is(err, fault.Rejected) {
			w.Errorf("by name: %v", err)
		}
	})
}

// TestLostPauseIsSeen: a pause whose answer was lost has happened, and can be seen and undone.
func TestLostPauseIsSeen(t *testing.T) {
	inWorld(t, "vercel.PauseProject=lost", nil, func(w *world) {
		p := w.project("acme")
		if err := w.client.Pause(w.attempt(), p.ID); !fault.Is(err, fault.Unavailable) || fault.NothingHappened(err) {
			w.Errorf("a lost answer: %v", err)
		}
		if paused, err := w.client.Paused(w.Context(), p.ID); err != nil || !paused {
			w.Errorf("paused %v, %v", paused, err)
		}
	})
}

func TestPausedIsAboutTheProjectAsked(t *testing.T) {
	client := vercel.New(settings(clock.System(), roundTrip(func(*http.Request) (*http.Response, error) {
		return answer(200, `{"id":"prj_2","name":"other","paused":true}`), nil
	})))
	if _, err := client.Paused(t.Context(), "prj_1"); !fault.Is(err, fault.Rejected) {
		t.Errorf("an answer about another project: %v", err)
	}
}
