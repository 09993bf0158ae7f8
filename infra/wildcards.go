package main

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
)

// reasons say why the resources of a statement may have a wildcard, by its sid. cdk-nag finds every other one.
var reasons = map[string]string{
	"WriteLogs":          "Lambda names the log streams; the group is Fleet's own.",
	"WriteTraces":        "X-Ray's actions have no resources.",
	"SampleTraces":       "X-Ray's actions have no resources.",
	"ListSchedules":      "The listing of schedules has no resource.",
	"DescribeExecutions": "An execution's name is its run's, known when it begins; the state machine is Fleet's own.",
	"CalendarSchedules":  "A one-time schedule's name is the instance's, known when it is made; the group is Fleet's own.",
	"ReadRelease":        "The names of a release's files are the release's; the prefix is the current one's.",
	"ExportFiles":        "The bucket's objects are exports, of whichever instance the function is invoked for.",
	"ReadExportFiles":    "The bucket's objects are exports; the function reads, or links to, those of the one that an operator chose, or whose link and code it was shown.",
	"ArchiveFiles":       "The bucket's objects are the archive's; none can be changed or deleted before its time.",
	"HistoryFiles":       "The bucket's objects are configurations, of whichever instance the function is invoked for; none can be read.",
	"QueryLogs":          "A log group's ARN is written with and without this end; the groups are Fleet's own.",
	"QueryResults":       "The results of a query have no resource; whoever reads them must know the query's id.",
	"DeliverLogs":        "The actions that set up the delivery of logs have no resources.",
}

// acceptWildcards gives cdk-nag the reasons for those of a role's statements that have one.
func acceptWildcards(role awsiam.Role, all ...statement) {
	for _, s := range all {
		var wild []any
		for _, resource := range s.resources {
			if strings.Contains(resource, "*") {
				wild = append(wild, "Resource::"+asFound(resource))
			}
		}
		if reason := reasons[s.sid]; len(wild) > 0 && reason != "" {
			accept(role, "AwsSolutions-IAM5", reason, wild...)
		}
	}
}

// asFound is a resource as cdk-nag spells it: what only CloudFormation knows stands in <>.
func asFound(resource string) string {
	return strings.NewReplacer(*awscdk.Aws_PARTITION(), "<AWS::Partition>", *awscdk.Aws_REGION(), "<AWS::Region>",
		*awscdk.Aws_ACCOUNT_ID(), "<AWS::AccountId>").Replace(resource)
}
