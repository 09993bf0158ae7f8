package schema_test

import (
	"context"
	"errors"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// become is SQL that makes the rest of a transaction somebody's, as PostgREST would: an API role's, or a signed-in person's.
// For the owner of the tables it is "postgres".
func become(who string) string {
	role, claims := who, `{"role":"`+who+`"}`
	if id, person := people[who]; person {
		role, claims = "authenticated", `{"role":"authenticated","sub":"`+id+`"}`
	}
	return "select set_config('role', '" + role + "', true), set_config('request.jwt.claims', '" + claims + "', true);"
}

// outcome runs SQL as somebody, rolls it back, and gives the number of rows of the last statement, or the SQLSTATE.
func outcome(t *testing.T, conn *pgx.Conn, who, sql string) string {
	t.Helper()
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	done, err := tx.Exec(t.Context(), become(who)+sql)
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code
	}
	if err != nil {
		t.Fatal(err)
	}
	return strconv.FormatInt(done.RowsAffected(), 10)
}

// TestAttempts: what somebody may try against another team, for more rights, or against what is final. Each is refused or
// touches no row.
func TestAttempts(t *testing.T) {
	conn := populated(t)
	const (
		a, b = "'00000000-0000-4000-8001-000000000001'", "'00000000-0000-4000-8001-000000000002'"
		ca   = "'00000000-0000-4000-8002-000000000001'"
		cb   = "'00000000-0000-4000-8002-000000000002'"
		out  = "'00000000-0000-4000-8002-000000000003'" // opted out
		tagB = "'00000000-0000-4000-8003-000000000002'"
	)
	denied, missing := "42501", "23503"
	for _, c := range []struct{ name, who, sql, want string }{
		{"read by team", "manager", "select * from contacts where team_id = " + b, "0"},
		{"read by id", "member", "select * from contacts where id = " + cb, "0"},
		{"read campaigns", "manager", "select * from campaigns where team_id = " + b, "0"},
		{"read messages", "manager", "select * from messages where team_id = " + b, "0"},
		{"read the other way", "outsider", "select * from contacts where team_id = " + a, "0"},
		{"admins see all", "admin", "select * from contacts", "3"},
		{"write into another team", "manager", "insert into contacts (team_id, first_name) values (" + b + ", 'x')", denied},
		{"take another's id", "manager", "insert into contacts (id, team_id) values (" + cb + ", " + a + ")", denied},
		{"change another's", "manager", "update contacts set first_name = 'x' where id = " + cb, "0"},
		{"delete another's", "manager", "delete from contacts where id = " + cb, "0"},
		{"move a contact away", "manager", "update contacts set team_id = " + b + " where id = " + ca, denied},
		{"move a campaign away", "manager", "update campaigns set team_id = " + b, denied},
		{"even an admin moves none", "admin", "update contacts set team_id = " + b + " where id = " + ca, denied},
		{"tag with another's tag", "manager", "insert into contact_tags values (" + a + ", " + ca + ", " + tagB + ")", missing},
		{"tag another's contact", "manager", "insert into contact_tags values (" + a + ", " + cb + ", " + tagB + ")", missing},
		{"use another's template", "manager", "update campaigns set template_id = '00000000-0000-4000-8009-000000000002' where name = 'a'", missing},
		{"a message across teams, by the server", "service_role", "insert into messages (team_id, contact_id, channel, body) values (" + a + ", " + cb + ", 'sms', 'x')", missing},
		{"another's team as default", "service_role", "update user_preferences set default_team_id = " + b, missing},
		{"join a team", "member", "insert into team_members values (" + b + ", '" + people["member"] + "')", denied},
		{"bring a friend", "manager", "insert into team_members (team_id, user_id) values (" + a + ", '" + people["outsider"] + "')", denied},
		{"take a role", "member", "insert into user_roles (user_id, role) values ('" + people["member"] + "', 'admin')", denied},
		{"raise a role", "member", "update user_roles set role = 'admin'", "0"},
		{"widen a role", "admin", "insert into role_permissions values ('member', 'audit.read')", denied},
		{"raise a quota", "member", "update user_quotas set monthly_sms_limit = 999", "0"},
		{"drop a quota", "member", "delete from user_quotas", "0"},
		{"start as a member", "member", "update campaigns set status = 'running', body = 'x' where name = 'a'", denied},
		{"stop as a member", "member", "update campaigns set status = 'draft' where name = 'c'", "0"},
		{"start as a manager", "manager", "update campaigns set status = 'running', body = 'x' where name = 'a'", "1"},
		{"delete a running campaign", "manager", "delete from campaigns where name = 'c'", "0"},
		{"take back an opt-out", "manager", "update contacts set sms_consent = 'opted_in' where id = " + out, denied},
		{"the contact takes it back", "service_role", "update contacts set sms_consent = 'opted_in', consent_source = 'reply' where id = " + out, "1"},
		{"read key hashes", "admin", "select key_hash from api_keys", denied},
		{"all of the keys", "admin", "select * from api_keys", denied},
		{"make a key", "admin", "insert into api_keys (name, prefix, key_hash, scopes) values ('x', 'gk_x', sha256('x'), '{x}')", denied},
		{"replace a key's hash", "admin", "update api_keys set key_hash = sha256('mine')", denied},
		{"read signing secrets", "admin", "select signing_secret from webhooks", denied},
		{"replace a signing secret", "admin", "update webhooks set signing_secret = 'a..b.c.d'", denied},
		{"store a clear secret", "service_role", "update webhooks set signing_secret = 'whsec_abc'", "23514"},
		{"store a clear key", "service_role", "update api_keys set key_hash = 'gk_abcd_secret'", "23514"},
		{"reset usage", "admin", "update usage_counters set messages = 0", denied},
		{"reset usage, as the server", "service_role", "update usage_counters set messages = 0", denied},
		{"forge the audit log", "service_role", "insert into audit_log (actor_role, action, table_name, row_key) values ('x', 'insert', 'x', 'x')", denied},
		{"change the audit log", "service_role", "update audit_log set actor = null", denied},
		{"delete from the audit log", "service_role", "delete from audit_log", denied},
		{"empty the audit log", "service_role", "truncate audit_log", denied},
		{"change the audit log, as its owner", "postgres", "update audit_log set actor = null", denied},
		{"delete from the audit log, as its owner", "postgres", "delete from audit_log", denied},
		{"empty the audit log, as its owner", "postgres", "truncate audit_log", denied},
		{"call what helps policies, signed out", "anon", "select private.my_teams()", denied},
		{"run retention", "admin", "select private.run_retention_job('messages')", denied},
		{"send to who opted out", "service_role", "insert into messages (team_id, contact_id, channel, body, status) values (" + a + ", " + out + ", 'sms', 'x', 'sending')", "GF002"},
		{"write twice for a campaign", "service_role", "insert into messages (team_id, campaign_id, contact_id, channel, body) values (" + a + ", '00000000-0000-4000-8004-000000000003', " + ca + ", 'sms', 'x')", "23505"},
	} {
		if got := outcome(t, conn, c.who, c.sql); got != c.want {
			t.Errorf("%s, as %s: %s, want %s", c.name, c.who, got, c.want)
		}
	}

	exec(t, conn, "update api_keys set revoked_at = now()")
	if got := outcome(t, conn, "admin", "update api_keys set revoked_at = null"); got != "0" {
		t.Errorf("an admin brought a revoked key back: %s", got)
	}
	if n := one[int](t, conn, "select messages from usage_counters where team_id = "+a); n != 1 {
		t.Errorf("one message was sent, %d counted", n)
	}
	// The audit log knows who did what, and no value of it.
	exec(t, conn, "set session_replication_role = replica")
	if got := outcome(t, conn, "postgres", "delete from audit_log"); got != denied {
		t.Errorf("a replica's session deleted from the audit log: %s", got)
	}
	exec(t, conn, "set session_replication_role = origin")
	exec(t, conn, "select set_config('request.jwt.claims', $1, false)", `{"role":"authenticated","sub":"`+people["manager"]+`"}`)
	exec(t, conn, "update contacts set first_name = 'Ada', phone = '+4930123456' where id = "+ca)
	if got := one[string](t, conn, `select actor || ' ' || action || ' ' || changed::text from audit_log order by id desc limit 1`); got != people["manager"]+" update {first_name,phone}" {
		t.Errorf("audit entry: %s", got)
	}
}

func TestQuietHours(t *testing.T) {
	_, conn := migrated(t)
	for _, c := range []struct {
		at, zone, from, to string
		want               bool
	}{
		{"2026-01-15 12:00Z", "UTC", "21:00", "08:00", false},
		{"2026-01-15 21:00Z", "UTC", "21:00", "08:00", true},
		{"2026-01-15 08:00Z", "UTC", "21:00", "08:00", false},
		{"2026-01-15 12:30Z", "America/Los_Angeles", "21:00", "08:00", true},
		{"2026-07-15 15:30Z", "America/Los_Angeles", "21:00", "08:00", false}, // summer
		{"2026-01-15 15:30Z", "America/Los_Angeles", "21:00", "08:00", true},
		{"2026-01-15 13:00Z", "UTC", "12:00", "14:00", true},
		{"2026-01-15 12:00Z", "UTC", "12:00", "12:00", false},
	} {
		if got := one[bool](t, conn, "select private.is_quiet($1::text::timestamptz, $2, $3::text::time, $4::text::time)", c.at, c.zone, c.from, c.to); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
