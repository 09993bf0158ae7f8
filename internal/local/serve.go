package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"

	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/objects"
	"github.com/project-gimbal/fleet/internal/portal"
	"github.com/project-gimbal/fleet/internal/seal"
	"github.com/project-gimbal/fleet/internal/sim/edge"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store/bolt"
)

// serve keeps a system up, its state in a folder, until a person stops it.
func serve(args []string, t terminal, stop *interrupts) int {
	o, err := parseServe(args, t.out)
	if err != nil {
		return refuse(err, "serve", t)
	}
	ended := make(chan error, 1)
	go func() { ended <- keepUp(o, t, stop) }()
	select {
	case err = <-ended:
	case <-stop.again:
		err = errors.New("left at once; what was under way goes on at the next start")
	}
	if err != nil {
		say(t.err, "serve: %v\n", advised(err, o))
		return exitFailed
	}
	return exitDone
}

// advised adds to an error what a person can do about it.
func advised(err error, o serveOptions) error {
	switch {
	case errors.Is(err, bolt.ErrLocked):
		return fmt.Errorf("another process has %s open: end it, or choose another folder by -data", folder(o.dir).file("fleet.db"))
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%w: end what listens there, or choose another address by -addr", err)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w: make room, and start again: what was under way goes on then", err)
	case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: let this user write to %s, or choose another folder by -data", err, o.dir)
	}
	return err
}

func keepUp(o serveOptions, t terminal, stop *interrupts) (err error) {
	s, err := openServed(o, t, stop)
	if stop.asked() && err != nil {
		return errors.New("stopped before it was up")
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	public, err := s.system.world.Vendors.Edge.Listen(above(o.address))
	if err != nil {
		return fmt.Errorf("the public edge: %w", err)
	}
	defer func() { err = errors.Join(err, public.Close()) }()
	s.edge.opened(public.Addr())
	if err := s.folder.announce(s.system.url); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.folder.withdraw()) }()
	s.run(o)
	greet(t, o, s.system, public)
	select {
	case <-stop.first:
	case err := <-s.broken:
		return fmt.Errorf("ended, since its state can't be kept: %w", err)
	}
	say(t.out, "stopping; Ctrl-C once more leaves at once\n")
	if n := underway(s.system.world.Executions); n > 0 {
		say(t.out, "%s under way; the next start goes on from there\n", counted(n, "execution"))
	}
	return nil
}

// served is a system whose state is kept.
type served struct {
	system *system
	folder folder
	keeper *keeper
	screen *plain
	log    *os.File
	edge   edgePort
	feed   *portal.Feed
	calls  *callbook
	files  *fileLinks

	release func() error // of the folder
	cancel  context.CancelFunc
	time    sync.WaitGroup
	broken  chan error // why state can't be kept any more, once
}

// breaks learns why state can't be kept any more.
func (s *served) breaks(err error) {
	select {
	case s.broken <- err:
	default: // it is known already
	}
}

// openServed opens the system in its folder. Where it fails, nothing is left running.
func openServed(o serveOptions, t terminal, stop *interrupts) (*served, error) {
	s := &served{folder: folder(o.dir), feed: portal.NewFeed(), cancel: func() {}, broken: make(chan error, 1)}
	var err error
	if s.release, err = s.folder.occupy(); err != nil {
		return nil, err
	}
	if err := s.open(o, t, stop); err != nil {
		return nil, errors.Join(err, s.release())
	}
	return s, nil
}

