package supabase

import (
	"net/http"
	"strings"
	"time"
)

const (
	longestSecretName  = 256
	longestSecretValue = 24576
)

// createSecrets creates or overwrites variables of the project's Edge Functions, all of them or none.
func createSecrets(r *http.Request, p *project, _ time.Time) answer {
	var in []struct {
		Name  *string `json:"name"`
		Value *string `json:"value"`
	}
	if err := decode(r, &in, true); err != nil {
		return invalid("the body is not a list of secrets")
	}
	for _, s := range in {
		switch {
		case s.Name == nil || *s.Name == "" || len(*s.Name) > longestSecretName || strings.HasPrefix(*s.Name, "SUPABASE_"):
			return invalid("Secret name must not start with the SUPABASE_ prefix.")
		case s.Value == nil || len(*s.Value) > longestSecretValue:
			return invalid("value must be a string of at most 24576 characters")
		}
	}
	if p.Secrets == nil {
		p.Secrets = map[string]string{}
	}
	for _, s := range in {
		p.Secrets[*s.Name] = *s.Value
	}
	return answer{status: http.StatusCreated}
}

// EdgeSecrets gives what a project's Edge Functions read from their environment; nil for a project that isn't there.
func (s *Sim) EdgeSecrets(ref string) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.find(ref)
	if p == nil {
		return nil
	}
	secrets := map[string]string{}
	for name, value := range p.Secrets {
		secrets[name] = value
	}
	return secrets
}

// AuthConfig gives a project's whole Auth settings as the vendor shows them; nil for a project that isn't there.
func (s *Sim) AuthConfig(ref string) map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.find(ref)
	if p == nil {
		return nil
	}
	settings, err := p.authSettings()
	if err != nil {
		return nil
	}
	return settings
}
