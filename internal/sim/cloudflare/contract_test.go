package cloudflare_test

import (
	"context"
	"slices"
	"testing"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/contract"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	client "github.com/project-gimbal/fleet/internal/provider/cloudflare"
	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/sim/cloudflare"
)

// TestContract: what the client sends and what the simulator answers, refusals and gateway errors included, is as
// Cloudflare's document has it.
func TestContract(t *testing.T) {
	spec := contract.Open(t, "cloudflare")
	s := cloudflare.New(sim.Options{Clock: clock.System()}, cloudflare.Config{Token: token, Zone: zone, Domain: "gimbal.app", Records: 2, Rules: 2})
	rules, err := sim.ParseRules("cloudflare.ListRecords=429-retry@2,cloudflare.ListRecords=500-before@3,cloudflare.ListRecords=403@4")
	if err != nil {
		t.Fatal(err)
	}
	link := &sim.Link{Clock: clock.System(), Script: sim.NewScript(rules...)}
	if err := link.Add(provider.Production().Cloudflare, s, nil); err != nil {
		t.Fatal(err)
	}
	config := provider.Config{
		Endpoints: provider.Production(), Clock: clock.System(), Transport: spec.Check(link),
		Settings:   provider.Settings{CloudflareZone: zone, Domain: "gimbal.app"},
		Credential: func(context.Context, string) (provider.Secret, error) { return provider.NewSecret(token), nil },
	}
	c, ctx := client.New(config), provider.WithAttempt(t.Context())
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	refused := func(code fault.Code, err error) {
		t.Helper()
		if !fault.Is(err, code) {
			t.Errorf("got %v, want %s", err, code)
		}
	}
	create := func(kind, name, content string) (client.Record, error) {
		return c.CreateRecord(ctx, client.NewRecord{Type: kind, Name: name, Content: content, Comment: "owner=fleet customer=i1"})
	}

	r, err := create("CNAME", "acme.gimbal.app", "cname.vercel-dns.com")
	ok(err)
	_, err = create("TXT", "_vercel.gimbal.app", "vc-domain-verify=x")
	ok(err)
	_, err = create("CNAME", "acme.gimbal.app", "cname.vercel-dns.com")
	refused(fault.Conflict, err)
	_, err = create("CNAME", "other.gimbal.app", "cname.vercel-dns.com")
	refused(fault.QuotaExceeded, err)
	_, err = create("CNAME", "wrong.gimbal.app", "no host name")
	refused(fault.Rejected, err)
	_, err = c.FindRecords(ctx, "CNAME", "acme.gimbal.app")
	ok(err)
	for _, code := range []fault.Code{fault.Throttled, fault.Unavailable, fault.Rejected} {
		_, err = c.FindRecords(ctx, "", "acme.gimbal.app")
		refused(code, err)
	}
	_, err = c.VerifyToken(ctx)
	ok(err)
	_, err = c.Zone(ctx)
	ok(err)
	n, err := c.CountRecords(ctx)
	ok(err)
	if n != 2 {
		t.Errorf("%d records are counted, want 2", n)
	}
	aroundRules(t, c)
	_, err = c.Owned(ctx, "")
	ok(err)
	ok(c.SetProxied(ctx, r.ID, true))
	ok(c.Point(ctx, r.ID, "suspended.gimbal.example", true))
	refused(fault.Rejected, c.Point(ctx, r.ID, "no host name", true))
	ok(c.DeleteRecord(ctx, r.ID))
	ok(c.DeleteRecord(ctx, r.ID))
	refused(fault.Rejected, c.SetProxied(ctx, r.ID, true))

	config.Credential = func(context.Context, string) (provider.Secret, error) { return provider.NewSecret("wrong"), nil }
	_, err = client.New(config).FindRecords(ctx, "", "acme.gimbal.app")
	refused(fault.Rejected, err)
	_, err = client.New(config).VerifyToken(ctx)
	refused(fault.Rejected, err)
	_, err = client.New(config).Zone(ctx)
	refused(fault.Rejected, err)

	const prefix = "cloudflare.dns-records-for-a-zone-"
	want := []string{
		"cloudflare.createZoneRuleset", "cloudflare.createZoneRulesetRule", "cloudflare.deleteZoneRulesetRule",
		prefix + "create-dns-record", prefix + "delete-dns-record", prefix + "dns-record-details",
		prefix + "list-dns-records", prefix + "patch-dns-record", "cloudflare.getZoneEntrypointRuleset",
		"cloudflare.user-api-tokens-verify-token", "cloudflare.zones-0-get",
	}
	if got := spec.Seen(); !slices.Equal(got, want) {
		t.Errorf("checked %q, want %q", got, want)
	}
}

// aroundRules goes through the calls of rate-limiting rules, refused ones too.
func aroundRules(t *testing.T, c *client.Client) {
	t.Helper()
	ctx := provider.WithAttempt(t.Context())
	limits := func() client.RateLimits {
		t.Helper()
		l, err := c.RateLimits(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	create := func(ruleset, name string, period int) error {
		_, err := c.CreateRule(ctx, ruleset, client.NewRule{Ref: "ref-" + name, Description: "owner=fleet customer=" + name,
			Host: name + ".gimbal.app", Limit: client.Limit{Requests: 500, Period: period, Timeout: 10}})
		return err
	}
	if l := limits(); l.Ruleset != "" {
		t.Errorf("a zone without rules has %+v", l)
	}
	for i, step := range []struct {
		ruleset string // "" means as in a race: none was seen
		period  int
		want    fault.Code
	}{{"", 10, ""}, {"", 10, ""}, {"seen", 7, fault.Rejected}, {"seen", 10, fault.QuotaExceeded}, {"0123456789abcdef0123456789abcdef", 10, fault.NotReady}} {
		ruleset := step.ruleset
		if ruleset == "seen" {
			ruleset = limits().Ruleset
		}
		if err := create(ruleset, "c"+string(rune('0'+i)), step.period); step.want == "" && err != nil || step.want != "" && !fault.Is(err, step.want) {
			t.Errorf("rule %d: %v, want %q", i, err, step.want)
		}
	}
	l := limits()
	if len(l.Rules) != 2 {
		t.Fatalf("rules: %+v", l)
	}
	for range 2 {
		if err := c.DeleteRule(ctx, l.Ruleset, l.Rules[0].ID); err != nil {
			t.Error(err)
		}
	}
	if left := limits(); len(left.Rules) != 1 || left.Rules[0].ID != l.Rules[1].ID {
		t.Errorf("left: %+v", left)
	}
}
