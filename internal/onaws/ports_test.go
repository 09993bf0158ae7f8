package onaws

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/smithy-go"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/seal"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store/table"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func apiError(code string) error {
	return &smithy.GenericAPIError{Code: code, Message: "AWS's own words about arn:aws:x"}
}

// wants checks an error's code, and that AWS's words aren't in its text.
func wants(t *testing.T, err error, code fault.Code) {
	t.Helper()
	if err == nil || fault.CodeOf(err) != code || strings.Contains(err.Error(), "own words") {
		t.Errorf("got %v (%s), want %s", err, fault.CodeOf(err), code)
	}
}

// safe is Secrets Manager with one secret.
type safe struct {
	value string
	fails error
	reads int
}

func (s *safe) get(_ context.Context, in *secretsmanager.GetSecretValueInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	s.reads++
	if *in.SecretId != "fleet/token" {
		return nil, apiError("ResourceNotFoundException")
	}
	return &secretsmanager.GetSecretValueOutput{SecretString: aws.String(s.value)}, s.fails
}

func TestCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &safe{value: "one\n"}
		references := &credentials{secret: s.get, clock: clock.System(), function: "f", references: map[string]Reference{
			"token": {SecretsManager, "fleet/token"}, "none": {SecretsManager, "fleet/none"}, "no-file": {File, "/none/none"}}}
		c := provider.NewCredentials(clock.System(), references.read)
		is := func(want string, reads int) {
			t.Helper()
			got, err := c.Get(t.Context(), "token")
			if err != nil || got.Reveal() != want || s.reads != reads {
				t.Errorf("got %q after %d reads, %v, want %q after %d", got.Reveal(), s.reads, err, want, reads)
			}
		}
		is("one", 1)
		s.value = "two"
		time.Sleep(provider.Freshness - time.Second)
		is("one", 1)
		time.Sleep(time.Second)
		is("two", 2)
		time.Sleep(provider.Freshness)
		s.fails = apiError("ThrottlingException") // what is known stays good
		is("two", 3)
		is("two", 3) // and isn't asked for at every call
		time.Sleep(time.Minute)
		s.fails = apiError("AccessDeniedException") // unless it was taken away
		_, err := c.Get(t.Context(), "token")
		wants(t, err, fault.Internal)
		s.fails, s.value = nil, " "
		for _, name := range []string{"token", "none", "no-file", "other"} {
			_, err = c.Get(t.Context(), name)
			wants(t, err, fault.Internal)
			if !strings.Contains(err.Error(), name) {
				t.Errorf("%v doesn't name %s", err, name)
			}
		}
	})
}

func TestCredentialInFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte("from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &credentials{clock: clock.System(), references: map[string]Reference{"token": {File, path}}}
	if got, err := c.read(t.Context(), "token"); err != nil || got.Reveal() != "from a file" {
		t.Errorf("got %q, %v", got.Reveal(), err)
	}
}

// fakeKMS wraps by writing the context before the plaintext, and refuses to unwrap under another one.
func fakeKMS() wrapping {
	mark := func(c map[string]string) string {
		text, _ := json.Marshal(c) // of strings
		return string(text) + "\n"
	}
	return wrapping{clock: clock.System(), arn: "arn:aws:kms:us-east-1:111122223333:key/1",
		encrypt: func(_ context.Context, in *kms.EncryptInput, _ ...func(*kms.Options)) (*kms.EncryptOutput, error) {
			return &kms.EncryptOutput{CiphertextBlob: append([]byte(mark(in.EncryptionContext)), in.Plaintext...)}, nil
		},
		decrypt: func(_ context.Context, in *kms.DecryptInput, _ ...func(*kms.Options)) (*kms.DecryptOutput, error) {
			plain, ok := strings.CutPrefix(string(in.CiphertextBlob), mark(in.EncryptionContext))
			if !ok || *in.KeyId != "arn:aws:kms:us-east-1:111122223333:key/1" {
				return nil, apiError("InvalidCiphertextException")
			}
			return &kms.DecryptOutput{Plaintext: []byte(plain)}, nil
		}}
}

