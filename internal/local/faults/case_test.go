//go:build faults

package faults_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/sim"
)

// harm is what happens at a commit.
type harm string

const (
	crashBefore harm = "crash-before" // the invocation dies before the commit
	crashAfter  harm = "crash-after"  // it dies after it
	answerLost  harm = "answer-lost"  // the commit is made, and nobody learns it
	twice       harm = "twice"        // before it, the same step begins once more, at once
	takenOver   harm = "taken-over"   // before it, a take-down takes the lease over
	overtaken   harm = "overtaken"    // the same, and the commit comes only when the take-down has had time for much
	passed      harm = "passed"       // the same after the commit: what comes next comes late
	stopped     harm = "stopped"      // before it, somebody stops the execution
	comes       harm = "due"          // before it, the calendar's word comes, twice at once
	unavailable harm = "unavailable"  // the store of files refuses the write
)

func harms() []harm {
	return []harm{crashBefore, crashAfter, answerLost, twice, takenOver, overtaken, passed, stopped, comes, unavailable}
}

// strike is one fault: of a call, or at a commit; or how far all lists lag behind; or what the world draws its latencies and the
// clocks' skews from.
type strike struct {
	call  sim.Rule // where Call isn't empty
	point world.Point
	harm  harm
	lag   time.Duration
	seed  uint64
}

func (s strike) String() string {
	if s.harm != "" {
		return pointName(s.point) + "=" + string(s.harm)
	}
	if s.lag > 0 {
		return "lag=" + s.lag.String()
	}
	if s.seed > 0 {
		return "seed=" + strconv.FormatUint(s.seed, 10)
	}
	after, which := "", strconv.Itoa(s.call.From)
	if s.call.Kind == sim.Delayed || s.call.Kind == sim.Late || s.call.Kind == sim.TooManyRetry {
		after = ":" + s.call.After.String()
	}
	switch s.call.To {
	case s.call.From:
	case 0:
		which += "+"
	default:
		which += "-" + strconv.Itoa(s.call.To)
	}
	return s.call.Call + "=" + string(s.call.Kind) + after + "@" + which
}

// script is a case: the faults of one run.
type script []strike

func (s script) String() string {
	texts := make([]string, len(s))
	for i, one := range s {
		texts[i] = one.String()
	}
	return strings.Join(texts, ",")
}

// parse reads a case as String writes it.
func parse(text string) (all script, err error) {
	for _, one := range strings.Split(text, ",") {
		at, what, _ := strings.Cut(strings.TrimSpace(one), "=")
		var s strike
		switch {
		case at == "lag":
			s.lag, err = time.ParseDuration(what)
		case at == "seed":
			s.seed, err = strconv.ParseUint(what, 10, 64)
		case slices.Contains(harms(), harm(what)):
			s.harm = harm(what)
			s.point, err = parsePoint(at)
		default:
			var rules []sim.Rule
			if rules, err = sim.ParseRules(one); err == nil && len(rules) == 1 {
				s.call = rules[0]
			}
		}
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// pointName is "function.invocation.commit", or "function.invocation.wN" for the Nth write that is none: of a file, to a vendor, or in
// the calendar.
func pointName(p world.Point) string {
	write := "w"
	if p.Commit {
		write = ""
	}
	return fmt.Sprintf("%s.%d.%s%d", p.Function, p.Invocation, write, p.N)
}

func parsePoint(text string) (world.Point, error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return world.Point{}, fmt.Errorf("%q: want function.invocation.commit", text)
	}
	invocation, err := strconv.Atoi(parts[1])
	number, write := strings.CutPrefix(parts[2], "w")
	n, errN := strconv.Atoi(number)
	return world.Point{Function: parts[0], Invocation: invocation, N: n, Commit: !write}, errors.Join(err, errN)
}

// rules are those of the case's faults that are calls'.
func (s script) rules() (rules []sim.Rule) {
	for _, one := range s {
		if one.call.Call != "" {
			rules = append(rules, one.call)
		}
	}
	return rules
}

// options changes a world's as the case says.
func (s script) options(o *world.Options) {
	o.Script = sim.NewScript(s.rules()...)
	for _, one := range s {
		o.Latency.Lag = max(o.Latency.Lag, one.lag)
		if one.seed > 0 {
			o.Seed = one.seed
		}
	}
}
