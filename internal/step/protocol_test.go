package step_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/steps/instance"
	"github.com/project-gimbal/fleet/internal/steps/operation"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/store/chaos"
)

// TestProtocol simulates the life of one resource, thousands of times: three overlapping sequences of Ensure that may die
// anywhere, activations, a take-over at a random moment, and two sequences of Remove, with requests and store writes that
// land late, lists that lag and clocks that are off, all as far as the bounds allow and often just so far. Each must end
// ACTIVE with exactly the ledger's resource, or torn down with none, and where more than that was ever made the ledger must
// know that it was unsure. FLEET_TEST_SEED picks one by its seed.
func TestProtocol(t *testing.T) {
	first, last := uint64(1), uint64(runs)
	if testing.Short() {
		last = runs / 10
	}
	if s := os.Getenv("FLEET_TEST_SEED"); s != "" {
		var err error
		if first, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
		last = first
	}
	for _, replace := range []bool{false, true} {
		t.Run(fmt.Sprintf("replace=%t", replace), func(t *testing.T) {
			t.Parallel()
			ends := map[fleet.State]int{}
			for seed := first; seed <= last && !t.Failed(); seed++ {
				synctest.Test(t, func(t *testing.T) {
					s := newSimulation(t, seed, replace)
					s.run()
					ends[s.judge()]++
				})
			}
			t.Logf("ended as %v", ends)
			if n := int(last-first) / 5; !t.Failed() && (ends[fleet.Active] < n || ends[fleet.Provisioning] < n) {
				t.Error("one of the ends hardly ever comes: this test shows little")
			}
		})
	}
}

// simulation is one life of one resource.
type simulation struct {
	*rig
	replace bool
	started time.Time
	// troubled is how long everything goes wrong; what is in flight by then lands later still.
	troubled time.Duration
	// sharp: less goes wrong, but what does goes just as far as the bounds allow: that is where a rule that is too weak shows.
	sharp bool

	mu     sync.Mutex
	random *rand.Rand
	calm   bool
	trace  []string
	lags   map[string]time.Duration // by item, where it is sharp
}

func newSimulation(t *testing.T, seed uint64, replace bool) *simulation {
	s := &simulation{rig: newRig(t), replace: replace, random: rand.New(rand.NewPCG(seed, 0)),
		lags: map[string]time.Duration{}}
	s.started = s.clock.Now()
	s.sharp = s.chance(0.6)
	if s.troubled = 4 * time.Minute; s.sharp {
		s.troubled = time.Duration(60+s.below(120)) * time.Second
	}
	s.log("seed %d, sharp: %t", seed, s.sharp)
	s.seedOthers()
	s.vendor.lag = s.lag
	s.vendor.choose = s.fate
	s.vendor.deleting = s.deleting
	if !s.sharp {
		s.chaos.Set(chaos.Options{Seed: seed, Conflict: 0.04, Lost: 0.04, Vanished: 0.03, Late: 0.05, LateBy: 2 * time.Minute})
	}
	return s
}

// seedOthers puts what else an active instance needs into the ledger.
func (s *simulation) seedOthers() {
	s.update(func(tx *store.Tx) error {
		var errs []error
		for _, kind := range []fleet.Kind{fleet.SupabaseProject, fleet.DatabaseSchema, fleet.InstanceConfig, fleet.AuthSettings, fleet.AdminUser,
			fleet.VercelDomain, fleet.FrontendSettings, fleet.VercelDeployment, fleet.DNSRecord, fleet.DNSProxy,
			fleet.TwilioSubaccount, fleet.TwilioKey, fleet.SendGridSubuser, fleet.SendGridKey, fleet.SendGridDomain} {
			errs = append(errs, tx.PutResource(&fleet.Resource{Kind: kind, Name: ourName, ID: "other", Status: fleet.Created}))
		}
		return errors.Join(errs...)
	})
}

func (s *simulation) log(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trace = append(s.trace, fmt.Sprintf("%8.3f ", s.clock.Now().Sub(s.started).Seconds())+fmt.Sprintf(format, args...))
}

func (s *simulation) isCalm() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calm
}

func (s *simulation) calmDown() {
	s.chaos.Set(chaos.Options{})
	s.mu.Lock()
	s.calm = true
	s.mu.Unlock()
	s.log("all is calm")
}

// invoke runs one invocation to its end.
func (s *simulation) invoke(name string, epoch int64, do func(invocation) error) error {
	l := s.life(epoch)
	i, err := s.tryBegin(l)
	defer i.end()
	s.log("%s begins: %+v, %v", name, l, err)
	if err != nil {
		return err
	}
	if !s.isCalm() && s.chance(0.3) {
		_ = s.clock.Sleep(i.ctx, s.somewhen(bounds.Lambda)) // it does something else first
	}
	err = do(i)
	if i.port.dead() {
		err = errDead // nobody hears what it says
	}
	s.log("%s ends: %v", name, err)
	return err
}

