package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/objects"
	"github.com/project-gimbal/fleet/internal/seal"
	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/sim/postgres"
)

// demo plays a signup on a system of its own, which is thrown away.
func demo(args []string, t terminal, stop *interrupts) int {
	o, err := parseDemo(args, t.out)
	if err != nil {
		return refuse(err, "demo", t)
	}
	code, err := perform(o, t, stop)
	if err != nil {
		say(t.err, "demo: %v\n", err)
	}
	return code
}

// perform plays, shows, and reports. The error is for people.
func perform(o demoOptions, t terminal, stop *interrupts) (code int, err error) {
	took := stopwatch()
	c := clock.NewLeaping(clock.Scaled(time.Time{}, o.speed))
	s := chooseScreen(o, t, c, stop)
	p := &play{watch: newWatch(), screen: s, stop: stop, options: o, clock: c, archive: &objects.Memory{}, life: lifeReport{mailed: map[string]bool{}}}
	remove, err := p.open(c)
	if err != nil {
		s.close()
		if stop.asked() {
			err = errors.New("stopped before anything was made")
		}
		return exitFailed, err
	}
	defer func() {
		s.close()
		if ended := errors.Join(p.system.Close(), remove()); ended != nil {
			code, err = exitFailed, errors.Join(err, ended)
		}
	}()
	s.attach(p.system, p.watch)
	ctx := context.Background() // what Ctrl-C does is up to the play
	err = p.run(ctx)
	s.close()
	if errors.Is(err, errLeft) {
		tellLeft(t.readable(t.err), p.running(ctx), p.left(ctx))
		return exitFailed, nil
	}
	if err != nil {
		return exitFailed, err
	}
	r, err := p.report(ctx)
	if err != nil {
		return exitFailed, err
	}
	r.Elapsed = took()
	if err := show(r, o, t); err != nil {
		return exitFailed, err
	}
	return r.exitCode(o), nil
}

// open opens the system, and gives what removes its files once it is closed. The first Ctrl-C ends the opening.
func (p *play) open(c clock.Clock) (remove func() error, err error) {
	ctx, cancel := p.stop.context()
	defer cancel()
	databases, removeDatabases, err := postgres.Scratch()
	if err != nil {
		return nil, err
	}
	files, err := os.MkdirTemp("", "gimbal-fleet-demo-")
	if err != nil {
		return nil, errors.Join(err, removeDatabases())
	}
	remove = func() error { return errors.Join(removeDatabases(), os.RemoveAll(files)) }
	key, err := seal.MemoryKey()
	if err != nil {
		return nil, errors.Join(err, remove())
	}
	p.screen.said("starting PostgreSQL, five vendors and the HTTP front")
	p.system, err = openSystem(ctx, plan{clock: c, seed: p.options.seed, latency: p.options.latency, rules: p.options.rules, processes: p.options.processes,
		hooks: p.hooks(), table: filepath.Join(files, "fleet.db"), key: key, credentials: newCredentials(), databases: databases,
		archive: p.archive, front: "127.0.0.1:0"})
	if err != nil {
		return nil, errors.Join(err, remove())
	}
	return remove, nil
}

func (p *play) hooks() world.Hooks {
	hooks := world.Hooks{
		OnEvent:  p.screen.observed,
		OnCall:   func(place asl.Place, call sim.Call) { p.watch.called(place, call) },
		OnStatus: func(change asl.StatusChange) { p.halt(change.Execution) },
	}
	if p.options.meddle != nil {
		p.options.meddle(&hooks)
	}
	return hooks
}

// tellLeft says what a play that was left at once leaves behind, and where: by the ledger, and by what the vendors hold. It is
// all gone with the simulated vendors. while is the operation that ran; empty for none.
func tellLeft(w io.Writer, while string, left []resourceReport) {
	if while != "" {
		while = ", while " + while + " ran"
	}
	if len(left) == 0 {
		say(w, "left at once%s; nothing was at any vendor\n", while)
		return
	}
	say(w, "left at once%s; these were at the simulated vendors, and are gone with them:\n", while)
	for _, e := range left {
		held := "may be there: its making was under way"
		if len(e.Held) > 0 || e.Status == fleet.Created {
			held = heldWords(e)
		}
		say(w, "  %-10s  %-17s  %s\n", vendorOf(e.Kind), e.Kind, held)
	}
}

// left is what is left of a play that was not waited for. Of a ledger that can't be read, what the vendors hold.
func (p *play) left(ctx context.Context) []resourceReport {
	entries, _ := p.system.world.Store.Resources(ctx, p.id())
	return report{Resources: beside(entries, p.system.world.Vendors.Inventory())}.left()
}

// running is the operation that runs; empty if none does, or nobody knows.
func (p *play) running(ctx context.Context) string {
	if i, err := p.system.world.Store.Instance(ctx, p.id()); err == nil && i != nil {
		return i.Operation
	}
	return ""
}
