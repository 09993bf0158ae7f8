package arch

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/step/bounds"
)

// deadlines are those of the operations that a workflow runs.
var deadlines = map[string]time.Duration{
	"provision":    max(bounds.Provision, bounds.Notify),
	"teardown":     bounds.Teardown,
	"terminate":    bounds.Confirm,
	"suspend":      max(bounds.Switch, bounds.Undo, bounds.Notify),
	"resume":       max(bounds.Switch, bounds.Undo, bounds.Notify),
	"export":       bounds.Export,
	"import":       bounds.Export,
	"decommission": bounds.Export,
	"close":        max(bounds.Switch, bounds.Undo, bounds.Export),
}

// reserved are the error names of Amazon States Language.
var reserved = []string{
	"States.ALL", "States.DataLimitExceeded", "States.ExceedToleratedFailureThreshold", "States.HeartbeatTimeout",
	"States.Http.Socket", "States.IntrinsicFailure", "States.ItemReaderFailed", "States.NoChoiceMatched",
	"States.ParameterPathFailure", "States.Permissions", "States.QueryEvaluationError", "States.ResultPathMatchFailure",
	"States.ResultWriterFailed", "States.Runtime", "States.TaskFailed", "States.Timeout",
}

// definition is one workflow as it is written, each placeholder standing for itself.
type definition struct {
	name, file string
	machine    *asl.Machine
	states     []asl.State // those of branches as well
	problems   []string
}

func definitions(root string) (all []definition) {
	itself := map[string]string{}
	for _, name := range usedPlaceholders(root, func(string, ...any) {}) {
		itself[name] = name
	}
	for _, name := range entries(root, "statemachines", ".asl.json") {
		d := definition{name: name, file: "statemachines/" + name + ".asl.json"}
		text, err := os.ReadFile(filepath.Join(root, d.file))
		if err == nil {
			d.machine, err = asl.Parse(text, itself)
		}
		if refused, ok := errors.AsType[*asl.LoadError](err); ok {
			for _, p := range refused.Problems {
				d.problems = append(d.problems, d.file+": "+p.String())
			}
		} else if err != nil {
			d.problems = append(d.problems, d.file+": "+err.Error())
		}
		if d.machine != nil {
			d.machine.Graph().Walk(func(s asl.State) { d.states = append(d.states, s) })
		}
		all = append(all, d)
	}
	return all
}

// checkWorkflows holds the definitions to the rules of retrying, catching and time. That every state can be reached and
// leads somewhere is the interpreter's own condition, and its complaints are reported here.
func checkWorkflows(root string) (broken []string) {
	for _, d := range definitions(root) {
		broken = append(broken, d.problems...)
		if d.machine == nil {
			continue
		}
		report := func(s asl.State, format string, args ...any) {
			broken = append(broken, fmt.Sprintf("%s: %s: %s", d.file, s.Name, fmt.Sprintf(format, args...)))
		}
		deadline, known := deadlines[d.name]
		if !known {
			broken = append(broken, d.file+": the deadline of its operation is not known to this test")
		}
		g := d.machine.Graph()
		if g.Timeout <= deadline {
			broken = append(broken, fmt.Sprintf("%s: it times out after %s, not after its operation's deadline of %s", d.file, g.Timeout, deadline))
		}
		checkCaught(g, false, report)
		checkSuperseded(g, report)
		for _, s := range d.states {
			checkErrorNames(s, report)
			if s.Type == asl.Task {
				checkTimeout(s, report)
				checkRetry(s, deadline, report)
			}
		}
	}
	return broken
}

type reporter func(s asl.State, format string, args ...any)

// checkTimeout wants a Task to outlive its Lambda: one that gives up first would hide the Lambda's own answer.
func checkTimeout(s asl.State, report reporter) {
	if s.Timeout == 0 {
		report(s, "the Task has no TimeoutSeconds")
		return
	}
	if f, ok := catalog.ByState(s.Function); ok && s.Timeout <= time.Duration(f.Timeout)*time.Second {
		report(s, "its timeout of %s is not longer than its Lambda's %ds", s.Timeout, f.Timeout)
	}
}

