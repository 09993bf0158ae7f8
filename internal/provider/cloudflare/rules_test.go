package cloudflare_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider/cloudflare"
	"github.com/project-gimbal/fleet/internal/sim"
)

var limit = cloudflare.Limit{Requests: 500, Period: 10, Timeout: 10}

func ruleFor(name string) cloudflare.NewRule {
	return cloudflare.NewRule{Ref: "ref-" + name, Description: "owner=fleet customer=" + name, Host: name + ".gimbal.app", Limit: limit}
}

// refs lists the rules' refs in order.
func refs(l cloudflare.RateLimits) string {
	var all []string
	for _, r := range l.Rules {
		all = append(all, r.Ref)
	}
	return strings.Join(all, " ")
}

func TestRulesLife(t *testing.T) {
	simulate(t, "", sim.Options{Seed: 1}, func(t *testing.T, w *world) {
		ctx := attempt(t)
		limits := must[cloudflare.RateLimits](t)(w.client.RateLimits(t.Context()))
		if limits.Ruleset != "" || len(limits.Rules) != 0 {
			t.Fatalf("an empty zone has %+v", limits)
		}
		first := must[cloudflare.Rule](t)(w.client.CreateRule(ctx, "", ruleFor("acme")))
		limits = must[cloudflare.RateLimits](t)(w.client.RateLimits(t.Context()))
		second := must[cloudflare.Rule](t)(w.client.CreateRule(ctx, limits.Ruleset, ruleFor("brick")))
		if first.ID == second.ID || first.Ref != "ref-acme" || second.Description != "owner=fleet customer=brick" {
			t.Errorf("made %+v and %+v", first, second)
		}
		saved := must[[]byte](t)(w.vendor.Save())
		if err := w.vendor.Load(saved); err != nil { // rules outlast a restart
			t.Fatal(err)
		}
		for range 2 { // the second time it is gone already
			if err := w.client.DeleteRule(ctx, limits.Ruleset, first.ID); err != nil {
				t.Fatal(err)
			}
		}
		if left := must[cloudflare.RateLimits](t)(w.client.RateLimits(t.Context())); refs(left) != "ref-brick" {
			t.Errorf("left: %q, want the other's alone", refs(left))
		}
		if hosts := w.vendor.LimitedHosts(); len(hosts) != 1 || hosts[0] != "brick.gimbal.app" {
			t.Errorf("limited hosts: %q", hosts)
		}
	})
}

// TestFirstRulesRace has several make the zone's first rule at once, none of whom saw a ruleset: none is lost.
func TestFirstRulesRace(t *testing.T) {
	simulate(t, "", sim.Options{Seed: 1, Answer: 1e9}, func(t *testing.T, w *world) {
		ctx := attempt(t)
		var all sync.WaitGroup
		errs := make([]error, 5)
		for i := range errs {
			all.Go(func() { _, errs[i] = w.client.CreateRule(ctx, "", ruleFor(fmt.Sprint("c", i))) })
		}
		all.Wait()
		for _, err := range errs {
			if err != nil {
				t.Error(err)
			}
		}
		if hosts := w.vendor.LimitedHosts(); len(hosts) != 5 {
			t.Errorf("limited hosts: %q", hosts)
		}
	})
}

// TestRulesetNotShownYet: the ruleset that another made lags; that is no reason to give up, and proves that nothing happened.
func TestRulesetNotShownYet(t *testing.T) {
	simulate(t, "", sim.Options{Seed: 1, Lag: 30e9}, func(t *testing.T, w *world) {
		ctx := attempt(t)
		must[cloudflare.Rule](t)(w.client.CreateRule(ctx, "", ruleFor("acme")))
		_, err := w.client.CreateRule(ctx, "", ruleFor("brick"))
		assertFault(t, err, "CreateRule", fault.NotReady, true, 0)
	})
}

func TestRulesQuota(t *testing.T) {
	simulate(t, "", sim.Options{Seed: 1}, func(t *testing.T, w *world) {
		ctx := attempt(t)
		for i := range 5 { // as on the Business plan
			limits := must[cloudflare.RateLimits](t)(w.client.RateLimits(t.Context()))
			must[cloudflare.Rule](t)(w.client.CreateRule(ctx, limits.Ruleset, ruleFor(fmt.Sprint("c", i))))
		}
		limits := must[cloudflare.RateLimits](t)(w.client.RateLimits(t.Context()))
		_, err := w.client.CreateRule(ctx, limits.Ruleset, ruleFor("sixth"))
		assertFault(t, err, "CreateRule", fault.QuotaExceeded, true, 0)
	})
}

