package onaws

import (
	"context"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
)

// credentials resolves references.
type credentials struct {
	secret     call[*secretsmanager.GetSecretValueInput, *secretsmanager.GetSecretValueOutput, secretsmanager.Options]
	clock      clock.Clock
	references map[string]Reference
	function   string
}

// read gives a credential of Fleet's own by name, as it is now. One that the function isn't granted, or that doesn't exist, is an
// Internal fault.
func (c *credentials) read(ctx context.Context, name string) (provider.Secret, error) {
	reference, ok := c.references[name]
	if !ok {
		return provider.Secret{}, fault.New(fault.Internal, "function %s is not granted the credential %s", c.function, name)
	}
	text, err := c.fetch(ctx, name, reference)
	return provider.NewSecret(text), err
}

func (c *credentials) fetch(ctx context.Context, name string, r Reference) (string, error) {
	if r.Kind == File {
		text, err := os.ReadFile(r.Name)
		if err != nil {
			return "", &fault.Error{Code: fault.Internal, Text: "the file of the credential " + name + " can't be read", Err: err}
		}
		return strings.TrimSpace(string(text)), nil
	}
	ctx, cancel := c.clock.WithTimeout(ctx, patience)
	defer cancel()
	answer, err := c.secret(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(r.Name)})
	if err != nil {
		return "", Failed("GetSecretValue of "+name, err)
	}
	return strings.TrimSpace(aws.ToString(answer.SecretString)), nil
}
