//go:build faults

package faults_test

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"testing"
)

// report is what is printed, and written as JSON.
type report struct {
	Machine   string     `json:"machine"`
	Took      string     `json:"took"`
	Sample    int        `json:"sample"` // each nth case was played
	Workflows []*section `json:"workflows"`
	Random    []seeded   `json:"random"`
}

// section is a workflow's part.
type section struct {
	Workflow string `json:"workflow"`
	Calls    []line `json:"calls"`
	Commits  []line `json:"commits"`
}

// line is a row: the results by the fault's name. One that does to a read just what another does is not there.
type line struct {
	At      string            `json:"at"`
	Results map[string]result `json:"results"`
}

func (r *report) add(f *workflow, all []played) {
	s := &section{Workflow: f.name}
	for row := range len(f.calls) + len(f.points) {
		l := line{At: f.rowName(row), Results: map[string]result{}}
		if row < len(f.calls) {
			s.Calls = append(s.Calls, l)
		} else {
			s.Commits = append(s.Commits, l)
		}
	}
	for _, p := range all {
		if p.row < len(f.calls) {
			s.Calls[p.row].Results[p.column] = p.result
		} else {
			s.Commits[p.row-len(f.calls)].Results[p.column] = p.result
		}
	}
	r.Workflows = append(r.Workflows, s)
}

// print prints the tables and the sum, and writes the JSON.
func (r *report) print(t *testing.T) {
	t.Helper()
	r.Machine = fmt.Sprintf("%d cores, %s/%s, %s", runtime.GOMAXPROCS(0), runtime.GOOS, runtime.GOARCH, runtime.Version())
	fmt.Println("A: ACTIVE with one resource of each kind. S: SUSPENDED, each switch stopped. C: TERMINATED, nothing left at any vendor.")
	fmt.Println("N: in its notice, G: in its grace, with a verified export each. T: TERMINATED, with the proof. E: exported. R: as C or T, after an operator's retry.")
	fmt.Println("The number is the seconds of virtual time. !: a violation. (): the fault did not come. A blank: to a read, another column's fault.")
	runs, missed, violations := 0, 0, 0
	count := func(one result) {
		runs++
		if one.Missed {
			missed++
		}
		if len(one.Violations) > 0 {
			violations++
		}
	}
	for _, s := range r.Workflows {
		var names []string
		for _, c := range columns() {
			names = append(names, c.name)
		}
		printTable(s.Workflow+": calls", names, s.Calls)
		names = nil
		for _, h := range harms() {
			names = append(names, string(h))
		}
		printTable(s.Workflow+": commits", names, s.Commits)
		for _, l := range append(s.Calls, s.Commits...) {
			for _, one := range l.Results {
				count(one)
			}
		}
	}
	if missed > runs/50 {
		t.Errorf("of %d faults %d did not come: the matrix shows little", runs, missed)
	}
	outcomes := map[string]int{}
	for _, one := range r.Random {
		count(one.result)
		outcomes[one.Outcome]++
	}
	fmt.Printf("\n%d random cases ended as: %v\n", len(r.Random), outcomes)
	fmt.Printf("%d runs in %s on %s: %d violations; %d times a fault did not come\n", runs, r.Took, r.Machine, violations, missed)
	if *output == "" {
		return
	}
	text, err := json.MarshalIndent(r, "", " ")
	if err == nil {
		err = os.WriteFile(*output, text, 0o644)
	}
	if err != nil {
		t.Error(err)
	}
}

func printTable(title string, columns []string, rows []line) {
	const first = 36
	fmt.Printf("\n%-*s", first, title)
	for _, c := range columns {
		fmt.Printf(" %12s", c)
	}
	fmt.Println()
	for _, row := range rows {
		fmt.Printf("%-*s", first, row.At)
		for _, c := range columns {
			text := ""
			if one, ok := row.Results[c]; ok {
				text = fmt.Sprintf("%s %d", one.Outcome, one.Seconds)
				if len(one.Violations) > 0 {
					text = "! " + text
				}
				if one.Missed {
					text = "(" + text + ")"
				}
			}
			fmt.Printf(" %12s", text)
		}
		fmt.Println()
	}
}
