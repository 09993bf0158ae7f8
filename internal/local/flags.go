package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/project-gimbal/fleet/events"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/sim"
)

const (
	// demoSpeed is how many times faster than the vendors the demo runs unless told otherwise. A provisioning takes 100 to
	// 250 s of the vendors' time, so it ends within 10 s; and the 20 s that a vendor call may take, 800 ms here, leave room
	// for what is real: PostgreSQL and HTTP.
	demoSpeed = 25
	// fastest is the speed beyond which real work looks like a vendor that doesn't answer.
	fastest = 1000
)

// demoOptions are the demo's, from the command line.
type demoOptions struct {
	event  []byte
	json   bool
	rules  []sim.Rule
	seed   uint64
	speed  float64
	reject bool
	until  goal
	// processes, if not nil, runs the functions as processes.
	processes *world.Processes
	// latency overrides the vendors' in tests, and meddle the world's hooks.
	latency world.Latency
	meddle  func(*world.Hooks)
}

// errHelp: help was asked for, and given.
var errHelp = errors.New("help was given")

// usageError is a wrong command line.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

func wrong(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

// parseDemo reads the demo's flags. Its errors are errHelp and usageErrors.
func parseDemo(args []string, out io.Writer) (demoOptions, error) {
	var o demoOptions
	f := newFlags("demo")
	event := f.String("event", "", "the signup to play, a JSON `FILE` as events/signup.json, which is the default; \"-\" is standard input")
	f.BoolVar(&o.json, "json", false, "print one JSON document at the end, and nothing else, on standard output")
	faults := f.String("faults", "", "let vendors' calls go wrong, by this `SPEC`; see below")
	f.Uint64Var(&o.seed, "seed", 1, "decides the vendors' latencies and ids")
	f.Float64Var(&o.speed, "speed", demoSpeed, "how many times faster than the vendors' it all runs")
	o.until = untilActive
	f.Func("until", "how far to play: until the instance is "+words(goals())+`; "terminated" plays its `+"`STATE`"+` whole life, with the notice's and
the grace's days fast-forwarded`, o.until.set)
	f.BoolVar(&o.reject, "reject", false, "reject the signup instead of approving it")
	processes := f.Bool(processesFlag())
	err := parse(f, args, func() { helpDemo(out, f) })
	if err != nil {
		return o, err
	}
	if err := checkSpeed(o.speed); err != nil {
		return o, err
	}
	if o.reject && o.until != untilActive {
		return o, wrong("-reject and -until %s: a rejected signup becomes no instance", o.until)
	}
	if o.processes, err = asProcesses(*processes, o.speed); err != nil {
		return o, err
	}
	if o.rules, err = parseFaults(*faults); err != nil {
		return o, err
	}
	if *event == "" {
		o.event, err = events.Signup()
		return o, err
	}
	if *event == "-" {
		*event = "/dev/stdin"
	}
	if o.event, err = os.ReadFile(*event); err != nil {
		return o, wrong("-event: %v", err)
	}
	return o, nil
}

// serveOptions are serve's, from the command line.
type serveOptions struct {
	address string
	dir     string
	speed   float64
	// autoApprove are the plans that need no operator.
	autoApprove []string
	// unpaidLock: unpaid bills are in the way of a decommission.
	unpaidLock bool
	// processes, if not nil, runs the functions as processes.
	processes *world.Processes
	// rules let vendors' calls go wrong in tests.
	rules []sim.Rule
}

// parseServe reads serve's flags. Its errors are errHelp and usageErrors.
func parseServe(args []string, out io.Writer) (serveOptions, error) {
	var o serveOptions
	f := newFlags("serve")
	f.StringVar(&o.address, "addr", "127.0.0.1:8700", "where the HTTP front listens, `HOST:PORT`; the instances' public edge is one port above")
	f.StringVar(&o.dir, "data", ".data", "the `DIR` that keeps all state")
	f.Float64Var(&o.speed, "speed", 1, "how many times faster than the machine's the clock runs, the vendors' included")
	f.Func("auto-approve", "the `PLANS` whose signups need no operator, separated by commas: "+strings.Join(fleet.Plans(), ","), func(text string) error {
		o.autoApprove = strings.Split(text, ",")
		for i, plan := range o.autoApprove {
			plan = strings.TrimSpace(plan)
			o.autoApprove[i] = plan
			if !slices.Contains(fleet.Plans(), plan) {
				return fmt.Errorf("%q is no plan; there are %s", plan, strings.Join(fleet.Plans(), ", "))
			}
		}
		return nil
	})
	f.BoolVar(&o.unpaidLock, "unpaid-lock", true, "let unpaid bills be in the way of an instance's decommission")
	processes := f.Bool(processesFlag())
	err := parse(f, args, func() { helpServe(out, f) })
	if err != nil {
		return o, err
	}
	if err := checkSpeed(o.speed); err != nil {
		return o, err
	}
	if o.processes, err = asProcesses(*processes, o.speed); err != nil {
		return o, err
	}
	if o.dir == "" {
		return o, wrong("-data: a folder must be named")
	}
	if _, _, err := net.SplitHostPort(o.address); err != nil {
		return o, wrong("-addr: %q is no HOST:PORT, such as 127.0.0.1:8700", o.address)
	}
	return o, nil
}

func processesFlag() (name string, value bool, usage string) {
	return "processes", false, "run each function as a process behind Lambda's runtime API, frozen while it has nothing to do, and killed when it\ntakes longer, or holds more memory (known on Linux), than the catalog allows"
}

// asProcesses lets this very program be the functions, if that is wanted.
func asProcesses(wanted bool, speed float64) (*world.Processes, error) {
	if !wanted {
		return nil, nil
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("-processes: %w", err)
	}
	return &world.Processes{Command: []string{self, functionCommand}, Speed: speed}, nil
}

func newFlags(name string) *flag.FlagSet {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	return f
}

func parse(f *flag.FlagSet, args []string, help func()) error {
	f.Usage = func() {}
	err := f.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		help()
		return errHelp
	case err != nil:
		return usageError{err.Error()}
	case f.NArg() > 0:
		return wrong("%q is no flag: %s takes flags only", f.Arg(0), f.Name())
	}
	return nil
}

