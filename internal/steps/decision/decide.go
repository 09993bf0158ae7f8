// Package decision is what becomes of a signup that waits: approved or rejected by an operator or by Fleet itself, or expired. It
// holds the links by which operators decide out of their mail, too.
package decision

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/steps/ending"
	"github.com/project-gimbal/fleet/internal/store"
)

// Deadline is when a signup that nobody has decided on expires.
func Deadline(s fleet.Signup) time.Time { return s.RequestedAt.Add(bounds.Decide) }

// MaxReason is how many characters an operator's reason has at most.
const MaxReason = 500

// Decide approves or rejects a waiting signup in somebody's name, once: a second decision of the same kind changes nothing, another
// one is a 409 fault, and so is one that comes after the deadline, swept or not. A rejection frees the slug and writes the word
// to the applicant; what asked operators to decide is withdrawn.
func Decide(ctx context.Context, env step.Env, id, by string, to fleet.SignupStatus, reason string) error {
	if !fleet.IsInstanceID(id) {
		return unknown()
	}
	return env.Store.Update(ctx, id, func(tx *store.Tx) error {
		s, err := tx.Signup()
		switch {
		case err != nil:
			return err
		case s == nil:
			return unknown()
		case s.Status == to, to == fleet.Approved && (s.Status == fleet.Admitted || s.Status == fleet.Completed):
			return nil // decided so already
		case s.Status != fleet.Requested:
			return httpapi.Refuse(http.StatusConflict, fault.Conflict, "the signup is "+string(s.Status)+" and can't become "+string(to))
		case !tx.Now().Before(Deadline(*s)):
			return httpapi.Refuse(http.StatusConflict, fault.Conflict, "the signup waited for too long and expires: whoever still wants an instance signs up again")
		}
		tx.Audit(decided(by, to, env.Request))
		if to == fleet.Rejected {
			return errors.Join(tx.Withdraw(fleet.DecisionWanted), ending.Refuse(tx, s, to, reason, by))
		}
		s.Status, s.DecidedAt, s.DecidedBy = to, tx.Now(), by
		return errors.Join(tx.Withdraw(fleet.DecisionWanted), tx.PutSignup(s))
	})
}

func decided(by string, to fleet.SignupStatus, request string) fleet.AuditEntry {
	return fleet.AuditEntry{ID: "signup/decided", Actor: by, Action: "signup.decided", Subject: "signup", Outcome: string(to), Request: request}
}

// expiry is who decides on what nobody has decided on.
const expiry = "fleet:expiry"

// Expire ends a signup that nobody decided on.
func Expire(tx *store.Tx, s *fleet.Signup, request string) error {
	tx.Audit(decided(expiry, fleet.Expired, request))
	return errors.Join(tx.Withdraw(fleet.DecisionWanted), ending.Refuse(tx, s, fleet.Expired, "nobody decided on it in time", expiry))
}

func unknown() error {
	return httpapi.Refuse(http.StatusNotFound, fault.Rejected, "there is no such signup")
}
