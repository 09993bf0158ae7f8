package seal_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/seal"
	"github.com/project-gimbal/fleet/internal/store/bolt"
	"github.com/project-gimbal/fleet/internal/store/chaos"
	"github.com/project-gimbal/fleet/internal/store/table"
)

const (
	ours   = "11111111-1111-4111-8111-111111111111"
	theirs = "22222222-2222-4222-8222-222222222222"
)

func newTable(t testing.TB) *chaos.Table {
	t.Helper()
	b, err := bolt.Open(filepath.Join(t.TempDir(), "keys.db"), clock.System(), nil, bolt.Options{Bucket: "keys"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return chaos.Wrap(b, clock.System(), chaos.Options{})
}

func newKey(t testing.TB) tink.AEADWithContext {
	t.Helper()
	kek, err := seal.MemoryKey()
	if err != nil {
		t.Fatal(err)
	}
	return kek
}

// newVault is a vault in which both instances have a key.
func newVault(t testing.TB) *seal.Vault {
	t.Helper()
	v := seal.New(newTable(t), newKey(t))
	for _, id := range []string{ours, theirs} {
		if err := v.Mint(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	return v
}

func TestRoundTrip(t *testing.T) {
	v := newVault(t)
	for _, plain := range []string{"", "x", "database-password", strings.Repeat("long ", 100_000), "\x00\xff"} {
		sealed, err := v.Seal(t.Context(), ours, "secret/a", []byte(plain))
		if err != nil {
			t.Fatal(err)
		}
		again, err := v.Seal(t.Context(), ours, "secret/a", []byte(plain))
		if err != nil || bytes.Equal(sealed, again) {
			t.Errorf("sealing twice gives the same text, %v", err)
		}
		if plain != "" && bytes.Contains(sealed, []byte(plain)) && len(plain) > 1 {
			t.Errorf("%q is to be read in what was sealed", plain)
		}
		back, err := v.Open(t.Context(), ours, "secret/a", sealed)
		if err != nil || string(back) != plain {
			t.Errorf("%d bytes came back as %d: %v", len(plain), len(back), err)
		}
	}
}

// TestOpensOnlyAsWhatItWasSealed: another instance, another thing, or a changed text is an Internal fault without words.
func TestOpensOnlyAsWhatItWasSealed(t *testing.T) {
	v := newVault(t)
	sealed, err := v.Seal(t.Context(), ours, "secret/a", []byte("hunter2"))
	if err != nil {
		t.Fatal(err)
	}
	flipped := func(i int) []byte { b := bytes.Clone(sealed); b[i] ^= 1; return b }
	for _, test := range []struct {
		name, id, what string
		text           []byte
	}{
		{"wrong instance", theirs, "secret/a", sealed},
		{"no such instance", "33333333-3333-4333-8333-333333333333", "secret/a", sealed},
		{"wrong thing", ours, "secret/b", sealed},
		{"no thing", ours, "", sealed},
		{"first byte", ours, "secret/a", flipped(0)},
		{"nonce", ours, "secret/a", flipped(8)},
		{"last byte", ours, "secret/a", flipped(len(sealed) - 1)},
		{"cut off", ours, "secret/a", sealed[:len(sealed)-1]},
		{"longer", ours, "secret/a", append(bytes.Clone(sealed), 0)},
		{"empty", ours, "secret/a", nil},
		{"plain", ours, "secret/a", []byte("hunter2")},
	} {
		t.Run(test.name, func(t *testing.T) {
			plain, err := v.Open(t.Context(), test.id, test.what, test.text)
			if !fault.Is(err, fault.Internal) || plain != nil {
				t.Fatalf("%q, %v", plain, err)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Error(err)
			}
		})
	}
}

func TestMintKeepsTheKeyThatIsThere(t *testing.T) {
	keys, kek := newTable(t), newKey(t)
	v := seal.New(keys, kek)
	if err := v.Mint(t.Context(), ours); err != nil {
		t.Fatal(err)
	}
	sealed, err := v.Seal(t.Context(), ours, "x", []byte("plain"))
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range []*seal.Vault{v, seal.New(keys, kek)} {
		if err := other.Mint(t.Context(), ours); err != nil {
			t.Fatal(err)
		}
	}
	plain, err := seal.New(keys, kek).Open(t.Context(), ours, "x", sealed) // as another process does
	if err != nil || string(plain) != "plain" {
		t.Errorf("%q, %v", plain, err)
	}
}

// TestMintConcurrently: of many processes that mint at once, all end with one key.
func TestMintConcurrently(t *testing.T) {
	keys, kek := newTable(t), newKey(t)
	var all sync.WaitGroup
	texts := make([][]byte, 20)
	for i := range texts {
		all.Go(func() {
			v := seal.New(keys, kek)
			if err := v.Mint(context.Background(), ours); err != nil {
				t.Error(err)
				return
			}
			var err error
			if texts[i], err = v.Seal(context.Background(), ours, "x", []byte{byte(i)}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	v := seal.New(keys, kek)
	for i, text := range texts {
		if plain, err := v.Open(t.Context(), ours, "x", text); err != nil || !bytes.Equal(plain, []byte{byte(i)}) {
			t.Errorf("the %dth: %v, %v", i, plain, err)
		}
	}
}

// TestMintTellsWhenItCannotKnow: a write that was refused for a conflict, or whose answer was lost, is no success; minting
// again is.
func TestMintTellsWhenItCannotKnow(t *testing.T) {
	for _, kind := range []chaos.Kind{chaos.Conflict, chaos.Lost, chaos.Vanished} {
		t.Run(string(kind), func(t *testing.T) {
			keys := newTable(t)
			keys.Script(chaos.Fault{Kind: kind})
			v := seal.New(keys, newKey(t))
			if err := v.Mint(t.Context(), ours); !fault.Is(err, fault.Unavailable) {
				t.Fatalf("minting gave %v", err)
			}
			if err := v.Mint(t.Context(), ours); err != nil {
				t.Fatal(err)
			}
			if _, err := v.Seal(t.Context(), ours, "x", []byte("plain")); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWrongKeyEncryptionKey(t *testing.T) {
	keys := newTable(t)
	if err := seal.New(keys, newKey(t)).Mint(t.Context(), ours); err != nil {
		t.Fatal(err)
	}
	if _, err := seal.New(keys, newKey(t)).Seal(t.Context(), ours, "x", nil); !fault.Is(err, fault.Internal) {
		t.Errorf("sealing under another key-encryption key gave %v", err)
	}
}

// TestWrappedKeyBelongsToItsInstance: a wrapped key that was moved to another instance does not unwrap there.
func TestWrappedKeyBelongsToItsInstance(t *testing.T) {
	keys, kek := newTable(t), newKey(t)
	if err := seal.New(keys, kek).Mint(t.Context(), ours); err != nil {
		t.Fatal(err)
	}
	item, err := keys.Get(t.Context(), table.Key{Partition: "key#" + ours, Sort: "data"}, true)
	if err != nil {
		t.Fatal(err)
	}
	item.Partition = "key#" + theirs
	if err := keys.Write(t.Context(), []table.Write{{Op: table.Put, Item: item, If: table.Condition{Absent: true}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := seal.New(keys, kek).Seal(t.Context(), theirs, "x", nil); !fault.Is(err, fault.Internal) {
		t.Errorf("a moved key was taken: %v", err)
	}
}

func TestDestroyedKey(t *testing.T) {
	keys, kek := newTable(t), newKey(t)
	v := seal.New(keys, kek)
	if err := v.Mint(t.Context(), ours); err != nil {
		t.Fatal(err)
	}
	sealed, err := v.Seal(t.Context(), ours, "x", []byte("plain"))
	if err != nil {
		t.Fatal(err)
	}
	if err := keys.Write(t.Context(), []table.Write{{Op: table.Delete, Item: table.Item{Key: table.Key{Partition: "key#" + ours, Sort: "data"}},
		If: table.Condition{Version: 1}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := seal.New(keys, kek).Open(t.Context(), ours, "x", sealed); !fault.Is(err, fault.Internal) {
		t.Errorf("what was sealed opens without its key: %v", err)
	}
}

func TestTableThatDoesNotAnswer(t *testing.T) {
	v := seal.New(newTable(t), newKey(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, sealing := v.Seal(ctx, ours, "x", nil)
	_, opening := v.Open(ctx, ours, "x", nil)
	for _, err := range []error{v.Mint(ctx, ours), sealing, opening} {
		if !fault.Is(err, fault.Unavailable) {
			t.Errorf("%v", err)
		}
	}
}

// trouble is a key-encryption key whose calls fail while err is set. It keeps the context of the last one.
type trouble struct {
	tink.AEADWithContext
	err error
	ctx context.Context
}

func (k *trouble) EncryptWithContext(ctx context.Context, plaintext, associated []byte) ([]byte, error) {
	if k.ctx = ctx; k.err != nil {
		return nil, k.err
	}
	return k.AEADWithContext.EncryptWithContext(ctx, plaintext, associated)
}

func (k *trouble) DecryptWithContext(ctx context.Context, wrapped, associated []byte) ([]byte, error) {
	if k.ctx = ctx; k.err != nil {
		return nil, k.err
	}
	return k.AEADWithContext.DecryptWithContext(ctx, wrapped, associated)
}

// TestKeyThatDoesNotAnswer: a KMS that is throttled or slow is no damaged key. The same call works as soon as it answers; one that
// was refused for good is Internal. Its calls end with the caller's.
func TestKeyThatDoesNotAnswer(t *testing.T) {
	for code, want := range map[fault.Code]fault.Code{fault.Throttled: fault.Unavailable, fault.Unavailable: fault.Unavailable, fault.Internal: fault.Internal} {
		t.Run(string(code), func(t *testing.T) {
			keys, kek := newTable(t), &trouble{AEADWithContext: newKey(t)}
			sealed := func() []byte {
				v := seal.New(keys, kek)
				if err := v.Mint(t.Context(), ours); err != nil {
					t.Fatal(err)
				}
				text, err := v.Seal(t.Context(), ours, "x", []byte("plain"))
				if err != nil {
					t.Fatal(err)
				}
				return text
			}()
			v := seal.New(keys, kek) // a cold process
			kek.err = fault.New(code, "KMS")
			_, sealing := v.Seal(t.Context(), ours, "x", nil)
			_, opening := v.Open(t.Context(), ours, "x", sealed)
			for _, err := range []error{v.Mint(t.Context(), theirs), sealing, opening} {
				if !fault.Is(err, want) {
					t.Errorf("%v, want %s", err, want)
				}
			}
			kek.err = nil
			type mark struct{}
			ctx := context.WithValue(t.Context(), mark{}, "the caller's")
			if plain, err := v.Open(ctx, ours, "x", sealed); err != nil || string(plain) != "plain" || kek.ctx.Value(mark{}) == nil {
				t.Errorf("%q, %v; the caller's context: %t", plain, err, kek.ctx.Value(mark{}) != nil)
			}
		})
	}
}

func TestFileKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "folder", "fleet.key")
	first, err := seal.FileKey(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Stat(path)
	if err != nil || file.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", file.Mode(), err)
	}
	folder, err := os.Stat(filepath.Dir(path))
	if err != nil || folder.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", folder.Mode(), err)
	}
	text, err := first.EncryptWithContext(t.Context(), []byte("plain"), nil)
	if err != nil {
		t.Fatal(err)
	}
	again, err := seal.FileKey(path)
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := again.DecryptWithContext(t.Context(), text, nil); err != nil || string(plain) != "plain" {
		t.Errorf("the key was not used again: %v", err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("beside the key lies %v, %v", left, err)
	}
}

// TestFileKeyConcurrently: processes that begin at once end with one key.
func TestFileKeyConcurrently(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fleet.key")
	var all sync.WaitGroup
	keys := make([]tink.AEADWithContext, 10)
	for i := range keys {
		all.Go(func() {
			var err error
			if keys[i], err = seal.FileKey(path); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if t.Failed() {
		return
	}
	text, err := keys[0].EncryptWithContext(t.Context(), []byte("plain"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, key := range keys {
		if _, err := key.DecryptWithContext(t.Context(), text, nil); err != nil {
			t.Errorf("the %dth has a key of its own", i)
		}
	}
}

// TestFileKeyDamaged: a damaged file is told and left as it is; nothing of it is in the error.
func TestFileKeyDamaged(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "whole")
	if _, err := seal.FileKey(whole); err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"empty": {}, "text": []byte("my own secret key"), "half": key[:len(key)/2], "zeros": make([]byte, 64)} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "fleet.key")
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := seal.FileKey(path)
			if err == nil || !strings.Contains(err.Error(), "damaged") || len(content) > 0 && strings.Contains(err.Error(), string(content)) {
				t.Errorf("error: %v", err)
			}
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, content) {
				t.Errorf("the file was changed: %v", err)
			}
		})
	}
}

func TestFileKeyElsewhere(t *testing.T) {
	if _, err := seal.FileKey(t.TempDir()); err == nil {
		t.Error("a folder was taken for a key")
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var pathError *fs.PathError
	if _, err := seal.FileKey(filepath.Join(file, "fleet.key")); !errors.As(err, &pathError) {
		t.Errorf("a key inside a file: %v", err)
	}
}

// TestDestroy: what was sealed is unreadable from then on, by this vault too; destroying again is success, and nobody else's key is touched.
func TestDestroy(t *testing.T) {
	v := newVault(t)
	sealed := map[string][]byte{}
	for _, id := range []string{ours, theirs} {
		text, err := v.Seal(t.Context(), id, "secret/a", []byte("password"))
		if err != nil {
			t.Fatal(err)
		}
		sealed[id] = text
	}
	for range 2 {
		if err := v.Destroy(t.Context(), ours); err != nil {
			t.Fatal(err)
		}
	}
	if plain, err := v.Open(t.Context(), ours, "secret/a", sealed[ours]); !fault.Is(err, fault.Internal) {
		t.Errorf("%q, %v", plain, err)
	}
	if plain, err := v.Open(t.Context(), theirs, "secret/a", sealed[theirs]); err != nil || string(plain) != "password" {
		t.Errorf("%q, %v", plain, err)
	}
}
