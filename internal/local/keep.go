package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/sim"
)

// folder is where a system keeps its state over restarts. Every file in it is replaced whole, but for the two that grow:
// calls.jsonl and fleet.log.
//
//	lock                held by the process that serves, with its id
//	format.json         the format of all of it
//	fleet.db            the fleet's records and the wrapped data keys
//	key                 the key-encryption key
//	credentials.json    Fleet's own credentials
//	clock.json          the fleet's time
//	front.json          where the HTTP front listens, while it does: fleetctl reads it, and credentials.json
//	ports.json          where the simulators listen: instances know theirs by these addresses
//	vendors/            the simulators' state
//	exports/            customers' exports
//	executions.json     the workflows' executions
//	calendar.json       the times of the one-time schedules
//	calls.jsonl         the newest calls of vendors that their states made
//	postgres/           the customers' databases
//	exports/            customers' exports
//	archive/            what outlasts an instance: audit chains and certificates
//	history/            how instances are and were set up
//	fleet.log           the functions' log
type folder string

func (f folder) file(name string) string { return filepath.Join(string(f), name) }

// make makes the folder. PostgreSQL may run as another user, who must get through it; the files keep to their owner.
func (f folder) make() error {
	return errors.Join(os.MkdirAll(string(f), 0o711), os.MkdirAll(f.file("vendors"), 0o700))
}

// read reads a file's JSON; false if there is no such file yet.
func (f folder) read(name string, into any) (bool, error) {
	text, err := os.ReadFile(f.file(name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return false, fmt.Errorf("%s is damaged (%w): bring it back from a backup, or choose another folder by -data to begin anew", f.file(name), err)
	}
	return true, nil
}

func (f folder) write(name string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return writeFile(f.file(name), text)
}

const (
	// keepClock is how often the fleet's time is kept, in the machine's time. What is kept is ahead of it by twice that, so
	// that time never goes back, however the program ended.
	keepClock = time.Second
	ahead     = 2 * keepClock
)

type keptTime struct {
	Now time.Time `json:"now"`
}

// clock goes on from the time that was kept, or from the machine's where that is later: vendors' projects come up and
// schedules fall due while the program is down.
func (f folder) clock(speed float64) (clock.Clock, error) {
	var kept keptTime
	if _, err := f.read("clock.json", &kept); err != nil {
		return nil, err
	}
	origin := clock.System().Now()
	if kept.Now.After(origin) {
		origin = kept.Now
	}
	return clock.Scaled(origin, speed), nil
}

// keepTime keeps the fleet's time until ctx is done, and then as it is.
func (f folder) keepTime(ctx context.Context, c clock.Clock, speed float64) error {
	for {
		reserve := time.Duration(float64(ahead) * speed)
		if ctx.Err() != nil {
			reserve = 0
		}
		if err := f.write("clock.json", keptTime{c.Now().Add(reserve)}); err != nil || ctx.Err() != nil {
			return err
		}
		_ = clock.System().Sleep(ctx, keepClock) // ctx's end is seen above
	}
}

// announced tells programs beside this one where the HTTP front listens.
type announced struct {
	URL string `json:"url"`
}

func (f folder) announce(url string) error { return f.write("front.json", announced{url}) }

// withdraw takes the announcement back: nothing listens any more.
func (f folder) withdraw() error { return os.Remove(f.file("front.json")) }

// ports are where the simulators listened last time, by vendor.
func (f folder) ports() (map[string]string, error) {
	ports := map[string]string{}
	_, err := f.read("ports.json", &ports)
	return ports, err
}

// simulators gives the addresses of a world's simulators, by vendor.
func simulators(w *world.World) (map[string]string, error) {
	ports := map[string]string{}
	e := w.Endpoints
	for vendor, base := range map[string]string{"supabase": e.Supabase, "vercel": e.Vercel, "cloudflare": e.Cloudflare,
		"twilio": e.Twilio, "sendgrid": e.SendGrid} {
		u, err := url.Parse(base)
		if err != nil {
			return nil, err
		}
		ports[vendor] = u.Host
	}
	return ports, nil
}

// keeper keeps what a running system knows in memory only: the simulators' state, the executions and the calendar.
//
// What can't be kept is not answered. A vendor that had answered and forgot would leave Fleet's ledger wrong for ever, while an
// answer that never comes is what every step copes with.
type keeper struct {
	folder folder
	failed func(error)   // learns of what could not be kept
	over   chan struct{} // closed when the system is; until then a change that isn't kept has no answer

	mu       sync.Mutex
	world    *world.World // nil before it is restored
	released bool
}

func newKeeper(f folder, failed func(error)) *keeper {
	return &keeper{folder: f, failed: failed, over: make(chan struct{})}
}

// restore brings everything back into a fresh world. Executions that were open died with their process: they are aborted,
// and reconcile goes on from there.
func (k *keeper) restore(w *world.World) error {
	for _, vendor := range w.Vendors.All() {
		var state json.RawMessage
		there, err := k.folder.read(vendorFile(vendor), &state)
		if err == nil && there {
			err = vendor.Load(state)
		}
		if err != nil {
			return err
		}
	}
	var executions json.RawMessage
	there, err := k.folder.read("executions.json", &executions)
	if err == nil && there {
		err = w.Executions.Load(executions)
	}
	if err != nil {
		return err
	}
	due := map[string]time.Time{}
	if _, err := k.folder.read("calendar.json", &due); err != nil {
		return err
	}
	w.RestoreCalendar(due)
	w.Vendors.Vercel.CheckDNS() // the last process may have died between the DNS and this
	ports, err := simulators(w)
	if err != nil {
		return err
	}
	k.mu.Lock()
	k.world = w
	k.mu.Unlock()
	return k.folder.write("ports.json", ports)
}

func vendorFile(v sim.Vendor) string { return filepath.Join("vendors", v.Name()+".json") }

// settled keeps a simulator's state before its caller learns of the change: what Fleet knows of, the vendor has. A change of
// the DNS may start a certificate at Vercel.
func (k *keeper) settled(changed sim.Vendor) {
	if !k.keep(changed) {
		<-k.over
	}
}

// keep keeps a changed simulator's state; false where it can't.
func (k *keeper) keep(changed sim.Vendor) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.released:
		return false
	case k.world == nil:
		return true
	}
	vendors := []sim.Vendor{changed}
	if vercel := k.world.Vendors.Vercel; changed.Name() != vercel.Name() {
		vendors = append(vendors, vercel)
	}
	if err := k.vendors(vendors); err != nil {
		k.failed(err)
		return false
	}
	return true
}

