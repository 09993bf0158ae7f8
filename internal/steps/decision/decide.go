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
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/view"
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
		s.Status, s.Reason, s.DecidedAt, s.DecidedBy = to, reason, tx.Now(), by
		if to == fleet.Rejected {
			if err := refuse(tx, s, fleet.SignupRejected); err != nil {
				return err
			}
		}
		tx.Audit(fleet.AuditEntry{ID: "signup/decided", Actor: by, Action: "signup.decided", Subject: "signup",
			Outcome: string(to), Request: env.Request})
		return errors.Join(tx.Withdraw(fleet.DecisionWanted), tx.PutSignup(s))
	})
}

// refuse frees the slug of a signup that becomes nothing, and writes the word to the applicant.
func refuse(tx *store.Tx, s *fleet.Signup, word string) error {
	claim, err := tx.Claim(s.Slug)
	if err != nil {
		return err
	}
	if claim != nil && claim.InstanceID == s.InstanceID {
		tx.FreeClaim(s.Slug)
	}
	return tx.Intend(word, "applicant")
}

// expiry is who decides on what nobody has decided on.
const expiry = "fleet:expiry"

// Expire ends a signup that nobody decided on.
func Expire(tx *store.Tx, s *fleet.Signup, request string) error {
	s.Status, s.Reason, s.DecidedAt, s.DecidedBy = fleet.Expired, "nobody decided on it in time", tx.Now(), expiry
	tx.Audit(fleet.AuditEntry{ID: "signup/decided", Actor: expiry, Action: "signup.decided", Subject: "signup", Outcome: string(fleet.Expired),
		Request: request})
	return errors.Join(refuse(tx, s, fleet.SignupExpired), tx.Withdraw(fleet.DecisionWanted), tx.PutSignup(s))
}

// Forget erases the applicant's sealed data from a signup that the caller writes.
func Forget(tx *store.Tx, s *fleet.Signup, request string) {
	s.Applicant = nil
	tx.Audit(fleet.AuditEntry{ID: "signup/applicant-erased", Actor: "fleet", Action: "signup.applicant_erased", Subject: "signup",
		Outcome: "ok", Request: request})
}

// Progress is how far a signup is. It says nothing personal.
func Progress(ctx context.Context, env step.Env, id string) (view.SignupStatus, error) {
	if !fleet.IsInstanceID(id) {
		return view.SignupStatus{}, unknown()
	}
	s, err := env.Store.Signup(ctx, id)
	if err != nil {
		return view.SignupStatus{}, err
	}
	if s == nil {
		return view.SignupStatus{}, unknown()
	}
	p := view.SignupStatus{ID: s.InstanceID, Slug: s.Slug, Status: s.Status, Reason: s.Reason, NextAction: s.Status.NextAction()}
	if s.Status == fleet.Requested {
		p.Deadline = Deadline(*s)
	}
	if s.Status == fleet.Approved {
		ahead, err := env.Store.Ahead(ctx, *s)
		if err != nil {
			return p, err
		}
		p.Place = ahead + 1
		freezes, frozen := env.Store.Freezes(ctx)
		outages, down := env.Store.Outages(ctx)
		if err := errors.Join(frozen, down); err != nil {
			return p, err
		}
		if fleet.Frozen(freezes, fleet.Vendors()...) != nil || fleet.VendorDown(outages, fleet.Vendors()...) != nil { // what, and why, is for operators
			p.NextAction = "none: new provisionings are held back for now; it begins by itself when that is over and a slot is free"
		}
	}
	i, err := env.Store.Instance(ctx, id)
	if err != nil || i == nil {
		return p, err
	}
	p.State = i.State
	if i.State == fleet.Provisioning {
		p.Deadline = i.Progress.Deadline
	}
	if i.State == fleet.Active {
		p.URL = "https://" + i.Host
	}
	return p, nil
}

func unknown() error {
	return httpapi.Refuse(http.StatusNotFound, fault.Rejected, "there is no such signup")
}
