package overdue

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store"
)

// instances finds what is overdue about instances on which nothing runs.
func (s *sweep) instances(ctx context.Context) error {
	return s.env.Store.EachInstance(ctx, fleet.SweptStates(), func(i fleet.Instance) error {
		for _, f := range s.about(i) {
			s.add(f)
		}
		return errors.Join(s.end(ctx, i), s.unfinished(ctx, i))
	})
}

// about are the findings about an instance by its record alone.
func (s *sweep) about(i fleet.Instance) (found []finding) {
	note := func(what, reason, next string) {
		found = append(found, finding{whose: i.ID, cause: prefix + what, reason: reason, next: next, still: func(tx *store.Tx) (bool, error) {
			now, err := tx.Instance()
			return err == nil && now != nil && slices.ContainsFunc(s.about(*now), func(f finding) bool { return f.cause == prefix+what }), err
		}})
	}
	if i.Hold != nil && s.past(i.Hold.Since, bounds.Held) {
		note("hold", says("a legal hold stands since %s", since(i.Hold.Since)), "ask whether it still must; if not: fleetctl lift "+i.ID+" --why TEXT")
	}
	if i.Operation != "" { // which has a deadline of its own
		return found
	}
	if idle(i) && i.Unfinished == "" && s.past(latest(i.CreatedAt, i.Progress.Deadline), bounds.Mended) {
		note("idle", says("it is %s, and nothing runs on it", i.State), "fleetctl retry "+i.ID)
	}
	if u := i.Suspension; !i.Decommission.Open() && u != nil && s.past(u.Since, bounds.Suspended) {
		note("suspension", says("it is suspended for %s since %s", u.Reason, since(u.Since)), "decide what becomes of it: fleetctl resume "+i.ID+", or fleetctl decommission "+i.ID)
	}
	return found
}

// idle reports whether an instance is in a state that lasts only while an operation runs.
func idle(i fleet.Instance) bool {
	return i.State == fleet.Provisioning || i.State == fleet.Maintenance
}

// end finds a decommission whose stage is over, and that doesn't go on. A notice doesn't of which its customer was not told: what is wrong
// about its message is told by that.
func (s *sweep) end(ctx context.Context, i fleet.Instance) error {
	late := func(i *fleet.Instance, messages func() ([]fleet.Message, error)) (bool, error) {
		if i == nil || i.Operation != "" || i.Hold != nil || !i.Decommission.Open() || !s.past(dueOf(*i.Decommission), bounds.Came) {
			return false, nil
		}
		if i.Decommission.Stage != fleet.InNotice {
			return true, nil
		}
		all, err := messages()
		return i.Decommission.Told(all), err
	}
	found, err := late(&i, func() ([]fleet.Message, error) { return s.env.Store.Messages(ctx, i.ID) })
	if err != nil || !found || s.hasOpen(i.ID, fleet.IncidentTerminationHeld) {
		return err
	}
	d := i.Decommission
	s.add(finding{whose: i.ID, cause: prefix + "end", reason: says("its decommission is in stage %s, which was over at %s", d.Stage, since(dueOf(*d))),
		next: "look for the errors of due: fleetctl logs " + i.ID + "; or take it back: fleetctl decommission " + i.ID + " --cancel", still: func(tx *store.Tx) (bool, error) {
			now, err := tx.Instance()
			if err != nil {
				return false, err
			}
			return late(now, tx.Messages)
		}})
	return nil
}

// dueOf is when a decommission's stage is over.
func dueOf(d fleet.Decommission) time.Time {
	if d.Stage == fleet.InNotice || d.Stage == fleet.InClosing {
		return d.NoticeEnds
	}
	return d.GraceEnds
}

// unfinished finds an operation that ended dirty, and that nobody goes on with.
func (s *sweep) unfinished(ctx context.Context, i fleet.Instance) error {
	if i.Unfinished == "" || i.Operation != "" {
		return nil
	}
	o, err := s.env.Store.Operation(ctx, i.ID, i.Unfinished)
	if err != nil || o == nil || !s.past(o.EndedAt, bounds.Mended) {
		return err
	}
	s.add(finding{whose: i.ID, cause: prefix + "unfinished", reason: says("operation %s ended dirty at %s, and nobody went on with it: %s", o.ID, since(o.EndedAt), o.Progress.Reason),
		next: "mend the cause, then: fleetctl retry " + i.ID, still: func(tx *store.Tx) (bool, error) {
			now, err := tx.Instance()
			return err == nil && now != nil && now.Unfinished == i.Unfinished && now.Operation == "", err
		}})
	return nil
}

// ends finds what of an end's calendar didn't come although its instance is TERMINATED: its take-down isn't done.
func (s *sweep) ends(ctx context.Context) error {
	due, err := s.env.Store.Due(ctx, s.now.Add(-bounds.Came))
	if err != nil {
		return err
	}
	for _, d := range due {
		i, err := s.env.Store.Instance(ctx, d.InstanceID)
		if err != nil {
			return err
		}
		if i == nil || i.State != fleet.Terminated || i.Operation != "" {
			continue
		}
		s.add(finding{whose: i.ID, cause: prefix + "end", reason: says("it is TERMINATED, and its end was due at %s, and isn't proved: %s", since(d.At), i.Progress.Reason),
			next: "mend the cause, then: fleetctl retry " + i.ID, still: func(tx *store.Tx) (bool, error) {
				now, err := tx.Instance()
				return err == nil && now != nil && now.Operation == "" && now.Decommission.Open(), err
			}})
	}
	return nil
}

// hasOpen reports whether an instance has an open incident of a kind, which tells why it waits.
func (s *sweep) hasOpen(id string, code fleet.IncidentKind) bool {
	return slices.ContainsFunc(s.open, func(i fleet.Incident) bool { return i.InstanceID == id && i.Code == code })
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
