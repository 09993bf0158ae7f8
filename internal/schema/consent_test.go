package schema_test

import "testing"

const (
	teamB   = "'00000000-0000-4000-8001-000000000002'"
	stopped = "'00000000-0000-4000-8002-000000000003'" // team A's contact who opted out of +12025550103
)

// TestOptOutStays: whatever is tried, the address that opted out is written to by nobody, until its owner says otherwise.
func TestOptOutStays(t *testing.T) {
	conn := populated(t)
	exec(t, conn, "update contacts set email = 'Stop@Example.com', email_consent = 'opted_out' where id = "+stopped)
	again := func(team string) string {
		return "insert into contacts (team_id, phone, sms_consent) values (" + team + ", '+12025550103', 'opted_in');"
	}
	wantsIn := func(where string) string {
		return become("service_role") + "select * from contacts where " + where + " and sms_consent = 'opted_in'"
	}
	const denied = "42501"
	for _, c := range []struct{ name, who, sql, want string }{
		{"drop the number", "member", "update contacts set phone = null where id = " + stopped, denied},
		{"another number", "manager", "update contacts set phone = '+12025550199' where id = " + stopped, denied},
		{"drop the address", "admin", "update contacts set email = null where id = " + stopped, denied},
		{"the same address in other letters", "member", "update contacts set email = 'stop@example.com' where id = " + stopped, "1"},
		{"another name", "member", "update contacts set first_name = 'x' where id = " + stopped, "1"},
		{"delete", "manager", "delete from contacts where id = " + stopped, denied},
		{"delete, by the server", "service_role", "delete from contacts where id = " + stopped, "1"},
		{"in a reply's name", "member", "update contacts set sms_consent = 'opted_in', consent_source = 'reply' where id = " + contactA, denied},
		{"in a link's name", "manager", "insert into contacts (team_id, email, email_consent, consent_source) values (" + teamA + ", 'a@b.example', 'opted_in', 'link')", denied},
		{"with the source of an earlier reply", "member", become("service_role") + "update contacts set consent_source = 'reply' where id = " + contactA + ";" +
			become("member") + "update contacts set email_consent = 'opted_in' where id = " + contactA, denied},
		{"the number in another team", "outsider", again(teamB) + wantsIn("phone = '+12025550103'"), "0"},
		{"the number anew", "member", become("service_role") + "delete from contacts where id = " + stopped + ";" + become("member") + again(teamA) +
			wantsIn("phone = '+12025550103'"), "0"},
		{"the mail address anew", "outsider", "insert into contacts (team_id, email, email_consent) values (" + teamB + ", 'STOP@example.com', 'opted_in');" +
			become("service_role") + "select * from contacts where team_id = " + teamB + " and email_consent = 'opted_out'", "1"},
		{"a number given to somebody else", "outsider", "update contacts set phone = '+12025550103' where team_id = " + teamB + ";" + wantsIn("phone = '+12025550103'"), "0"},
		{"an import by the server", "service_role", "insert into contacts (team_id, phone, sms_consent, consent_source) values (" + teamB +
			", '+12025550103', 'opted_in', 'import');" + wantsIn("team_id = "+teamB+" and phone = '+12025550103'"), "0"},
		{"the server without the contact's word", "service_role", "update contacts set sms_consent = 'opted_in', consent_source = 'api' where id = " + stopped + ";" +
			wantsIn("id = "+stopped), "0"},
		{"the contact's word", "service_role", "update contacts set sms_consent = 'opted_in', consent_source = 'reply' where id = " + stopped + ";" +
			wantsIn("id = "+stopped), "1"},
		{"the contact's word to another team", "service_role", "insert into contacts (team_id, phone, sms_consent, consent_source) values (" + teamB +
			", '+12025550103', 'opted_in', 'reply');" + wantsIn("team_id = "+teamB+" and phone = '+12025550103'"), "1"},
		{"an opted-in contact of another number", "outsider", "insert into contacts (team_id, phone, sms_consent) values (" + teamB + ", '+12025550104', 'opted_in');" +
			wantsIn("phone = '+12025550104'"), "1"},
		{"read the hashes", "admin", "select address_hash from suppressions", denied},
		{"suppress by hand", "service_role", "insert into suppressions values ('sms', sha256('x'))", denied},
		{"free by hand", "admin", "delete from suppressions", denied},
		{"free an address", "service_role", "delete from suppressions where channel = 'sms' and address_hash = sha256('+12025550103')", "1"},
	} {
		if got := outcome(t, conn, c.who, c.sql); got != c.want {
			t.Errorf("%s, as %s: %s, want %s", c.name, c.who, got, c.want)
		}
	}
}

func TestOptOutReachesEveryTeam(t *testing.T) {
	conn := populated(t)
	exec(t, conn, "insert into contacts (team_id, phone, sms_consent, email, email_consent) values ("+teamB+", '+12025550101', 'opted_in', 'x@y.example', 'opted_in')")
	exec(t, conn, "update contacts set sms_consent = 'opted_out', consent_source = 'reply' where id = "+contactA)
	if got := one[string](t, conn, `select string_agg(c.sms_consent || ' ' || e.consent || ' ' || e.source, ', ' order by e.source)
		from contacts c join consent_events e on e.contact_id = c.id and e.channel = 'sms' and e.consent = 'opted_out' where c.phone = '+12025550101'`); got !=
		"opted_out opted_out reply, opted_out opted_out suppression" {
		t.Errorf("contacts of the number: %s", got)
	}
	if n := one[int](t, conn, "select count(*) from contacts where email_consent = 'opted_in'"); n != 1 {
		t.Error("an opt-out of one channel reached the other")
	}
	// Each team's contact takes it back for itself; with the first, the address is free.
	exec(t, conn, "update contacts set sms_consent = 'opted_in', consent_source = 'reply' where id = "+contactA)
	if got := one[string](t, conn, `select string_agg(sms_consent, ' ' order by sms_consent) || (select count(*) from suppressions where address_hash = sha256('+12025550101'))
		from contacts where phone = '+12025550101'`); got != "opted_in opted_out0" {
		t.Errorf("taken back: %s", got)
	}
}

func TestFreeingIsAudited(t *testing.T) {
	conn := populated(t)
	if got := outcome(t, conn, "service_role", "delete from suppressions; reset role;"+
		"select * from audit_log where table_name = 'suppressions' and action = 'delete' and row_key = 'sms' and actor_role = 'service_role'"); got != "1" {
		t.Errorf("%s entries", got)
	}
}

func TestUpgradeKeepsOptOuts(t *testing.T) {
	conn := populatedAt(t, 16)
	exec(t, conn, "insert into contacts (team_id, phone, sms_consent) values ("+teamB+", '+12025550103', 'opted_in')")
	upgrade(t, conn)
	if got := one[string](t, conn, `select string_agg(sms_consent, ' ') || (select count(*) from suppressions) from contacts where phone = '+12025550103'`); got != "opted_out opted_out1" {
		t.Errorf("after the upgrade: %s", got)
	}
}
