//go:build !race

package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/project-gimbal/fleet/internal/catalog"
)

// checkEvents wants everything that is invoked without waiting for its answer to have a dead-letter queue, and an end of the time
// that an event is kept for.
func checkEvents(d deployment) (wrong []string) {
	for _, f := range catalog.Functions() {
		r, err := d.templates.one("AWS::Lambda::Function", "FunctionName", "fleet-"+d.stage+"-"+f.Name)
		if err != nil || f.Trigger != catalog.Schedule && !f.OnExecutionEnd {
			continue
		}
		if !d.deadLetters(at(r.properties, "DeadLetterConfig", "TargetArn")) {
			wrong = append(wrong, "function "+f.Name+" has no dead-letter queue")
		}
		kept, err := d.templates.one("AWS::Lambda::EventInvokeConfig", "FunctionName", "<"+r.id+">")
		age, _ := kept.properties["MaximumEventAgeInSeconds"].(float64)
		if err != nil || age < 60 || age > 6*60*60 {
			wrong = append(wrong, fmt.Sprintf("function %s: an event for it is kept for %v s", f.Name, age))
		}
	}
	return append(wrong, d.executionEnds()...)
}

// deadLetters reports whether a reference is to the queue.
func (d deployment) deadLetters(reference any) bool {
	queue, _ := d.templates["workflows"][strings.Trim(text(reference), "<>")].(map[string]any)
	return queue["Type"] == "AWS::SQS::Queue"
}

func (d deployment) executionEnds() (wrong []string) {
	rules := d.templates.all("AWS::Events::Rule")
	if len(rules) != 1 {
		return []string{fmt.Sprintf("there are %d rules of EventBridge, not one", len(rules))}
	}
	rule := rules[0].properties
	var statuses, machines, want []string
	for _, s := range list(at(rule, "EventPattern", "detail", "status")) {
		statuses = append(statuses, text(s))
	}
	for _, m := range list(at(rule, "EventPattern", "detail", "stateMachineArn")) {
		machines = append(machines, text(m))
	}
	for _, w := range catalog.Workflows() {
		want = append(want, "arn:aws:states:us-east-1:111122223333:stateMachine:fleet-"+d.stage+"-"+w)
	}
	if got := sorted(statuses); got != "ABORTED FAILED SUCCEEDED TIMED_OUT" {
		wrong = append(wrong, "the rule is for the statuses "+got)
	}
	if sorted(machines) != sorted(want) {
		wrong = append(wrong, "the rule is not for the executions of every workflow alone: "+sorted(machines))
	}
	var targets []string
	for _, target := range list(rule["Targets"]) {
		r, _ := d.templates["workflows"][strings.Trim(text(at(target, "Arn")), "<>")].(map[string]any)
		targets = append(targets, text(at(r, "Properties", "FunctionName")))
		if !d.deadLetters(at(target, "DeadLetterConfig", "Arn")) || at(target, "RetryPolicy", "MaximumEventAgeInSeconds") == nil {
			wrong = append(wrong, "a target of the rule has no dead-letter queue or no retry window")
		}
	}
	for _, f := range catalog.Functions() {
		if f.OnExecutionEnd != slices.Contains(targets, "fleet-"+d.stage+"-"+f.Name) {
			wrong = append(wrong, "the rule does not invoke those that the catalog says: "+f.Name)
		}
	}
	return wrong
}

// checkSchedules wants a schedule for each entry with a period, with a dead-letter queue and a retry window no longer than the period.
func checkSchedules(d deployment) (wrong []string) {
	n := 0
	for _, f := range catalog.Functions() {
		if f.Trigger != catalog.Schedule {
			continue
		}
		n++
		r, err := d.templates.one("AWS::Scheduler::Schedule", "Name", f.Name)
		if err != nil {
			wrong = append(wrong, err.Error())
			continue
		}
		target, _ := r.properties["Target"].(map[string]any)
		function, _ := d.templates["workflows"][strings.Trim(text(target["Arn"]), "<>")].(map[string]any)
		if text(at(function, "Properties", "FunctionName")) != "fleet-"+d.stage+"-"+f.Name {
			wrong = append(wrong, "schedule "+f.Name+" invokes another function")
		}
		period := strings.TrimSuffix(fmt.Sprintf("rate(%d minutes)", f.Every), "")
		if f.Every == 1 {
			period = "rate(1 minute)"
		}
		if got := text(r.properties["ScheduleExpression"]); got != period {
			wrong = append(wrong, "schedule "+f.Name+" is "+got+", not "+period)
		}
		if !d.deadLetters(at(target, "DeadLetterConfig", "Arn")) {
			wrong = append(wrong, "schedule "+f.Name+" has no dead-letter queue")
		}
		window, _ := at(target, "RetryPolicy", "MaximumEventAgeInSeconds").(float64)
		if window < 60 || window > float64(f.Every)*60 {
			wrong = append(wrong, fmt.Sprintf("schedule %s has a retry window of %v s", f.Name, window))
		}
		if at(r.properties, "FlexibleTimeWindow", "Mode") != "OFF" || !strings.HasPrefix(text(r.properties["GroupName"]), "<Schedules") {
			wrong = append(wrong, "schedule "+f.Name+" is not exact, or in no group")
		}
	}
	if got := len(d.templates.all("AWS::Scheduler::Schedule")); got != n {
		wrong = append(wrong, fmt.Sprintf("there are %d schedules, and %d in the catalog", got, n))
	}
	return wrong
}

