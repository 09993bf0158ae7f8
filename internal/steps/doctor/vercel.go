package doctor

import (
	"context"
	"fmt"

	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/vercel"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/view"
)

const (
	vercelToken    = "vercel.token"
	vercelTeam     = "vercel.team"
	vercelProjects = "vercel.projects"
)

var atVercel = vendor{name: "Vercel", scope: "vercel", credential: provider.VercelToken, status: "www.vercel-status.com",
	renew: "make a token at vercel.com/account/tokens with the team as its scope, of an owner or a member of the team"}

var frontendsQuota = quota{check: vercelProjects, name: step.VercelProjects, what: "Vercel projects",
	raise: "raise the team's plan, or delete projects that nobody needs, at vercel.com/dashboard"}

func (d Deps) lookAtVercel(ctx context.Context) []view.Check {
	v := atVercel
	c, ok := d.held(ctx, v, vercelToken)
	if !ok {
		return unasked(c, vercelTeam, vercelProjects)
	}
	team, err := ask(ctx, d.clock, d.vercel.Team)
	if c, ok = v.door(vercelToken, err); !ok {
		return unasked(c, vercelTeam, vercelProjects)
	}
	if err != nil {
		return append(unasked(judgeTeam(d.vendors.VercelTeam, err), vercelProjects), fine(vercelToken, "accepted"))
	}
	n, err := d.vercel.CountProjects(ctx)
	return []view.Check{judgeVercelToken(team, err), judgeTeam(d.vendors.VercelTeam, nil),
		frontendsQuota.judge(n, err, d.quotas[step.VercelProjects])}
}

// judgeVercelToken judges a token that reads the team, by what its owner is there and whether it may list the projects.
func judgeVercelToken(t vercel.Team, listing error) view.Check {
	mend := atVercel.renew + "; " + keep(provider.VercelToken)
	switch {
	case !t.Confirmed:
		return broken(vercelToken, "its owner's membership of the team is not confirmed", "let an owner of the team confirm it at vercel.com, under Settings, Members")
	case !t.MayCreateProjects():
		return broken(vercelToken, fmt.Sprintf("its owner's role in the team is %s, which may not create projects", t.Role), mend)
	case refused(listing):
		return broken(vercelToken, "it reads the team but not its projects: "+step.SafeText(listing), mend)
	}
	return fine(vercelToken, "accepted; its owner's role in the team is %s, which may create projects", t.Role)
}

func judgeTeam(id string, err error) view.Check {
	if err != nil {
		return broken(vercelTeam, fmt.Sprintf("the token finds no team %q: %s", id, step.SafeText(err)),
			set("team", "FLEET_VERCEL_TEAM", "the Team ID, team_…, on the team's page Settings, General at vercel.com")+"; a slug won't do")
	}
	return fine(vercelTeam, "team %s is there", id)
}
