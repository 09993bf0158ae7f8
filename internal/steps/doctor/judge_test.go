package doctor

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider/cloudflare"
	"github.com/project-gimbal/fleet/internal/provider/supabase"
	"github.com/project-gimbal/fleet/internal/provider/twilio"
	"github.com/project-gimbal/fleet/internal/provider/vercel"
	"github.com/project-gimbal/fleet/internal/view"
)

var (
	now = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	// What calls may fail with.
	silent    = &fault.Error{Code: fault.Unavailable, Vendor: "v", Operation: "Op", Text: "no answer", Err: errors.New("the vendor's own words")}
	throttled = &fault.Error{Code: fault.Throttled, Vendor: "v", Operation: "Op", Text: "rate limit reached", Status: 429}
	denied    = &fault.Error{Code: fault.Rejected, Vendor: "v", Operation: "Op", Text: "refused", Status: 403}
	unknown   = &fault.Error{Code: fault.Rejected, Vendor: "v", Operation: "Op", Text: "refused", Status: 401}
	absent    = &fault.Error{Code: fault.Rejected, Vendor: "v", Operation: "Op", Text: "refused", Status: 404}
)

// judged is one case: a judgement, what it must be, and words that its finding and its mend must hold.
type judged struct {
	check       view.Check
	verdict     view.Verdict
	found, mend string
}

func judge(t *testing.T, name string, cases map[string]judged) {
	t.Helper()
	for what, c := range cases {
		got := c.check
		if got.Name != name || got.Verdict != c.verdict || !strings.Contains(got.Found, c.found) || !strings.Contains(got.Mend, c.mend) {
			t.Errorf("%s: %s is %s: %q, mend %q; want %s with %q and %q", what, got.Name, got.Verdict, got.Found, got.Mend, c.verdict, c.found, c.mend)
		}
		if got.Found == "" || (got.Verdict == view.Fine) != (got.Mend == "") {
			t.Errorf("%s: %+v must say what was found, and how to mend it where it isn't fine", what, got)
		}
		if strings.Contains(got.Found+got.Mend, "own words") {
			t.Errorf("%s repeats the vendor: %+v", what, got)
		}
	}
}

func TestQuotas(t *testing.T) {
	for _, q := range []quota{projectsQuota, frontendsQuota, recordsQuota, subaccountsQuota, subusersQuota} {
		more := `"` + q.name + `" under quotas of the stage in infra/cdk.json`
		judge(t, q.check, map[string]judged{
			"plenty":    {q.judge(0, nil, 15), view.Fine, "0 of 15 " + q.what + " are used: 15 left", ""},
			"89 %":      {q.judge(89, nil, 100), view.Fine, "11 left", ""},
			"90 %":      {q.judge(90, nil, 100), view.Warning, "90 of 100 " + q.what + " are used: 10 left", more},
			"one left":  {q.judge(14, nil, 15), view.Warning, "1 left", q.raise},
			"none left": {q.judge(15, nil, 15), view.Broken, "all 15 " + q.what + " are used (15)", q.raise},
			"over":      {q.judge(20, nil, 15), view.Broken, "all 15 " + q.what + " are used (20)", more},
			"of one":    {q.judge(0, nil, 1), view.Fine, "1 left", ""},
			"no limit":  {q.judge(7, nil, 0), view.Unchecked, "7 " + q.what + "; how many are allowed is not known", more},
			"silent":    {q.judge(0, silent, 15), view.Unchecked, "v.Op: no answer", "look again"},
			"too slow":  {q.judge(0, &fault.Error{Code: fault.Unavailable, Err: context.DeadlineExceeded}, 15), view.Unchecked, "longer than there was time", "daily checkup"},
			"throttled": {q.judge(0, throttled, 15), view.Unchecked, "rate limit", "look again"},
			"denied":    {q.judge(0, denied, 0), view.Unchecked, "HTTP 403", "may not list"},
		})
	}
}

