//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/project-gimbal/fleet/internal/catalog"
)

// everybody are the customers of all scenarios.
var everybody struct {
	sync.Mutex
	all []*customer
}

// nothingIsLeftOver judges that the vendors hold what the ledgers of all customers say, and nothing else.
func nothingIsLeftOver(t *testing.T) {
	var held, recorded []string
	for _, h := range shared.vendors.Inventory() {
		held = append(held, line(h))
	}
	for _, c := range everybody.all {
		c := *c
		c.t = t
		recorded = append(recorded, c.recorded()...)
	}
	slices.Sort(held)
	slices.Sort(recorded)
	if !slices.Equal(held, recorded) {
		t.Errorf("ledgers and vendors differ:\nledgers %s\nvendors %s", strings.Join(recorded, "\n        "), strings.Join(held, "\n        "))
	}
	if len(held) == 0 {
		t.Error("the vendors hold nothing at all")
	}
}

// noSecretGotOut looks for Fleet's credentials, and for customers' personal data, in all that is kept in the open: histories and
// inputs of executions, log lines, and the items of both tables, where they are sealed.
func noSecretGotOut(t *testing.T) {
	var secrets []string
	for _, value := range shared.credentials {
		secrets = append(secrets, value)
	}
	secrets = append(secrets, "ada.planted@", "Ada Byron", "Planted ")
	look := func(place, text string) {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%q is in %s: %.300s", secret, place, text)
			}
		}
	}
	lines := logLines(t, "")
	for _, text := range lines {
		look("the log", text)
	}
	executions := 0
	for _, workflow := range catalog.Workflows() {
		list, err := shared.deployment.sfn.ListExecutions(shared.ctx, &sfn.ListExecutionsInput{StateMachineArn: aws.String(machineARN(workflow)), MaxResults: 1000})
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range list.Executions {
			executions++
			c := customer{t: t, ctx: shared.ctx}
			text, err := json.Marshal(c.history(*x.ExecutionArn))
			if err != nil {
				t.Fatal(err)
			}
			look("the history of "+*x.Name, string(text))
		}
	}
	items := 0
	for _, table := range tables(t) {
		each(t, table, func(item string) {
			items++
			look("the table "+table, item)
		})
	}
	t.Logf("looked through %d log lines, %d executions, %d items", len(lines), executions, items)
	if len(lines) < 100 || executions < 5 || items < 100 {
		t.Error("there should have been more")
	}
}

// each goes through the items of a table.
func each(t *testing.T, table string, do func(item string)) {
	t.Helper()
	pages := dynamodb.NewScanPaginator(dynamodb.NewFromConfig(shared.cloud.root()), &dynamodb.ScanInput{TableName: &table})
	for pages.HasMorePages() {
		page, err := pages.NextPage(shared.ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			do(spelled(item))
		}
	}
}

// spelled is an item's attributes as text, those of bytes included.
func spelled(item map[string]types.AttributeValue) string {
	var text strings.Builder
	for name, value := range item {
		if b, ok := value.(*types.AttributeValueMemberB); ok {
			fmt.Fprintf(&text, "%s %s\n", name, b.Value)
			continue
		}
		encoded, _ := json.Marshal(value) // what DynamoDB gave
		fmt.Fprintf(&text, "%s %s\n", name, encoded)
	}
	return text.String()
}

// tables are the names of the fleet's table and the keys' one.
func tables(t *testing.T) []string {
	t.Helper()
	variables := shared.deployment.variables[catalog.Signup.Name]
	if variables["FLEET_TABLE"] == "" || variables["FLEET_KEYS_TABLE"] == "" {
		t.Fatal("the function signup knows no tables")
	}
	return []string{variables["FLEET_TABLE"], variables["FLEET_KEYS_TABLE"]}
}

// nothingWasUndeliverable judges that no event ended as a dead letter.
func nothingWasUndeliverable(t *testing.T) {
	client := sqs.NewFromConfig(shared.cloud.root())
	queue, err := client.GetQueueUrl(shared.ctx, &sqs.GetQueueUrlInput{QueueName: aws.String("fleet-" + stage + "-dead-letters")})
	if err != nil {
		t.Fatal(err)
	}
	got, err := client.ReceiveMessage(shared.ctx, &sqs.ReceiveMessageInput{QueueUrl: queue.QueueUrl, MaxNumberOfMessages: 10,
		MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{sqstypes.MessageSystemAttributeNameAll}})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range got.Messages {
		t.Errorf("a dead letter: %s", aws.ToString(m.Body))
	}
}
