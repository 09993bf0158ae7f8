package signup

import (
	"context"
	"errors"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/steps/decision"
	"github.com/project-gimbal/fleet/internal/store"
)

// Expire ends the signups that nobody decided on within bounds.Decide: their slugs are free, and their applicants are told. One that
// is approved waits for as long as its slot takes. It also erases what is left of refused applicants who could not surely be told,
// after bounds.Applicant. It may run at any time, any number of times at once; one that fails holds up no other.
func Expire(Deps) step.Event {
	return func(ctx context.Context, env step.Env) error {
		now := env.Clock.Now()
		var all []error
		for _, sweep := range []struct {
			status fleet.SignupStatus
			due    func(fleet.Signup) bool
			change func(tx *store.Tx, s *fleet.Signup, request string) error
		}{
			{fleet.Requested, func(s fleet.Signup) bool { return !now.Before(decision.Deadline(s)) }, decision.Expire},
			{fleet.Rejected, func(s fleet.Signup) bool { return forgotten(s, now) }, forget},
			{fleet.Expired, func(s fleet.Signup) bool { return forgotten(s, now) }, forget},
		} {
			listed, err := env.Store.Signups(ctx, sweep.status) // those that decode come in any case
			all = append(all, err)
			for _, s := range listed {
				if !sweep.due(s) {
					continue
				}
				if !step.HasTime(ctx, env.Clock, bounds.Call) {
					return errors.Join(all...) // the next invocation goes on from here
				}
				all = append(all, env.Store.Update(ctx, s.InstanceID, func(tx *store.Tx) error {
					there, err := tx.Signup()
					if err != nil || there == nil || there.Status != sweep.status || !sweep.due(*there) {
						return err // decided, or swept, since it was listed
					}
					return sweep.change(tx, there, env.Request)
				}))
			}
		}
		return errors.Join(all...)
	}
}

// forgotten reports whether a refused applicant's data have been kept for long enough.
func forgotten(s fleet.Signup, now time.Time) bool {
	return len(s.Applicant) > 0 && !now.Before(s.DecidedAt.Add(bounds.Applicant))
}

func forget(tx *store.Tx, s *fleet.Signup, request string) error {
	decision.Forget(tx, s, request)
	return tx.PutSignup(s)
}
