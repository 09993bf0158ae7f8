package operation

import (
	"context"
	"errors"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
)

// Resume begins the take-downs again that wait for a vendor which is back, unless something is frozen: then reconcile does it after
// the thaw. It may run at any time, any number of times at once.
func Resume(ctx context.Context, env step.Env) error {
	instances, failed := env.Store.Instances(ctx, fleet.Provisioning)
	return errors.Join(failed, resume(ctx, env, instances))
}

func resume(ctx context.Context, env step.Env, instances []fleet.Instance) (failed error) {
	var waiting []fleet.Instance
	for _, i := range instances {
		if i.Waits != "" && i.Operation == "" {
			waiting = append(waiting, i)
		}
	}
	if len(waiting) == 0 {
		return nil
	}
	outages, err := env.Store.Outages(ctx)
	if err != nil {
		return err
	}
	outages = fleet.Holding(outages, env.Clock.Now())
	for _, i := range waiting {
		if fleet.VendorDown(outages, i.Waits) != nil {
			continue
		}
		_, err := retry(ctx, env, i.ID, "fleet", func(now fleet.Instance) bool { return now.Waits != "" })
		if err != nil && !fault.Is(err, fault.Conflict, fault.StaleEpoch) { // frozen, or begun by somebody else meanwhile
			failed = errors.Join(failed, err)
		}
	}
	return failed
}
