//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/project-gimbal/fleet/events"
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/store/dynamo"
)

// customer is one of a scenario's, with a slug of their own. Their records are read from the DynamoDB table.
type customer struct {
	t       *testing.T
	ctx     context.Context
	slug    string
	id      string // of signup and instance
	records *store.Store
}

// records reads the fleet's table as the account's root.
func records() *store.Store {
	table := shared.deployment.variables[catalog.Admit.Name]["FLEET_TABLE"]
	return store.New(dynamo.New(dynamodb.NewFromConfig(shared.cloud.root()), clock.System(), table, store.Indexes()), clock.System())
}

// signUp signs a customer up by webhook.
func signUp(t *testing.T, slug string) *customer {
	t.Helper()
	c := &customer{t: t, ctx: shared.ctx, slug: slug, records: records()}
	got := c.webhook("msg-" + slug)
	if got.status != http.StatusAccepted || !fleet.IsInstanceID(got.text("id")) {
		t.Fatalf("the signup answered %d: %v", got.status, got.body)
	}
	c.id = got.text("id")
	everybody.Lock()
	defer everybody.Unlock()
	everybody.all = append(everybody.all, c)
	return c
}

// webhook sends the customer's signup under a webhook id.
func (c *customer) webhook(id string) answer {
	c.t.Helper()
	got, err := shared.api.signup(c.ctx, id, application(c.t, c.slug))
	if err != nil {
		c.t.Fatal(err)
	}
	return got
}

