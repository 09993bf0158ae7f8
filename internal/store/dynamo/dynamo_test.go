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

// endpointVariable names a DynamoDB API to test against, such as DynamoDB Local, instead of the emulator that the tests start
// themselves. They make tables there and delete them again.
const endpointVariable = "FLEET_DYNAMODB_ENDPOINT"

func clientOf(endpoint string) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: &endpoint,
		Credentials: credentials.NewStaticCredentialsProvider("fleettest", "fleettest", "")})
}

// TestConformance runs the suite that every table passes.
func TestConformance(t *testing.T) {
	var known map[string]string
	endpoint := os.Getenv(endpointVariable)
	if endpoint == "" {
		endpoint, known = ministack(t), exempt
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
