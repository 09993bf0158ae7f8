package operation

import (
	"cmp"
	"context"
	"net/http"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/steps/ending"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/view"
)

// cancelledSignup is why a signup is rejected that waited when it was cancelled.
const cancelledSignup = "cancelled"

// Cancel ends what is on its way to an instance: an approved signup that waits for its slot becomes REJECTED and its slug is free; a
// provisioning is taken over and taken down; a suspension, or a resumption, that runs is undone; an export is given up; an import
// is stopped, and one that ended dirty given up for good, once. 202, and again 202 for what was cancelled before; 409, which says what to do instead, for everything else. A freeze doesn't hold it back.
func Cancel(Deps) step.API {
	return httpapi.Operators(func(ctx context.Context, env step.Env, r httpapi.Request) (int, any, error) {
		answer, err := cancel(ctx, env, r)
		return http.StatusAccepted, answer, err
	})
}

func cancel(ctx context.Context, env step.Env, r httpapi.Request) (view.Operation, error) {
	if !fleet.IsInstanceID(r.ID) {
		return view.Operation{}, unknown()
	}
	status, err := cancelSignup(ctx, env, r)
	if err != nil || status == fleet.Rejected {
		return view.Operation{Signup: status}, err
	}
	for range 3 { // a run that another one takes over meanwhile is read again
		o, err := cancelRun(ctx, env, r)
		if err == nil {
			return Told(*o), nil
		}
		if !fault.Is(err, fault.StaleEpoch) {
			return view.Operation{}, err
		}
	}
	return view.Operation{}, fault.New(fault.Unavailable, "its runs took each other over three times")
}

// cancelSignup rejects an approved signup. It gives the status: REJECTED, or that of a signup which has an operation.
func cancelSignup(ctx context.Context, env step.Env, r httpapi.Request) (status fleet.SignupStatus, err error) {
	err = env.Store.Update(ctx, r.ID, func(tx *store.Tx) error {
		s, err := tx.Signup()
		if err != nil {
			return err
		}
		if s == nil {
			return unknown()
		}
		status = s.Status
		switch s.Status {
		case fleet.Approved:
		case fleet.Requested:
			return httpapi.Conflict("the signup waits for a decision: reject it instead")
		case fleet.Rejected:
			if s.Reason != cancelledSignup {
				return httpapi.Conflict("the signup was rejected: there is nothing to cancel")
			}
			return nil
		case fleet.Expired:
			return httpapi.Conflict("the signup expired: there is nothing to cancel")
		default:
			return nil
		}
		status = fleet.Rejected
		tx.Audit(fleet.AuditEntry{ID: "signup/cancelled", Actor: r.Operator, Action: "signup.cancelled", Subject: "signup",
			Outcome: string(fleet.Rejected), Request: env.Request})
		return ending.Refuse(tx, s, fleet.Rejected, cancelledSignup, r.Operator)
	})
	return status, err
}

// cancelRun cancels what runs on an instance, or its provisioning.
func cancelRun(ctx context.Context, env step.Env, r httpapi.Request) (*fleet.Operation, error) {
	instance, err := env.Store.Instance(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	if instance == nil {
		return nil, fault.New(fault.Internal, "there is no instance")
	}
	o, err := env.Store.Operation(ctx, r.ID, cmp.Or(instance.Operation, instance.Unfinished, fleet.ProvisionID(r.ID)))
	if err != nil {
		return nil, err
	}
	if o != nil && o.Kind == fleet.TakeIn {
		return cancelImport(ctx, env, r, *o)
	}
	if o != nil && o.Kind.Ends() {
		return nil, httpapi.Conflict("it is being decommissioned: cancel that, which is possible until it is TERMINATED")
	}
	if o != nil && o.Kind == fleet.MakeExport {
		return cancelExport(ctx, env, r, *o)
	}
	if o != nil && o.Kind.Course().From != "" {
		return cancelSwitching(ctx, env, r, *o)
	}
	if o, err = env.Store.Operation(ctx, r.ID, fleet.ProvisionID(r.ID)); err == nil && o == nil {
		err = fault.New(fault.Internal, "there is no provisioning")
	}
	if err != nil {
		return nil, err
	}
	return cancelProvisioning(ctx, env, r, instance, o)
}

// cancelExport gives an export up: it has changed nothing at any vendor, and what it wrote is no export.
func cancelExport(ctx context.Context, env step.Env, r httpapi.Request, o fleet.Operation) (*fleet.Operation, error) {
	err := env.Store.Update(ctx, r.ID, func(tx *store.Tx) error {
		instance, now, err := read(tx, o.ID)
		if err != nil {
			return err
		}
		if o = *now; !o.Running() {
			return httpapi.Conflict("the export has ended already")
		}
		if err := quit(tx, env, instance, now, r.Operator); err != nil {
			return err
		}
		o = *now
		return tx.PutInstance(instance)
	})
	return &o, err
}

// cancelSwitching undoes a suspension or a resumption. One that is being undone goes on, and its run is told.
func cancelSwitching(ctx context.Context, env step.Env, r httpapi.Request, o fleet.Operation) (*fleet.Operation, error) {
	if o.Phase == fleet.Undoing {
		return &o, env.Executions.Start(ctx, o.Workflow(), o.Execution(), o.Input())
	}
	out, err := undo(ctx, env, o.Input(), step.Cause{Error: fleet.Cancelled}, r.Operator)
	if err != nil || out.begun != nil {
		return out.begun, err
	}
	return nil, httpapi.Conflict("it is done: the instance is " + string(out.state) + " already")
}

// cancelProvisioning takes a provisioning down. One that is being taken down goes on, and its run is told.
func cancelProvisioning(ctx context.Context, env step.Env, r httpapi.Request, instance *fleet.Instance, o *fleet.Operation) (*fleet.Operation, error) {
	switch {
	case instance.State == fleet.Terminated && o.Failure == fleet.Cancelled:
		return o, nil
	case o.Running() && o.Phase == fleet.TakingDown: // by an earlier cancel perhaps, that died before it started the execution
		return o, env.Executions.Start(ctx, o.Workflow(), o.Execution(), o.Input())
	case instance.State == fleet.Terminated:
		return nil, httpapi.Conflict("the instance is TERMINATED already: nothing is left to cancel")
	case instance.State != fleet.Provisioning:
		return nil, tooLate(instance.State)
	case !o.Running():
		return nil, httpapi.Conflict("its take-down ended and left something behind: mend the cause at the vendor, then retry")
	}
	state, err := Teardown(ctx, env, o.Input(), step.Cause{Error: fleet.Cancelled}, r.Operator)
	if err != nil {
		return nil, err
	}
	if state != fleet.Provisioning {
		return nil, tooLate(state)
	}
	return env.Store.Operation(ctx, r.ID, o.ID)
}

func tooLate(state fleet.State) error {
	return httpapi.Conflict("the instance is " + string(state) + ": only what is not active yet can be cancelled; a live instance ends by its termination")
}
