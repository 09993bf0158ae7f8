package approval

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/step/bounds"
)

// auto is who approves in Fleet's own name.
const auto = "fleet:auto-approval"

// Auto approves the waiting signups of the plans that need no operator, the longest waiting first, as long as the vendors have room.
// One that could not be approved within bounds.AutoApproval is a person's: the outbox asks them then.
func Auto(d Deps) step.Event {
	return func(ctx context.Context, env step.Env) error {
		if len(env.Settings.AutoApprove) == 0 {
			return nil
		}
		outages, err := env.Store.Outages(ctx)
		if err != nil || fleet.VendorDown(outages, fleet.Vendors()...) != nil {
			return err // it doesn't tell how much room it has
		}
		waiting, failed := env.Store.Signups(ctx, fleet.Requested)
		var approved []string
		for _, s := range waiting {
			if !slices.Contains(env.Settings.AutoApprove, s.Plan) || !env.Clock.Now().Before(s.RequestedAt.Add(bounds.AutoApproval)) {
				continue
			}
			if !step.HasTime(ctx, env.Clock, bounds.Call) {
				break // the next invocation goes on from here
			}
			err := d.approve(ctx, env, s.InstanceID, auto, approved...)
			f, _ := errors.AsType[*fault.Error](err)
			if f != nil && f.Status == http.StatusConflict {
				env.Log.WarnContext(ctx, "not approved by itself", "instance", s.InstanceID, "code", f.Code, "reason", f.Text)
				if f.Code == fault.QuotaExceeded {
					break // for the others there is no room either
				}
				continue // a person decided meanwhile
			}
			if f != nil && f.Status == http.StatusFailedDependency {
				env.Log.WarnContext(ctx, "not approved by itself yet", "instance", s.InstanceID, "code", f.Code, "reason", f.Text)
				break // a vendor doesn't tell; the next invocation asks again
			}
			if err == nil {
				approved = append(approved, s.InstanceID)
			}
			failed = errors.Join(failed, err)
		}
		return failed
	}
}
