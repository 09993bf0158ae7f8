package surroundings

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/provider"
)

func apiError(code string) error {
	return &smithy.GenericAPIError{Code: code, Message: "AWS's own words about arn:aws:x"}
}

// wants checks an error's code, and that AWS's words aren't in its text.
func wants(t *testing.T, err error, code fault.Code) {
	t.Helper()
	if err == nil || fault.CodeOf(err) != code || strings.Contains(err.Error(), "own words") {
		t.Errorf("got %v (%s), want %s", err, fault.CodeOf(err), code)
	}
}

func TestSchedules(t *testing.T) {
	var fails error
	endless := false
	pages := 0
	s := surroundings{clock: clock.System(), config: onaws.Config{ScheduleGroup: "fleet-dev"},
		schedules: func(_ context.Context, in *scheduler.ListSchedulesInput, _ ...func(*scheduler.Options)) (*scheduler.ListSchedulesOutput, error) {
			if aws.ToString(in.GroupName) != "fleet-dev" || in.State != schedulertypes.ScheduleStateEnabled {
				t.Errorf("asked for %q, %q", aws.ToString(in.GroupName), in.State)
			}
			pages++
			one := func(name string, state schedulertypes.ScheduleState) schedulertypes.ScheduleSummary {
				return schedulertypes.ScheduleSummary{Name: aws.String(name), State: state}
			}
			if in.NextToken == nil || endless {
				return &scheduler.ListSchedulesOutput{NextToken: aws.String("2"), Schedules: []schedulertypes.ScheduleSummary{
					one("admit", schedulertypes.ScheduleStateEnabled), one("recheck", schedulertypes.ScheduleStateDisabled)}}, fails
			}
			return &scheduler.ListSchedulesOutput{Schedules: []schedulertypes.ScheduleSummary{one("reconcile", schedulertypes.ScheduleStateEnabled)}}, fails
		}}
	names, err := s.Schedules(t.Context())
	if err != nil || !slices.Equal(names, []string{"admit", "reconcile"}) || pages != 2 {
		t.Errorf("%q on %d pages, %v", names, pages, err)
	}
	endless = true
	_, err = s.Schedules(t.Context())
	wants(t, err, fault.Unavailable)
	for code, want := range map[string]fault.Code{"ResourceNotFoundException": fault.Internal, "AccessDeniedException": fault.Internal,
		"ThrottlingException": fault.Unavailable} {
		fails = apiError(code)
		_, err = s.Schedules(t.Context())
		wants(t, err, want)
		if provider.NotFound(err) != (code == "ResourceNotFoundException") {
			t.Errorf("%s is not found: %v", code, err)
		}
	}
}

func TestDeadLetters(t *testing.T) {
	var fails error
	var attributes map[string]string
	s := surroundings{clock: clock.System(), config: onaws.Config{DeadLetters: "https://sqs.example/1/dead"},
		queue: func(_ context.Context, in *sqs.GetQueueAttributesInput, _ ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error) {
			if aws.ToString(in.QueueUrl) != "https://sqs.example/1/dead" || len(in.AttributeNames) != 1 {
				t.Errorf("asked %+v", in)
			}
			return &sqs.GetQueueAttributesOutput{Attributes: attributes}, fails
		}}
	attributes = map[string]string{"ApproximateNumberOfMessages": "7"}
	if n, err := s.DeadLetters(t.Context()); err != nil || n != 7 {
		t.Errorf("%d, %v", n, err)
	}
	for _, text := range []string{"", "many", "-1"} {
		attributes = map[string]string{"ApproximateNumberOfMessages": text}
		_, err := s.DeadLetters(t.Context())
		wants(t, err, fault.Unavailable)
	}
	for code, want := range map[string]fault.Code{"QueueDoesNotExist": fault.Internal, "AWS.SimpleQueueService.NonExistentQueue": fault.Internal,
		"AccessDenied": fault.Internal, "RequestThrottled": fault.Unavailable} {
		fails = apiError(code)
		_, err := s.DeadLetters(t.Context())
		wants(t, err, want)
		if provider.NotFound(err) != strings.Contains(code, "Exist") {
			t.Errorf("%s is not found: %v", code, err)
		}
	}
}

func TestCredentialChanged(t *testing.T) {
	created, changed := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("whsec_x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(file, changed, changed); err != nil {
		t.Fatal(err)
	}
	answer := &secretsmanager.DescribeSecretOutput{CreatedDate: &created, LastChangedDate: &changed}
	var fails error
	s := surroundings{clock: clock.System(), config: onaws.Config{Credentials: map[string]onaws.Reference{
		"kept": {Kind: onaws.SecretsManager, Name: "fleet/kept"}, "filed": {Kind: onaws.File, Name: file}, "lost": {Kind: onaws.File, Name: file + "-none"}}},
		secret: func(_ context.Context, in *secretsmanager.DescribeSecretInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.DescribeSecretOutput, error) {
			if aws.ToString(in.SecretId) != "fleet/kept" {
				t.Errorf("asked for %q", aws.ToString(in.SecretId))
			}
			return answer, fails
		}}
	for _, name := range []string{"kept", "filed"} {
		if at, err := s.CredentialChanged(t.Context(), name); err != nil || !at.Equal(changed) {
			t.Errorf("%s: %v, %v", name, at, err)
		}
	}
	for _, name := range []string{"lost", "unknown"} {
		_, err := s.CredentialChanged(t.Context(), name)
		wants(t, err, fault.Internal)
		if provider.NotFound(err) != (name == "lost") {
			t.Errorf("%s is not found: %v", name, err)
		}
	}
	answer.LastChangedDate = nil // never since it was made
	if at, err := s.CredentialChanged(t.Context(), "kept"); err != nil || !at.Equal(created) {
		t.Errorf("%v, %v", at, err)
	}
	fails = apiError("ResourceNotFoundException")
	_, err := s.CredentialChanged(t.Context(), "kept")
	wants(t, err, fault.Internal)
}
