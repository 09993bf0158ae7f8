package main

import (
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/store"
)

// statement is one permission: actions on resources, on conditions.
type statement struct {
	sid        string
	actions    []string
	resources  []string
	conditions map[string]any
}

func (s statement) policy() awsiam.PolicyStatement {
	props := &awsiam.PolicyStatementProps{Sid: &s.sid, Actions: texts(s.actions...), Resources: texts(s.resources...)}
	if s.conditions != nil {
		props.Conditions = &s.conditions
	}
	return awsiam.NewPolicyStatement(props)
}

// grants knows what the catalog's grants are on AWS.
type grants struct {
	names names
	data  *data
	c     Config
	// calendarRole is what one-time schedules invoke under.
	calendarRole awsiam.Role
}

// statements are what a function's grants are, and nothing else. A grant that is not known stops the synthesis.
func (g grants) statements(f catalog.Function) []statement {
	var all []statement
	for _, grant := range f.Grants {
		if credential, ok := strings.CutPrefix(string(grant), catalog.SecretPrefix); ok {
			all = with(all, g.secret(credential))
			continue
		}
		of, ok := map[catalog.Grant]func() []statement{
			catalog.Table: g.table, catalog.Keys: g.keys, catalog.MintKeys: g.mintKeys, catalog.DestroyKeys: g.destroyKeys, catalog.StartRuns: g.startRuns,
			catalog.InvokeAdmit: g.invokeAdmit, catalog.InvokeDeliver: g.invokeDeliver, catalog.ReadRelease: g.readRelease, catalog.Publish: g.publish,
			catalog.ReadLogs: g.readLogs, catalog.Inspect: g.inspect, catalog.Exports: g.exports, catalog.ReadExports: g.readExports,
			catalog.Archive: g.archive, catalog.History: g.history, catalog.Calendar: g.calendar,
			catalog.Databases: func() []statement { return nil },
			catalog.Quotas:    func() []statement { return nil },
		}[grant]
		if !ok {
			panic("the grant " + string(grant) + " of function " + f.Name + " is not known: infra/grants.go says what each is on AWS")
		}
		all = with(all, of()...)
	}
	return all
}

// with adds statements that aren't there yet: two grants may need the same one.
func with(all []statement, more ...statement) []statement {
	for _, s := range more {
		if !slices.ContainsFunc(all, func(t statement) bool { return t.sid == s.sid }) {
			all = append(all, s)
		}
	}
	return all
}

// through allows the use of a key only by way of a service, for what that service keeps under it.
func through(service string) map[string]any {
	return map[string]any{"StringEquals": map[string]any{"kms:ViaService": service + "." + *awscdk.Aws_REGION() + ".amazonaws.com"}}
}

func (g grants) table() []statement {
	var indexes []string
	for _, index := range store.Indexes() {
		indexes = append(indexes, g.names.tableARN()+"/index/"+index)
	}
	return []statement{
		{sid: "FleetTable", actions: []string{"dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem",
			"dynamodb:Query"}, resources: []string{g.names.tableARN()}},
		{sid: "FleetIndexes", actions: []string{"dynamodb:Query"}, resources: indexes},
		g.recordsKey(),
	}
}

// recordsKey is what DynamoDB must be able to do for whoever reads and writes a table that is under a key of ours.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
func (g grants) recordsKey() statement {
	return statement{sid: "RecordsKey", actions: []string{"kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey",
		"kms:ReEncryptFrom", "kms:ReEncryptTo"}, resources: []string{*g.data.records.KeyArn()}, conditions: through("dynamodb")}
}

// onlyInstance allows no other encryption context than an instance's id. A ciphertext opens with the context it was made with
// alone, so that none opens without.
func onlyInstance() map[string]any {
	return map[string]any{"ForAllValues:StringEquals": map[string]any{"kms:EncryptionContextKeys": "instanceId"}}
}

func (g grants) keys() []statement {
	return []statement{
		{sid: "ReadKeys", actions: []string{"dynamodb:GetItem"}, resources: []string{g.names.keysTableARN()}},
		{sid: "UnwrapKeys", actions: []string{"kms:Decrypt"}, resources: []string{*g.data.wrapping.KeyArn()}, conditions: onlyInstance()},
		g.recordsKey(),
	}
}