// checkMachines wants each workflow deployed once, traced, logged without its data, and started by its alias.
func checkMachines(d deployment) (wrong []string) {
	if got, want := len(d.templates.all("AWS::StepFunctions::StateMachine")), len(catalog.Workflows()); got != want {
		wrong = append(wrong, fmt.Sprintf("there are %d state machines, and %d in the catalog", got, want))
	}
	for _, w := range catalog.Workflows() {
		r, err := d.templates.one("AWS::StepFunctions::StateMachine", "StateMachineName", "fleet-"+d.stage+"-"+w)
		if err != nil {
			wrong = append(wrong, err.Error())
			continue
		}
		logging := at(r.properties, "LoggingConfiguration")
		if at(r.properties, "TracingConfiguration", "Enabled") != true || at(logging, "Level") != "ALL" || at(logging, "IncludeExecutionData") != false {
			wrong = append(wrong, "workflow "+w+" is not traced, not logged, or logged with its data")
		}
		// An execution keeps its definition over a deployment, and uses the role as it is then.
		if got := invokable(d, r); !slices.Equal(got, stepsOf(d)) {
			wrong = append(wrong, fmt.Sprintf("workflow %s may invoke %d functions, not every function of a workflow", w, len(got)))
		}
		version, err := d.templates.one("AWS::StepFunctions::StateMachineVersion", "StateMachineArn", "<"+r.id+">")
		if err != nil {
			wrong = append(wrong, err.Error())
			continue
		}
		if version.whole["UpdateReplacePolicy"] != "Retain" || text(version.properties["StateMachineRevisionId"]) != "<"+r.id+">" {
			wrong = append(wrong, "workflow "+w+": a version does not stay, or is not of the definition")
		}
		led := slices.ContainsFunc(d.templates.all("AWS::StepFunctions::StateMachineAlias"), func(a resource) bool {
			return a.properties["Name"] == "live" && text(at(a.properties, "DeploymentPreference", "StateMachineVersionArn")) == "<"+version.id+">"
		})
		if !led {
			wrong = append(wrong, "workflow "+w+": no alias live leads to its version")
		}
	}
	return wrong
}

// invokable are the ARNs of the functions that a state machine's role may invoke, sorted.
func invokable(d deployment, machine resource) (arns []string) {
	role := d.templates["workflows"][strings.Trim(text(machine.properties["RoleArn"]), "<>")]
	for _, policy := range list(at(role, "Properties", "Policies")) {
		for _, s := range list(at(policy, "PolicyDocument", "Statement")) {
			if at(s, "Action") != "lambda:InvokeFunction" {
				continue
			}
			for _, r := range list(at(s, "Resource")) {
				arns = append(arns, text(r))
			}
		}
	}
	slices.Sort(arns)
	return arns
}

// stepsOf are the ARNs of all functions that workflows invoke, those of earlier definitions included, sorted.
func stepsOf(d deployment) (arns []string) {
	for _, f := range catalog.Functions() {
		if f.Trigger == catalog.Workflow {
			arns = append(arns, "arn:aws:lambda:us-east-1:111122223333:function:fleet-"+d.stage+"-"+f.Name)
		}
	}
	slices.Sort(arns)
	return arns
}

// checkTasks wants each Task to invoke a function that is deployed, to outlast it, and to have its errors caught.
func checkTasks(d deployment) (wrong []string) {
	for _, r := range d.templates.all("AWS::StepFunctions::StateMachine") {
		var machine map[string]any
		if err := json.Unmarshal([]byte(text(r.properties["DefinitionString"])), &machine); err != nil {
			wrong = append(wrong, r.id+": "+err.Error())
			continue
		}
		substitutions, _ := r.properties["DefinitionSubstitutions"].(map[string]any)
		wrong = append(wrong, d.tasks(r.id, machine, substitutions, false)...)
	}
	return wrong
}

func (d deployment) tasks(of string, machine any, substitutions map[string]any, caught bool) (wrong []string) {
	states, _ := at(machine, "States").(map[string]any)
	for name, state := range states {
		here := caught || slices.ContainsFunc(list(at(state, "Catch")), func(c any) bool {
			return slices.Contains(list(at(c, "ErrorEquals")), any("States.ALL"))
		})
		for _, branch := range list(at(state, "Branches")) {
			wrong = append(wrong, d.tasks(of, branch, substitutions, here)...)
		}
		if at(state, "Type") == "Task" {
			wrong = append(wrong, d.task(of+"."+name, state, substitutions)...)
			if !here {
				wrong = append(wrong, of+"."+name+": nothing catches its errors")
			}
		}
	}
	return wrong
}

func (d deployment) task(name string, state any, substitutions map[string]any) (wrong []string) {
	spelled := text(at(state, "Parameters", "FunctionName"))
	substitution, ok := substitutions[strings.TrimSuffix(strings.TrimPrefix(spelled, "${"), "}")]
	if !ok {
		return []string{name + ": nothing is put in for " + spelled}
	}
	function, ok := d.templates["workflows"][strings.Trim(text(substitution), "<>")].(map[string]any)
	if !ok || function["Type"] != "AWS::Lambda::Function" {
		return []string{name + ": what is put in for " + spelled + " is no function"}
	}
	own, _ := at(function, "Properties", "Timeout").(float64)
	if limit, _ := at(state, "TimeoutSeconds").(float64); own <= 0 || own >= limit {
		wrong = append(wrong, fmt.Sprintf("%s: its time-out of %v s is not longer than its function's of %v s", name, limit, own))
	}
	return wrong
}
