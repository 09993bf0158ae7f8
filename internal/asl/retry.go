package asl

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Retrier says for which errors, how often and after which delays a Task or Parallel is tried again.
type Retrier struct {
	// ErrorEquals are the error names, reserved ones included, for which this retrier is in charge.
	ErrorEquals []string
	// Interval is the delay before the first retry.
	Interval time.Duration
	// MaxAttempts is how many retries there are at most; 0 means never.
	MaxAttempts int64
	// BackoffRate multiplies the delay with each retry.
	BackoffRate float64
	// MaxDelay caps the delay; 0 for no cap.
	MaxDelay time.Duration
	// FullJitter draws the delay from between zero and what it would be otherwise.
	FullJitter bool
}

// longestDelay keeps a delay that grows without a cap representable: no execution lives so long.
const longestDelay = 2 * executionLimit

// Delay is how long to wait before the retry after done earlier ones by the same retrier.
func (r Retrier) Delay(done int64, random *rand.Rand) time.Duration {
	limit := longestDelay
	if r.MaxDelay > 0 {
		limit = r.MaxDelay
	}
	delay := float64(r.Interval) * math.Pow(r.BackoffRate, float64(done))
	if delay > float64(limit) || math.IsNaN(delay) {
		delay = float64(limit)
	}
	if r.FullJitter {
		delay *= random.Float64()
	}
	return time.Duration(delay)
}

// Catcher says where a Task or Parallel goes when it fails for good.
type Catcher struct {
	// ErrorEquals are the error names, reserved ones included.
	ErrorEquals []string
	// Next is the state to go to.
	Next string
	// ResultPath is where in the state's input the error goes; empty for null.
	ResultPath string
}

type catcher struct {
	errorEquals []string
	next        string
	result      resultPath
}

// matches reports whether an ErrorEquals holds for an error.
func matches(errorEquals []string, name string) bool {
	if name == ErrorRuntime || name == ErrorUnsupported {
		return false
	}
	return slices.ContainsFunc(errorEquals, func(pattern string) bool {
		switch pattern {
		case name:
			return true
		case ErrorAll:
			return name != ErrorDataLimitExceeded
		case ErrorTaskFailed:
			return name != ErrorTimeout
		case ErrorTimeout:
			return name == ErrorHeartbeatTimeout
		default:
			return false
		}
	})
}

// handlers reads Retry and Catch.
func (p *parser) handlers(s *state, o *object) {
	retriers := p.handlersOf(o, "Retry")
	for i, n := range retriers {
		if r := p.object(n); r != nil {
			s.retry = append(s.retry, p.retrier(r, i == len(retriers)-1))
		}
	}
	catchers := p.handlersOf(o, "Catch")
	for i, n := range catchers {
		if c := p.object(n); c != nil {
			s.catch = append(s.catch, p.catcher(s, c, i == len(catchers)-1))
		}
	}
}

// handlersOf reads a list that may be empty.
func (p *parser) handlersOf(o *object, key string) []*node {
	if n := o.fields[key]; n != nil {
		if items, ok := n.value.([]*node); ok && len(items) == 0 {
			o.take(key)
			return nil
		}
	}
	return p.list(o, key)
}

func (p *parser) retrier(o *object, last bool) Retrier {
	r := Retrier{
		ErrorEquals: p.errorEquals(o, last),
		Interval:    time.Duration(p.integer(o, "IntervalSeconds", 1, maxSeconds, 1)) * time.Second,
		MaxAttempts: p.integer(o, "MaxAttempts", 0, maxSeconds, 3),
		BackoffRate: p.float(o, "BackoffRate", 1, 2),
		MaxDelay:    time.Duration(p.integer(o, "MaxDelaySeconds", 1, 31622399, 0)) * time.Second,
	}
	if strategy, ok := p.text(o, "JitterStrategy"); ok {
		r.FullJitter = strategy == "FULL"
		if strategy != "FULL" && strategy != "NONE" {
			p.refuse(o.fields["JitterStrategy"].place, "must be FULL or NONE")
		}
	}
	_, _ = p.text(o, "Comment")
	p.end(o)
	return r
}

func (p *parser) catcher(s *state, o *object, last bool) catcher {
	c := catcher{errorEquals: p.errorEquals(o, last), next: p.required(o, "Next"), result: p.resultPath(o)}
	if n := o.fields["Next"]; n != nil {
		s.targets = append(s.targets, target{c.next, n.place})
	}
	_, _ = p.text(o, "Comment")
	p.end(o)
	return c
}

// errorEquals reads the error names of a retrier or catcher.
func (p *parser) errorEquals(o *object, last bool) []string {
	var names []string
	for _, n := range p.list(o, "ErrorEquals") {
		name, ok := n.value.(string)
		switch {
		case !ok || name == "":
			p.refuse(n.place, "must be an error name")
		case name == ErrorRuntime && !p.any:
			p.refuse(n.place, "%s always ends the execution: it is never matched", ErrorRuntime)
		case strings.HasPrefix(name, "States.") && !reservedNames[name] && name != ErrorRuntime:
			p.refuse(n.place, "unknown reserved error name %q", name)
		default:
			names = append(names, name)
		}
	}
	n := o.fields["ErrorEquals"]
	switch {
	case n == nil:
		p.refuse(o.place, "ErrorEquals is missing")
	case slices.Contains(names, ErrorAll) && (len(names) > 1 || !last):
		p.refuse(n.place, "%s must stand alone, in the last one", ErrorAll)
	}
	return names
}
