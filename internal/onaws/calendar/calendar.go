// Package calendar has functions invoked at a time to come, by one-time schedules of EventBridge Scheduler.
package calendar

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/step"
)

// patience is how long one call may take, its retries included.
const patience = 10 * time.Second

// Open puts Calendar into env.
func Open(p onaws.Parts, env *step.Env) {
	client := scheduler.NewFromConfig(p.AWS)
	env.Calendar = calendar{client.CreateSchedule, client.UpdateSchedule, client.DeleteSchedule, p.Clock, p.Config.Calendar}
}

// call is one operation of an AWS client; as package onaws does, it holds those, not clients.
type call[In, Out any] = func(context.Context, *In, ...func(*scheduler.Options)) (*Out, error)

type calendar struct {
	create call[scheduler.CreateScheduleInput, scheduler.CreateScheduleOutput]
	update call[scheduler.UpdateScheduleInput, scheduler.UpdateScheduleOutput]
	delete call[scheduler.DeleteScheduleInput, scheduler.DeleteScheduleOutput]
	clock  clock.Clock
	config onaws.Calendar
}

// Set makes the schedule, or moves the one of that name. It deletes itself once it has invoked the function.
func (c calendar) Set(ctx context.Context, name string, at time.Time) error {
	ctx, cancel := c.clock.WithTimeout(ctx, patience)
	defer cancel()
	// A schedule has no fractions of a second, and must not come too early.
	expression := aws.String("at(" + at.Add(time.Second-time.Nanosecond).UTC().Truncate(time.Second).Format("2006-01-02T15:04:05") + ")")
	window := &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeOff}
	target := &types.Target{Arn: &c.config.Function, RoleArn: &c.config.Role, Input: aws.String("{}"),
		DeadLetterConfig: &types.DeadLetterConfig{Arn: &c.config.DeadLetters}}
	_, err := c.create(ctx, &scheduler.CreateScheduleInput{Name: &name, GroupName: &c.config.Group, ScheduleExpression: expression,
		ScheduleExpressionTimezone: aws.String("UTC"), FlexibleTimeWindow: window, Target: target,
		ActionAfterCompletion: types.ActionAfterCompletionDelete})
	if err == nil {
		return nil
	}
	if _, there := errors.AsType[*types.ConflictException](err); !there {
		return onaws.Failed("CreateSchedule", err)
	}
	_, err = c.update(ctx, &scheduler.UpdateScheduleInput{Name: &name, GroupName: &c.config.Group, ScheduleExpression: expression,
		ScheduleExpressionTimezone: aws.String("UTC"), FlexibleTimeWindow: window, Target: target,
		ActionAfterCompletion: types.ActionAfterCompletionDelete})
	if err != nil {
		return onaws.Failed("UpdateSchedule", err)
	}
	return nil
}

// Delete deletes the schedule. One that isn't there, or has invoked its function, is success.
func (c calendar) Delete(ctx context.Context, name string) error {
	ctx, cancel := c.clock.WithTimeout(ctx, patience)
	defer cancel()
	_, err := c.delete(ctx, &scheduler.DeleteScheduleInput{Name: &name, GroupName: &c.config.Group})
	if _, gone := errors.AsType[*types.ResourceNotFoundException](err); err == nil || gone {
		return nil
	}
	return onaws.Failed("DeleteSchedule", err)
}
