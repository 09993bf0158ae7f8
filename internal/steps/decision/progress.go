package decision

import (
	"context"
	"errors"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/view"
)

// Progress is how far a signup is, for anybody who has its id. It says nothing personal, and nothing of what is inside Fleet: no
// vendor, no fault. Of one that is complete it says only that, and where the instance is, whose public files show the id.
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
	switch s.Status {
	case fleet.Requested:
		p.Deadline = Deadline(*s)
	case fleet.Approved:
		return queued(ctx, env, *s, p)
	case fleet.Admitted:
		return provisioned(ctx, env, p)
	case fleet.Completed:
		return completed(ctx, env, p)
	case fleet.Failed:
		p.Reason, p.State = "setting it up failed; what was begun for it is removed", fleet.Terminated
	case fleet.Rejected, fleet.Expired:
	}
	return p, nil
}

// queued adds what an approved signup waits for.
func queued(ctx context.Context, env step.Env, s fleet.Signup, p view.SignupStatus) (view.SignupStatus, error) {
	ahead, listed := env.Store.Ahead(ctx, s)
	freezes, frozen := env.Store.Freezes(ctx)
	outages, down := env.Store.Outages(ctx)
	if err := errors.Join(listed, frozen, down); err != nil {
		return p, err
	}
	p.Place = ahead + 1
	if fleet.Frozen(freezes, fleet.Vendors()...) != nil || fleet.VendorDown(outages, fleet.Vendors()...) != nil { // what, and why, is for operators
		p.NextAction = "none: new provisionings are held back for now; it begins by itself when that is over and a slot is free"
	}
	return p, nil
}

// provisioned adds how an admitted signup's instance is doing. Where that is taken down, it says so, and who goes on with it.
func provisioned(ctx context.Context, env step.Env, p view.SignupStatus) (view.SignupStatus, error) {
	i, err := env.Store.Instance(ctx, p.ID)
	if err != nil || i == nil {
		return p, err
	}
	p.State = i.State
	o, err := env.Store.Operation(ctx, p.ID, fleet.ProvisionID(p.ID))
	switch {
	case err != nil:
		return p, err
	case o == nil || o.Phase != fleet.TakingDown:
		p.Deadline = i.Progress.Deadline
	case o.Running() || i.Waits != "":
		p.Reason, p.NextAction = "setting it up failed", "none: what was begun for it is removed by itself; then the applicant is told"
	default:
		p.Reason, p.NextAction = "setting it up failed", "an operator sees to what is left of it; then the applicant is told"
	}
	return p, nil
}

func completed(ctx context.Context, env step.Env, p view.SignupStatus) (view.SignupStatus, error) {
	p.NextAction = ""
	i, err := env.Store.Instance(ctx, p.ID)
	if err == nil && i != nil && i.State == fleet.Active {
		p.URL = i.Origin()
	}
	return p, err
}
