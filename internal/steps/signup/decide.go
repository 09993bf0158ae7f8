package signup

import (
	"context"
	"net/http"

	"github.com/aws/aws-lambda-go/events"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/steps/decision"
)

// Status tells how far a signup is. 404 for an unknown one.
func Status(Deps) step.API {
	return func(ctx context.Context, env step.Env, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		p, err := decision.Progress(ctx, env, r.PathParameters["id"])
		if err != nil {
			return httpapi.Failed(ctx, env, err), nil
		}
		return httpapi.JSON(http.StatusOK, p), nil
	}
}

// Reject lets an operator reject a waiting signup, with a reason in the body: {"reason":"…"}. The slug is free again.
func Reject(Deps) step.API {
	return httpapi.Operators(func(ctx context.Context, env step.Env, r httpapi.Request) (int, any, error) {
		reason, err := reason(r.APIGatewayV2HTTPRequest)
		if err != nil {
			return 0, nil, err
		}
		if err := decision.Decide(ctx, env, r.ID, r.Operator, fleet.Rejected, reason); err != nil {
			return 0, nil, err
		}
		p, err := decision.Progress(ctx, env, r.ID)
		return http.StatusAccepted, p, err
	})
}

// reason reads the body of a rejection.
func reason(r events.APIGatewayV2HTTPRequest) (string, error) {
	body, err := httpapi.Body(r)
	if err != nil {
		return "", err
	}
	p, err := newPayload(body)
	if err != nil {
		return "", err
	}
	var said string
	p.text("reason", &said)
	p.end()
	if !httpapi.Printable(said, decision.MaxReason) {
		p.bad.Add("reason", "1 to 500 printable characters")
	}
	if len(p.bad) > 0 {
		return "", p.bad
	}
	return said, nil
}
