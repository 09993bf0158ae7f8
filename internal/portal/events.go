package portal

import (
	"time"

	"github.com/project-gimbal/fleet/internal/asl"
)

// eventsShown is how many events of a history a page shows.
const eventsShown = 500

// eventRow is an event of a history.
type eventRow struct {
	asl.Event
	// After is since the execution's start.
	After time.Duration
	// State is the one it belongs to; empty for the execution's own. Says is its error.
	State, Says string
}

// rows are the newest events, and how many older ones there are.
func (h history) rows(started time.Time) (rows []eventRow, left int) {
	left = max(0, len(h.events)-eventsShown)
	for _, e := range h.events[left:] {
		rows = append(rows, eventRow{e, e.Timestamp.Sub(started), h.states[h.of[e.ID]], says(e)})
	}
	return rows, left
}

// says is an event's error, with its cause.
func says(e asl.Event) string {
	failed := func(name, cause string) string {
		if cause = why(cause); cause != "" {
			return name + ": " + cause
		}
		return name
	}
	for _, d := range []*asl.FailureDetails{e.ExecutionFailed, e.ExecutionTimedOut, e.ExecutionAborted} {
		if d != nil {
			return failed(d.Error, d.Cause)
		}
	}
	for _, d := range []*asl.TaskFailedDetails{e.TaskFailed, e.TaskTimedOut} {
		if d != nil {
			return failed(d.Error, d.Cause)
		}
	}
	return ""
}
