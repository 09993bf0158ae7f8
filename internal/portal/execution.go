package portal

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/project-gimbal/fleet/internal/asl"
)

// cell is how a state stands in an execution.
type cell struct {
	Name string
	// Tone is how it stands: good, busy, wait, bad, over, or empty for one that was not entered.
	Tone string
	// Says is that in words, with its time.
	Says string
}

// node is a state in the picture.
type node struct {
	box
	cell
	Chosen bool
}

// line is a way in the picture.
type line struct {
	edge
	Taken bool
	// Caught says that an error took it, which may lead where success leads.
	Caught bool
}

// Head names the marker at its end.
func (l line) Head() string {
	switch {
	case l.Caught:
		return "arrow-caught"
	case l.Taken:
		return "arrow-taken"
	}
	return "arrow"
}

type executionPage struct {
	run
	Width, Height float64
	Nodes         []node
	// Lines are the ways, those that were taken last: they are drawn over the others.
	Lines []line
	// State is the one that was chosen; nil for none.
	State  *statePage
	Events []eventRow
	// Left counts the older events that are not in Events.
	Left int
}

// find is the execution that a request is about.
func (p *Portal) find(r *http.Request) (run, error) {
	all := p.runs()
	i := slices.IndexFunc(all, func(x run) bool { return x.Machine == r.PathValue("machine") && x.Name == r.PathValue("id") })
	if i < 0 {
		return run{}, problem{Status: http.StatusNotFound, Title: "Not found", Detail: "There is no such execution."}
	}
	return all[i], nil
}

// draw reads how the states of an execution stand.
func (p *Portal) draw(x run) (drawing, error) {
	visits, events, err := p.options.Executions.Course(x.ARN)
	if err != nil {
		return drawing{}, problem{Status: http.StatusNotFound, Title: "Not found", Detail: "The execution is gone."}
	}
	d := drawing{visits: map[string][]asl.Visit{}, history: newHistory(events), now: p.options.Clock.Now(), over: x.Status != asl.Running}
	for _, v := range visits {
		d.visits[v.State] = append(d.visits[v.State], v)
	}
	return d, nil
}

// execution shows one as its definition's graph, with what became of each state; what is known of the state that ?state names; and
// its history.
func (p *Portal) execution(w http.ResponseWriter, r *http.Request, o visitor) error {
	x, err := p.find(r)
	if err != nil {
		return err
	}
	d, err := p.draw(x)
	if err != nil {
		return err
	}
	picture := p.diagrams[x.Machine]
	page := executionPage{run: x, Width: picture.Width, Height: picture.Height, Lines: d.lines(picture.Edges)}
	for _, b := range picture.Boxes {
		n := node{box: b, cell: d.cell(b.State.Name), Chosen: b.State.Name == r.URL.Query().Get("state")}
		if n.Chosen {
			page.State = p.state(x, b.State, n.cell, d.visits[b.State.Name], d.history)
		}
		page.Nodes = append(page.Nodes, n)
	}
	page.Events, page.Left = d.history.rows(x.Started)
	f := p.console(o, "Execution", "executions").with(page)
	if !d.over {
		f.Refresh = moving
	}
	p.pages.show(w, http.StatusOK, "execution", f)
	return nil
}

// drawing is an execution under the pencil.
type drawing struct {
	visits  map[string][]asl.Visit // of each state; of one in a Map there is a visit for each iteration
	history history
	now     time.Time
	over    bool
}

// lines are the ways as the execution took them.
func (d drawing) lines(edges []edge) (all []line) {
	taken := d.history.ways()
	for _, e := range edges {
		by, is := taken[[2]string{e.From, e.To}]
		all = append(all, line{edge: e, Taken: is, Caught: slices.ContainsFunc(d.visits[e.From], func(v asl.Visit) bool { return v.ID == by && givenUp(v) })})
	}
	slices.SortStableFunc(all, func(a, b line) int {
		switch {
		case a.Taken == b.Taken:
			return 0
		case a.Taken:
			return 1
		}
		return -1
	})
	return all
}

// tones are in the order in which one visit's hides another's.
var tones = []string{"bad", "wait", "busy", "over", "good"}

// cell is how a state stands: as the worst of its visits does.
func (d drawing) cell(name string) cell {
	c := cell{Name: name, Says: "to come"}
	if d.over {
		c.Says = "not reached"
	}
	visits, worst := d.visits[name], len(tones)
	for _, v := range visits {
		tone, says := d.stands(v)
		if at := slices.Index(tones, tone); at < worst {
			worst, c.Tone, c.Says = at, tone, says
		}
	}
	if len(visits) > 1 {
		c.Says = fmt.Sprintf("%d×, %s", len(visits), c.Says)
	}
	return c
}

// givenUp reports whether the state's last attempt failed, so that it was left by an error.
func givenUp(v asl.Visit) bool {
	return v.Outcome != "" && len(v.Errors) > 0 && int64(len(v.Errors)) >= v.Attempts
}

// stands is how a visit went or goes.
func (d drawing) stands(v asl.Visit) (tone, says string) {
	switch {
	case v.Outcome == asl.VisitAborted:
		tone, says = "over", "dropped"
	case givenUp(v), v.Outcome == asl.VisitFailed:
		tone, says = "bad", "failed after "+took(v.Left.Sub(v.Entered))
	case v.Outcome == asl.VisitExited:
		tone, says = "good", took(v.Left.Sub(v.Entered))
	case !v.RetryAt.IsZero():
		tone, says = "wait", "again in "+took(v.RetryAt.Sub(d.now))
	default:
		tone, says = "busy", took(d.now.Sub(v.Entered))
	}
	if v.Attempts > 1 {
		says += fmt.Sprintf(", try %d", v.Attempts)
	}
	return tone, says
}
