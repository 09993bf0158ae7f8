package doctor

import (
	"context"
	"fmt"

	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/supabase"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/view"
)

const (
	supabaseToken        = "supabase.token"
	supabaseOrganization = "supabase.organization"
	supabaseProjects     = "supabase.projects"
)

var atSupabase = vendor{name: "Supabase", scope: "supabase", credential: provider.SupabaseToken, status: "status.supabase.com",
	renew: "make an access token at supabase.com/dashboard/account/tokens, of a member who may create projects in the organisation"}

var projectsQuota = quota{check: supabaseProjects, name: step.SupabaseProjects, what: "Supabase projects",
	raise: "raise the organisation's plan, or delete projects that nobody needs, at supabase.com/dashboard"}

func (d Deps) lookAtSupabase(ctx context.Context) []view.Check {
	v := atSupabase
	c, ok := d.held(ctx, v, supabaseToken)
	if !ok {
		return unasked(c, supabaseOrganization, supabaseProjects)
	}
	o, err := ask(ctx, d.clock, d.supabase.Organization)
	if c, ok = v.door(supabaseToken, err); !ok {
		return unasked(c, supabaseOrganization, supabaseProjects)
	}
	if err != nil {
		return append(unasked(judgeOrganization(d.vendors.SupabaseOrganization, o, err), supabaseProjects), fine(supabaseToken, "accepted"))
	}
	n, err := d.supabase.CountProjects(ctx)
	return []view.Check{judgeSupabaseToken(err), judgeOrganization(d.vendors.SupabaseOrganization, o, nil),
		projectsQuota.judge(n, err, d.quotas[step.SupabaseProjects])}
}

// judgeSupabaseToken judges a token that reads the organisation, by whether it may list the projects.
func judgeSupabaseToken(listing error) view.Check {
	if refused(listing) {
		return broken(supabaseToken, "it reads the organisation but not its projects: "+step.SafeText(listing),
			atSupabase.renew+"; "+keep(provider.SupabaseToken))
	}
	return fine(supabaseToken, "accepted, and reads the organisation; Supabase doesn't tell whether it may create projects")
}

func judgeOrganization(slug string, o supabase.Organization, err error) view.Check {
	switch {
	case err != nil:
		return broken(supabaseOrganization, fmt.Sprintf("the token finds no organisation %q: %s", slug, step.SafeText(err)),
			set("organisation", "FLEET_SUPABASE_ORGANIZATION", "the slug in the organisation's address, supabase.com/dashboard/org/…")+"; or use a token of one of its members")
	case o.Plan == "free":
		return warning(supabaseOrganization, fmt.Sprintf("organisation %q is on the free plan: 2 projects at most, and idle ones are paused", slug),
			fmt.Sprintf("choose a paid plan at supabase.com/dashboard/org/%s/billing", slug))
	case o.Plan == "":
		return fine(supabaseOrganization, "organisation %q is there", slug)
	}
	return fine(supabaseOrganization, "organisation %q is there, on the plan %s", slug, o.Plan)
}
