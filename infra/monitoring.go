package main

import (
	"math"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/jsii-runtime-go"

	"github.com/project-gimbal/fleet/internal/catalog"
)

// monitoring is the stack of alarms, which are few, and of the dashboard. It knows the others' resources by name.
type monitoring struct {
	stack awscdk.Stack
	names names
	topic awscloudwatch.IAlarmAction
	http  *string
}

func newMonitoring(stack awscdk.Stack, c Config, n names, all stacks) awscdk.Stack {
	m := &monitoring{stack: stack, names: n, topic: awscloudwatchactions.NewSnsAction(all.data.topic), http: all.workflows.api.ApiId()}
	for _, f := range catalog.Functions() {
		if f.Trigger == catalog.Schedule {
			m.deadMan(f)
		}
	}
	for _, w := range catalog.Workflows() {
		m.failed(w)
	}
	m.alarm("DeadLetters", "Something asynchronous was given up: fleetctl doctor counts it, and says where to look at it.",
		m.deadLetters(), &awscloudwatch.AlarmProps{Threshold: jsii.Number(1), EvaluationPeriods: jsii.Number(1)})
	m.alarm("ServerErrors", "The API answered with an error of its own, to a signup perhaps: look for its request in the functions' logs.",
		m.serverErrors(), &awscloudwatch.AlarmProps{Threshold: jsii.Number(1), EvaluationPeriods: jsii.Number(1)})
	if c.Dashboard {
		m.dashboard()
	}
	return stack
}

// alarm tells the topic when a metric reaches its threshold, and when it is below again. Where there is no metric, nothing is
// wrong, unless props say otherwise.
func (m *monitoring) alarm(id, description string, metric awscloudwatch.IMetric, props *awscloudwatch.AlarmProps) {
	props.AlarmName = jsii.String(m.names.of(id))
	props.AlarmDescription = &description
	props.Metric = metric
	if props.ComparisonOperator == "" {
		props.ComparisonOperator = awscloudwatch.ComparisonOperator_GREATER_THAN_OR_EQUAL_TO_THRESHOLD
	}
	if props.TreatMissingData == "" {
		props.TreatMissingData = awscloudwatch.TreatMissingData_NOT_BREACHING
	}
	alarm := awscloudwatch.NewAlarm(m.stack, jsii.String(id), props)
	alarm.AddAlarmAction(m.topic)
	alarm.AddOkAction(m.topic)
}

// Of a sweep, this many periods without an invocation are an alarm, and as many as make up this many minutes.
const (
	missedPeriods = 3
	missedMinutes = 5
)

// deadMan is for a sweep that isn't invoked any more: no data is the very thing that it waits for. What invokes admit and reconcile
// beside their schedules would hide a dead one while there is work; the daily checkup asks for the schedules themselves.
func (m *monitoring) deadMan(f catalog.Function) {
	periods := max(missedPeriods, math.Ceil(missedMinutes/float64(f.Every)))
	m.alarm("Silent"+f.State(), "The sweep "+f.Name+" is not invoked any more: fleetctl doctor looks at its schedule.",
		m.metric("AWS/Lambda", "Invocations", f.Every, map[string]string{"FunctionName": m.names.function(f.Name)}),
		&awscloudwatch.AlarmProps{
			Threshold:          jsii.Number(1),
			ComparisonOperator: awscloudwatch.ComparisonOperator_LESS_THAN_THRESHOLD,
			EvaluationPeriods:  &periods,
			TreatMissingData:   awscloudwatch.TreatMissingData_BREACHING,
		})
}

// unsuccessful are the metrics of executions that ended otherwise than by success.
var unsuccessful = []string{"ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"}

// failed is for executions that did not succeed.
func (m *monitoring) failed(workflow string) {
	using := map[string]awscloudwatch.IMetric{}
	expression := ""
	for i, name := range unsuccessful {
		id := string(rune('a' + i))
		using[id] = m.execution(name, workflow)
		expression += "+FILL(" + id + ",0)"
	}
	sum := awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{
		Expression: jsii.String(expression[1:]), UsingMetrics: &using, Period: minutes(5), Label: jsii.String(workflow)})
	m.alarm("Failed"+title(workflow), "An execution of "+workflow+" failed, timed out or was stopped: fleetctl list shows the instance and why, fleetctl incidents what is left to do.",
		sum, &awscloudwatch.AlarmProps{Threshold: jsii.Number(1), EvaluationPeriods: jsii.Number(1)})
}

func (m *monitoring) execution(metric, workflow string) awscloudwatch.Metric {
	return m.metric("AWS/States", metric, 5, map[string]string{"StateMachineArn": m.names.machineARN(workflow)})
}

func (m *monitoring) deadLetters() awscloudwatch.Metric {
	return m.metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", 5, map[string]string{"QueueName": m.names.deadLetters()})
}

func (m *monitoring) serverErrors() awscloudwatch.Metric {
	return m.metric("AWS/ApiGateway", "5xx", 5, map[string]string{"ApiId": *m.http})
}

// metric is the sum of a metric over a number of minutes, or the largest number of a queue's messages.
func (m *monitoring) metric(namespace, name string, every int, of map[string]string) awscloudwatch.Metric {
	dimensions := map[string]*string{}
	for k, v := range of {
		dimensions[k] = &v
	}
	statistic := awscloudwatch.Stats_SUM()
	if namespace == "AWS/SQS" {
		statistic = awscloudwatch.Stats_MAXIMUM()
	}
	return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{Namespace: &namespace, MetricName: &name, DimensionsMap: &dimensions,
		Period: minutes(every), Statistic: statistic})
}

func minutes(n int) awscdk.Duration { return awscdk.Duration_Minutes(jsii.Number(float64(n))) }
