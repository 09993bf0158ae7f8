// Command start measures how long each function takes from the start of its process to its first poll of Lambda's runtime API,
// against a hello-world in the same run, and how large it is when zipped. "make start" builds the functions for this machine and
// runs it.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/sandbox"
)

// Exit codes.
const (
	exitDone   = 0 // every function keeps within the limits
	exitFailed = 1 // one doesn't, or doesn't start
	exitUsage  = 2 // the command line is wrong
)

// tries is how often a function is measured that seems to be over the limit: what else the machine did passes, a slow start stays.
const tries = 3

// memory is how much the functions may hold, in MB.
const memory = 256

// hello is the name of the function that the others are measured by.
const hello = "hello"

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, out, problems io.Writer) int {
	flags := flag.NewFlagSet("start", flag.ContinueOnError)
	flags.SetOutput(problems)
	flags.Usage = func() {
		say(problems, "usage: start [-rounds N] [-json FILE] FOLDER\n\nFOLDER holds the functions and %s, built for this machine: \"make start\" builds them.\n\n", hello)
		flags.PrintDefaults()
	}
	rounds := flags.Int("rounds", 25, "how often each function is started")
	file := flags.String("json", "", "a file to write the numbers to as well")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return exitDone
	case err != nil:
		return exitUsage
	case flags.NArg() != 1 || *rounds < 1:
		flags.Usage()
		return exitUsage
	}
	report, err := measure(flags.Arg(0), names(), *rounds)
	if err != nil {
		say(problems, "%v\n", err)
		return exitFailed
	}
	report.print(out)
	if err := report.write(*file); err != nil {
		say(problems, "%v\n", err)
		return exitFailed
	}
	for _, fault := range report.faults() {
		say(problems, "%s\n", fault)
	}
	if len(report.faults()) > 0 {
		return exitFailed
	}
	return exitDone
}

func names() []string {
	var names []string
	for _, f := range catalog.Functions() {
		names = append(names, f.Name)
	}
	return names
}

// measure starts every function of the folder so many times, and hello as often in turn with it. So both are as warm in the
// processor's caches, and what else the machine does meanwhile slows both down.
func measure(folder string, names []string, rounds int) (*report, error) {
	var output lines
	host, err := sandbox.Open(sandbox.Options{Speed: 1, Said: output.said,
		Command: func(function string) []string { return []string{filepath.Join(folder, function)} }})
	if err != nil {
		return nil, err
	}
	defer func() { _ = host.Close() }() // nothing is lost
	r := &report{rounds: rounds}
	for _, name := range names {
		f := function{name: name}
		if f.zipped, err = zipped(filepath.Join(folder, name)); err != nil {
			return nil, fmt.Errorf("%s is not built (see make start): %w", name, err)
		}
		for try := 1; try == 1 || f.ratio() > maxRatio && try <= tries; try++ {
			if err := f.measure(host, rounds); err != nil {
				return nil, fmt.Errorf("%w\n%s", err, output.text())
			}
		}
		r.functions = append(r.functions, f)
	}
	return r, nil
}

// measure starts a function and hello in turn.
func (f *function) measure(host *sandbox.Host, rounds int) error {
	f.hello, f.starts = nil, nil
	for round := range rounds + 1 {
		base, err := start(host, hello)
		if err != nil {
			return err
		}
		took, err := start(host, f.name)
		if err != nil {
			return err
		}
		if round > 0 { // the first one reads the file from the disk
			f.hello, f.starts = append(f.hello, base), append(f.starts, took)
		}
	}
	return nil
}

// start starts a function, and gives how long that took.
func start(host *sandbox.Host, name string) (time.Duration, error) {
	took, err := host.Start(name, memory)
	if failed, ok := errors.AsType[messages.InvokeResponse_Error](err); ok {
		return 0, fmt.Errorf("%s: %s", name, failed.Message) // its own text is Go's
	}
	return took, err
}

// lines are what the functions write.
type lines struct {
	mu  sync.Mutex
	all []byte
}

func (l *lines) said(_ string, line []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(append(l.all, line...), '\n')
}

func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.all)
}

// say writes to a person. Whoever closed that pipe doesn't want to know.
func say(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }
