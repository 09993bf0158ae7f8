package step

import (
	"context"
	"encoding/json"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store"
)

// Run is one invocation of one step: what it may use, and what it works on as it was when the step began.
type Run struct {
	Env
	// Name is the state's, such as "CreateProject".
	Name  string
	Input fleet.RunInput

	Instance  fleet.Instance
	Operation fleet.Operation
	Signup    fleet.Signup

	nonce    string
	deadline time.Time // the invocation's hard one
}

// Begin reads what a step works on and checks that the run may go on: its epoch holds and its operation is not overdue.
func Begin(ctx context.Context, env Env, name string, in fleet.RunInput) (*Run, error) {
	if in.InstanceID == "" || in.OperationID == "" || in.Epoch < 1 {
		return nil, fault.New(fault.Internal, "the input lacks instanceId, operationId or epoch")
	}
	r := &Run{Env: env, Name: name, Input: in, nonce: env.Nonce(), deadline: Deadline(ctx, env.Clock)}
	err := env.Store.Update(ctx, in.InstanceID, func(tx *store.Tx) error {
		tx.Prove(in.Epoch)
		instance, err := tx.Instance()
		if err != nil {
			return err
		}
		operation, err := tx.Operation(in.OperationID)
		if err != nil {
			return err
		}
		signup, err := tx.Signup()
		if err != nil {
			return err
		}
		if instance == nil || operation == nil || signup == nil {
			return fault.New(fault.Internal, "no such instance or operation")
		}
		r.Instance, r.Operation, r.Signup = *instance, *operation, *signup
		return nil
	})
	return r, err
}

// Deadline is when the invocation ends at the latest.
func Deadline(ctx context.Context, c clock.Clock) time.Time {
	if at, ok := clock.Deadline(ctx); ok {
		return at
	}
	return c.Now().Add(bounds.Lambda)
}

// Until is when an invocation that leaves the rest to another one begins nothing more: it keeps what the call under way may take, and to
// note how far it came; or half its time if that is short.
func (r *Run) Until(ctx context.Context) time.Time {
	now := r.Clock.Now()
	left := Deadline(ctx, r.Clock).Sub(now)
	return now.Add(left - min(bounds.Call+bounds.Margin, left/2))
}

// Overdue is a fault once the operation's deadline has passed.
func (r *Run) Overdue() error {
	if r.Clock.Now().After(r.Operation.Progress.Deadline) {
		return fault.New(fault.Overdue, "the operation's deadline passed at %s", r.Operation.Progress.Deadline.Format(time.RFC3339))
	}
	return nil
}

// Actor names the step in the audit.
func (r *Run) Actor() string { return "step:" + r.Name }

// Update is Store.Update on the run's instance, on the condition that the run's epoch still holds.
func (r *Run) Update(ctx context.Context, change func(*store.Tx) error) error {
	return r.Store.Update(ctx, r.Input.InstanceID, func(tx *store.Tx) error {
		tx.Prove(r.Input.Epoch)
		return change(tx)
	})
}

// Prove is a StaleEpoch fault unless the run's epoch still holds.
func (r *Run) Prove(ctx context.Context) error {
	return r.Update(ctx, func(*store.Tx) error { return nil })
}

// Audited is an entry of this run about a subject. Its id derives from the change, so that a repeat finds its own.
func (r *Run) Audited(action, subject, outcome string) fleet.AuditEntry {
	return fleet.AuditEntry{ID: r.Input.OperationID + "/" + action + "/" + subject, Actor: r.Actor(), Action: action,
		Subject: subject, Outcome: outcome, Request: r.Request}
}

// Applicant opens the signup's personal data.
func (r *Run) Applicant(ctx context.Context) (fleet.Applicant, error) {
	return OpenApplicant(ctx, r.Env, r.Signup)
}

// OpenApplicant opens a signup's personal data.
func OpenApplicant(ctx context.Context, env Env, s fleet.Signup) (fleet.Applicant, error) {
	var a fleet.Applicant
	plain, err := env.Vault.Open(ctx, s.InstanceID, "applicant", s.Applicant)
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(plain, &a); err != nil {
		return a, &fault.Error{Code: fault.Internal, Text: "the applicant's data does not decode", Err: err}
	}
	return a, nil
}

