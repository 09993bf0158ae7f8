package schema_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// ran calls run_retention as the application's server and says what each job did.
func ran(t *testing.T, conn *pgx.Conn) string {
	t.Helper()
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), become("service_role")); err != nil {
		t.Fatal(err)
	}
	var said string
	err = tx.QueryRow(t.Context(), "select coalesce(string_agg(job || ' ' || deleted || ' ' || finished, ', ' order by job), 'nothing') from run_retention()").Scan(&said)
	if err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	return said
}

func TestRetention(t *testing.T) {
	conn := populated(t)
	exec(t, conn, "insert into retention_jobs (name, description, keep_days) values ('archived_contacts', 'x', null), ('webhook_deliveries', 'x', 30)")
	exec(t, conn, "update sending_rules set daily_contact_limit = null")
	exec(t, conn, bySMS)
	exec(t, conn, "update messages set status = 'unknown' where status = 'sending'")
	exec(t, conn, "insert into webhook_deliveries (webhook_id, event, status) select id, 'message.sent', 'delivered' from webhooks, generate_series(1, 2500)")
	exec(t, conn, "insert into contacts (team_id, first_name, sms_consent) values ("+teamA+", 'gone', 'opted_in')")
	exec(t, conn, "update contacts set archived_at = now()")
	if got, want := ran(t, conn), "archived_contacts 0 true, messages 0 true, webhook_deliveries 0 true"; got != want {
		t.Errorf("of what is new: %s, want %s", got, want)
	}

	// All of it becomes three years old.
	exec(t, conn, "set session_replication_role = replica")
	for _, column := range []string{"contacts.archived_at", "messages.created_at", "messages.sent_at", "webhook_deliveries.created_at", "private.sendings.at"} {
		table, name := column[:strings.LastIndex(column, ".")], column[strings.LastIndex(column, ".")+1:]
		exec(t, conn, "update "+table+" set "+name+" = "+name+" - interval '3 years'")
	}
	exec(t, conn, "set session_replication_role = origin")
	if got := outcome(t, conn, "service_role", "update retention_jobs set keep_days = 1; update instance_config set gdpr_enabled = false, data_retention_days = 1;"+
		"select * from run_retention()"); got != "3" {
		t.Errorf("%s jobs ran", got)
	}
	// Contact a is in a campaign that is not over, b's message is queued, c opted out.
	if got, want := ran(t, conn), "archived_contacts 1 true, messages 1 true, webhook_deliveries 2500 true"; got != want {
		t.Errorf("of what is old: %s, want %s", got, want)
	}
	left := `select (select string_agg(first_name, '' order by first_name) from contacts) || ' ' || (select count(*) from messages) || ' '
		|| (select count(*) from webhook_deliveries) || ' ' || (select count(*) from private.sendings)`
	if got := one[string](t, conn, left); got != "abc 2 1 1" {
		t.Errorf("left: %s", got)
	}
	if got := one[int](t, conn, "select last_deleted from retention_jobs where name = 'webhook_deliveries' and last_run_at is not null"); got != 2500 {
		t.Errorf("noted: %d", got)
	}

	exec(t, conn, "update campaigns set status = 'finished' where status = 'running'")
	// The contact's message goes with the contact.
	if got, want := ran(t, conn), "archived_contacts 1 true, messages 0 true, webhook_deliveries 0 true"; got != want {
		t.Errorf("once the campaign is over: %s, want %s", got, want)
	}
	if got := one[string](t, conn, left); got != "bc 1 1 0" {
		t.Errorf("left at last: %s", got)
	}
}

// TestRetentionOfThisMonth: what is deleted early is counted all the same.
func TestRetentionOfThisMonth(t *testing.T) {
	conn := populated(t)
	if got := outcome(t, conn, "service_role", sendMany(5, "null")+"update messages set status = 'sent' where status = 'sending'; delete from messages where campaign_id is null;"+
		"delete from contacts where first_name = 'many'; select * from run_retention();"+sendMany(1, "null")); got != "GF005" {
		t.Errorf("a sixth of five: %s", got)
	}
}

// TestRetentionGoesOn: a backlog is deleted in batches, and the last says that it is done.
func TestRetentionGoesOn(t *testing.T) {
	conn := populated(t)
	exec(t, conn, "insert into webhook_deliveries (webhook_id, event, status, created_at) select id, 'message.sent', 'delivered', now() - interval '3 years' from webhooks, generate_series(1, 1500)")
	exec(t, conn, "insert into retention_jobs (name, description) values ('webhook_deliveries', 'x')")
	for _, want := range []int{1000, 500, 0} {
		if got := one[int](t, conn, "select private.run_retention_job('webhook_deliveries')"); got != want {
			t.Errorf("a batch of %d, want %d", got, want)
		}
	}
}

func TestRetentionIsTheServersAndBounded(t *testing.T) {
	conn := populated(t)
	exec(t, conn, "insert into webhook_deliveries (webhook_id, event, status, created_at) select id, 'message.sent', 'delivered', now() - interval '3 years' from webhooks")
	exec(t, conn, "insert into retention_jobs (name, description, keep_days, enabled) values ('webhook_deliveries', 'x', 5000, false)")
	gdpr := func(on string) string { return "update instance_config set gdpr_enabled = " + on + ";" }
	const run = "select * from run_retention() where deleted > 0"
	for _, c := range []struct{ name, who, sql, want string }{
		{"the server", "service_role", "select * from run_retention() where job = 'messages'", "1"},
		{"an administrator", "admin", "select * from run_retention()", "42501"},
		{"anybody", "anon", "select * from run_retention()", "42501"},
		{"a hundred years", "admin", "update instance_config set data_retention_days = 36500", "1"},
		{"more", "admin", "update instance_config set data_retention_days = 36501", "23514"},
		{"for ever", "admin", "update retention_jobs set keep_days = 2147483647", "23514"},
		{"all at the most", "service_role", "update instance_config set data_retention_days = 36500; update retention_jobs set keep_days = 36500; select * from run_retention()", "2"},
		{"GDPR leaves nothing on", "service_role", run, "1"},
		{"without it what is off is off", "service_role", gdpr("false") + run, "0"},
		{"without it long is long", "service_role", gdpr("false") + "update retention_jobs set enabled = true;" + run, "0"},
		{"without it short is short", "service_role", gdpr("false") + "update retention_jobs set enabled = true, keep_days = 30;" + run, "1"},
	} {
		if got := outcome(t, conn, c.who, c.sql); got != c.want {
			t.Errorf("%s, as %s: %s, want %s", c.name, c.who, got, c.want)
		}
	}
}

func TestUpgradeBoundsRetention(t *testing.T) {
	conn := populatedAt(t, 16)
	exec(t, conn, "update instance_config set data_retention_days = 2147483647")
	exec(t, conn, "update retention_jobs set keep_days = 2147483647")
	upgrade(t, conn)
	if got := ran(t, conn); got != "messages 0 true" {
		t.Errorf("ran: %s", got)
	}
}
