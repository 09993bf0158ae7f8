package main

import (
	"encoding/json"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/project-gimbal/fleet/internal/catalog"
)

// names gives the names of a stage's resources, and ARNs made of them. What is known by its name needs no reference: stacks can
// speak of each other's resources without a cycle, and people find them.
type names struct{ stage string }

// live is the alias of each state machine by which executions are started.
const live = "live"

func (n names) of(what string) string           { return "fleet-" + n.stage + "-" + what }
func (n names) function(name string) string     { return n.of(name) }
func (n names) workflow(name string) string     { return n.of(name) }
func (n names) table() string                   { return "fleet-" + n.stage }
func (n names) keysTable() string               { return n.of("keys") }
func (n names) scheduleGroup() string           { return "fleet-" + n.stage }
func (n names) calendarGroup() string           { return n.of("calendar") }
func (n names) deadLetters() string             { return n.of("dead-letters") }
func (n names) topic() string                   { return n.of("incidents") }
func (n names) functionLogs() string            { return "/fleet/" + n.stage + "/functions" }
func (n names) secret(credential string) string { return "fleet/" + n.stage + "/" + credential }

// workflowLogs begins as those groups do to which AWS lets its services deliver without a policy that grows with each group.
func (n names) workflowLogs() string { return "/aws/vendedlogs/states/fleet-" + n.stage }

func (n names) accessLogs() string { return "/aws/vendedlogs/apigateway/fleet-" + n.stage }

func (n names) suspendedLogs() string {
	return "/aws/vendedlogs/apigateway/fleet-" + n.stage + "-suspended"
}

// bucket is unique in the world, as buckets' names must be.
func (n names) bucket(what string) string {
	return n.of(what) + "-" + *awscdk.Aws_ACCOUNT_ID() + "-" + *awscdk.Aws_REGION()
}

// arn is the ARN of a resource in the stack's own account and region.
func arn(service, resource string) string {
	return "arn:" + *awscdk.Aws_PARTITION() + ":" + service + ":" + *awscdk.Aws_REGION() + ":" + *awscdk.Aws_ACCOUNT_ID() + ":" + resource
}

func (n names) functionARN(name string) string { return arn("lambda", "function:"+n.function(name)) }
func (n names) machineARN(name string) string  { return arn("states", "stateMachine:"+n.workflow(name)) }
func (n names) tableARN() string               { return arn("dynamodb", "table/"+n.table()) }
func (n names) keysTableARN() string           { return arn("dynamodb", "table/"+n.keysTable()) }
func (n names) topicARN() string               { return arn("sns", n.topic()) }
func (n names) calendarARN() string            { return arn("scheduler", "schedule/"+n.calendarGroup()+"/*") }
func (n names) queueARN() string               { return arn("sqs", n.deadLetters()) }

func (n names) bucketARN(what string) string {
	return "arn:" + *awscdk.Aws_PARTITION() + ":s3:::" + n.bucket(what)
}

// secretARN ends with a pattern for the six characters that Secrets Manager puts behind a secret's name.
func (n names) secretARN(credential string) string {
	return arn("secretsmanager", "secret:"+n.secret(credential)+"-??????")
}

// aliases are the ARNs that the workflows' executions are started by.
func (n names) aliases() map[string]string {
	arns := map[string]string{}
	for _, w := range catalog.Workflows() {
		arns[w] = n.machineARN(w) + ":" + live
	}
	return arns
}

// texts are pointers to texts, as jsii wants them.
func texts(list ...string) *[]*string { return jsii.Strings(list...) }

// encoded is v as JSON.
func encoded(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // they are maps of texts and numbers
	}
	return string(text)
}
