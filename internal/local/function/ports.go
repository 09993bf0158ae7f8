// Package function is what a function has around it on this machine: its ports, in this process or, for a function that is a process
// of its own, over loopback. What production reaches by AWS's and the vendors' clients, such a process asks the local runner for.
package function

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"

	"github.com/google/uuid"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/objects"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/schema"
	"github.com/project-gimbal/fleet/internal/seal"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/store/table"
	"github.com/project-gimbal/fleet/internal/view"
)

// Ports are what the environment of an invocation is made of, wherever they are.
type Ports struct {
	Clock clock.Clock
	// Fleet is the fleet's table, and Noted the same for what is none of the invocation's work: what the gate notes. Keys holds the
	// wrapped data keys, which KeyEncryptionKey unwraps.
	Fleet, Noted, Keys table.Table
	KeyEncryptionKey   tink.AEADWithContext
	// Network is the way to the vendors, and Endpoints are where they are.
	Network   http.RoundTripper
	Endpoints provider.Endpoints
	Vendors   provider.Settings
	// Secrets gives Fleet's own credentials; Credentials keeps them, and Credential reads one of those.
	Secrets     func(ctx context.Context, name string) (provider.Secret, error)
	Credentials *provider.Credentials
	Credential  func(ctx context.Context, name string) (provider.Secret, error)

	Databases    func(ctx context.Context, url provider.Secret) (schema.Database, error)
	Executions   step.Executions
	Trigger      func(ctx context.Context, function string) error
	Publish      func(ctx context.Context, subject, text string) error
	Logs         func(ctx context.Context, query step.LogQuery) ([]view.LogLine, error)
	Surroundings step.Surroundings
	Calendar     step.Calendar
	// Exports, Archive and History are as step.Env has them.
	Exports, Archive, History objects.Store
	Release                   fs.FS
	Settings                  step.Settings
	Log                       *slog.Logger
}

// Env is the environment of one invocation, or of all those of a process: then only Request is one's own.
func (p Ports) Env(request string) step.Env {
	gate := step.NewGate(store.New(p.Noted, p.Clock), p.Clock, p.Log, p.Settings.Limits)
	return step.Env{
		Gate:  gate,
		Clock: p.Clock,
		Store: store.New(p.Fleet, p.Clock),
		Vault: seal.New(p.Keys, p.KeyEncryptionKey), // as a process of its own has it, with no key unwrapped yet
		Provider: provider.Config{Endpoints: p.Endpoints, Clock: p.Clock, Settings: p.Vendors,
			Transport:  gate.Before(p.Credentials.Watch(p.Endpoints, step.LogCalls(p.Clock, p.Endpoints, p.Network)), p.Endpoints),
			Credential: p.Credential, Anew: p.Credentials.Reread},
		Databases:    p.Databases,
		Executions:   p.Executions,
		Trigger:      p.Trigger,
		Publish:      p.Publish,
		Logs:         p.Logs,
		Surroundings: p.Surroundings,
		Calendar:     p.Calendar,
		Exports:      p.Exports,
		Archive:      p.Archive,
		History:      p.History,
		Release:      p.Release,
		Nonce:        uuid.NewString,
		Secret:       step.RandomSecret,
		Settings:     p.Settings,
		Log:          p.Log,
		Request:      request,
	}
}
