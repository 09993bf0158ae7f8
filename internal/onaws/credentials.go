package onaws

import (
	"context"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
)

// freshness is how long a credential that was read is used before it is read again: a rotation shows within this time.
const freshness = 5 * time.Minute

// credentials resolves references, at their first use and then again by age.
type credentials struct {
	secret     call[*secretsmanager.GetSecretValueInput, *secretsmanager.GetSecretValueOutput, secretsmanager.Options]
	clock      clock.Clock
	references map[string]Reference
	function   string

	mu   sync.Mutex
	read map[string]credential
}

type credential struct {
	value provider.Secret
	at    time.Time
}

// Get gives a credential of Fleet's own by name. One that the function isn't granted, or that doesn't exist, is an Internal
// fault. While Secrets Manager doesn't answer, one that was read before stays good.
func (c *credentials) Get(ctx context.Context, name string) (provider.Secret, error) {
	reference, ok := c.references[name]
	if !ok {
		return provider.Secret{}, fault.New(fault.Internal, "function %s is not granted the credential %s", c.function, name)
	}
	now := c.clock.Now()
	c.mu.Lock()
	known, have := c.read[name]
	c.mu.Unlock()
	if have && now.Sub(known.at) < freshness {
		return known.value, nil
	}
	value, err := c.resolve(ctx, name, reference)
	if err != nil {
		if have && fault.CodeOf(err).Transient() {
			return known.value, nil
		}
		return provider.Secret{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read[name] = credential{value, now}
	return value, nil
}

func (c *credentials) resolve(ctx context.Context, name string, r Reference) (provider.Secret, error) {
	text, err := c.fetch(ctx, name, r)
	if err != nil {
		return provider.Secret{}, err
	}
	if text == "" {
		return provider.Secret{}, fault.New(fault.Internal, "the credential %s is empty", name)
	}
	return provider.NewSecret(text), nil
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
		return "", failed("GetSecretValue of "+name, err)
	}
	return strings.TrimSpace(aws.ToString(answer.SecretString)), nil
}
