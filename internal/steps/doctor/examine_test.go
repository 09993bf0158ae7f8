package doctor

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/view"
)

// TestAPanicIsNoAnswer: a check that panics, here for want of everything that it asks, is one that could not be made; the
// others, and the process, live on.
func TestAPanicIsNoAnswer(t *testing.T) {
	var log bytes.Buffer
	found := Deps{clock: clock.System()}.examine(t.Context(), slog.New(slog.NewTextHandler(&log, nil)), forAnswer)
	if len(found.Checks) != 21 {
		t.Errorf("%d checks, want 21", len(found.Checks))
	}
	for _, c := range found.Checks {
		if c.Verdict != view.Unchecked || !strings.Contains(c.Found, "broke off") || c.Mend == "" {
			t.Errorf("%+v", c)
		}
	}
	if n := strings.Count(log.String(), "a check panicked"); n != 9 {
		t.Errorf("%d panics are logged, want one for each of the 9 looks:\n%s", n, log.String())
	}
}
