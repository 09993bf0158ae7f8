package world

import (
	"context"
	"sync"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
)

// secrets are Fleet's own credentials as they are now, and what each function's process has of them.
type secrets struct {
	mu     sync.Mutex
	values map[string]string
	kept   map[string]*provider.Credentials // by function: its environments live on from one invocation to the next
}

// ChangeCredential changes one of Fleet's own credentials, as an operator does in Secrets Manager. Functions notice by age, or when
// the old one is refused. What the vendor takes is the vendor's: see the simulators' ChangeToken.
func (w *World) ChangeCredential(name, value string) {
	w.secrets.mu.Lock()
	defer w.secrets.mu.Unlock()
	w.secrets.values[name] = value
}

func (s *secrets) read(_ context.Context, name string) (provider.Secret, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	value, ok := s.values[name]
	if !ok {
		return provider.Secret{}, fault.New(fault.Internal, "there is no credential %q", name)
	}
	return provider.NewSecret(value), nil
}

// credentialsOf is what a function's process keeps.
func (w *World) credentialsOf(function string) *provider.Credentials {
	w.secrets.mu.Lock()
	defer w.secrets.mu.Unlock()
	kept := w.secrets.kept[function]
	if kept == nil {
		kept = provider.NewCredentials(w.options.Clock, w.secrets.read)
		w.secrets.kept[function] = kept
	}
	return kept
}

// credential gives one invocation Fleet's credentials. The hook learns of each once.
func (w *World) credential(function string, kept *provider.Credentials, l *life) func(context.Context, string) (provider.Secret, error) {
	var told sync.Map
	return func(ctx context.Context, name string) (provider.Secret, error) {
		if _, again := told.LoadOrStore(name, true); !again && w.options.Hooks.OnCredential != nil {
			w.options.Hooks.OnCredential(function, name)
		}
		value, err := kept.Get(ctx, name)
		if err != nil {
			return provider.Secret{}, err
		}
		return value, l.alive()
	}
}
