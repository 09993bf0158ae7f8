package overdue

import (
	"context"
	"errors"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/steps/decision"
	"github.com/project-gimbal/fleet/internal/store"
)

// signups finds those that should have been ended, or admitted.
func (s *sweep) signups(ctx context.Context) error {
	requested, failed := s.env.Store.Signups(ctx, fleet.Requested)
	for _, r := range requested {
		if s.past(decision.Deadline(r), bounds.Came) {
			s.add(finding{whose: r.InstanceID, cause: prefix + "decision", reason: says("the time for its decision was over at %s, and it isn't expired", since(decision.Deadline(r))),
				next: "look for the errors of expire-signups, and at its schedule: fleetctl doctor", still: isStill(fleet.Requested)})
		}
	}
	approved, err := s.env.Store.Signups(ctx, fleet.Approved)
	for _, a := range approved {
		if s.past(a.DecidedAt, bounds.Admitted) {
			s.add(finding{whose: a.InstanceID, cause: prefix + "admission", reason: says("it was approved at %s, and its provisioning hasn't begun", since(a.DecidedAt)),
				next: "see what it waits for, and what is frozen: fleetctl list; then thaw that, or raise the slots", still: isStill(fleet.Approved)})
		}
	}
	return errors.Join(failed, err)
}

func isStill(status fleet.SignupStatus) func(tx *store.Tx) (bool, error) {
	return func(tx *store.Tx) (bool, error) {
		now, err := tx.Signup()
		return err == nil && now != nil && now.Status == status, err
	}
}

// rechecks finds those that nobody made. A suspended instance's, and a held one's, wait for as long as it is that.
func (s *sweep) rechecks(ctx context.Context) error {
	ids, err := s.env.Store.RecheckDue(ctx, s.now.Add(-bounds.Came))
	for _, id := range ids {
		i, lost := s.env.Store.Instance(ctx, id)
		if err = errors.Join(err, lost); i == nil || i.State == fleet.Suspended || i.Hold != nil || s.hasOpen(id, fleet.IncidentRecheckFailed) {
			continue
		}
		s.add(finding{whose: id, cause: prefix + "recheck", reason: "whether a stray resource is left was to be looked at more than a day ago, and wasn't",
			next: "while anything is frozen or down no look is made: fleetctl doctor, and fleetctl list for what is frozen"})
	}
	return err
}

// forgettable finds the applicants whose data should be erased.
func (s *sweep) forgettable(ctx context.Context) error {
	kept, err := s.env.Store.Forgettable(ctx, s.now.Add(-bounds.Came))
	for _, k := range kept {
		s.add(finding{whose: k.InstanceID, cause: prefix + "applicant", reason: says("the applicant's data were to be erased at %s, and are still there", since(k.ForgetAt)),
			next: "look for the errors of expire-signups, and at its schedule: fleetctl doctor", still: func(tx *store.Tx) (bool, error) {
				now, err := tx.Signup()
				return err == nil && now != nil && !now.ForgetAt.IsZero(), err
			}})
	}
	return err
}

// messages finds those of the outbox that go on waiting.
func (s *sweep) messages(ctx context.Context) error {
	outbox, err := s.env.Store.Outbox(ctx)
	for _, m := range outbox {
		if s.past(m.IntendedAt, bounds.Unsent) {
			s.add(finding{whose: m.InstanceID, cause: prefix + "message-" + m.ID, reason: says("message %s is to be sent since %s", m.ID, since(m.IntendedAt)),
				next: "while SendGrid is frozen or down nothing is sent: fleetctl doctor, and fleetctl list for what is frozen", still: func(tx *store.Tx) (bool, error) {
					now, err := tx.Message(m.ID)
					return err == nil && now != nil && !now.Done(), err
				}})
		}
	}
	return err
}

// freezes finds those that somebody may have forgotten.
func (s *sweep) freezes(ctx context.Context) error {
	all, err := s.env.Store.Freezes(ctx)
	for _, f := range all {
		if s.past(f.Since, bounds.Frozen) {
			s.add(finding{whose: fleet.FleetID, cause: prefix + "freeze-" + f.Scope, reason: says("%s since %s (%s)", f.What(), since(f.Since), f.Reason),
				next: "ask " + f.By + " whether it still must; if not: fleetctl thaw " + f.Scope})
		}
	}
	return err
}

// comparisons finds the vendors that were not compared with the ledgers for long.
func (s *sweep) comparisons(ctx context.Context) error {
	var failed error
	for _, vendor := range fleet.Vendors() {
		c, err := s.env.Store.Sweep(ctx, vendor)
		failed = errors.Join(failed, err)
		if s.past(latest(c.FirstAt, c.EndedAt), fleet.SweepLate) {
			s.add(finding{whose: fleet.FleetID, cause: prefix + "compare-" + vendor, reason: says("what %s has was compared with the ledgers the last time at %s", vendor, since(latest(c.FirstAt, c.EndedAt))),
				next: "while it is frozen or down it isn't: fleetctl doctor; else look for the errors of compare"})
		}
	}
	return failed
}

// pages finds whether incidents aren't handed to the people on call. What tells of it is seen where one looks, and is handed over with
// the others.
func (s *sweep) pages() error {
	late := 0
	for _, i := range s.open {
		if i.PagedAt.IsZero() && s.past(i.OpenedAt, bounds.Paged) && store.CauseOf(i.ID) != prefix+"paging" {
			late++
		}
	}
	if late > 0 {
		s.add(finding{whose: fleet.FleetID, cause: prefix + "paging", reason: says("%d open incidents were not handed to the people on call within an hour", late),
			next: "look for the errors of page, and at its schedule: fleetctl doctor"})
	}
	return nil
}
