//go:build !race

package main

import "strings"

// breakage is one deliberate mistake in templates, and a part of what its rule must report then.
type breakage struct {
	name    string
	change  func(templates)
	reports string
}

// on changes the one resource of a type that has a property of a value.
func on(kind, property, value string, change func(resource)) func(templates) {
	return func(t templates) {
		r, err := t.one(kind, property, value)
		if err != nil {
			panic("the mistake must be brought up to date: " + err.Error())
		}
		change(r)
	}
}

func onFunction(name string, change func(resource)) func(templates) {
	return on("AWS::Lambda::Function", "FunctionName", "fleet-production-"+name, change)
}

// set puts a value at a place in a resource's properties, or removes what is there.
func set(value any, keys ...string) func(resource) {
	return func(r resource) {
		holder := any(r.properties)
		for _, key := range keys[:len(keys)-1] {
			holder = holder.(map[string]any)[key]
		}
		if value == nil {
			delete(holder.(map[string]any), keys[len(keys)-1])
			return
		}
		holder.(map[string]any)[keys[len(keys)-1]] = value
	}
}

// onRole changes the statement with a sid in a function's role.
func onRole(function, sid string, change func(statement map[string]any)) func(templates) {
	return func(t templates) {
		r, err := t.one("AWS::Lambda::Function", "FunctionName", "fleet-production-"+function)
		if err != nil {
			panic(err)
		}
		role := t["workflows"][strings.Trim(text(r.properties["Role"]), "<>")]
		for _, s := range list(at(list(at(role, "Properties", "Policies"))[0], "PolicyDocument", "Statement")) {
			if at(s, "Sid") == sid {
				change(s.(map[string]any))
				return
			}
		}
		panic("the role of " + function + " has no statement " + sid)
	}
}

// inDefinition replaces a part of a workflow's definition, once.
func inDefinition(workflow, old, text string) func(templates) {
	return on("AWS::StepFunctions::StateMachine", "StateMachineName", "fleet-production-"+workflow, func(r resource) {
		definition := r.properties["DefinitionString"].(string)
		if !strings.Contains(definition, old) {
			panic("the definition has no " + old + ": the mistake must be brought up to date")
		}
		r.properties["DefinitionString"] = strings.Replace(definition, old, text, 1)
	})
}

// without removes a resource.
func without(stack, kind, property, value string) func(templates) {
	return func(t templates) { on(kind, property, value, func(r resource) { delete(t[stack], r.id) })(t) }
}

func whole(key string, value any) func(resource) { return func(r resource) { r.whole[key] = value } }

