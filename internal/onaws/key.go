package onaws

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/tink-crypto/tink-go-awskms/v3/integration/awskms"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/project-gimbal/fleet/internal/clock"
)

// scheme begins the name of a KMS key in Tink.
const scheme = "aws-kms://"

// wrapping is the key-encryption key in KMS. The associated data, an instance's id, goes into the encryption context as
// hexadecimal "associatedData": KMS unwraps a data key only for the instance that it was wrapped for, and CloudTrail tells
// whose key it was.
func wrapping(client awskms.KMSAPI, c clock.Clock, arn string) (tink.AEAD, error) {
	keys, err := awskms.NewClientWithOptions(context.Background(), scheme+arn, awskms.WithKMS(boundedKMS{client, c}),
		awskms.WithEncryptionContextName(awskms.AssociatedData))
	if err != nil {
		return nil, err
	}
	return keys.GetAEAD(scheme + arn)
}

// boundedKMS bounds each call: Tink's interface carries no context, so that the invocation's can't do it.
type boundedKMS struct {
	client awskms.KMSAPI
	clock  clock.Clock
}

func (b boundedKMS) Encrypt(ctx context.Context, in *kms.EncryptInput, options ...func(*kms.Options)) (*kms.EncryptOutput, error) {
	ctx, cancel := b.clock.WithTimeout(ctx, patience)
	defer cancel()
	return b.client.Encrypt(ctx, in, options...)
}

func (b boundedKMS) Decrypt(ctx context.Context, in *kms.DecryptInput, options ...func(*kms.Options)) (*kms.DecryptOutput, error) {
	ctx, cancel := b.clock.WithTimeout(ctx, patience)
	defer cancel()
	return b.client.Decrypt(ctx, in, options...)
}
