//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cloudformationtypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/project-gimbal/fleet/events"
	"github.com/project-gimbal/fleet/internal/catalog"
)

// stage is the stage that is deployed.
const stage = "e2e"

// functionName is a function's name on AWS.
func functionName(name string) string { return "fleet-" + stage + "-" + name }

// machineARN is a workflow's state machine.
func machineARN(workflow string) string {
	return fmt.Sprintf("arn:aws:states:%s:%s:stateMachine:fleet-%s-%s", region, account, stage, workflow)
}

// deployment is Fleet on the emulator.
type deployment struct {
	stacks  *cloudformation.Client
	objects *s3.Client
	lambda  *lambda.Client
	sfn     *sfn.Client
	secrets *secretsmanager.Client
	ssm     *ssm.Client

	assembly assembly
	aliases  []alias // of all stacks
	// variables are the functions' environments, by function.
	variables map[string]map[string]string
	// apis are the ids of the HTTP APIs by their names.
	apis map[string]string
}

func newDeployment(root aws.Config, a assembly) *deployment {
	return &deployment{assembly: a, stacks: cloudformation.NewFromConfig(root), lambda: lambda.NewFromConfig(root), sfn: sfn.NewFromConfig(root),
		secrets: secretsmanager.NewFromConfig(root), ssm: ssm.NewFromConfig(root),
		objects: s3.NewFromConfig(root, func(o *s3.Options) {
			o.UsePathStyle = true
			o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired // 300 MB of zips
		})}
}

// bootstrap does what "cdk bootstrap" does, as far as a template asks for it.
func (d *deployment) bootstrap(ctx context.Context) error {
	_, err := d.ssm.PutParameter(ctx, &ssm.PutParameterInput{Name: aws.String("/cdk-bootstrap/hnb659fds/version"), Value: aws.String("30"),
		Type: ssmtypes.ParameterTypeString})
	if err != nil {
		return err
	}
	_, err = d.objects.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(assetsBucket)})
	return err
}

// publish uploads the assets. Extra changes the zips' contents, and nothing of the programs; suffix goes into their keys.
func (d *deployment) publish(ctx context.Context, extra []byte, suffix string) error {
	for _, a := range d.assembly.assets {
		content, err := a.pack(extra)
		if err != nil {
			return err
		}
		_, err = d.objects.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(assetsBucket), Key: aws.String(suffixed(a.key, suffix)),
			Body: bytes.NewReader(content)})
		if err != nil {
			return fmt.Errorf("upload %s: %w", a.path, err)
		}
	}
	return nil
}

func suffixed(key, suffix string) string {
	name, ending, _ := strings.Cut(key, ".")
	return name + suffix + "." + ending
}

// create makes the stacks, one after the other.
func (d *deployment) create(ctx context.Context) error {
	for i := range d.assembly.stacks {
		s := &d.assembly.stacks[i]
		aliases, removed, err := adapt(s.template)
		if err != nil {
			return err
		}
		if len(removed) > 0 {
			fmt.Printf("    %s: made by API, or left out, for the emulator: %s\n", s.name, strings.Join(removed, ", "))
		}
		url, err := d.uploadTemplate(ctx, *s)
		if err != nil {
			return err
		}
		_, err = d.stacks.CreateStack(ctx, &cloudformation.CreateStackInput{StackName: &s.name, TemplateURL: &url,
			Capabilities: []cloudformationtypes.Capability{cloudformationtypes.CapabilityCapabilityNamedIam}})
		if err != nil {
			return fmt.Errorf("create stack %s: %w", s.name, err)
		}
		if err := d.awaitStack(ctx, s.name, cloudformationtypes.StackStatusCreateComplete); err != nil {
			return err
		}
		d.aliases = append(d.aliases, aliases...)
	}
	if err := d.pointAliases(ctx); err != nil {
		return err
	}
	return d.describe(ctx)
}

