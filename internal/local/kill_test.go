//go:build kill

package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/events"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/sim/postgres"
	"github.com/project-gimbal/fleet/internal/view"
)

var (
	killSeed  = flag.Uint64("kill.seed", 1, "decides when the process is killed")
	killTimes = flag.Int("kill.times", 20, "how often it is killed")
	killSpeed = flag.Float64("kill.speed", 25, "how many times faster than the vendors' it all runs")
)

const (
	// together is how many provisionings are wanted under way, or waiting for a slot, at any moment.
	together = 5
	// longestLife is how long a process lives before it is killed, at most.
	longestLife = 6 * time.Second
	// endWithin is how long everything may take to come to its end once nobody kills any more.
	endWithin = 2 * time.Minute
)

// TestKilledAtRandomMoments kills the real program at random moments while provisionings run, and starts it anew each time. In
// the end every instance is ACTIVE or clean, the vendors hold what the ledger knows and nothing else, and no message was sent
// twice.
func TestKilledAtRandomMoments(t *testing.T) {
	t.Logf("seed %d: make kill ARGS=\"-kill.seed %d\"", *killSeed, *killSeed)
	random := rand.New(rand.NewPCG(*killSeed, 0))
	p := newPrey(t)
	for n := range *killTimes {
		life := time.Duration(random.Int64N(int64(longestLife)))
		early := random.IntN(5) == 0 // while it starts
		if early {
			life /= 6
		}
		p.start(!early)
		feeding, fed := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			if !early {
				p.feed(feeding)
			}
		}()
		time.Sleep(life)
		p.kill()
		fed()
		<-done
		t.Logf("killed the %d. time, %s after it was %s", n+1, life, map[bool]string{true: "started", false: "up"}[early])
	}
	p.start(true)
	p.settle()
	instances := p.instances()
	p.wantHealthy(instances)
	p.stop()
	wantWhole(t, p.dir, instances)
}

// TestLeftAtOnce: a second Ctrl-C ends the program in the middle of its ending, and PostgreSQL with it; the next start goes on.
func TestLeftAtOnce(t *testing.T) {
	p := newPrey(t)
	p.start(true)
	server := p.postmaster()
	if err := p.process.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.said.when("stopping"):
	case <-p.ended:
	}
	_ = p.process.Process.Signal(os.Interrupt) // it may have ended already
	p.gone()
	if code := p.process.ProcessState.ExitCode(); code != exitFailed && code != exitDone || code == exitFailed && !strings.Contains(p.said.String(), "left at once") {
		t.Errorf("it ended with %d: %s", code, p.said)
	}
	for deadline := time.Now().Add(10 * time.Second); syscall.Kill(server, 0) == nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("PostgreSQL was left behind")
		}
	}
	p.start(true)
	p.stop()
}

// prey is the program that is killed, and the folder that outlives it.
type prey struct {
	t           *testing.T
	dir, binary string
	address     string // of the front, the same for all its lives
	event       map[string]any
	signups     []*signedUp

	process *exec.Cmd
	ended   <-chan struct{}
	said    *notifying
	client  client
}

// signedUp is one company's signup.
type signedUp struct {
	webhook string
	body    []byte
	id      string // empty until it was answered
	ended   bool
}

// newPrey builds the program.
func newPrey(t *testing.T) *prey {
	t.Helper()
	folder := t.TempDir()
	p := &prey{t: t, dir: filepath.Join(folder, "data"), binary: filepath.Join(folder, "fleet-local"), address: "127.0.0.1:0"}
	if out, err := exec.Command("go", "build", "-o", p.binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	event, err := events.Signup()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(event, &p.event); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.process != nil {
			p.kill()
		}
		if t.Failed() {
			t.Logf("what the last process said:\n%s", p.said)
			p.keepLog()
		}
		if err := postgres.Remove(filepath.Join(p.dir, "postgres")); err != nil {
			t.Error(err)
		}
	})
	return p
}

// keepLog leaves the functions' log where a person finds it.
func (p *prey) keepLog() {
	text, err := os.ReadFile(filepath.Join(p.dir, "fleet.log"))
	if err != nil {
		return
	}
	kept := filepath.Join(os.TempDir(), "fleet-kill-"+strconv.FormatUint(*killSeed, 10)+".log")
	if os.WriteFile(kept, text, 0o600) == nil {
		p.t.Logf("the log is in %s", kept)
	}
}

// start starts the program, and waits until it is up if that is wanted.
func (p *prey) start(up bool) {
	p.t.Helper()
	p.said = &notifying{}
	p.process = exec.Command(p.binary, "serve", "-addr", p.address, "-data", p.dir, "-speed", fmt.Sprint(*killSpeed))
	p.process.Stdout, p.process.Stderr = p.said, p.said
	said, ended := p.said.when("Ctrl-C ends it"), make(chan struct{})
	if err := p.process.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.ended = ended
	process := p.process
	go func() {
		_ = process.Wait() // it is killed, or asked to end
		close(ended)
	}()
	if !up {
		return
	}
	select {
	case <-said:
	case <-ended:
		p.t.Fatalf("it ended by itself: %s", p.said)
	case <-time.After(time.Minute):
		p.t.Fatalf("it is not up after a minute: %s", p.said)
	}
	base := regexp.MustCompile(`front +(http://(\S+))`).FindStringSubmatch(p.said.String())
	kept, err := keptCredentials(filepath.Join(p.dir, "credentials.json"))
	if err != nil {
		p.t.Fatal(err)
	}
	fleetTime, err := folder(p.dir).clock(*killSpeed)
	if err != nil {
		p.t.Fatal(err)
	}
	p.client = client{base: base[1], clock: fleetTime, credentials: kept}
}

