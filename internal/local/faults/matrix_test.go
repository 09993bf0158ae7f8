//go:build faults

package faults_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/sim"
)

// workflow is one half of the matrix: what is recorded of it, and what fails anyway so that it comes about.
type workflow struct {
	name   string
	given  script // what fails in each of its runs
	calls  []placedCall
	points []world.Point  // its commits
	kinds  map[string]int // what the vendors hold in the end
	// usual is how a run ends over whose fault another try helps.
	usual string
	base  *base // in which its runs begin
}

// late is what fails in a provisioning that is to be taken down: the last call of a vendor but one, when all is there.
func late() script {
	return script{{call: sim.Rule{Call: "cloudflare.UpdateRecord", Kind: sim.Denied, From: 1}}}
}

// refused is what fails in a suspension that is to be undone.
func refused() script {
	return script{{call: sim.Rule{Call: "supabase.UpdateLegacyKeys", Kind: sim.Denied, From: 1, To: 1}}}
}

// record runs a workflow without faults.
func (b *base) record(t *testing.T, name, usual string, given script) *workflow {
	t.Helper()
	f := &workflow{name: name, given: given, usual: usual, base: b}
	b.once(t, given, func(r *run, err error) {
		if err != nil {
			t.Fatal(err)
		}
		f.kinds = r.heldKinds()
		if v := r.judge(r.id, f.kinds); v.Outcome != usual || len(v.Violations) > 0 {
			t.Fatalf("without faults it ends as %+v", v)
		}
		if open, err := r.open(r.id); given == nil && (err != nil || len(open) > 0) {
			t.Fatalf("without faults these are open: %+v, %v", open, err)
		}
		f.calls = f.number(byStart(r.calls))
		for _, p := range r.points {
			if b.end != nil || name != "teardown" && (b.wish == "" || given == nil) || takesDown(p.Function) || b.wish != "" && undoes(p.Function) {
				f.points = append(f.points, p)
			}
		}
	})
	slices.SortFunc(f.points, func(a, b world.Point) int {
		return cmp.Or(cmp.Compare(order(a.Function), order(b.Function)), cmp.Compare(a.Invocation, b.Invocation), cmp.Compare(pointName(a), pointName(b)))
	})
	return f
}

// number counts each call among those of its operation, in the order in which they were sent, and gives the workflow's own, step by
// step.
func (f *workflow) number(calls []placedCall) (own []placedCall) {
	counts := map[string]int{}
	for _, c := range calls {
		operation := c.Vendor + "." + c.Operation
		counts[operation]++
		if c.n = counts[operation]; f.owns(c) {
			own = append(own, c)
		}
	}
	slices.SortStableFunc(own, func(a, b placedCall) int { return cmp.Compare(order(a.place.Function), order(b.place.Function)) })
	return own
}

// owns tells whether a call is the workflow's own, or of a mail that it has sent.
func (f *workflow) owns(c placedCall) bool {
	if f.base.end == nil {
		return c.place.Machine == f.name
	}
	return slices.Contains(f.base.end.machines, c.place.Machine) || c.place.Machine == "" && c.Operation == "SendMail"
}

// order is a function's place in the catalog, which has them in the order of their workflow.
func order(function string) int {
	return slices.IndexFunc(catalog.Functions(), func(f catalog.Function) bool { return f.Name == function })
}

// takesDown tells whether a function is one of a take-down's.
func takesDown(function string) bool {
	return function == "begin-teardown" || function == "end-operation" || strings.HasPrefix(function, "remove-")
}

// undoes tells whether a function is one of what undoes a suspension.
func undoes(function string) bool {
	return slices.Contains([]string{"begin-undo", "unpause-frontend", "restore-host", "reactivate-sms", "enable-email", "allow-sign-in", "mark-resumed"}, function)
}

// cell is a place in the table.
type cell struct {
	row    int // the calls first, then the commits
	column string
	faults script
	want   string // how it has to end; empty where both ends are good
}

// cells are all of a workflow's.
func (f *workflow) cells() (all []cell) {
	for row := range f.calls {
		for _, c := range columns() {
			want := f.usual
			if c.fails {
				want = cmp.Or(map[string]string{"suspend": "A", "resume": "S"}[f.name], "C")
				if f.base.end != nil {
					want = f.usual // it is tried again, by an operator where something was to be deleted
				}
			}
			if s := c.faults(f, row); s != nil {
				all = append(all, cell{row, c.name, append(slices.Clone(f.given), s...), want})
			}
		}
	}
	for i, p := range f.points {
		for _, h := range f.harms(p) {
			want := f.usual
			if slices.Contains([]harm{takenOver, overtaken, passed, stopped}, h) { // before the activation it is taken down, after it it stays
				want = ""
			}
			all = append(all, cell{len(f.calls) + i, string(h), append(slices.Clone(f.given), strike{point: p, harm: h}), want})
		}
	}
	return all
}

// harms are those that may come at a point: at a write that is no commit an invocation dies, or is cancelled, and files may not be
// written; only an end has a calendar.
func (f *workflow) harms(p world.Point) []harm {
	all := harms()
	without := func(unwanted ...harm) {
		all = slices.DeleteFunc(all, func(h harm) bool { return slices.Contains(unwanted, h) })
	}
	does, _ := catalog.ByName(p.Function)
	switch files := slices.Contains(does.Grants, catalog.Exports) || slices.Contains(does.Grants, catalog.Archive); {
	case p.Commit:
		without(unavailable)
	case files:
		all = []harm{crashBefore, crashAfter, takenOver, answerLost, unavailable}
	default:
		all = []harm{crashBefore, crashAfter, takenOver}
	}
	if f.base.end == nil {
		without(comes)
	}
	if f.base.end != nil && f.base.end.certain {
		without(takenOver, overtaken, passed)
	}
	return all
}

// rowName names a row.
func (f *workflow) rowName(row int) string {
	if row < len(f.calls) {
		return fmt.Sprintf("%s.%s@%d", f.calls[row].Vendor, f.calls[row].Operation, f.calls[row].n)
	}
	return pointName(f.points[row-len(f.calls)])
}

// played is a cell and what became of its case.
type played struct {
	cell
	result
}

// matrix plays a workflow's cells, each nth of them.
func (b *base) matrix(t *testing.T, f *workflow, want map[string]int) (all []played) {
	t.Helper()
	var cases []script
	for i, c := range f.cells() {
		if i%*sample == 0 {
			all, cases = append(all, played{cell: c}), append(cases, c.faults)
		}
	}
	b.playAll(t, cases, want, func(i int, r result) bool {
		all[i].expect(&r)
		all[i].result = r
		tell(t, f.name, r)
		return true
	})
	return all
}

// expect judges beyond a run's own judgement: a fault over which another try helps takes nothing down.
func (c cell) expect(r *result) {
	proved := c.want == "T" && r.Outcome == "R" && c.column == "delayed+fails"
	if c.want != "" && r.Outcome != c.want && r.Outcome != "!" && !proved {
		r.Violations = append(r.Violations, fmt.Sprintf("it ends as %s, want %s", r.Outcome, c.want))
	}
}
