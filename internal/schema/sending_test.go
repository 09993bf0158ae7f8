package schema_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/project-gimbal/fleet/internal/schema"
)

const (
	running  = "'00000000-0000-4000-8004-000000000003'" // team A's campaign, which wrote to contact A once
	bySMS    = "insert into messages (team_id, contact_id, channel, body, status) values (" + teamA + ", " + contactA + ", 'sms', 'x', 'sending');"
	campaign = "insert into messages (team_id, campaign_id, contact_id, channel, body, status) select " + teamA + ", " + running + ", c.id, 'sms', 'x', 'sending' from contacts c where c.id = "
	// fresh are three further contacts of team A, who opted in; the last of them is "x3".
	fresh = "insert into contacts (team_id, first_name, phone, sms_consent) select " + teamA + ", 'x' || i, '+1202555020' || i, 'opted_in' from generate_series(1, 3) as g(i);"
	toX3  = "(select id from contacts where first_name = 'x3');"
)

// sendMany sends n messages in one statement, to n new contacts.
func sendMany(n int, campaignID string) string {
	return fmt.Sprintf(`insert into contacts (team_id, first_name, phone, sms_consent) select %s, 'many', '+120255503' || 10 + i, 'opted_in' from generate_series(1, %d) as g(i);
		insert into messages (team_id, campaign_id, contact_id, channel, body, status, created_by)
		select team_id, %s, id, 'sms', 'x', 'sending', '%s' from contacts where first_name = 'many';`, teamA, n, campaignID, people["member"])
}