func TestDoor(t *testing.T) {
	for _, v := range []vendor{atSupabase, atVercel, atCloudflare, atTwilio, atSendGrid} {
		for what, c := range map[string]struct {
			err         error
			verdict     view.Verdict
			open        bool
			found, mend string
		}{
			"unknown":   {unknown, view.Broken, false, v.name + " refuses the credential", v.credential},
			"denied":    {denied, view.Broken, false, "HTTP 403", v.renew},
			"throttled": {throttled, view.Unchecked, false, "takes no more calls", "look again"},
			"silent":    {silent, view.Broken, false, v.name + " does not answer", "fleetctl freeze " + v.scope},
			"absent":    {err: absent, open: true},
			"fine":      {open: true},
		} {
			got, open := v.door("x", c.err)
			if open != c.open || got.Verdict != c.verdict || !strings.Contains(got.Found, c.found) || !strings.Contains(got.Mend, c.mend) {
				t.Errorf("%s, %s: open %t, %+v", v.name, what, open, got)
			}
		}
	}
}

func TestSupabase(t *testing.T) {
	judge(t, supabaseToken, map[string]judged{
		"reads all":   {judgeSupabaseToken(nil), view.Fine, "accepted", ""},
		"no projects": {judgeSupabaseToken(denied), view.Broken, "not its projects", "supabase.com/dashboard/account/tokens"},
		"no answer":   {judgeSupabaseToken(silent), view.Fine, "accepted", ""},
	})
	judge(t, supabaseOrganization, map[string]judged{
		"paid":    {judgeOrganization("gimbal", supabase.Organization{Plan: "pro"}, nil), view.Fine, `"gimbal" is there, on the plan pro`, ""},
		"untold":  {judgeOrganization("gimbal", supabase.Organization{}, nil), view.Fine, `"gimbal" is there`, ""},
		"free":    {judgeOrganization("gimbal", supabase.Organization{Plan: "free"}, nil), view.Warning, "2 projects", "/org/gimbal/billing"},
		"another": {judgeOrganization("gimbal", supabase.Organization{}, absent), view.Broken, `no organisation "gimbal"`, "FLEET_SUPABASE_ORGANIZATION"},
	})
}

func TestVercel(t *testing.T) {
	owner := vercel.Team{ID: "team_1", Role: "OWNER", Confirmed: true}
	judge(t, vercelToken, map[string]judged{
		"owner":       {judgeVercelToken(owner, nil), view.Fine, "OWNER", ""},
		"silent":      {judgeVercelToken(owner, silent), view.Fine, "OWNER", ""},
		"no projects": {judgeVercelToken(owner, denied), view.Broken, "not its projects", "vercel.com/account/tokens"},
		"viewer":      {judgeVercelToken(vercel.Team{Role: "VIEWER", Confirmed: true}, nil), view.Broken, "VIEWER", "vercel-token"},
		"unconfirmed": {judgeVercelToken(vercel.Team{Role: "OWNER"}, nil), view.Broken, "not confirmed", "Members"},
	})
	judge(t, vercelTeam, map[string]judged{
		"there":   {judgeTeam("team_1", nil), view.Fine, "team_1", ""},
		"another": {judgeTeam("team_1", absent), view.Broken, `no team "team_1"`, "FLEET_VERCEL_TEAM"},
	})
}

