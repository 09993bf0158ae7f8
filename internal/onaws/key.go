package onaws

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/project-gimbal/fleet/internal/clock"
)

// contextName is the associated data's name in KMS's encryption context. Changing it makes every wrapped key unreadable.
const contextName = "instanceId"

// wrapping is the key-encryption key in KMS, as a tink.AEAD and a tink.AEADWithContext. The associated data, an instance's id, is the encryption context:
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

// Encrypt is EncryptWithContext for callers that have no context: patience alone bounds the call.
func (w wrapping) Encrypt(plaintext, associatedData []byte) ([]byte, error) {
	return w.EncryptWithContext(context.Background(), plaintext, associatedData)
}

// Decrypt is DecryptWithContext for callers that have no context.
func (w wrapping) Decrypt(ciphertext, associatedData []byte) ([]byte, error) {
	return w.DecryptWithContext(context.Background(), ciphertext, associatedData)
}

// EncryptWithContext wraps a key of at most 4 KB, KMS's limit.
func (w wrapping) EncryptWithContext(ctx context.Context, plaintext, associatedData []byte) ([]byte, error) {
	ctx, cancel := w.clock.WithTimeout(ctx, patience)
	defer cancel()
	answer, err := w.encrypt(ctx, &kms.EncryptInput{KeyId: &w.arn, Plaintext: plaintext, EncryptionContext: w.context(associatedData)})
	if err != nil {
		return nil, failed("Encrypt", err)
	}
	return answer.CiphertextBlob, nil
}

// DecryptWithContext unwraps what was wrapped with the same associated data.
func (w wrapping) DecryptWithContext(ctx context.Context, ciphertext, associatedData []byte) ([]byte, error) {
	ctx, cancel := w.clock.WithTimeout(ctx, patience)
	defer cancel()
	answer, err := w.decrypt(ctx, &kms.DecryptInput{KeyId: &w.arn, CiphertextBlob: ciphertext, EncryptionContext: w.context(associatedData)})
	if err != nil {
		return nil, failed("Decrypt", err)
	}
	return answer.Plaintext, nil
}

func (w wrapping) context(associatedData []byte) map[string]string {
	return map[string]string{contextName: string(associatedData)}
}
