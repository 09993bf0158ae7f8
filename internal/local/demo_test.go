package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/events"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/sim/vercel"
)

// quick is a demo with vendors that are fast even for their own time.
func quick(t *testing.T) demoOptions {
	t.Helper()
	event, err := events.Signup()
	if err != nil {
		t.Fatal(err)
	}
	return demoOptions{event: event, seed: 4, speed: demoSpeed, latency: world.Latency{ProjectMin: 3 * time.Second, ProjectMax: 6 * time.Second,
		Deploy: vercel.Span{Min: 3 * time.Second, Max: 6 * time.Second}, Certificate: vercel.Span{Min: 2 * time.Second, Max: 3 * time.Second}}}
}

// played is what a person sees of a demo.
type played struct {
	code           int
	out, complaint string
	err            error
}

func playDemo(o demoOptions, out *notifying, stop *interrupts) played {
	var complaint bytes.Buffer
	code, err := perform(o, terminal{in: strings.NewReader(""), out: out, err: &complaint, getenv: func(string) string { return "" }}, stop)
	return played{code, out.String(), complaint.String(), err}
}

// notifying is a writer that tells when words were written.
type notifying struct {
	mu    sync.Mutex
	text  strings.Builder
	words map[string]func()
}

func (n *notifying) Write(b []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.text.Write(b)
	for word, call := range n.words {
		if strings.Contains(n.text.String(), word) {
			delete(n.words, word)
			call()
		}
	}
	return len(b), nil
}

func (n *notifying) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}

// when gives a channel that is closed when a word was written.
func (n *notifying) when(word string) <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := make(chan struct{})
	if strings.Contains(n.text.String(), word) {
		close(c)
		return c
	}
	if n.words == nil {
		n.words = map[string]func(){}
	}
	n.words[word] = func() { close(c) }
	return c
}

func TestDemoDocument(t *testing.T) {
	t.Parallel()
	o := quick(t)
	o.json = true
	p := playDemo(o, &notifying{}, newInterrupts())
	if p.err != nil || p.code != exitDone {
		t.Fatalf("ended with %d, %v: %s", p.code, p.err, p.complaint)
	}
	var document map[string]json.RawMessage
	var r report
	decoder := json.NewDecoder(strings.NewReader(p.out))
	if err := decoder.Decode(&document); err != nil {
		t.Fatal(err)
	}
	if decoder.More() {
		t.Error("there is more than one document")
	}
	if err := json.Unmarshal([]byte(p.out), &r); err != nil {
		t.Fatal(err)
	}
	want := []string{"critical_path_seconds", "elapsed_seconds", "incidents", "instance", "interrupted", "messages", "operation", "outcome",
		"path", "resources", "seed", "signup", "speed", "transitions", "wall_seconds"}
	if got := slices.Sorted(maps.Keys(document)); !slices.Equal(got, want) {
		t.Errorf("fields: %v", got)
	}
	wantLive(t, r)
	wantNothingPrivate(t, p.out)
}

// wantLive judges a report of a signup that became a live instance.
func wantLive(t *testing.T, r report) {
	t.Helper()
	if r.Outcome != outcomeActive || r.Instance.State != fleet.Active || r.Instance.Page.Status != 200 || r.Instance.Health.InstanceID != r.Instance.ID {
		t.Errorf("outcome %s, instance %+v", r.Outcome, r.Instance)
	}
	if r.Signup.Status != fleet.Completed || r.Operation.Outcome != fleet.Succeeded || len(r.Incidents) > 0 {
		t.Errorf("signup %+v, operation %+v, incidents %+v", r.Signup, r.Operation, r.Incidents)
	}
	if *r.Critical < 6 || *r.Wall < *r.Critical || r.Transitions == 0 || r.Transitions > 35 {
		t.Errorf("%.1fs, critical path %.1fs, %d transitions", *r.Wall, *r.Critical, r.Transitions)
	}
	settings := []fleet.Kind{fleet.DatabaseSchema, fleet.InstanceConfig, fleet.AuthSettings, fleet.EdgeSecrets, fleet.FrontendSettings,
		fleet.SendGridPostings}
	for _, e := range r.Resources {
		if e.Status != fleet.Created || len(e.Held) != 1 && !slices.Contains(settings, e.Kind) {
			t.Errorf("%s is %s in the ledger, and the vendor holds %+v", e.Kind, e.Status, e.Held)
		}
	}
	states := map[string]stayReport{}
	for _, s := range r.Path {
		states[s.State] = s
		if s.Start.IsZero() || s.End.Before(s.Start) || s.Attempts < 1 {
			t.Errorf("%+v", s)
		}
	}
	for _, state := range []string{"CreateProject", "AwaitFrontend", "ProxyDNS", "CreateSMSAccount"} {
		if len(states[state].Calls) == 0 {
			t.Errorf("%s called no vendor: %+v", state, states[state])
		}
	}
}

// wantNothingPrivate judges that a text holds no secret and no personal datum of the sample signup.
func wantNothingPrivate(t *testing.T, text string) {
	t.Helper()
	for _, private := range []string{"Ada", "ada@", "Acme Dental", "+1212", "sbp_", "whsec_", "SG.", "eyJ", "password"} {
		if strings.Contains(text, private) {
			t.Errorf("it holds %q", private)
		}
	}
}

