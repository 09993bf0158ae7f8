package main

import (
	"path/filepath"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"

	"github.com/project-gimbal/fleet/internal/catalog"
)

// function deploys an entry of the catalog, with a role of its own.
func (w *workflows) function(f catalog.Function) awslambda.Function {
	environment := map[string]*string{}
	for name, value := range w.environment(f) {
		environment[name] = &value
	}
	props := &awslambda.FunctionProps{
		FunctionName: jsii.String(w.names.function(f.Name)),
		Description:  jsii.String(f.Handler),
		Runtime:      awslambda.Runtime_PROVIDED_AL2023(),
		Architecture: awslambda.Architecture_ARM_64(),
		Code:         awslambda.Code_FromAsset(jsii.String(filepath.Join(w.config.Functions, f.Name)), nil),
		Handler:      jsii.String("bootstrap"),
		MemorySize:   jsii.Number(float64(f.Memory)),
		Timeout:      seconds(f.Timeout),
		Environment:  &environment,
		Role:         w.role(f),
		// The functions write their logs as JSON; so do the platform's lines.
		LogGroup:      w.functionLogs,
		LoggingFormat: awslambda.LoggingFormat_JSON,
		Tracing:       awslambda.Tracing_ACTIVE,
	}
	if w.config.Architecture == x86 {
		props.Architecture = awslambda.Architecture_X86_64()
	}
	if invokedByEvent(f) {
		props.DeadLetterQueue = w.deadLetters
		props.MaxEventAge = seconds(patience(f))
		props.RetryAttempts = jsii.Number(2)
	}
	return awslambda.NewFunction(w.stack, jsii.String(f.State()), props)
}

// role is the function's own. CDK adds nothing to it: what a function may do is what the catalog says.
func (w *workflows) role(f catalog.Function) awsiam.IRole {
	all := append(w.grants.always(), w.grants.statements(f)...)
	if invokedByEvent(f) {
		all = append(all, w.sendDeadLetters())
	}
	role := w.newRole(f.State()+"Role", "lambda.amazonaws.com", "Function "+f.Name+" of Fleet", nil, all)
	acceptWildcards(role, all...)
	return role.WithoutPolicyUpdates(nil)
}

func (w *workflows) sendDeadLetters() statement {
	return statement{sid: "SendDeadLetters", actions: []string{"sqs:SendMessage"}, resources: []string{w.names.queueARN()}}
}

// newRole makes a role with one policy inside, so that whatever waits for the role waits for what it may do.
func (w *workflows) newRole(id, service, description string, conditions map[string]any, all []statement) awsiam.Role {
	var policies []awsiam.PolicyStatement
	for _, s := range all {
		policies = append(policies, s.policy())
	}
	var options *awsiam.ServicePrincipalOpts
	if conditions != nil {
		options = &awsiam.ServicePrincipalOpts{Conditions: &conditions}
	}
	return awsiam.NewRole(w.stack, &id, &awsiam.RoleProps{
		AssumedBy:   awsiam.NewServicePrincipal(&service, options),
		Description: &description,
		InlinePolicies: &map[string]awsiam.PolicyDocument{"grants": awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{
			Statements: &policies, Minimize: jsii.Bool(false)})},
	})
}

// patience is for how many seconds an event for a function is worth delivering: about as long as until the next one, but never
// less than the minute that AWS wants at least, nor more than six hours.
func patience(f catalog.Function) int {
	return min(max(f.Every*60, 60), 6*60*60)
}

func seconds(n int) awscdk.Duration { return awscdk.Duration_Seconds(jsii.Number(float64(n))) }
