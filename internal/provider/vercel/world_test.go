package vercel_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/vercel"
	"github.com/project-gimbal/fleet/internal/sim"
	simulator "github.com/project-gimbal/fleet/internal/sim/vercel"
)

const (
	token    = "vercel-token-value"
	team     = "team_gimbal"
	endpoint = "https://api.vercel.test"
	host     = "acme.gimbal.app"
)

// names is the public DNS of a test.
type names struct {
	mu      sync.Mutex
	targets map[string]string
	proxied bool
}

func (n *names) LookupCNAME(host string) (string, bool, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	target, ok := n.targets[host]
	return target, n.proxied, ok
}

func (n *names) point(host, target string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.targets[host] = target
}

func (n *names) proxy(on bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.proxied = on
}

// world is a client and a simulator, with the network between them.
type world struct {
	*testing.T
	clock  clock.Clock
	sim    *simulator.Sim
	link   *sim.Link
	names  *names
	calls  []sim.Call
	client *vercel.Client
}

func settings(c clock.Clock, transport http.RoundTripper) provider.Config {
	return provider.Config{
		Endpoints: provider.Endpoints{Vercel: endpoint}, Clock: c, Transport: transport,
		Credential: func(context.Context, string) (provider.Secret, error) { return provider.NewSecret(token), nil },
		Settings:   provider.Settings{VercelTeam: team},
	}
}

// inWorld runs a test in virtual time, with the faults of a script.
func inWorld(t *testing.T, script string, change func(*simulator.Config, *sim.Options), test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		rules, err := sim.ParseRules(script)
		if err != nil {
			t.Fatal(err)
		}
		w := &world{T: t, clock: clock.System(), names: &names{targets: map[string]string{}}}
		config := simulator.Config{Token: token, Team: team, Resolver: w.names}
		options := sim.Options{Clock: w.clock, Seed: 7, Answer: 400 * time.Millisecond}
		if change != nil {
			change(&config, &options)
		}
		w.sim = simulator.New(options, config)
		w.link = &sim.Link{Clock: w.clock, Script: sim.NewScript(rules...)}
		w.link.Observe = func(_ context.Context, c sim.Call) { w.calls = append(w.calls, c) }
		if err := w.link.Add(endpoint, w.sim, nil); err != nil {
			t.Fatal(err)
		}
		w.client = vercel.New(settings(w.clock, w.link))
		test(w)
		w.link.Drain()
	})
}

// attempt is a context in which changes may be sent.
func (w *world) attempt() context.Context { return provider.WithAttempt(w.Context()) }

func (w *world) project(name string) vercel.Project {
	w.Helper()
	p, err := w.client.CreateProject(w.attempt(), vercel.NewProject{Name: name, Mark: "mark-" + name})
	if err != nil {
		w.Fatal(err)
	}
	return p
}

func (w *world) sleep(d time.Duration) {
	w.Helper()
	if err := w.clock.Sleep(w.Context(), d); err != nil {
		w.Fatal(err)
	}
}
