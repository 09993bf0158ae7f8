package dynamo_test

import (
	"context"
	"crypto/rand"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/onaws/awstest"
	"github.com/project-gimbal/fleet/internal/store/dynamo"
	"github.com/project-gimbal/fleet/internal/store/table"
	"github.com/project-gimbal/fleet/internal/store/tabletest"
)

// endpointVariable names a DynamoDB API to test against, such as DynamoDB Local, instead of the emulator that the tests start
// themselves. They make tables there and delete them again.
const endpointVariable = "FLEET_DYNAMODB_ENDPOINT"

// exempt are the suite's tests that MiniStack 1.5.33 fails and DynamoDB passes, by name, with what is wrong with it.
var exempt = map[string]string{
	// DynamoDB: "the aggregate size of the items in the transaction cannot exceed 4 MB" (API reference, TransactWriteItems), and a
	// request may have 16 MB. DynamoDB Local has it so, too.
	"limit/large writes": "MiniStack applies the limit of 4 MB to the request's JSON, with binaries in Base64 and expressions, not to the items",
}

func clientOf(endpoint string) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: &endpoint,
		Credentials: credentials.NewStaticCredentialsProvider("fleettest", "fleettest", "")})
}

// TestConformance runs the suite that every table passes.
func TestConformance(t *testing.T) {
	var known map[string]string
	endpoint := os.Getenv(endpointVariable)
	if endpoint == "" {
		endpoint, known = awstest.MiniStack(t, "dynamodb", ", or let "+endpointVariable+" name a DynamoDB API"), exempt
	}
	client := clientOf(endpoint)
	name := "fleet-test-" + rand.Text()
	if err := dynamo.Create(t.Context(), client, clock.System(), name, tabletest.Indexes()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := client.DeleteTable(context.WithoutCancel(t.Context()), &dynamodb.DeleteTableInput{TableName: aws.String(name)}); err != nil {
			t.Log(err)
		}
	})
	shared := dynamo.New(client, clock.System(), name, tabletest.Indexes())
	tabletest.RunExcept(t, func(*testing.T) table.Table { return shared }, known)
}
