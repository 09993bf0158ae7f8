//go:build e2e

package e2e

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/project-gimbal/fleet/internal/catalog"
)

// executionARN is the ARN of one of the customer's executions.
func (c *customer) executionARN(workflow, name string) string {
	return strings.Replace(machineARN(workflow), ":stateMachine:", ":execution:", 1) + ":" + name
}

// run is the name of the customer's nth execution of a phase.
func (c *customer) run(phase string) string { return c.operation() + "-" + phase + "-1" }

// executions lists the customer's executions, the newest first.
func (c *customer) executions(workflow string) []types.ExecutionListItem {
	c.t.Helper()
	var all []types.ExecutionListItem
	pages := sfn.NewListExecutionsPaginator(shared.deployment.sfn, &sfn.ListExecutionsInput{StateMachineArn: aws.String(machineARN(workflow))})
	for pages.HasMorePages() {
		page, err := pages.NextPage(c.ctx)
		if err != nil {
			c.t.Fatal(err)
		}
		for _, x := range page.Executions {
			if strings.Contains(*x.Name, c.id) {
				all = append(all, x)
			}
		}
	}
	return all
}

// executes reports whether an execution of the customer's is open.
func (c *customer) executes() bool {
	c.t.Helper()
	for _, workflow := range catalog.Workflows() {
		if slices.ContainsFunc(c.executions(workflow), func(x types.ExecutionListItem) bool { return x.Status == types.ExecutionStatusRunning }) {
			return true
		}
	}
	return false
}

// wantExecution judges how an execution ended, and by which states of its top level it went. The emulator's history has no
// entries of the states inside a Parallel, which AWS's has: wantSteps judges those by the functions' logs.
func (c *customer) wantExecution(workflow, name string, status types.ExecutionStatus, path ...string) {
	c.t.Helper()
	arn := c.executionARN(workflow, name)
	x, err := shared.deployment.sfn.DescribeExecution(c.ctx, &sfn.DescribeExecutionInput{ExecutionArn: &arn})
	if err != nil {
		c.t.Errorf("%s: %v", name, err)
		return
	}
	if x.Status != status {
		c.t.Errorf("%s is %s, want %s: %s", name, x.Status, status, aws.ToString(x.Cause))
	}
	if got := c.path(arn); !slices.Equal(got, path) {
		c.t.Errorf("%s went by %v, want %v", name, got, path)
	}
}

// path is the names of the states that an execution entered.
func (c *customer) path(arn string) []string {
	c.t.Helper()
	var states []string
	for _, e := range c.history(arn) {
		if e.StateEnteredEventDetails != nil {
			states = append(states, *e.StateEnteredEventDetails.Name)
		}
	}
	return states
}

func (c *customer) history(arn string) []types.HistoryEvent {
	c.t.Helper()
	var all []types.HistoryEvent
	pages := sfn.NewGetExecutionHistoryPaginator(shared.deployment.sfn, &sfn.GetExecutionHistoryInput{ExecutionArn: &arn})
	for pages.HasMorePages() {
		page, err := pages.NextPage(c.ctx)
		if err != nil {
			c.t.Fatal(err)
		}
		all = append(all, page.Events...)
	}
	return all
}

// wantSteps judges that each of the functions has said "done" about the customer in the log.
func (c *customer) wantSteps(functions ...catalog.Function) {
	c.t.Helper()
	lines := logLines(c.t, c.id)
	for _, f := range functions {
		done := func(line string) bool {
			return strings.Contains(line, `"function":"`+f.Name+`"`) && strings.Contains(line, `"msg":"done"`)
		}
		if !slices.ContainsFunc(lines, done) {
			c.t.Errorf("%s: the log has no end of %s", c.slug, f.Name)
		}
	}
}

// logLines are the lines of all log groups that hold a text; all lines if it is empty.
func logLines(t interface {
	Helper()
	Fatal(...any)
}, holding string) []string {
	t.Helper()
	logs := cloudwatchlogs.NewFromConfig(shared.cloud.root())
	groups, err := logs.DescribeLogGroups(shared.ctx, &cloudwatchlogs.DescribeLogGroupsInput{})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, g := range groups.LogGroups {
		pages := cloudwatchlogs.NewFilterLogEventsPaginator(logs, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: g.LogGroupName})
		for pages.HasMorePages() {
			page, err := pages.NextPage(shared.ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page.Events {
				if strings.Contains(*e.Message, holding) {
					lines = append(lines, *e.Message)
				}
			}
		}
	}
	return lines
}
