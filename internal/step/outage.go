package step

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store"
)

// report notes how a call ended. What can't be noted is only logged: the call has been made, and the next one tells the same.
func (g *Gate) report(ctx context.Context, c call, end ending) {
	if end == answered && !c.tries {
		if calls, writes, err := g.outage(ctx, c.vendor); err != nil || !calls.Doubted() && !(c.writes && writes.Doubted()) {
			return
		}
	}
	ctx, cancel := g.clock.WithTimeout(ctx, bounds.Margin)
	defer cancel()
	back := false
	err := g.change(ctx, c.vendor, func(calls, writes *fleet.Outage, now time.Time) bool {
		tried := c.tries && writes.Down()
		back = tried && writes.Probed(end == answered, now)
		return c.note(calls, writes, end, now) || tried
	})
	switch {
	case err != nil:
		g.log.WarnContext(ctx, "how a vendor is was not noted", "vendor", c.vendor, "code", fault.CodeOf(err))
	case back:
		g.log.InfoContext(ctx, "vendor writes again", "vendor", c.vendor)
	}
}

// note notes the end of a call, and reports whether that changes anything. What keeps a vendor from any call is no matter of its
// writes.
func (c call) note(calls, writes *fleet.Outage, end ending, now time.Time) bool {
	switch {
	case end == answered:
		changed := calls.Answered()
		return c.writes && writes.Answered() || changed
	case calls.Down():
		return false
	case calls.Unanswered(c.by, end == refused, now):
		writes.Answered()
	case c.writes && end == silent:
		writes.Unanswered(c.by, false, now)
	}
	return true
}

// change changes what is known of a vendor, if do says that there is a change, and makes its incident say what is wrong.
func (g *Gate) change(ctx context.Context, vendor string, do func(calls, writes *fleet.Outage, now time.Time) bool) error {
	err := g.store.Update(ctx, fleet.FleetID, func(tx *store.Tx) error {
		calls, err := tx.Outage(vendor, false)
		if err != nil {
			return err
		}
		writes, err := tx.Outage(vendor, true)
		if err != nil {
			return err
		}
		before := incidents(*calls, *writes)
		if !do(calls, writes, tx.Now()) {
			return nil
		}
		if wanted := incidents(*calls, *writes); !slices.Equal(wanted, before) {
			err = tx.Standing(fleet.IncidentVendorDown, wanted, func(cause string) bool {
				return cause != outageID(vendor) && cause != refusalID(vendor)
			})
		}
		return errors.Join(err, tx.PutOutages(vendor, *calls, *writes))
	})
	g.mu.Lock()
	defer g.mu.Unlock()
	g.read = time.Time{} // it is read anew
	return err
}

func outageID(vendor string) string  { return "vendor/" + vendor }
func refusalID(vendor string) string { return "vendor/" + vendor + "/credential" }

// incidents is the one about a vendor, none while it is up. Which of its calls fail doesn't make it another one: that changes while it
// lasts. What a person has to mend does.
func incidents(calls, writes fleet.Outage) []fleet.Incident {
	vendor := calls.Vendor
	i := fleet.Incident{ID: outageID(vendor), Code: fleet.IncidentVendorDown}
	switch {
	case calls.Down() && calls.Refused:
		secret := "fleet/<stage>/" + provider.CredentialOf(vendor)
		i.ID, i.Reason = refusalID(vendor), vendor+" refuses Fleet's credential: calls for several instances failed, and none was answered in between"
		i.NextAction = "put a new token into the secret " + secret + ", as fleetctl doctor says; nothing is sent there meanwhile, and all that waits then goes on by itself"
	case calls.Down():
		i.Reason = vendor + " doesn't answer: calls for several instances failed, and none was answered in between"
		i.NextAction = "none: it is watched, nothing is sent there meanwhile, and all that waits goes on by itself; see the vendor's status page"
	case writes.Down():
		i.Reason = vendor + " answers no changes, though it may answer reads: changes for several instances failed, and none was answered in between"
		i.NextAction = "none: one change a minute tries whether it does again, and all that waits then goes on by itself; see the vendor's status page"
	default:
		return nil
	}
	return []fleet.Incident{i}
}

// try lets one change through while a vendor answers none, of all that want to at the same time.
func (g *Gate) try(ctx context.Context, vendor string, every time.Duration) (tries bool, err error) {
	err = g.change(ctx, vendor, func(_, writes *fleet.Outage, now time.Time) bool {
		tries = writes.Try(every, now)
		return tries
	})
	return tries, err
}

// Doubted lists what is to be probed: vendors that are down, or of which calls have failed since the last answer, and those that
// answer no changes.
func (g *Gate) Doubted(ctx context.Context) ([]fleet.Outage, error) {
	all, err := g.store.Outages(ctx)
	return slices.DeleteFunc(all, func(o fleet.Outage) bool { return !o.Doubted() || o.Writes && !o.Down() }), err
}

// Probe asks a vendor something cheap, down or not, and notes whether it answers. It reports whether the vendor is back by it. One
// that couldn't be asked, for want of room or by a fault of Fleet's own, tells nothing. Where changes fail, what is asked stands for
// them only while nobody else tries one.
func (g *Gate) Probe(ctx context.Context, o fleet.Outage, by string, ask func(context.Context) error) (back bool, err error) {
	if o.Writes {
		if tries, err := g.try(ctx, o.Vendor, 2*fleet.TryEvery); err != nil || !tries {
			return false, err
		}
	}
	asked := ask(context.WithValue(ctx, probeKey{}, true))
	end := silent
	switch {
	case errors.Is(asked, provider.ErrCredentialRefused):
		end = refused
	case fault.Is(asked, fault.Throttled):
		return false, nil
	case fault.Is(asked, fault.Internal): // what is no fault, too
		return false, asked
	case asked == nil, !fault.CodeOf(asked).Transient():
		end = answered
	}
	doubted := false
	err = g.change(ctx, o.Vendor, func(calls, writes *fleet.Outage, now time.Time) bool {
		if o.Writes {
			back = writes.Probed(end == answered, now)
			return true
		}
		if back, doubted = false, !calls.Down(); doubted {
			return false
		}
		back = calls.Probed(end == answered, now)
		calls.Refused = !back && (calls.Refused || end == refused)
		return true
	})
	if err == nil && doubted {
		g.report(ctx, call{caller: caller{by: by}, vendor: o.Vendor}, end)
	}
	return back, err
}

// Waits reports whether work that needs these vendors and can wait is to wait: one of them, or the fleet, is frozen, or one is down.
func Waits(ctx context.Context, env Env, needs ...string) (bool, error) {
	freezes, err := env.Store.Freezes(ctx)
	if err != nil || fleet.Frozen(freezes, needs...) != nil {
		return true, err
	}
	outages, err := env.Store.Outages(ctx)
	return fleet.VendorDown(fleet.Holding(outages, env.Clock.Now()), needs...) != nil, err
}

// Later reports whether err is a vendor's fault that passes by itself, so that a sweep leaves the work to its next invocation and
// nobody has to hear of it. One of Fleet's own table is none.
func Later(err error) bool {
	f, ok := errors.AsType[*fault.Error](err)
	return ok && f.Vendor != "" && f.Code.Transient()
}
