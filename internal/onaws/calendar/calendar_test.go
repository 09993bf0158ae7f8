package calendar_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/awstest"
	"github.com/project-gimbal/fleet/internal/onaws/calendar"
	"github.com/project-gimbal/fleet/internal/step"
)

func config(endpoint string) aws.Config {
	return aws.Config{Region: "us-east-1", BaseEndpoint: &endpoint, HTTPClient: http.DefaultClient, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
}

func open(c aws.Config) step.Calendar {
	var env step.Env
	calendar.Open(onaws.Parts{AWS: c, Clock: clock.System(), Config: onaws.Config{Calendar: onaws.Calendar{Group: "fleet-test-calendar",
		Function: "arn:aws:lambda:us-east-1:111122223333:function:fleet-test-due", Role: "arn:aws:iam::111122223333:role/fleet-test-calendar",
		DeadLetters: "arn:aws:sqs:us-east-1:111122223333:fleet-test-dead-letters"}}}, &env)
	return env.Calendar
}

// TestCalendar makes, moves and deletes a schedule, each of them twice.
func TestCalendar(t *testing.T) {
	c := config(awstest.MiniStack(t, "scheduler", ""))
	client := scheduler.NewFromConfig(c)
	group := aws.String("fleet-test-calendar")
	if _, err := client.CreateScheduleGroup(t.Context(), &scheduler.CreateScheduleGroupInput{Name: group}); err != nil {
		t.Fatal(err)
	}
	const name = "0b5c9d2e-1111-4222-8333-444455556666-notice-1"
	days := open(c)
	for at, want := range map[time.Time]string{
		time.Date(2027, 1, 2, 3, 4, 5, 0, time.FixedZone("", -5*60*60)): "at(2027-01-02T08:04:05)",
		time.Date(2027, 2, 3, 4, 5, 6, 1, time.UTC):                     "at(2027-02-03T04:05:07)",
	} {
		for range 2 {
			if err := days.Set(t.Context(), name, at); err != nil {
				t.Fatal(err)
			}
		}
		got, err := client.GetSchedule(t.Context(), &scheduler.GetScheduleInput{Name: aws.String(name), GroupName: group})
		if err != nil || aws.ToString(got.ScheduleExpression) != want || aws.ToString(got.ScheduleExpressionTimezone) != "UTC" ||
			got.ActionAfterCompletion != "DELETE" || aws.ToString(got.Target.Input) != "{}" {
			t.Errorf("%+v, %v; want %s", got, err, want)
		}
	}
	for range 2 {
		if err := days.Delete(t.Context(), name); err != nil {
			t.Error(err)
		}
	}
	if _, err := client.GetSchedule(t.Context(), &scheduler.GetScheduleInput{Name: aws.String(name), GroupName: group}); err == nil {
		t.Error("it is still there")
	}
}

// TestRefusals: what time doesn't heal is Internal, what it may heal Unavailable, and AWS's own words aren't repeated.
func TestRefusals(t *testing.T) {
	for code, want := range map[string]fault.Code{"ThrottlingException": fault.Unavailable, "InternalServerException": fault.Unavailable,
		"ValidationException": fault.Internal, "AccessDeniedException": fault.Internal, "ResourceNotFoundException": fault.Internal} {
		c := config("http://scheduler.test")
		c.HTTPClient = doer(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusBadRequest, Header: http.Header{"X-Amzn-Errortype": {code}},
				Body: body(`{"Message":"own words"}`), Request: r}, nil
		})
		err := open(c).Set(t.Context(), "x", time.Now())
		if !fault.Is(err, want) || strings.Contains(err.Error(), "own words") {
			t.Errorf("%s: %v", code, err)
		}
		if err := open(c).Delete(t.Context(), "x"); code == "ResourceNotFoundException" && err != nil ||
			code != "ResourceNotFoundException" && !fault.Is(err, want) {
			t.Errorf("delete, %s: %v", code, err)
		}
	}
}

type doer func(*http.Request) (*http.Response, error)

func (d doer) Do(r *http.Request) (*http.Response, error) { return d(r) }

type text struct{ *strings.Reader }

func (text) Close() error { return nil }

func body(s string) text { return text{strings.NewReader(s)} }
