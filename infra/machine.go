package main

import (
	"regexp"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/jsii-runtime-go"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/statemachines"
)

// placeholder is a name in a definition for which a function's ARN is put in.
var placeholder = regexp.MustCompile(`\$\{([A-Za-z0-9]+)\}`)

// machine deploys a workflow's definition as it is in statemachines/.
func (w *workflows) machine(workflow string) {
	definition, err := statemachines.Definition(workflow)
	if err != nil {
		panic(err) // internal/arch holds catalog and definitions together
	}
	substitutions := map[string]*string{}
	for _, found := range placeholder.FindAllSubmatch(definition, -1) {
		state := string(found[1])
		if substitutions[state] != nil {
			continue
		}
		f, ok := catalog.ByState(state)
		if !ok {
			panic("the placeholder ${" + state + "} in statemachines/" + workflow + ".asl.json is no function of the catalog")
		}
		substitutions[state] = w.functions[f.Name].FunctionArn()
	}
	var invoked []string // an execution keeps its definition over a deployment, but not its role: earlier versions' functions, too
	for _, f := range catalog.Functions() {
		if f.Trigger == catalog.Workflow {
			invoked = append(invoked, w.names.functionARN(f.Name))
		}
	}
	id := title(workflow)
	role := w.newRole(id+"Role", "states.amazonaws.com", "Workflow "+workflow+" of Fleet", map[string]any{
		"StringEquals": map[string]any{"aws:SourceAccount": awscdk.Aws_ACCOUNT_ID()},
		"ArnLike":      map[string]any{"aws:SourceArn": w.names.machineARN(workflow) + "*"},
	}, []statement{
		{sid: "InvokeFunctions", actions: []string{"lambda:InvokeFunction"}, resources: invoked},
		deliverLogs, writeTraces, sampleTraces,
	})
	acceptWildcards(role, deliverLogs, writeTraces, sampleTraces)
	machine := awsstepfunctions.NewStateMachine(w.stack, &id, &awsstepfunctions.StateMachineProps{
		StateMachineName:        jsii.String(w.names.workflow(workflow)),
		DefinitionBody:          awsstepfunctions.DefinitionBody_FromString(jsii.String(string(definition))),
		DefinitionSubstitutions: &substitutions,
		Role:                    role.WithoutPolicyUpdates(nil),
		TracingEnabled:          jsii.Bool(true),
		Logs: &awsstepfunctions.LogOptions{Destination: w.workflowLogs, Level: awsstepfunctions.LogLevel_ALL,
			IncludeExecutionData: jsii.Bool(false)},
	})
	w.alias(id, machine)
}

// alias is what executions are started by. A changed definition becomes a new version, and the versions before it stay: executions
// in flight go on with theirs, and the alias can be set back.
func (w *workflows) alias(id string, machine awsstepfunctions.StateMachine) {
	revision := machine.Node().DefaultChild().(awsstepfunctions.CfnStateMachine).AttrStateMachineRevisionId()
	version := awsstepfunctions.NewCfnStateMachineVersion(w.stack, jsii.String(id+"Version"), &awsstepfunctions.CfnStateMachineVersionProps{
		StateMachineArn: machine.StateMachineArn(), StateMachineRevisionId: revision})
	version.ApplyRemovalPolicy(awscdk.RemovalPolicy_RETAIN, nil)
	awsstepfunctions.NewCfnStateMachineAlias(w.stack, jsii.String(id+"Alias"), &awsstepfunctions.CfnStateMachineAliasProps{
		Name: jsii.String(live),
		DeploymentPreference: &awsstepfunctions.CfnStateMachineAlias_DeploymentPreferenceProperty{
			StateMachineVersionArn: version.AttrArn(), Type: jsii.String("ALL_AT_ONCE")},
	})
}
