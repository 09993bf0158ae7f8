package frontend

import (
	"context"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/step"
)

// Pause has Vercel serve the frontend no more, and sees that it doesn't. The host leads elsewhere by then, so no visitor is answered by
// Vercel's error. A replay finds it paused.
func Pause(d Deps) step.Func { return d.pause(fleet.Stopped) }

// Unpause has Vercel serve the frontend again, and sees that it does, before the host leads there. A replay finds it unpaused.
func Unpause(d Deps) step.Func { return d.pause(fleet.Serving) }

func (d Deps) pause(to fleet.Setting) step.Func {
	set := map[fleet.Setting]func(context.Context, string) error{fleet.Stopped: d.Vercel.Pause, fleet.Serving: d.Vercel.Unpause}[to]
	return func(ctx context.Context, run *step.Run) error {
		name := fleet.ResourceName(run.Instance.ID)
		project, err := run.Ledger(ctx, fleet.VercelProject, name)
		if err != nil {
			return err
		}
		err = run.Switch(ctx, step.Switch{Kind: fleet.FrontendPause, Name: name, To: to, In: d.Project(run, name),
			Apply: func(ctx context.Context, _ string) error { return set(ctx, project.ID) }})
		if err != nil {
			return err
		}
		return run.Poll(ctx, "the frontend", func(ctx context.Context) (bool, error) {
			paused, err := d.Vercel.Paused(ctx, project.ID)
			if provider.NotFound(err) && to == fleet.Stopped { // removed by hand, as the switch found
				return true, nil
			}
			return paused == (to == fleet.Stopped), err
		})
	}
}
