package portal

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/fleet"
)

// run is an execution as pages show it.
type run struct {
	asl.Execution
	Instance string
	Took     time.Duration
}

// runs are the executions, newest first.
func (p *Portal) runs() []run {
	var all []run
	for _, x := range p.options.Executions.ListExecutions() {
		r := run{Execution: x, Took: x.Stopped.Sub(x.Started)}
		if x.Stopped.IsZero() {
			r.Took = p.options.Clock.Now().Sub(x.Started)
		}
		var in fleet.RunInput
		if json.Unmarshal(x.Input, &in) == nil {
			r.Instance = in.InstanceID
		}
		all = append(all, r)
	}
	slices.Reverse(all)
	return all
}

// executionsPage is the list, and what it is filtered by; empty for all.
type executionsPage struct {
	Runs                       []run
	Total                      int
	Status, Workflow, Instance string
	Statuses, Workflows        []string
}

// executionList shows the executions of a status, a workflow and an instance, whose id may be cut short.
func (p *Portal) executionList(w http.ResponseWriter, r *http.Request, o visitor) error {
	q, all := r.URL.Query(), p.runs()
	page := executionsPage{Total: len(all), Status: q.Get("status"), Workflow: q.Get("workflow"), Instance: strings.ToLower(strings.TrimSpace(q.Get("instance"))),
		Workflows: slices.Sorted(maps.Keys(p.options.Graphs))}
	for _, s := range []asl.Status{asl.Running, asl.Succeeded, asl.Failed, asl.TimedOut, asl.Aborted} {
		page.Statuses = append(page.Statuses, string(s))
	}
	for _, x := range all {
		if (page.Status == "" || page.Status == string(x.Status)) && (page.Workflow == "" || page.Workflow == x.Machine) &&
			strings.HasPrefix(x.Instance, page.Instance) {
			page.Runs = append(page.Runs, x)
		}
	}
	f := p.console(o, "Executions", "executions").with(page)
	f.Refresh = refreshed(slices.ContainsFunc(all, func(r run) bool { return r.Status == asl.Running }))
	p.pages.show(w, http.StatusOK, "executions", f)
	return nil
}
