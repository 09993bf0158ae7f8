package decision

import (
	"cmp"
	"context"
	_ "embed" // the pages
	"net/http"
	"strconv"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/step"
)

var (
	//go:embed page/ask.html
	ask string
	//go:embed page/told.html
	told string
)

// Show shows what a link is about, and acts in no way: mail scanners open links. 200 with the two buttons while the signup waits; 410
// for one that is decided or whose time is over, 404 for a token that isn't Fleet's.
func Show(Deps) step.API {
	return func(ctx context.Context, env step.Env, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		_, s, err := Waiting(ctx, env, r.PathParameters["token"])
		if err != nil {
			return Refused(ctx, env, s, err), nil
		}
		return Ask(ctx, env, *s, http.StatusOK, ""), nil
	}
}

// Ask is the page that asks for the decision. Trouble, if there is any, says why the last one was not accepted.
func Ask(ctx context.Context, env step.Env, s fleet.Signup, status int, trouble string) events.APIGatewayV2HTTPResponse {
	a, err := step.OpenApplicant(ctx, env, s)
	if err != nil {
		return Refused(ctx, env, nil, err)
	}
	return page(status, "Decide on the signup of "+a.Company, ask, map[string]string{"Company": a.Company, "Slug": s.Slug,
		"Plan": strings.TrimSpace(s.Plan + " " + s.Tier), "Region": s.Region, "Name": a.AdminName, "Mail": a.AdminEmail,
		"Asked": day(s.RequestedAt), "Until": day(Deadline(s)), "Trouble": trouble, "MaxReason": strconv.Itoa(MaxReason)})
}

// Decided is the page that tells what became of a signup.
func Decided(s fleet.Signup, status int, trouble string) events.APIGatewayV2HTTPResponse {
	what := map[fleet.SignupStatus]string{fleet.Approved: "Approved: its provisioning begins by itself as soon as a slot is free.",
		fleet.Admitted: "Approved: its provisioning began.", fleet.Completed: "Approved: its instance is up.",
		fleet.Rejected: "Rejected: the slug is free, and the applicant is told.",
		fleet.Expired:  "Expired: nobody decided in time. The slug is free, and the applicant is told.",
		fleet.Failed:   "Approved, but its provisioning failed.", fleet.Requested: "It still waits for a decision."}[s.Status]
	by := s.DecidedBy
	if strings.HasPrefix(by, "link:") {
		by = "whoever had the link of the mail to the operators"
	}
	by = strings.TrimPrefix(by, "operator:")
	facts := map[string]string{"Trouble": trouble, "What": what, "Slug": s.Slug, "By": cmp.Or(by, "nobody"), "When": "not yet"}
	if !s.DecidedAt.IsZero() {
		facts["When"] = day(s.DecidedAt)
	}
	return page(status, "The signup of "+s.Slug, told, facts)
}

// Refused is the page for what can't be done: by the fault's own status and text where it is one of Refuse's. It tells the decision
// of a signup that has one.
func Refused(ctx context.Context, env step.Env, s *fleet.Signup, err error) events.APIGatewayV2HTTPResponse {
	status, text := Answer(ctx, env, err)
	if s != nil {
		return Decided(*s, status, text)
	}
	title := map[int]string{http.StatusNotFound: "This link is not valid", http.StatusGone: "This link has expired"}[status]
	return page(status, cmp.Or(title, "Not now"), `<p class="trouble">${Text}</p>`, map[string]string{"Text": text})
}

// Answer is a fault's status and what it says to people.
func Answer(ctx context.Context, env step.Env, err error) (status int, text string) {
	return httpapi.Told(ctx, env, err, "nothing was decided.")
}

func page(status int, title, body string, facts map[string]string) events.APIGatewayV2HTTPResponse {
	return httpapi.Page(status, title, httpapi.Fill(body, facts))
}
