// Package insights finds what was logged about an instance, by a query of CloudWatch Logs Insights over the log groups of all
// functions and workflows.
package insights

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	logs "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/view"
)

const (
	// patience is how long one call may take, its retries included.
	patience = 10 * time.Second
	// pause is between two looks at a query's results: five queries a second are allowed an account.
	pause = time.Second
	// reserve is left of the invocation's time for stopping the query and answering.
	reserve = 3 * time.Second
)

// Open puts Logs into env.
func Open(p onaws.Parts, env *step.Env) {
	client := logs.NewFromConfig(p.AWS)
	env.Logs = insights{client.StartQuery, client.GetQueryResults, client.StopQuery, p.Clock, p.Config.LogGroups}.find
}

// call is one operation of the client: a port holds operations, not clients, as package onaws does.
type call[In, Out any] = func(context.Context, In, ...func(*logs.Options)) (Out, error)

type insights struct {
	start  call[*logs.StartQueryInput, *logs.StartQueryOutput]
	result call[*logs.GetQueryResultsInput, *logs.GetQueryResultsOutput]
	stop   call[*logs.StopQueryInput, *logs.StopQueryOutput]
	clock  clock.Clock
	groups []string
}

// find runs a query to its end, as far as the invocation's time goes. One that takes longer is stopped, and NotReady is told.
func (i insights) find(ctx context.Context, q step.LogQuery) ([]view.LogLine, error) {
	text, err := query(q)
	if err != nil {
		return nil, err
	}
	id, err := i.begin(ctx, q, text)
	if err != nil {
		return nil, err
	}
	for {
		rows, done, err := i.look(ctx, id)
		if err != nil || done {
			return lines(rows), err
		}
		if !step.HasTime(ctx, i.clock, pause+reserve) || i.clock.Sleep(ctx, pause) != nil {
			i.giveUp(ctx, id)
			return nil, fault.New(fault.NotReady, "the query of the logs takes too long: ask for a shorter time")
		}
	}
}

// query is the text in Insights' language. An id from outside gets into it only if it is one.
func query(q step.LogQuery) (string, error) {
	if !fleet.IsInstanceID(q.InstanceID) {
		return "", fault.New(fault.Internal, "no instance's id to query the logs for")
	}
	return fmt.Sprintf(`fields @timestamp, @message | filter @message like "%s" | sort @timestamp asc | limit %d`, q.InstanceID, q.Limit), nil
}

func (i insights) begin(ctx context.Context, q step.LogQuery, text string) (string, error) {
	ctx, cancel := i.clock.WithTimeout(ctx, patience)
	defer cancel()
	begun, err := i.start(ctx, &logs.StartQueryInput{LogGroupNames: i.groups, QueryString: aws.String(text), Limit: aws.Int32(int32(q.Limit)),
		StartTime: aws.Int64(q.From.Unix()), EndTime: aws.Int64(i.clock.Now().Add(time.Minute).Unix())})
	if err != nil {
		return "", onaws.Failed("StartQuery", err)
	}
	return aws.ToString(begun.QueryId), nil
}

func (i insights) look(ctx context.Context, id string) (rows [][]types.ResultField, done bool, err error) {
	ctx, cancel := i.clock.WithTimeout(ctx, patience)
	defer cancel()
	answer, err := i.result(ctx, &logs.GetQueryResultsInput{QueryId: aws.String(id)})
	if err != nil {
		return nil, false, onaws.Failed("GetQueryResults", err)
	}
	switch answer.Status {
	case types.QueryStatusComplete:
		return answer.Results, true, nil
	case types.QueryStatusFailed, types.QueryStatusCancelled, types.QueryStatusTimeout:
		return nil, false, fault.New(fault.Unavailable, "the query of the logs ended as %s", strings.ToLower(string(answer.Status)))
	case types.QueryStatusScheduled, types.QueryStatusRunning, types.QueryStatusUnknown:
	}
	return nil, false, nil
}

// giveUp stops a query, so that nobody pays for its rest. One that can't be stopped ends by itself.
func (i insights) giveUp(ctx context.Context, id string) {
	ctx, cancel := i.clock.WithTimeout(context.WithoutCancel(ctx), reserve/2)
	defer cancel()
	_, _ = i.stop(ctx, &logs.StopQueryInput{QueryId: aws.String(id)})
}

// stamp is how Insights writes a time, in UTC.
const stamp = "2006-01-02 15:04:05.000"

// lines are the rows that hold a message, in their order.
func lines(rows [][]types.ResultField) []view.LogLine {
	out := make([]view.LogLine, 0, len(rows))
	for _, row := range rows {
		var line view.LogLine
		for _, f := range row {
			switch aws.ToString(f.Field) {
			case "@timestamp":
				line.At, _ = time.Parse(stamp, aws.ToString(f.Value)) // zero where it is none
			case "@message":
				line.Text = strings.TrimRight(aws.ToString(f.Value), "\n")
			}
		}
		if line.Text != "" {
			line.Source = step.LogSource(line.Text)
			out = append(out, line)
		}
	}
	return out
}
