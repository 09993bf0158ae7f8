// Package doctor looks at everything around Fleet that may stop the next signup: the vendors' accounts, what is left of their
// quotas, the schedules, the dead letters, the age of secrets. It changes nothing anywhere, and says how to mend what is wrong.
package doctor

import (
	"context"
	"net/http"

	"github.com/aws/aws-lambda-go/events"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/cloudflare"
	"github.com/project-gimbal/fleet/internal/provider/sendgrid"
	"github.com/project-gimbal/fleet/internal/provider/supabase"
	"github.com/project-gimbal/fleet/internal/provider/twilio"
	"github.com/project-gimbal/fleet/internal/provider/vercel"
	"github.com/project-gimbal/fleet/internal/step"
)

// Deps is what the doctor looks at, and with.
type Deps struct {
	supabase   *supabase.Client
	vercel     *vercel.Client
	cloudflare *cloudflare.Client
	twilio     *twilio.Client
	sendgrid   *sendgrid.Client

	surroundings step.Surroundings
	credential   func(ctx context.Context, name string) (provider.Secret, error)
	vendors      provider.Settings
	quotas       map[string]int
	clock        clock.Clock
}

// Open makes the clients.
func Open(env step.Env) (Deps, error) {
	p := env.Provider
	return Deps{
		supabase: supabase.New(p), vercel: vercel.New(p), cloudflare: cloudflare.New(p), twilio: twilio.New(p), sendgrid: sendgrid.New(p),
		surroundings: env.Surroundings, credential: p.Credential, vendors: p.Settings, quotas: env.Settings.Quotas, clock: env.Clock,
	}, nil
}

// Examine tells an operator what every check found. It is always a 200: a vendor that is wrong, or silent, is a finding.
func Examine(d Deps) step.API {
	return func(ctx context.Context, env step.Env, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		if _, err := httpapi.Operator(ctx, env, r); err != nil {
			return httpapi.Failed(ctx, env, err), nil
		}
		return httpapi.JSON(http.StatusOK, d.examine(ctx, env.Log, forAnswer)), nil
	}
}
