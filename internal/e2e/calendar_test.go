//go:build e2e

package e2e

import (
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/onaws/calendar"
	"github.com/project-gimbal/fleet/internal/step"
)

// calendarGroup is the group of the one-time schedules.
const calendarGroup = "fleet-" + stage + "-calendar"

// happens does what a one-time schedule does at its time: it invokes its target and deletes itself. Time doesn't go faster here, and the
// emulator's schedules invoke nothing. The schedule is made as a function makes it that is granted the calendar.
func (c *customer) happens(name string) {
	c.t.Helper()
	role, err := shared.deployment.calendarRole(c)
	if err != nil {
		c.t.Fatal(err)
	}
	var env step.Env
	calendar.Open(onaws.Parts{AWS: shared.cloud.root(), Clock: clock.System(), Config: onaws.Config{Calendar: onaws.Calendar{
		Group: calendarGroup, Role: role,
		Function:    "arn:aws:lambda:" + region + ":" + account + ":function:" + functionName(catalog.Due.Name),
		DeadLetters: "arn:aws:sqs:" + region + ":" + account + ":fleet-" + stage + "-dead-letters"}}}, &env)
	if err := env.Calendar.Set(c.ctx, name, time.Now().Add(time.Hour)); err != nil {
		c.t.Fatal(err)
	}
	made, err := scheduler.NewFromConfig(shared.cloud.root()).GetSchedule(c.ctx, &scheduler.GetScheduleInput{GroupName: aws.String(calendarGroup), Name: &name})
	if err != nil {
		c.t.Fatal(err)
	}
	_, err = shared.deployment.lambda.Invoke(c.ctx, &lambda.InvokeInput{FunctionName: made.Target.Arn, InvocationType: lambdatypes.InvocationTypeEvent,
		Payload: []byte(aws.ToString(made.Target.Input))})
	if err = errors.Join(err, env.Calendar.Delete(c.ctx, name)); err != nil {
		c.t.Fatal(err)
	}
}

// calendarRole is the ARN of the role that one-time schedules have.
func (d *deployment) calendarRole(c *customer) (string, error) {
	for _, s := range d.assembly.stacks {
		resources, _ := s.template["Resources"].(map[string]any)
		for id, r := range resources {
			if r, _ := r.(map[string]any); r["Type"] == "AWS::IAM::Role" && strings.HasPrefix(id, "CalendarRole") {
				name, err := d.physical(c.ctx, id)
				return "arn:aws:iam::" + account + ":role/" + name, err
			}
		}
	}
	return "", errors.New("no stack has the calendar's role")
}