// Keep stores a secret of the instance, sealed, unless it has one of that name already; it gives the one that counts.
func (r *Run) Keep(ctx context.Context, name string, fresh provider.Secret) (provider.Secret, error) {
	sealed, err := r.Vault.Seal(ctx, r.Input.InstanceID, "secret/"+name, []byte(fresh.Reveal()))
	if err != nil {
		return provider.Secret{}, err
	}
	err = r.Update(ctx, func(tx *store.Tx) error {
		there, err := tx.Secret(name)
		if err != nil || there != nil {
			return err
		}
		return tx.PutSecret(name, sealed)
	})
	if err != nil {
		return provider.Secret{}, err
	}
	return r.Recall(ctx, name)
}

// Recall opens a secret of the instance. One that was never stored is an Internal fault.
func (r *Run) Recall(ctx context.Context, name string) (provider.Secret, error) {
	sealed, err := r.Store.Secret(ctx, r.Input.InstanceID, name)
	if err != nil {
		return provider.Secret{}, err
	}
	if sealed == nil {
		return provider.Secret{}, fault.New(fault.Internal, "the instance has no secret %q", name)
	}
	plain, err := r.Vault.Open(ctx, r.Input.InstanceID, "secret/"+name, sealed)
	return provider.NewSecret(string(plain)), err
}

// Ledger reads an entry that an earlier step must have made.
func (r *Run) Ledger(ctx context.Context, kind fleet.Kind, name string) (fleet.Resource, error) {
	e, err := r.Store.Resource(ctx, r.Input.InstanceID, kind, name)
	if err != nil {
		return fleet.Resource{}, err
	}
	if e == nil || e.ID == "" {
		return fleet.Resource{}, fault.New(fault.Internal, "the ledger holds no %s", kind)
	}
	return *e, nil
}

// Poll asks check until it says done, adaptively: after a second, then in growing steps of up to three, which is what the
// tightest vendor's rate budget bears with several provisionings at once. When bounds.Poll has passed, or too little of the invocation is left, it gives NotReady, so that the state machine tries again.
// A transient fault of check counts as not done; a permanent one ends the poll. Past the operation's deadline it is Overdue.
func (r *Run) Poll(ctx context.Context, what string, check func(ctx context.Context) (bool, error)) error {
	if err := r.Overdue(); err != nil {
		return err
	}
	until := r.Clock.Now().Add(bounds.Poll)
	if last := r.deadline.Add(-bounds.Margin); last.Before(until) {
		until = last
	}
	ctx, cancel := r.Clock.WithTimeout(ctx, until.Sub(r.Clock.Now())) // a check that hangs must not outlast the invocation
	defer cancel()
	for pause := time.Second; ; pause = min(pause*5/4, 3*time.Second) {
		done, err := check(ctx)
		if err == nil && done {
			return nil
		}
		if err != nil && !fault.CodeOf(err).Transient() {
			return err
		}
		if f := asFault(err); f != nil {
			pause = max(pause, f.RetryAfter)
		}
		if r.Clock.Now().Add(pause).After(until) {
			return fault.New(fault.NotReady, "%s is not ready yet", what)
		}
		if err := r.Clock.Sleep(ctx, pause); err != nil {
			return fault.New(fault.NotReady, "%s is not ready yet", what)
		}
	}
}

// HasTime reports whether at least d is left of the invocation that ctx belongs to.
func HasTime(ctx context.Context, c clock.Clock, d time.Duration) bool {
	return Deadline(ctx, c).Sub(c.Now()) >= d
}

// honour holds a Throttled fault back for as long as the vendor asked to be left alone, as far as the invocation's time goes,
// so that the state machine's retry doesn't come too early. It gives err.
func (r *Run) honour(ctx context.Context, err error) error {
	f := asFault(err)
	if f == nil || f.Code != fault.Throttled {
		return err
	}
	left := r.deadline.Sub(r.Clock.Now()) - bounds.Margin
	_ = r.Clock.Sleep(ctx, min(f.RetryAfter, left)) // cut short it is no worse than not waiting
	return err
}
