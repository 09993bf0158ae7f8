// Package supabase is Fleet's client of Supabase: the Management API, and each project's own Auth and REST endpoints.
//
// There is no official Go SDK; this is net/http and encoding/json. Nothing is retried here: a read may be repeated by
// the caller, a POST never is.
package supabase

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
)

// Name is the vendor's name in faults, logs and fault scripts.
const Name = "supabase"

// Client calls Supabase. It is safe for concurrent use and keeps no connection state of its own.
type Client struct {
	config provider.Config
	http   *http.Client
}

// New makes a client of c. Requests go through provider.Guard, so whatever changes something needs an open attempt.
func New(c provider.Config) *Client {
	return &Client{config: c, http: &http.Client{
		Transport: provider.Bounded(provider.Guard(c.Clock, c.Transport)),
		// A redirected POST would be sent twice, and a redirected token elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// manage sends a call to the Management API with Fleet's access token.
func (c *Client) manage(ctx context.Context, r request) error {
	token, err := c.config.Credential(ctx, provider.SupabaseToken)
	if err != nil {
		return provider.NoCredential(Name, r.operation, err)
	}
	if token.Empty() {
		return unsent(r.operation, fault.Internal, "the access token is empty", nil)
	}
	r.url = c.config.Endpoints.Supabase + r.path
	r.header = http.Header{"Authorization": {"Bearer " + token.Reveal()}}
	return c.send(ctx, r)
}

// inProject sends a call to a project's own endpoint with one of the project's keys.
func (c *Client) inProject(ctx context.Context, ref string, key provider.Secret, r request) error {
	if err := c.address(ref, key, &r); err != nil {
		return err
	}
	return c.send(ctx, r)
}

// address puts a project's own endpoint and one of its keys into a call.
func (c *Client) address(ref string, key provider.Secret, r *request) error {
	if !validRef(ref) {
		return badRef(r.operation)
	}
	if key.Empty() {
		return unsent(r.operation, fault.Internal, "the project's key is empty", nil)
	}
	r.url = provider.ForProject(c.config.Endpoints.SupabaseProject, ref) + r.path
	r.header = http.Header{"Apikey": {key.Reveal()}}
	// The gateway takes every key as "apikey"; only the legacy ones are JWTs and can be bearer tokens.
	if !strings.HasPrefix(key.Reveal(), "sb_") {
		r.header.Set("Authorization", "Bearer "+key.Reveal())
	}
	return nil
}

// onProject sends a call about one project to the Management API; suffix follows the project's path.
func (c *Client) onProject(ctx context.Context, ref, suffix string, r request) error {
	if !validRef(ref) {
		return badRef(r.operation)
	}
	r.path = "/v1/projects/" + ref + suffix
	return c.manage(ctx, r)
}

// refs are exactly 20 lower-case letters.
var refs = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z]{20}$`) })

func validRef(ref string) bool { return refs().MatchString(ref) }

// badRef refuses to build a URL of something that isn't a reference: an empty one would address all projects.
func badRef(operation string) error {
	return unsent(operation, fault.Internal, "not a project reference", nil)
}

func withQuery(path string, q url.Values) string { return path + "?" + q.Encode() }
