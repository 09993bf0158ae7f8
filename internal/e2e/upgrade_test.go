//go:build e2e

package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/fleet"
)

// isReconciled: somebody stops an execution. No Catch runs then; the change of its status has reconcile take the instance down.
//
// The emulator lets the branches of a stopped execution run on to their end, as AWS lets the functions do that are running: what
// they commit is refused, since the take-down has the lease.
func isReconciled(t *testing.T) {
	c := signUp(t, "stop-press")
	held := shared.vendors.refusals.begin("vercel", "CreateProject", c.id, http.StatusTooManyRequests)
	defer held.end()
	c.approve()
	c.waitsForVercel(held)
	arn := c.executionARN("provision", c.run("provision"))
	_, err := shared.deployment.sfn.StopExecution(c.ctx, &sfn.StopExecutionInput{ExecutionArn: &arn, Error: aws.String("Stopped"), Cause: aws.String("by hand")})
	if err != nil {
		t.Fatal(err)
	}
	held.end()
	if o := c.settled(); o.Outcome != fleet.FailedClean || o.Failure != "ExecutionEnded" {
		t.Errorf("the operation ended as %s: %s", o.Outcome, o.Failure)
	}
	c.wantClean()
	x, err := shared.deployment.sfn.DescribeExecution(c.ctx, &sfn.DescribeExecutionInput{ExecutionArn: &arn})
	if err != nil || x.Status != types.ExecutionStatusAborted {
		t.Errorf("the stopped execution: %+v, %v", x, err)
	}
	c.wantExecution("teardown", c.run("teardown"), types.ExecutionStatusSucceeded, wayDown...)
}

// survivesUpgrade: functions and definitions change while executions are under way, in the middle of either half of the
// workflow. What is under way ends well, and so does what begins afterwards.
//
// The emulator ends the processes of a function that is updated, in the middle of an invocation, too; AWS lets that end first.
// Other scenarios would have to wait out what such an invocation might still do, so this one is played after them.
func survivesUpgrade(t *testing.T) {
	early, late := signUp(t, "early-bird"), signUp(t, "late-riser")
	waiting := map[*customer]*refusal{
		early: shared.vendors.refusals.begin("vercel", "CreateProject", early.id, http.StatusTooManyRequests),
		late:  shared.vendors.refusals.begin("vercel", "CreateDeployment", late.id, http.StatusTooManyRequests),
	}
	for c, held := range waiting {
		defer held.end()
		c.approve()
	}
	early.waitsForVercel(waiting[early])
	late.eventually("waiting for a deployment alone", func() bool {
		return waiting[late].refused() && late.made(fleet.InstanceConfig, fleet.AuthSettings, fleet.AdminUser)
	})
	code, definition := early.deployed(t)
	upgrade(t)
	if newCode, newDefinition := early.deployed(t); newCode == code || newDefinition == definition {
		t.Fatal("the upgrade changed no function, or no definition")
	}
	for c, held := range waiting {
		if !c.executes() {
			t.Errorf("%s: its execution is over, so the upgrade met none under way", c.slug)
		}
		held.end()
	}
	after := signUp(t, "new-broom")
	after.approve()
	for _, c := range []*customer{early, late, after} {
		if o := c.settled(); o.Outcome != fleet.Succeeded {
			t.Errorf("%s: the operation ended as %s: %s", c.slug, o.Outcome, o.Failure)
		}
		c.wantActive()
		c.wantExecution("provision", c.run("provision"), types.ExecutionStatusSucceeded, wayUp...)
	}
}

// deployed is the digest of a function's code, and a workflow's definition.
func (c *customer) deployed(t *testing.T) (code, definition string) {
	t.Helper()
	f, err := shared.deployment.lambda.GetFunctionConfiguration(c.ctx, &lambda.GetFunctionConfigurationInput{
		FunctionName: aws.String(functionName(catalog.CreateFrontend.Name))})
	if err != nil {
		t.Fatal(err)
	}
	m, err := shared.deployment.sfn.DescribeStateMachine(c.ctx, &sfn.DescribeStateMachineInput{StateMachineArn: aws.String(machineARN("provision"))})
	if err != nil {
		t.Fatal(err)
	}
	return *f.CodeSha256, *m.Definition
}

// upgrade deploys other artifacts of every function, and definitions with another comment.
func upgrade(t *testing.T) {
	t.Helper()
	const suffix = "-upgraded"
	if err := shared.deployment.publish(shared.ctx, []byte("the next release\n"), suffix); err != nil {
		t.Fatal(err)
	}
	err := shared.deployment.update(shared.ctx, func(template map[string]any) (changed bool) {
		resources, _ := template["Resources"].(map[string]any)
		for _, r := range resources {
			r, _ := r.(map[string]any)
			properties, _ := r["Properties"].(map[string]any)
			switch r["Type"] {
			case "AWS::Lambda::Function":
				code, _ := properties["Code"].(map[string]any)
				key, _ := code["S3Key"].(string)
				code["S3Key"], changed = suffixed(key, suffix), true
			case machineType:
				text, _ := properties["DefinitionString"].(string)
				properties["DefinitionString"], changed = strings.Replace(text, `"Comment": "`, `"Comment": "Upgraded. `, 1), true
			}
		}
		return changed
	})
	if err != nil {
		t.Fatal(err)
	}
}