// open opens the system in a folder that is this process's own.
func (s *served) open(o serveOptions, t terminal, stop *interrupts) error {
	c, err := s.folder.clock(o.speed)
	if err != nil {
		return err
	}
	s.files = newFileLinks(s.folder.file("exports"), c)
	p := plan{clock: c, seed: 1, table: s.folder.file("fleet.db"), durable: true, databases: s.folder.file("postgres"), exports: s.files.objects(), archive: objects.Dir{Root: s.folder.file("archive")}, history: objects.Dir{Root: s.folder.file("history")}, front: o.address, autoApprove: o.autoApprove, endUnpaid: !o.unpaidLock, rules: o.rules, processes: o.processes}
	if p.key, err = seal.FileKey(s.folder.file("key")); err != nil {
		return err
	}
	if p.credentials, err = keptCredentials(s.folder.file("credentials.json")); err != nil {
		return err
	}
	if p.credentialsSince, err = changed(s.folder.file("credentials.json")); err != nil {
		return err
	}
	if p.simulators, err = s.folder.ports(); err != nil {
		return err
	}
	if s.log, err = os.OpenFile(s.folder.file("fleet.log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err != nil {
		return err
	}
	p.log = slog.New(slog.NewJSONHandler(s.log, nil))
	p.readLog = func() (io.ReadCloser, error) { return os.Open(s.log.Name()) }
	p.publish = func(_ context.Context, subject, text string) error {
		s.screen.said("people on call are told: %s\n\n%s", subject, text)
		return nil
	}
	if s.calls, err = openCallbook(s.folder.file("calls.jsonl"), portal.CallsKept, s.feed.Called); err != nil {
		return errors.Join(err, s.log.Close())
	}
	s.keeper = newKeeper(s.folder, s.breaks)
	s.screen = newPlain(t.out, c)
	s.screen.watch = newWatch() // nobody counts calls here
	p.restore = s.keeper.restore
	p.pages = s.pages(o, p.log)
	p.hooks = world.Hooks{OnEvent: func(o asl.Observation) {
		s.screen.observed(o)
		s.feed.Changed(o.ARN)
	}, OnCall: s.calls.called, OnStatus: func(change asl.StatusChange) { s.keeper.status(change) }, OnSettled: s.keeper.settled, OnCalendar: s.keeper.calendar}
	ctx, cancel := stop.context()
	defer cancel()
	if s.system, err = openSystem(ctx, p); err != nil {
		return errors.Join(err, s.calls.close(), s.log.Close())
	}
	return nil
}

// run lets time go on: schedules, and what was under way when the last process ended.
func (s *served) run(o serveOptions) {
	var ctx context.Context
	ctx, s.cancel = context.WithCancel(context.Background())
	s.time.Go(func() {
		if err := s.folder.keepTime(ctx, s.system.clock, o.speed); err != nil {
			s.breaks(fmt.Errorf("keep the time: %w", err))
		}
	})
	s.system.world.RunSchedules(ctx)
	for _, function := range []catalog.Function{catalog.Reconcile, catalog.Admit} {
		s.system.world.Background(function.Name)
	}
}

// close keeps everything as it is and ends all processes.
func (s *served) close() error {
	s.cancel()
	s.time.Wait()
	s.screen.close()
	failed := errors.Join(s.keeper.release(), s.system.Close(), s.calls.close(), s.log.Close(), s.release())
	s.keeper.end()
	select {
	case err := <-s.broken:
		failed = errors.Join(err, failed)
	default:
	}
	return failed
}

// underway counts open executions.
func underway(service *asl.Service) (n int) {
	for _, x := range service.ListExecutions() {
		if x.Status == asl.Running {
			n++
		}
	}
	return n
}

// above is the address one port above another; of a port that the system chooses, another of its choice.
func above(address string) string {
	host, port, err := net.SplitHostPort(address)
	n, bad := strconv.Atoi(port)
	if err != nil || bad != nil || n == 0 {
		return net.JoinHostPort(host, "0")
	}
	return net.JoinHostPort(host, strconv.Itoa(n+1))
}

// fleetctl is how an operator's command line is told of the system in a folder.
func fleetctl(dir string) string {
	if dir == ".data" {
		return `make fleetctl ARGS="--local list"`
	}
	return "go run ./internal/fleetctl --local=" + dir + " list"
}

// greet tells a person where everything is.
func greet(t terminal, o serveOptions, s *system, public *edge.Listener) {
	_, port, _ := net.SplitHostPort(public.Addr()) // it listens there
	say(t.out, "Gimbal Fleet is up; its state is in %s\n\n", o.dir)
	line := func(name, format string, args ...any) { say(t.out, "  %-11s %s\n", name, fmt.Sprintf(format, args...)) }
	line("signup", "%s/", s.url)
	line("console", "%s/console/sign-in?token=%s", s.url, s.credentials[step.OperatorToken])
	line("front", "%s", s.url)
	for _, f := range catalog.Functions() {
		if f.Route != "" {
			line("", "%s", f.Route)
		}
	}
	line("operator", "Authorization: Bearer %s", s.credentials[step.OperatorToken])
	line("", "or %s", fleetctl(o.dir))
	line("webhooks", "signed as Standard Webhooks say, with %q of %s", step.WebhookSecret, folder(o.dir).file("credentials.json"))
	if o.speed != 1 {
		line("", "their timestamps in the fleet's time, which runs %v times as fast: now %s", o.speed, s.clock.Now().Format("2006-01-02T15:04:05Z"))
	}
	line("instances", "http://<slug>.%s.localhost:%s", world.Domain, port)
	line("log", "%s", folder(o.dir).file("fleet.log"))
	say(t.out, "\nSimulated vendors:\n")
	ports, err := simulators(s.world)
	if err != nil {
		return // it listens there, so its addresses are addresses
	}
	for _, vendor := range slices.Sorted(maps.Keys(ports)) {
		line(vendor, "http://%s", ports[vendor])
	}
	say(t.out, "\nCtrl-C ends it.\n")
}
