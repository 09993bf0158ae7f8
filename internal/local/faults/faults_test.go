//go:build faults

package faults_test

import (
	"cmp"
	"flag"
	"fmt"
	"math/rand/v2"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var (
	oneCase = flag.String("faults.case", "", "plays this case only")
	only    = flag.String("faults.of", "", "plays this workflow's cases only, or says whose the single case is: provision, teardown, suspend, resume, undo, export, decommission, close, close-off, terminate, terminate-half, cancel-notice, cancel-closing, cancel-grace")
	seed    = flag.Uint64("faults.seed", 1, "the first of the random cases' seeds")
	times   = flag.Int("faults.times", 1, "how often a single case is played")
	sample  = flag.Int("faults.sample", 1, "plays every nth case of the matrix, and of the seeds")
	seeds   = flag.Int("faults.seeds", 500, "how many random cases there are")
	first   = flag.Bool("faults.first", false, "plays everything in mixed order, up to the first violation")
	sooner  = flag.String("faults.sooner", "", "with -faults.first: cases that match this come first")
	output  = flag.String("faults.json", "", "the file that the results are written to as JSON")
)

// TestEveryFaultEverywhere is the matrix and the random runs, or the one case that the flags ask for.
func TestEveryFaultEverywhere(t *testing.T) {
	began := time.Now()
	debug.SetGCPercent(400)
	b := newBase(t)
	clean := b.record(t, "provision", "A", nil)
	flows := append([]*workflow{clean, b.record(t, "teardown", "C", late())}, b.switching(t)...)
	flows = append(flows, b.ending(t)...)
	if *oneCase != "" {
		s, err := parse(*oneCase)
		if err != nil {
			t.Fatal(err)
		}
		from := flows[max(0, slices.IndexFunc(flows, func(f *workflow) bool { return f.name == *only }))]
		from.base.repeat(t, s, from)
		return
	}
	if *first {
		if n := slices.IndexFunc(flows, func(f *workflow) bool { return f.name == *only }); n >= 0 {
			flows[n].base.untilViolated(t, clean.kinds, flows[n].cells())
			return
		}
		cells := append(clean.cells(), flows[1].cells()...)
		for i := range uint64(*seeds) {
			cells = append(cells, cell{faults: draw(*seed+i, clean, flows[1])})
		}
		b.untilViolated(t, clean.kinds, cells)
		return
	}
	report := &report{Sample: *sample}
	for _, f := range flows {
		if *only == "" || *only == f.name {
			report.add(f, f.base.matrix(t, f, clean.kinds))
		}
	}
	if *only == "" {
		report.Random = b.random(t, "", *seeds, clean.kinds, func(seed uint64) script { return draw(seed, clean, flows[1]) })
	}
	for _, f := range flows {
		if f.base.end != nil && (*only == "" || *only == f.name) {
			report.Random = append(report.Random, f.base.random(t, f.name, *seeds/10, clean.kinds, func(seed uint64) script { return drawEnd(seed, f) })...)
		}
	}
	report.Took = time.Since(began).Round(time.Second).String()
	report.print(t)
}

// repeat plays one case as often as is wanted: which of two steps at once is first is the scheduler's choice.
func (b *base) repeat(t *testing.T, s script, clean *workflow) {
	t.Helper()
	for range *times {
		r := b.play(t, s, clean.kinds)
		fmt.Printf("%s %s after %d s, missed: %t\n", r.Case, r.Outcome, r.Seconds, r.Missed)
		for _, v := range append(r.Violations, r.Path...) {
			fmt.Println("   ", v)
		}
		if len(r.Violations) > 0 {
			t.Error("a violation")
		}
	}
}

// untilViolated plays cells in mixed order, up to the first violation.
func (b *base) untilViolated(t *testing.T, want map[string]int, cells []cell) {
	t.Helper()
	rand.New(rand.NewPCG(1, 0)).Shuffle(len(cells), func(i, j int) { cells[i], cells[j] = cells[j], cells[i] })
	likely := regexp.MustCompile(*sooner)
	slices.SortStableFunc(cells, func(a, b cell) int {
		return cmp.Compare(strconv.FormatBool(likely.MatchString(b.faults.String())), strconv.FormatBool(likely.MatchString(a.faults.String())))
	})
	var cases []script
	for _, c := range cells {
		cases = append(cases, c.faults)
	}
	b.playAll(t, cases, want, func(i int, r result) bool {
		cells[i].expect(&r)
		tell(t, *only, r)
		return len(r.Violations) == 0
	})
}

// tell says at once what is wrong, and how to see it again.
func tell(t *testing.T, of string, r result) {
	t.Helper()
	if len(r.Violations) > 0 {
		if of != "" {
			of = "-faults.of " + of + " "
		}
		t.Errorf("make faults ARGS='%s-faults.case %s'\n\t%s", of, r.Case, strings.Join(r.Violations, "\n\t"))
	}
}
