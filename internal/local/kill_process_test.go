//go:build kill

package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/sandbox"
)

// ailment is a variable that tells a process how to go wrong, as "function:how:file". It does so once: then the file is there.
const ailment = "FLEET_TEST_AILMENT"

// TestMain lets the test's binary be the program, too, and with that the functions.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == functionCommand || os.Args[1] == "demo") {
		ail()
		main()
	}
	os.Exit(m.Run())
}

func ail() {
	function, rest, _ := strings.Cut(os.Getenv(ailment), ":")
	how, file, _ := strings.Cut(rest, ":")
	if function != os.Getenv("AWS_LAMBDA_FUNCTION_NAME") || function == "" {
		return
	}
	if mark, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL, 0o600); err != nil || mark.Close() != nil {
		return
	}
	if how == "exits" {
		os.Exit(3)
	}
	held := make([]byte, 300<<20)
	for page := 0; page < len(held); page += 4096 {
		held[page] = 1 // what was never written takes no memory
	}
	time.Sleep(time.Minute) // it is killed long before
	fmt.Fprint(os.Stderr, len(held))
}

// death is how one invocation ends, the first of its function that gets there.
type death struct {
	name     string
	function catalog.Function
	faults   string // of vendors, as -faults has them
	// call is the vendor's call, "METHOD /path" by its end, at which it is killed; or n is the commit. Both before, or after.
	call  string
	n     int
	after bool
	// stalls: it isn't killed there, but waits for longer than the function may take.
	stalls bool
	// ails is what a process of the function does at its start; in this process it dies before its first commit.
	ails string
	want fleet.Outcome
}

func deaths() []death {
	const fails = "sendgrid.ValidateDomain=403@1+"
	return []death{
		{name: "before a create is sent", function: catalog.CreateProject, call: "POST /v1/projects", want: fleet.Succeeded},
		{name: "a create is answered, and not committed", function: catalog.CreateProject, call: "POST /v1/projects", after: true, want: fleet.Succeeded},
		{name: "committed, and not answered", function: catalog.CreateProject, n: 3, after: true, want: fleet.Succeeded},
		{name: "in a poll", function: catalog.AwaitFrontend, call: "GET /v13/deployments/", want: fleet.Succeeded},
		{name: "a create without idempotency", function: catalog.CreateSMSAccount, call: "POST /2010-04-01/Accounts.json", after: true, want: fleet.Succeeded},
		{name: "before activation", function: catalog.ActivateInstance, n: 2, want: fleet.Succeeded},
		{name: "after activation", function: catalog.ActivateInstance, n: 2, after: true, want: fleet.Succeeded},
		{name: "a mail is sent, and not committed", function: catalog.NotifyCustomer, call: "POST /v3/mail/send", after: true, want: fleet.Succeeded},
		{name: "before the operation's end", function: catalog.EndOperation, n: 2, want: fleet.Succeeded},
		{name: "after the operation's end", function: catalog.EndOperation, n: 2, after: true, want: fleet.Succeeded},
		{name: "a removal is answered, and not committed", function: catalog.RemoveFrontend, faults: fails, call: "DELETE /v9/projects/", after: true, want: fleet.FailedClean},
		{name: "a take-down's begin is committed", function: catalog.BeginTeardown, faults: fails, n: 1, after: true, want: fleet.FailedClean},
		{name: "over its time", function: catalog.ConfigureDNS, n: 2, stalls: true, want: fleet.Succeeded},
		{name: "over its memory", function: catalog.CreateFrontend, ails: "eats", want: fleet.Succeeded},
		{name: "dead at its start", function: catalog.CreateAdmin, ails: "exits", want: fleet.Succeeded},
	}
}

// TestProcessesEndAlike kills a function's process at chosen points, and lets the same invocation die there in this process: both
// runs end alike, and no process is left.
func TestProcessesEndAlike(t *testing.T) {
	t.Cleanup(func() {
		if left := functionsOf(t, os.Getpid()); len(left) > 0 {
			t.Errorf("processes are left: %v", left)
		}
	})
	for _, d := range append([]death{{name: "nobody dies", want: fleet.Succeeded}}, deaths()...) {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			here, separate := d.play(t, false), d.play(t, true)
			if diff := cmp.Diff(here, separate); diff != "" {
				t.Errorf("in this process, and in one of its own (+):\n%s", diff)
			}
			if here.Operation != d.want {
				t.Errorf("the operation %s, want %s", here.Operation, d.want)
			}
			if here.Death != d.error() {
				t.Errorf("the state machine learned of %q, want %q", here.Death, d.error())
			}
		})
	}
}