func TestCloudflare(t *testing.T) {
	active := cloudflare.Token{Status: "active"}
	until := func(d time.Duration) cloudflare.Token {
		return cloudflare.Token{Status: "active", ExpiresOn: now.Add(d)}
	}
	const day = 24 * time.Hour
	zone := cloudflare.Zone{Name: "Gimbal.app", Status: "active", Permissions: append([]string{"#zone:read"}, edits()...)}
	token := func(s zoneSight) view.Check { return judgeCloudflareToken(s, now) }
	judge(t, cloudflareToken, map[string]judged{
		"for ever":     {token(zoneSight{token: active, zone: zone}), view.Fine, "without an end", ""},
		"a year":       {token(zoneSight{token: until(365 * day), zone: zone}), view.Fine, "active until 2027-11-25", ""},
		"two weeks":    {token(zoneSight{token: until(14 * day), zone: zone}), view.Fine, "2026-12-09", ""},
		"13 days":      {token(zoneSight{token: until(13 * day), zone: zone}), view.Warning, "on 2026-12-08, in 13 days", "cloudflare-token"},
		"over":         {token(zoneSight{token: until(0), zone: zone}), view.Broken, "expired on 2026-11-25", "dash.cloudflare.com/profile/api-tokens"},
		"disabled":     {token(zoneSight{token: cloudflare.Token{Status: "disabled"}, zone: zone}), view.Broken, "disabled", "cloudflare-token"},
		"account's":    {token(zoneSight{tokenErr: unknown, zone: zone}), view.Fine, "account's token", ""},
		"reads only":   {token(zoneSight{token: active, zone: cloudflare.Zone{Permissions: []string{"#zone:read"}}}), view.Warning, "#dns_records:edit", "DNS:Edit"},
		"no rules":     {token(zoneSight{token: active, zone: cloudflare.Zone{Permissions: []string{"#dns_records:edit"}}}), view.Warning, "#waf:edit", "WAF:Edit"},
		"tells little": {token(zoneSight{token: active}), view.Fine, "active", ""},
	})
	judge(t, cloudflareZone, map[string]judged{
		"ours":     {judgeZone(zoneSight{zone: zone}, "gimbal.app", "z1"), view.Fine, "zone z1 is that of gimbal.app", ""},
		"another":  {judgeZone(zoneSight{zone: cloudflare.Zone{Name: "else.app", Status: "active"}}, "gimbal.app", "z1"), view.Broken, "another domain than gimbal.app", "FLEET_CLOUDFLARE_ZONE"},
		"pending":  {judgeZone(zoneSight{zone: cloudflare.Zone{Name: "gimbal.app", Status: "pending"}}, "gimbal.app", "z1"), view.Broken, "pending, not active", "name servers"},
		"refused":  {judgeZone(zoneSight{zoneErr: denied, recordsErr: denied}, "gimbal.app", "z1"), view.Broken, "no zone z1", "FLEET_CLOUDFLARE_ZONE"},
		"unread":   {judgeZone(zoneSight{zoneErr: denied}, "gimbal.app", "z1"), view.Unchecked, "may not read the zone", "Zone:Read"},
		"silent":   {judgeZone(zoneSight{zoneErr: silent}, "gimbal.app", "z1"), view.Unchecked, "no answer", "look again"},
		"too many": {judgeZone(zoneSight{zoneErr: throttled}, "gimbal.app", "z1"), view.Unchecked, "rate limit", "look again"},
	})
}

func TestTwilio(t *testing.T) {
	parent := twilio.Account{SID: "AC1", Owner: "AC1", Status: twilio.Active}
	sub, off, trial := parent, parent, parent
	sub.Owner, off.Status, trial.Trial = "AC0", twilio.Suspended, true
	judge(t, twilioAccount, map[string]judged{
		"a parent":     {judgeParent(parent), view.Fine, "AC1 is active", ""},
		"a subaccount": {judgeParent(sub), view.Broken, "subaccount of AC0", "(FLEET_TWILIO_ACCOUNT) to AC0, then: make deploy"},
		"suspended":    {judgeParent(off), view.Broken, "AC1 is suspended", "console.twilio.com"},
		"a trial":      {judgeParent(trial), view.Warning, "verified numbers only", "upgrade"},
	})
}

