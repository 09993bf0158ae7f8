package suspension

import (
	"context"

	"github.com/aws/aws-lambda-go/events"

	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/suspended"
)

// Page answers every request for a suspended instance's host. It knows no instance: where a host leads, DNS says.
//
// 503, with the page of package suspended.
func Page(Deps) step.API {
	return func(_ context.Context, _ step.Env, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		body, err := suspended.Page(r.RequestContext.HTTP.Method, r.RequestContext.DomainName)
		return events.APIGatewayV2HTTPResponse{StatusCode: suspended.Status, Headers: suspended.Headers(), Body: body}, err
	}
}
