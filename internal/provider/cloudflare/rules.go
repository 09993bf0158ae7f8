package cloudflare

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
)

// Rule is a rate-limiting rule of the zone.
type Rule struct {
	ID          string // 32 hexadecimal digits
	Ref         string // our name for it; for a rule without one it is the id
	Description string // the ownership mark
	Updated     time.Time
}

// RateLimits are all rate-limiting rules of the zone, those of every instance and of people. Cloudflare keeps them in
// one ruleset, the entry point of the phase http_ratelimit.
type RateLimits struct {
	// Ruleset is the entry point's id; empty while the zone never had a rule.
	Ruleset string
	Rules   []Rule
}

// Limit is how often one address may ask for a host before it is refused for a while.
type Limit struct {
	Requests int // in a period, from one address at one of Cloudflare's places
	Period   int // seconds: 10, or on larger plans more
	Timeout  int // seconds for which what is too much is refused; on the smallest plan as long as the period
}

// NewRule is a rule to be made: requests for Host beyond Limit are refused with 429.
type NewRule struct {
	Ref         string
	Description string
	Host        string
	Limit       Limit
}

const (
	operationEntryPoint    = "GetEntryPoint"
	operationCreateRuleset = "CreateRuleset"
	operationCreateRule    = "CreateRule"
	operationDeleteRule    = "DeleteRule"
)

// phase is where rate-limiting rules live.
const phase = "http_ratelimit"

// Cloudflare's codes about rulesets. Its document names none: these are what users of the API report.
const (
	codeRulesetThere = 20217 // the zone has a ruleset of that phase already; some report it for too many rules, too
	codeRulesFull    = 50001 // the plan allows no more rules in the phase
)

// RateLimits reads the zone's rate-limiting rules. There is one page of them. A rule made a moment ago may be missing.
func (c *Client) RateLimits(ctx context.Context) (RateLimits, error) {
	e, err := c.send(ctx, operationEntryPoint, http.MethodGet, c.rulesets()+"/phases/"+phase+"/entrypoint", nil)
	if provider.NotFound(err) { // no rule was ever made
		return RateLimits{}, nil
	}
	if err != nil {
		return RateLimits{}, err
	}
	limits, ok := decodeRuleset(e)
	if !ok {
		return RateLimits{}, unusable(operationEntryPoint, http.StatusOK)
	}
	return limits, nil
}

// CreateRule adds one rule to the ruleset, which others may be adding to at the same time: it never sends the others'
// rules. Where there is no ruleset yet it is made together with the rule; if another was quicker, the rule goes into
// that one. Where the plan allows no more rules the fault is QuotaExceeded, which proves that nothing happened.
func (c *Client) CreateRule(ctx context.Context, ruleset string, n NewRule) (Rule, error) {
	if !hostname().MatchString(n.Host) || !c.inZone(n.Host) || n.Ref == "" {
		return Rule{}, unsent(operationCreateRule, fault.Internal, "the rule's host is no name in the zone", nil)
	}
	if ruleset != "" {
		return c.addRule(ctx, ruleset, n)
	}
	e, err := c.send(ctx, operationCreateRuleset, http.MethodPost, c.rulesets(), map[string]any{
		"name": "Rate limits", "kind": "zone", "phase": phase, "rules": []wireRule{n.wire()},
	})
	switch {
	case isCode(err, codeRulesetThere):
		return c.addToNewest(ctx, n)
	case err != nil:
		return Rule{}, full(err, codeRulesFull)
	}
	return made(operationCreateRuleset, e, n.Ref)
}

// addToNewest adds a rule to the ruleset that another made a moment ago, unless it isn't shown yet.
func (c *Client) addToNewest(ctx context.Context, n NewRule) (Rule, error) {
	limits, err := c.RateLimits(ctx)
	if err != nil {
		return Rule{}, unsent(operationCreateRule, fault.CodeOf(err), "the ruleset can't be read", err)
	}
	if limits.Ruleset == "" {
		return Rule{}, unsent(operationCreateRule, fault.NotReady, "the ruleset is there, but not shown yet", nil)
	}
	return c.addRule(ctx, limits.Ruleset, n)
}

