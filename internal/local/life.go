package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/view"
)

// goal is how far a play goes.
type goal string

const (
	untilActive     goal = "active"
	untilSuspended  goal = "suspended"
	untilTerminated goal = "terminated"
)

// set takes a goal from the command line.
func (g *goal) set(text string) error {
	if *g = goal(text); !slices.Contains(goals(), *g) {
		return fmt.Errorf("want %s", words(goals()))
	}
	return nil
}

func goals() []goal { return []goal{untilActive, untilSuspended, untilTerminated} }

const (
	// turnTries is how often something is asked for that comes to nothing.
	turnTries = 3
	// dayShown is how long a day that is fast-forwarded can be seen, in the machine's time.
	dayShown = 40 * time.Millisecond
	// changesMind is how long after the notice the first decommission is cancelled.
	changesMind = 7 * day
)

// turn is a part of an instance's life, brought about by an operator or by the calendar.
type turn struct {
	what string
	// begin asks for it; failed is how often it came to nothing before.
	begin func(ctx context.Context, failed int) error
	// came reports whether it has come about.
	came func(i fleet.Instance) bool
	// then looks at what came of it; nil for nothing.
	then func(ctx context.Context, i fleet.Instance)
}

// turns are what happens to an instance that is ACTIVE, up to the goal.
func (p *play) turns() []turn {
	suspend := turn{"an operator suspends it, since its bills are unpaid", p.asks("/suspend", view.Suspend{Reason: fleet.ForPayment, Note: "the demo's"}),
		inState(fleet.Suspended), p.visit}
	notice := func(what string, n int) turn {
		return turn{what, p.decommissions, func(i fleet.Instance) bool { return inStage(i, fleet.InNotice, n) && i.Decommission.Given() }, p.firstExport}
	}
	withdrawn := func(i fleet.Instance) bool { return inStage(i, fleet.Withdrawn, 1) && i.State == fleet.Active }
	switch p.options.until {
	case untilSuspended:
		return []turn{suspend}
	case untilTerminated:
		return []turn{suspend,
			{"an operator resumes it, since they were paid", p.asks("/resume", nil), inState(fleet.Active), p.visit},
			notice("an operator decommissions it", 1),
			{"an operator cancels that after a week", p.cancels, withdrawn, nil},
			notice("an operator decommissions it once more", 2),
			{"its notice ends: it is switched off, and the final export made", p.comes(fleet.Close, func(d fleet.Decommission) time.Time { return d.NoticeEnds }),
				func(i fleet.Instance) bool { return inStage(i, fleet.InGrace, 2) && i.State == fleet.Suspended }, p.finalExport},
			{"its grace ends: it is terminated", p.comes(fleet.Terminate, func(d fleet.Decommission) time.Time { return d.GraceEnds }),
				func(i fleet.Instance) bool { return inStage(i, fleet.Ended, 2) && i.State == fleet.Terminated }, nil},
		}
	}
	return nil
}

func inState(state fleet.State) func(fleet.Instance) bool {
	return func(i fleet.Instance) bool { return i.State == state }
}

// inStage reports whether the instance's nth decommission is in a stage, and nothing of it is under way.
func inStage(i fleet.Instance, stage fleet.Stage, n int) bool {
	return i.Decommission != nil && i.Decommission.N == n && i.Decommission.Stage == stage && i.Operation == ""
}

// live plays the turns, until one comes to nothing for good. A first Ctrl-C lets the one under way come to its end.
func (p *play) live(ctx context.Context) error {
	turns := p.turns()
	if len(turns) == 0 {
		return nil
	}
	r, err := p.report(ctx)
	if err != nil || r.Outcome != outcomeActive {
		return err
	}
	p.life.critical = r.Critical
	p.screen.said("%s", headline(r))
	p.tellMails(ctx)
	for n, t := range turns {
		if p.life.Missed = t.what; p.stop.asked() {
			p.screen.said("stopped before: %s", t.what)
			return nil
		}
		p.screen.turned(fmt.Sprintf("%d of %d: %s", n+1, len(turns), t.what))
		if came, err := p.take(ctx, t); !came || err != nil {
			return err
		}
		p.life.Missed = ""
	}
	return nil
}

