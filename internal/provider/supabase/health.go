package supabase

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/project-gimbal/fleet/internal/provider"
)

const (
	opGetHealth  = "GetHealth"
	opAuthHealth = "AuthHealth"
	opRestHealth = "RestHealth"
)

// Service is one part of a project.
type Service struct {
	Name    string // auth, db, rest, storage, pooler
	Healthy bool
	Status  string // COMING_UP, ACTIVE_HEALTHY or UNHEALTHY
}

// services are the parts that an instance needs.
func services() []string { return []string{"auth", "db", "rest", "storage", "pooler"} }

type healthAnswer []serviceAnswer

type serviceAnswer struct {
	Name   string `json:"name"`
	Status string `json:"status"`
}

func (a *healthAnswer) complete() bool {
	for _, want := range services() {
		if !slices.ContainsFunc(*a, func(s serviceAnswer) bool { return s.Name == want && s.Status != "" }) {
			return false
		}
	}
	return true
}

// Health reads how auth, db, rest, storage and pooler are, in the vendor's order. A project that is ready may have
// services that aren't yet.
func (c *Client) Health(ctx context.Context, ref string) ([]Service, error) {
	answer := healthAnswer{}
	suffix := withQuery("/health", url.Values{"services": services()})
	err := c.onProject(ctx, ref, suffix, request{operation: opGetHealth, method: http.MethodGet, out: &answer})
	if err != nil {
		return nil, err
	}
	out := make([]Service, len(answer))
	for i, s := range answer {
		// The vendor's own "healthy" flag is deprecated in favour of the status.
		out[i] = Service{Name: s.Name, Status: s.Status, Healthy: s.Status == "ACTIVE_HEALTHY"}
	}
	return out, nil
}

type authHealth struct {
	Name string `json:"name"`
}

func (a *authHealth) complete() bool { return a.Name != "" }

// AuthHealth asks the project's Auth service itself whether it is up; nil means yes.
func (c *Client) AuthHealth(ctx context.Context, ref string, anonKey provider.Secret) error {
	return c.inProject(ctx, ref, anonKey, request{
		operation: opAuthHealth, method: http.MethodGet, path: "/auth/v1/health", out: &authHealth{},
	})
}

// RestHealth asks for the root of the project's REST API; nil means that it answered.
func (c *Client) RestHealth(ctx context.Context, ref string, anonKey provider.Secret) error {
	return c.inProject(ctx, ref, anonKey, request{operation: opRestHealth, method: http.MethodGet, path: "/rest/v1/"})
}
