//go:build !race

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/project-gimbal/fleet/internal/catalog"
)

// checkCalendar wants a group of its own for the one-time schedules, and a role that only those have, which invokes due alone.
func checkCalendar(d deployment) (wrong []string) {
	group, err := d.templates.one("AWS::Scheduler::ScheduleGroup", "Name", "fleet-"+d.stage+"-calendar")
	if err != nil {
		return []string{err.Error()}
	}
	roles := slices.DeleteFunc(d.templates.all("AWS::IAM::Role"), func(r resource) bool {
		return !slices.ContainsFunc(list(at(r.properties, "AssumeRolePolicyDocument", "Statement")), func(s any) bool {
			return text(at(s, "Condition", "StringEquals", "aws:SourceArn")) == "<"+group.id+">"
		})
	})
	if len(roles) != 1 {
		return []string{"the calendar's schedules have no role, or many"}
	}
	trust := list(at(roles[0].properties, "AssumeRolePolicyDocument", "Statement"))[0]
	if text(at(trust, "Principal", "Service")) != "scheduler.amazonaws.com" ||
		text(at(trust, "Condition", "StringEquals", "aws:SourceAccount")) != "111122223333" {
		wrong = append(wrong, "others than EventBridge Scheduler, in this account, have the calendar's role")
	}
	return append(wrong, difference("the calendar's role", allowed(roles[0].properties), []string{
		"lambda:InvokeFunction on arn:aws:lambda:us-east-1:111122223333:function:fleet-" + d.stage + "-due",
		strings.ReplaceAll(sendDeadLetters, "STAGE", d.stage),
	})...)
}

// allowed are the statements of a role, spelled as statementsOf does.
func allowed(role any) (all []string) {
	for _, policy := range list(at(role, "Policies")) {
		for _, s := range list(at(policy, "PolicyDocument", "Statement")) {
			all = append(all, spelled(s))
		}
	}
	slices.Sort(all)
	return all
}

// TestCalendarIsGranted: a function with the grant may change the schedules of that group alone, and pass that role alone, to EventBridge
// Scheduler alone; and it knows them.
func TestCalendarIsGranted(t *testing.T) {
	context, err := merged(map[string]any{"functions": functionsFolder})
	if err != nil {
		t.Fatal(err)
	}
	config, err := parse(context, "/")
	if err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	app := awscdk.NewApp(&awscdk.AppProps{Context: &context, Outdir: &out})
	n := names{config.Stage}
	w := newWorkflows(awscdk.NewStack(app, jsii.String("W"), &awscdk.StackProps{SuppressTemplateIndentation: jsii.Bool(true)}), config, n, newData(awscdk.NewStack(app, jsii.String("D"), nil), config, n))
	probe := catalog.Due
	probe.Name, probe.Trigger, probe.Grants = "probe", catalog.Workflow, []catalog.Grant{catalog.Calendar}
	if err := os.MkdirAll(filepath.Join(functionsFolder, probe.Name), 0o755); err != nil {
		t.Fatal(err)
	}
	w.function(probe)
	app.Synth(nil)
	written, err := os.ReadFile(filepath.Join(out, "W.template.json"))
	if err != nil {
		t.Fatal(err)
	}
	var template struct{ Resources resources }
	if err := json.Unmarshal(written, &template); err != nil {
		t.Fatal(err)
	}
	f, err := templates{"W": template.Resources}.one("AWS::Lambda::Function", "FunctionName", "fleet-dev-probe")
	if err != nil {
		t.Fatal(err)
	}
	role := strings.Trim(text(f.properties["Role"]), "<>")
	for _, problem := range difference("the function", allowed(at(template.Resources[role], "Properties")), expected(probe, "dev")) {
		t.Error(problem)
	}
	d := deployment{stage: "dev", templates: templates{"workflows": template.Resources}}
	for _, problem := range d.environmentOf(probe, f) {
		t.Error(problem)
	}
}
