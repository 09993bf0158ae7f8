package main

import (
	"context"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/project-gimbal/fleet/events"
	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/objects"
	"github.com/project-gimbal/fleet/internal/schema"
	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/sim/postgres"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/store/bolt"
)

const (
	// ordinaryCall is how long a vendor's ordinary call takes, at most, and listLag how late lists show what is new: the
	// vendors' usual, where the fault matrix goes to the bounds.
	ordinaryCall = 300 * time.Millisecond
	listLag      = 2 * time.Second
)

// plan is what a system is made of.
type plan struct {
	clock   clock.Clock
	seed    uint64
	latency world.Latency
	rules   []sim.Rule
	hooks   world.Hooks
	// processes is how functions run as processes; nil runs them in this one.
	processes *world.Processes
	log       *slog.Logger
	readLog   func() (io.ReadCloser, error) // of log, as world.Options has it
	publish   func(ctx context.Context, subject, text string) error

	// table is the file of the fleet's records; durable makes its writes survive a power failure.
	table       string
	durable     bool
	key         tink.AEADWithContext
	credentials credentials
	// credentialsSince is when they were made; zero where it doesn't matter.
	credentialsSince time.Time
	// autoApprove are the plans that need no operator.
	autoApprove []string
	// endUnpaid lets instances be decommissioned whose bills are unpaid.
	endUnpaid bool
	// databases is PostgreSQL's folder.
	databases string
	// front is where the HTTP front listens; simulators are where those do, by vendor, where it matters.
	front      string
	simulators map[string]string
	// exports, archive and history are where exports, the audit archive and the history of configurations are kept; nil keeps them in memory.
	exports, archive, history objects.Store
	// pages puts pages for people before the API; nil for none.
	pages func(s *system, api http.Handler) (http.Handler, error)
	// restore brings state back before anything is served; nil where there is none.
	restore func(*world.World) error
}

// system is a world with its real parts: the table's file, PostgreSQL, the HTTP front.
type system struct {
	clock       clock.Clock
	world       *world.World
	url         string // of the HTTP front
	credentials credentials

	server    *http.Server
	closes    []func() error // in the order of opening
	databases *postgres.Server
}

// openSystem puts a system together. Where it fails, nothing is left.
func openSystem(ctx context.Context, p plan) (s *system, err error) {
	s = &system{clock: p.clock, credentials: p.credentials}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
			s = nil
		}
	}()
	table, err := s.table(p, "fleet", store.Indexes())
	if err != nil {
		return s, err
	}
	keys, err := s.table(p, "keys", nil)
	if err != nil {
		return s, err
	}
	release, err := events.Release()
	if err != nil {
		return s, err
	}
	databases, err := postgres.Start(ctx, p.databases, postgres.Options{})
	if err != nil {
		return s, err
	}
	s.databases = databases
	s.closes = append(s.closes, databases.Stop)
	front, err := net.Listen("tcp", p.front)
	if err != nil {
		return s, err
	}
	s.closes = append(s.closes, func() error { return closed(front.Close()) })
	p.latency.Answer, p.latency.Lag = ordinaryCall, listLag
	s.world, err = world.New(world.Options{
		Clock: p.clock, Seed: p.seed, Table: table, Keys: keys, KeyEncryptionKey: p.key, Credentials: p.credentials,
		CredentialsSince: p.credentialsSince, AutoApprove: p.autoApprove, EndUnpaid: p.endUnpaid, Quotas: world.Quotas(),
		Databases: databases, OpenDatabase: schema.Open, DatabaseURL: databases.DatabaseURLTemplate(), Release: release, Exports: p.exports, Archive: p.archive, History: p.history,
		Latency: p.latency, Script: sim.NewScript(p.rules...), Ports: true, Listen: p.simulators, Log: p.log, ReadLog: p.readLog, Publish: p.publish, Processes: p.processes, Hooks: p.hooks,
	})
	if err != nil {
		return s, err
	}
	s.closes = append(s.closes, s.world.Close)
	s.url = "http://" + front.Addr().String()
	s.world.PublicURL = s.url
	if p.restore != nil {
		if err := p.restore(s.world); err != nil {
			return s, err
		}
	}
	handler := s.world.Front()
	if p.pages != nil {
		if handler, err = p.pages(s, handler); err != nil {
			return s, err
		}
	}
	s.server = &http.Server{Addr: front.Addr().String(), Handler: handler, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	s.closes = append(s.closes, s.server.Close)
	go func() { _ = s.server.Serve(front) }() // ends with Close
	return s, nil
}

func (s *system) table(p plan, bucket string, indexes []string) (*bolt.Table, error) {
	t, err := bolt.Open(p.table, p.clock, indexes, bolt.Options{Bucket: bucket, Sync: p.durable})
	if err != nil {
		return nil, err
	}
	s.closes = append(s.closes, t.Close)
	return t, nil
}

// Close ends everything in the reverse order, PostgreSQL's process included. What still runs in the world fails from then on.
func (s *system) Close() error {
	var failed error
	for _, end := range slices.Backward(s.closes) {
		failed = errors.Join(failed, end())
	}
	s.closes = nil
	return failed
}

// closed takes a listener that was closed already for what was wanted.
func closed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
