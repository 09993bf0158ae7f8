package topic

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/smithy-go"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/step"
)

func TestPublish(t *testing.T) {
	var sent *sns.PublishInput
	var fails error
	to := topic{clock: clock.System(), arn: "arn:aws:sns:us-east-1:111122223333:fleet-incidents",
		call: func(_ context.Context, in *sns.PublishInput, _ ...func(*sns.Options)) (*sns.PublishOutput, error) {
			sent = in
			return nil, fails
		}}
	for subject, want := range map[string]string{"Overdue, instance 1": "Overdue, instance 1", "a\nbé": "a?b?", strings.Repeat("x", 120): strings.Repeat("x", 100)} {
		if err := to.publish(t.Context(), subject, "what to do"); err != nil {
			t.Error(err)
		}
		if *sent.Subject != want || *sent.Message != "what to do" || *sent.TopicArn != to.arn {
			t.Errorf("sent %q, %q to %s", *sent.Subject, *sent.Message, *sent.TopicArn)
		}
	}
	for err, code := range map[error]fault.Code{
		&smithy.GenericAPIError{Code: "ThrottledException", Message: "own words"}:          fault.Unavailable,
		&smithy.GenericAPIError{Code: "NotFoundException", Message: "own words"}:           fault.Internal,
		&smithy.GenericAPIError{Code: "InvalidParameterException", Message: "own words"}:   fault.Internal,
		&smithy.GenericAPIError{Code: "AuthorizationErrorException", Message: "own words"}: fault.Internal,
		errors.New("own words of a connection"):                                            fault.Unavailable,
	} {
		fails = err
		if got := to.publish(t.Context(), "a", "b"); !fault.Is(got, code) || strings.Contains(got.Error(), "own words") {
			t.Errorf("got %v, want %s", got, code)
		}
	}
}

// TestPublishIsBounded: a topic that hangs doesn't take the whole invocation.
func TestPublishIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		to := topic{clock: clock.System(), call: func(ctx context.Context, _ *sns.PublishInput, _ ...func(*sns.Options)) (*sns.PublishOutput, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		if err := to.publish(t.Context(), "a", "b"); !fault.Is(err, fault.Unavailable) || time.Since(begin) != patience {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
	})
}

// TestOpen puts the port into an environment.
func TestOpen(t *testing.T) {
	var env step.Env
	Open(onaws.Parts{Config: onaws.Config{IncidentTopic: "arn:aws:sns:us-east-1:111122223333:x"}, AWS: aws.Config{Region: "us-east-1"}, Clock: clock.System()}, &env)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := env.Publish(ctx, "a", "b"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("%v", err)
	}
}