var _ tink.AEADWithContext = wrapping{}

// TestWrapping: a key is unwrapped for the instance that it was wrapped for, and for no other.
func TestWrapping(t *testing.T) {
	w := fakeKMS()
	wrapped, err := w.EncryptWithContext(t.Context(), []byte("key"), []byte("i-1"))
	if err != nil || !strings.HasPrefix(string(wrapped), `{"instanceId":"i-1"}`) {
		t.Fatalf("got %q, %v", wrapped, err)
	}
	if plain, err := w.DecryptWithContext(t.Context(), wrapped, []byte("i-1")); err != nil || string(plain) != "key" {
		t.Errorf("got %q, %v", plain, err)
	}
	_, err = w.DecryptWithContext(t.Context(), wrapped, []byte("i-2"))
	wants(t, err, fault.Internal)
}

// TestVaultOverKMS: instances' data keys are wrapped by it, through Tink.
func TestVaultOverKMS(t *testing.T) {
	keys := memory{}
	first := seal.New(keys, fakeKMS())
	if err := first.Mint(t.Context(), "i-1"); err != nil {
		t.Fatal(err)
	}
	sealed, err := first.Seal(t.Context(), "i-1", "what", []byte("plain"))
	if err != nil {
		t.Fatal(err)
	}
	again := seal.New(keys, fakeKMS()) // a later process
	if plain, err := again.Open(t.Context(), "i-1", "what", sealed); err != nil || string(plain) != "plain" {
		t.Errorf("got %q, %v", plain, err)
	}
}

// memory is as much of a table as a vault needs.
type memory map[table.Key]table.Item

func (m memory) Get(_ context.Context, k table.Key, _ bool) (table.Item, error) {
	i, ok := m[k]
	if !ok {
		return i, table.ErrNotFound
	}
	return i, nil
}

func (m memory) Query(context.Context, table.Query) (table.Page, error) { return table.Page{}, nil }

func (m memory) Write(_ context.Context, writes []table.Write) error {
	for _, w := range writes {
		m[w.Item.Key] = w.Item
	}
	return nil
}

// TestUngranted: the ports of what a function isn't granted fail, by the function's name.
func TestUngranted(t *testing.T) {
	variables := complete()
	maps.Copy(variables, map[string]string{"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"})
	p, err := open(catalog.SignupStatus, nil, from(variables), quiet())
	if err != nil {
		t.Fatal(err)
	}
	env := p.env(t.Context())
	_, credential := env.Provider.Credential(t.Context(), step.OperatorToken)
	_, status := env.Executions.Status(t.Context(), "provision", "x")
	_, file := fs.ReadFile(env.Release, "index.html")
	_, database := env.Databases(t.Context(), provider.Secret{})
	_, logs := env.Logs(t.Context(), step.LogQuery{})
	_, schedules := env.Surroundings.Schedules(t.Context())
	_, letters := env.Surroundings.DeadLetters(t.Context())
	_, age := env.Surroundings.CredentialChanged(t.Context(), step.WebhookSecret)
	for what, err := range map[string]error{"credential": credential, "status": status, "release": file, "database": database,
		"start": env.Executions.Start(t.Context(), "provision", "x", nil), "trigger": env.Trigger(t.Context(), "admit"),
		"publish": env.Publish(t.Context(), "a", "b"), "logs": logs, "schedules": schedules, "dead letters": letters, "age": age} {
		wants(t, err, fault.Internal)
		if err != nil && !strings.Contains(err.Error(), "signup-status is not granted") {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err = env.Vault.Seal(t.Context(), "i-1", "what", nil)
	var cause *fault.Error
	for ; err != nil; err = errors.Unwrap(err) {
		_ = errors.As(err, &cause) // the innermost one stays
	}
	wants(t, cause, fault.Internal)
}