// application is the sample signup with another slug and mail address.
func application(t *testing.T, slug string) []byte {
	t.Helper()
	sample, err := events.Signup()
	if err != nil {
		t.Fatal(err)
	}
	form := map[string]any{}
	if err := json.Unmarshal(sample, &form); err != nil {
		t.Fatal(err)
	}
	form["slug"], form["company"], form["admin_email"] = slug, "Planted "+slug, address(slug)
	body, err := json.Marshal(form)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// address is the mail address of a customer's administrator.
func address(slug string) string { return "ada.planted@" + slug + ".example" }

// act sends an operator's request about the customer.
func (c *customer) act(method, path string, body []byte, by aws.Credentials) answer {
	c.t.Helper()
	got, err := shared.api.send(c.ctx, method, path, body, http.Header{"Content-Type": {"application/json"}}, by)
	if err != nil {
		c.t.Fatal(err)
	}
	return got
}

func (c *customer) approve() {
	c.t.Helper()
	if got := c.act(http.MethodPost, "/signups/"+c.id+"/approve", nil, shared.api.operator); got.status != http.StatusAccepted {
		c.t.Fatalf("the approval answered %d: %v", got.status, got.body)
	}
}

// status is what anyone who knows the id is told.
func (c *customer) status() answer {
	c.t.Helper()
	got := c.act(http.MethodGet, "/signups/"+c.id, nil, aws.Credentials{})
	if got.status != http.StatusOK {
		c.t.Fatalf("the status answered %d: %v", got.status, got.body)
	}
	return got
}

// eventually waits until something is so.
func (c *customer) eventually(what string, so func() bool) {
	c.t.Helper()
	for !so() {
		select {
		case <-c.ctx.Done():
			c.t.Fatalf("%s: never came to: %s\n%s", c.slug, what, c.story())
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// settled waits until the customer's provisioning has an outcome and its executions have ended.
func (c *customer) settled() fleet.Operation {
	c.t.Helper()
	return c.ended(c.operation())
}

// ended waits until one of the customer's operations has an outcome and all their executions have ended.
func (c *customer) ended(operation string) fleet.Operation {
	c.t.Helper()
	var last *fleet.Operation
	c.eventually("an outcome of "+operation, func() bool {
		var err error
		last, err = c.records.Operation(c.ctx, c.id, operation)
		return err == nil && last != nil && !last.Running() && !c.executes()
	})
	return *last
}

func (c *customer) operation() string { return "op-" + c.id }

// story tells what is known of the customer, for the text of a failure.
func (c *customer) story() string {
	ctx := context.WithoutCancel(c.ctx)
	instance, _ := c.records.Instance(ctx, c.id)
	operations, _ := c.records.Operations(ctx, c.id)
	resources, _ := c.records.Resources(ctx, c.id)
	text, _ := json.MarshalIndent(map[string]any{"instance": instance, "operations": operations, "resources": resources}, "", " ")
	return string(text)
}

func (c *customer) instance() fleet.Instance {
	c.t.Helper()
	i, err := c.records.Instance(c.ctx, c.id)
	if err != nil || i == nil {
		c.t.Fatalf("instance %s: %v, %v", c.id, i, err)
	}
	return *i
}

// held lists what the vendors hold of the customer, one line each.
func (c *customer) held() []string {
	c.t.Helper()
	ledger, err := c.records.Resources(c.ctx, c.id)
	if err != nil {
		c.t.Fatal(err)
	}
	var all []string
	for _, h := range shared.vendors.Inventory() {
		mine := strings.Contains(h.Name+" "+h.Mark, c.id) || strings.Contains(h.Name, c.slug+"."+world.Domain) ||
			slices.ContainsFunc(ledger, func(r fleet.Resource) bool { return string(r.Kind) == h.Kind && r.Name == h.Name })
		if mine {
			all = append(all, line(h))
		}
	}
	slices.Sort(all)
	return all
}

func line(h sim.Held) string { return h.Kind + "/" + h.Name }

// recorded lists what the ledger calls created and a vendor lists by itself.
func (c *customer) recorded() []string {
	c.t.Helper()
	ledger, err := c.records.Resources(c.ctx, c.id)
	if err != nil {
		c.t.Fatal(err)
	}
	unlisted := append(fleet.Switches(), fleet.DatabaseSchema, fleet.InstanceConfig, fleet.AuthSettings, fleet.EdgeSecrets, fleet.FrontendSettings, fleet.DNSProxy,
		fleet.SendGridPostings)
	var all []string
	for _, r := range ledger {
		if r.Status == fleet.Created && !slices.Contains(unlisted, r.Kind) {
			all = append(all, string(r.Kind)+"/"+r.Name)
		}
	}
	slices.Sort(all)
	return all
}

// made reports whether the ledger has these kinds, all of them made, and nothing but what is waited for is being made. An
// invocation that is cut off in the middle holds up a take-down for minutes: until it surely does nothing any more.
func (c *customer) made(kinds ...fleet.Kind) bool {
	c.t.Helper()
	ledger, err := c.records.Resources(c.ctx, c.id)
	if err != nil {
		c.t.Fatal(err)
	}
	return !slices.ContainsFunc(kinds, func(kind fleet.Kind) bool {
		of := slices.DeleteFunc(slices.Clone(ledger), func(r fleet.Resource) bool { return r.Kind != kind })
		return len(of) == 0 || slices.ContainsFunc(of, func(r fleet.Resource) bool { return r.Status != fleet.Created || r.Attempt != nil })
	})
}

// waitsForVercel waits until the customer's provisioning waits for a project at Vercel, which is held back, and for nothing else.
func (c *customer) waitsForVercel(held *refusal) {
	c.t.Helper()
	c.eventually("waiting for Vercel alone", func() bool {
		return held.refused() && c.made(fleet.DatabaseSchema, fleet.TwilioKey, fleet.TwilioService, fleet.SendGridKey, fleet.SendGridDomain, fleet.SendGridWebhook, fleet.DNSRecord) &&
			strings.Count(strings.Join(c.held(), " "), "dns_record/") == mailRecords
	})
}

// mailRecords is how many DNS records a mail domain has.
const mailRecords = 3

// wantActive judges that the instance is live: every resource is there once, the ledger says what the vendors hold, its people
// have their mails, and the audit chain is whole.
func (c *customer) wantActive() {
	c.t.Helper()
	if i := c.instance(); i.State != fleet.Active || i.Operation != "" {
		c.t.Errorf("%s is %s, with operation %q: %+v", c.slug, i.State, i.Operation, i.Progress)
	}
	held, recorded := c.held(), c.recorded()
	if !slices.Equal(held, recorded) {
		c.t.Errorf("%s: ledger and vendors differ:\nledger  %s\nvendors %s", c.slug, strings.Join(recorded, "\n        "), strings.Join(held, "\n        "))
	}
	if len(held) != 17 {
		c.t.Errorf("%s: vendors hold %d things, want 17:\n%s", c.slug, len(held), strings.Join(held, "\n"))
	}
	c.wantMails(fleet.Invitation, fleet.OperatorWord, fleet.Welcome)
	c.wantAuditWhole()
}

// wantClean judges that the provisioning was rolled back, and that nothing is left at any vendor.
func (c *customer) wantClean() {
	c.t.Helper()
	if i := c.instance(); i.State != fleet.Terminated || i.Operation != "" {
		c.t.Errorf("%s is %s, with operation %q: %+v", c.slug, i.State, i.Operation, i.Progress)
	}
	if held := c.held(); len(held) > 0 {
		c.t.Errorf("%s: left at vendors: %s", c.slug, strings.Join(held, ", "))
	}
	if recorded := c.recorded(); len(recorded) > 0 {
		c.t.Errorf("%s: the ledger still has %s", c.slug, strings.Join(recorded, ", "))
	}
	c.delivers(fleet.SignupFailed)
	c.wantMails(fleet.SignupFailed)
	c.wantAuditWhole()
}

// wantMails judges that these messages were sent, each once.
func (c *customer) wantMails(want ...string) {
	c.t.Helper()
	sent := c.mails()
	sent = slices.DeleteFunc(sent, func(m string) bool { return m == fleet.DecisionWanted }) // depends on how soon the approval came
	if !slices.Equal(sent, want) {
		c.t.Errorf("%s: the mails %q were sent, want %q", c.slug, sent, want)
	}
}

// mails are the messages that were sent about the customer, in order of their names.
func (c *customer) mails() (sent []string) {
	for _, m := range shared.vendors.SendGrid.Sent() {
		if message, ok := strings.CutPrefix(m.CustomArgs["message_id"], c.id+"/"); ok {
			sent = append(sent, message)
		}
	}
	slices.Sort(sent)
	return sent
}

func (c *customer) wantAuditWhole() {
	c.t.Helper()
	entries, head, err := c.records.Audit(c.ctx, c.id)
	if err == nil {
		err = fleet.VerifyChain(entries, head)
	}
	approved := func(e fleet.AuditEntry) bool { return e.Actor == "operator:"+operatorARN }
	if err != nil || !slices.ContainsFunc(entries, approved) {
		c.t.Errorf("%s: audit of %d entries, by the operator among others: %v", c.slug, len(entries), err)
	}
}
