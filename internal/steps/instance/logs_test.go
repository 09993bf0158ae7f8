package instance_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/steps/instance"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/store/bolt"
	"github.com/project-gimbal/fleet/internal/view"
)

// TestLogsThatFail: a query that takes too long says how to ask instead; what else fails keeps its words to the log.
func TestLogsThatFail(t *testing.T) {
	const id = "11111111-1111-4111-8111-111111111111"
	table, err := bolt.Open(filepath.Join(t.TempDir(), "fleet.db"), clock.System(), store.Indexes(), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = table.Close() }()
	env := step.Env{Clock: clock.System(), Store: store.New(table, clock.System()), Log: slog.New(slog.DiscardHandler)}
	if err := env.Store.Update(t.Context(), id, func(tx *store.Tx) error {
		return tx.PutSignup(&fleet.Signup{InstanceID: id, Status: fleet.Requested})
	}); err != nil {
		t.Fatal(err)
	}
	request := events.APIGatewayV2HTTPRequest{PathParameters: map[string]string{"id": id}}
	request.RequestContext.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{
		IAM: &events.APIGatewayV2HTTPRequestContextAuthorizerIAMDescription{UserARN: "arn:aws:iam::111122223333:user/ada"}}
	for _, c := range []struct {
		code   fault.Code
		status int
		says   string
	}{{fault.NotReady, 422, "ask for a shorter time"}, {fault.Unavailable, 503, "try again"}, {fault.Internal, 500, "the logs say what"}} {
		env.Logs = func(context.Context, step.LogQuery) ([]view.LogLine, error) {
			return nil, fault.New(c.code, "own words")
		}
		a, err := instance.Logs(instance.Deps{})(t.Context(), env, request)
		if err != nil || a.StatusCode != c.status || !strings.Contains(a.Body, c.says) || strings.Contains(a.Body, "own words") {
			t.Errorf("%s: %d %s, %v", c.code, a.StatusCode, a.Body, err)
		}
	}
}