// update updates the stacks that the change changes.
func (d *deployment) update(ctx context.Context, change func(template map[string]any) bool) error {
	for _, s := range d.assembly.stacks {
		if !change(s.template) {
			continue
		}
		url, err := d.uploadTemplate(ctx, s)
		if err != nil {
			return err
		}
		_, err = d.stacks.UpdateStack(ctx, &cloudformation.UpdateStackInput{StackName: &s.name, TemplateURL: &url,
			Capabilities: []cloudformationtypes.Capability{cloudformationtypes.CapabilityCapabilityNamedIam}})
		if err != nil {
			return fmt.Errorf("update stack %s: %w", s.name, err)
		}
		if err := d.awaitStack(ctx, s.name, cloudformationtypes.StackStatusUpdateComplete); err != nil {
			return err
		}
	}
	return d.pointAliases(ctx)
}

// uploadTemplate puts a template where CloudFormation reads it, as the CDK's command line does, and gives its URL.
func (d *deployment) uploadTemplate(ctx context.Context, s synthesised) (string, error) {
	text, err := json.Marshal(s.template)
	if err != nil {
		return "", err
	}
	key := fmt.Sprintf("%s-%x.json", s.name, sha256.Sum256(text))
	_, err = d.objects.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(assetsBucket), Key: &key, Body: bytes.NewReader(text)})
	// The emulator doesn't know the bucket in the host's name.
	return "https://s3." + region + ".amazonaws.com/" + assetsBucket + "/" + key, err
}

