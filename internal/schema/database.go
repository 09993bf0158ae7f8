package schema

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"

	"github.com/jackc/pgx/v5"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/step/bounds"
)

// Database is an open customer's database, as the steps use it. Every method may be repeated.
type Database interface {
	// Migrate brings the schema to this build's last migration.
	Migrate(ctx context.Context) error
	// WriteConfig writes the given fields of the instance's configuration.
	WriteConfig(ctx context.Context, c Config) error
	// Seed writes the starting content, each piece once.
	Seed(ctx context.Context, s Starter) error
	// WriteAdmin makes a user of the project's Auth an administrator of the instance, and a member of the first team.
	WriteAdmin(ctx context.Context, userID, displayName string) error
	Close(ctx context.Context) error
}

// Open connects to a database. url is a connection string with its password, for a direct connection or a pooler in
// session mode: with sslmode=verify-full, or on loopback with sslmode=disable. Connections that fail are Unavailable; refused
// credentials, and a server that doesn't prove to be Supabase's, are Rejected. Such a one isn't told the password.
func Open(ctx context.Context, url provider.Secret) (Database, error) {
	conn, err := connect(ctx, url)
	if err != nil {
		return nil, err
	}
	return postgres{conn}, nil
}

func connect(ctx context.Context, url provider.Secret) (*pgx.Conn, error) {
	config, err := configure(url, roots())
	if err != nil {
		return nil, err
	}
	return dial(ctx, config)
}

// proof is the only way by which the password is shown to be known: it proves the server's knowledge of it as well, and tells it
// to nobody.
const proof = "scram-sha-256"

// configure reads a connection string. The environment, from which pgx completes it, can't weaken what it asks for.
func configure(url provider.Secret, roots *x509.CertPool) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(url.Reveal())
	if err != nil {
		return nil, unusable("the database's URL does not parse") // the error would repeat the connection string
	}
	switch secured := config.TLSConfig; {
	case len(config.Fallbacks) > 0, secured == nil && !loopback(config.Host), secured != nil && secured.InsecureSkipVerify:
		return nil, unusable("the database's URL neither verifies its server nor stays on this machine")
	case secured != nil:
		secured.RootCAs = roots
	}
	config.RequireAuth = proof
	config.DefaultQueryExecMode = pgx.QueryExecModeExec // one round trip a statement, nothing kept on the server
	return config, nil
}

func loopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}

func unusable(text string) error {
	return &fault.Error{Code: fault.Internal, Vendor: vendor, Operation: "Connect", Text: text, NothingHappened: true}
}

// dial opens one connection whose statements the server ends before an invocation's requests count as settled: a
// Lambda that dies leaves neither a statement running nor a lock held for long.
func dial(ctx context.Context, config *pgx.ConnConfig) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, unsent(translate("Connect", "connection", err))
	}
	limits := fmt.Sprintf("set statement_timeout = %d; set lock_timeout = %d; set idle_in_transaction_session_timeout = %d",
		bounds.Call.Milliseconds(), (bounds.Call / 2).Milliseconds(), bounds.Quiet.Milliseconds())
	if _, err := conn.PgConn().Exec(ctx, limits).ReadAll(); err != nil {
		return nil, errors.Join(unsent(translate("Connect", "time limits", err)), conn.Close(ctx))
	}
	return conn, nil
}

// unsent marks a fault as proof that nothing happened: no statement that changes anything was sent yet.
func unsent(err error) error {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		f.NothingHappened = true
	}
	return err
}

type postgres struct{ conn *pgx.Conn }

func (p postgres) Migrate(ctx context.Context) error {
	_, err := Apply(ctx, p.conn, All())
	return err
}

func (p postgres) WriteConfig(ctx context.Context, c Config) error {
	return WriteConfig(ctx, p.conn, c)
}

func (p postgres) Seed(ctx context.Context, s Starter) error { return Seed(ctx, p.conn, s) }

func (p postgres) WriteAdmin(ctx context.Context, userID, displayName string) error {
	return WriteAdmin(ctx, p.conn, userID, displayName)
}

// Conn is the connection, which nothing else uses meanwhile.
func (p postgres) Conn() *pgx.Conn { return p.conn }

func (p postgres) Close(ctx context.Context) error {
	return translate("Close", "connection", p.conn.Close(ctx))
}
