//go:build !race

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"

	"github.com/project-gimbal/fleet/internal/catalog"
)

// functionsFolder stands for build/functions: what is in a bootstrap does not matter to a template.
var functionsFolder string

// TestMain ends jsii's process. jsii.Close waits for it from two goroutines at once, which the race detector reports and sometimes
// prints that the process "exited abnormally". Nothing here runs at the same time as anything else, so that the tests of this
// folder are run without the detector: make test does so.
func TestMain(m *testing.M) {
	os.Exit(func() int {
		defer jsii.Close()
		folder, err := os.MkdirTemp("", "functions")
		if err != nil {
			panic(err)
		}
		defer func() { _ = os.RemoveAll(folder) }() // the system's temporary folder is emptied anyway
		functionsFolder = folder
		for _, f := range catalog.Functions() {
			if err := os.MkdirAll(filepath.Join(folder, f.Name), 0o755); err != nil {
				panic(err)
			}
			if err := os.WriteFile(filepath.Join(folder, f.Name, "bootstrap"), []byte(f.Name), 0o755); err != nil {
				panic(err)
			}
		}
		return m.Run()
	}())
}

// deployment is a configuration, synthesised.
type deployment struct {
	stage     string
	folder    string // of the cloud assembly
	templates templates
}

// templates are those of the stacks, by "data", "workflows", "api" and "monitoring".
type templates map[string]resources

// resources are a template's, by their logical ids.
type resources = map[string]any

// The deployments that the tests look at. Each is synthesised once: the first costs seconds.
var (
	ofDev = sync.OnceValue(func() deployment { return synthesised("dev", nil) })
	// ofProduction has everything that is optional.
	ofProduction = sync.OnceValue(func() deployment {
		context := complete("production")
		maps.Copy(context, map[string]any{
			"customDomain":         "fleet.gimbal.example",
			"certificate":          "arn:aws:acm:us-east-1:111122223333:certificate/1",
			"suspendedCertificate": "arn:aws:acm:us-east-1:111122223333:certificate/2",
			"permissionsBoundary":  "arn:aws:iam::111122223333:policy/boundary",
			"architecture":         "x86_64",
		})
		return synthesised("production", context)
	})
	// ofStaging has every switch the other way.
	ofStaging = sync.OnceValue(func() deployment {
		context := complete("staging")
		maps.Copy(context, map[string]any{
			"publicUrl":       "https://fleet.gimbal.example/",
			"dashboard":       "false",
			"detailedMetrics": true,
		})
		return synthesised("staging", context)
	})
)

// everyDeployment are all of them, in the order in which to say what is wrong with them.
func everyDeployment() []deployment { return []deployment{ofDev(), ofProduction(), ofStaging()} }

// complete is the context of a stage that is not in cdk.json.
func complete(stage string) map[string]any {
	context := maps.Clone(sample())
	context["stage"] = stage
	return context
}

// sample is the context of stage dev.
func sample() map[string]any {
	file, err := fileContext()
	if err != nil {
		panic(err)
	}
	return file["stages"].(map[string]any)["dev"].(map[string]any)
}

func synthesised(stage string, context map[string]any) deployment {
	given := map[string]any{"stage": stage, "functions": functionsFolder}
	maps.Copy(given, context)
	out, err := os.MkdirTemp(functionsFolder, "out")
	if err != nil {
		panic(err)
	}
	app, err := newApp(given, out, "/")
	if err != nil {
		panic(err)
	}
	app.Synth(nil)
	d := deployment{stage: stage, folder: out, templates: templates{}}
	for _, name := range []string{"data", "workflows", "api", "monitoring"} {
		d.templates[name] = d.whole(name)["Resources"].(map[string]any)
	}
	return d
}

// whole is a stack's template.
func (d deployment) whole(name string) map[string]any {
	written, err := os.ReadFile(filepath.Join(d.folder, "fleet-"+d.stage+"-"+name+".template.json"))
	if err != nil {
		panic(err)
	}
	var template map[string]any
	if err := json.Unmarshal(written, &template); err != nil {
		panic(err)
	}
	return template
}

