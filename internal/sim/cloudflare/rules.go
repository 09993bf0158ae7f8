package cloudflare

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// phase is the one phase of rulesets that the simulator knows.
const phase = "http_ratelimit"

// ruleset is the zone's ruleset of the phase: every rule of every host.
type ruleset struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Version   int       `json:"version"`
	Updated   time.Time `json:"updated"`
	VisibleAt time.Time `json:"visible_at"`
	Rules     []rule    `json:"rules"`
}

// rule is a rule as it is stored.
type rule struct {
	ID          string    `json:"id"`
	Ref         string    `json:"ref"`
	Description string    `json:"description"`
	Action      string    `json:"action"`
	Expression  string    `json:"expression"`
	Enabled     bool      `json:"enabled"`
	Limit       rateLimit `json:"ratelimit"`
	Updated     time.Time `json:"updated"`
	VisibleAt   time.Time `json:"visible_at"`
}

// wantedRule is a rule as a request has it.
type wantedRule struct {
	Ref         *string    `json:"ref"`
	Description string     `json:"description"`
	Action      string     `json:"action"`
	Expression  string     `json:"expression"`
	Enabled     *bool      `json:"enabled"`
	Limit       *rateLimit `json:"ratelimit"`
}

type rateLimit struct {
	Characteristics []string `json:"characteristics"`
	Period          int      `json:"period"`
	Requests        int      `json:"requests_per_period"`
	Timeout         int      `json:"mitigation_timeout"`
}

// shownRuleset and shownRule are what is answered.
type shownRuleset struct {
	ID          string      `json:"id"`
	Name        string      `json:"name"`
	Description string      `json:"description"`
	Kind        string      `json:"kind"`
	Phase       string      `json:"phase"`
	Version     string      `json:"version"`
	LastUpdated time.Time   `json:"last_updated"`
	Rules       []shownRule `json:"rules"`
}

type shownRule struct {
	ID          string    `json:"id"`
	Ref         string    `json:"ref"`
	Version     string    `json:"version"`
	Description string    `json:"description"`
	Action      string    `json:"action"`
	Expression  string    `json:"expression"`
	Enabled     bool      `json:"enabled"`
	LastUpdated time.Time `json:"last_updated"`
	Limit       rateLimit `json:"ratelimit"`
}

// show gives the whole ruleset, but for rules that are not visible at now, those made by this call excepted.
func (set *ruleset) show(now time.Time, made ...string) shownRuleset {
	shown := shownRuleset{ID: set.ID, Name: set.Name, Kind: "zone", Phase: phase, Version: strconv.Itoa(set.Version),
		LastUpdated: set.Updated, Rules: []shownRule{}}
	for _, r := range set.Rules {
		if r.VisibleAt.After(now) && !slices.Contains(made, r.ID) {
			continue
		}
		shown.Rules = append(shown.Rules, shownRule{ID: r.ID, Ref: r.Ref, Version: "1", Description: r.Description, Action: r.Action,
			Expression: r.Expression, Enabled: r.Enabled, LastUpdated: r.Updated, Limit: r.Limit})
	}
	return shown
}

// entryPoint answers the phase's ruleset; there is none before the first rule.
func (s *Sim) entryPoint(w http.ResponseWriter, r *http.Request) {
	if r.PathValue("phase") != phase {
		refuse(w, http.StatusNotFound, 10003, "could not find entrypoint ruleset in the "+r.PathValue("phase")+" phase")
		return
	}
	now := s.options.Clock.Now()
	s.mu.Lock()
	set := s.state.RateLimits
	if set == nil || set.VisibleAt.After(now) {
		s.mu.Unlock()
		refuse(w, http.StatusNotFound, 10003, "could not find entrypoint ruleset in the "+phase+" phase")
		return
	}
	shown := set.show(now)
	s.mu.Unlock()
	succeed(w, shown)
}