// vendors keeps simulators' state.
func (k *keeper) vendors(vendors []sim.Vendor) error {
	for _, v := range vendors {
		state, err := v.Save()
		if err == nil {
			err = writeFile(k.folder.file(vendorFile(v)), state)
		}
		if err != nil {
			return fmt.Errorf("keep %s's state: %w", v.Name(), err)
		}
	}
	return nil
}

// status keeps the executions when one begins or ends.
func (k *keeper) status(asl.StatusChange) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.world == nil || k.released {
		return
	}
	if err := k.executions(); err != nil {
		k.failed(err)
	}
}

func (k *keeper) executions() error {
	state, err := k.world.Executions.Save()
	if err == nil {
		err = writeFile(k.folder.file("executions.json"), state)
	}
	if err != nil {
		return fmt.Errorf("keep the executions: %w", err)
	}
	return nil
}

// calendar keeps the one-time schedules, or returns why it can't.
func (k *keeper) calendar(due map[string]time.Time) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.released {
		return errors.New("the system ends")
	}
	err := k.folder.write("calendar.json", due)
	if err != nil {
		k.failed(fmt.Errorf("keep the calendar: %w", err))
	}
	return err
}

// release keeps everything a last time. What still happens in the world is lost, as with the process, and nobody is answered
// any more.
func (k *keeper) release() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.world == nil || k.released {
		return nil
	}
	k.released = true
	return errors.Join(k.executions(), k.vendors(k.world.Vendors.All()))
}

// end lets go of those who wait for an answer, once the system is closed and they can't do anything with it.
func (k *keeper) end() { close(k.over) }