// error is what the state machine learns of the death.
func (d death) error() string {
	switch {
	case d.function.Name == "":
		return ""
	case d.stalls:
		return sandbox.TimedOut
	}
	return sandbox.Exited
}

// ended is how a run ended.
type ended struct {
	State     fleet.State
	Operation fleet.Outcome
	Signup    fleet.SignupStatus
	// Ledger has the entries with what the vendors hold, Messages the messages' states, Incidents the kinds.
	Ledger, Messages, Incidents []string
	// Death is the first error of Lambda's, not of the function's, that the state machine learned of where somebody died.
	Death string
}

// play plays the death, and judges by itself what must hold of any end.
func (d death) play(t *testing.T, processes bool) ended {
	o := quick(t)
	if d.faults != "" {
		o.speed = hurried
	}
	var err error
	if o.rules, err = parseFaults(d.faults); err != nil {
		t.Fatal(err)
	}
	if processes {
		if o.processes, err = asProcesses(true, o.speed); err != nil {
			t.Fatal(err)
		}
		if d.ails != "" {
			o.processes.Environment = []string{ailment + "=" + d.function.Name + ":" + d.ails + ":" + filepath.Join(t.TempDir(), "ailed")}
		}
	}
	o.meddle = func(h *world.Hooks) { d.meddle(h, processes) }
	c := clock.Scaled(time.Time{}, o.speed)
	p := &play{watch: newWatch(), screen: newPlain(io.Discard, c), stop: newInterrupts(), options: o}
	remove, err := p.open(c)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		p.screen.close()
		if err := errors.Join(p.system.Close(), remove()); err != nil {
			t.Error(err)
		}
	}()
	p.screen.attach(p.system, p.watch)
	p.approved(t)
	if err := p.settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, err := p.report(t.Context())
	if err != nil || r.Instance == nil || r.Operation == nil {
		t.Fatalf("processes %t: %+v, %v", processes, r, err)
	}
	return d.judge(t, r)
}

// approved signs up, and approves, again where the front says that it can't now, or that a vendor did not answer in time: a busy machine may
// be too slow for that.
func (p *play) approved(t *testing.T) {
	t.Helper()
	c := client{base: p.system.url, clock: p.system.clock, credentials: p.system.credentials}
	accepted, err := c.signup(t.Context(), "msg_processes", p.options.event)
	if err != nil {
		t.Fatal(err)
	}
	p.instance.Store(&accepted.ID)
	for range 5 {
		_, err = c.approve(t.Context(), accepted.ID)
		if err == nil {
			return
		}
		if r, ok := errors.AsType[refusal](err); !ok || r.Status != http.StatusServiceUnavailable && r.Status != http.StatusFailedDependency {
			break
		}
		time.Sleep(pause)
	}
	t.Fatal(err)
}

func (d death) judge(t *testing.T, r report) ended {
	e := ended{State: r.Instance.State, Operation: r.Operation.Outcome, Signup: r.Signup.Status}
	for _, entry := range r.Resources {
		e.Ledger = append(e.Ledger, fmt.Sprintf("%s %s %d", entry.Kind, entry.Status, len(entry.Held)))
		there := entry.Status == fleet.Created && !slices.Contains(fleet.Settings(), entry.Kind)
		if there && len(entry.Held) != 1 || entry.Status == "" || r.Instance.State == fleet.Terminated && len(entry.Held) > 0 {
			t.Errorf("%s/%s is %s in the ledger, and the vendor holds %+v", entry.Kind, entry.Name, entry.Status, entry.Held)
		}
	}
	for _, m := range r.Messages {
		e.Messages = append(e.Messages, m.ID+" "+string(m.Status))
	}
	for _, i := range r.Incidents {
		e.Incidents = append(e.Incidents, string(i.Code))
	}
	slices.Sort(e.Ledger)
	slices.Sort(e.Messages)
	slices.Sort(e.Incidents)
	for _, stay := range r.Path {
		if d.function.Name == "" {
			break
		}
		for _, learned := range stay.Errors {
			if stay.State == d.function.State() && e.Death == "" && (learned == sandbox.Exited || learned == sandbox.TimedOut) {
				e.Death = learned
			}
		}
	}
	return e
}

