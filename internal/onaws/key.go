package onaws

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/project-gimbal/fleet/internal/clock"
)

// contextName is the associated data's name in KMS's encryption context. Changing it makes every wrapped key unreadable.
const contextName = "instanceId"

// wrapping is the key-encryption key in KMS. The associated data, an instance's id, is the encryption context:
// KMS unwraps a data key only for the instance that it was wrapped for, a key policy can ask for the context, and CloudTrail
// tells whose key it was.
//
// Tink has such a key too, but that one puts every operation of KMS into the executable, and its calls have no bound.
type wrapping struct {
	encrypt call[*kms.EncryptInput, *kms.EncryptOutput, kms.Options]
	decrypt call[*kms.DecryptInput, *kms.DecryptOutput, kms.Options]
	clock   clock.Clock
	arn     string
}

// EncryptWithContext wraps a key of at most 4 KB, KMS's limit.
func (w wrapping) EncryptWithContext(ctx context.Context, plaintext, associatedData []byte) ([]byte, error) {
	ctx, cancel := w.clock.WithTimeout(ctx, patience)
	defer cancel()
	answer, err := w.encrypt(ctx, &kms.EncryptInput{KeyId: &w.arn, Plaintext: plaintext, EncryptionContext: w.context(associatedData)})
	if err != nil {
		return nil, Failed("Encrypt", err)
	}
	return answer.CiphertextBlob, nil
}

// DecryptWithContext unwraps what was wrapped with the same associated data.
func (w wrapping) DecryptWithContext(ctx context.Context, ciphertext, associatedData []byte) ([]byte, error) {
	ctx, cancel := w.clock.WithTimeout(ctx, patience)
	defer cancel()
	answer, err := w.decrypt(ctx, &kms.DecryptInput{KeyId: &w.arn, CiphertextBlob: ciphertext, EncryptionContext: w.context(associatedData)})
	if err != nil {
		return nil, Failed("Decrypt", err)
	}
	return answer.Plaintext, nil
}

func (w wrapping) context(associatedData []byte) map[string]string {
	return map[string]string{contextName: string(associatedData)}
}