func checkSpeed(speed float64) error {
	if !(speed > 0 && speed <= fastest) { // NaN is neither
		return wrong("-speed: %v is not above 0 and at most %d", speed, fastest)
	}
	return nil
}

// refuse tells of a wrong command line and gives the code to exit with; help that was asked for is no failure.
func refuse(err error, command string, t terminal) int {
	if errors.Is(err, errHelp) {
		return exitDone
	}
	say(t.err, "%s: %v\n", command, err)
	if _, ok := errors.AsType[usageError](err); ok {
		say(t.err, "\"go run ./internal/local %s -h\" explains the flags.\n", command)
		return exitUsage
	}
	return exitFailed
}

func flagHelp(f *flag.FlagSet) string {
	var b bytes.Buffer
	f.SetOutput(&b)
	f.PrintDefaults()
	f.SetOutput(io.Discard)
	return b.String()
}

func helpDemo(w io.Writer, f *flag.FlagSet) {
	say(w, "Plays one signup through the HTTP front to its end, on a system that is thrown away.\n\n")
	say(w, "usage: go run ./internal/local demo [flags]\n%s\n", flagHelp(f))
	say(w, "Exit: 0 when the instance is ACTIVE and healthy, or, with -faults or -reject, when it ended clean; with -until, when that is reached, for\n")
	say(w, "\"terminated\" with a certificate and nothing left at any vendor; 1 otherwise; 2 for wrong usage.\n")
	say(w, "Ctrl-C takes an instance that is being made down again, and lets what else runs come to its end; a second one leaves at once and\n")
	say(w, "says what was left.\n")
	say(w, "NO_COLOR, TERM=dumb and the locale are heeded; where nobody watches, it says lines instead of drawing.\n\n")
	say(w, "SPEC is a comma-separated list of vendor.Operation=kind[:duration][@n|@n-m|@n+]. Without @ the first call goes wrong,\n")
	say(w, "with @2-3 the second and third, with @1+ all; vendor.* means every operation. For example\n")
	say(w, "  -faults supabase.CreateProject=lost,vercel.GetDeployment=429-retry:20s@2-3,cloudflare.*=500-before@1\n\nKinds:\n")
	for _, kind := range sim.Kinds() {
		say(w, "  %-11s %s\n", kind[0], kind[1])
	}
	say(w, "\nCalls:\n")
	calls, err := vendorCalls()
	if err != nil {
		say(w, "  %v\n", err)
		return
	}
	for _, vendor := range vendorsOf(calls) {
		say(w, "%s", hanging(fmt.Sprintf("  %-11s ", vendor), operationsOf(calls, vendor), 100))
	}
}

func helpServe(w io.Writer, f *flag.FlagSet) {
	say(w, "Keeps the whole system up until Ctrl-C: HTTP front, workflows, schedules, simulators, PostgreSQL.\n\n")
	say(w, "usage: go run ./internal/local serve [flags]\n%s\n", flagHelp(f))
	say(w, "DIR keeps everything, however the program ends, by kill -9 too: what was under way is taken down, or told to the customer if\n")
	say(w, "the instance was ACTIVE already, at the next start. One process at a time serves from a DIR. Delete DIR to begin anew.\n")
	say(w, "Exit: 0 after Ctrl-C or SIGTERM; 1 when it can't start or can't keep its state any more; 2 for wrong usage. A second Ctrl-C leaves at once.\n")
}

// hanging lays words out in lines of at most width columns under a first line that begins with lead.
func hanging(lead string, words []string, width int) string {
	var b strings.Builder
	line := lead
	for i, word := range words {
		if i < len(words)-1 {
			word += ", "
		}
		if len(line)+len(strings.TrimRight(word, " ")) > width {
			b.WriteString(strings.TrimRight(line, " ") + "\n")
			line = strings.Repeat(" ", len(lead))
		}
		line += word
	}
	b.WriteString(line + "\n")
	return b.String()
}