// checkCaught wants every error of a Task to be caught, by itself or by a Parallel around it.
func checkCaught(g asl.Graph, around bool, report reporter) {
	for _, s := range g.States {
		caught := around || slices.ContainsFunc(s.Catch, func(c asl.Catcher) bool { return slices.Contains(c.ErrorEquals, "States.ALL") })
		if s.Type == asl.Task && !caught {
			report(s, "nothing catches States.ALL, neither its own Catch nor one around it")
		}
		for _, branch := range s.Branches {
			checkCaught(branch, caught, report)
		}
	}
}

// checkSuperseded wants a run whose lease was taken over to end quietly: wherever StaleEpoch may come up in the machine's own
// states, the first Catch is for it alone and leads to a Succeed.
func checkSuperseded(g asl.Graph, report reporter) {
	for _, s := range g.States {
		if !stale(s) {
			continue
		}
		if len(s.Catch) == 0 || !slices.Equal(s.Catch[0].ErrorEquals, []string{string(fault.StaleEpoch)}) {
			report(s, "StaleEpoch has no Catch of its own before the others")
			continue
		}
		if to, _ := g.Find(s.Catch[0].Next); to.Type != asl.Succeed {
			report(s, "after StaleEpoch the execution does not end quietly")
		}
	}
}

// stale reports whether StaleEpoch comes out of a state: of a Task, or of one in a branch that doesn't catch it there.
func stale(s asl.State) bool {
	if s.Type == asl.Task {
		return true
	}
	caught := func(c asl.Catcher) bool {
		return slices.Contains(c.ErrorEquals, "States.ALL") || slices.Contains(c.ErrorEquals, string(fault.StaleEpoch))
	}
	for _, branch := range s.Branches {
		for _, inner := range branch.States {
			if stale(inner) && !slices.ContainsFunc(inner.Catch, caught) {
				return true
			}
		}
	}
	return false
}

// checkErrorNames wants names that somebody raises: a misspelt one matches nothing, silently.
func checkErrorNames(s asl.State, report reporter) {
	var names []string
	for _, r := range s.Retry {
		names = append(names, r.ErrorEquals...)
	}
	for _, c := range s.Catch {
		names = append(names, c.ErrorEquals...)
	}
	for _, name := range names {
		if !slices.Contains(reserved, name) && !slices.Contains(fault.Codes(), fault.Code(name)) {
			report(s, "no error is called %q", name)
		}
	}
}

// checkRetry wants the four retriers, in this order: permanent faults never; throttling and outages with backoff and full
// jitter; NotReady without jitter and past the operation's deadline, which is what decides; then whatever kills a Lambda.
func checkRetry(s asl.State, deadline time.Duration, report reporter) {
	if len(s.Retry) != 4 {
		report(s, "it has %d retriers instead of 4", len(s.Retry))
		return
	}
	var permanent []string
	for _, c := range fault.Codes() {
		if !c.Transient() {
			permanent = append(permanent, string(c))
		}
	}
	for i, want := range [][]string{permanent, {"Throttled", "Unavailable"}, {"NotReady"}, {"States.TaskFailed", "States.Timeout"}} {
		have := slices.Clone(s.Retry[i].ErrorEquals)
		slices.Sort(have)
		slices.Sort(want)
		if !slices.Equal(have, want) {
			report(s, "Retry[%d] is for %v instead of %v", i, have, want)
			return
		}
	}
	if s.Retry[0].MaxAttempts != 0 {
		report(s, "permanent faults are tried again")
	}
	for _, i := range []int{1, 3} {
		if r := s.Retry[i]; !r.FullJitter || r.BackoffRate <= 1 || r.MaxAttempts == 0 {
			report(s, "Retry[%d] must back off with full jitter", i)
		}
	}
	ready := s.Retry[2]
	if ready.FullJitter {
		report(s, "NotReady is retried with jitter, so no sum of waits is certain")
	} else if sum := waits(ready, deadline); sum <= deadline {
		report(s, "NotReady is retried for %s, not past the operation's deadline of %s", sum, deadline)
	}
}

// waits sums the delays of a retrier without jitter, until they exceed enough.
func waits(r asl.Retrier, enough time.Duration) (sum time.Duration) {
	never := rand.New(rand.NewPCG(0, 0)) // not drawn from without jitter
	for done := int64(0); done < r.MaxAttempts && sum <= enough; done++ {
		sum += r.Delay(done, never)
	}
	return sum
}
