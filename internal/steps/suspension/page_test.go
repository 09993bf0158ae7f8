package suspension_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/steps/suspension"
)

// TestPage: without any port, whatever is asked gets the page of the host that was asked for.
func TestPage(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodHead} {
		var r events.APIGatewayV2HTTPRequest
		r.RequestContext.DomainName, r.RequestContext.HTTP.Method, r.RawPath = "acme-dental.gimbal.app", method, "/api/health"
		answer, err := suspension.Page(suspension.Deps{})(t.Context(), step.Env{}, r)
		if err != nil || answer.StatusCode != http.StatusServiceUnavailable || answer.Headers["Cache-Control"] != "no-store" || answer.Headers["Retry-After"] == "" ||
			strings.Contains(answer.Body, "<strong>acme-dental.gimbal.app</strong>") != (method != http.MethodHead) {
			t.Errorf("%s: %+v, %v", method, answer, err)
		}
	}
}
