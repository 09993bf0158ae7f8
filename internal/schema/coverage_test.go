package schema_test

import (
	_ "embed"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

//go:embed testdata/coverage.txt
var coverage string

const (
	teamA    = "'00000000-0000-4000-8001-000000000001'"
	contactA = "'00000000-0000-4000-8002-000000000001'"
)

// probe is how a table is tried: a condition for one row of team A, what to select, and the rest of an insert and an update.
// Before the insert, prepare makes room for it; before the delete, release does away with what holds the row.
type probe struct{ where, columns, insert, update, prepare, release string }

func probes() map[string]probe {
	member, newcomer := "'"+people["member"]+"'", "'"+people["newcomer"]+"'"
	newProfile := "insert into profiles (id, display_name) values (" + newcomer + ", 'x')"
	return map[string]probe{
		"instance_config":  {"true", "instance_id", "(instance_id) values (gen_random_uuid())", "primary_color = '#112233'", "delete from instance_config", ""},
		"profiles":         {"id = " + member, "*", "(id, display_name) values (" + newcomer + ", 'x')", "display_name = 'x'", "", ""},
		"roles":            {"name = 'unused'", "*", "(name, description) values ('root', 'x')", "description = 'x'", "", ""},
		"user_roles":       {"user_id = " + member, "*", "(user_id, role) values (" + member + ", 'admin')", "role = 'admin'", "", ""},
		"teams":            {"id = " + teamA, "*", "(name) values ('new')", "name = 'x'", "", "delete from messages; delete from usage_counters; delete from campaigns; delete from contacts"},
		"team_members":     {"user_id = " + member, "*", "(team_id, user_id) values (" + teamA + ", " + newcomer + ")", "created_at = now()", newProfile, ""},
		"permissions":      {"name = 'audit.read'", "*", "(name, description) values ('x.y', 'x')", "description = 'x'", "", ""},
		"role_permissions": {"role = 'member' and permission = 'contacts.read'", "*", "(role, permission) values ('member', 'audit.read')", "permission = 'audit.read'", "", ""},
		"user_quotas":      {"user_id = " + member, "*", "(user_id, monthly_sms_limit) values (" + newcomer + ", 9)", "monthly_sms_limit = 9", newProfile, ""},
		"user_preferences": {"user_id = " + member, "*", "(user_id) values (" + newcomer + ")", "theme = 'dark'", newProfile, ""},
		"template_library": {"key = 'welcome'", "*", "(key, channel, locale, name, body) values ('x', 'sms', 'en', 'x', 'x')", "body = 'x'", "", ""},
		"message_templates": {"team_id = " + teamA, "*", "(team_id, key, channel, locale, name, body) values (" + teamA + ", 'x', 'sms', 'en', 'x', 'x')",
			"body = 'x'", "", ""},
		"contacts":       {"id = " + contactA, "*", "(team_id, first_name) values (" + teamA + ", 'x')", "first_name = 'x'", "", ""},
		"consent_events": {"contact_id = " + contactA, "*", "(team_id, contact_id, channel, consent, source) values (" + teamA + ", " + contactA + ", 'sms', 'opted_in', 'form')", "consent = 'x'", "", ""},
		"suppressions":   {"channel = 'sms'", "channel", "(channel, address_hash) values ('email', sha256('x'))", "created_at = now()", "", ""},
		"tags":           {"team_id = " + teamA, "*", "(team_id, name) values (" + teamA + ", 'x')", "name = 'x'", "", ""},
		"contact_tags": {"team_id = " + teamA, "*", "(team_id, contact_id, tag_id) select " + teamA + ", " + contactA + ", '00000000-0000-4000-8003-000000000001'",
			"tag_id = tag_id", "delete from contact_tags", ""},
		"opt_out_texts":      {"locale = 'xx'", "*", "(locale, keyword, sms_notice, email_notice) values ('yy', 'x', 'x', 'x')", "keyword = 'x'", "", ""},
		"sending_rules":      {"true", "*", "(sender_name, vertical, locale) values ('x', 'x', 'en')", "sender_name = 'x'", "delete from sending_rules", ""},
		"campaigns":          {"name = 'a'", "*", "(team_id, name, channel, opt_out_locale) values (" + teamA + ", 'x', 'sms', 'en')", "body = 'x'", "", ""},
		"messages":           {"team_id = " + teamA, "*", "(team_id, contact_id, channel, body) values (" + teamA + ", " + contactA + ", 'sms', 'x')", "error_code = 'x'", "", ""},
		"usage_counters":     {"team_id = " + teamA, "*", "(team_id, month, channel) values (" + teamA + ", '2000-01-01', 'sms')", "messages = 0", "", ""},
		"webhooks":           {"name = 'a'", "name", "(name, url, events, signing_secret) values ('x', 'https://x.example', '{message.sent}', 'a..b.c.d')", "name = 'x'", "", ""},
		"webhook_deliveries": {"true", "*", "(webhook_id, event) values ('00000000-0000-4000-8006-000000000001', 'message.sent')", "attempts = 1", "", ""},
		"api_keys":           {"name = 'a'", "name", "(name, prefix, key_hash, scopes) values ('x', 'gk_x', sha256('x'), '{x}')", "name = 'x'", "", ""},
		"retention_jobs":     {"name = 'messages'", "*", "(name, description) values ('webhook_deliveries', 'x')", "keep_days = 1", "", ""},
		"audit_log":          {"table_name = 'teams' and row_key = " + teamA + " and action = 'insert'", "*", "(actor_role, action, table_name, row_key) values ('x', 'insert', 'x', 'x')", "actor_role = 'x'", "", ""},
	}
}

// TestCoverage tries every table as every role with every action, and compares with the one table that says what is allowed.
func TestCoverage(t *testing.T) {
	conn := populated(t)
	var lines [][]string
	for line := range strings.Lines(coverage) {
		if fields := strings.Fields(line); len(fields) > 0 && fields[0] != "#" {
			lines = append(lines, fields)
		}
	}
	roles, covered, checked := lines[0][1:], map[string]bool{}, 0
	for _, line := range lines[1:] {
		table, want := line[0], line[1:]
		p, found := probes()[table]
		if !found || len(want) != len(roles) || covered[table] {
			t.Fatalf("%s: without a probe, listed twice, or %d cells for %d roles", table, len(want), len(roles))
		}
		covered[table] = true
		for i, who := range roles {
			got := ""
			for _, try := range []struct{ before, sql string }{
				{"", "select " + p.columns + " from " + table + " where " + p.where},
				{p.prepare, "insert into " + table + " " + p.insert},
				{"", "update " + table + " set " + p.update + " where " + p.where},
				{p.release, "delete from " + table + " where " + p.where},
			} {
				got += strings.Replace(as(t, conn, who, try.before, try.sql), "no", "x", 1)
				checked++
			}
			if got != want[i] {
				t.Errorf("%s as %s: select, insert, update, delete are %s, want %s", table, who, got, want[i])
			}
		}
	}
	for _, table := range one[[]string](t, conn, `select array_agg(relname::text) from pg_class
		where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f')`) {
		if !covered[table] {
			t.Errorf("%s is missing from testdata/coverage.txt", table)
		}
	}
	t.Logf("%d tables × %d roles × 4 actions = %d checked", len(covered), len(roles), checked)
	checkCatalog(t, conn)
}

// checkCatalog asks PostgreSQL's own catalog for what must hold for tables and functions of later migrations as well: each
// query lists what breaks the rule.
func checkCatalog(t *testing.T, conn *pgx.Conn) {
	for rule, sql := range map[string]string{
		"row-level security": `select c.oid::regclass::text from pg_class c
			where c.relnamespace in ('public'::regnamespace, 'private'::regnamespace) and c.relkind in ('r', 'p') and not c.relrowsecurity`,
		"no table without a policy": `select c.oid::regclass::text from pg_class c where c.relnamespace = 'public'::regnamespace
			and c.relkind in ('r', 'p') and not exists (select from pg_policy p where p.polrelid = c.oid)`,
		"each right of a user has a policy": `select c.oid::regclass || ' ' || a.action from pg_class c,
				(values ('select', 'r'), ('insert', 'a'), ('update', 'w'), ('delete', 'd')) as a (action, cmd)
			where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
				and (has_table_privilege('authenticated', c.oid, a.action)
					or a.action <> 'delete' and has_any_column_privilege('authenticated', c.oid, a.action))
				and not exists (select from pg_policy p where p.polrelid = c.oid and p.polcmd in ('*', a.cmd::"char"))`,
		"no right for anon, nor to truncate": `select c.oid::regclass::text from pg_class c
			where c.relnamespace in ('public'::regnamespace, 'private'::regnamespace) and c.relkind in ('r', 'p', 'v', 'm', 'f')
				and (has_table_privilege('anon', c.oid, 'select, insert, update, delete, truncate, references, trigger')
				or has_any_column_privilege('anon', c.oid, 'select, insert, update, references')
				or has_table_privilege('authenticated', c.oid, 'truncate, references, trigger'))`,
		"no right on sequences": `select c.oid::regclass::text from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'S'
			and (has_sequence_privilege('anon', c.oid, 'usage, select, update') or has_sequence_privilege('authenticated', c.oid, 'usage, select, update'))`,
		"no function for anon": `select p.oid::regprocedure::text from pg_proc p
			where p.pronamespace in ('public'::regnamespace, 'private'::regnamespace) and has_function_privilege('anon', p.oid, 'execute')`,
		"a fixed search path": `select p.oid::regprocedure::text from pg_proc p
			where p.pronamespace in ('public'::regnamespace, 'private'::regnamespace)
				and not coalesce('search_path=""' = any (p.proconfig), false)`,
		"an index for each foreign key": `select c.conrelid::regclass || ' ' || c.conname from pg_constraint c
			where c.contype = 'f' and c.connamespace = 'public'::regnamespace and not exists (
				select from pg_index i where i.indrelid = c.conrelid and i.indpred is null
					and (i.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey)`,
		"an index that begins with each team_id": `select a.attrelid::regclass::text from pg_attribute a join pg_class c on c.oid = a.attrelid
			where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attname = 'team_id' and not exists (
				select from pg_index i where i.indrelid = c.oid and (i.indkey::int2[])[0] = a.attnum)`,
		"foreign keys between teams' things carry the team": `select c.conrelid::regclass || ' ' || c.conname from pg_constraint c
			where c.contype = 'f' and c.connamespace = 'public'::regnamespace
				and exists (select from pg_attribute a where a.attrelid = c.conrelid and a.attname = 'team_id' and a.attnotnull)
				and exists (select from pg_attribute a where a.attrelid = c.confrelid and a.attname = 'team_id' and a.attnotnull)
				and not exists (select from pg_attribute a where a.attrelid = c.conrelid and a.attname = 'team_id' and a.attnum = any (c.conkey))`,
	} {
		if broken := one[[]string](t, conn, "select coalesce(array_agg(b), '{}') from ("+sql+") as q (b)"); len(broken) > 0 {
			t.Errorf("%s: %v", rule, broken)
		}
	}
}
