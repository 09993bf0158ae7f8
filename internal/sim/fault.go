package sim

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Kind is a way in which a call can go wrong.
type Kind string

const (
	// Refused: the connection is refused; nothing happens.
	Refused Kind = "refused"
	// TooMany: 429 without Retry-After; nothing happens.
	TooMany Kind = "429"
	// TooManyRetry: 429 with Retry-After of the rule's duration (5 s unless given); nothing happens.
	TooManyRetry Kind = "429-retry"
	// Denied: 403; nothing happens.
	Denied Kind = "403"
	// ErrorBefore: 500 before any effect.
	ErrorBefore Kind = "500-before"
	// ErrorAfter: the call takes effect, the answer is 500.
	ErrorAfter Kind = "500-after"
	// Lost: the call takes effect, the connection breaks before the answer.
	Lost Kind = "lost"
	// Hang: nothing happens, and nothing is answered until the caller gives up.
	Hang Kind = "hang"
	// Delayed: nothing is answered until the caller gives up; the call takes effect when the rule's duration (25 s
	// unless given) has passed since it was sent, whether its caller lives or not.
	Delayed Kind = "delayed"
	// Late: the call takes effect and is answered, but lists show it only after the rule's duration (30 s unless given).
	Late Kind = "late"
)

// Kinds lists every kind with one line for people.
func Kinds() [][2]string {
	return [][2]string{
		{string(Refused), "connection refused; nothing happens"},
		{string(TooMany), "429 without Retry-After; nothing happens"},
		{string(TooManyRetry), "429 with Retry-After (5s, or e.g. 429-retry:20s)"},
		{string(Denied), "403, for good; nothing happens"},
		{string(ErrorBefore), "500 before any effect"},
		{string(ErrorAfter), "500 after the call took effect"},
		{string(Lost), "the call takes effect, its answer is lost"},
		{string(Hang), "no answer and no effect until the caller gives up"},
		{string(Delayed), "takes effect after its caller gave up (25s, or e.g. delayed:40s)"},
		{string(Late), "takes effect, but lists show it late (30s, or e.g. late:10s)"},
	}
}

// Rule makes calls of one operation go wrong: those numbered From to To, counted from 1.
type Rule struct {
	Call     string // "supabase.CreateProject"; "supabase.*" means every operation
	Kind     Kind
	After    time.Duration // see the kind
	From, To int           // To 0 means from then on
}

var defaultAfter = map[Kind]time.Duration{TooManyRetry: 5 * time.Second, Delayed: 25 * time.Second, Late: 30 * time.Second}

// ParseRules reads a fault script: rules separated by commas, each "vendor.Operation=kind[:duration][@n|@n-m|@n+]".
// Without "@" the first call fails; "@1+" fails all. The error says which rule is wrong and how.
func ParseRules(script string) ([]Rule, error) {
	var rules []Rule
	for _, text := range strings.Split(script, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		rule, err := parseRule(text)
		if err != nil {
			return nil, fmt.Errorf("fault %q: %w", text, err)
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

func parseRule(text string) (Rule, error) {
	call, rest, ok := strings.Cut(text, "=")
	vendor, operation, dotted := strings.Cut(call, ".")
	if !ok || !dotted || vendor == "" || operation == "" {
		return Rule{}, fmt.Errorf("want vendor.Operation=kind, such as supabase.CreateProject=lost")
	}
	rest, which, counted := strings.Cut(rest, "@")
	kind, after, timed := strings.Cut(rest, ":")
	rule := Rule{Call: call, Kind: Kind(kind), From: 1, To: 1, After: defaultAfter[Kind(kind)]}
	if !slices.ContainsFunc(Kinds(), func(k [2]string) bool { return k[0] == kind }) {
		return Rule{}, fmt.Errorf("no fault kind %q", kind)
	}
	if timed {
		d, err := time.ParseDuration(after)
		if err != nil || d < 0 || rule.After == 0 {
			return Rule{}, fmt.Errorf("%q is no duration that %s takes", after, kind)
		}
		rule.After = d
	}
	if !counted {
		return rule, nil
	}
	m := countPattern.FindStringSubmatch(which)
	var errs [2]error
	if m != nil {
		rule.From, errs[0] = strconv.Atoi(m[1])
		switch {
		case m[3] != "":
			rule.To, errs[1] = strconv.Atoi(m[3])
		case m[2] == "+":
			rule.To = 0
		default:
			rule.To = rule.From
		}
	}
	if m == nil || errors.Join(errs[:]...) != nil || rule.From < 1 || m[2] != "+" && rule.To < rule.From {
		return Rule{}, fmt.Errorf("%q counts no calls: want @n, @n-m or @n+, from 1", which)
	}
	return rule, nil
}

// countPattern is n, n+ or n-m.
var countPattern = regexp.MustCompile(`^([0-9]+)(\+|-([0-9]+))?$`)

// Script decides which calls go wrong. It counts calls by operation. Safe for concurrent use.
type Script struct {
	mu    sync.Mutex
	rules []Rule
	calls map[string]int
}

// NewScript makes a script of rules; the first rule that matches a call decides.
func NewScript(rules ...Rule) *Script { return &Script{rules: rules, calls: map[string]int{}} }

// Next counts a call of vendor.operation and gives the rule for it, if any.
func (s *Script) Next(vendor, operation string) (Rule, bool) {
	call := vendor + "." + operation
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[call]++
	n := s.calls[call]
	for _, r := range s.rules {
		if (r.Call == call || r.Call == vendor+".*") && n >= r.From && (r.To == 0 || n <= r.To) {
			return r, true
		}
	}
	return Rule{}, false
}
