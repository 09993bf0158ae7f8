//go:build faults

package faults_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/cloudflare"
	"github.com/project-gimbal/fleet/internal/provider/sendgrid"
	"github.com/project-gimbal/fleet/internal/provider/supabase"
	"github.com/project-gimbal/fleet/internal/store"
)

// before is the base in which a part of the subject's end begins: the neighbour is given notice last, so that nothing of it comes meanwhile.
func (b *base) before(t *testing.T, p part, state fleet.State, do func(r *run) error) *base {
	t.Helper()
	next := b.after(t, state, func(r *run) (string, error) {
		if do == nil {
			return b.subject, nil
		}
		return b.subject, do(r)
	})
	next.wish, next.live = "", b.live
	neighbours := next.after(t, fleet.Active, func(r *run) (string, error) {
		before := r.elements()
		_, _, err := r.do("/instances/"+b.neighbour+"/decommission", `{"reason":"leaves"}`, operator)
		if err = errors.Join(err, r.w.Settle(r.ctx), r.tellsAll()); err != nil {
			return b.neighbour, err
		}
		r.base.theirs = r.given(before)
		return b.neighbour, nil
	})
	neighbours.subject, neighbours.end = b.subject, &p
	return neighbours
}

// given is what the vendors have of the neighbour's, now that it was given notice: what they had, as it is by now, and what is new.
func (r *run) given(before map[string][]string) map[string][]string {
	theirs := map[string][]string{}
	for vendor, now := range r.elements() {
		for _, e := range now {
			if slices.Contains(r.base.theirs[vendor], e) || !slices.Contains(before[vendor], e) {
				theirs[vendor] = append(theirs[vendor], e)
			}
		}
	}
	return theirs
}

const noticePeriod, gracePeriod = 30 * 24 * time.Hour, 30 * 24 * time.Hour

// ending are the workflows of an instance's end, and the ways back from it.
func (b *base) ending(t *testing.T) []*workflow {
	t.Helper()
	active := b.suspending(t)
	decommission := part{machines: []string{"decommission"}, asks: []string{"begin-decommission"},
		begin: posts("/decommission", `{"reason":"leaves"}`), over: stage(fleet.InNotice)}
	closing := part{machines: []string{"close"}, asks: []string{"due"}, begin: delivers, over: stage(fleet.InGrace)}
	terminate := part{machines: []string{"terminate", "teardown"}, asks: []string{"due"}, begin: delivers, over: stage(fleet.Ended)}
	cancel := part{machines: []string{"resume"}, asks: []string{"cancel-decommission"}, begin: cancels, over: withdrawn}
	undo := part{machines: []string{"resume"}, asks: []string{"cancel-decommission"}, begin: delivers, over: withdrawn, undone: true}
	export := part{machines: []string{"export"}, asks: []string{"export-instance"}, begin: posts("/exports", ""), over: exported, certain: true}
	half := terminate
	half.certain = true
	halfway := script{{point: world.Point{Function: "mark-suspended", Invocation: 1, N: 1, Commit: true}, harm: takenOver}}
	played := func(p part, wait time.Duration) func(r *run) error {
		return func(r *run) error {
			r.base.end = &p
			time.Sleep(wait)
			return r.ends()
		}
	}
	noticed := active.plain().after(t, fleet.Active, func(r *run) (string, error) { return active.subject, played(decommission, 0)(r) }).plain()
	grace := noticed.after(t, fleet.Suspended, func(r *run) (string, error) { return active.subject, played(closing, noticePeriod)(r) }).plain()
	off := active.plain().after(t, fleet.Suspended, func(r *run) (string, error) {
		return active.subject, errors.Join(posts("/suspend", `{"reason":"violation"}`)(r), r.w.Settle(r.ctx))
	})
	off.live = off.vendors // it is off before its end begins, and stays so
	offNoticed := off.after(t, fleet.Suspended, func(r *run) (string, error) { return active.subject, played(decommission, 0)(r) }).plain()
	sleep := func(d time.Duration) func(*run) error { return func(*run) error { time.Sleep(d); return nil } }
	return []*workflow{
		active.before(t, export, fleet.Active, nil).record(t, "export", "E", nil),
		active.before(t, decommission, fleet.Active, nil).record(t, "decommission", "N", nil),
		noticed.before(t, closing, fleet.Active, sleep(noticePeriod)).record(t, "close", "G", nil),
		offNoticed.before(t, closing, fleet.Suspended, sleep(noticePeriod)).record(t, "close-off", "G", nil),
		grace.before(t, terminate, fleet.Suspended, sleep(gracePeriod)).record(t, "terminate", "T", nil),
		grace.before(t, half, fleet.Suspended, func(r *run) error { time.Sleep(gracePeriod); return r.halve() }).record(t, "terminate-half", "T", nil),
		noticed.before(t, cancel, fleet.Active, sleep(noticePeriod/2)).record(t, "cancel-notice", "A", nil),
		noticed.before(t, undo, fleet.Active, sleep(noticePeriod)).record(t, "cancel-closing", "A", halfway),
		grace.before(t, cancel, fleet.Suspended, sleep(gracePeriod/2)).record(t, "cancel-grace", "A", nil),
	}
}

// plain is the base in which what comes next is not begun.
func (b *base) plain() *base {
	next := *b
	next.wish, next.end = "", nil
	return &next
}

// halve removes some of the subject's resources as people do at their vendors, and has the ledger intend one that was never made.
func (r *run) halve() error {
	if _, err := r.w.Invoke(r.ctx, catalog.Reconcile.Name, json.RawMessage("{}")); err != nil { // the way to the vendors is known from now on
		return err
	}
	config := provider.Config{Clock: clock.System(), Endpoints: r.w.Endpoints, Transport: r.direct, Settings: world.Settings(),
		Credential: func(_ context.Context, name string) (provider.Secret, error) {
			return provider.NewSecret(r.options.Credentials[name]), nil
		}}
	ctx, cancel := context.WithTimeout(provider.WithAttempt(r.ctx), time.Minute)
	defer cancel()
	removes := map[fleet.Kind]func(context.Context, string) error{fleet.DNSRecord: cloudflare.New(config).DeleteRecord,
		fleet.SendGridSubuser: sendgrid.New(config).DeleteSubuser, fleet.SupabaseProject: supabase.New(config).DeleteProject}
	for _, h := range r.w.Vendors.Inventory() {
		if remove := removes[fleet.Kind(h.Kind)]; remove != nil && !r.before[h.Kind+"/"+h.ID] {
			if err := remove(ctx, h.ID); err != nil {
				return err
			}
			delete(removes, fleet.Kind(h.Kind)) // one of each kind
		}
	}
	return r.w.Store.Update(r.ctx, r.base.subject, func(tx *store.Tx) error {
		return tx.PutResource(&fleet.Resource{Kind: fleet.CloudflareRule, Name: "half-" + r.base.subject, Status: fleet.Intended})
	})
}
