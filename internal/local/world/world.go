// Package world is the whole of Fleet on one machine: the real state machines through the interpreter, the real step code
// behind an imitation of Lambda, the table, and the five vendors' simulators. What differs from production is
// provider.Endpoints and the clock.
package world

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/budget"
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/objects"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/sandbox"
	"github.com/project-gimbal/fleet/internal/schema"
	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/store/table"
	"github.com/project-gimbal/fleet/statemachines"
)

// Options say what a world is made of.
type Options struct {
	Clock clock.Clock
	// Seed decides vendors' ids and latencies, clocks' skews and jitter.
	Seed uint64
	// Table is the fleet's, with the store's indexes; Keys holds the wrapped data keys.
	Table, Keys table.Table
	// KeyEncryptionKey wraps data keys.
	KeyEncryptionKey tink.AEADWithContext
	// Credentials are Fleet's own, by name; the simulators take the vendors' from here. The world keeps the map: ChangeCredential
	// changes it.
	Credentials map[string]string
	// CredentialsSince is when the credentials were made; nobody knows if it is zero.
	CredentialsSince time.Time
	// Quotas are what the vendors allow, by the names of step.Quotas.
	Quotas map[string]int
	// Limits are what the vendors answer beyond their published rate limits, as step.Settings has them.
	Limits budget.Limits
	// AutoApprove are the plans whose signups need no operator, as step.Settings has them.
	AutoApprove []string
	// EndUnpaid lets instances be decommissioned whose bills are unpaid, as step.Settings has it.
	EndUnpaid bool
	// Slots is how many provisionings run at once.
	Slots int
	// RateLimitRules is how many rate-limiting rules the plan of the zone at Cloudflare allows; 0 means plenty, negative none.
	RateLimitRules int
	// Records is how many DNS records the zone allows; 0 means as many as Cloudflare's paid plans.
	Records int
	// Databases is what stands behind the Supabase simulator; OpenDatabase is how the steps reach it.
	Databases    Databases
	OpenDatabase func(ctx context.Context, url provider.Secret) (schema.Database, error)
	// DatabaseURL is the template of a database's connection string, as provider.Endpoints has it.
	DatabaseURL string
	// Release is the set of files that new instances get.
	Release fs.FS
	// Exports, Archive and History are where exports, the audit archive and the history of configurations are kept; nil keeps them in
	// memory.
	Exports, Archive, History objects.Store
	// Latency is how fast the vendors are.
	Latency Latency
	// Script lets vendors' calls go wrong; nil lets none.
	Script *sim.Script
	// Ports serves the simulators on real ports of loopback, and reaches them there. Otherwise they are called in-process.
	Ports bool
	// Listen is where each simulator listens if Ports is set, by vendor's name; a free port where none is given.
	Listen map[string]string
	// Skew is how far the invocations' clocks are off, at most, either way.
	Skew time.Duration
	Log  *slog.Logger
	// ReadLog opens what Log has written, as JSON lines; nil keeps the lines in memory, beside what Log does with them.
	ReadLog func() (io.ReadCloser, error)
	// Publish hands incidents to people; nil only logs them.
	Publish func(ctx context.Context, subject, text string) error
	// Processes runs the functions as processes; nil runs them in this one.
	Processes *Processes
	// Hooks watch, and meddle for tests.
	Hooks Hooks
}

// Hooks watch a world and meddle with it. Each may be nil, and is called from many goroutines.
type Hooks struct {
	// OnEvent learns of every history event of an execution.
	OnEvent func(asl.Observation)
	// OnCall learns of every call of a vendor, and of which state it was for.
	OnCall func(place asl.Place, c sim.Call)
	// OnSettled learns that a vendor's state may have changed.
	OnSettled func(v sim.Vendor)
	// OnStatus learns of every change of an execution's status.
	OnStatus func(asl.StatusChange)
	// Transport wraps the way to the vendors.
	Transport func(http.RoundTripper) http.RoundTripper
	// Late delays the begin of an invocation, the nth of its function, from 1.
	Late func(function string, n int) time.Duration
	// Twice tells whether an invocation is to be made twice at once.
	Twice func(function string, n int) bool
	// Dies tells at each point of an invocation whether it dies there.
	Dies func(p Point) bool
	// Loses tells after each commit whether its answer is lost.
	Loses func(p Point) bool
	// Again tells before each commit and call whether its invocation is made a second time, from its beginning, while it goes on.
	Again func(p Point) bool
	// OnCalendar learns of all one-time schedules before they are changed so. What it refuses, by a fault or as Unavailable,
	// doesn't come about.
	OnCalendar func(due map[string]time.Time) error
	// Surroundings wraps those of one invocation, and Settings changes Fleet's identifiers at the vendors in one.
	Surroundings func(step.Surroundings) step.Surroundings
	Settings     func(*provider.Settings)
	// Table wraps the table of one invocation, and Keys the one of wrapped keys.
	Table, Keys func(function string, t table.Table) table.Table
	// OnCredential learns which of Fleet's credentials an invocation reads, each once: a function keeps them for longer.
	OnCredential func(function, name string)
}

// World is a running one.
type World struct {
	Store      *store.Store
	Executions *asl.Service
	Vendors    Vendors
	Endpoints  provider.Endpoints
	PublicURL  string // of the HTTP front; set before anything is served

	options Options
	flying  sim.Flights
	secrets secrets
	dates   dates
	sandbox *sandbox.Host // nil without processes

	mu     sync.Mutex
	random *rand.Rand
	counts map[string]int
	// scheduled are the functions whose schedules run.
	scheduled []string
}

