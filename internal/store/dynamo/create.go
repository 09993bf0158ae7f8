package dynamo

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/project-gimbal/fleet/internal/clock"
)

// Create makes a table of the given name with these indexes, billed on demand, and waits until it is there. It is for tests
// and emulators: on AWS a deployment makes the tables.
func Create(ctx context.Context, client *dynamodb.Client, c clock.Clock, name string, indexes []string) error {
	in := &dynamodb.CreateTableInput{TableName: &name, BillingMode: types.BillingModePayPerRequest}
	in.KeySchema, in.AttributeDefinitions = schema(partitionName, sortName)
	for _, index := range indexes {
		keys, attributes := schema(indexNames(index))
		in.AttributeDefinitions = append(in.AttributeDefinitions, attributes...)
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{IndexName: &index, KeySchema: keys,
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll}})
	}
	if _, err := client.CreateTable(ctx, in); err != nil {
		return fmt.Errorf("create table: %w", err)
	}
	for {
		out, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
		if err != nil {
			return fmt.Errorf("describe table: %w", err)
		}
		if out.Table.TableStatus == types.TableStatusActive {
			break
		}
		if err := c.Sleep(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
	_, err := client.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{TableName: &name,
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String(expiresName), Enabled: aws.Bool(true)}})
	if err != nil {
		return fmt.Errorf("set time to live: %w", err)
	}
	return nil
}

func schema(partition, sort string) ([]types.KeySchemaElement, []types.AttributeDefinition) {
	return []types.KeySchemaElement{{AttributeName: &partition, KeyType: types.KeyTypeHash}, {AttributeName: &sort, KeyType: types.KeyTypeRange}},
		[]types.AttributeDefinition{{AttributeName: &partition, AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: &sort, AttributeType: types.ScalarAttributeTypeS}}
}
