//go:build !race

package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/project-gimbal/fleet/internal/catalog"
)

// statementsOf are the statements that each grant is on AWS, as "actions on resources", with the conditions after "if". STAGE stands
// for the stage. They are written from what internal/onaws and internal/store/dynamo call, not from the code that makes them.
var statementsOf = map[catalog.Grant][]string{
	catalog.Table: {
		"dynamodb:ConditionCheckItem dynamodb:DeleteItem dynamodb:GetItem dynamodb:PutItem dynamodb:Query on arn:aws:dynamodb:us-east-1:111122223333:table/fleet-STAGE",
		"dynamodb:Query on arn:aws:dynamodb:us-east-1:111122223333:table/fleet-STAGE/index/due arn:aws:dynamodb:us-east-1:111122223333:table/fleet-STAGE/index/list",
		recordsKey,
	},
	catalog.Keys: {
		"dynamodb:GetItem on arn:aws:dynamodb:us-east-1:111122223333:table/fleet-STAGE-keys",
		"kms:Decrypt on <WrappingKey> if ForAllValues:StringEquals kms:EncryptionContextKeys instanceId",
		recordsKey,
	},
	catalog.MintKeys: {
		"dynamodb:PutItem on arn:aws:dynamodb:us-east-1:111122223333:table/fleet-STAGE-keys",
		"kms:Encrypt on <WrappingKey> if ForAllValues:StringEquals kms:EncryptionContextKeys instanceId",
		recordsKey,
	},
	catalog.DestroyKeys: {
		"dynamodb:DeleteItem dynamodb:GetItem on arn:aws:dynamodb:us-east-1:111122223333:table/fleet-STAGE-keys",
		recordsKey,
	},
	catalog.StartRuns: {
		"states:StartExecution on MACHINES",
		"states:DescribeExecution on EXECUTIONS",
	},
	catalog.InvokeAdmit:   {"lambda:InvokeFunction on arn:aws:lambda:us-east-1:111122223333:function:fleet-STAGE-admit"},
	catalog.InvokeDeliver: {"lambda:InvokeFunction on arn:aws:lambda:us-east-1:111122223333:function:fleet-STAGE-deliver"},
	catalog.ReadRelease: {
		"s3:GetObject on arn:aws:s3:::fleet-STAGE-releases-111122223333-us-east-1/frontend/1.0.0/*",
		"s3:ListBucket on arn:aws:s3:::fleet-STAGE-releases-111122223333-us-east-1 if StringLike s3:prefix frontend/1.0.0/*",
	},
	catalog.Exports: {
		"s3:AbortMultipartUpload s3:GetObject s3:PutObject on arn:aws:s3:::fleet-STAGE-exports-111122223333-us-east-1/*",
		"s3:ListBucket on arn:aws:s3:::fleet-STAGE-exports-111122223333-us-east-1",
		filesKey,
	},
	catalog.ReadExports: {
		"s3:GetObject on arn:aws:s3:::fleet-STAGE-exports-111122223333-us-east-1/*",
		"s3:ListBucket on arn:aws:s3:::fleet-STAGE-exports-111122223333-us-east-1",
		"kms:Decrypt on <RecordsKey> if StringEquals kms:ViaService s3.us-east-1.amazonaws.com",
	},
	catalog.Archive: {
		"s3:AbortMultipartUpload s3:GetObject s3:PutObject on arn:aws:s3:::fleet-STAGE-audit-111122223333-us-east-1/*",
		"s3:ListBucket on arn:aws:s3:::fleet-STAGE-audit-111122223333-us-east-1",
		filesKey,
	},
	catalog.History: {
		"s3:PutObject on arn:aws:s3:::fleet-STAGE-history-111122223333-us-east-1/*",
		"kms:GenerateDataKey on <RecordsKey> if StringEquals kms:ViaService s3.us-east-1.amazonaws.com",
	},
	catalog.Calendar: {
		"scheduler:CreateSchedule scheduler:DeleteSchedule scheduler:UpdateSchedule on arn:aws:scheduler:us-east-1:111122223333:schedule/fleet-STAGE-calendar/*",
		"iam:PassRole on <CalendarRole> if StringEquals iam:PassedToService scheduler.amazonaws.com",
	},
	catalog.Publish: {
		"sns:Publish on arn:aws:sns:us-east-1:111122223333:fleet-STAGE-incidents",
		"kms:Decrypt kms:GenerateDataKey on <MessagesKey> if StringEquals kms:ViaService sns.us-east-1.amazonaws.com",
	},
	catalog.ReadLogs: {
		"logs:StartQuery on arn:aws:logs:us-east-1:111122223333:log-group:/aws/vendedlogs/states/fleet-STAGE " +
			"arn:aws:logs:us-east-1:111122223333:log-group:/aws/vendedlogs/states/fleet-STAGE:* " +
			"arn:aws:logs:us-east-1:111122223333:log-group:/fleet/STAGE/functions arn:aws:logs:us-east-1:111122223333:log-group:/fleet/STAGE/functions:*",
		"logs:GetQueryResults logs:StopQuery on *",
	},
	catalog.Databases: {}, // a customer's database asks for its own password
	catalog.Quotas:    {}, // they are numbers of the function's own settings
	catalog.Inspect: {
		"scheduler:ListSchedules on *",
		"sqs:GetQueueAttributes on arn:aws:sqs:us-east-1:111122223333:fleet-STAGE-dead-letters",
		"secretsmanager:DescribeSecret on SECRETS",
	},
}