// New puts a world together. Nothing runs yet but the simulators' ports, if asked for; Close ends those.
func New(o Options) (*World, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.ReadLog == nil {
		book := &logbook{}
		o.Log, o.ReadLog = slog.New(slog.NewMultiHandler(o.Log.Handler(), slog.NewJSONHandler(book, nil))), book.open
	}
	o.Log = slog.New(stamped{o.Log.Handler(), o.Clock})
	if o.Exports == nil {
		o.Exports = &objects.Memory{}
	}
	if o.Archive == nil {
		o.Archive = &objects.Memory{}
	}
	if o.History == nil {
		o.History = &objects.Memory{}
	}
	if o.Script == nil {
		o.Script = sim.NewScript()
	}
	w := &World{options: o, Store: store.New(o.Table, o.Clock),
		PublicURL: "http://fleet.test", random: rand.New(rand.NewPCG(o.Seed, 1)), counts: map[string]int{}, dates: dates{keep: o.Hooks.OnCalendar},
		secrets: secrets{values: o.Credentials, kept: map[string]*provider.Credentials{}}}
	if err := w.openVendors(); err != nil {
		return nil, err
	}
	machines, err := Machines()
	if err != nil {
		return nil, err
	}
	w.Executions, err = asl.NewService(asl.Options{Clock: o.Clock, Invoker: w, Machines: machines, Seed: o.Seed,
		OnEvent: w.observe, OnStatus: w.statusChanged})
	if err != nil {
		return nil, err
	}
	return w, w.openSandbox()
}

// Machines are the workflows, with the functions' names in place of their ARNs. All worlds share them.
func Machines() (map[string]*asl.Machine, error) { return machines() }

var machines = sync.OnceValues(func() (map[string]*asl.Machine, error) {
	substitutions := map[string]string{}
	for _, f := range catalog.Functions() {
		substitutions[f.State()] = f.Name
	}
	machines := map[string]*asl.Machine{}
	for _, name := range catalog.Workflows() {
		definition, err := statemachines.Definition(name)
		if err != nil {
			return nil, err
		}
		if machines[name], err = asl.Parse(definition, substitutions); err != nil {
			return nil, fmt.Errorf("workflow %s: %w", name, err)
		}
	}
	return machines, nil
})

// statusChanged is EventBridge: the end of an execution invokes the functions that wait for one.
func (w *World) statusChanged(change asl.StatusChange) {
	event, err := change.Event(w.nonce())
	if err != nil {
		w.options.Log.Warn("the end of an execution was not told", "execution", change.Execution.Name, "error", err.Error())
	}
	for _, f := range catalog.Functions() {
		if f.OnExecutionEnd && err == nil && change.Execution.Status != asl.Running {
			w.background(f.Name, event)
		}
	}
	if w.options.Hooks.OnStatus != nil {
		w.options.Hooks.OnStatus(change)
	}
}

// Background invokes a function asynchronously.
func (w *World) Background(function string) { w.background(function, json.RawMessage("{}")) }

func (w *World) background(function string, payload json.RawMessage) {
	w.flying.Go(func() {
		if _, err := w.Invoke(context.Background(), function, payload); err != nil {
			w.options.Log.Warn("background invocation failed", "function", function, "error", err.Error())
		}
	})
}

// publish is the topic of incidents.
func (w *World) publish(ctx context.Context, subject, text string) error {
	w.options.Log.WarnContext(ctx, "people on call are told", "subject", subject)
	if w.options.Publish == nil {
		return nil
	}
	return w.options.Publish(ctx, subject, text)
}

// RunSchedules invokes the catalog's scheduled functions, each by its period, and what the calendar's one-time schedules invoke, until
// ctx is done.
func (w *World) RunSchedules(ctx context.Context) {
	w.flying.Go(func() { w.runCalendar(ctx) })
	for _, f := range catalog.Functions() {
		if f.Trigger != catalog.Schedule {
			continue
		}
		w.runs(f.Name, true)
		w.flying.Go(func() {
			defer w.runs(f.Name, false)
			for w.options.Clock.Sleep(ctx, time.Duration(f.Every)*time.Minute) == nil {
				if _, err := w.Invoke(ctx, f.Name, json.RawMessage("{}")); err != nil {
					w.options.Log.Warn("scheduled invocation failed", "function", f.Name, "error", err.Error())
				}
			}
		})
	}
}

// Settle waits until nothing is under way: no execution, no invocation, no request to a vendor. What one of them begins when
// it ends is waited for as well.
func (w *World) Settle(ctx context.Context) error {
	for before := -1; ; {
		if err := w.Executions.Settle(ctx); err != nil {
			return err
		}
		w.flying.Wait()
		w.Vendors.link.Drain()
		now := w.invocations()
		if now == before {
			return nil
		}
		before = now
	}
}

func (w *World) invocations() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	sum := 0
	for _, n := range w.counts {
		sum += n
	}
	return sum
}

// Close ends the functions' processes, and stops the simulators' ports.
func (w *World) Close() error {
	var failed error
	if w.sandbox != nil {
		failed = w.sandbox.Close()
	}
	return errors.Join(failed, w.Vendors.close())
}
