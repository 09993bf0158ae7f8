package main

import (
	"fmt"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awseventstargets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/jsii-runtime-go"

	"github.com/project-gimbal/fleet/internal/catalog"
)

// schedules invokes the functions that have a period. What could not be invoked for as long as until its next turn is given
// up: after an outage nobody wants the ticks of the outage.
func (w *workflows) schedules() {
	group := awsscheduler.NewCfnScheduleGroup(w.stack, jsii.String("Schedules"), &awsscheduler.CfnScheduleGroupProps{
		Name: jsii.String(w.names.scheduleGroup())})
	var scheduled []string
	for _, f := range catalog.Functions() {
		if f.Trigger == catalog.Schedule {
			scheduled = append(scheduled, w.names.functionARN(f.Name))
		}
	}
	role := w.scheduleRole("ScheduleRole", "Schedules of Fleet", group, scheduled...)
	for _, f := range catalog.Functions() {
		if f.Trigger != catalog.Schedule {
			continue
		}
		awsscheduler.NewCfnSchedule(w.stack, jsii.String(f.State()+"Schedule"), &awsscheduler.CfnScheduleProps{
			Name:               &f.Name,
			GroupName:          group.Ref(),
			Description:        jsii.String("Invokes " + w.names.function(f.Name)),
			ScheduleExpression: jsii.String(rate(f.Every)),
			FlexibleTimeWindow: &awsscheduler.CfnSchedule_FlexibleTimeWindowProperty{Mode: jsii.String("OFF")},
			Target: &awsscheduler.CfnSchedule_TargetProperty{
				Arn:              w.functions[f.Name].FunctionArn(),
				RoleArn:          role.RoleArn(),
				Input:            jsii.String("{}"),
				DeadLetterConfig: &awsscheduler.CfnSchedule_DeadLetterConfigProperty{Arn: w.deadLetters.QueueArn()},
				RetryPolicy: &awsscheduler.CfnSchedule_RetryPolicyProperty{
					MaximumEventAgeInSeconds: jsii.Number(float64(patience(f))), MaximumRetryAttempts: jsii.Number(deliveries)},
			},
		})
	}
}

// calendar is the group of the one-time schedules, which functions make and which delete themselves, and the role under which those
// invoke the function that looks after what is due.
func (w *workflows) calendar() {
	group := awsscheduler.NewCfnScheduleGroup(w.stack, jsii.String("Calendar"), &awsscheduler.CfnScheduleGroupProps{
		Name: jsii.String(w.names.calendarGroup())})
	w.grants.calendarRole = w.scheduleRole("CalendarRole", "One-time schedules of Fleet", group, w.names.functionARN(catalog.Due.Name))
}

// scheduleRole is what a group's schedules, and no others, invoke functions under.
func (w *workflows) scheduleRole(id, description string, group awsscheduler.CfnScheduleGroup, functions ...string) awsiam.Role {
	return w.newRole(id, "scheduler.amazonaws.com", description, map[string]any{
		"StringEquals": map[string]any{"aws:SourceAccount": awscdk.Aws_ACCOUNT_ID(), "aws:SourceArn": group.AttrArn()},
	}, []statement{
		{sid: "InvokeFunctions", actions: []string{"lambda:InvokeFunction"}, resources: functions},
		w.sendDeadLetters(),
	})
}

// deliveries is how often the delivery of an event is tried again.
const deliveries = 10

// rate is a period as EventBridge spells it.
func rate(minutes int) string {
	if minutes == 1 {
		return "rate(1 minute)"
	}
	return fmt.Sprintf("rate(%d minutes)", minutes)
}

// executionEnds invokes the functions that see to executions which have ended.
func (w *workflows) executionEnds() {
	var machines, ends []any
	for _, name := range catalog.Workflows() {
		machines = append(machines, w.names.machineARN(name))
	}
	for _, status := range []string{"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"} {
		ends = append(ends, status)
	}
	rule := awsevents.NewRule(w.stack, jsii.String("ExecutionEnds"), &awsevents.RuleProps{
		RuleName:    jsii.String(w.names.of("execution-ends")),
		Description: jsii.String("An execution of a workflow has ended"),
		EventPattern: &awsevents.EventPattern{
			Source:     texts("aws.states"),
			DetailType: texts("Step Functions Execution Status Change"),
			Detail:     &map[string]any{"stateMachineArn": machines, "status": ends},
		},
	})
	for _, f := range catalog.Functions() {
		if f.OnExecutionEnd {
			rule.AddTarget(awseventstargets.NewLambdaFunction(w.functions[f.Name], &awseventstargets.LambdaFunctionProps{
				DeadLetterQueue: w.deadLetters, MaxEventAge: seconds(patience(f)), RetryAttempts: jsii.Number(deliveries)}))
		}
	}
}

// title is a name with a capital, as CloudFormation's own.
func title(name string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(name, "-") {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}