// bytes is how large a stack's template is.
func (d deployment) bytes(name string) int64 {
	file, err := os.Stat(filepath.Join(d.folder, "fleet-"+d.stage+"-"+name+".template.json"))
	if err != nil {
		panic(err)
	}
	return file.Size()
}

// asserted is a stack's template for CDK's own assertions.
func (d deployment) asserted(name string) assertions.Template {
	template := d.whole(name)
	return assertions.Template_FromJSON(&template, nil)
}

// decoded is a copy of v, by way of JSON.
func decoded(v map[string]any) map[string]any {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	var plain map[string]any
	if err := json.Unmarshal(text, &plain); err != nil {
		panic(err)
	}
	return plain
}

// copied is a copy to be broken.
func (t templates) copied() templates {
	c := templates{}
	for name, r := range t {
		c[name] = decoded(r)
	}
	return c
}

// resource is one of a template.
type resource struct {
	id         string
	whole      map[string]any
	properties map[string]any
}

// all are the resources of a type, of every stack, in the order of their ids.
func (t templates) all(kind string) []resource {
	var found []resource
	for _, name := range slices.Sorted(maps.Keys(t)) {
		for _, id := range slices.Sorted(maps.Keys(t[name])) {
			whole := t[name][id].(map[string]any)
			if whole["Type"] == kind {
				properties, _ := whole["Properties"].(map[string]any)
				found = append(found, resource{id, whole, properties})
			}
		}
	}
	return found
}

// of are the resources of a type with a property of a value.
func (t templates) of(kind, property, value string) []resource {
	return slices.DeleteFunc(t.all(kind), func(r resource) bool { return text(r.properties[property]) != value })
}

// one is the only one of them.
func (t templates) one(kind, property, value string) (resource, error) {
	found := t.of(kind, property, value)
	if len(found) != 1 {
		return resource{}, fmt.Errorf("there are %d of %s with the %s %s, not one", len(found), kind, property, value)
	}
	return found[0], nil
}

// at follows keys into nested objects; nil where there is none.
func at(v any, keys ...string) any {
	for _, key := range keys {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v
}

// list is v, or v alone in a list: CloudFormation takes both.
func list(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{v}
}

// text resolves a value for a made-up account, as far as the tests need it: what is joined is joined, a reference is the logical
// id of what it refers to in <>, and a key of another stack is <RecordsKey>, <WrappingKey> or <MessagesKey>.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case map[string]any:
		for name, argument := range v {
			return intrinsic(name, argument)
		}
	case nil:
		return ""
	}
	return fmt.Sprint(v)
}

func intrinsic(name string, argument any) string {
	switch name {
	case "Ref":
		known := map[string]string{"AWS::Partition": "aws", "AWS::Region": "us-east-1", "AWS::AccountId": "111122223333",
			"AWS::URLSuffix": "amazonaws.com"}
		if value, ok := known[argument.(string)]; ok {
			return value
		}
		return "<" + argument.(string) + ">"
	case "Fn::GetAtt":
		return "<" + text(list(argument)[0]) + ">"
	case "Fn::Join":
		var b strings.Builder
		for _, part := range list(argument)[1].([]any) {
			b.WriteString(text(part))
		}
		return b.String()
	case "Fn::GetStackOutput":
		for _, key := range []string{"RecordsKey", "WrappingKey", "MessagesKey"} {
			if strings.Contains(text(at(argument, "OutputName")), key) {
				return "<" + key + ">"
			}
		}
		return "<" + text(at(argument, "OutputName")) + ">"
	}
	return "<" + name + ">"
}

// wants fails the test for everything that a check reports.
func wants(t *testing.T, d deployment, check func(deployment) []string) {
	t.Helper()
	for _, problem := range check(d) {
		t.Errorf("stage %s: %s", d.stage, problem)
	}
}
