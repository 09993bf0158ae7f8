package main

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/view"
)

type signupsCommand struct {
	Status string `default:"REQUESTED" placeholder:"STATUS" help:"Those of this status (REQUESTED unless told)."`
}

func (signupsCommand) Help() string {
	return examples("fleetctl signups", "fleetctl signups --status rejected", "fleetctl signups --json | jq -r '.signups[].slug'")
}

// Run lists signups with who signed up.
func (s *signupsCommand) Run(c *call) error {
	status := fleet.SignupStatus(strings.ToUpper(s.Status))
	if !slices.Contains(fleet.SignupStatuses(), status) {
		return wrong("--status: %q is none of %v", s.Status, fleet.SignupStatuses())
	}
	var all view.Signups
	text, err := c.get("/signups", url.Values{"status": {string(status)}}, &all)
	if err != nil || c.flags.JSON {
		return c.told(text, err)
	}
	c.page().signups(all, status)
	return nil
}

func (p page) signups(all view.Signups, status fleet.SignupStatus) {
	if len(all.Signups) == 0 {
		p.line("No signup is %s.", status)
		return
	}
	for n, s := range all.Signups {
		if n > 0 {
			p.line("")
		}
		p.line("%s  %s", p.strong.Render(s.Slug), s.ID)
		if s.Applicant == nil {
			p.fact("applicant", p.trouble.Render("can't be read any more"))
		} else {
			p.fact("company", s.Applicant.Company)
			p.fact("admin", joined(", ", s.Applicant.AdminName, s.Applicant.AdminEmail, s.Applicant.Phone))
		}
		p.fact("plan", joined(", ", joined(" ", s.Plan, s.Tier), s.Vertical, s.Region, s.Timezone, s.Locale))
		p.fact("signed up", view.Stamp(s.RequestedAt)+", "+view.Relative(s.RequestedAt, p.now))
		if s.DecidedBy != "" {
			p.fact("decided", fmt.Sprintf("%s, by %s", view.Stamp(s.DecidedAt), view.Who(s.DecidedBy)))
		}
		p.fact("why", s.Reason)
		if s.Place > 0 {
			p.fact("place", fmt.Sprintf("%d", s.Place))
		}
		p.fact("next", s.NextAction)
	}
	footer := counted(len(all.Signups), "signup")
	if len(all.Signups) < all.Total {
		footer += fmt.Sprintf(" of %d", all.Total)
	}
	if status == fleet.Requested {
		footer += " to decide on: fleetctl approve, fleetctl reject"
	}
	p.line("\n%s", p.faint.Render(footer))
}
