// Package seal keeps credentials and personal data unreadable outside the instance they belong to: AEAD under a data key
// of the instance's own, with the instance's id as associated data. The data key is stored only wrapped by a key-encryption
// key, in a table of its own; destroying it makes all that was sealed unreadable.
package seal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/store/table"
)

// Vault seals and opens with the instances' data keys.
type Vault struct {
	keys table.Table
	kek  tink.AEADWithContext

	mu     sync.Mutex
	opened map[string]tink.AEAD // by instance id
}

// New makes a vault whose wrapped keys are in the table keys, wrapped by kek. A transient fault of the kek's is one of the vault's.
func New(keys table.Table, kek tink.AEADWithContext) *Vault {
	return &Vault{keys: keys, kek: kek, opened: map[string]tink.AEAD{}}
}

func keyOf(instanceID string) table.Key {
	return table.Key{Partition: "key#" + instanceID, Sort: "data"}
}

// Mint makes the instance's data key. A key that is there already stays.
func (v *Vault) Mint(ctx context.Context, instanceID string) error {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return sealing(err)
	}
	var wrapped bytes.Buffer
	once := &told{AEADWithContext: v.kek}
	if err := handle.WriteWithContext(ctx, keyset.NewBinaryWriter(&wrapped), once, []byte(instanceID)); err != nil {
		return once.fault(err)
	}
	err = v.keys.Write(ctx, []table.Write{{Op: table.Put,
		Item: table.Item{Key: keyOf(instanceID), Body: wrapped.Bytes()}, If: table.Condition{Absent: true}}})
	refused, _ := errors.AsType[*table.ConditionError](err)
	if err == nil || refused != nil && slices.Contains(refused.Reasons, table.Exists) {
		return nil
	}
	return &fault.Error{Code: fault.Unavailable, Text: "the key table did not do it", Err: err}
}

// Destroy destroys the instance's data key: all that was sealed with it is unreadable for good, once the table's own recovery window
// has passed. A key that isn't there is success.
func (v *Vault) Destroy(ctx context.Context, instanceID string) error {
	v.mu.Lock()
	delete(v.opened, instanceID)
	v.mu.Unlock()
	for {
		item, err := v.keys.Get(ctx, keyOf(instanceID), true)
		if errors.Is(err, table.ErrNotFound) {
			return nil
		}
		if err == nil {
			err = v.keys.Write(ctx, []table.Write{{Op: table.Delete, Item: table.Item{Key: keyOf(instanceID)}, If: table.Condition{Version: item.Version}}})
		}
		if _, changed := errors.AsType[*table.ConditionError](err); changed {
			continue // somebody else destroyed it meanwhile
		}
		if err != nil {
			return &fault.Error{Code: fault.Unavailable, Text: "the key table did not do it", Err: err}
		}
	}
}

// Seal encrypts plaintext for the instance. what names the thing, such as "secret/database-password": a ciphertext opens
// only as what it was sealed as.
func (v *Vault) Seal(ctx context.Context, instanceID, what string, plaintext []byte) ([]byte, error) {
	a, err := v.key(ctx, instanceID)
	if err != nil {
		return nil, err
	}
	sealed, err := a.Encrypt(plaintext, associated(instanceID, what))
	if err != nil {
		return nil, sealing(err)
	}
	return sealed, nil
}

// Open decrypts what Seal gave for the same instance and thing.
func (v *Vault) Open(ctx context.Context, instanceID, what string, ciphertext []byte) ([]byte, error) {
	a, err := v.key(ctx, instanceID)
	if err != nil {
		return nil, err
	}
	plain, err := a.Decrypt(ciphertext, associated(instanceID, what))
	if err != nil {
		return nil, sealing(err)
	}
	return plain, nil
}

func associated(instanceID, what string) []byte { return []byte(instanceID + "\n" + what) }

func (v *Vault) key(ctx context.Context, instanceID string) (tink.AEAD, error) {
	v.mu.Lock()
	a := v.opened[instanceID]
	v.mu.Unlock()
	if a != nil {
		return a, nil
	}
	item, err := v.keys.Get(ctx, keyOf(instanceID), true)
	if errors.Is(err, table.ErrNotFound) {
		return nil, fault.New(fault.Internal, "the instance has no data key")
	}
	if err != nil {
		return nil, &fault.Error{Code: fault.Unavailable, Text: "the key table did not answer", Err: err}
	}
	once := &told{AEADWithContext: v.kek}
	handle, err := keyset.ReadWithContext(ctx, keyset.NewBinaryReader(bytes.NewReader(item.Body)), once, []byte(instanceID))
	if err != nil {
		return nil, once.fault(err)
	}
	if a, err = aead.New(handle); err != nil {
		return nil, sealing(err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.opened[instanceID] = a
	return a, nil
}

func sealing(err error) error {
	return &fault.Error{Code: fault.Internal, Text: "sealing or opening failed", Err: err}
}

// told is a key-encryption key for one call. It remembers the key's own error: Tink flattens that into text, and a KMS that only
// didn't answer would look like a key that can't be unwrapped.
type told struct {
	tink.AEADWithContext
	err error
}

func (t *told) EncryptWithContext(ctx context.Context, plaintext, associated []byte) (wrapped []byte, err error) {
	wrapped, err = t.AEADWithContext.EncryptWithContext(ctx, plaintext, associated)
	t.err = err
	return wrapped, err
}

func (t *told) DecryptWithContext(ctx context.Context, wrapped, associated []byte) (plaintext []byte, err error) {
	plaintext, err = t.AEADWithContext.DecryptWithContext(ctx, wrapped, associated)
	t.err = err
	return plaintext, err
}

// fault is what a failed call was: Unavailable where the key's own error is transient.
func (t *told) fault(err error) error {
	if fault.CodeOf(t.err).Transient() {
		return &fault.Error{Code: fault.Unavailable, Text: "the key-encryption key did not answer", Err: t.err}
	}
	return sealing(err)
}

// local is a key-encryption key in this process: no call of it waits for anything.
type local struct{ key tink.AEAD }

func (l local) EncryptWithContext(_ context.Context, plaintext, associated []byte) ([]byte, error) {
	return l.key.Encrypt(plaintext, associated)
}

func (l local) DecryptWithContext(_ context.Context, wrapped, associated []byte) ([]byte, error) {
	return l.key.Decrypt(wrapped, associated)
}

func newLocal(handle *keyset.Handle) (tink.AEADWithContext, error) {
	key, err := aead.New(handle)
	if err != nil {
		return nil, err
	}
	return local{key}, nil
}

// FileKey is a key-encryption key kept in a file that only its owner can read; it is made if absent. It is for one
// machine; on AWS the key is in KMS.
func FileKey(path string) (tink.AEADWithContext, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		if err := newKeyFile(path); err != nil {
			return nil, fmt.Errorf("make key file %s: %w", path, err)
		}
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read key file: %w", err)
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewBinaryReader(bytes.NewReader(text)))
	if err != nil {
		return nil, fmt.Errorf("key file %s is damaged", path)
	}
	return newLocal(handle)
}

// newKeyFile makes the file whole or not at all. One that somebody else made meanwhile stays.
func newKeyFile(path string) (err error) {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".key-*") // with mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(file.Name())) }()
	err = insecurecleartextkeyset.Write(handle, keyset.NewBinaryWriter(file))
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Link(file.Name(), path); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}

// MemoryKey is a key-encryption key that is gone with the process, for tests and the demo.
func MemoryKey() (tink.AEADWithContext, error) {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, err
	}
	return newLocal(handle)
}
