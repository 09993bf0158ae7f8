//go:build faults

package faults_test

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
)

// result is what became of one case.
type result struct {
	Case string `json:"case"`
	// Missed: a fault of the case never came, since the run took another way.
	Missed bool `json:"missed,omitempty"`
	verdict
	// Path is the last execution's states, where something is wrong.
	Path []string `json:"path,omitempty"`
}

// tries is how often a case is run whose faults don't all come: which of two steps at once is first is the scheduler's choice.
const tries = 3

// play runs a case in a bubble of its own and judges it.
func (b *base) play(t *testing.T, s script, want map[string]int) (out result) {
	t.Helper()
	for range tries {
		out = result{Case: s.String()}
		b.once(t, s, func(r *run, err error) {
			if err != nil {
				out.verdict = verdict{Outcome: "!", Violations: []string{err.Error()}}
			} else {
				out.verdict = r.judge(r.id, want)
			}
			for i := range s {
				out.Missed = out.Missed || !r.struck[i]
			}
			if len(out.Violations) > 0 {
				out.Path = r.path()
			}
		})
		if !out.Missed || len(out.Violations) > 0 {
			break
		}
	}
	return out
}

// once runs a case, and then calls judge within its bubble.
func (b *base) once(t *testing.T, s script, judge func(r *run, err error)) {
	t.Helper()
	dir, err := os.MkdirTemp("", "faults")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	defer func() {
		if p := recover(); p != nil { // a bubble in which everything waits for ever
			panic(fmt.Sprintf("%v\nin the case: %s", p, s))
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		r, err := open(t.Context(), dir, b, s)
		if err != nil {
			t.Fatal(err)
		}
		if b.end != nil {
			err = r.ends()
		} else if b.wish != "" {
			err = r.switches(b.wish)
		} else if id, failed := r.provision("acme-dental"); failed == nil {
			err = r.finish(id)
		} else {
			err = failed
		}
		judge(r, err)
		if err := r.w.Settle(r.ctx); err != nil {
			t.Error(err)
		}
		r.close()
	})
}

// path is what the executions went through.
func (r *run) path() (all []string) {
	for _, x := range r.w.Executions.ListExecutions() {
		visits, err := r.w.Executions.Visits(x.ARN)
		if err != nil {
			continue
		}
		all = append(all, fmt.Sprintf("%s: %s after %s", x.Name, x.Status, x.Stopped.Sub(x.Started)))
		for _, v := range visits {
			if len(v.Errors) > 0 {
				all = append(all, fmt.Sprintf("%s failed: %v", v.State, v.Errors))
			}
		}
	}
	return all
}

// playAll runs cases on all cores, and calls done with each result, in any order and one at a time. Done says whether to go on.
func (b *base) playAll(t *testing.T, cases []script, want map[string]int, done func(i int, r result) bool) {
	t.Helper()
	var mu sync.Mutex
	next, over := 0, false
	take := func() int {
		mu.Lock()
		defer mu.Unlock()
		if over || next == len(cases) {
			return -1
		}
		next++
		return next - 1
	}
	t.Run("runs", func(t *testing.T) {
		for n := range runtime.GOMAXPROCS(0) {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				t.Parallel()
				for i := take(); i >= 0; i = take() {
					out := b.play(t, cases[i], want)
					mu.Lock()
					over = !done(i, out) || over
					mu.Unlock()
				}
			})
		}
	})
}