func TestSendGrid(t *testing.T) {
	ips := []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")}
	judge(t, sendgridScopes, map[string]judged{
		"all":   {judgeScopes(append([]string{"stats.read"}, scopesNeeded...)), view.Fine, "all 17", ""},
		"some":  {judgeScopes([]string{"mail.send"}), view.Broken, "lacks 16 of the 17 scopes that Fleet needs: subusers.create, subusers.read", "API Keys"},
		"but 1": {judgeScopes(scopesNeeded[:16]), view.Broken, "lacks 1 of the 17 scopes that Fleet needs: mail.send", "its value stays"},
	})
	judge(t, sendgridIPs, map[string]judged{
		"there":   {judgeIPs(ips, nil, []string{"192.0.2.2"}), view.Fine, "as configured: 192.0.2.2", ""},
		"missing": {judgeIPs(ips, nil, []string{"192.0.2.1", "192.0.2.9"}), view.Broken, "1 of 2 configured addresses are not on the account: 192.0.2.9", "FLEET_SENDGRID_IPS"},
		"not set": {judgeIPs(ips, nil, nil), view.Broken, "no address is set", "some of the 2 addresses"},
		"denied":  {judgeIPs(nil, denied, nil), view.Unchecked, "HTTP 403", "ips.read"},
		"silent":  {judgeIPs(nil, silent, nil), view.Unchecked, "no answer", "look again"},
	})
}

func TestWebhookSecret(t *testing.T) {
	aged := func(days int) view.Check {
		return judgeWebhookSecret(now.Add(-time.Duration(days)*24*time.Hour-time.Hour), nil, now)
	}
	judge(t, webhookSecret, map[string]judged{
		"new":         {aged(0), view.Fine, "0 days", ""},
		"90 days":     {aged(90), view.Fine, "90 days", ""},
		"91 days":     {aged(91), view.Warning, "91 days old; it should be changed every 90", "openssl rand"},
		"365 days":    {aged(365), view.Warning, "365 days", "webhook-secret"},
		"366 days":    {aged(366), view.Broken, "366 days old; 365 are the most", "signup form's server"},
		"of tomorrow": {aged(-2), view.Fine, "0 days", ""},
		"nobody":      {judgeWebhookSecret(time.Time{}, nil, now), view.Unchecked, "nobody knows", "change it once"},
		"not there":   {judgeWebhookSecret(time.Time{}, absent, now), view.Broken, "there is none", "webhook-secret"},
		"silent":      {judgeWebhookSecret(time.Time{}, silent, now), view.Unchecked, "no answer", "look again"},
	})
}

func TestLinkSecret(t *testing.T) {
	judge(t, linkSecret, map[string]judged{
		"there":     {judgeLinkSecret(nil), view.Fine, "it is there", ""},
		"not there": {judgeLinkSecret(absent), view.Broken, "operators get no links", "openssl rand"},
		"silent":    {judgeLinkSecret(silent), view.Unchecked, "no answer", "look again"},
	})
}

func TestSchedulesAndDeadLetters(t *testing.T) {
	var all, without []string
	for _, f := range catalog.Functions() {
		if f.Trigger == catalog.Schedule {
			all = append(all, f.Name)
			if f.Name != "admit" {
				without = append(without, f.Name)
			}
		}
	}
	judge(t, schedules, map[string]judged{
		"all":    {judgeSchedules(append(all, "another"), nil), view.Fine, "all ", ""},
		"but 1":  {judgeSchedules(without, nil), view.Broken, "don't run: admit (every 1 min)", "FLEET_SCHEDULE_GROUP"},
		"none":   {judgeSchedules(nil, nil), view.Broken, "checkup (every 1440 min)", "make deploy"},
		"absent": {judgeSchedules(nil, absent), view.Broken, "no such group", "FLEET_SCHEDULE_GROUP"},
		"silent": {judgeSchedules(nil, silent), view.Unchecked, "no answer", "grant inspect"},
	})
	judge(t, deadLetters, map[string]judged{
		"none":   {judgeDeadLetters(0, nil), view.Fine, "none", ""},
		"some":   {judgeDeadLetters(3, nil), view.Broken, "3 asynchronous invocations", "FLEET_DEAD_LETTERS"},
		"absent": {judgeDeadLetters(0, absent), view.Broken, "no queue", "FLEET_DEAD_LETTERS"},
		"silent": {judgeDeadLetters(0, silent), view.Unchecked, "no answer", "grant inspect"},
	})
}
