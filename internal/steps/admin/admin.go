// Package admin handles an instance's first user.
package admin

import (
	"context"

	"github.com/google/uuid"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/supabase"
	"github.com/project-gimbal/fleet/internal/schema"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/steps/database"
	"github.com/project-gimbal/fleet/internal/steps/project"
)

// Deps is what these steps use.
type Deps struct {
	Users    *supabase.Client
	database database.Deps
}

// Open makes the clients.
func Open(env step.Env) (Deps, error) {
	inside, err := database.Open(env)
	return Deps{supabase.New(env.Provider), inside}, err
}

// Resource is the instance's administrator, by id.
func (d Deps) Resource(run *step.Run, id string) step.Resource {
	return step.Resource{
		Kind: fleet.AdminUser,
		Name: id,
		Find: func(ctx context.Context, id string) ([]step.Found, error) {
			ref, key, err := access(ctx, run)
			if err != nil {
				return nil, err
			}
			u, there, err := d.Users.User(ctx, ref, key, id)
			if err != nil || !there {
				return nil, err
			}
			return []step.Found{{ID: u.ID}}, nil
		},
		Create: func(ctx context.Context, id string) (step.Found, error) {
			ref, key, err := access(ctx, run)
			if err != nil {
				return step.Found{}, step.Unsent(err)
			}
			applicant, err := run.Applicant(ctx)
			if err != nil {
				return step.Found{}, step.Unsent(err)
			}
			u, err := d.Users.CreateUser(ctx, ref, key, supabase.NewUser{ID: id, Email: applicant.AdminEmail,
				UserMetadata: map[string]any{"name": applicant.AdminName}, AppMetadata: map[string]any{"role": "admin"}})
			return step.Found{ID: u.ID}, err
		},
	}
}

// Create makes the administrator under an id of our own, so that a replay finds exactly that user, and gives it profile and
// role. No mail is sent: the invitation is Fleet's own.
func Create(d Deps) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		applicant, err := run.Applicant(ctx)
		if err != nil {
			return err
		}
		id, err := userID(run.Instance.ID)
		if err != nil {
			return err
		}
		if err := run.Ensure(ctx, d.Resource(run, id)); err != nil {
			return err
		}
		return run.SeeTo(ctx, fleet.InstanceConfig, "administrator", func(ctx context.Context) error {
			return d.database.In(ctx, run, func(db schema.Database, ctx context.Context) error {
				return db.WriteAdmin(ctx, id, applicant.AdminName)
			})
		})
	}
}

// userID is the administrator's id: derived from the instance's alone, for ledger and audit keep it, and anything derived from
// a mail address would let everybody who reads them check a guess.
func userID(instanceID string) (string, error) {
	namespace, err := uuid.Parse(instanceID)
	if err != nil {
		return "", &fault.Error{Code: fault.Internal, Text: "the instance's id is no UUID", Err: err}
	}
	return uuid.NewSHA1(namespace, []byte("administrator")).String(), nil
}

// access gives the project's reference and its service key.
func access(ctx context.Context, run *step.Run) (string, provider.Secret, error) {
	entry, err := project.Entry(ctx, run)
	if err != nil {
		return "", provider.Secret{}, err
	}
	key, err := run.Recall(ctx, fleet.ServiceKey)
	return entry.ID, key, err
}

// Invite makes a fresh link by which the administrator sets a password. Whoever has it is the administrator: it goes into
// one mail and nowhere else.
func (d Deps) Invite(ctx context.Context, run *step.Run, email string) (provider.Secret, error) {
	ref, key, err := access(ctx, run)
	if err != nil {
		return provider.Secret{}, err
	}
	return d.Users.GenerateLink(ctx, ref, key, "invite", email, "https://"+run.Instance.Host)
}