func (g grants) mintKeys() []statement {
	return []statement{
		{sid: "WriteKeys", actions: []string{"dynamodb:PutItem"}, resources: []string{g.names.keysTableARN()}},
		{sid: "WrapKeys", actions: []string{"kms:Encrypt"}, resources: []string{*g.data.wrapping.KeyArn()}, conditions: onlyInstance()},
		g.recordsKey(),
	}
}

// destroyKeys needs no key of KMS's but the table's own: what is destroyed is never unwrapped.
func (g grants) destroyKeys() []statement {
	return []statement{
		{sid: "DestroyKeys", actions: []string{"dynamodb:DeleteItem", "dynamodb:GetItem"}, resources: []string{g.names.keysTableARN()}},
		g.recordsKey(),
	}
}

// startRuns names the state machines with and without the alias: AWS authorises what comes through an alias by the machine's own
// ARN.
// https://docs.aws.amazon.com/step-functions/latest/dg/auth-version-alias.html
func (g grants) startRuns() []statement {
	var machines, executions []string
	for _, w := range catalog.Workflows() {
		machines = append(machines, g.names.machineARN(w), g.names.machineARN(w)+":"+live)
		executions = append(executions, arn("states", "execution:"+g.names.workflow(w)+":*"))
	}
	return []statement{
		{sid: "StartExecutions", actions: []string{"states:StartExecution"}, resources: machines},
		{sid: "DescribeExecutions", actions: []string{"states:DescribeExecution"}, resources: executions},
	}
}

func (g grants) invokeAdmit() []statement {
	return []statement{{sid: "InvokeAdmit", actions: []string{"lambda:InvokeFunction"},
		resources: []string{g.names.functionARN(catalog.Admit.Name)}}}
}

func (g grants) invokeDeliver() []statement {
	return []statement{{sid: "InvokeDeliver", actions: []string{"lambda:InvokeFunction"},
		resources: []string{g.names.functionARN(catalog.Deliver.Name)}}}
}

// readRelease may list, too: S3 says of a file that isn't there that it isn't there only to those who may.
func (g grants) readRelease() []statement {
	bucket := g.names.bucketARN(releases)
	return []statement{
		{sid: "ReadRelease", actions: []string{"s3:GetObject"}, resources: []string{bucket + "/" + g.c.Release + "/*"}},
		{sid: "ListRelease", actions: []string{"s3:ListBucket"}, resources: []string{bucket},
			conditions: map[string]any{"StringLike": map[string]any{"s3:prefix": g.c.Release + "/*"}}},
	}
}

// exports may list, too, for the reason that readRelease has.
func (g grants) exports() []statement {
	bucket := g.names.bucketARN(exports)
	return []statement{
		{sid: "ExportFiles", actions: []string{"s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"}, resources: []string{bucket + "/*"}},
		{sid: "ListExports", actions: []string{"s3:ListBucket"}, resources: []string{bucket}},
		g.filesKey(),
	}
}

// readExports reads alone: whoever has a link that it signed reads by these permissions.
func (g grants) readExports() []statement {
	bucket := g.names.bucketARN(exports)
	return []statement{
		{sid: "ReadExportFiles", actions: []string{"s3:GetObject"}, resources: []string{bucket + "/*"}},
		{sid: "ListExports", actions: []string{"s3:ListBucket"}, resources: []string{bucket}},
		{sid: "ReadFilesKey", actions: []string{"kms:Decrypt"}, resources: []string{*g.data.records.KeyArn()}, conditions: through("s3")},
	}
}

// archive writes and reads, and can neither delete nor shorten what is locked.
func (g grants) archive() []statement {
	bucket := g.names.bucketARN(audit)
	return []statement{
		{sid: "ArchiveFiles", actions: []string{"s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"}, resources: []string{bucket + "/*"}},
		{sid: "ListArchive", actions: []string{"s3:ListBucket"}, resources: []string{bucket}},
		g.filesKey(),
	}
}

// history writes, and neither reads, lists nor deletes.
func (g grants) history() []statement {
	return []statement{
		{sid: "HistoryFiles", actions: []string{"s3:PutObject"}, resources: []string{g.names.bucketARN(history) + "/*"}},
		{sid: "WriteFilesKey", actions: []string{"kms:GenerateDataKey"}, resources: []string{*g.data.records.KeyArn()}, conditions: through("s3")},
	}
}