// meddle lets the death happen once.
func (d death) meddle(h *world.Hooks, processes bool) {
	var dead atomic.Bool
	var records atomic.Int32
	h.Transport = func(next http.RoundTripper) http.RoundTripper {
		if d.faults != "" {
			next = patient{&records, next}
		}
		return killing{d, &dead, next}
	}
	if d.call != "" {
		return
	}
	n := d.n
	if d.ails != "" && !processes {
		n = 1
	}
	h.Dies = func(p world.Point) bool {
		if p.Function != d.function.Name || !p.Commit || p.N != n || p.After != d.after || dead.Swap(true) {
			return false
		}
		if d.stalls {
			time.Sleep(time.Duration(d.function.Timeout+20) * time.Second / demoSpeed)
		}
		return !d.stalls
	}
}

// killing is the way to the vendors on which a death lies.
type killing struct {
	death
	dead *atomic.Bool
	next http.RoundTripper
}

func (k killing) RoundTrip(r *http.Request) (*http.Response, error) {
	method, path, _ := strings.Cut(k.call, " ")
	if k.call == "" || r.Method != method || !strings.Contains(r.URL.Path, path) || k.dead.Swap(true) {
		return k.next.RoundTrip(r)
	}
	if !k.after {
		world.Kill(r.Context())
		return nil, syscall.EPIPE
	}
	answer, err := k.next.RoundTrip(r)
	world.Kill(r.Context())
	return answer, err
}

// patient is the way to the vendors on which the mail domain's validation, which is refused, waits until the branch beside it has
// made its DNS record, the last of four: else it is chance whether the ledger has it.
type patient struct {
	records *atomic.Int32
	next    http.RoundTripper
}

func (p patient) RoundTrip(r *http.Request) (*http.Response, error) {
	for strings.HasSuffix(r.URL.Path, "/validate") && p.records.Load() < 4 && r.Context().Err() == nil {
		time.Sleep(time.Millisecond)
	}
	answer, err := p.next.RoundTrip(r)
	if err == nil && r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/dns_records") {
		p.records.Add(1)
	}
	return answer, err
}

// functionsOf lists the processes that are functions of a program, by their ids.
func functionsOf(t *testing.T, program int) (all []int) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range stats {
		text, _ := os.ReadFile(file) // it may be gone
		command, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
		_, after, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(after)
		if len(fields) > 1 && fields[1] == strconv.Itoa(program) && strings.HasSuffix(string(command), "\x00"+functionCommand+"\x00") {
			id, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			all = append(all, id)
		}
	}
	return all
}

// TestProcessesEndWithTheirProgram: however the program ends, the functions' processes do, those that are frozen, too.
func TestProcessesEndWithTheirProgram(t *testing.T) {
	for name, end := range map[string]func(*os.Process) error{
		"kill -9":      func(p *os.Process) error { return p.Kill() },
		"Ctrl-C twice": func(p *os.Process) error { return interruptTwice(p) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := &notifying{}
			program := exec.Command(os.Args[0], "demo", "-processes")
			program.Stdout, program.Stderr = out, out
			up := out.when("CreateFrontend      done")
			if err := program.Start(); err != nil {
				t.Fatal(err)
			}
			select {
			case <-up:
			case <-time.After(time.Minute):
				t.Errorf("nothing is up after a minute: %s", out)
			}
			functions := functionsOf(t, program.Process.Pid)
			if len(functions) < 3 {
				t.Errorf("%d functions run: %s", len(functions), out)
			}
			if err := end(program.Process); err != nil {
				t.Error(err)
			}
			_ = program.Wait() // it fails
			for _, id := range functions {
				for deadline := time.Now().Add(10 * time.Second); runs(id); time.Sleep(10 * time.Millisecond) {
					if time.Now().After(deadline) {
						t.Errorf("process %d is left", id)
						_ = syscall.Kill(id, syscall.SIGKILL)
					}
				}
			}
		})
	}
}

func interruptTwice(p *os.Process) error {
	if err := p.Signal(os.Interrupt); err != nil {
		return err
	}
	time.Sleep(50 * time.Millisecond) // two signals at once may come as one
	return p.Signal(os.Interrupt)
}

// runs reports whether a process is there, and no zombie.
func runs(id int) bool {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(id) + "/stat")
	return err == nil && !strings.Contains(string(text), ") Z ")
}