// createRuleset makes the phase's ruleset, which there can be only once.
func (s *Sim) createRuleset(w http.ResponseWriter, r *http.Request) {
	var wanted struct {
		Name  string       `json:"name"`
		Kind  string       `json:"kind"`
		Phase string       `json:"phase"`
		Rules []wantedRule `json:"rules"`
	}
	if !decodeInto(w, r, &wanted) {
		return
	}
	if wanted.Name == "" || wanted.Kind != "zone" || wanted.Phase != phase || wanted.Rules == nil {
		refuse(w, http.StatusBadRequest, 20201, "name, kind, phase or rules is not valid")
		return
	}
	now, visible := s.options.Clock.Now(), s.options.VisibleAt(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.RateLimits != nil {
		refuse(w, http.StatusBadRequest, 20217,
			"'zone' is not a valid value for kind because exceeded maximum number of zone rulesets for phase "+phase)
		return
	}
	set := &ruleset{ID: s.id("ruleset "+phase, 1), Name: wanted.Name, Version: 1, Updated: now, VisibleAt: visible}
	made := []string{}
	for _, one := range wanted.Rules {
		id, ok := s.add(w, set, one, now, visible)
		if !ok {
			return
		}
		made = append(made, id)
	}
	s.state.RateLimits = set
	succeed(w, set.show(now, made...))
}

// createRule adds a rule behind the others. Several may have one ref: no document says that they can't.
func (s *Sim) createRule(w http.ResponseWriter, r *http.Request) {
	var wanted wantedRule
	if !decodeInto(w, r, &wanted) {
		return
	}
	now, visible := s.options.Clock.Now(), s.options.VisibleAt(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	set := s.state.RateLimits
	if set == nil || set.ID != r.PathValue("ruleset") {
		refuse(w, http.StatusNotFound, 10000, "ruleset not found")
		return
	}
	id, ok := s.add(w, set, wanted, now, visible)
	if !ok {
		return
	}
	set.Version++
	set.Updated = now
	succeed(w, set.show(now, id))
}

// add puts a rule into a ruleset, or refuses it.
func (s *Sim) add(w http.ResponseWriter, set *ruleset, wanted wantedRule, now, visible time.Time) (id string, ok bool) {
	if wrong := wanted.check(); wrong != "" {
		refuse(w, http.StatusBadRequest, 20127, wrong)
		return "", false
	}
	if n := len(set.Rules) + 1; n > s.config.Rules {
		refuse(w, http.StatusBadRequest, 50001,
			fmt.Sprintf("exceeded the maximum number of rules in the phase %s: %d out of %d", phase, n, s.config.Rules))
		return "", false
	}
	made := rule{Description: wanted.Description, Action: wanted.Action, Expression: wanted.Expression,
		Enabled: wanted.Enabled == nil || *wanted.Enabled, Limit: *wanted.Limit, Updated: now, VisibleAt: visible}
	s.state.Made["rule "+wanted.Expression]++
	made.ID = s.id("rule "+wanted.Expression, s.state.Made["rule "+wanted.Expression])
	made.Ref = made.ID
	if wanted.Ref != nil {
		made.Ref = *wanted.Ref
	}
	set.Rules = append(set.Rules, made)
	return made.ID, true
}

// expression is what the simulator understands of Cloudflare's language: one host.
var expression = regexp.MustCompile(`^\(http\.host eq "([a-z0-9.-]+)"\)$`)

// check says what is wrong with a rule.
func (r wantedRule) check() string {
	periods := []int{10, 60, 120, 300, 600, 3600}
	limit := r.Limit
	switch {
	case !slices.Contains([]string{"block", "challenge", "js_challenge", "managed_challenge", "log"}, r.Action):
		return "'" + r.Action + "' is not a valid value for action"
	case !expression.MatchString(r.Expression):
		return "'" + r.Expression + "' is not a valid value for expression"
	case r.Ref != nil && *r.Ref == "":
		return "'' is not a valid value for ref"
	case limit == nil:
		return "rules of the phase " + phase + " need ratelimit"
	case !slices.Contains(limit.Characteristics, "cf.colo.id") || len(limit.Characteristics) < 2:
		return "characteristics must contain cf.colo.id and what is counted by"
	case !slices.Contains(periods, limit.Period) || limit.Requests < 1 || limit.Timeout < 0 || limit.Timeout > 86400:
		return "period, requests_per_period or mitigation_timeout is not valid"
	}
	return ""
}

// removeRule removes a rule and answers the ruleset without it, which stays when it is empty.
func (s *Sim) removeRule(w http.ResponseWriter, r *http.Request) {
	now := s.options.Clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	set := s.state.RateLimits
	i := -1
	if set != nil && set.ID == r.PathValue("ruleset") {
		i = slices.IndexFunc(set.Rules, func(x rule) bool { return x.ID == r.PathValue("id") })
	}
	if i < 0 {
		refuse(w, http.StatusNotFound, 10000, "rule not found")
		return
	}
	set.Rules = slices.Delete(set.Rules, i, i+1)
	set.Version++
	set.Updated = now
	succeed(w, set.show(now))
}

// LimitedHosts lists the hosts that a rate-limiting rule is for, sorted.
func (s *Sim) LimitedHosts() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	hosts := []string{}
	if set := s.state.RateLimits; set != nil {
		for _, r := range set.Rules {
			hosts = append(hosts, expression.FindStringSubmatch(r.Expression)[1])
		}
	}
	slices.Sort(hosts)
	return hosts
}

// decodeInto reads a request's body, or refuses it.
func decodeInto(w http.ResponseWriter, r *http.Request, into any) bool {
	const longest = 1 << 20
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, longest)).Decode(into); err != nil {
		refuse(w, http.StatusBadRequest, 6007, "Malformed JSON in request body")
		return false
	}
	return true
}
