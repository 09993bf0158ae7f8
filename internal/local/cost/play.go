package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/project-gimbal/fleet/events"
	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/schema/memory"
	"github.com/project-gimbal/fleet/internal/seal"
	"github.com/project-gimbal/fleet/internal/sim/supabase"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/store/bolt"
	"github.com/project-gimbal/fleet/internal/store/table"
)

const (
	// ordinaryCall is how long a vendor's ordinary call takes, at most, and listLag how late lists show what is new, as in the
	// runner's demo. What is slow at the vendors is the simulators' own.
	ordinaryCall = 300 * time.Millisecond
	listLag      = 2 * time.Second
	// sweeps is how often each scheduled function is invoked when nothing is to do.
	sweeps = 3
)

// Measured is what playing one provisioning, and then the schedules with nothing to do, used.
type Measured struct {
	// Provisioning is by function, from the signup to the end of the execution.
	Provisioning map[string]Usage `json:"provisioning"`
	Transitions  float64          `json:"transitions"`
	// Events is how many the execution's history has.
	Events float64 `json:"events"`
	// Idle is one invocation of each scheduled function.
	Idle map[string]Usage `json:"idle"`
	// Stored is what an instance takes of the tables' storage, in bytes.
	Stored float64 `json:"storedBytes"`
}

// theatre is a world that is measured.
type theatre struct {
	world  *world.World
	meter  *meter
	prices Prices
	clock  clock.Clock
	secret string // of the webhook
	token  string // the operators'
}

// play plays a provisioning, with the vendors' latencies by seed. On a clock that runs faster than the machine's, Fleet's own
// computing counts for more, as it does on a Lambda of a seventh of a processor.
func play(ctx context.Context, p Prices, seed uint64, c clock.Clock) (m Measured, err error) {
	dir, err := os.MkdirTemp("", "gimbal-fleet-cost-")
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	t := &theatre{meter: newMeter(), prices: p, clock: c,
		secret: "whsec_" + base64.StdEncoding.EncodeToString(random(24)), token: hex.EncodeToString(random(20))}
	end, err := t.open(dir, seed)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, end()) }()
	id, err := t.provision(ctx)
	if err != nil {
		return m, err
	}
	m.Provisioning, m.Stored = t.meter.take(), float64(t.meter.bytes())
	m.Transitions, m.Events = float64(t.world.Executions.Transitions()), float64(t.meter.events.Load())
	i, err := t.world.Store.Instance(ctx, id)
	if err == nil && (i == nil || i.State != fleet.Active) {
		err = errors.New("the provisioning that was to be measured did not become ACTIVE: make demo shows why")
	}
	if err != nil {
		return m, err
	}
	m.Idle, err = t.sweep(ctx)
	return m, err
}

// open puts the world together.
func (t *theatre) open(dir string, seed uint64) (func() error, error) {
	file := filepath.Join(dir, "fleet.db")
	records, err := bolt.Open(file, t.clock, store.Indexes(), bolt.Options{Bucket: "fleet"})
	if err != nil {
		return nil, err
	}
	wrapped, err := bolt.Open(file, t.clock, nil, bolt.Options{Bucket: "keys"})
	if err != nil {
		return nil, errors.Join(err, records.Close())
	}
	closeAll := func() error { return errors.Join(wrapped.Close(), records.Close()) }
	kek, err := seal.MemoryKey()
	if err != nil {
		return nil, errors.Join(err, closeAll())
	}
	files, err := events.Release()
	if err != nil {
		return nil, errors.Join(err, closeAll())
	}
	t.world, err = world.New(world.Options{Clock: t.clock, Seed: seed, Table: records, Keys: wrapped, KeyEncryptionKey: kek,
		Credentials: t.credentials(), Slots: 1, Databases: supabase.NoDatabases{}, OpenDatabase: (&memory.Store{}).Open,
		DatabaseURL: "postgres://{user}@{host}:5432/postgres", Release: release{files, t.meter, releaseReader()},
		Latency: world.Latency{Answer: ordinaryCall, Lag: listLag}, Log: slog.New(handler{meter: t.meter}), Hooks: t.hooks()})
	if err != nil {
		return nil, errors.Join(err, closeAll())
	}
	return func() error { return errors.Join(t.world.Close(), closeAll()) }, nil
}

func (t *theatre) hooks() world.Hooks {
	count := func(function, name string, inner table.Table) counted {
		return counted{Table: inner, meter: t.meter, clock: t.clock, name: name, function: function,
			read: t.prices.millis("tableReadMs"), write: t.prices.millis("tableWriteMs")}
	}
	return world.Hooks{
		Table: func(function string, inner table.Table) table.Table { return count(function, "fleet", inner) },
		Keys: func(function string, inner table.Table) table.Table {
			return keys{count(function, "keys", inner), t.prices.millis("keyMs")}
		},
		OnEvent: func(asl.Observation) { t.meter.events.Add(1) },
		OnCredential: func(function, _ string) {
			t.meter.add(function, Usage{SecretCalls: 1})
			_ = t.clock.Sleep(context.Background(), t.prices.millis("secretMs")) // it has no end but its own
		},
	}
}

// releaseReader is the function that may read releases.
func releaseReader() string {
	for _, f := range catalog.Functions() {
		if slices.Contains(f.Grants, catalog.ReadRelease) {
			return f.Name
		}
	}
	return ""
}

// sweep invokes each scheduled function while nothing is to do, and gives what one invocation of it uses.
func (t *theatre) sweep(ctx context.Context) (map[string]Usage, error) {
	for _, f := range catalog.Functions() {
		if f.Trigger != catalog.Schedule {
			continue
		}
		for range sweeps {
			if _, err := t.world.Invoke(ctx, f.Name, json.RawMessage("{}")); err != nil {
				return nil, fmt.Errorf("%s, with nothing to do: %w", f.Name, taskText(err))
			}
		}
	}
	if err := t.world.Settle(ctx); err != nil {
		return nil, err
	}
	idle := t.meter.take()
	for name, u := range idle {
		idle[name] = u.times(1.0 / sweeps)
	}
	return idle, nil
}

// taskText is an error with what a failed function says of it.
func taskText(err error) error {
	if task, ok := errors.AsType[*asl.TaskError](err); ok {
		return fmt.Errorf("%s: %s", task.Type, task.Message)
	}
	return err
}

func (t *theatre) credentials() map[string]string {
	return map[string]string{
		provider.SupabaseToken: "sbp_" + hex.EncodeToString(random(20)), provider.VercelToken: hex.EncodeToString(random(12)),
		provider.CloudflareToken: hex.EncodeToString(random(20)), provider.TwilioToken: hex.EncodeToString(random(16)),
		provider.SendGridKey: "SG." + hex.EncodeToString(random(11)) + "." + hex.EncodeToString(random(20)),
		step.WebhookSecret:   t.secret, step.OperatorToken: t.token, step.LinkSecret: hex.EncodeToString(random(32)),
	}
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

// mean is what each of several plays used, on average.
func mean(plays []Measured) Measured {
	m := Measured{Provisioning: map[string]Usage{}, Idle: map[string]Usage{}}
	share := 1 / float64(len(plays))
	add := func(into, from map[string]Usage) {
		for name := range maps.Keys(from) {
			into[name] = into[name].plus(from[name].times(share))
		}
	}
	for _, p := range plays {
		add(m.Provisioning, p.Provisioning)
		add(m.Idle, p.Idle)
		m.Transitions += p.Transitions * share
		m.Events += p.Events * share
		m.Stored += p.Stored * share
	}
	return m
}
