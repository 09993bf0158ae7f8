// Package cloudflare simulates the part of Cloudflare's API that holds DNS records and rate-limiting rules, for one zone.
//
// What it does is what Cloudflare documents: the envelope, partial uniqueness of names, relative names, filters that
// don't regard case, the rate limit of 1200 calls in five minutes, after which everything is refused for five minutes.
// Records resolve at once; lists may lag.
package cloudflare

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/project-gimbal/fleet/internal/sim"
)

// Config is the simulated account.
type Config struct {
	Token  string // the API token that may edit the zone
	Zone   string // the zone's id, 32 hexadecimal digits
	Domain string // the zone's name, "gimbal.app"
	// Records is how many records the zone may hold; 0 means 3500, as on paid plans.
	Records int
	// Rules is how many rate-limiting rules the zone's plan allows; 0 means 5, as on the Business plan. Negative: none.
	Rules int
	// Calls is how many calls are answered in five minutes; 0 means 1200.
	Calls int
	// TokenStatus is the token's, ZoneStatus the zone's; both "active".
	TokenStatus, ZoneStatus string
	// Expires is when the token does; never if zero.
	Expires time.Time
}

// Sim is a simulated Cloudflare. It is safe for concurrent use.
type Sim struct {
	options sim.Options
	config  Config
	router  sim.Router

	mu    sync.Mutex
	state state
}

// state is all that Cloudflare keeps.
type state struct {
	Records records `json:"records"`
	// RateLimits is the ruleset of the phase http_ratelimit; nil before the first rule.
	RateLimits *ruleset `json:"rate_limits,omitempty"`
	// Made counts creations by name, Calls the calls by operation: with the seed they decide ids and latencies,
	// whatever the order in which branches arrive.
	Made   map[string]int `json:"made"`
	Calls  map[string]int `json:"calls"`
	Window window         `json:"window"`
}

// New makes an empty zone.
func New(o sim.Options, c Config) *Sim {
	c.Records = cmp.Or(c.Records, 3500)
	c.Calls = cmp.Or(c.Calls, 1200)
	c.Rules = cmp.Or(c.Rules, 5)
	c.TokenStatus, c.ZoneStatus = cmp.Or(c.TokenStatus, "active"), cmp.Or(c.ZoneStatus, "active")
	c.Domain = strings.ToLower(c.Domain)
	s := &Sim{options: o, config: c, state: state{Made: map[string]int{}, Calls: map[string]int{}}}
	s.router.Handle("GET /client/v4/user/tokens/verify", "VerifyToken", s.verify)
	s.router.Handle("GET /client/v4/zones/{zone}", "GetZone", s.inZone(s.zone))
	const records = "/client/v4/zones/{zone}/dns_records"
	s.router.Handle("GET "+records, "ListRecords", s.inZone(s.list))
	s.router.Handle("POST "+records, "CreateRecord", s.inZone(s.create))
	s.router.Handle("GET "+records+"/{id}", "GetRecord", s.inZone(s.get))
	s.router.Handle("PATCH "+records+"/{id}", "UpdateRecord", s.inZone(s.update))
	s.router.Handle("DELETE "+records+"/{id}", "DeleteRecord", s.inZone(s.remove))
	const rulesets = "/client/v4/zones/{zone}/rulesets"
	s.router.Handle("GET "+rulesets+"/phases/{phase}/entrypoint", "GetEntryPoint", s.inZone(s.entryPoint))
	s.router.Handle("POST "+rulesets, "CreateRuleset", s.inZone(s.createRuleset))
	s.router.Handle("POST "+rulesets+"/{ruleset}/rules", "CreateRule", s.inZone(s.createRule))
	s.router.Handle("DELETE "+rulesets+"/{ruleset}/rules/{id}", "DeleteRule", s.inZone(s.removeRule))
	return s
}

// Name is "cloudflare".
func (s *Sim) Name() string { return "cloudflare" }

// Operation names what a request calls: ListRecords, CreateRecord, GetRecord, UpdateRecord, DeleteRecord, VerifyToken,
// GetZone, GetEntryPoint, CreateRuleset, CreateRule or DeleteRule.
func (s *Sim) Operation(r *http.Request) string { return s.router.Operation(r) }

// Operations names every call that there is, unsorted; a name may come twice.
func (s *Sim) Operations() []string { return s.router.Operations() }

// ServeHTTP answers after the time a call takes, and takes effect no earlier than that.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation := s.Operation(r)
	// A request that was sent takes effect though its sender is gone.
	if s.options.Clock.Sleep(context.WithoutCancel(r.Context()), s.latency(operation)) != nil {
		return
	}
	if !s.admit(w) {
		return
	}
	if operation == "" {
		refuse(w, http.StatusNotFound, 7000, "No route for that URI")
		return
	}
	s.router.ServeHTTP(w, r)
}

// latency is between half of Options.Answer and all of it.
func (s *Sim) latency(operation string) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Calls[operation]++
	return sim.Latency(s.options.Answer, s.random("latency", operation, s.state.Calls[operation]))
}

// random gives the numbers for the nth thing of a kind and name.
func (s *Sim) random(kind, name string, n int) *rand.Rand {
	return sim.Random(s.options.Seed, "cloudflare", kind, name, n)
}

// inZone lets only the token through, and only to its zone.
func (s *Sim) inZone(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		switch {
		case !bearer || token == "":
			refuse(w, http.StatusBadRequest, 6003, "Invalid request headers")
		case token != s.token() || s.config.TokenStatus != "active":
			refuse(w, http.StatusForbidden, 9109, "Invalid access token")
		case r.PathValue("zone") != s.config.Zone:
			refuse(w, http.StatusForbidden, 10000, "Authentication error")
		default:
			next(w, r)
		}
	}
}

// LookupCNAME resolves a host as the public does: target is where its CNAME record leads. Of a proxied record the
// public sees Cloudflare's addresses and no CNAME. Lists may not show the record yet.
func (s *Sim) LookupCNAME(host string) (target string, proxied, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, r := range s.state.Records.byName[host] {
		if r.Type == "CNAME" {
			return r.Content, r.Proxied, true
		}
	}
	return "", false, false
}

// Serial grows with each change of what LookupCNAME finds.
func (s *Sim) Serial() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.Records.serial
}

// Inventory lists the records as "dns_record", named by their full names and marked by their comments, and the rules as
// "cloudflare_rule", named by their refs and marked by their descriptions.
func (s *Sim) Inventory() []sim.Held {
	s.mu.Lock()
	defer s.mu.Unlock()
	held := make([]sim.Held, 0, len(s.state.Records.all))
	for _, r := range s.state.Records.all {
		status := "unproxied"
		if r.Proxied {
			status = "proxied"
		}
		held = append(held, sim.Held{Kind: "dns_record", Name: r.Name, ID: r.ID, Mark: r.Comment, Status: status})
	}
	if set := s.state.RateLimits; set != nil {
		for _, r := range set.Rules {
			held = append(held, sim.Held{Kind: "cloudflare_rule", Name: r.Ref, ID: r.ID, Mark: r.Description, Status: "enabled"})
		}
	}
	return sim.Sorted(held)
}

// Save gives the zone as JSON.
func (s *Sim) Save() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return json.Marshal(s.state)
}

// Load replaces the zone with one that was saved.
func (s *Sim) Load(saved []byte) error {
	loaded := state{Made: map[string]int{}, Calls: map[string]int{}}
	if err := json.Unmarshal(saved, &loaded); err != nil {
		return fmt.Errorf("the state of the simulated Cloudflare: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	loaded.Records.serial += s.state.Records.serial + 1
	s.state = loaded
	return nil
}
