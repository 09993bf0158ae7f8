// Package surroundings describes what of a deployment lies around its functions: schedules, dead letters, and the ages of
// credentials. It reads, and no secret's value.
package surroundings

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/step"
)

// patience is how long one call may take, its retries included.
const patience = 10 * time.Second

// Open puts Surroundings into env.
func Open(p onaws.Parts, env *step.Env) {
	env.Surroundings = surroundings{scheduler.NewFromConfig(p.AWS).ListSchedules, sqs.NewFromConfig(p.AWS).GetQueueAttributes,
		secretsmanager.NewFromConfig(p.AWS).DescribeSecret, p.Clock, p.Config}
}

// call is one operation of an AWS client; as package onaws does, it holds those, not clients.
type call[In, Out, Options any] = func(context.Context, In, ...func(*Options)) (Out, error)

type surroundings struct {
	schedules call[*scheduler.ListSchedulesInput, *scheduler.ListSchedulesOutput, scheduler.Options]
	queue     call[*sqs.GetQueueAttributesInput, *sqs.GetQueueAttributesOutput, sqs.Options]
	secret    call[*secretsmanager.DescribeSecretInput, *secretsmanager.DescribeSecretOutput, secretsmanager.Options]
	clock     clock.Clock
	config    onaws.Config
}

// maxSchedulePages ends a list that never does: 20 pages of 100.
const maxSchedulePages = 20

// Schedules lists the group's enabled schedules, which are named as their functions are in the catalog.
func (s surroundings) Schedules(ctx context.Context) ([]string, error) {
	ctx, cancel := s.clock.WithTimeout(ctx, patience)
	defer cancel()
	in := &scheduler.ListSchedulesInput{GroupName: aws.String(s.config.ScheduleGroup), State: schedulertypes.ScheduleStateEnabled,
		MaxResults: aws.Int32(100)}
	var names []string
	for range maxSchedulePages {
		page, err := s.schedules(ctx, in)
		if err != nil {
			return nil, unseen("ListSchedules", err)
		}
		for _, one := range page.Schedules {
			if one.State == schedulertypes.ScheduleStateEnabled { // not every emulator filters
				names = append(names, aws.ToString(one.Name))
			}
		}
		if aws.ToString(page.NextToken) == "" {
			return names, nil
		}
		in.NextToken = page.NextToken
	}
	return nil, fault.New(fault.Unavailable, "ListSchedules gave a list that doesn't end")
}

// DeadLetters counts what is in the queue. SQS calls the number approximate: it lags by a minute at most.
func (s surroundings) DeadLetters(ctx context.Context) (int, error) {
	ctx, cancel := s.clock.WithTimeout(ctx, patience)
	defer cancel()
	answer, err := s.queue(ctx, &sqs.GetQueueAttributesInput{QueueUrl: aws.String(s.config.DeadLetters),
		AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameApproximateNumberOfMessages}})
	if err != nil {
		return 0, unseen("GetQueueAttributes", err)
	}
	n, err := strconv.Atoi(answer.Attributes[string(sqstypes.QueueAttributeNameApproximateNumberOfMessages)])
	if err != nil || n < 0 {
		return 0, fault.New(fault.Unavailable, "GetQueueAttributes gave no number of messages")
	}
	return n, nil
}

// CredentialChanged is when the secret was last changed. Secrets Manager counts a change of its tags or its description as
// one; it tells nothing closer without giving the value too.
func (s surroundings) CredentialChanged(ctx context.Context, name string) (time.Time, error) {
	reference, ok := s.config.Credentials[name]
	if !ok {
		return time.Time{}, fault.New(fault.Internal, "FLEET_CREDENTIALS has no %s", name)
	}
	if reference.Kind == onaws.File {
		file, err := os.Stat(reference.Name)
		if err != nil {
			return time.Time{}, unseen("the file of the credential "+name, err)
		}
		return file.ModTime(), nil
	}
	ctx, cancel := s.clock.WithTimeout(ctx, patience)
	defer cancel()
	answer, err := s.secret(ctx, &secretsmanager.DescribeSecretInput{SecretId: aws.String(reference.Name)})
	if err != nil {
		return time.Time{}, unseen("DescribeSecret of "+name, err)
	}
	changed := aws.ToTime(answer.LastChangedDate)
	if changed.IsZero() {
		changed = aws.ToTime(answer.CreatedDate)
	}
	return changed, nil
}

// unseen is the fault of a look that failed. Where what was looked for isn't there, provider.NotFound holds.
func unseen(operation string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &fault.Error{Code: fault.Internal, Status: http.StatusNotFound, Text: operation + " is not there", Err: err}
	}
	failed := onaws.Failed(operation, err)
	refused, ok := errors.AsType[smithy.APIError](err)
	if f, is := errors.AsType[*fault.Error](failed); ok && is {
		switch refused.ErrorCode() {
		case "ResourceNotFoundException", "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue":
			f.Status = http.StatusNotFound
		}
	}
	return failed
}
