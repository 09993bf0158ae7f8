package function

import (
	"context"
	"maps"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/objects"
	"github.com/project-gimbal/fleet/internal/objects/objectstest"
)

// TestObjectsAtADistance: a process's stores are as good as any other.
func TestObjectsAtADistance(t *testing.T) {
	r := served(t, Ports{Exports: &objects.Memory{}, Archive: &objects.Memory{}, History: &objects.Memory{}})
	objectstest.Suite(t, remoteObjects{r, "/exports"})
	objectstest.Suite(t, remoteObjects{r, "/archive"})
	objectstest.Suite(t, remoteObjects{r, "/history"})
}

// dates is a calendar in memory.
type dates map[string]time.Time

func (d dates) Set(_ context.Context, name string, at time.Time) error { d[name] = at; return nil }
func (d dates) Delete(_ context.Context, name string) error            { delete(d, name); return nil }

func TestCalendarAtADistance(t *testing.T) {
	calendar, at := dates{}, time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
	there := remoteCalendar{served(t, Ports{Calendar: calendar})}
	for _, name := range []string{"kept", "gone"} {
		if err := there.Set(t.Context(), name, at); err != nil {
			t.Fatal(err)
		}
	}
	if err := there.Delete(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	if !maps.EqualFunc(calendar, dates{"kept": at}, time.Time.Equal) {
		t.Errorf("%v", calendar)
	}
}
