package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/objects"
)

// reconciliations is how often the play makes Fleet look for an operation that has no outcome though nothing runs any more.
// In production it looks every 15 minutes.
const reconciliations = 5

// rejection is the reason that -reject gives.
const rejection = "rejected by the demo's -reject"

// errLeft: a second Ctrl-C ended the play at once.
var errLeft = errors.New("left at once")

// play plays one signup, or an instance's whole life, through a system.
type play struct {
	system  *system
	clock   *clock.Leaping // the system's; nil where no days are to pass
	archive objects.Store  // the system's
	watch   *watch
	screen  screen
	stop    *interrupts
	options demoOptions

	instance atomic.Pointer[string] // the instance's id, once the signup is taken in
	life     lifeReport             // what is known of it while it is played
}

// client talks to the system's HTTP front.
func (p *play) client() client {
	return client{base: p.system.url, clock: p.system.clock, credentials: p.system.credentials}
}

// id is the instance's id, empty before the signup is taken in.
func (p *play) id() string {
	if id := p.instance.Load(); id != nil {
		return *id
	}
	return ""
}

// run plays to the end: until nothing moves any more. Its errors are refusals of the front and errLeft; how the operation
// ended is in the store.
func (p *play) run(ctx context.Context) error {
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { ended <- p.perform(ctx) }()
	first := p.stop.first
	for {
		select {
		case err := <-ended:
			return err
		case <-first:
			first = nil
			p.takeDown(ctx)
		case <-p.stop.again:
			return errLeft
		}
	}
}

func (p *play) perform(ctx context.Context) error {
	c := p.client()
	// The seed names the webhook, and that names the instance: the same seed gives the same latencies.
	accepted, err := c.signup(ctx, fmt.Sprintf("msg_demo_%d", p.options.seed), p.options.event)
	if err != nil {
		return fmt.Errorf("the signup was refused: %w", err)
	}
	p.instance.Store(&accepted.ID)
	p.screen.said("signup for %q taken in", accepted.Slug)
	p.screen.said("status %s", accepted.StatusURL)
	status, err := c.status(ctx, accepted.StatusURL)
	if err != nil {
		return fmt.Errorf("the status URL: %w", err)
	}
	if p.stop.asked() {
		return nil
	}
	if p.options.reject {
		if status, err = c.reject(ctx, accepted.ID, rejection); err != nil {
			return fmt.Errorf("the rejection was refused: %w", err)
		}
		p.screen.said("operator rejected it: it is %s", status.Status)
		return p.settle(ctx)
	}
	p.screen.said("it is %s; the operator approves", status.Status)
	if _, err = c.approve(ctx, accepted.ID); err != nil {
		return fmt.Errorf("the approval was refused: %w", err)
	}
	if err = p.settle(ctx); err != nil {
		return err
	}
	return p.live(ctx)
}

// settle waits until nothing moves any more. What should go on then, after an answer was lost in the wrong moment, does.
func (p *play) settle(ctx context.Context) error {
	for n := 0; ; n++ {
		if err := p.system.world.Settle(ctx); err != nil {
			return err
		}
		function, err := p.pending(ctx)
		if err != nil || function == "" || n == reconciliations {
			return err
		}
		p.screen.said("nothing moves, but there is no outcome: %s looks", function)
		if _, err := p.system.world.Invoke(ctx, function, json.RawMessage("{}")); err != nil {
			p.screen.said("%s failed: %v", function, err)
		}
	}
}

// pending names the function that makes it go on, if it isn't at its end.
func (p *play) pending(ctx context.Context) (string, error) {
	s, err := p.system.world.Store.Signup(ctx, p.id())
	if err != nil || s == nil {
		return "", err
	}
	o, err := p.system.world.Store.Operation(ctx, p.id(), fleet.ProvisionID(p.id()))
	switch {
	case err != nil:
		return "", err
	case o == nil && s.Status == fleet.Approved:
		return "admit", nil
	case o != nil && o.Running():
		return "reconcile", nil
	}
	i, err := p.system.world.Store.Instance(ctx, p.id())
	if err != nil || i == nil || i.Operation == "" {
		return "", err
	}
	return "reconcile", nil
}

// takeDown answers the first Ctrl-C: the execution is stopped, reconcile finds that out and begins the take-down.
func (p *play) takeDown(ctx context.Context) {
	i, err := p.system.world.Store.Instance(ctx, p.id())
	switch {
	case err != nil || i == nil:
		p.screen.said("Ctrl-C: nothing was made yet")
		return
	case !i.ActivatedAt.IsZero() && i.Operation != "":
		p.screen.said("Ctrl-C: the instance is %s, and %s runs on to its end; once more leaves at once", i.State, i.Operation)
		return
	case !i.ActivatedAt.IsZero():
		p.screen.said("Ctrl-C: the instance is %s, and nothing runs; once more leaves at once", i.State)
		return
	}
	p.screen.said("Ctrl-C: stopping; what was made is taken down. Once more leaves at once")
	for _, x := range p.system.world.Executions.ListExecutions() {
		p.halt(x)
	}
}

// halt stops an execution that builds, where a person has asked to stop.
func (p *play) halt(x asl.Execution) {
	if !p.stop.asked() || x.Machine != "provision" || x.Status != asl.Running {
		return
	}
	var in fleet.RunInput
	if json.Unmarshal(x.Input, &in) == nil && in.Activated {
		return // only messages are left
	}
	// An execution that has ended meanwhile stays as it is.
	_ = p.system.world.Executions.StopExecution(x.ARN, "Interrupted", "stopped by a person")
}

// stopwatch begins to measure the machine's time, in seconds.
func stopwatch() (seconds func() float64) {
	c := clock.System()
	start := c.Now()
	return func() float64 { return c.Now().Sub(start).Seconds() }
}
