package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"
)

// stacks are those of one stage.
type stacks struct {
	data       *data
	workflows  *workflows
	api        *api
	monitoring awscdk.Stack
}

// build puts the stacks of a stage into an app, and lets cdk-nag look at them: what it finds fails the synthesis.
func build(app awscdk.App, c Config) {
	n := names{c.Stage}
	stack := func(what, description string, before ...awscdk.Stack) awscdk.Stack {
		s := awscdk.NewStack(app, jsii.String(n.of(what)), &awscdk.StackProps{
			Description:           jsii.String("Gimbal Fleet, stage " + c.Stage + ": " + description),
			TerminationProtection: jsii.Bool(c.holdsCustomers() && what == "data"),
			// CloudFormation takes a template of a million bytes, of which indentation would be a third.
			SuppressTemplateIndentation: jsii.Bool(true),
			Tags:                        &map[string]*string{"application": jsii.String("gimbal-fleet"), "stage": &c.Stage},
		})
		for _, b := range before {
			s.AddStackDependency(b, nil)
		}
		return s
	}
	var all stacks
	all.data = newData(stack("data", "what is kept: tables, keys, buckets, and the topic of incidents"), c, n)
	all.workflows = newWorkflows(stack("workflows", "functions, state machines, schedules", all.data.stack), c, n, all.data)
	all.api = newAPI(stack("api", "the HTTP API", all.workflows.stack), c, n, all.workflows)
	all.monitoring = newMonitoring(stack("monitoring", "alarms and the dashboard", all.workflows.stack, all.api.stack), c, n, all)
	if c.PermissionsBoundary != "" {
		policy := awsiam.ManagedPolicy_FromManagedPolicyArn(all.data.stack, jsii.String("Boundary"), &c.PermissionsBoundary)
		awsiam.PermissionsBoundary_Of(app).Apply(policy)
	}
	awscdk.Aspects_Of(app).Add(cdknag.NewAwsSolutionsChecks(nil), nil)
}
