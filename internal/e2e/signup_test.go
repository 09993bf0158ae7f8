//go:build e2e

package e2e

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/statemachines"
)

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
	steps := slices.DeleteFunc(stepsOf(t, "provision"), func(f catalog.Function) bool { return f.Name == catalog.BeginTeardown.Name })
	c.wantSteps(steps...)
	if s := c.status(); s.text("status") != string(fleet.Completed) || s.text("url") != "https://"+c.instance().Host {
		t.Errorf("the status is %v", s.body)
	}
}

// stepsOf are the functions that a workflow's definition names.
func stepsOf(t *testing.T, workflow string) (all []catalog.Function) {
	t.Helper()
	definition, err := statemachines.Definition(workflow)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range catalog.Functions() {
		if strings.Contains(string(definition), "${"+f.State()+"}") {
			all = append(all, f)
		}
	}
	return all
}

// isRolledBack: a vendor refuses a provisioning for good, and nothing is left of it.
func isRolledBack(t *testing.T) {
	c := signUp(t, "bleak-house")
	refusal := shared.vendors.refusals.begin("sendgrid", "AuthenticateDomain", c.slug, http.StatusForbidden)
	defer refusal.end()
	c.approve()
	o := c.settled()
	if !refusal.refused() {
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

// isTakenInOnce: the same webhook, sent many times at once and later again, is one signup. A forged one is none.
func isTakenInOnce(t *testing.T) {
	c := signUp(t, "carrier-pigeon")
	const id = "msg-carrier-pigeon"
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			got, err := shared.api.signup(c.ctx, id, application(t, c.slug))
			if err != nil || got.status != http.StatusAccepted || got.text("id") != c.id {
				t.Errorf("the replayed webhook was answered with %d: %v, %v", got.status, got.body, err)
			}
		})
	}
	group.Wait()
	if got := c.webhook("msg-carrier-pigeon-2"); got.status != http.StatusConflict {
		t.Errorf("another signup for the slug was answered with %d: %v", got.status, got.body)
	}
	forged, err := shared.api.send(c.ctx, http.MethodPost, "/signups", application(t, "forger"), http.Header{"Content-Type": {"application/json"},
		"Webhook-Id": {id}, "Webhook-Timestamp": {"1"}, "Webhook-Signature": {"v1,Zm9yZ2Vk"}}, aws.Credentials{})
	if err != nil || forged.status != http.StatusUnauthorized {
		t.Errorf("a forged webhook was answered with %d: %v, %v", forged.status, forged.body, err)
	}
	requested, err := c.records.Signups(c.ctx, fleet.Requested)
	mine := slices.DeleteFunc(requested, func(s fleet.Signup) bool { return s.Slug != c.slug })
	if err != nil || len(mine) != 1 {
		t.Errorf("there are %d signups, want 1; %v", len(mine), err)
	}
	rejection := c.act(http.MethodPost, "/signups/"+c.id+"/reject", []byte(`{"reason":"a test"}`), shared.api.operator)
	if rejection.status != http.StatusAccepted {
		t.Errorf("the rejection was answered with %d: %v", rejection.status, rejection.body)
	}
	if len(c.executions("provision")) != 0 {
		t.Error("a signup that nobody approved was provisioned")
	}
}

// isProvisionedOnce: two operators approve at once, twice each; there is one execution, and one instance.
func isProvisionedOnce(t *testing.T) {
	c := signUp(t, "double-dutch")
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			got, err := shared.api.send(c.ctx, http.MethodPost, "/signups/"+c.id+"/approve", nil, nil, shared.api.operator)
			if err != nil || got.status != http.StatusAccepted {
				t.Errorf("an approval was answered with %d: %v, %v", got.status, got.body, err)
			}
		})
	}
	group.Wait()
	if o := c.settled(); o.Outcome != fleet.Succeeded {
		t.Errorf("the operation ended as %s: %s", o.Outcome, o.Failure)
	}
	if up, down := c.executions("provision"), c.executions("teardown"); len(up) != 1 || len(down) != 0 {
		t.Errorf("there are %d provisionings and %d take-downs, want 1 and none", len(up), len(down))
	}
	c.wantActive()
}
