package signup

import (
	"context"
	"errors"
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
	return func(ctx context.Context, env step.Env, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		if _, err := httpapi.Operator(ctx, env, r); err != nil {
			return httpapi.Failed(ctx, env, err), nil // who may not reject learns nothing about the body
		}
		reason, err := reason(r)
		if bad, ok := errors.AsType[badFields](err); ok {
			return httpapi.Problem{Status: http.StatusUnprocessableEntity, Title: "A rejection needs a reason", Fields: bad}.Answer(), nil
		}
		if err != nil {
			return httpapi.Failed(ctx, env, err), nil
		}
		return decided(ctx, env, r, fleet.Rejected, reason)
	}
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
		p.bad.add("reason", "1 to 500 printable characters")
	}
	if len(p.bad) > 0 {
		return "", p.bad
	}
	return said, nil
}

func decided(ctx context.Context, env step.Env, r events.APIGatewayV2HTTPRequest, to fleet.SignupStatus, reason string) (events.APIGatewayV2HTTPResponse, error) {
	id := r.PathParameters["id"]
	operator, err := httpapi.Operator(ctx, env, r)
	if err == nil {
		err = decision.Decide(ctx, env, id, operator, to, reason)
	}
	if err != nil {
		return httpapi.Failed(ctx, env, err), nil
	}
	p, err := decision.Progress(ctx, env, id)
	if err != nil {
		return httpapi.Failed(ctx, env, err), nil
	}
	return httpapi.JSON(http.StatusAccepted, p), nil
}