// calendar makes, moves and deletes one-time schedules, none of the others, and hands them the role that they are for.
func (g grants) calendar() []statement {
	return []statement{
		{sid: "CalendarSchedules", actions: []string{"scheduler:CreateSchedule", "scheduler:DeleteSchedule", "scheduler:UpdateSchedule"},
			resources: []string{g.names.calendarARN()}},
		{sid: "PassCalendarRole", actions: []string{"iam:PassRole"}, resources: []string{*g.calendarRole.RoleArn()},
			conditions: map[string]any{"StringEquals": map[string]any{"iam:PassedToService": "scheduler.amazonaws.com"}}},
	}
}

// filesKey is what S3 must be able to do for whoever reads and writes a bucket that is under a key of ours.
func (g grants) filesKey() statement {
	return statement{sid: "FilesKey", actions: []string{"kms:Decrypt", "kms:GenerateDataKey"}, resources: []string{*g.data.records.KeyArn()},
		conditions: through("s3")}
}

func (g grants) publish() []statement {
	return []statement{
		{sid: "PublishIncidents", actions: []string{"sns:Publish"}, resources: []string{g.names.topicARN()}},
		{sid: "MessagesKey", actions: []string{"kms:Decrypt", "kms:GenerateDataKey"}, resources: []string{*g.data.messages.KeyArn()},
			conditions: through("sns")},
	}
}

// readLogs names each group both ways that there are of writing its ARN. A query's results can't be told apart by ARN: who asks
// for them must have their query's id.
func (g grants) readLogs() []statement {
	var groups []string
	for _, group := range []string{g.names.functionLogs(), g.names.workflowLogs()} {
		groups = append(groups, arn("logs", "log-group:"+group), arn("logs", "log-group:"+group+":*"))
	}
	return []statement{
		{sid: "QueryLogs", actions: []string{"logs:StartQuery"}, resources: groups},
		{sid: "QueryResults", actions: []string{"logs:GetQueryResults", "logs:StopQuery"}, resources: []string{"*"}},
	}
}

// inspect describes credentials, and gives none of their values.
func (g grants) inspect() []statement {
	var secrets []string
	for _, name := range credentials() {
		secrets = append(secrets, g.names.secretARN(name))
	}
	return []statement{
		{sid: "ListSchedules", actions: []string{"scheduler:ListSchedules"}, resources: []string{"*"}},
		{sid: "CountDeadLetters", actions: []string{"sqs:GetQueueAttributes"}, resources: []string{g.names.queueARN()}},
		{sid: "DescribeCredentials", actions: []string{"secretsmanager:DescribeSecret"}, resources: secrets},
	}
}

func (g grants) secret(credential string) statement {
	sid := "Secret"
	for word := range strings.SplitSeq(credential, "-") {
		sid += strings.ToUpper(word[:1]) + word[1:]
	}
	return statement{sid: sid, actions: []string{"secretsmanager:GetSecretValue"}, resources: []string{g.names.secretARN(credential)}}
}

// credentials are the names of all credentials that any function is granted.
func credentials() []string {
	var all []string
	seen := map[string]bool{}
	for _, f := range catalog.Functions() {
		for _, g := range f.Grants {
			if name, ok := strings.CutPrefix(string(g), catalog.SecretPrefix); ok && !seen[name] {
				seen[name] = true
				all = append(all, name)
			}
		}
	}
	return all
}

// always is what every function may do: write its logs and its traces. Traces have no resource of their own.
func (g grants) always() []statement {
	return []statement{
		{sid: "WriteLogs", actions: []string{"logs:CreateLogStream", "logs:PutLogEvents"},
			resources: []string{arn("logs", "log-group:"+g.names.functionLogs()+":log-stream:*")}},
		writeTraces,
	}
}

var writeTraces = statement{sid: "WriteTraces", actions: []string{"xray:PutTelemetryRecords", "xray:PutTraceSegments"},
	resources: []string{"*"}}

// sampleTraces is what Step Functions needs besides, which decides itself what it traces.
// https://docs.aws.amazon.com/step-functions/latest/dg/xray-iam.html
var sampleTraces = statement{sid: "SampleTraces", actions: []string{"xray:GetSamplingRules", "xray:GetSamplingTargets"},
	resources: []string{"*"}}

// deliverLogs is what Step Functions must do to have its logs delivered.
// https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
var deliverLogs = statement{sid: "DeliverLogs", actions: []string{"logs:CreateLogDelivery", "logs:DeleteLogDelivery",
	"logs:DescribeLogGroups", "logs:DescribeResourcePolicies", "logs:GetLogDelivery", "logs:ListLogDeliveries", "logs:PutResourcePolicy",
	"logs:UpdateLogDelivery"}, resources: []string{"*"}}
