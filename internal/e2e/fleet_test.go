//go:build e2e

package e2e

import (
	"net/http"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/fleet"
)

// The way of a provisioning without faults, and those of one that was given up while its resources were made.
var (
	wayUp      = []string{"Begin", "ReserveInstance", "CreateResources", "ConfigureAndDeploy", "VerifyHealth", "ActivateInstance", "NotifyCustomer", "EndOperation", "Provisioned"}
	wayDown    = []string{"RemoveResources", "EndOperation", "Ended", "FailedClean"}
	wayGivenUp = []string{"Begin", "ReserveInstance", "CreateResources", "BeginTeardown", "TeardownBegun", "TakenDown"}
)

// TestFleet plays the scenarios side by side on one deployment, and then looks over all that they have left.
func TestFleet(t *testing.T) {
	t.Run("scenarios", func(t *testing.T) {
		for name, scenario := range map[string]func(*testing.T){
			"active": becomesActive, "refused": isRolledBack,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				scenario(t)
			})
		}
	})
}

// becomesActive: a signup is approved and becomes a live instance.
func becomesActive(t *testing.T) {
	c := signUp(t, "acme-dental")
	if s := c.status(); s.text("status") != string(fleet.Requested) {
		t.Errorf("the signup is %v", s.body)
	}
	approval := "/signups/" + c.id + "/approve"
	if got := c.act(http.MethodPost, approval, nil, aws.Credentials{}); got.status != http.StatusForbidden {
		t.Errorf("an approval that nobody signed was answered with %d: %v", got.status, got.body)
	}
	if got := c.act(http.MethodPost, approval, nil, shared.api.stranger); got.status != http.StatusForbidden {
		t.Errorf("a stranger's approval was answered with %d: %v", got.status, got.body)
	}
	c.approve()
	if o := c.settled(); o.Outcome != fleet.Succeeded {
		t.Errorf("the operation ended as %s: %s", o.Outcome, o.Failure)
	}
	c.wantActive()
	c.wantExecution("provision", c.run("provision"), types.ExecutionStatusSucceeded, wayUp...)
	steps := slices.DeleteFunc(catalog.Functions(), func(f catalog.Function) bool {
		return f.Trigger != catalog.Workflow || f.Name == catalog.BeginTeardown.Name || len(f.Name) > 6 && f.Name[:7] == "remove-"
	})
	c.wantSteps(steps...)
	if s := c.status(); s.text("state") != string(fleet.Active) || s.text("url") != "https://"+c.instance().Host {
		t.Errorf("the status is %v", s.body)
	}
}

// isRolledBack: a vendor refuses a provisioning for good, and nothing is left of it.
func isRolledBack(t *testing.T) {
	c := signUp(t, "bleak-house")
	end := shared.vendors.refusals.begin(refusal{vendor: "sendgrid", operation: "AuthenticateDomain", about: c.slug, status: http.StatusForbidden})
	c.approve()
	o := c.settled()
	if met := end(); met == 0 {
		t.Error("nothing was refused")
	}
	if o.Outcome != fleet.FailedClean || o.Failure == "" {
		t.Errorf("the operation ended as %s: %s", o.Outcome, o.Failure)
	}
	c.wantClean()
	c.wantExecution("provision", c.run("provision"), types.ExecutionStatusFailed, wayGivenUp...)
	c.wantExecution("teardown", c.run("teardown"), types.ExecutionStatusSucceeded, wayDown...)
	if s := c.status(); s.text("status") != string(fleet.Failed) {
		t.Errorf("the signup is %v", s.body)
	}
	// Nothing at any vendor is unsure, so the slug is free at once.
	if again := c.webhook("msg-bleak-house-again"); again.status != http.StatusAccepted || again.text("id") == c.id {
		t.Errorf("the next signup for the slug answered %d: %v", again.status, again.body)
	}
}