func (c *Client) addRule(ctx context.Context, ruleset string, n NewRule) (Rule, error) {
	if !hexadecimal().MatchString(ruleset) {
		return Rule{}, unsent(operationCreateRule, fault.Internal, "no id of a ruleset", nil)
	}
	e, err := c.send(ctx, operationCreateRule, http.MethodPost, c.rulesets()+"/"+ruleset+"/rules", n.wire())
	switch {
	case provider.NotFound(err):
		return Rule{}, unsent(operationCreateRule, fault.NotReady, "the ruleset has gone", err)
	case err != nil:
		return Rule{}, full(err, codeRulesFull, codeRulesetThere)
	}
	return made(operationCreateRule, e, n.Ref)
}

// full makes a refusal with one of the codes QuotaExceeded.
func full(err error, codes ...int64) error {
	for _, code := range codes {
		if isCode(err, code) {
			return &fault.Error{
				Code: fault.QuotaExceeded, Text: "the zone's plan allows no more rate-limiting rules",
				Vendor: vendor, Operation: operationCreateRule, NothingHappened: true, Err: err,
			}
		}
	}
	return err
}

// made finds a rule in the answer to its creation, which is the whole ruleset. The newest of its ref is the one.
func made(operation string, e *envelope, ref string) (Rule, error) {
	limits, ok := decodeRuleset(e)
	if ok {
		for i := len(limits.Rules) - 1; i >= 0; i-- {
			if limits.Rules[i].Ref == ref {
				return limits.Rules[i], nil
			}
		}
	}
	return Rule{}, unusable(operation, http.StatusOK)
}

// DeleteRule removes one rule and leaves the others. One that is gone already is removed.
func (c *Client) DeleteRule(ctx context.Context, ruleset, id string) error {
	if !hexadecimal().MatchString(ruleset) || !hexadecimal().MatchString(id) {
		return unsent(operationDeleteRule, fault.Internal, "no id of a rule", nil)
	}
	e, err := c.send(ctx, operationDeleteRule, http.MethodDelete, c.rulesets()+"/"+ruleset+"/rules/"+id, nil)
	if provider.NotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	limits, ok := decodeRuleset(e)
	if !ok || limits.has(id) {
		return unusable(operationDeleteRule, http.StatusOK)
	}
	return nil
}

func (l RateLimits) has(id string) bool {
	for _, r := range l.Rules {
		if r.ID == id {
			return true
		}
	}
	return false
}

func (c *Client) rulesets() string { return "/zones/" + c.zone + "/rulesets" }

// hexadecimal is an id of a ruleset or rule.
var hexadecimal = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9a-f]{32}$`) })

// hostname is what may be put between an expression's quotes.
var hostname = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9.-]{1,253}$`) })

// wireRule is a rule as it is sent.
type wireRule struct {
	Ref         string        `json:"ref"`
	Description string        `json:"description"`
	Action      string        `json:"action"`
	Expression  string        `json:"expression"`
	Enabled     bool          `json:"enabled"`
	Limit       wireRateLimit `json:"ratelimit"`
}

type wireRateLimit struct {
	Characteristics []string `json:"characteristics"`
	Period          int      `json:"period"`
	Requests        int      `json:"requests_per_period"`
	Timeout         int      `json:"mitigation_timeout"`
}

func (n NewRule) wire() wireRule {
	return wireRule{
		Ref: n.Ref, Description: n.Description, Action: "block", Enabled: true,
		Expression: `(http.host eq "` + strings.ToLower(n.Host) + `")`,
		Limit: wireRateLimit{
			// Cloudflare counts at each of its places by itself, and wants that said.
			Characteristics: []string{"cf.colo.id", "ip.src"},
			Period:          n.Limit.Period, Requests: n.Limit.Requests, Timeout: n.Limit.Timeout,
		},
	}
}

// decodeRuleset reads the result of a call that answers the ruleset. One without rules may leave the list out.
func decodeRuleset(e *envelope) (RateLimits, bool) {
	var w struct {
		ID    string     `json:"id"`
		Phase string     `json:"phase"`
		Rules []struct { // of every instance: what isn't needed is not decoded
			ID          string    `json:"id"`
			Ref         string    `json:"ref"`
			Description string    `json:"description"`
			Updated     time.Time `json:"last_updated"`
		} `json:"rules"`
	}
	if json.Unmarshal(e.Result, &w) != nil || !hexadecimal().MatchString(w.ID) || w.Phase != phase {
		return RateLimits{}, false
	}
	limits := RateLimits{Ruleset: w.ID, Rules: make([]Rule, 0, len(w.Rules))}
	for _, r := range w.Rules {
		if !hexadecimal().MatchString(r.ID) {
			return RateLimits{}, false
		}
		limits.Rules = append(limits.Rules, Rule(r))
	}
	return limits, true
}
