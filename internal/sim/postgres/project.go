package postgres

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// reference is how Supabase's project references look.
var reference = regexp.MustCompile(`^[a-z]{20}$`)

// SQLSTATEs of what was done already, or is being done by a concurrent call.
const (
	duplicateObject   = "42710"
	duplicateDatabase = "42P04"
	uniqueViolation   = "23505"
)

// Create makes the database of project ref, a reference of 20 lower-case letters, and its login "postgres.<ref>" with the
// given password, which may connect to that database and to no other. Doing it again only sets the password.
func (s *Server) Create(ctx context.Context, ref, password string) error {
	admin, err := s.adminFor(ctx, ref)
	if err != nil {
		return err
	}
	defer closeQuietly(ctx, admin)
	login, database := pgx.Identifier{loginOf(ref)}.Sanitize(), pgx.Identifier{ref}.Sanitize()
	for _, sql := range []string{
		// NOINHERIT keeps a login from using the rights of postgres in databases that aren't its own: it holds them only
		// once it has become postgres, which happens after it was let in.
		`create role ` + login + ` login noinherit`,
		`alter role ` + login + ` password ` + literal(password),
		`grant postgres to ` + login,
		`alter role ` + login + ` set role = 'postgres'`,
		`create database ` + database + ` template ` + template + ``,
		`alter database ` + database + ` set search_path = "$user", public, extensions`,
		`revoke all on database ` + database + ` from public`,
		`grant connect on database ` + database + ` to ` + login,
		`grant create, temporary on database ` + database + ` to postgres`,
	} {
		if _, err := admin.Exec(ctx, sql); err != nil && !hasState(err, duplicateObject, duplicateDatabase, uniqueViolation) {
			return failed("create", ref, err)
		}
	}
	return nil
}

// SetPassword changes the password of project ref's login. Open connections stay.
func (s *Server) SetPassword(ctx context.Context, ref, password string) error {
	admin, err := s.adminFor(ctx, ref)
	if err != nil {
		return err
	}
	defer closeQuietly(ctx, admin)
	if _, err := admin.Exec(ctx, `alter role `+pgx.Identifier{loginOf(ref)}.Sanitize()+` password `+literal(password)); err != nil {
		return failed("set the password of", ref, err)
	}
	return nil
}

// Drop removes project ref's database and login, with whoever is connected. One that isn't there is fine.
func (s *Server) Drop(ctx context.Context, ref string) error {
	admin, err := s.adminFor(ctx, ref)
	if err != nil {
		return err
	}
	defer closeQuietly(ctx, admin)
	for _, sql := range []string{
		`drop database if exists ` + pgx.Identifier{ref}.Sanitize() + ` with (force)`,
		`drop role if exists ` + pgx.Identifier{loginOf(ref)}.Sanitize(),
	} {
		if _, err := admin.Exec(ctx, sql); err != nil {
			return failed("drop", ref, err)
		}
	}
	return nil
}

// AddUser puts a user of project ref's Auth into auth.users, so that foreign keys to it hold. Adding the same id again
// changes nothing; another id with the same address is an error.
func (s *Server) AddUser(ctx context.Context, ref, id, email string) error {
	conn, err := s.Connect(ctx, ref)
	if err != nil {
		return err
	}
	defer closeQuietly(ctx, conn)
	_, err = conn.Exec(ctx, `insert into auth.users (id, aud, role, email)
		values ($1, 'authenticated', 'authenticated', lower($2)) on conflict (id) do nothing`, id, email)
	if err != nil {
		return failed("add a user to", ref, err)
	}
	return nil
}

// Users are those in project ref's auth.users, addresses by ids.
func (s *Server) Users(ctx context.Context, ref string) (map[string]string, bool, error) {
	conn, err := s.Connect(ctx, ref)
	if err != nil {
		return nil, false, err
	}
	defer closeQuietly(ctx, conn)
	rows, err := conn.Query(ctx, "select id::text, coalesce(email, '') from auth.users")
	if err != nil {
		return nil, false, failed("list the users of", ref, err)
	}
	users := map[string]string{}
	var id, email string
	if _, err := pgx.ForEachRow(rows, []any{&id, &email}, func() error { users[id] = email; return nil }); err != nil {
		return nil, false, failed("list the users of", ref, err)
	}
	return users, true, nil
}

// Connect opens a connection to project ref's database as the server's superuser, for the simulator's own work and for
// tests. The caller closes it.
func (s *Server) Connect(ctx context.Context, ref string) (*pgx.Conn, error) {
	if !reference.MatchString(ref) {
		return nil, errReference
	}
	return s.connect(ctx, ref)
}

// errReference is returned for a reference that Supabase would never give.
var errReference = errors.New("a project's reference is 20 lower-case letters")

// adminFor checks ref and connects to where databases are made and dropped.
func (s *Server) adminFor(ctx context.Context, ref string) (*pgx.Conn, error) {
	if !reference.MatchString(ref) {
		return nil, errReference
	}
	return s.connect(ctx, "postgres")
}

// loginOf is the name of a project's login.
func loginOf(ref string) string { return "postgres." + ref }

// literal is text as an SQL string, for statements that take no parameters. The server has
// standard_conforming_strings on, so a backslash is a backslash.
func literal(text string) string {
	return "'" + strings.ReplaceAll(strings.ReplaceAll(text, "\x00", ""), "'", "''") + "'"
}

func hasState(err error, states ...string) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return false
	}
	for _, state := range states {
		if pg.Code == state {
			return true
		}
	}
	return false
}

// failed says what went wrong with a project's database by SQLSTATE: the server's own words may repeat data.
func failed(what, ref string, err error) error {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return fmt.Errorf("%s database %s: SQLSTATE %s", what, ref, pg.Code)
	}
	return fmt.Errorf("%s database %s: %w", what, ref, err)
}