// kill ends the process as the kernel does it when memory runs out, and returns when it is gone.
func (p *prey) kill() {
	_ = p.process.Process.Kill() // it may have ended
	p.gone()
}

// stop ends it as a person does.
func (p *prey) stop() {
	p.t.Helper()
	if err := p.process.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	p.gone()
	if code := p.process.ProcessState.ExitCode(); code != exitDone {
		p.t.Errorf("it ended with %d: %s", code, p.said)
	}
}

// gone waits for the end of the process.
func (p *prey) gone() {
	select {
	case <-p.ended:
	case <-time.After(30 * time.Second):
		p.t.Fatal("the process does not end")
	}
}

// postmaster is PostgreSQL's process.
func (p *prey) postmaster() int {
	p.t.Helper()
	home := filepath.Join(p.dir, "postgres")
	if text, err := os.ReadFile(filepath.Join(home, "location")); err == nil {
		home = strings.TrimSpace(string(text))
	}
	text, err := os.ReadFile(filepath.Join(home, "data", "postmaster.pid"))
	if err != nil {
		p.t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		p.t.Fatal(err)
	}
	return pid
}

// feed sends signups and approves them until enough are under way, again and again until ctx is done. Whoever is killed
// meanwhile answers nothing; the next one is asked the same again.
func (p *prey) feed(ctx context.Context) {
	for ctx.Err() == nil {
		p.look(ctx)
		open := 0
		for _, s := range p.signups {
			if !s.ended {
				open++
			}
		}
		for ; open < together; open++ {
			p.signups = append(p.signups, p.company(len(p.signups)+1))
		}
		for _, s := range p.signups {
			if s.ended {
				continue
			}
			accepted, err := p.client.signup(ctx, s.webhook, s.body)
			if err == nil && s.id != "" && s.id != accepted.ID {
				p.t.Errorf("webhook %s is signup %s and %s", s.webhook, s.id, accepted.ID)
			}
			if err != nil {
				continue
			}
			s.id = accepted.ID
			_, _ = p.client.approve(ctx, s.id) // refused for one that has failed meanwhile
		}
		pause, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		<-pause.Done()
		cancel()
	}
}

// company is the nth company's signup.
func (p *prey) company(n int) *signedUp {
	p.event["slug"] = fmt.Sprintf("company-%d", n)
	p.event["admin_email"] = fmt.Sprintf("ada@company-%d.example", n)
	body, err := json.Marshal(p.event)
	if err != nil {
		p.t.Fatal(err)
	}
	return &signedUp{webhook: fmt.Sprintf("msg_kill_%d", n), body: body}
}

// look notes which signups have ended, and lets the operator retry those that ended dirty.
func (p *prey) look(ctx context.Context) (open []string) {
	for _, s := range p.signups {
		if s.ended {
			continue
		}
		var i view.Instance
		if s.id == "" || p.get(ctx, "/instances/"+s.id, &i) != nil {
			open = append(open, s.webhook+" was not answered")
			continue
		}
		dirty := false
		for _, o := range i.Operations {
			dirty = dirty || o.Kind == fleet.Provision && o.Outcome == fleet.FailedDirty
		}
		switch {
		case dirty:
			_ = p.ask(ctx, http.MethodPost, "/instances/"+s.id+"/retry", nil) // refused while the last one still ends
		case i.Signup == fleet.Completed || i.Signup == fleet.Failed || i.State == fleet.Terminated:
			s.ended = !running(i)
		}
		if !s.ended {
			open = append(open, fmt.Sprintf("%s: signup %s, instance %s, %+v", i.Slug, i.Signup, i.State, i.Operations))
		}
	}
	return open
}

func running(i view.Instance) bool {
	for _, o := range i.Operations {
		if o.Kind == fleet.Provision && o.Running() {
			return true
		}
	}
	return false
}

// settle waits until everything has come to its end. Signups that were never answered are none.
func (p *prey) settle() {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), endWithin)
	defer cancel()
	for {
		for _, s := range p.signups {
			if s.id == "" {
				if accepted, err := p.client.signup(ctx, s.webhook, s.body); err == nil {
					s.id = accepted.ID
				}
			}
			if s.id != "" && !s.ended {
				_, _ = p.client.approve(ctx, s.id) // it may have got lost
			}
		}
		open := p.look(p.t.Context())
		if len(open) == 0 {
			return
		}
		if ctx.Err() != nil {
			p.t.Fatalf("after %s these have not ended:\n%s", endWithin, strings.Join(open, "\n"))
		}
		time.Sleep(500 * time.Millisecond)
	}
}

// instances are all that there are, as the operators' API tells of them.
func (p *prey) instances() []view.Instance {
	p.t.Helper()
	var all []view.Instance
	for _, s := range p.signups {
		var i view.Instance
		if err := p.get(p.t.Context(), "/instances/"+s.id, &i); err != nil {
			p.t.Fatal(err)
		}
		all = append(all, i)
	}
	return all
}