// repeat invokes a step until it has succeeded or failed as stale, as state machines do, restarted ones and doubled ones.
func (s *simulation) repeat(name string, epoch int64, do func(invocation) error) error {
	for range 200 {
		err := s.invoke(name, epoch, do)
		if err == nil || fault.Is(err, fault.StaleEpoch) {
			return err
		}
		pause := 3 * time.Second
		if !s.isCalm() {
			pause = s.somewhen(30*time.Second) + time.Second
		}
		time.Sleep(pause)
	}
	s.t.Errorf("%s of epoch %d does not come to an end", name, epoch)
	return errDead
}

func (s *simulation) run() {
	var all sync.WaitGroup
	for n := range 3 {
		all.Go(func() {
			time.Sleep(s.somewhen(time.Minute))
			s.build(fmt.Sprintf("ensure %d", n))
		})
	}
	if s.chance(0.75) {
		all.Go(func() {
			at := time.Duration(s.below(int(s.troubled)))
			switch {
			case s.sharp && s.chance(0.5): // when the first attempt may not act any more, but what it made is not yet to be seen
				at = bounds.Lambda + landed + time.Duration(s.below(int(bounds.Lag)))
			case s.chance(0.4): // when a step has begun, but has not come to its intent
				at = s.somewhen(10 * time.Second)
			}
			time.Sleep(at)
			s.tearDown()
		})
	}
	time.Sleep(s.troubled)
	s.calmDown()
	all.Wait()
	time.Sleep(10 * time.Minute) // whatever is still to land, lands
	s.vendor.late.Wait()
	s.chaos.Drain()
}

// build ensures the resource and then tries to activate the instance.
func (s *simulation) build(name string) {
	err := s.repeat(name, 1, func(i invocation) error {
		i.resource.Replace = s.replace
		return i.Ensure(i.ctx, i.resource)
	})
	if err != nil {
		return
	}
	time.Sleep(s.somewhen(30 * time.Second))
	_ = s.repeat("activate", 1, func(i invocation) error { // a stale one ends quietly
		return instance.Activate(instance.Deps{})(i.ctx, i.Run)
	})
}

// tearDown takes the instance over and removes the resource, unless it is active by then.
func (s *simulation) tearDown() {
	var state fleet.State
	err := s.repeat("take-over", 1, func(i invocation) (err error) {
		state, err = operation.Teardown(i.ctx, i.Env, i.Input, step.Cause{Error: "Rejected"}, "test")
		return err
	})
	// A take-over whose answer was lost is found by its successor at the epoch that it moved on.
	if err != nil && !fault.Is(err, fault.StaleEpoch) || err == nil && state == fleet.Active {
		return
	}
	var both sync.WaitGroup
	for n := range 2 {
		both.Go(func() {
			time.Sleep(s.somewhen(time.Minute))
			_ = s.repeat(fmt.Sprintf("remove %d", n), 2, s.removeOnce) // it succeeds, or says itself that it does not
		})
	}
	both.Wait()
}

func (s *simulation) removeOnce(i invocation) error {
	return i.RemoveAll(i.ctx, ourKind, func(e fleet.Resource) step.Resource {
		res := i.resource
		res.Name = e.Name
		return res
	})
}

// deleting judges a deletion: what an active instance lives on must stay.
func (s *simulation) deleting(id string) {
	i, err := s.store.Instance(s.ctx, instanceID)
	entry, failed := s.store.Resource(s.ctx, instanceID, ourKind, ourName)
	if err = errors.Join(err, failed); err != nil {
		s.t.Error(err)
		return
	}
	if i.State == fleet.Active && entry != nil && entry.ID == id {
		s.fail("%s is deleted although it is an ACTIVE instance's", id)
	}
}

// judge judges the end and gives its state.
func (s *simulation) judge() fleet.State {
	live, entry := s.vendor.live(), s.entry()
	i, err := s.store.Instance(s.ctx, instanceID)
	if err != nil {
		s.t.Fatal(err)
	}
	epoch, err := s.store.Epoch(s.ctx, instanceID)
	if err != nil {
		s.t.Fatal(err)
	}
	switch {
	case i.State == fleet.Active && (len(live) != 1 || entry.Status != fleet.Created || entry.ID != live[0]):
		s.fail("ACTIVE with %q, the ledger says %+v", live, entry)
	case i.State == fleet.Provisioning && epoch == 1:
		s.fail("neither active nor taken over")
	case i.State == fleet.Provisioning && (len(live) != 0 || entry.Status != "" && !entry.Gone()):
		s.fail("torn down, left is %q, the ledger says %+v", live, entry)
	}
	for _, made := range s.vendor.items {
		if made.ID != entry.ID && !entry.Unknown {
			s.fail("%s was made once, and no recheck would look for more of that sort: the ledger says %+v", made.ID, entry)
		}
	}
	s.audited()
	return i.State
}

func (s *simulation) fail(format string, args ...any) {
	s.t.Helper()
	for _, i := range s.vendor.items {
		s.log("%s was made at %s, gone at %s", i.ID, i.Made.Sub(s.started), i.Gone.Sub(s.started))
	}
	s.t.Errorf("%s\n%s", fmt.Sprintf(format, args...), strings.Join(s.trace, "\n"))
}
