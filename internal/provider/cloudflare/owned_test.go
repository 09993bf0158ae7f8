package cloudflare_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/cloudflare"
	"github.com/project-gimbal/fleet/internal/sim"
)

// TestOwned: every record and rule with a mark of ours, over several pages, and nobody else's.
func TestOwned(t *testing.T) {
	simulate(t, "", sim.Options{}, func(t *testing.T, w *world) {
		ctx, want := attempt(t), map[fleet.Owned]bool{}
		id := func(n int) string { return fmt.Sprintf("6f9619ff-8b86-4d01-b42d-%012x", n) }
		create := func(name, mark string) cloudflare.Record {
			t.Helper()
			return must[cloudflare.Record](t)(w.client.CreateRecord(ctx, cloudflare.NewRecord{Type: "TXT", Name: name + ".gimbal.app", Content: "x", Comment: mark}))
		}
		for n := range 1100 {
			r := create(fmt.Sprint("i", n), fleet.OwnershipMark(id(n)))
			want[fleet.Owned{Kind: fleet.DNSRecord, InstanceID: id(n), Name: r.Name, ID: r.ID}] = true
		}
		for i, mark := range []string{"", "owner=someone instance=" + id(1), fleet.OwnershipMark("someone"), fleet.OwnershipMark(id(1)) + " copied", "was " + fleet.OwnershipMark(id(1))} {
			create(fmt.Sprint("other", i), mark)
		}
		for n, mark := range []string{fleet.OwnershipMark(id(1)), "", fleet.OwnershipMark(id(2))} {
			limits := must[cloudflare.RateLimits](t)(w.client.RateLimits(ctx))
			r := must[cloudflare.Rule](t)(w.client.CreateRule(ctx, limits.Ruleset, cloudflare.NewRule{Ref: fmt.Sprint("ref", n), Description: mark,
				Host: fmt.Sprintf("i%d.gimbal.app", n), Limit: cloudflare.Limit{Requests: 1, Period: 10, Timeout: 10}}))
			if owner, ours := fleet.MarkOwner(mark); ours {
				want[fleet.Owned{Kind: fleet.CloudflareRule, InstanceID: owner, Name: r.Ref, ID: r.ID}] = true
			}
		}
		w.calls = nil
		pages, largest := 0, 0
		list := func(ctx context.Context, cursor string) (fleet.OwnedPage, error) {
			page, err := w.client.Owned(ctx, cursor)
			pages, largest = pages+1, max(largest, len(page.Owned))
			return page, err
		}
		if err := provider.EachOwned(t.Context(), list, func(o fleet.Owned) error {
			if !want[o] {
				t.Errorf("listed %+v, which is not ours or was listed before", o)
			}
			delete(want, o)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if len(want) != 0 || pages != 4 || largest != 500 || len(w.calls) != 4 {
			t.Errorf("%d are missing after %d pages, %d calls; the largest page has %d", len(want), pages, len(w.calls), largest)
		}
		for _, cursor := range []string{"x", "0", "-1"} {
			_, err := w.client.Owned(ctx, cursor)
			assertFault(t, err, "ListRecords", fault.Internal, true, 0)
		}
	})
}

// TestOwnedNothing: a zone without records and rules has nothing of ours.
func TestOwnedNothing(t *testing.T) {
	simulate(t, "", sim.Options{}, func(t *testing.T, w *world) {
		if err := provider.EachOwned(t.Context(), w.client.Owned, func(o fleet.Owned) error { return fmt.Errorf("%+v", o) }); err != nil {
			t.Error(err)
		}
	})
	for _, body := range []string{`{"success":true,"result":null}`, `{"success":true,"result":[]}`, `<html>`} {
		client := cloudflare.New(config(answers(func(*http.Request) (int, string) { return 200, body })))
		_, err := client.Owned(t.Context(), "")
		assertFault(t, err, "ListRecords", fault.Unavailable, false, 0)
	}
}
