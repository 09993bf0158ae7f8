// Package project handles an instance's Supabase project.
package project

import (
	"context"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider/supabase"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/step/bounds"
)

// Deps is what these steps use.
type Deps struct{ Projects *supabase.Client }

// Open makes the client.
func Open(env step.Env) (Deps, error) { return Deps{supabase.New(env.Provider)}, nil }

// Resource is the instance's project, or the double that a ledger entry tells of.
func (d Deps) Resource(run *step.Run, name string) step.Resource {
	return step.Resource{
		Kind:  fleet.SupabaseProject,
		Name:  name,
		Quiet: bounds.QuietProject,
		Find: func(ctx context.Context, name string) ([]step.Found, error) {
			projects, err := d.Projects.FindProjects(ctx, name)
			found := make([]step.Found, 0, len(projects))
			for _, p := range projects {
				found = append(found, shown(p))
			}
			return found, err
		},
		Look: func(ctx context.Context, ref string) ([]step.Found, error) {
			p, err := d.Projects.Project(ctx, ref)
			if err == nil && p.Status == supabase.Removed {
				return nil, nil
			}
			return step.Looked(step.Found{ID: p.Ref, Name: p.Name}, err)
		},
		Create: func(ctx context.Context, name string) (step.Found, error) {
			password, err := run.Recall(ctx, fleet.DatabasePassword)
			if err != nil {
				return step.Found{}, step.Unsent(err)
			}
			p, err := d.Projects.CreateProject(ctx, supabase.NewProject{Name: name, Region: run.Instance.Region, DatabasePassword: password})
			return shown(p), err
		},
		Delete: d.Projects.DeleteProject,
	}
}

func shown(p supabase.Project) step.Found {
	return step.Found{ID: p.Ref, Attributes: map[string]string{"region": p.Region}}
}

// Create makes the instance's Supabase project, or adopts the one an earlier attempt made. The database password was stored
// before: the vendor never tells it.
func Create(d Deps) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		return run.Ensure(ctx, d.Resource(run, fleet.ResourceName(run.Instance.ID)))
	}
}

// Await waits until the project and each of its services are up, and keeps its keys and where its database is reached. It only
// reads, so a replay waits again; a pooler that has moved since is written over.
func Await(d Deps) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		entry, err := Entry(ctx, run)
		if err != nil {
			return err
		}
		err = run.Poll(ctx, "the Supabase project", func(ctx context.Context) (bool, error) {
			p, err := d.Projects.Project(ctx, entry.ID)
			switch {
			case err != nil:
				return false, err
			case p.Failed():
				return false, fault.New(fault.Rejected, "the Supabase project ended as %s", p.Status)
			case !p.Ready():
				return false, nil
			}
			return d.healthy(ctx, entry.ID)
		})
		if err != nil {
			return err
		}
		keys, err := d.Projects.APIKeys(ctx, entry.ID)
		if err != nil {
			return err
		}
		if _, err := run.Keep(ctx, fleet.AnonymousKey, keys.Anonymous); err != nil {
			return err
		}
		if _, err := run.Keep(ctx, fleet.ServiceKey, keys.Service); err != nil {
			return err
		}
		_, err = d.locate(ctx, run, entry)
		return err
	}
}

// Pooler is how the instance's database is reached, by the ledger. An entry of a build that didn't keep it yet is completed,
// for which Fleet's credential is needed.
func (d Deps) Pooler(ctx context.Context, run *step.Run, entry fleet.Resource) (supabase.Pooler, error) {
	at := supabase.Pooler{Host: entry.Attributes[fleet.DatabaseHost], User: entry.Attributes[fleet.DatabaseUser]}
	if at.Host != "" && at.User != "" {
		return at, nil
	}
	return d.locate(ctx, run, entry)
}

// locate reads how the database is reached, and keeps it.
func (d Deps) locate(ctx context.Context, run *step.Run, entry fleet.Resource) (supabase.Pooler, error) {
	at, err := d.Projects.Pooler(ctx, entry.ID)
	if err != nil {
		return at, err
	}
	return at, run.Describe(ctx, entry.Kind, entry.Name, map[string]string{fleet.DatabaseHost: at.Host, fleet.DatabaseUser: at.User})
}

func (d Deps) healthy(ctx context.Context, ref string) (bool, error) {
	services, err := d.Projects.Health(ctx, ref)
	if err != nil || len(services) == 0 {
		return false, err
	}
	for _, s := range services {
		if !s.Healthy {
			return false, nil
		}
	}
	return true, nil
}

// Remove deletes the project, its database and its backups. That can't be undone.
func Remove(d Deps) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		return run.RemoveAll(ctx, fleet.SupabaseProject, func(e fleet.Resource) step.Resource { return d.Resource(run, e.Name) })
	}
}

// Entry is the project's ledger entry; its ID is the project's reference.
func Entry(ctx context.Context, run *step.Run) (fleet.Resource, error) {
	return run.Ledger(ctx, fleet.SupabaseProject, fleet.ResourceName(run.Instance.ID))
}