func (d *deployment) awaitStack(ctx context.Context, name string, want cloudformationtypes.StackStatus) error {
	for {
		answer, err := d.stacks.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
		if err != nil {
			return err
		}
		status := answer.Stacks[0].StackStatus
		switch {
		case status == want:
			return nil
		case !strings.HasSuffix(string(status), "_IN_PROGRESS"):
			return fmt.Errorf("stack %s is %s: %s", name, status, d.failures(ctx, name))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// failures is what a stack's events say of what went wrong.
func (d *deployment) failures(ctx context.Context, name string) string {
	answer, err := d.stacks.DescribeStackEvents(ctx, &cloudformation.DescribeStackEventsInput{StackName: &name})
	if err != nil {
		return err.Error()
	}
	var all []string
	for _, e := range answer.StackEvents {
		if strings.HasSuffix(string(e.ResourceStatus), "_FAILED") {
			all = append(all, aws.ToString(e.LogicalResourceId)+": "+aws.ToString(e.ResourceStatusReason))
		}
	}
	return strings.Join(all, "; ")
}

// pointAliases publishes a version of each state machine that has an alias, and lets the alias lead to it: what CloudFormation
// does on AWS with the resources that adapt takes out.
func (d *deployment) pointAliases(ctx context.Context) error {
	for _, a := range d.aliases {
		machine, err := d.physical(ctx, a.machine)
		if err != nil {
			return err
		}
		version, err := d.sfn.PublishStateMachineVersion(ctx, &sfn.PublishStateMachineVersionInput{StateMachineArn: &machine})
		if err != nil {
			return err
		}
		routes := []sfntypes.RoutingConfigurationListItem{{StateMachineVersionArn: version.StateMachineVersionArn, Weight: 100}}
		_, err = d.sfn.CreateStateMachineAlias(ctx, &sfn.CreateStateMachineAliasInput{Name: &a.name, RoutingConfiguration: routes})
		if _, there := errors.AsType[*sfntypes.ConflictException](err); there {
			_, err = d.sfn.UpdateStateMachineAlias(ctx, &sfn.UpdateStateMachineAliasInput{
				StateMachineAliasArn: aws.String(machine + ":" + a.name), RoutingConfiguration: routes})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// physical is the physical id of a resource by its logical one.
func (d *deployment) physical(ctx context.Context, logical string) (string, error) {
	for _, s := range d.assembly.stacks {
		answer, err := d.stacks.DescribeStackResource(ctx, &cloudformation.DescribeStackResourceInput{StackName: &s.name, LogicalResourceId: &logical})
		if err == nil {
			return aws.ToString(answer.StackResourceDetail.PhysicalResourceId), nil
		}
	}
	return "", fmt.Errorf("no stack has %s", logical)
}

// describe learns from what is deployed what else is needed: the functions' environments, and the APIs' ids.
func (d *deployment) describe(ctx context.Context) error {
	d.variables = map[string]map[string]string{}
	for _, f := range catalog.Functions() {
		answer, err := d.lambda.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: aws.String(functionName(f.Name))})
		if err != nil {
			return fmt.Errorf("the function %s is not deployed: %w", f.Name, err)
		}
		d.variables[f.Name] = answer.Environment.Variables
	}
	d.apis = map[string]string{}
	for _, s := range d.assembly.stacks {
		resources, _ := s.template["Resources"].(map[string]any)
		for id, r := range resources {
			if r, _ := r.(map[string]any); r["Type"] == "AWS::ApiGatewayV2::Api" {
				properties, _ := r["Properties"].(map[string]any)
				var err error
				if d.apis[fmt.Sprint(properties["Name"])], err = d.physical(ctx, id); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// object is what a bucket holds under a key.
func (d *deployment) object(ctx context.Context, bucket, key string) (string, error) {
	got, err := d.objects.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(got.Body)
	return string(text), errors.Join(err, got.Body.Close())
}

// provide creates the secrets that the functions refer to, and puts the sample release where they look for it: what an
// operator does after the first deployment.
func (d *deployment) provide(ctx context.Context, credentials map[string]string) error {
	made := map[string]bool{}
	for function, variables := range d.variables {
		text := variables["FLEET_CREDENTIALS"]
		if text == "" {
			continue
		}
		var references map[string]string
		if err := json.Unmarshal([]byte(text), &references); err != nil {
			return fmt.Errorf("FLEET_CREDENTIALS of %s: %w", function, err)
		}
		for credential, reference := range references {
			name, ok := strings.CutPrefix(reference, "aws-sm:")
			value, known := credentials[credential]
			if !ok || !known {
				return fmt.Errorf("%s refers to the credential %s by %s", function, credential, reference)
			}
			if made[name] {
				continue
			}
			if err := d.secret(ctx, name, value); err != nil {
				return err
			}
			made[name] = true
		}
	}
	return d.upload(ctx)
}

// widen allows what the emulator refuses although the template's policies allow it on AWS. Whenever a query of logs names several groups,
// the emulator asks whether it may read "*"; AWS asks for each group. And it takes every one-time schedule to be of the group "default".
func (d *deployment) widen(ctx context.Context, roles *iam.Client) error {
	wider := map[string]string{catalog.InstanceLogs.Name: `"Action":"logs:StartQuery","Resource":"*"`}
	for _, f := range catalog.Functions() {
		if slices.Contains(f.Grants, catalog.Calendar) {
			wider[f.Name] = `"Action":["scheduler:CreateSchedule","scheduler:UpdateSchedule","scheduler:DeleteSchedule"],` +
				`"Resource":"arn:aws:scheduler:*:*:schedule/default/*"`
		}
	}
	for function, statement := range wider {
		f, err := d.lambda.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: aws.String(functionName(function))})
		if err != nil {
			return err
		}
		role := (*f.Role)[strings.LastIndex(*f.Role, "/")+1:]
		_, err = roles.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: &role, PolicyName: aws.String("emulator"), PolicyDocument: aws.String(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` + statement + `}]}`)})
		if err != nil {
			return err
		}
	}
	return nil
}

// secret gives a secret its value; the template may have made it already, empty.
func (d *deployment) secret(ctx context.Context, name, value string) error {
	_, err := d.secrets.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: &name, SecretString: &value})
	if err != nil {
		_, err = d.secrets.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: &name, SecretString: &value})
	}
	return err
}

func (d *deployment) upload(ctx context.Context) error {
	place, ok := strings.CutPrefix(d.variables[catalog.DeployFrontend.Name]["FLEET_RELEASE"], "s3://")
	if !ok {
		return errors.New("FLEET_RELEASE of deploy-frontend is in no bucket")
	}
	bucket, prefix, _ := strings.Cut(place, "/")
	release, err := events.Release()
	if err != nil {
		return err
	}
	return fs.WalkDir(release, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(release, path)
		if err != nil {
			return err
		}
		key := strings.TrimPrefix(strings.Trim(prefix, "/")+"/"+path, "/")
		_, err = d.objects.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(content)})
		return err
	})
}
