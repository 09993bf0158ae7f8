// Package overdue tells of what waits past its time. What runs past its deadline reconcile tells of; here is all that waits for a person,
// or for something that should have come by itself.
package overdue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store"
)

// Deps is what these functions use: nothing but the Env.
type Deps struct{}

// Open opens nothing.
func Open(step.Env) (Deps, error) { return Deps{}, nil }

// finding is something that has waited for too long.
type finding struct {
	whose  string // an instance's id, or fleet.FleetID
	cause  string // "overdue/…", unique in whose it is
	reason string
	next   string // what a person does
	// still reads once more whether it does, in the change that tells of it; nil where what was read is as good.
	still func(tx *store.Tx) (bool, error)
}

// prefix begins the causes of these incidents.
const prefix = "overdue/"

// Tell makes the open incidents say what waits past its time, an Overdue each, and closes those of what doesn't any more; as well as those
// of runs that have ended. Where something can't be read, none is closed that it may be about. It may run at any time, and twice at once.
func Tell(Deps) step.Event {
	return func(ctx context.Context, env step.Env) error {
		listed, err := env.Store.OpenIncidents(ctx)
		if err != nil {
			return err
		}
		s := sweep{env: env, now: env.Clock.Now(), open: listed}
		failed := errors.Join(s.signups(ctx), s.instances(ctx), s.ends(ctx), s.rechecks(ctx), s.forgettable(ctx), s.messages(ctx), s.freezes(ctx), s.comparisons(ctx), s.pages())
		told := map[[2]string]bool{}
		for _, f := range s.found {
			told[[2]string{f.whose, f.cause}] = true
			failed = errors.Join(failed, s.tell(ctx, f))
		}
		for _, i := range listed {
			cause := store.CauseOf(i.ID)
			switch {
			case i.Code != fleet.IncidentOverdue:
			case strings.HasPrefix(i.ID, runPrefix):
				failed = errors.Join(failed, s.closeRun(ctx, i))
			case strings.HasPrefix(cause, prefix) && failed == nil && !told[[2]string{i.InstanceID, cause}]:
				failed = errors.Join(failed, s.standing(ctx, i.InstanceID, cause, nil))
			}
		}
		return failed
	}
}

// sweep is one invocation's.
type sweep struct {
	env   step.Env
	now   time.Time
	open  []fleet.Incident // of whatever kind
	found []finding
}

func (s *sweep) add(f finding) { s.found = append(s.found, f) }

// past reports whether a time, and so much more, is over.
func (s *sweep) past(at time.Time, more time.Duration) bool {
	return !at.IsZero() && s.now.After(at.Add(more))
}

// tell opens a finding's incident, unless it is open.
func (s *sweep) tell(ctx context.Context, f finding) error {
	if slices.ContainsFunc(s.open, func(i fleet.Incident) bool { return i.InstanceID == f.whose && store.CauseOf(i.ID) == f.cause }) {
		return nil
	}
	return s.standing(ctx, f.whose, f.cause, &f)
}

// standing makes a cause's incident be open where a finding still says so, or else closed.
func (s *sweep) standing(ctx context.Context, whose, cause string, f *finding) error {
	return s.env.Store.Update(ctx, whose, func(tx *store.Tx) error {
		var wanted []fleet.Incident
		if f != nil {
			if f.still != nil {
				if still, err := f.still(tx); err != nil || !still {
					return err
				}
			}
			wanted = append(wanted, fleet.Incident{ID: cause, Code: fleet.IncidentOverdue, Reason: f.reason, NextAction: f.next})
		}
		return tx.Standing(fleet.IncidentOverdue, wanted, func(other string) bool { return other != cause })
	})
}

// runPrefix begins the ids of the incidents by which reconcile tells of runs.
const runPrefix = "overdue-"

// closeRun closes the incident of a run that has ended.
func (s *sweep) closeRun(ctx context.Context, i fleet.Incident) error {
	_, id, ok := fleet.OperationOf(strings.TrimPrefix(i.ID, runPrefix))
	if !ok {
		return nil
	}
	return s.env.Store.Update(ctx, i.InstanceID, func(tx *store.Tx) error {
		o, err := tx.Operation(id)
		if err != nil || o == nil || o.Running() && runPrefix+o.Execution() == i.ID {
			return err
		}
		return tx.CloseIncidentsOf(func(open fleet.Incident) bool { return open.ID == i.ID })
	})
}

// since is a time for people.
func since(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

func says(format string, args ...any) string { return fmt.Sprintf(format, args...) }
