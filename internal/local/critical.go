package main

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
)

// The critical path is how long a provisioning takes if Fleet itself takes no time at all: the workflow's graph, in which
// each state costs only what vendors take for it. That is
//
//   - the calls that it has to make, each as long as it took, those side by side counted once;
//   - the vendors' slow work, as their simulators recorded it and whether Fleet had noticed its end or not: a project coming
//     up until its last service is healthy, a deployment until the domains lead to it, a certificate from the record that
//     allows it until it is issued. Such work runs on beside other states and holds up only the one that awaits it.
//
// Asking again and again is Fleet's way to wait, not the vendors' time: of the looks at slow work only what began after its end
// counts, and of other waits only the last round. Failed calls don't count, nor does PostgreSQL's work for migrations and
// settings. So nothing can be faster than this path.

// slowWork is work that goes on at a vendor beside the workflow.
type slowWork struct {
	begins, awaited string // states
	made, done      time.Time
}

// criticalPath is that of the provisioning that r tells of, from its begin to ACTIVE.
func (p *play) criticalPath(r report) (time.Duration, error) {
	machines, err := world.Machines()
	if err != nil {
		return 0, err
	}
	calls := map[string][]callReport{}
	for _, s := range r.Path {
		if strings.HasSuffix(s.Execution, "-"+string(fleet.Building)+"-1") {
			calls[s.State] = s.Calls
		}
	}
	t := timing{calls: calls, slow: p.slowWorks(r, calls), ends: map[string]time.Duration{}}
	t.along(machines["provision"].Graph(), 0)
	return t.ends["ActivateInstance"], nil
}

// slowWorks asks the simulators how long their slow work took.
func (p *play) slowWorks(r report, calls map[string][]callReport) []slowWork {
	v := p.system.world.Vendors
	var works []slowWork
	for _, e := range r.Resources {
		switch e.Kind {
		case fleet.SupabaseProject:
			if made, up, ok := v.Supabase.Timeline(e.ID); ok {
				works = append(works, slowWork{"CreateProject", "AwaitProject", made, up})
			}
		case fleet.VercelDeployment:
			if made, live, ok := v.Vercel.Timeline(e.ID); ok {
				works = append(works, slowWork{"DeployFrontend", "AwaitFrontend", made, live})
			}
		case fleet.VercelDomain:
			certificate, ok := v.Vercel.Certificate(e.Name)
			if published := recordPublished(calls["ConfigureDNS"]); ok && !published.IsZero() {
				works = append(works, slowWork{"ConfigureDNS", "AwaitCertificate", published, certificate.At})
			}
		}
	}
	return works
}

// recordPublished is when the instance's record was there: from then on Vercel may have a certificate issued.
func recordPublished(calls []callReport) time.Time {
	for _, c := range calls {
		if c.Call == "cloudflare.CreateRecord" {
			return c.End
		}
	}
	return time.Time{}
}

// timing goes through a graph in the time that vendors need.
type timing struct {
	calls map[string][]callReport
	slow  []slowWork
	ends  map[string]time.Duration // of states, since the beginning
}

// along gives when a graph that is begun at a time ends.
func (t timing) along(g asl.Graph, at time.Duration) time.Duration {
	for _, s := range g.Mainline() {
		if s.Type == asl.Parallel {
			begun := at
			for _, branch := range s.Branches {
				at = max(at, t.along(branch, begun))
			}
		} else {
			at = t.through(s.Name, at)
		}
		t.ends[s.Name] = at
	}
	return at
}

// through gives when a state that is entered at a time ends.
func (t timing) through(state string, at time.Duration) time.Duration {
	for _, work := range t.slow {
		if work.awaited == state {
			at = max(at, t.ends[work.begins]-t.early(work)+work.done.Sub(work.made))
			return at + sideBySide(begunAfter(t.calls[state], work.done))
		}
	}
	if strings.HasPrefix(state, "Await") {
		return at + lastRound(t.calls[state])
	}
	return at + sideBySide(t.calls[state])
}

// early is by how much the work began before the end of the state that began it: its vendor had begun before it answered.
func (t timing) early(work slowWork) time.Duration {
	var end time.Time
	for _, c := range t.calls[work.begins] {
		if c.answered() && c.End.After(end) {
			end = c.End
		}
	}
	return min(max(0, end.Sub(work.made)), sideBySide(t.calls[work.begins]))
}

func begunAfter(calls []callReport, at time.Time) []callReport {
	var after []callReport
	for _, c := range calls {
		if c.Start.After(at) {
			after = append(after, c)
		}
	}
	return after
}

// answered reports whether a call was answered, and well.
func (c callReport) answered() bool { return c.Status >= 200 && c.Status < 400 }

// lastRound is how long the last call of each operation took.
func lastRound(calls []callReport) (sum time.Duration) {
	last := map[string]time.Duration{}
	for _, c := range calls {
		if c.answered() {
			last[c.Call] = c.End.Sub(c.Start)
		}
	}
	for _, d := range last {
		sum += d
	}
	return sum
}

// sideBySide is for how long at least one call was under way.
func sideBySide(calls []callReport) (sum time.Duration) {
	sorted := slices.SortedFunc(slices.Values(calls), func(a, b callReport) int { return cmp.Compare(a.Start.UnixNano(), b.Start.UnixNano()) })
	var until time.Time
	for _, c := range sorted {
		if !c.answered() {
			continue
		}
		from := c.Start
		if from.Before(until) {
			from = until
		}
		if c.End.After(from) {
			sum += c.End.Sub(from)
			until = c.End
		}
	}
	return sum
}
