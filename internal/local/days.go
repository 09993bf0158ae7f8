package main

import (
	"context"
	"time"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fleet"
)

// cancels lets a week of the notice pass, and takes the decommission back.
func (p *play) cancels(ctx context.Context, failed int) error {
	if failed == 0 && !p.pass(ctx, p.clock.Now().Add(changesMind), "the operator cancels") {
		return nil
	}
	return p.operator("/decommission/cancel", nil)(ctx)
}

// comes lets the days pass until the time of an operation of a kind, when its one-time schedule is delivered. Where there is none, or
// that came to nothing, the sweep does the same, some time later.
func (p *play) comes(kind fleet.OperationKind, at func(fleet.Decommission) time.Time) func(context.Context, int) error {
	return func(ctx context.Context, failed int) error {
		i, err := p.system.world.Store.Instance(ctx, p.id())
		if err != nil {
			return err
		}
		when, next := at(*i.Decommission), "its one-time schedule invokes due"
		if set := p.system.world.Calendar()[fleet.ScheduleName(kind, p.id())]; failed > 0 || !set.Equal(when) {
			when, next = when.Add(time.Duration(catalog.Due.Every)*time.Minute), "the sweep invokes due"
		}
		if failed > 0 {
			when = p.clock.Now().Add(time.Hour) // what failed is begun again within that
		}
		if p.pass(ctx, when, next) && len(p.system.world.DeliverSchedules(ctx)) == 0 {
			p.invoke(ctx, catalog.Due.Name)
		}
		return nil
	}
}

// pass fast-forwards the clock to a time, day by day, while nothing runs. It reports false where a person asked to stop meanwhile.
func (p *play) pass(ctx context.Context, to time.Time, next string) bool {
	from := p.clock.Now()
	whole := to.Sub(from)
	lasts := seconds(max(whole, 0))
	if whole >= day {
		lasts = days(whole)
	}
	p.screen.said("%s pass, fast-forwarded: %s → %s; then %s", lasts, date(from), date(to), next)
	for left := whole; left > 0; left = to.Sub(p.clock.Now()) {
		if p.stop.asked() {
			p.screen.said("stopped on %s", date(p.clock.Now()))
			break
		}
		p.clock.Leap(min(left, day))
		if clock.System().Sleep(ctx, dayShown) != nil {
			break
		}
	}
	p.system.world.Cool()
	p.life.begun = p.clock.Now()
	p.life.Leaps = append(p.life.Leaps, leapReport{from, p.life.begun, next})
	return !p.clock.Now().Before(to)
}
