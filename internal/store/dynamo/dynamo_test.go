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
	"github.com/project-gimbal/fleet/internal/store/dynamo"
	"github.com/project-gimbal/fleet/internal/store/table"
	"github.com/project-gimbal/fleet/internal/store/tabletest"
)

// endpointVariable names a DynamoDB API to test against: DynamoDB Local, or an emulator. The tests make tables there and
// delete them again.
const endpointVariable = "FLEET_DYNAMODB_ENDPOINT"

func clientOf(endpoint string) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: &endpoint,
		Credentials: credentials.NewStaticCredentialsProvider("fleettest", "fleettest", "")})
}

// TestConformance runs the suite that every table passes.
func TestConformance(t *testing.T) {
	endpoint := os.Getenv(endpointVariable)
	if endpoint == "" {
		t.Skipf("SKIPPED: the conformance suite did not run on DynamoDB: %s names no endpoint of a DynamoDB API", endpointVariable)
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
	tabletest.Run(t, func(*testing.T) table.Table { return shared })
}