// breaks are the mistakes, by rule.
var breaks = map[string][]breakage{
	"functions": {
		{"not deployed", without("workflows", "AWS::Lambda::Function", "FunctionName", "fleet-production-admit"), "0 of AWS::Lambda::Function"},
		{"one more", func(t templates) {
			t["api"]["More"] = map[string]any{"Type": "AWS::Lambda::Function", "Properties": map[string]any{"FunctionName": "x"}}
		}, "in the catalog"},
		{"another role", func(t templates) {
			admit, _ := t.one("AWS::Lambda::Function", "FunctionName", "fleet-production-admit")
			onFunction("retry", set(admit.properties["Role"], "Role"))(t)
		}, "shares its role"},
		{"another time-out", onFunction("admit", set(61.0, "Timeout")), "function admit: its Timeout is 61"},
		{"not traced", onFunction("admit", set("PassThrough", "TracingConfig", "Mode")), "its TracingConfig"},
		{"another log group", onFunction("admit", set(nil, "LoggingConfig")), "its LogGroup"},
		{"logs for ever", on("AWS::Logs::LogGroup", "LogGroupName", "/fleet/production/functions", set(nil, "RetentionInDays")), "for ever"},
	},
	"environment": {
		{"a variable missing", onFunction("admit", set(nil, "Environment", "Variables", "FLEET_SLOTS")), "FLEET_SLOTS is not set"},
		{"a variable wrong", onFunction("admit", set("fleet", "Environment", "Variables", "FLEET_STATE_MACHINES")), "FLEET_STATE_MACHINES is wrong"},
		{"one too many", onFunction("approve", set("x", "Environment", "Variables", "FLEET_KEYS_TABLE")), "which nothing calls for"},
		{"a secret's value", onFunction("admit", set("sk-1", "Environment", "Variables", "SUPABASE_TOKEN")), "SUPABASE_TOKEN, which nothing calls for"},
		{"an emulator in production", onFunction("admit", set("http://127.0.0.1:1", "Environment", "Variables", "AWS_ENDPOINT_URL")), "AWS_ENDPOINT_URL is wrong"},
	},
	"grants": {
		{"an action more", onRole("approve", "InvokeAdmit", func(s map[string]any) { s["Action"] = []any{s["Action"], "lambda:UpdateFunctionCode"} }), "without a grant: lambda:InvokeFunction lambda:UpdateFunctionCode"},
		{"a resource more", onRole("approve", "FleetTable", func(s map[string]any) { s["Resource"] = "*" }), "approve may, without a grant"},
		{"without its condition", onRole("create-project", "UnwrapKeys", func(s map[string]any) { delete(s, "Condition") }), "without a grant: kms:Decrypt on <WrappingKey>"},
		{"another's secret", onRole("create-project", "SecretSupabaseToken", func(s map[string]any) {
			s["Resource"] = "arn:aws:secretsmanager:us-east-1:111122223333:secret:fleet/production/vercel-token-??????"
		}), "create-project may not, though granted"},
		{"a managed policy", func(t templates) {
			r, _ := t.one("AWS::Lambda::Function", "FunctionName", "fleet-production-approve")
			at(t["workflows"], strings.Trim(text(r.properties["Role"]), "<>"), "Properties").(map[string]any)["ManagedPolicyArns"] = []any{"x"}
		}, "has a managed policy"},
		{"a policy from outside", func(t templates) { t["api"]["More"] = map[string]any{"Type": "AWS::IAM::Policy"} }, "added to roles from outside"},
	},
	"wildcards": {
		{"a wildcard grant", onRole("approve", "FleetTable", func(s map[string]any) { s["Action"] = "dynamodb:*" }), "wildcard action dynamodb:*"},
		{"any resource", onRole("approve", "InvokeAdmit", func(s map[string]any) { s["Resource"] = "*" }), "lambda:InvokeFunction on any resource"},
		{"any of a service", onRole("approve", "FleetTable", func(s map[string]any) { s["Resource"] = "arn:aws:dynamodb:us-east-1:111122223333:*" }), "dynamodb:GetItem on any resource"},
		{"all but", onRole("approve", "FleetTable", func(s map[string]any) { s["NotAction"] = "iam:*" }), "allows all the rest"},
	},
	"events": {
		{"no dead-letter queue", onFunction("recheck", set(nil, "DeadLetterConfig")), "function recheck has no dead-letter queue"},
		{"events for ever", func(t templates) {
			r, _ := t.one("AWS::Lambda::Function", "FunctionName", "fleet-production-recheck")
			on("AWS::Lambda::EventInvokeConfig", "FunctionName", "<"+r.id+">", set(nil, "MaximumEventAgeInSeconds"))(t)
		}, "function recheck: an event for it is kept for 0"},
		{"a status missing", onRule(set([]any{"FAILED"}, "EventPattern", "detail", "status")), "for the statuses FAILED"},
		{"every machine", onRule(set(nil, "EventPattern", "detail", "stateMachineArn")), "not for the executions of every workflow alone"},
		{"no queue for the rule", onRule(func(r resource) { delete(list(r.properties["Targets"])[0].(map[string]any), "DeadLetterConfig") }), "a target of the rule has no dead-letter queue"},
		{"nobody invoked", onRule(set([]any{}, "Targets")), "does not invoke those"},
	},
	"schedules": {
		{"missing", without("workflows", "AWS::Scheduler::Schedule", "Name", "recheck"), "0 of AWS::Scheduler::Schedule"},
		{"no dead-letter queue", onSchedule(set(nil, "Target", "DeadLetterConfig")), "schedule recheck has no dead-letter queue"},
		{"no retry window", onSchedule(set(nil, "Target", "RetryPolicy")), "retry window of 0"},
		{"old ticks", onSchedule(set(86400.0, "Target", "RetryPolicy", "MaximumEventAgeInSeconds")), "retry window of 86400"},
		{"another period", onSchedule(set("rate(1 hour)", "ScheduleExpression")), "is rate(1 hour)"},
		{"not exact", onSchedule(set("FLEXIBLE", "FlexibleTimeWindow", "Mode")), "is not exact"},
	},
	"calendar": {
		{"in the others' group", on("AWS::Scheduler::ScheduleGroup", "Name", "fleet-production-calendar", set("fleet-production", "Name")), "0 of AWS::Scheduler::ScheduleGroup"},
		{"for whoever asks", onCalendarRole(set(nil, "AssumeRolePolicyDocument")), "have no role"},
		{"for another service", onCalendarRole(func(r resource) {
			list(at(r.properties, "AssumeRolePolicyDocument", "Statement"))[0].(map[string]any)["Principal"] = map[string]any{"Service": "lambda.amazonaws.com"}
		}), "others than EventBridge Scheduler"},
		{"any function", onCalendarRole(func(r resource) {
			list(at(list(r.properties["Policies"])[0], "PolicyDocument", "Statement"))[0].(map[string]any)["Resource"] = "*"
		}), "may, without a grant: lambda:InvokeFunction on *"},
	},
	"machines": {
		{"with its data", onMachine(set(true, "LoggingConfiguration", "IncludeExecutionData")), "logged with its data"},
		{"not traced", onMachine(set(false, "TracingConfiguration", "Enabled")), "is not traced"},
		{"versions deleted", func(t templates) {
			on("AWS::StepFunctions::StateMachineVersion", "StateMachineArn", "<"+machineID(t)+">", whole("UpdateReplacePolicy", "Delete"))(t)
		}, "a version does not stay"},
		{"only what it names now", func(t templates) {
			r, err := t.one("AWS::StepFunctions::StateMachine", "StateMachineName", "fleet-production-teardown")
			if err != nil {
				panic(err)
			}
			role := t["workflows"][strings.Trim(text(r.properties["RoleArn"]), "<>")]
			for _, s := range list(at(list(at(role, "Properties", "Policies"))[0], "PolicyDocument", "Statement")) {
				if at(s, "Sid") == "InvokeFunctions" {
					s.(map[string]any)["Resource"] = list(at(s, "Resource"))[:6]
				}
			}
		}, "workflow teardown may invoke 6 functions"},
		{"no alias", func(t templates) { delete(t["workflows"], "TeardownAlias") }, "no alias live"},
	},
	"tasks": {
		{"an unknown placeholder", inDefinition("provision", "${CreateProject}", "${MakeProject}"), "nothing is put in for ${MakeProject}"},
		{"a Task without Catch", inDefinition("provision", `"Catch"`, `"Comment"`), "nothing catches its errors"},
		{"a Task that ends too early", inDefinition("provision", `"TimeoutSeconds": 75`, `"TimeoutSeconds": 60`), "is not longer than its function's"},
		{"a Task without a time-out", inDefinition("provision", `"TimeoutSeconds": 75,`, ``), "is not longer than its function's"},
		{"no function", onMachine(set("arn:aws:lambda:us-east-1:111122223333:function:x", "DefinitionSubstitutions", "RemoveDNS")), "is no function"},
	},
	"routes": {
		{"missing", without("api", "AWS::ApiGatewayV2::Route", "RouteKey", "POST /signups"), "0 of AWS::ApiGatewayV2::Route"},
		{"open to all", on("AWS::ApiGatewayV2::Route", "RouteKey", "POST /signups/{id}/approve", set("NONE", "AuthorizationType")), "is for NONE, not AWS_IAM"},
		{"to another function", on("AWS::ApiGatewayV2::Route", "RouteKey", "POST /signups/{id}/approve", set("integrations/x", "Target")), "leads to"},
		{"links in the access log", onStage(set("$context.routeKey $context.path", "AccessLogSettings", "Format")), "no paths, which hold links"},
		{"not throttled", onStage(set(nil, "DefaultRouteSettings")), "not throttled"},
	},
	"suspended": {
		{"Fleet's own API", on("AWS::ApiGatewayV2::Route", "RouteKey", "$default", set("x", "ApiId")), "have 0 routes"},
		{"for operators", on("AWS::ApiGatewayV2::Route", "RouteKey", "$default", set("AWS_IAM", "AuthorizationType")), "not one for everything and everybody"},
		{"another function", on("AWS::ApiGatewayV2::Route", "RouteKey", "$default", set("integrations/x", "Target")), "route $default leads to"},
		{"not throttled", onSuspendedStage(set(nil, "DefaultRouteSettings", "ThrottlingBurstLimit")), "not throttled by ThrottlingBurstLimit"},
		{"one host alone", on("AWS::ApiGatewayV2::DomainName", "DomainName", "*.gimbal.example", set("suspended.gimbal.example", "DomainName")), "0 wildcard domains"},
		{"AWS's own name, too", on("AWS::ApiGatewayV2::Api", "Name", "fleet-production-suspended", set(false, "DisableExecuteApiEndpoint")), "own name is off: false"},
	},
	"kept": {
		{"table deleted", on("AWS::DynamoDB::Table", "TableName", "fleet-production", whole("DeletionPolicy", "Delete")), "has the deletion policy Delete"},
		{"table replaced", on("AWS::DynamoDB::Table", "TableName", "fleet-production", whole("UpdateReplacePolicy", "Delete")), "has the deletion policy"},
		{"table unprotected", on("AWS::DynamoDB::Table", "TableName", "fleet-production-keys", set(false, "DeletionProtectionEnabled")), "its deletion protection is false"},
		{"a bucket more", func(t templates) {
			t["api"]["More"] = map[string]any{"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
		}, "that hold data, not 10"},
	},
	"tables": {
		{"an index missing", onTable(func(r resource) {
			r.properties["GlobalSecondaryIndexes"] = list(r.properties["GlobalSecondaryIndexes"])[:1]
		}), "its indexes are"},
		{"no way back", onTable(set(false, "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled")), "no point-in-time recovery"},
		{"AWS's own key", onTable(set(nil, "SSESpecification")), "no key of ours"},
		{"keys that come back", on("AWS::DynamoDB::Table", "TableName", "fleet-production-keys", set(35.0, "PointInTimeRecoverySpecification", "RecoveryPeriodInDays")), "set back by more than a day"},
	},
	"buckets": {
		{"public", onBucket("backups", set(false, "PublicAccessBlockConfiguration", "BlockPublicPolicy")), "BlockPublicPolicy is off"},
		{"not encrypted", onBucket("backups", set(nil, "BucketEncryption")), "is not encrypted"},
		{"kept for ever", onBucket("exports", set(nil, "LifecycleConfiguration")), "bucket exports keeps its objects for days as in map[], not map[ends/:120"},
		{"kept in part", onBucket("history", inRule(1, func(rule map[string]any) { rule["Prefix"] = "old/" })), "bucket history keeps its objects for days as in map[old/:365]"},
		{"kept for less", onBucket("exports", func(r resource) {
			configuration := r.properties["LifecycleConfiguration"].(map[string]any)
			configuration["Rules"] = append(list(configuration["Rules"]), map[string]any{"Status": "Enabled", "Prefix": "ends/x/", "ExpirationInDays": 600.0})
		}), `the rules of "ends/x/" and "ends/" overlap`},
		{"kept as old versions", onBucket("exports", inRule(1, func(rule map[string]any) { delete(rule, "NoncurrentVersionExpiration") })), "keeps what was deleted for <nil> days"},
		{"kept as parts", onBucket("exports", inRule(0, func(rule map[string]any) { delete(rule, "AbortIncompleteMultipartUpload") })), "bucket exports keeps the parts"},
		{"audit not locked", onBucket("audit", set("GOVERNANCE", "ObjectLockConfiguration", "Rule", "DefaultRetention", "Mode")), "locked by GOVERNANCE"},
		{"without TLS", func(t templates) {
			for _, p := range t.all("AWS::S3::BucketPolicy") {
				delete(t["data"], p.id)
			}
		}, "reached without TLS"},
	},
	"alarms": {
		{"no dead man", without("monitoring", "AWS::CloudWatch::Alarm", "AlarmName", "fleet-production-SilentAdmit"), "no alarm watches fleet-production-admit"},
		{"no data is no alarm", on("AWS::CloudWatch::Alarm", "AlarmName", "fleet-production-SilentAdmit", set("notBreaching", "TreatMissingData")), "silent where there is no data"},
		{"not heard", on("AWS::CloudWatch::Alarm", "AlarmName", "fleet-production-DeadLetters", set([]any{"x"}, "AlarmActions")), "nobody hears"},
	},
	"count": {
		{"too many", func(t templates) {
			for i := range 500 {
				t["api"][strings.Repeat("x", i+1)] = map[string]any{}
			}
		}, "stack api has"},
	},
}

func onRule(change func(resource)) func(templates) {
	return on("AWS::Events::Rule", "Name", "fleet-production-execution-ends", change)
}

func onSchedule(change func(resource)) func(templates) {
	return on("AWS::Scheduler::Schedule", "Name", "recheck", change)
}

func onCalendarRole(change func(resource)) func(templates) {
	return on("AWS::IAM::Role", "Description", "One-time schedules of Fleet", change)
}

// onStage changes the stage of Fleet's own API; its id is CDK's.
func onStage(change func(resource)) func(templates) {
	return func(t templates) {
		api, err := t.one("AWS::ApiGatewayV2::Api", "Name", "fleet-production-api")
		if err != nil {
			panic(err)
		}
		for _, s := range t.all("AWS::ApiGatewayV2::Stage") {
			if strings.Contains(text(s.properties["ApiId"]), api.id) {
				change(s)
				return
			}
		}
		panic("the API has no stage")
	}
}

func onSuspendedStage(change func(resource)) func(templates) {
	return func(t templates) {
		api, err := t.one("AWS::ApiGatewayV2::Api", "Name", "fleet-production-suspended")
		if err != nil {
			panic(err)
		}
		on("AWS::ApiGatewayV2::Stage", "ApiId", "<"+api.id+">", change)(t)
	}
}

func onMachine(change func(resource)) func(templates) {
	return on("AWS::StepFunctions::StateMachine", "StateMachineName", "fleet-production-teardown", change)
}

func onTable(change func(resource)) func(templates) {
	return on("AWS::DynamoDB::Table", "TableName", "fleet-production", change)
}

func onBucket(what string, change func(resource)) func(templates) {
	return on("AWS::S3::Bucket", "BucketName", "fleet-production-"+what+"-111122223333-us-east-1", change)
}

// inRule changes a bucket's nth lifecycle rule, from 0.
func inRule(n int, change func(rule map[string]any)) func(resource) {
	return func(r resource) {
		change(list(at(r.properties, "LifecycleConfiguration", "Rules"))[n].(map[string]any))
	}
}

// machineID is the logical id of the state machine of teardown.
func machineID(t templates) string {
	r, err := t.one("AWS::StepFunctions::StateMachine", "StateMachineName", "fleet-production-teardown")
	if err != nil {
		panic(err)
	}
	return r.id
}
