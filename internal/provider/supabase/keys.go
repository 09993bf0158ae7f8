package supabase

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/project-gimbal/fleet/internal/provider"
)

const (
	opListAPIKeys      = "ListAPIKeys"
	opGetLegacyKeys    = "GetLegacyKeys"
	opUpdateLegacyKeys = "UpdateLegacyKeys"
)

// Keys are a project's legacy API keys, both JWTs.
type Keys struct {
	Anonymous provider.Secret // for browsers; row-level security applies
	Service   provider.Secret // for servers; it bypasses row-level security
}

type apiKeys []struct {
	Type   *string `json:"type"`
	Name   string  `json:"name"`
	APIKey *string `json:"api_key"`
}

// of gives the key of a kind and name. Names alone aren't unique: kinds share them.
func (a apiKeys) of(kind, name string) provider.Secret {
	for _, k := range a {
		if k.Type != nil && *k.Type == kind && k.Name == name && k.APIKey != nil {
			return provider.NewSecret(*k.APIKey)
		}
	}
	return provider.Secret{}
}

// APIKeys reads a project's anonymous and service keys; NotReady while either is missing.
func (c *Client) APIKeys(ctx context.Context, ref string) (Keys, error) {
	answer := apiKeys{}
	err := c.onProject(ctx, ref, "/api-keys?reveal=true", request{
		operation: opListAPIKeys, method: http.MethodGet, out: &answer,
	})
	if err != nil {
		return Keys{}, err
	}
	keys := Keys{Anonymous: answer.of("legacy", "anon"), Service: answer.of("legacy", "service_role")}
	if keys.Anonymous.Empty() || keys.Service.Empty() {
		return Keys{}, notReady(opListAPIKeys, "the project has no keys yet")
	}
	return keys, nil
}

// SecretKey reads the secret key of the newer kind that a project is made with. It is for servers as the service key is, and the gateway
// takes it while legacy keys are disabled. NotReady while there is none.
func (c *Client) SecretKey(ctx context.Context, ref string) (provider.Secret, error) {
	answer := apiKeys{}
	err := c.onProject(ctx, ref, "/api-keys?reveal=true", request{operation: opListAPIKeys, method: http.MethodGet, out: &answer})
	if err != nil {
		return provider.Secret{}, err
	}
	key := answer.of("secret", "default")
	if !strings.HasPrefix(key.Reveal(), "sb_secret_") {
		return provider.Secret{}, notReady(opListAPIKeys, "the project has no secret key yet")
	}
	return key, nil
}

type legacyKeys struct {
	Enabled *bool `json:"enabled"`
}

func (l *legacyKeys) complete() bool { return l.Enabled != nil }

const legacyPath = "/api-keys/legacy"

// LegacyKeysEnabled reports whether the project's gateway takes the anonymous and the service key. Where Supabase no longer knows legacy
// keys, which it has announced, they are disabled. Where there is no such project, provider.NotFound(err) holds.
func (c *Client) LegacyKeysEnabled(ctx context.Context, ref string) (bool, error) {
	answer := &legacyKeys{}
	err := c.onProject(ctx, ref, legacyPath, request{operation: opGetLegacyKeys, method: http.MethodGet, out: answer})
	switch {
	case provider.NotFound(err):
		return false, c.there(ctx, ref)
	case err != nil:
		return false, err
	}
	return *answer.Enabled, nil
}

// SetLegacyKeys has the project's gateway take the anonymous and the service key, or refuse them with 401: whoever has no other key then
// neither reads nor writes by REST, Auth and Storage, with a session or without. What a public bucket holds is still served. The
// Management API, the database's own port and newer keys are not concerned, and the keys themselves stay what they are. Needs an open
// attempt; may be repeated. Where Supabase no longer knows legacy keys, disabling them is done already. Where there is no such project,
// provider.NotFound(err) holds.
func (c *Client) SetLegacyKeys(ctx context.Context, ref string, enabled bool) error {
	answer := &legacyKeys{}
	suffix := withQuery(legacyPath, url.Values{"enabled": {strconv.FormatBool(enabled)}})
	err := c.onProject(ctx, ref, suffix, request{operation: opUpdateLegacyKeys, method: http.MethodPut, out: answer})
	switch {
	case provider.NotFound(err) && !enabled:
		return c.there(ctx, ref)
	case err != nil:
		return err
	case *answer.Enabled != enabled:
		return unusable(opUpdateLegacyKeys, http.StatusOK, "the answer doesn't show the change", nil)
	}
	return nil
}

// there is the fault of a project that isn't there, to tell its 404 from that of a path that has been given up.
func (c *Client) there(ctx context.Context, ref string) error {
	_, err := c.Project(ctx, ref)
	return err
}