// TestSendingRefusals provokes each code of the database's own, and does beside it what is just allowed. One message of
// team A was sent before: to contact A, by the running campaign, of which no user is the author.
func TestSendingRefusals(t *testing.T) {
	conn := populated(t)
	now := func(hours int) string {
		return fmt.Sprintf("(now() at time zone 'UTC' + interval '%d hours')::time", hours)
	}
	quiet := func(table, where string, from, to int) string {
		return "update " + table + " set quiet_start = " + now(from) + ", quiet_end = " + now(to) + where + ";"
	}
	const inUTC = "update instance_config set timezone = 'UTC';"
	ofCampaign := " where id = " + running
	limit := func(n int) string { return fmt.Sprintf("update instance_config set monthly_sms_limit = %d;", n) }
	campaignLimit := func(name string, n int) string {
		return fmt.Sprintf("update campaigns set %s = %d where id = %s;", name, n, running)
	}
	contactLimit := func(n int) string { return fmt.Sprintf("update sending_rules set daily_contact_limit = %d;", n) }
	moved := "update contacts set sms_consent = '%s' where first_name = 'x3';"
	for _, c := range []struct{ name, sql, want string }{
		{"a running campaign", fresh + campaign + toX3, "1"},
		{"a paused campaign", fresh + "update campaigns set status = 'paused'" + ofCampaign + ";" + campaign + toX3, "GF001"},
		{"a campaign by another channel", fresh + "update contacts set email = 'a@b.example', email_consent = 'opted_in' where first_name = 'x3';" +
			strings.Replace(campaign, "'sms', 'x'", "'email', 'x'", 1) + toX3, "GF008"},

		{"a single message without consent", fresh + fmt.Sprintf(moved, "unknown") + strings.Replace(campaign, running, "null", 1) + toX3, "1"},
		{"a campaign without consent", fresh + fmt.Sprintf(moved, "unknown") + campaign + toX3, "GF002"},
		{"an opt-out", fresh + fmt.Sprintf(moved, "opted_out") + strings.Replace(campaign, running, "null", 1) + toX3, "GF002"},
		{"an address that opted out, whatever its contact says", fresh + "reset role; insert into suppressions values ('sms', sha256('+12025550203'));" + become("service_role") +
			strings.Replace(campaign, running, "null", 1) + toX3, "GF002"},
		{"an archived contact", fresh + "update contacts set archived_at = now() where first_name = 'x3';" + campaign + toX3, "GF002"},
		{"a contact without a number", fresh + "update contacts set phone = null where first_name = 'x3';" + campaign + toX3, "GF002"},

		{"before quiet hours", inUTC + quiet("sending_rules", "", 1, 2) + bySMS, "1"},
		{"quiet hours", inUTC + quiet("sending_rules", "", -1, 1) + bySMS, "GF003"},
		{"a campaign's own quiet hours", inUTC + fresh + quiet("campaigns", ofCampaign, -1, 1) + campaign + toX3, "GF003"},
		{"a campaign that has other quiet hours", inUTC + fresh + quiet("sending_rules", "", -1, 1) + quiet("campaigns", ofCampaign, 1, 2) + campaign + toX3, "GF003"},
		{"a campaign in another zone", inUTC + fresh + quiet("sending_rules", "", -1, 1) +
			"update campaigns set timezone = 'Asia/Tokyo'" + ofCampaign + ";" + campaign + toX3, "GF003"},
		{"a campaign whose hours take the place of the instance's", inUTC + fresh + quiet("sending_rules", "", -1, 1) + quiet("campaigns", ofCampaign, 1, 2) +
			"update campaigns set replaces_quiet_hours = true" + ofCampaign + ";" + campaign + toX3, "1"},

		{"within the month's limit", limit(4) + sendMany(3, "null"), "3"},
		{"beyond the month's limit, at once", limit(3) + sendMany(3, "null"), "GF004"},
		{"a limit of none", limit(0) + bySMS, "GF004"},
		{"what failed doesn't count", limit(2) + bySMS + "update messages set status = 'failed' where status = 'sending';" + bySMS, "1"},
		{"what is unknown counts", limit(2) + bySMS + "update messages set status = 'unknown' where status = 'sending';" + bySMS, "GF004"},
		{"what was delivered after all counts", limit(2) + bySMS + "update messages set status = 'failed' where status = 'sending';" +
			"update messages set status = 'delivered' where status = 'failed';" + bySMS, "GF004"},
		{"what is sent again counts again", limit(2) + bySMS + "update messages set status = 'unknown' where status = 'sending';" +
			"update messages set status = 'sending' where status = 'unknown'", "GF004"},
		{"from queued to sent", limit(1) + strings.Replace(bySMS, "sending", "queued", 1) + "update messages set status = 'sent' where status = 'queued'", "GF004"},
		{"what a conflict keeps out doesn't count", limit(2) + strings.Replace(campaign, "'sending'", "'sent'", 1) + contactA + " on conflict do nothing;" + bySMS, "1"},

		{"within a user's quota", sendMany(5, "null"), "5"},
		{"beyond a user's quota, at once", sendMany(6, "null"), "GF005"},
		{"a quota outlives its contacts", sendMany(5, "null") + "delete from contacts where first_name = 'many';" + sendMany(1, "null"), "GF005"},

		{"within a contact's day", contactLimit(2) + bySMS, "1"},
		{"beyond a contact's day", contactLimit(1) + bySMS, "GF006"},
		{"a contact's day outlives it", contactLimit(1) + "delete from contacts where id = " + contactA + ";" +
			"insert into contacts (team_id, first_name, phone) values (" + teamA + ", 'x3', '+12025550101');" + strings.Replace(campaign, running, "null", 1) + toX3, "GF006"},

		{"within a campaign's limit", campaignLimit("total_limit", 4) + sendMany(3, running), "3"},
		{"beyond a campaign's limit, at once", campaignLimit("total_limit", 3) + sendMany(3, running), "GF007"},
		{"within a campaign's day", campaignLimit("daily_limit", 4) + sendMany(3, running), "3"},
		{"beyond a campaign's day, at once", campaignLimit("daily_limit", 3) + sendMany(3, running), "GF007"},
		{"a campaign's limit outlives its contacts", campaignLimit("total_limit", 4) + sendMany(3, running) + "delete from contacts where first_name = 'many';" +
			fresh + campaign + toX3, "GF007"},

		{"a campaign to a contact anew", "delete from contacts where id = " + contactA + ";" +
			"insert into contacts (team_id, first_name, phone, sms_consent) values (" + teamA + ", 'x3', '+12025550101', 'opted_in');" + campaign + toX3, "GF009"},
		{"a single message to a contact anew", "delete from contacts where id = " + contactA + ";" +
			"insert into contacts (team_id, first_name, phone, sms_consent) values (" + teamA + ", 'x3', '+12025550101', 'opted_in');" +
			strings.Replace(campaign, running, "null", 1) + toX3, "1"},
	} {
		if got := outcome(t, conn, "service_role", c.sql); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestQuietHoursAreTheSettingsManagers(t *testing.T) {
	conn := populated(t)
	own := "update campaigns set quiet_start = '01:00', quiet_end = '02:00' where id = " + running
	replacing := "update campaigns set replaces_quiet_hours = true where id = " + running
	for _, c := range []struct{ name, who, sql, want string }{
		{"own hours", "manager", own, "1"},
		{"instead of the instance's", "manager", replacing, "42501"},
		{"instead of the instance's, by an administrator", "admin", replacing, "1"},
		{"from the beginning", "manager", "insert into campaigns (team_id, name, channel, opt_out_locale, replaces_quiet_hours) values (" + teamA + ", 'x', 'sms', 'en', true)", "42501"},
		{"behind an administrator", "manager", become("admin") + replacing + ";" + become("manager") + own, "42501"},
		{"another zone, behind an administrator", "manager", become("admin") + replacing + ";" + become("manager") + "update campaigns set timezone = 'UTC' where id = " + running, "42501"},
		{"something else, behind an administrator", "manager", become("admin") + replacing + ";" + become("manager") + "update campaigns set name = 'x' where id = " + running, "1"},
		{"back to the instance's", "manager", become("admin") + replacing + ";" + become("manager") + "update campaigns set replaces_quiet_hours = false, quiet_start = '03:00', quiet_end = '04:00' where id = " + running, "1"},
	} {
		if got := outcome(t, conn, c.who, c.sql); got != c.want {
			t.Errorf("%s, as %s: %s, want %s", c.name, c.who, got, c.want)
		}
	}
}

// TestLimitsHoldForSendersAtOnce: four senders with a connection each.
func TestLimitsHoldForSendersAtOnce(t *testing.T) {
	ref, conn := populatedProject(t, len(schema.All()))
	exec(t, conn, "update instance_config set monthly_sms_limit = 8")
	exec(t, conn, "update sending_rules set daily_contact_limit = null")
	var wg sync.WaitGroup
	var mu sync.Mutex
	outcomes := map[string]int{}
	for range 4 {
		sender := superuser(t, ref)
		wg.Go(func() {
			for range 4 {
				_, err := sender.Exec(t.Context(), "begin;"+bySMS+"select pg_sleep(0.01); commit")
				code := ""
				if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
					code = pg.Code
					_, err = sender.Exec(t.Context(), "rollback")
				}
				mu.Lock()
				outcomes[code]++
				mu.Unlock()
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if outcomes[""] != 7 || outcomes["GF004"] != 9 { // one was sent before
		t.Errorf("outcomes: %v", outcomes)
	}
	if got := one[int](t, conn, "select messages from private.monthly_sendings"); got != 8 {
		t.Errorf("%d counted", got)
	}
}

func TestUsageIsWhatWasSent(t *testing.T) {
	conn := populated(t)
	exec(t, conn, "update sending_rules set daily_contact_limit = null")
	usage := func() string {
		return one[string](t, conn, "select messages || ' ' || segments from usage_counters where team_id = "+teamA)
	}
	exec(t, conn, bySMS)
	if got := usage(); got != "1 1" {
		t.Errorf("before it is known to be sent: %s", got)
	}
	exec(t, conn, "update messages set status = 'sent', segments = 3, sent_at = '2000-01-01' where status = 'sending'")
	exec(t, conn, "update messages set status = 'delivered', sent_at = null where segments = 3")
	if got := usage(); got != "2 4" {
		t.Errorf("after: %s", got)
	}
	if at := one[time.Time](t, conn, "select sent_at from messages where segments = 3"); time.Since(at) > time.Hour {
		t.Errorf("sent at %v", at)
	}
}

// TestUpgradeKeepsCounts upgrades a database in which something was sent, and something is on its way.
func TestUpgradeKeepsCounts(t *testing.T) {
	conn := populatedAt(t, 16)
	exec(t, conn, bySMS)
	upgrade(t, conn)
	if got := one[string](t, conn, "select (select count(*) from private.sendings) || ' ' || (select sum(messages) from private.monthly_sendings)"); got != "2 2" {
		t.Errorf("counted: %s", got)
	}
	if got := outcome(t, conn, "service_role", "update instance_config set monthly_sms_limit = 2;"+bySMS); got != "GF004" {
		t.Errorf("a third of two: %s", got)
	}
	if got := outcome(t, conn, "service_role", "delete from contacts where id = "+contactA+";"+
		"insert into contacts (team_id, first_name, phone, sms_consent) values ("+teamA+", 'x3', '+12025550101', 'opted_in');"+campaign+toX3); got != "GF009" {
		t.Errorf("once more to the same address: %s", got)
	}
}
