//go:build e2e

package e2e

import (
	"fmt"
	"slices"
)

// alias is one of a state machine, taken out of a template.
type alias struct {
	machine string // logical id of the state machine
	name    string
}

const (
	machineType        = "AWS::StepFunctions::StateMachine"
	machineVersionType = "AWS::StepFunctions::StateMachineVersion"
	machineAliasType   = "AWS::StepFunctions::StateMachineAlias"
)

// adapt takes out of a template what the emulator refuses although it is right on AWS, and gives the aliases among it. The
// emulator's CloudFormation knows no versions and aliases of state machines, which its Step Functions has: the test makes
// them by that API. Nor does it know composite alarms and alarms on an expression; no test needs them.
func adapt(template map[string]any) (aliases []alias, removed []string, err error) {
	resources, _ := template["Resources"].(map[string]any)
	machines := map[string]string{} // by logical id of a version
	for id, r := range resources {
		if r, _ := r.(map[string]any); r["Type"] == machineVersionType {
			properties, _ := r["Properties"].(map[string]any)
			machines[id] = referred(properties["StateMachineArn"])
		}
	}
	stands := map[string]any{} // what stands for a removed resource where others refer to it
	for id, r := range resources {
		r, _ := r.(map[string]any)
		properties, _ := r["Properties"].(map[string]any)
		switch r["Type"] {
		case machineVersionType:
			stands[id] = map[string]any{"Ref": machines[id]}
		case machineAliasType:
			a := alias{name: fmt.Sprint(properties["Name"])}
			if a.machine = machines[versionOf(properties)]; a.machine == "" {
				return nil, nil, fmt.Errorf("the alias %s leads to no version of the template", id)
			}
			aliases = append(aliases, a)
			stands[id] = map[string]any{"Fn::Join": []any{"", []any{map[string]any{"Ref": a.machine}, ":" + a.name}}}
		case "AWS::CloudWatch::CompositeAlarm":
			stands[id] = id
		case "AWS::CloudWatch::Alarm":
			if _, expression := properties["Metrics"]; expression {
				stands[id] = id
			}
		}
	}
	for id := range stands {
		removed = append(removed, id)
		delete(resources, id)
	}
	slices.Sort(removed)
	for _, part := range []string{"Resources", "Outputs"} {
		if template[part] != nil {
			template[part] = without(template[part], stands)
		}
	}
	return aliases, removed, nil
}

// versionOf is the logical id of the version that an alias leads to.
func versionOf(properties map[string]any) string {
	if p, ok := properties["DeploymentPreference"].(map[string]any); ok {
		return referred(p["StateMachineVersionArn"])
	}
	routes, _ := properties["RoutingConfiguration"].([]any)
	for _, r := range routes {
		if r, ok := r.(map[string]any); ok {
			return referred(r["StateMachineVersionArn"])
		}
	}
	return ""
}

// referred is the logical id that a Ref or a Fn::GetAtt names.
func referred(v any) string {
	m, _ := v.(map[string]any)
	if id, ok := m["Ref"].(string); ok {
		return id
	}
	if path, ok := m["Fn::GetAtt"].([]any); ok && len(path) == 2 {
		id, _ := path[0].(string)
		return id
	}
	return ""
}

// without is a copy of a template's part in which nothing refers to what was taken out.
func without(part any, stands map[string]any) any {
	switch part := part.(type) {
	case map[string]any:
		if id := referred(part); id != "" && len(part) == 1 && stands[id] != nil {
			return stands[id]
		}
		out := map[string]any{}
		for name, value := range part {
			if name == "DependsOn" {
				if value = independent(value, stands); value == nil {
					continue
				}
			}
			out[name] = without(value, stands)
		}
		return out
	case []any:
		out := make([]any, len(part))
		for i, value := range part {
			out[i] = without(value, stands)
		}
		return out
	}
	return part
}

// independent is a DependsOn without what was taken out; nil if nothing is left.
func independent(on any, stands map[string]any) any {
	switch on := on.(type) {
	case string:
		if stands[on] != nil {
			return nil
		}
	case []any:
		left := slices.DeleteFunc(slices.Clone(on), func(id any) bool { return stands[fmt.Sprint(id)] != nil })
		if len(left) == 0 {
			return nil
		}
		return left
	}
	return on
}
