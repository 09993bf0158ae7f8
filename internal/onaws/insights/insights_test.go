package insights

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	logs "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/view"
)

const id = "11111111-1111-4111-8111-111111111111"

// service is CloudWatch Logs with one query, which is done at its nth look; 0 is never.
type service struct {
	doneAt  int
	ends    types.QueryStatus
	rows    [][]types.ResultField
	failing map[string]error

	started *logs.StartQueryInput
	looks   int
	stopped []string
}

func (s *service) port() insights {
	return insights{s.start, s.result, s.stop, clock.System(), []string{"/fleet/functions", "/fleet/workflows"}}
}

func (s *service) start(_ context.Context, in *logs.StartQueryInput, _ ...func(*logs.Options)) (*logs.StartQueryOutput, error) {
	s.started = in
	return &logs.StartQueryOutput{QueryId: aws.String("q-1")}, s.failing["start"]
}

func (s *service) result(_ context.Context, in *logs.GetQueryResultsInput, _ ...func(*logs.Options)) (*logs.GetQueryResultsOutput, error) {
	s.looks++
	if *in.QueryId != "q-1" {
		return nil, errors.New("another's query")
	}
	if s.looks == s.doneAt {
		return &logs.GetQueryResultsOutput{Status: s.ends, Results: s.rows}, s.failing["result"]
	}
	return &logs.GetQueryResultsOutput{Status: types.QueryStatusRunning, Results: s.rows[:min(1, len(s.rows))]}, s.failing["result"]
}

func (s *service) stop(ctx context.Context, in *logs.StopQueryInput, _ ...func(*logs.Options)) (*logs.StopQueryOutput, error) {
	s.stopped = append(s.stopped, *in.QueryId)
	return nil, ctx.Err()
}

func row(at, message string) []types.ResultField {
	field := func(name, value string) types.ResultField {
		return types.ResultField{Field: aws.String(name), Value: aws.String(value)}
	}
	return []types.ResultField{field("@timestamp", at), field("@message", message), field("@ptr", "x")}
}

// TestFind asks all groups for the instance's lines, waits for the end, and tells of each line who wrote it.
func TestFind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		function := `{"msg":"done","function":"create-project","instance":"` + id + `"}`
		workflow := `{"type":"TaskScheduled","execution_arn":"arn:aws:states:us-east-1:111122223333:execution:fleet-dev-provision:op-` + id + `-provision-1"}`
		s := &service{doneAt: 3, ends: types.QueryStatusComplete, rows: [][]types.ResultField{
			row("2026-01-02 03:04:05.678", function+"\n"), row("2026-01-02 03:04:06.000", workflow), row("2026-01-02 03:04:07.000", "START of "+id), row("x", "")}}
		from := time.Now().Add(-2 * time.Hour)
		got, err := s.port().find(t.Context(), step.LogQuery{InstanceID: id, From: from, Limit: 7})
		want := []view.LogLine{{At: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC), Source: "create-project", Text: function},
			{At: time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC), Source: "fleet-dev-provision", Text: workflow},
			{At: time.Date(2026, 1, 2, 3, 4, 7, 0, time.UTC), Text: "START of " + id}}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
		if q := s.started; !cmp.Equal(q.LogGroupNames, []string{"/fleet/functions", "/fleet/workflows"}) || *q.StartTime != from.Unix() || *q.EndTime < time.Now().Unix() ||
			*q.Limit != 7 || *q.QueryString != `fields @timestamp, @message | filter @message like "`+id+`" | sort @timestamp asc | limit 7` {
			t.Errorf("asked %+v, %s", q, *q.QueryString)
		}
		if s.looks != 3 || len(s.stopped) > 0 {
			t.Errorf("%d looks, stopped %v", s.looks, s.stopped)
		}
	})
}

// TestOnlyIDsAreQueried: nothing else from outside gets into the query's text.
func TestOnlyIDsAreQueried(t *testing.T) {
	for _, bad := range []string{"", "fleet", id + `" or @message like "`, strings.ToUpper(id) + "X", ".*"} {
		s := &service{}
		if _, err := s.port().find(t.Context(), step.LogQuery{InstanceID: bad, Limit: 1}); !fault.Is(err, fault.Internal) || s.started != nil {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestFindGivesUp: a query that takes longer than the invocation has time is stopped, and there is time left to say so.
func TestFindGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{}
		ctx, cancel := clock.System().WithTimeout(t.Context(), 29*time.Second)
		defer cancel()
		begun := time.Now()
		_, err := s.port().find(ctx, step.LogQuery{InstanceID: id, Limit: 1})
		if took := time.Since(begun); !fault.Is(err, fault.NotReady) || took < 20*time.Second || took > 29*time.Second-reserve {
			t.Errorf("%v after %s", err, took)
		}
		if !cmp.Equal(s.stopped, []string{"q-1"}) {
			t.Errorf("stopped %v", s.stopped)
		}
	})
}

// TestFindFails: AWS's words are not told, and a query that failed is no empty log.
func TestFindFails(t *testing.T) {
	refused := &smithy.GenericAPIError{Code: "ResourceNotFoundException", Message: "own words"}
	for name, c := range map[string]struct {
		service service
		code    fault.Code
	}{
		"no such group": {service{failing: map[string]error{"start": refused}}, fault.Internal},
		"throttled":     {service{failing: map[string]error{"start": &smithy.GenericAPIError{Code: "LimitExceededException", Message: "own words"}}}, fault.Unavailable},
		"no results":    {service{failing: map[string]error{"result": errors.New("own words")}}, fault.Unavailable},
		"failed":        {service{doneAt: 1, ends: types.QueryStatusFailed}, fault.Unavailable},
		"cancelled":     {service{doneAt: 1, ends: types.QueryStatusCancelled}, fault.Unavailable},
		"timed out":     {service{doneAt: 1, ends: types.QueryStatusTimeout}, fault.Unavailable},
	} {
		got, err := c.service.port().find(t.Context(), step.LogQuery{InstanceID: id, Limit: 1})
		if !fault.Is(err, c.code) || strings.Contains(err.Error(), "own words") || len(got) > 0 {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// TestOpen puts the port into an environment.
func TestOpen(t *testing.T) {
	var env step.Env
	Open(onaws.Parts{AWS: aws.Config{Region: "us-east-1"}, Clock: clock.System()}, &env)
	if _, err := env.Logs(t.Context(), step.LogQuery{InstanceID: "x"}); !fault.Is(err, fault.Internal) {
		t.Errorf("%v", err)
	}
}
