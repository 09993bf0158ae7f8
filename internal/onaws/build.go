package onaws

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/seal"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/store/dynamo"
)

// call is one operation of an AWS client. The ports hold operations, never a client: a client that gets into an interface,
// or into anything that does, keeps every operation of its service in the executable as soon as anything uses reflection
// as text/template does.
type call[In, Out, Options any] = func(context.Context, In, ...func(*Options)) (Out, error)

// builder makes the ports that a function's catalog entry grants. In place of the others come ports that fail.
type builder struct {
	entry  catalog.Function
	config Config
	aws    aws.Config
	clock  clock.Clock
}

// ungranted is the fault of a step that uses what its catalog entry doesn't grant.
func (b builder) ungranted(what string) error {
	return fault.New(fault.Internal, "function %s is not granted %s", b.entry.Name, what)
}

func (b builder) store() *store.Store {
	return store.New(dynamo.New(dynamodb.NewFromConfig(b.aws), b.clock, b.config.Table, store.Indexes()), b.clock)
}

func (b builder) vault() (*seal.Vault, error) {
	if !granted(b.entry, catalog.Keys, catalog.MintKeys, catalog.DestroyKeys) {
		return seal.New(closedTable{b.ungranted("the instances' data keys")}, nil), nil
	}
	kek, err := b.keyEncryptionKey()
	if err != nil {
		return nil, fmt.Errorf("FLEET_KMS_KEY: %w", err)
	}
	return seal.New(dynamo.New(dynamodb.NewFromConfig(b.aws), b.clock, b.config.KeysTable, nil), kek), nil
}

func (b builder) keyEncryptionKey() (tink.AEADWithContext, error) {
	if _, path, ok := cut(b.config.KeyEncryptionKey, File); ok {
		return seal.FileKey(path)
	}
	client := kms.NewFromConfig(b.aws)
	return wrapping{client.Encrypt, client.Decrypt, b.clock, b.config.KeyEncryptionKey}, nil
}

// credentials gives the values of those that are granted. Others may be configured, for their age to be told.
func (b builder) credentials() *provider.Credentials {
	references := maps.Clone(b.config.Credentials)
	maps.DeleteFunc(references, func(name string, _ Reference) bool { return !grantedSecret(b.entry, name) })
	granted := &credentials{secret: secretsmanager.NewFromConfig(b.aws).GetSecretValue, clock: b.clock, references: references,
		function: b.entry.Name}
	return provider.NewCredentials(b.clock, granted.read)
}

func (b builder) release() (fs.FS, error) {
	switch {
	case !granted(b.entry, catalog.ReadRelease):
		return closedFolder{b.ungranted("the release")}, nil
	case b.config.Release.Kind == File:
		return os.DirFS(b.config.Release.Path), nil
	}
	return &bucket{objects: released{b.aws, b.clock, b.config.Release.Path}, prefix: b.config.Release.Prefix}, nil
}
