//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/fleet"
)

// opensIncident: a mail is refused for good. The instance is live all the same, the people on call hear of it by SNS, and the
// operator sees and closes it.
func opensIncident(t *testing.T) {
	c := signUp(t, "dead-letter-office")
	heard := listen(t, c)
	refusal := shared.vendors.refusals.begin("sendgrid", "SendMail", c.id+"/"+fleet.Welcome, http.StatusForbidden)
	defer refusal.end()
	c.approve()
	if o := c.settled(); o.Outcome != fleet.Succeeded {
		t.Errorf("the operation ended as %s: %s", o.Outcome, o.Failure)
	}
	if !refusal.refused() {
		t.Error("nothing was refused")
	}
	c.wantMails(fleet.Invitation, fleet.OperatorWord)
	var page string
	c.eventually("a page", func() bool {
		page = heard()
		return page != ""
	})
	if !strings.Contains(page, string(fleet.IncidentMessageFailed)) || strings.Contains(page, address(c.slug)) {
		t.Errorf("the page says: %s", page)
	}
	incidents, err := c.records.Incidents(c.ctx, c.id)
	if err != nil || len(incidents) != 1 {
		t.Fatalf("incidents: %+v, %v", incidents, err)
	}
	body, err := json.Marshal(map[string]any{"instance_id": c.id, "id": incidents[0].ID, "close": true})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.act(http.MethodPost, "/incidents/acknowledge", body, shared.api.operator); got.status != http.StatusOK {
		t.Errorf("closing it was answered with %d: %v", got.status, got.body)
	}
	if incidents, err = c.records.Incidents(c.ctx, c.id); err != nil || incidents[0].ClosedAt.IsZero() || incidents[0].AckedBy != "operator:"+operatorARN {
		t.Errorf("the closed incident: %+v, %v", incidents, err)
	}
}

// listen subscribes a queue to the topic of incidents, and gives what tells a message about the customer, once there is one.
func listen(t *testing.T, c *customer) (heard func() string) {
	t.Helper()
	topic := shared.deployment.variables[catalog.Page.Name]["FLEET_INCIDENT_TOPIC"]
	queues, topics := sqs.NewFromConfig(shared.cloud.root()), sns.NewFromConfig(shared.cloud.root())
	arn := fmt.Sprintf("arn:aws:sqs:%s:%s:listener", region, account)
	made, err := queues.CreateQueue(c.ctx, &sqs.CreateQueueInput{QueueName: aws.String("listener"), Attributes: map[string]string{
		"Policy": fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":%q}]}`, arn)}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = topics.Subscribe(c.ctx, &sns.SubscribeInput{TopicArn: &topic, Protocol: aws.String("sqs"), Endpoint: &arn,
		Attributes: map[string]string{"RawMessageDelivery": "true"}})
	if err != nil {
		t.Fatal(err)
	}
	return func() string {
		got, err := queues.ReceiveMessage(c.ctx, &sqs.ReceiveMessageInput{QueueUrl: made.QueueUrl, MaxNumberOfMessages: 10})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range got.Messages {
			if strings.Contains(*m.Body, c.id) {
				return *m.Body
			}
		}
		return ""
	}
}

// isCancelled: an operator cancels a provisioning that is under way, and sees it go.
func isCancelled(t *testing.T) {
	c := signUp(t, "second-thoughts")
	held := shared.vendors.refusals.begin("vercel", "CreateProject", c.id, http.StatusTooManyRequests)
	defer held.end()
	c.approve()
	c.waitsForVercel(held)
	if got := c.act(http.MethodPost, "/instances/"+c.id+"/cancel", nil, shared.api.operator); got.status != http.StatusAccepted {
		t.Fatalf("the cancellation was answered with %d: %v", got.status, got.body)
	}
	held.end()
	if o := c.settled(); o.Outcome != fleet.FailedClean || o.Failure != fleet.Cancelled {
		t.Errorf("the operation ended as %s: %s", o.Outcome, o.Failure)
	}
	c.wantClean()
	shown := c.act(http.MethodGet, "/instances/"+c.id, nil, shared.api.operator)
	if shown.status != http.StatusOK || shown.text("state") != string(fleet.Terminated) || shown.text("audit_fault") != "" {
		t.Errorf("the instance is shown as %d: %v", shown.status, shown.body)
	}
	listed := c.act(http.MethodGet, "/instances", nil, shared.api.operator)
	if text, err := json.Marshal(listed.body); err != nil || listed.status != http.StatusOK || !strings.Contains(string(text), c.id) {
		t.Errorf("the list is %d, without it: %s", listed.status, text)
	}
	since := c.act(http.MethodGet, "/instances/"+c.id+"/logs?since=1h", nil, shared.api.operator)
	if text, err := json.Marshal(since.body); err != nil || since.status != http.StatusOK || !strings.Contains(string(text), c.id) {
		t.Errorf("its logs are answered with %d: %.500s\n%s", since.status, text, strings.Join(logLines(t, `"request failed"`), "\n"))
	}
}