// TestRulesRefused: what is no rule of the zone is never sent, and a refusal is what the vendor's code says.
func TestRulesRefused(t *testing.T) {
	const ruleset = "0123456789abcdef0123456789abcdef"
	never := cloudflare.New(config(answers(func(*http.Request) (int, string) { t.Error("a request was sent"); return 500, "" })))
	for _, n := range []cloudflare.NewRule{
		{Ref: "r", Host: `a.gimbal.app") or (true`, Limit: limit}, {Ref: "r", Host: "elsewhere.example", Limit: limit},
		{Ref: "", Host: host, Limit: limit}, {Ref: "r", Host: "", Limit: limit},
	} {
		_, err := never.CreateRule(attempt(t), ruleset, n)
		assertFault(t, err, "CreateRule", fault.Internal, true, 0)
	}
	if err := never.DeleteRule(attempt(t), ruleset, "../"+ruleset); !fault.Is(err, fault.Internal) {
		t.Errorf("a path as id: %v", err)
	}
	for _, test := range []struct {
		status, code int
		want         fault.Code
	}{
		{400, 50001, fault.QuotaExceeded}, {400, 20217, fault.QuotaExceeded}, {400, 20127, fault.Rejected},
		{403, 10000, fault.Rejected}, {404, 10000, fault.NotReady},
	} {
		body := fmt.Sprintf(`{"success":false,"errors":[{"code":%d,"message":"x"}],"messages":[],"result":null}`, test.code)
		_, err := cloudflare.New(config(answers(func(*http.Request) (int, string) { return test.status, body }))).CreateRule(attempt(t), ruleset, ruleFor("acme"))
		assertFault(t, err, "CreateRule", test.want, true, 0)
	}
}

// TestUnusableRulesets: what is no ruleset of the phase proves nothing, and is no empty one: that would lead to doubles.
func TestUnusableRulesets(t *testing.T) {
	rule := `{"id":"0123456789abcdef0123456789abcdef","ref":"ref-acme","description":"d","action":"block","expression":"e","enabled":true}`
	whole := `{"success":true,"errors":[],"messages":[],"result":{"id":"fedcba9876543210fedcba9876543210","phase":"http_ratelimit","rules":[` + rule + `]}}`
	ask := func(body string) (cloudflare.RateLimits, error) {
		return cloudflare.New(config(answers(func(*http.Request) (int, string) { return 200, body }))).RateLimits(t.Context())
	}
	if l, err := ask(whole); err != nil || refs(l) != "ref-acme" {
		t.Fatalf("a whole answer: %+v, %v", l, err)
	}
	for name, body := range map[string]string{
		"html": "<html>", "no id": strings.Replace(whole, `"id":"fed`, `"identity":"fed`, 1), "another phase": strings.Replace(whole, "http_ratelimit", "http_request_firewall_custom", 1),
		"path as id": strings.Replace(whole, `"id":"0123456789abcdef0123456789abcdef"`, `"id":"../../user"`, 1), "a list": `{"success":true,"result":[]}`,
		"rules of another type": strings.Replace(whole, "["+rule+"]", `"none"`, 1),
	} {
		_, err := ask(body)
		t.Run(name, func(t *testing.T) { assertFault(t, err, "GetEntryPoint", fault.Unavailable, false, 0) })
	}
	client := cloudflare.New(config(answers(func(*http.Request) (int, string) { return 200, whole })))
	_, err := client.CreateRule(attempt(t), "fedcba9876543210fedcba9876543210", ruleFor("brick"))
	assertFault(t, err, "CreateRule", fault.Unavailable, false, 0) // the answer doesn't show it
	err = client.DeleteRule(attempt(t), "fedcba9876543210fedcba9876543210", "0123456789abcdef0123456789abcdef")
	assertFault(t, err, "DeleteRule", fault.Unavailable, false, 0) // the answer still shows it
}
