package schema_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/project-gimbal/fleet/internal/sim/postgres/postgrestest"
)

// The people of the tests. newcomer has signed up and has no profile yet.
var people = map[string]string{
	"admin":    "00000000-0000-4000-8000-00000000000a",
	"manager":  "00000000-0000-4000-8000-00000000000b",
	"member":   "00000000-0000-4000-8000-00000000000c",
	"other":    "00000000-0000-4000-8000-00000000000d",
	"newcomer": "00000000-0000-4000-8000-00000000000e",
}

// populated is a migrated database with people in it, and a connection that may become any role.
func populated(t *testing.T) *pgx.Conn {
	t.Helper()
	ref, _ := migrated(t)
	server := postgrestest.Server(t)
	conn, err := server.Connect(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
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
	exec(t, conn, "insert into user_roles (user_id, role) values ($1, 'member')", people["other"])
	exec(t, conn, "insert into roles (name, description) values ('unused', 'For the tests')")
	exec(t, conn, "insert into instance_config (instance_id, twilio_auth_token) values ($1, 'ciphertext')", instanceID)
	return conn
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
	role, claims := who, `{"role":"`+who+`"}`
	if id, person := people[who]; person {
		role, claims = "authenticated", `{"role":"authenticated","sub":"`+id+`"}`
	}
	if before != "" {
		if _, err := tx.Exec(t.Context(), before); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := tx.Exec(t.Context(), "select set_config('role', $1, true), set_config('request.jwt.claims', $2, true)", role, claims); err != nil {
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

func TestPolicies(t *testing.T) {
	conn := populated(t)
	targets := []struct {
		name                           string
		before                         string // as superuser, in the same transaction as the insert
		sel, insert, update, deleteSQL string
		want                           map[string]string // select insert update delete: rows, or "no"
	}{
		{
			name:      "instance_config",
			before:    "delete from instance_config",
			sel:       "select instance_id, primary_color from instance_config",
			insert:    "insert into instance_config (instance_id) values (gen_random_uuid())",
			update:    "update instance_config set primary_color = '#112233'",
			deleteSQL: "delete from instance_config",
			want: map[string]string{"anon": "no no no no", "member": "1 no 0 no", "other": "1 no 0 no", "manager": "1 no 0 no",
				"newcomer": "1 no 0 no", "admin": "1 no 1 no", "service_role": "1 1 1 1"},
		},
		{
			name:      "profiles, the member's",
			sel:       "select * from profiles where id = '" + people["member"] + "'",
			insert:    "insert into profiles (id, display_name) values ('" + people["newcomer"] + "', 'x')",
			update:    "update profiles set display_name = 'x' where id = '" + people["member"] + "'",
			deleteSQL: "delete from profiles where id = '" + people["member"] + "'",
			want: map[string]string{"anon": "no no no no", "member": "1 no 0 0", "other": "0 no 0 0", "manager": "0 no 0 0",
				"newcomer": "0 no 0 0", "admin": "1 1 1 1", "service_role": "1 1 1 1"},
		},
		{
			name:      "roles",
			sel:       "select * from roles where name = 'member'",
			insert:    "insert into roles (name, description) values ('root', 'x')",
			update:    "update roles set description = 'x' where name = 'member'",
			deleteSQL: "delete from roles where name = 'unused'",
			want: map[string]string{"anon": "no no no no", "member": "1 no no no", "other": "1 no no no", "manager": "1 no no no",
				"newcomer": "1 no no no", "admin": "1 no no no", "service_role": "1 1 1 1"},
		},
		{
			name:      "user_roles, the member's",
			sel:       "select * from user_roles where user_id = '" + people["member"] + "'",
			insert:    "insert into user_roles (user_id, role) values ('" + people["member"] + "', 'admin')",
			update:    "update user_roles set role = 'admin' where user_id = '" + people["member"] + "'",
			deleteSQL: "delete from user_roles where user_id = '" + people["member"] + "'",
			want: map[string]string{"anon": "no no no no", "member": "1 no 0 0", "other": "0 no 0 0", "manager": "0 no 0 0",
				"newcomer": "0 no 0 0", "admin": "1 1 1 1", "service_role": "1 1 1 1"},
		},
	}
	for _, target := range targets {
		for who, want := range target.want {
			t.Run(target.name+"/"+who, func(t *testing.T) {
				got := strings.Join([]string{
					as(t, conn, who, "", target.sel),
					as(t, conn, who, target.before, target.insert),
					as(t, conn, who, "", target.update),
					as(t, conn, who, "", target.deleteSQL),
				}, " ")
				if got != want {
					t.Errorf("select insert update delete: %q, want %q", got, want)
				}
			})
		}
	}
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

// TestNobodyForgetsPolicies holds for tables of later migrations as well.
func TestNobodyForgetsPolicies(t *testing.T) {
	_, conn := migrated(t)
	rows, err := conn.Query(t.Context(), `select c.relname, c.relrowsecurity,
			exists (select from pg_policy p where p.polrelid = c.oid),
			has_table_privilege('anon', c.oid, 'select, insert, update, delete, truncate, references, trigger')
				or has_any_column_privilege('anon', c.oid, 'select, insert, update, references'),
			has_table_privilege('authenticated', c.oid, 'truncate, references, trigger')
		from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')`)
	if err != nil {
		t.Fatal(err)
	}
	tables := 0
	var table string
	var secured, policies, anonymous, excessive bool
	_, err = pgx.ForEachRow(rows, []any{&table, &secured, &policies, &anonymous, &excessive}, func() error {
		tables++
		if !secured || !policies {
			t.Errorf("%s: row-level security %v, policies %v", table, secured, policies)
		}
		if anonymous || excessive {
			t.Errorf("%s: anon has rights: %v; authenticated may truncate or refer: %v", table, anonymous, excessive)
		}
		return nil
	})
	if err != nil || tables < 4 {
		t.Errorf("%d tables, %v", tables, err)
	}
}
