package operation

import (
	"context"
	"errors"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
)

// GoOn goes on with the operations that ended dirty and wait for a vendor which is back, unless something is frozen: then reconcile
// does it after the thaw. It may run at any time, any number of times at once.
func GoOn(ctx context.Context, env step.Env) error {
	waiting, failed := env.Store.Waiting(ctx)
	return errors.Join(failed, goOnWith(ctx, env, waiting))
}

func goOnWith(ctx context.Context, env step.Env, instances []fleet.Instance) (failed error) {
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
