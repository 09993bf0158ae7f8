package schema_test

import (
	"context"
	_ "embed"
	"errors"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/project-gimbal/fleet/internal/schema"
	"github.com/project-gimbal/fleet/internal/sim/postgres/postgrestest"
)

// The people of the tests. manager, member and nobody, who has no role, are in team A; outsider is team B's manager; newcomer
// has signed up and has no profile yet.
var people = map[string]string{
	"admin":    "00000000-0000-4000-8000-00000000000a",
	"manager":  "00000000-0000-4000-8000-00000000000b",
	"member":   "00000000-0000-4000-8000-00000000000c",
	"outsider": "00000000-0000-4000-8000-00000000000d",
	"nobody":   "00000000-0000-4000-8000-00000000000f",
	"newcomer": "00000000-0000-4000-8000-00000000000e",
}

// rowsSQL puts a row of each table into a database with the people: ids end in 1 for team A's, in 2 for team B's.
//
//go:embed testdata/rows.sql
var rowsSQL string

// populated is a migrated database with people in it, and a connection that may become any role.
func populated(t *testing.T) *pgx.Conn {
	t.Helper()
	return populatedAt(t, len(schema.All()))
}

// populatedAt is a database with people in it as the first migrations leave it.
func populatedAt(t *testing.T, migrations int) *pgx.Conn {
	t.Helper()
	_, conn := populatedProject(t, migrations)
	return conn
}

// superuser is a connection that may become any role.
func superuser(t *testing.T, ref string) *pgx.Conn {
	t.Helper()
	conn, err := postgrestest.Server(t).Connect(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func populatedProject(t *testing.T, migrations int) (string, *pgx.Conn) {
	t.Helper()
	ref, owner := project(t)
	if _, err := schema.Apply(t.Context(), owner, schema.All()[:migrations]); err != nil {
		t.Fatal(err)
	}
	server, conn := postgrestest.Server(t), superuser(t, ref)
	for name, id := range people {
		if err := server.AddUser(t.Context(), ref, id, name+"@example.com"); err != nil {
			t.Fatal(err)
		}
		if name != "newcomer" {
			exec(t, conn, "insert into profiles (id, display_name) values ($1, $2)", id, name)
		}
	}
	for _, name := range []string{"admin", "manager", "member"} {
		exec(t, conn, "insert into user_roles (user_id, role) values ($1, $2)", people[name], name)
	}
	exec(t, conn, "insert into user_roles (user_id, role) values ($1, 'manager')", people["outsider"])
	exec(t, conn, "insert into roles (name, description) values ('unused', 'For the tests')")
	exec(t, conn, "insert into instance_config (instance_id, twilio_auth_token) values ($1, 'ciphertext')", instanceID)
	if _, err := conn.Exec(t.Context(), rowsSQL); err != nil {
		t.Fatal(err)
	}
	return ref, conn
}

// upgrade brings a database to the last migration, as its owner.
func upgrade(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	exec(t, conn, "set role postgres")
	if _, err := schema.Apply(t.Context(), conn, schema.All()); err != nil {
		t.Fatal(err)
	}
	exec(t, conn, "reset role")
}

// as runs SQL the way PostgREST would for an API role or a signed-in person, rolls it back, and gives the number of rows
// or "no" where the right is missing.
func as(t *testing.T, conn *pgx.Conn, who, before, sql string) string {
	t.Helper()
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	if before != "" {
		if _, err := tx.Exec(t.Context(), before); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := tx.Exec(t.Context(), become(who)); err != nil {
		t.Fatal(err)
	}
	done, err := tx.Exec(t.Context(), sql)
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == "42501" {
		return "no"
	}
	if err != nil {
		t.Fatalf("%s, %s: %v", who, sql, err)
	}
	return strconv.FormatInt(done.RowsAffected(), 10)
}

func TestCredentialsAndPlanAreOutOfReach(t *testing.T) {
	conn := populated(t)
	for _, column := range []string{"twilio_account_sid", "twilio_auth_token", "sendgrid_api_key"} {
		for _, who := range []string{"anon", "member", "manager", "admin"} {
			for _, sql := range []string{
				"select " + column + " from instance_config",
				"select * from instance_config",
				"select instance_id from instance_config where " + column + " like 'a%'",
				"select instance_id from instance_config order by " + column,
				"update instance_config set " + column + " = 'x'",
				"update instance_config set primary_color = '#112233' returning " + column,
				"update instance_config set custom_css = " + column,
			} {
				if got := as(t, conn, who, "", sql); got != "no" {
					t.Errorf("%s, %s: %s", who, sql, got)
				}
			}
		}
		if got := as(t, conn, "service_role", "", "select "+column+" from instance_config"); got != "1" {
			t.Errorf("service_role can't read %s: %s", column, got)
		}
	}
	for _, column := range []string{"monthly_sms_limit", "monthly_email_limit", "max_users"} {
		if got := as(t, conn, "admin", "", "update instance_config set "+column+" = 1"); got != "no" {
			t.Errorf("an admin set %s: %s", column, got)
		}
	}
}
