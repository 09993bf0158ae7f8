// Package ending is how a signup comes to nothing: rejected, expired or failed. Its applicant is told, and what they told of
// themselves is erased then.
package ending

import (
	"errors"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store"
)

// Refuse ends, in somebody's name, a signup for which nothing was made: to is Rejected or Expired. Its slug is free.
func Refuse(tx *store.Tx, s *fleet.Signup, to fleet.SignupStatus, reason, by string) error {
	claim, err := tx.Claim(s.Slug)
	if err != nil {
		return err
	}
	if claim != nil && claim.InstanceID == s.InstanceID {
		tx.FreeClaim(s.Slug)
	}
	s.DecidedAt, s.DecidedBy = tx.Now(), by
	return end(tx, s, to, reason)
}

// Fail ends a signup whose instance was taken down clean. One of which something is left may still be retried, and is not ended.
func Fail(tx *store.Tx, s *fleet.Signup, reason string) error {
	return end(tx, s, fleet.Failed, reason)
}

func end(tx *store.Tx, s *fleet.Signup, to fleet.SignupStatus, reason string) error {
	word := map[fleet.SignupStatus]string{fleet.Rejected: fleet.SignupRejected, fleet.Expired: fleet.SignupExpired, fleet.Failed: fleet.SignupFailed}[to]
	s.Status, s.Reason, s.ForgetAt = to, reason, tx.Now().Add(bounds.Applicant)
	return errors.Join(tx.Intend(word, "applicant"), tx.PutSignup(s))
}

// Forget erases the applicant's sealed data.
func Forget(tx *store.Tx, s *fleet.Signup, request string) error {
	s.Applicant, s.ForgetAt = nil, time.Time{}
	tx.Audit(fleet.AuditEntry{ID: "signup/applicant-erased", Actor: "fleet", Action: "signup.applicant_erased", Subject: "signup",
		Outcome: "ok", Request: request})
	return tx.PutSignup(s)
}
