//go:build bench

package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/project-gimbal/fleet/internal/clock"
)

var (
	benchSeeds = flag.Int("bench.seeds", 200, "how many provisionings are compared with their critical paths")
	benchMany  = flag.Int("bench.many", 1000, "how many provisionings run without budgets; a tenth of it is compared with them")
	benchQueue = flag.Int("bench.queue", 20, "how many provisionings queue up within the budgets")
	benchStart = flag.String("bench.start", "", "the file of what internal/bench/start measured")
	benchOut   = flag.String("bench.out", "", "the file that the numbers are written to")
)

// figure is one number. Limit is the most that is allowed, or with AtLeast the least; 0 means there is none.
type figure struct {
	What    string  `json:"what"`
	Value   float64 `json:"value"`
	Unit    string  `json:"unit"`
	Limit   float64 `json:"limit,omitempty"`
	AtLeast bool    `json:"at_least,omitempty"`
}

func (f figure) missed() bool {
	return f.Limit > 0 && (f.AtLeast && f.Value < f.Limit || !f.AtLeast && f.Value > f.Limit)
}

// board is what is measured, on which machine.
type board struct {
	Cores   int             `json:"cores"`
	Machine string          `json:"machine"`
	Go      string          `json:"go"`
	Load    string          `json:"load_average"` // of one, five and fifteen minutes, before
	Seconds float64         `json:"seconds"`
	Figures []figure        `json:"figures"`
	Starts  json.RawMessage `json:"starts,omitempty"`
}

func (b *board) add(what string, value float64, unit string) {
	b.Figures = append(b.Figures, figure{What: what, Value: value, Unit: unit})
}

func (b *board) limited(what string, value float64, unit string, limit float64) {
	b.Figures = append(b.Figures, figure{What: what, Value: value, Unit: unit, Limit: limit})
}

// TestNumbers measures Fleet, prints a table, and writes it as JSON. It fails where a limit is missed.
func TestNumbers(t *testing.T) {
	took := stopwatch()
	b := &board{Cores: runtime.GOMAXPROCS(0), Machine: processor(), Go: runtime.Version(), Load: firstWords("/proc/loadavg", 3)}
	measureStarts(t, b)
	measureInterpreter(t, b)
	measureBolt(t, b)
	measurePaths(t, b, *benchSeeds)
	measureBudgets(t, b, *benchQueue)
	measureMany(t, b, *benchMany)
	b.Seconds = took()
	b.print()
	if *benchOut != "" {
		text, err := json.MarshalIndent(b, "", "  ")
		if err == nil {
			err = os.WriteFile(*benchOut, append(text, '\n'), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range b.Figures {
		if f.missed() {
			t.Errorf("%s: %s %s, the limit is %s", f.What, number(f.Value), f.Unit, number(f.Limit))
		}
	}
}

func (b *board) print() {
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	say(t, "WHAT\tVALUE\tUNIT\tLIMIT\n")
	for _, f := range b.Figures {
		limit := ""
		if f.Limit > 0 {
			limit = number(f.Limit)
		}
		say(t, "%s\t%s\t%s\t%s\n", f.What, number(f.Value), f.Unit, limit)
	}
	_ = t.Flush() // as say
	say(os.Stdout, "%d cores of %s, %s, load %s before; %.0f s\n", b.Cores, b.Machine, b.Go, b.Load, b.Seconds)
}

// number has three digits that count.
func number(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

// measureStarts takes over the slowest start and the largest function of what was measured before.
func measureStarts(t *testing.T, b *board) {
	if *benchStart == "" {
		return
	}
	var starts struct {
		Functions []struct {
			Name  string  `json:"name"`
			MB    float64 `json:"zipped_mb"`
			Ratio float64 `json:"ratio"`
		} `json:"functions"`
	}
	text, err := os.ReadFile(*benchStart)
	if err == nil {
		err = json.Unmarshal(text, &starts)
	}
	if err != nil || len(starts.Functions) == 0 {
		t.Fatalf("%s: %v", *benchStart, err)
	}
	b.Starts = text
	var slowest, largest float64
	for _, f := range starts.Functions {
		slowest, largest = max(slowest, f.Ratio), max(largest, f.MB)
	}
	b.limited("slowest function's start over hello-world's", slowest, "×", 2)
	b.limited("largest function, zipped", largest, "MB", 6)
}

func median(of []float64) float64 {
	sorted := slices.Sorted(slices.Values(of))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// processor is the name of the machine's; its architecture where it has none.
func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			return strings.TrimSpace(strings.TrimLeft(name, "\t :"))
		}
	}
	return runtime.GOARCH
}

// firstWords gives the first n words of a file, nothing of one that isn't there.
func firstWords(file string, n int) string {
	text, _ := os.ReadFile(file)
	words := strings.Fields(string(text))
	return strings.Join(words[:min(n, len(words))], " ")
}

// rate is how often do can be done in a second: it is done for about two.
func rate(t *testing.T, do func() (times int, err error)) float64 {
	t.Helper()
	c := clock.System()
	begun, done := c.Now(), 0
	for {
		n, err := do()
		if err != nil {
			t.Fatal(err)
		}
		done += n
		if took := c.Now().Sub(begun).Seconds(); took > 2 {
			return float64(done) / took
		}
	}
}
