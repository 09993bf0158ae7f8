// Package frontend handles an instance's Vercel project, its domain and its deployment.
package frontend

import (
	"context"
	"strconv"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider/vercel"
	"github.com/project-gimbal/fleet/internal/step"
)

// Deps is what these steps use.
type Deps struct{ Vercel *vercel.Client }

// Open makes the client.
func Open(env step.Env) (Deps, error) { return Deps{vercel.New(env.Provider)}, nil }

// Project is the instance's Vercel project. It carries the instance's id as its mark.
func (d Deps) Project(run *step.Run, name string) step.Resource {
	return step.Resource{
		Kind: fleet.VercelProject,
		Name: name,
		Mark: run.Instance.ID,
		Find: func(ctx context.Context, name string) ([]step.Found, error) {
			projects, err := d.Vercel.FindProject(ctx, name)
			found := make([]step.Found, 0, len(projects))
			for _, p := range projects {
				found = append(found, step.Found{ID: p.ID, Mark: p.Mark})
			}
			return found, err
		},
		Look: func(ctx context.Context, id string) ([]step.Found, error) {
			p, err := d.Vercel.Project(ctx, id)
			return step.Looked(step.Found{ID: p.ID, Name: p.Name, Mark: p.Mark}, err)
		},
		Create: func(ctx context.Context, name string) (step.Found, error) {
			p, err := d.Vercel.CreateProject(ctx, vercel.NewProject{Name: name, Mark: run.Instance.ID})
			return step.Found{ID: p.ID, Mark: p.Mark}, err
		},
		Delete: d.Vercel.DeleteProject,
	}
}

// Domain is the instance's host name on its Vercel project. Only that project is looked at, so what is found is ours.
func (d Deps) Domain(run *step.Run, host string) step.Resource {
	cname := ""
	shown := func(dom vercel.Domain) step.Found {
		return step.Found{ID: dom.Name, Attributes: map[string]string{fleet.DomainTarget: cname, "verified": strconv.FormatBool(dom.Verified)}}
	}
	var project fleet.Resource
	aim := func(ctx context.Context, host string) error { // asked once, and only in a project that is there
		if cname != "" {
			return nil
		}
		config, err := d.Vercel.DomainConfig(ctx, project.ID, host)
		cname = config.CNAME
		return err
	}
	res := step.Resource{Kind: fleet.VercelDomain, Name: host}
	res.Find = func(ctx context.Context, host string) ([]step.Found, error) {
		entry, err := run.Store.Resource(ctx, run.Instance.ID, fleet.VercelProject, fleet.ResourceName(run.Instance.ID))
		if err != nil || entry == nil || entry.ID == "" {
			return nil, err // without a project there is no domain on it
		}
		project = *entry
		domains, err := d.Vercel.FindDomain(ctx, project.ID, host)
		if err != nil {
			return nil, err
		}
		found := make([]step.Found, 0, len(domains))
		for _, dom := range domains {
			if dom.ProjectID != project.ID {
				continue
			}
			if err := aim(ctx, host); err != nil {
				return nil, err
			}
			found = append(found, shown(dom))
		}
		return found, nil
	}
	res.Create = func(ctx context.Context, host string) (step.Found, error) {
		if err := aim(ctx, host); err != nil {
			return step.Found{}, step.Unsent(err)
		}
		dom, err := d.Vercel.AddDomain(ctx, project.ID, host)
		return shown(dom), err
	}
	res.Delete = func(ctx context.Context, host string) error { return d.Vercel.RemoveDomain(ctx, project.ID, host) }
	return res
}

// Create makes the Vercel project and puts the instance's host name on it, or adopts what an earlier attempt made.
func Create(d Deps) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		if err := run.Ensure(ctx, d.Project(run, fleet.ResourceName(run.Instance.ID))); err != nil {
			return err
		}
		if err := run.Ensure(ctx, d.Domain(run, run.Instance.Host)); err != nil {
			return err
		}
		domain, err := run.Ledger(ctx, fleet.VercelDomain, run.Instance.Host)
		if err != nil {
			return err
		}
		if domain.Attributes["verified"] == "false" {
			return fault.New(fault.Rejected, "another Vercel account holds the domain: verify it there first")
		}
		return nil
	}
}

// Remove takes the host name off, then removes the project with its deployments and environment. The DNS record is gone
// before.
func Remove(d Deps) step.Func {
	return func(ctx context.Context, run *step.Run) error {
		err := run.RemoveAll(ctx, fleet.VercelDomain, func(e fleet.Resource) step.Resource { return d.Domain(run, e.Name) })
		if err != nil {
			return err
		}
		return run.RemoveAll(ctx, fleet.VercelProject, func(e fleet.Resource) step.Resource { return d.Project(run, e.Name) })
	}
}
