package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"github.com/project-gimbal/fleet/internal/catalog"
)

// workflows is the stack of all that runs.
type workflows struct {
	stack  awscdk.Stack
	config Config
	names  names
	grants grants
	// api has no routes here. It is in this stack because a function tells its address; its routes come after the functions.
	api awsapigatewayv2.HttpApi
	// deadLetters takes what was given up of everything asynchronous: an alarm watches it.
	deadLetters                awssqs.Queue
	functionLogs, workflowLogs awslogs.LogGroup
	functions                  map[string]awslambda.Function
}

func newWorkflows(stack awscdk.Stack, c Config, n names, d *data) *workflows {
	w := &workflows{stack: stack, config: c, names: n, grants: grants{names: n, data: d, c: c}, functions: map[string]awslambda.Function{}}
	w.api = awsapigatewayv2.NewHttpApi(stack, jsii.String("Api"), &awsapigatewayv2.HttpApiProps{
		ApiName:                   jsii.String(n.of("api")),
		Description:               jsii.String("Gimbal Fleet, stage " + c.Stage),
		CreateDefaultStage:        jsii.Bool(false),
		DisableExecuteApiEndpoint: jsii.Bool(c.CustomDomain != ""),
	})
	w.functionLogs = logGroup(stack, "FunctionLogs", n.functionLogs())
	w.workflowLogs = logGroup(stack, "WorkflowLogs", n.workflowLogs())
	w.deadLetters = awssqs.NewQueue(stack, jsii.String("DeadLetters"), &awssqs.QueueProps{
		QueueName:       jsii.String(n.deadLetters()),
		Encryption:      awssqs.QueueEncryption_SQS_MANAGED,
		EnforceSSL:      jsii.Bool(true),
		RetentionPeriod: days(14),
	})
	accept(w.deadLetters, "AwsSolutions-SQS3", "It is the dead-letter queue of all the others; an alarm watches it.")
	w.calendar()
	for _, f := range catalog.Functions() {
		w.functions[f.Name] = w.function(f)
	}
	for _, name := range catalog.Workflows() {
		w.machine(name)
	}
	w.schedules()
	w.executionEnds()
	awscdk.NewCfnOutput(stack, jsii.String("DeadLettersUrl"), &awscdk.CfnOutputProps{Value: w.deadLetters.QueueUrl()})
	return w
}

// logGroup keeps logs for three months. They hold ids and codes, no customers' data: AWS's own encryption is enough, and they go
// with their stack.
func logGroup(stack awscdk.Stack, id, name string) awslogs.LogGroup {
	return awslogs.NewLogGroup(stack, &id, &awslogs.LogGroupProps{
		LogGroupName:  &name,
		Retention:     awslogs.RetentionDays_THREE_MONTHS,
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
}
