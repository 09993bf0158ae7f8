package function

import (
	"context"
	"encoding/json"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store/table"
	"github.com/project-gimbal/fleet/internal/view"
)

// remoteTable is a table of the runner's. What is asked is checked here already: JSON would mend text that isn't UTF-8.
type remoteTable struct {
	runner runner
	path   string
}

// Get is table.Table's.
func (t remoteTable) Get(ctx context.Context, key table.Key, consistent bool) (table.Item, error) {
	if err := key.Validate(); err != nil {
		return table.Item{}, err
	}
	return ask[getAsked, table.Item](ctx, t.runner, t.path+"/get", getAsked{key, consistent})
}

// Query is table.Table's.
func (t remoteTable) Query(ctx context.Context, q table.Query) (table.Page, error) {
	if err := q.Validate(); err != nil {
		return table.Page{}, err
	}
	return ask[table.Query, table.Page](ctx, t.runner, t.path+"/query", q)
}

// Write is table.Table's.
func (t remoteTable) Write(ctx context.Context, writes []table.Write) error {
	if err := table.Validate(writes); err != nil {
		return err
	}
	_, err := ask[[]table.Write, none](ctx, t.runner, t.path+"/write", writes)
	return err
}

// remoteKey is the key-encryption key, which does not leave the runner.
type remoteKey struct{ runner runner }

// EncryptWithContext is tink.AEADWithContext's.
func (k remoteKey) EncryptWithContext(ctx context.Context, plaintext, associatedData []byte) ([]byte, error) {
	return ask[wrapAsked, []byte](ctx, k.runner, "/encrypt", wrapAsked{plaintext, associatedData})
}

// DecryptWithContext is tink.AEADWithContext's.
func (k remoteKey) DecryptWithContext(ctx context.Context, ciphertext, associatedData []byte) ([]byte, error) {
	return ask[wrapAsked, []byte](ctx, k.runner, "/decrypt", wrapAsked{ciphertext, associatedData})
}

// remoteExecutions are the runner's state machines.
type remoteExecutions struct{ runner runner }

// Start is step.Executions'.
func (e remoteExecutions) Start(ctx context.Context, workflow, name string, input any) error {
	text, err := json.Marshal(input)
	if err != nil {
		return &fault.Error{Code: fault.Internal, Text: "the input does not encode", Err: err}
	}
	_, err = ask[runAsked, none](ctx, e.runner, "/start", runAsked{workflow, name, text})
	return err
}

// Status is step.Executions'.
func (e remoteExecutions) Status(ctx context.Context, workflow, name string) (step.Execution, error) {
	return ask[runAsked, step.Execution](ctx, e.runner, "/status", runAsked{Workflow: workflow, Name: name, Input: json.RawMessage("null")})
}

// remoteSurroundings are the runner's.
type remoteSurroundings struct{ runner runner }

// Schedules is step.Surroundings'.
func (s remoteSurroundings) Schedules(ctx context.Context) ([]string, error) {
	return ask[none, []string](ctx, s.runner, "/schedules", none{})
}

// DeadLetters is step.Surroundings'.
func (s remoteSurroundings) DeadLetters(ctx context.Context) (int, error) {
	return ask[none, int](ctx, s.runner, "/dead-letters", none{})
}

// CredentialChanged is step.Surroundings'.
func (s remoteSurroundings) CredentialChanged(ctx context.Context, name string) (time.Time, error) {
	return ask[string, time.Time](ctx, s.runner, "/credential-changed", name)
}

func (r runner) secret(ctx context.Context, name string) (provider.Secret, error) {
	text, err := ask[string, string](ctx, r, "/secret", name)
	return provider.NewSecret(text), err
}

func (r runner) trigger(ctx context.Context, function string) error {
	_, err := ask[string, none](ctx, r, "/trigger", function)
	return err
}

func (r runner) publish(ctx context.Context, subject, text string) error {
	_, err := ask[wordAsked, none](ctx, r, "/publish", wordAsked{subject, text})
	return err
}

func (r runner) logs(ctx context.Context, q step.LogQuery) ([]view.LogLine, error) {
	return ask[step.LogQuery, []view.LogLine](ctx, r, "/logs", q)
}
