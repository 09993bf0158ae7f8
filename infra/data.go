package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssnssubscriptions"
	"github.com/aws/jsii-runtime-go"

	"github.com/project-gimbal/fleet/internal/store"
)

// data is the stack of what is kept. The topic is in it because functions publish to it and need its key: those come after it.
type data struct {
	stack awscdk.Stack
	// records encrypts tables and buckets, wrapping wraps the instances' data keys, messages encrypts the topic's messages.
	records, wrapping, messages awskms.Key
	topic                       awssns.Topic
}

// keep is the removal policy of what holds customers' data. What a first deployment made that then failed is empty, and would be in
// the way of the next one.
func keep(c Config) awscdk.RemovalPolicy {
	if c.holdsCustomers() {
		return awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE
	}
	return awscdk.RemovalPolicy_DESTROY
}

func newData(stack awscdk.Stack, c Config, n names) *data {
	d := &data{stack: stack}
	d.records = newKey(stack, "Records", n.of("records"), "Encrypts the fleet's tables and buckets", keep(c))
	d.wrapping = newKey(stack, "Wrapping", n.of("wrapping"), "Wraps the instances' data keys", keep(c))
	// What is on its way is worth nothing later.
	d.messages = newKey(stack, "Messages", n.of("messages"), "Encrypts incidents and alarms on their way", awscdk.RemovalPolicy_DESTROY)
	d.tables(c, n)
	d.buckets(c, n)
	d.incidents(c, n)
	for name, value := range map[string]*string{"FleetTableName": jsii.String(n.table()), "KeysTableName": jsii.String(n.keysTable()),
		"IncidentTopicArn": d.topic.TopicArn(), "ReleasesBucketName": jsii.String(n.bucket(releases))} {
		awscdk.NewCfnOutput(stack, &name, &awscdk.CfnOutputProps{Value: value})
	}
	return d
}

func newKey(stack awscdk.Stack, id, alias, description string, removal awscdk.RemovalPolicy) awskms.Key {
	return awskms.NewKey(stack, jsii.String(id+"Key"), &awskms.KeyProps{
		Alias:             jsii.String("alias/" + alias),
		Description:       &description,
		EnableKeyRotation: jsii.Bool(true),
		RemovalPolicy:     removal,
	})
}

// keysWindow is for how many days a destroyed data key can be brought back: a certificate of erasure holds from then on.
const keysWindow = 1

// tables are those that internal/store/dynamo reads and writes.
func (d *data) tables(c Config, n names) {
	key := func(name string) *awsdynamodb.Attribute {
		return &awsdynamodb.Attribute{Name: &name, Type: awsdynamodb.AttributeType_STRING}
	}
	table := func(id, name string, window *float64) awsdynamodb.Table {
		return awsdynamodb.NewTable(d.stack, &id, &awsdynamodb.TableProps{
			TableName:    &name,
			PartitionKey: key("pk"), SortKey: key("sk"),
			BillingMode:         awsdynamodb.BillingMode_PAY_PER_REQUEST,
			Encryption:          awsdynamodb.TableEncryption_CUSTOMER_MANAGED,
			EncryptionKey:       d.records,
			DeletionProtection:  jsii.Bool(c.holdsCustomers()),
			RemovalPolicy:       keep(c),
			TimeToLiveAttribute: jsii.String("expires"),
			PointInTimeRecoverySpecification: &awsdynamodb.PointInTimeRecoverySpecification{
				PointInTimeRecoveryEnabled: jsii.Bool(true), RecoveryPeriodInDays: window},
		})
	}
	fleet := table("FleetTable", n.table(), nil)
	for _, index := range store.Indexes() {
		fleet.AddGlobalSecondaryIndex(&awsdynamodb.GlobalSecondaryIndexProps{IndexName: &index,
			PartitionKey: key(index + "_pk"), SortKey: key(index + "_sk"), ProjectionType: awsdynamodb.ProjectionType_ALL})
	}
	table("KeysTable", n.keysTable(), jsii.Number(keysWindow))
}

// incidents is the topic of incidents and alarms. Its key is one of ours, because alarms can't use AWS's own.
func (d *data) incidents(c Config, n names) {
	d.topic = awssns.NewTopic(d.stack, jsii.String("Incidents"), &awssns.TopicProps{
		TopicName:   jsii.String(n.topic()),
		DisplayName: jsii.String("Gimbal Fleet " + c.Stage),
		MasterKey:   d.messages,
		EnforceSSL:  jsii.Bool(true),
	})
	for _, address := range c.Pagers {
		d.topic.AddSubscription(awssnssubscriptions.NewEmailSubscription(&address, nil))
	}
	alarms := awsiam.NewServicePrincipal(jsii.String("cloudwatch.amazonaws.com"), nil)
	ours := &map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": awscdk.Aws_ACCOUNT_ID()}}
	d.topic.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid: jsii.String("Alarms"), Principals: &[]awsiam.IPrincipal{alarms}, Actions: texts("sns:Publish"),
		Resources: &[]*string{d.topic.TopicArn()}, Conditions: ours,
	}))
	d.messages.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid: jsii.String("Alarms"), Principals: &[]awsiam.IPrincipal{alarms}, Actions: texts("kms:Decrypt", "kms:GenerateDataKey"),
		Resources: texts("*"), Conditions: ours,
	}), nil)
}