const (
	recordsKey = "kms:Decrypt kms:DescribeKey kms:Encrypt kms:GenerateDataKey kms:ReEncryptFrom kms:ReEncryptTo on <RecordsKey> if StringEquals " +
		"kms:ViaService dynamodb.us-east-1.amazonaws.com"
	filesKey = "kms:Decrypt kms:GenerateDataKey on <RecordsKey> if StringEquals kms:ViaService s3.us-east-1.amazonaws.com"

	writeLogs       = "logs:CreateLogStream logs:PutLogEvents on arn:aws:logs:us-east-1:111122223333:log-group:/fleet/STAGE/functions:log-stream:*"
	sendTraces      = "xray:PutTelemetryRecords xray:PutTraceSegments on *"
	sendDeadLetters = "sqs:SendMessage on arn:aws:sqs:us-east-1:111122223333:fleet-STAGE-dead-letters"
	secretARN       = "arn:aws:secretsmanager:us-east-1:111122223333:secret:fleet/STAGE/"
)

// expected are a function's statements by its grants.
func expected(f catalog.Function, stage string) []string {
	all := []string{writeLogs, sendTraces}
	if f.Trigger == catalog.Schedule || f.OnExecutionEnd {
		all = append(all, sendDeadLetters)
	}
	var machines, executions, secrets []string
	for _, w := range catalog.Workflows() {
		machine := "arn:aws:states:us-east-1:111122223333:stateMachine:fleet-STAGE-" + w
		machines = append(machines, machine, machine+":live")
		executions = append(executions, "arn:aws:states:us-east-1:111122223333:execution:fleet-STAGE-"+w+":*")
	}
	for _, g := range catalog.Functions() {
		for _, grant := range g.Grants {
			if name, ok := strings.CutPrefix(string(grant), "secret:"); ok {
				secrets = append(secrets, secretARN+name+"-??????")
			}
		}
	}
	for _, g := range f.Grants {
		if name, ok := strings.CutPrefix(string(g), "secret:"); ok {
			all = append(all, "secretsmanager:GetSecretValue on "+secretARN+name+"-??????")
		}
		all = append(all, statementsOf[g]...)
	}
	lists := strings.NewReplacer("MACHINES", sorted(machines), "EXECUTIONS", sorted(executions), "SECRETS", sorted(secrets))
	for i := range all {
		all[i] = strings.ReplaceAll(lists.Replace(all[i]), "STAGE", stage)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func sorted(all []string) string {
	slices.Sort(all)
	return strings.Join(slices.Compact(all), " ")
}

// spelled is a statement as statementsOf spells it.
func spelled(statement any) string {
	var actions, resources []string
	for _, a := range list(at(statement, "Action")) {
		actions = append(actions, text(a))
	}
	for _, r := range list(at(statement, "Resource")) {
		resources = append(resources, calendarReference.ReplaceAllString(text(r), "<CalendarRole>"))
	}
	s := sorted(actions) + " on " + sorted(resources)
	if at(statement, "Effect") != "Allow" {
		s = text(at(statement, "Effect")) + " " + s
	}
	if conditions, ok := at(statement, "Condition").(map[string]any); ok {
		for operator, keys := range conditions {
			for key, value := range keys.(map[string]any) {
				s += " if " + operator + " " + key + " " + text(value)
			}
		}
	}
	return s
}

// checkGrants wants each function's role to allow what its grants are, and nothing else.
func checkGrants(d deployment) (wrong []string) {
	for _, f := range catalog.Functions() {
		for _, g := range f.Grants {
			if statementsOf[g] == nil && !strings.HasPrefix(string(g), "secret:") {
				wrong = append(wrong, fmt.Sprintf("grant %s of %s: the test does not know what it is on AWS", g, f.Name))
			}
		}
		r, err := d.templates.one("AWS::Lambda::Function", "FunctionName", "fleet-"+d.stage+"-"+f.Name)
		if err != nil {
			continue // another rule's
		}
		role := d.templates["workflows"][strings.Trim(text(r.properties["Role"]), "<>")]
		wrong = append(wrong, difference(f.Name, allowed(at(role, "Properties")), expected(f, d.stage))...)
		if at(role, "Properties", "ManagedPolicyArns") != nil {
			wrong = append(wrong, f.Name+" has a managed policy besides")
		}
	}
	if n := len(d.templates.all("AWS::IAM::Policy")) + len(d.templates.all("AWS::IAM::ManagedPolicy")); n > 0 {
		wrong = append(wrong, fmt.Sprintf("%d policies are added to roles from outside", n))
	}
	return wrong
}

func difference(name string, got, want []string) (wrong []string) {
	for _, s := range got {
		if !slices.Contains(want, s) {
			wrong = append(wrong, name+" may, without a grant: "+s)
		}
	}
	for _, s := range want {
		if !slices.Contains(got, s) {
			wrong = append(wrong, name+" may not, though granted: "+s)
		}
	}
	return wrong
}

// anywhere are the actions that are allowed on every resource, because AWS knows no resource for them.
var anywhere = []string{
	"xray:PutTelemetryRecords", "xray:PutTraceSegments", "xray:GetSamplingRules", "xray:GetSamplingTargets",
	"logs:GetQueryResults", "logs:StopQuery", "scheduler:ListSchedules",
	"logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:DescribeLogGroups", "logs:DescribeResourcePolicies", "logs:GetLogDelivery",
	"logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:UpdateLogDelivery",
}

// checkWildcards wants no wildcard in an action that a role is allowed, and none for a whole resource but for what is listed.
func checkWildcards(d deployment) (wrong []string) {
	for _, role := range d.templates.all("AWS::IAM::Role") {
		for _, policy := range list(role.properties["Policies"]) {
			for _, s := range list(at(policy, "PolicyDocument", "Statement")) {
				wrong = append(wrong, wildcards(role.id, s)...)
			}
		}
	}
	return wrong
}

func wildcards(role string, statement any) (wrong []string) {
	if at(statement, "NotAction") != nil || at(statement, "NotResource") != nil {
		wrong = append(wrong, role+": a statement that says what it is not for allows all the rest")
	}
	everywhere := slices.ContainsFunc(list(at(statement, "Resource")), func(r any) bool {
		resource := text(r)
		name := resource
		if parts := strings.SplitN(resource, ":", 6); len(parts) == 6 {
			name = parts[5]
		}
		return strings.Trim(name, "*") == ""
	})
	for _, a := range list(at(statement, "Action")) {
		switch action := text(a); {
		case strings.Contains(action, "*"):
			wrong = append(wrong, role+": wildcard action "+action)
		case everywhere && !slices.Contains(anywhere, action):
			wrong = append(wrong, role+": "+action+" on any resource")
		}
	}
	return wrong
}
