package main

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/jsii-runtime-go"

	"github.com/project-gimbal/fleet/internal/catalog"
)

// dashboard shows what the alarms watch, and where time goes.
func (m *monitoring) dashboard() {
	var executions, sweeps []awscloudwatch.IMetric
	for _, w := range catalog.Workflows() {
		for _, name := range append([]string{"ExecutionsStarted", "ExecutionsSucceeded"}, unsuccessful...) {
			executions = append(executions, m.execution(name, w))
		}
	}
	for _, f := range catalog.Functions() {
		if f.Trigger == catalog.Schedule {
			sweeps = append(sweeps, m.metric("AWS/Lambda", "Invocations", 60, map[string]string{"FunctionName": m.names.function(f.Name)}))
		}
	}
	requests := m.metric("AWS/ApiGateway", "Count", 5, map[string]string{"ApiId": *m.http})
	refused := m.metric("AWS/ApiGateway", "4xx", 5, map[string]string{"ApiId": *m.http})
	awscloudwatch.NewDashboard(m.stack, jsii.String("Dashboard"), &awscloudwatch.DashboardProps{
		DashboardName: jsii.String(m.names.of("fleet")),
		Widgets: &[]*[]awscloudwatch.IWidget{
			{graph("Executions", executions...), graph("Dead letters", m.deadLetters())},
			{graph("API", requests, refused, m.serverErrors()), graph("Sweeps, invocations an hour", sweeps...)},
			{graph("Functions' errors", m.each("Errors", "Sum")), graph("Functions' durations", m.each("Duration", "Maximum"))},
			{graph("Functions' throttles", m.each("Throttles", "Sum")), graph("Functions running", m.each("ConcurrentExecutions", "Maximum"))},
		},
	})
}

// each is a metric of every function of the stage. Without quotes a search takes parts of names, with them only whole ones.
func (m *monitoring) each(metric, statistic string) awscloudwatch.IMetric {
	return awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{
		Expression: jsii.String(fmt.Sprintf(`SEARCH('{AWS/Lambda,FunctionName} MetricName="%s" FunctionName=%s', '%s', 300)`,
			metric, m.names.table(), statistic)),
		UsingMetrics: &map[string]awscloudwatch.IMetric{}, Label: jsii.String(""), Period: minutes(5)})
}

func graph(title string, metrics ...awscloudwatch.IMetric) awscloudwatch.IWidget {
	return awscloudwatch.NewGraphWidget(&awscloudwatch.GraphWidgetProps{Title: &title, Left: &metrics, Width: jsii.Number(12)})
}
