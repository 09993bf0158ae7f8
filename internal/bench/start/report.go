package main

import (
	"cmp"
	"compress/flate"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"
	"time"
)

// The limits: of a start, as a multiple of hello-world's, and of a zipped function, in bytes.
const (
	maxRatio  = 2.0
	maxZipped = 6_000_000
)

// report is what was measured.
type report struct {
	rounds    int
	functions []function
}

// function is one of them.
type function struct {
	name   string
	zipped int64
	// starts are the function's, hello those of hello-world in between.
	starts, hello []time.Duration
}

// ratio is how many times as long as hello-world a function takes, of the medians: where the machine does something else as well,
// some starts take twice their time, and a median ignores those on both sides.
func (f function) ratio() float64 { return float64(median(f.starts)) / float64(median(f.hello)) }

func median(of []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(of))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// faults are the functions that break a limit, and what to do.
func (r *report) faults() []string {
	var faults []string
	for _, f := range r.functions {
		if ratio := f.ratio(); ratio > maxRatio {
			faults = append(faults, fmt.Sprintf("%s takes %.2f × hello-world to start, %.1f are allowed: see what its packages "+
				"initialise, with GODEBUG=inittrace=1", f.name, ratio, maxRatio))
		}
		if f.zipped > maxZipped {
			faults = append(faults, fmt.Sprintf("%s has %.2f MB zipped, %.0f are allowed: see what it links, with go list -deps",
				f.name, megabytes(f.zipped), megabytes(maxZipped)))
		}
	}
	return faults
}

// print writes the table, the slowest first, by its ratio.
func (r *report) print(out io.Writer) {
	slowest := slices.Clone(r.functions)
	slices.SortStableFunc(slowest, func(a, b function) int { return cmp.Compare(b.ratio(), a.ratio()) })
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	say(t, "FUNCTION\tZIPPED MB\tSTART ms\tHELLO ms\tRATIO\n")
	for _, f := range slowest {
		say(t, "%s\t%.2f\t%.2f\t%.2f\t%.2f\n", f.name, megabytes(f.zipped), milliseconds(median(f.starts)), milliseconds(median(f.hello)), f.ratio())
	}
	_ = t.Flush() // as say
	say(out, "medians of %d starts each, in turn with %s's; from the start of the process to its first poll\n", r.rounds, hello)
}

// document is a function's part of the JSON document: medians in milliseconds, and the size in megabytes.
type document struct {
	Name    string  `json:"name"`
	Zipped  float64 `json:"zipped_mb"`
	Started float64 `json:"start_ms"`
	Hello   float64 `json:"hello_ms"`
	Ratio   float64 `json:"ratio"`
}

// write writes the numbers to a file; to none if it has no name.
func (r *report) write(file string) error {
	if file == "" {
		return nil
	}
	all := make([]document, 0, len(r.functions))
	for _, f := range r.functions {
		all = append(all, document{f.name, megabytes(f.zipped), milliseconds(median(f.starts)), milliseconds(median(f.hello)), f.ratio()})
	}
	text, err := json.MarshalIndent(map[string]any{"rounds": r.rounds, "functions": all}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o600)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func megabytes(n int64) float64 { return float64(n) / 1e6 }

// zipped is a file's size in a zip, in bytes, but for the hundred or so of the zip's directory.
func zipped(file string) (int64, error) {
	in, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer func() { _ = in.Close() }() // only read
	var size counter
	w, err := flate.NewWriter(&size, flate.DefaultCompression)
	if err != nil {
		return 0, err
	}
	if _, err := io.Copy(w, in); err != nil {
		return 0, err
	}
	err = w.Close()
	return int64(size), err
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