func TestDemoWithFaultEndsClean(t *testing.T) {
	t.Parallel()
	o := quick(t)
	o.speed = hurried
	var err error
	if o.rules, err = sim.ParseRules("twilio.CreateAccount=403@1+"); err != nil {
		t.Fatal(err)
	}
	p := playDemo(o, &notifying{}, newInterrupts())
	if p.err != nil || p.code != exitDone {
		t.Fatalf("ended with %d, %v: %s", p.code, p.err, p.out)
	}
	for _, says := range []string{"Rejected: twilio.CreateAccount", "nothing is left at any vendor", "Rejected in CreateSMSAccount", "TERMINATED"} {
		if !strings.Contains(p.out, says) {
			t.Errorf("it does not say %q:\n%s", says, p.out)
		}
	}
	wantNothingPrivate(t, p.out)
}

func TestFirstInterruptTakesDown(t *testing.T) {
	t.Parallel()
	stop := newInterrupts()
	out := &notifying{words: map[string]func(){"CreateFrontend      done": func() { go stop.interrupt() }}}
	o := quick(t)
	o.speed = hurried
	p := playDemo(o, out, stop)
	if p.err != nil || p.code != exitFailed {
		t.Fatalf("ended with %d, %v:\n%s", p.code, p.err, p.out)
	}
	for _, says := range []string{"Ctrl-C: stopping", "-provision-1 was stopped", "teardown-1 has ended", "nothing is left at any vendor", "stopped by Ctrl-C"} {
		if !strings.Contains(p.out, says) {
			t.Errorf("it does not say %q:\n%s", says, p.out)
		}
	}
}

func TestSecondInterruptLeavesAtOnce(t *testing.T) {
	t.Parallel()
	stop := newInterrupts()
	out := &notifying{words: map[string]func(){"CreateFrontend      done": func() { go func() { stop.interrupt(); stop.interrupt() }() }}}
	p := playDemo(quick(t), out, stop)
	if p.err != nil || p.code != exitFailed || !strings.Contains(p.complaint, "left at once") || !strings.Contains(p.complaint, "vercel_project") {
		t.Errorf("ended with %d, %v: %s", p.code, p.err, p.complaint)
	}
}

func TestInterruptBeforeAnythingWasMade(t *testing.T) {
	t.Parallel()
	stop := newInterrupts()
	stop.interrupt()
	p := playDemo(quick(t), &notifying{}, stop)
	if p.err == nil || p.code != exitFailed || !strings.Contains(p.err.Error(), "before anything was made") {
		t.Errorf("ended with %d, %v", p.code, p.err)
	}
}

func TestRejection(t *testing.T) {
	t.Parallel()
	o := quick(t)
	o.json, o.reject = true, true
	p := playDemo(o, &notifying{}, newInterrupts())
	var r report
	if err := json.Unmarshal([]byte(p.out), &r); err != nil {
		t.Fatal(err, p.err)
	}
	if p.code != exitDone || r.Outcome != outcomeRejected || r.Signup.Reason != rejection || r.Instance != nil || len(r.Resources) != 0 {
		t.Errorf("ended with %d: %+v", p.code, r)
	}
}

func TestRefusedSignup(t *testing.T) {
	t.Parallel()
	o := quick(t)
	o.event = []byte(`{"slug":"X y"}`)
	p := playDemo(o, &notifying{}, newInterrupts())
	if p.code != exitFailed || p.err == nil || !strings.Contains(p.err.Error(), "422") || !strings.Contains(p.err.Error(), "slug: ") {
		t.Errorf("ended with %d, %v", p.code, p.err)
	}
}

func TestExitCodes(t *testing.T) {
	faulty := demoOptions{rules: []sim.Rule{{}}}
	for _, c := range []struct {
		outcome     outcome
		options     demoOptions
		interrupted bool
		want        int
	}{
		{outcomeActive, demoOptions{}, false, exitDone},
		{outcomeActive, faulty, false, exitDone},
		{outcomeActive, demoOptions{reject: true}, false, exitFailed},
		{outcomeActive, demoOptions{}, true, exitFailed},
		{outcomeUnhealthy, faulty, false, exitFailed},
		{outcomeClean, demoOptions{}, false, exitFailed},
		{outcomeClean, faulty, false, exitDone},
		{outcomeClean, faulty, true, exitFailed},
		{outcomeDirty, faulty, false, exitFailed},
		{outcomeRejected, demoOptions{reject: true}, false, exitDone},
		{outcomeRejected, demoOptions{}, false, exitFailed},
		{outcomeUnfinished, faulty, false, exitFailed},
		{outcomeSuspended, demoOptions{until: untilSuspended}, false, exitDone},
		{outcomeTerminated, demoOptions{until: untilTerminated}, false, exitDone},
		{outcomeTerminated, demoOptions{until: untilTerminated}, true, exitFailed},
		{outcomeActive, demoOptions{until: untilTerminated}, false, exitFailed},
		{outcomeSuspended, demoOptions{until: untilTerminated}, false, exitFailed},
		{outcomeClean, demoOptions{until: untilTerminated, rules: faulty.rules}, false, exitFailed},
	} {
		if got := (report{Outcome: c.outcome, Interrupted: c.interrupted}).exitCode(c.options); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}
