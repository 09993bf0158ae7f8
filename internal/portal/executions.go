package portal

import (
	"encoding/json"
	"net/http"
	"slices"
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

func (p *Portal) executionList(w http.ResponseWriter, _ *http.Request, o visitor) error {
	all := p.runs()
	f := p.console(o, "Executions", "executions").with(all)
	f.Refresh = refreshed(slices.ContainsFunc(all, func(r run) bool { return r.Status == asl.Running }))
	p.pages.show(w, http.StatusOK, "executions", f)
	return nil
}

// cell is a state in the picture of an execution.
type cell struct {
	Name string
	// Tone is how it stands: good, busy, wait, bad, or empty for one that was not entered.
	Tone string
	// Says is that in words, with its time.
	Says   string
	Tries  int64
	Errors []string
}

// block is one state, or branches of states side by side.
type block struct {
	Cell    *cell
	Columns [][]cell
}

type executionPage struct {
	run
	Blocks []block
	// Other are states beside the way of success that were entered.
	Other []cell
}

// execution shows one: its states in the order of the way when all goes well, with what became of each.
func (p *Portal) execution(w http.ResponseWriter, r *http.Request, o visitor) error {
	all := p.runs()
	i := slices.IndexFunc(all, func(x run) bool { return x.Machine == r.PathValue("machine") && x.Name == r.PathValue("id") })
	if i < 0 {
		return problem{Status: http.StatusNotFound, Title: "Not found", Detail: "There is no such execution."}
	}
	page := executionPage{run: all[i]}
	visits, err := p.options.Executions.Visits(page.ARN)
	if err != nil {
		return problem{Status: http.StatusNotFound, Title: "Not found", Detail: "The execution is gone."}
	}
	d := drawing{visits: map[string]asl.Visit{}, drawn: map[string]bool{}, now: p.options.Clock.Now(), over: page.Status != asl.Running}
	for _, v := range visits {
		d.visits[v.State] = v
	}
	graph := p.options.Graphs[page.Machine]
	page.Blocks = d.blocks(graph)
	graph.Walk(func(s asl.State) {
		if v, entered := d.visits[s.Name]; entered && !d.drawn[s.Name] && s.Type == asl.Task {
			page.Other = append(page.Other, d.cell(v.State))
		}
	})
	f := p.console(o, "Execution", "executions").with(page)
	if !d.over {
		f.Refresh = moving
	}
	p.pages.show(w, http.StatusOK, "execution", f)
	return nil
}

// drawing is an execution under the pencil.
type drawing struct {
	visits map[string]asl.Visit // the last of each state
	drawn  map[string]bool
	now    time.Time
	over   bool
}

// blocks draws the way of success.
func (d drawing) blocks(g asl.Graph) (all []block) {
	for _, s := range g.Mainline() {
		d.drawn[s.Name] = true
		switch s.Type {
		case asl.Task:
			c := d.cell(s.Name)
			all = append(all, block{Cell: &c})
		case asl.Parallel:
			var b block
			for _, branch := range s.Branches {
				var column []cell
				for _, inner := range branch.Mainline() {
					if d.drawn[inner.Name] = true; inner.Type == asl.Task {
						column = append(column, d.cell(inner.Name))
					}
				}
				b.Columns = append(b.Columns, column)
			}
			all = append(all, b)
		}
	}
	return all
}

func (d drawing) cell(name string) cell {
	v, entered := d.visits[name]
	c := cell{Name: name, Tries: v.Attempts, Errors: v.Errors}
	givenUp := v.Outcome != "" && len(v.Errors) > 0 && int64(len(v.Errors)) >= v.Attempts
	switch {
	case !entered && d.over:
		c.Says = "not reached"
	case !entered:
		c.Says = "to come"
	case v.Outcome == asl.VisitAborted:
		c.Tone, c.Says = "over", "dropped"
	case givenUp:
		c.Tone, c.Says = "bad", "failed after "+took(v.Left.Sub(v.Entered))
	case v.Outcome == asl.VisitExited:
		c.Tone, c.Says = "good", took(v.Left.Sub(v.Entered))
	case !v.RetryAt.IsZero():
		c.Tone, c.Says = "wait", "again in "+took(v.RetryAt.Sub(d.now))
	default:
		c.Tone, c.Says = "busy", took(d.now.Sub(v.Entered))
	}
	return c
}
