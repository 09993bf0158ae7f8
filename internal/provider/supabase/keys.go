package supabase

import (
	"context"
	"net/http"

	"github.com/project-gimbal/fleet/internal/provider"
)

const opListAPIKeys = "ListAPIKeys"

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

// legacy gives the legacy key of a name. Names alone aren't unique: key types share them.
func (a apiKeys) legacy(name string) provider.Secret {
	for _, k := range a {
		if k.Type != nil && *k.Type == "legacy" && k.Name == name && k.APIKey != nil {
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
	keys := Keys{Anonymous: answer.legacy("anon"), Service: answer.legacy("service_role")}
	if keys.Anonymous.Empty() || keys.Service.Empty() {
		return Keys{}, notReady(opListAPIKeys, "the project has no keys yet")
	}
	return keys, nil
}