// take plays a turn, and asks for it again where it came to nothing.
func (p *play) take(ctx context.Context, t turn) (came bool, err error) {
	p.life.begun = p.clock.Now()
	for failed := range turnTries {
		if err := p.ask(ctx, t, failed); err != nil {
			p.screen.said("refused: %v", err)
		}
		i, err := p.rest(ctx)
		if err != nil {
			return false, err
		}
		if t.came(i) {
			p.screen.said("it is %s", standing(i))
			if t.then != nil {
				t.then(ctx, i)
			}
			p.life.Turns = append(p.life.Turns, turnReport{t.what, p.life.begun, *inSeconds(p.clock.Now().Sub(p.life.begun))})
			return true, nil
		}
		if p.stop.asked() {
			return false, nil
		}
		p.screen.said("that came to nothing%s", p.why(ctx))
	}
	p.screen.said("given up: %s", t.what)
	return false, nil
}

// ask asks for a turn. What ended dirty is retried instead: nothing else begins before.
func (p *play) ask(ctx context.Context, t turn, failed int) error {
	i, err := p.system.world.Store.Instance(ctx, p.id())
	switch {
	case err != nil:
		return err
	case i.Unfinished != "":
		p.screen.said("the operator retries %s", i.Unfinished)
		return p.operator("/retry", nil)(ctx)
	}
	return t.begin(ctx, failed)
}

// rest waits until nothing moves, has the outbox delivered as its schedule does, and gives the instance.
func (p *play) rest(ctx context.Context) (i fleet.Instance, err error) {
	if err := p.settle(ctx); err != nil {
		return i, err
	}
	p.invoke(ctx, catalog.Deliver.Name)
	if err := p.settle(ctx); err != nil {
		return i, err
	}
	p.tellMails(ctx)
	now, err := p.system.world.Store.Instance(ctx, p.id())
	if err != nil {
		return i, err
	}
	return *now, nil
}

// invoke does what a schedule does.
func (p *play) invoke(ctx context.Context, function string) {
	if _, err := p.system.world.Invoke(ctx, function, json.RawMessage("{}")); err != nil {
		p.screen.said("%s failed: %v", function, err)
	}
}

// asks is an operator's wish.
func (p *play) asks(path string, document any) func(context.Context, int) error {
	wish := p.operator(path, document)
	return func(ctx context.Context, _ int) error { return wish(ctx) }
}

func (p *play) operator(path string, document any) func(context.Context) error {
	return func(ctx context.Context) error {
		var answer json.RawMessage
		return p.client().post(ctx, "/instances/"+p.id()+path, document, &answer)
	}
}

// decommissions shows the plan, and decides it.
func (p *play) decommissions(ctx context.Context, _ int) error {
	var plan fleet.Plan
	if err := p.client().get(ctx, "/instances/"+p.id()+"/decommission", &plan); err != nil {
		return err
	}
	if p.life.Plan == nil {
		p.tellPlan(plan)
	}
	p.life.Plan = &plan
	return p.operator("/decommission", view.Decommission{Reason: "the demo's customer leaves"})(ctx)
}

func (p *play) tellPlan(plan fleet.Plan) {
	for _, s := range plan.Steps {
		p.screen.said("plan: %s  %s%s", date(s.At), s.What, irreversible(s.Final))
	}
	for _, k := range plan.Kept {
		p.screen.said("kept: %s, until %s", k.What, date(k.Until))
	}
	for _, o := range plan.Obstacles {
		p.screen.said("in the way: %s", o)
	}
	p.screen.said("that is the plan for %s; nothing is changed yet", counted(len(plan.Resources), "resource"))
}

func irreversible(final bool) string {
	if final {
		return "; can't be undone"
	}
	return ""
}
