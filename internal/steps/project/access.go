package project

import (
	"context"
	"encoding/json"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider/supabase"
	"github.com/project-gimbal/fleet/internal/step"
)

// RefuseSignIn has the project let nobody in, by whatever way, and take the instance's keys no more: from then on nobody reads or writes
// by its HTTP APIs, signed in or not. A replay finds that done.
func RefuseSignIn(d Deps) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		entry, err := Entry(ctx, run)
		if err != nil {
			return err
		}
		if err := run.Switch(ctx, d.signIn(run, entry, fleet.Stopped)); err != nil {
			return err
		}
		return run.Switch(ctx, d.keys(run, entry, fleet.Stopped))
	}
}

// AllowSignIn has the project take its keys again, and let people in by the ways it did before. A replay finds that done.
func AllowSignIn(d Deps) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		entry, err := Entry(ctx, run)
		if err != nil {
			return err
		}
		if err := run.Switch(ctx, d.keys(run, entry, fleet.Serving)); err != nil {
			return err
		}
		return run.Switch(ctx, d.signIn(run, entry, fleet.Serving))
	}
}

func (d Deps) keys(run *step.Run, project fleet.Resource, to fleet.Setting) step.Switch {
	return step.Switch{Kind: fleet.APIKeys, Name: project.Name, To: to, In: d.Resource(run, project.Name), Apply: func(ctx context.Context, _ string) error {
		return d.Projects.SetLegacyKeys(ctx, project.ID, to == fleet.Serving)
	}}
}

func (d Deps) signIn(run *step.Run, project fleet.Resource, to fleet.Setting) step.Switch {
	return step.Switch{Kind: fleet.SignIn, Name: project.Name, To: to, In: d.Resource(run, project.Name),
		Before: func(ctx context.Context) (string, error) {
			ways, err := d.Projects.SignIn(ctx, project.ID)
			if err != nil {
				return "", err
			}
			text, err := json.Marshal(ways)
			return string(text), err
		},
		Apply: func(ctx context.Context, before string) error {
			var ways supabase.SignIn // nobody is let in
			if to == fleet.Serving {
				if err := json.Unmarshal([]byte(before), &ways); err != nil {
					return step.Unsent(&fault.Error{Code: fault.Internal, Text: "how people were let in before can't be read", Err: err})
				}
			}
			return d.Projects.SetSignIn(ctx, project.ID, ways)
		}}
}
