package supabase

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"sync"

	"github.com/project-gimbal/fleet/internal/provider"
)

const (
	opUpdateDatabasePassword = "UpdateDatabasePassword"
	opGetPooler              = "GetPooler"
)

// DatabaseURL is the connection string of a project's database, as its owner, by way of its pooler. It is empty where the
// endpoint's template isn't one of a URL.
func (c *Client) DatabaseURL(ref string, at Pooler, password provider.Secret) provider.Secret {
	u, err := url.Parse(provider.ForDatabase(c.config.Endpoints.SupabaseDatabase, ref, at.Host, at.User))
	if err != nil || u.Host == "" {
		return provider.Secret{}
	}
	u.User = url.UserPassword(u.User.Username(), password.Reveal())
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

// Pooler is how the connection pooler of a project's primary database is reached, in whatever mode. The port that the vendor
// names is left out: it is that of transaction mode (6543), and session mode is on 5432.
type Pooler struct {
	Host string // can't be derived: its prefix differs between projects
	User string // the database's owner, and by "postgres.<ref>" whose
}

var (
	hostName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9][a-z0-9.-]*$`) })
	userName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z_]+\.([a-z]+)$`) })
)

// of reports whether it is usable, and ref's.
func (p Pooler) of(ref string) bool {
	user := userName().FindStringSubmatch(p.User)
	return hostName().MatchString(p.Host) && user != nil && user[1] == ref
}

type poolers []struct {
	DatabaseType string `json:"database_type"`
	Host         string `json:"db_host"`
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
	for _, a := range answer {
		if a.DatabaseType != "PRIMARY" {
			continue
		}
		p := Pooler{Host: a.Host, User: a.User}
		if !p.of(ref) {
			return Pooler{}, unusable(opGetPooler, http.StatusOK, "the answer is incomplete, or another project's", nil)
		}
		return p, nil
	}
	return Pooler{}, notReady(opGetPooler, "the project has no pooler yet")
}
