package signup

import (
	"context"
	"errors"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/steps/decision"
	"github.com/project-gimbal/fleet/internal/steps/ending"
	"github.com/project-gimbal/fleet/internal/store"
)

// Expire ends the signups that nobody decided on within bounds.Decide: their slugs are free, and their applicants are told. One that
// is approved waits for as long as its slot takes. It also erases the applicants of signups that came to nothing who could not surely be
// told, after bounds.Applicant. It may run at any time, any number of times at once; one that fails holds up no other.
func Expire(Deps) step.Event {
	return func(ctx context.Context, env step.Env) error {
		now := env.Clock.Now()
		waiting, failed := env.Store.Signups(ctx, fleet.Requested) // those that decode come in any case
		kept, lost := env.Store.Forgettable(ctx, now)
		all := []error{failed, lost}
		for _, sweep := range []struct {
			listed []fleet.Signup
			due    func(fleet.Signup) bool
			change func(tx *store.Tx, s *fleet.Signup, request string) error
		}{
			{waiting, func(s fleet.Signup) bool { return s.Status == fleet.Requested && !now.Before(decision.Deadline(s)) }, decision.Expire},
			{kept, func(s fleet.Signup) bool { return !s.ForgetAt.IsZero() && !now.Before(s.ForgetAt) }, ending.Forget},
		} {
			for _, s := range sweep.listed {
				if !sweep.due(s) {
					continue
				}
				if !step.HasTime(ctx, env.Clock, bounds.Call) {
					return errors.Join(all...) // the next invocation goes on from here
				}
				all = append(all, env.Store.Update(ctx, s.InstanceID, func(tx *store.Tx) error {
					there, err := tx.Signup()
					if err != nil || there == nil || !sweep.due(*there) {
						return err // decided, or swept, since it was listed
					}
					return sweep.change(tx, there, env.Request)
				}))
			}
		}
		return errors.Join(all...)
	}
}
