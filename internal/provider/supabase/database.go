package supabase

import (
	"context"
	"net/http"
	"net/url"

	"github.com/project-gimbal/fleet/internal/provider"
)

const (
	opUpdateDatabasePassword = "UpdateDatabasePassword"
	opGetPooler              = "GetPooler"
)

// DatabaseURL is the connection string of a project's database in session mode, as its owner. The user is "postgres"
// unless the endpoint's template names one. It is empty where the template isn't a URL.
func (c *Client) DatabaseURL(ref string, password provider.Secret) provider.Secret {
	u, err := url.Parse(provider.ForProject(c.config.Endpoints.SupabaseDatabase, ref))
	if err != nil || u.Host == "" {
		return provider.Secret{}
	}
	user := u.User.Username()
	if user == "" {
		user = "postgres"
	}
	u.User = url.UserPassword(user, password.Reveal())
	return provider.NewSecret(u.String())
}

type passwordChange struct {
	Password string `json:"password"`
}

type messageAnswer struct {
	Message *string `json:"message"`
}

func (m *messageAnswer) complete() bool { return m.Message != nil }

// SetDatabasePassword sets the password of the database's owner, of at least 4 characters. Needs an open attempt; may
// be repeated.
func (c *Client) SetDatabasePassword(ctx context.Context, ref string, password provider.Secret) error {
	return c.onProject(ctx, ref, "/database/password", request{
		operation: opUpdateDatabasePassword, method: http.MethodPatch,
		in: passwordChange{password.Reveal()}, out: &messageAnswer{},
	})
}

// Pooler is where the connection pooler of a project's primary database listens. The port is that of the mode in
// force, by default transaction mode on 6543.
type Pooler struct {
	Host string // can't be derived: its prefix differs between projects
	Port int
	User string // postgres.<ref>
}

type poolers []struct {
	DatabaseType string `json:"database_type"`
	Host         string `json:"db_host"`
	Port         int    `json:"db_port"`
	User         string `json:"db_user"`
}

// Pooler reads the pooler of the primary database; NotReady while there is none.
func (c *Client) Pooler(ctx context.Context, ref string) (Pooler, error) {
	answer := poolers{}
	err := c.onProject(ctx, ref, "/config/database/pooler", request{
		operation: opGetPooler, method: http.MethodGet, out: &answer,
	})
	if err != nil {
		return Pooler{}, err
	}
	for _, p := range answer {
		if p.DatabaseType != "PRIMARY" {
			continue
		}
		if p.Host == "" || p.User == "" || p.Port < 1 || p.Port > 65535 {
			return Pooler{}, unusable(opGetPooler, http.StatusOK, "the answer is incomplete", nil)
		}
		return Pooler{Host: p.Host, Port: p.Port, User: p.User}, nil
	}
	return Pooler{}, notReady(opGetPooler, "the project has no pooler yet")
}
