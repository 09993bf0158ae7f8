//go:build faults

package faults_test

import (
	"flag"
	"fmt"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

var (
	oneCase = flag.String("faults.case", "", "plays this case only")
	oneSeed = flag.Uint64("faults.seed", 0, "plays the random case of this seed only")
	times   = flag.Int("faults.times", 1, "how often a single case is played")
	sample  = flag.Int("faults.sample", 1, "plays every nth case of the matrix, and of the seeds")
	seeds   = flag.Int("faults.seeds", 500, "how many random cases there are")
	output  = flag.String("faults.json", "", "the file that the results are written to as JSON")
)

// TestEveryFaultEverywhere is the matrix and the random runs, or the one case that the flags ask for.
func TestEveryFaultEverywhere(t *testing.T) {
	began := time.Now()
	debug.SetGCPercent(400)
	b := newBase(t)
	clean := b.record(t, "provision", "A", nil)
	if *oneCase != "" {
		s, err := parse(*oneCase)
		if err != nil {
			t.Fatal(err)
		}
		b.repeat(t, s, clean)
		return
	}
	failing := b.record(t, "teardown", "C", late())
	if *oneSeed != 0 {
		b.repeat(t, draw(*oneSeed, clean, failing), clean)
		return
	}
	report := &report{Sample: *sample}
	for _, f := range []*workflow{clean, failing} {
		report.add(f, b.matrix(t, f, clean.kinds))
	}
	report.Random = b.random(t, clean, failing)
	report.Took = time.Since(began).Round(time.Second).String()
	report.print(t)
}

// repeat plays one case as often as is wanted.
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

// tell says at once what is wrong, and how to see it again.
func tell(t *testing.T, r result) {
	t.Helper()
	if len(r.Violations) > 0 {
		t.Errorf("make faults ARGS='-faults.case %s'\n\t%s", r.Case, strings.Join(r.Violations, "\n\t"))
	}
}
