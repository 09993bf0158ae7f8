//go:build e2e

package e2e

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"

	"github.com/project-gimbal/fleet/internal/catalog"
)

// happens does what a one-time schedule of the instance does at its time: it invokes its target, and deletes itself. Time doesn't go
// faster here, and the emulator's schedules invoke nothing.
func (c *customer) happens(name string) {
	c.t.Helper()
	schedules, group := scheduler.NewFromConfig(shared.cloud.root()), aws.String("fleet-"+stage+"-calendar")
	made, err := schedules.GetSchedule(c.ctx, &scheduler.GetScheduleInput{GroupName: group, Name: &name})
	if err != nil {
		c.t.Fatalf("%v\n%s", err, c.story())
	}
	_, err = shared.deployment.lambda.Invoke(c.ctx, &lambda.InvokeInput{FunctionName: made.Target.Arn, InvocationType: lambdatypes.InvocationTypeEvent,
		Payload: []byte(aws.ToString(made.Target.Input))})
	if err == nil {
		_, err = schedules.DeleteSchedule(c.ctx, &scheduler.DeleteScheduleInput{GroupName: group, Name: &name})
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

// delivers does what the minute's schedule does, until a message has gone out: the emulator's schedules invoke nothing.
func (c *customer) delivers(message string) {
	c.t.Helper()
	c.eventually(message+" is sent", func() bool {
		_, err := shared.deployment.lambda.Invoke(c.ctx, &lambda.InvokeInput{FunctionName: aws.String(functionName(catalog.Deliver.Name)),
			Payload: []byte("{}")})
		return err == nil && slices.Contains(c.mails(), message)
	})
}
