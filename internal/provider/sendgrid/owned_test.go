package sendgrid_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/sendgrid"
	"github.com/project-gimbal/fleet/internal/sim"
	simulated "github.com/project-gimbal/fleet/internal/sim/sendgrid"
)

// TestOwned: every subuser of an instance's name and its domains, over several pages, and nobody else's.
func TestOwned(t *testing.T) {
	vendor := simulated.New(sim.Options{Clock: clock.System()}, simulated.Config{Key: parentKey, IPs: []string{"192.0.2.1"}, Subusers: 1000, Calls: 10_000})
	link := &sim.Link{Clock: clock.System(), Script: sim.NewScript()}
	if err := link.Add(provider.Production().SendGrid, vendor, nil); err != nil {
		t.Fatal(err)
	}
	client, ctx, want := sendgrid.New(config(link)), attempt(t), map[fleet.Owned]bool{}
	make := func(name string) {
		t.Helper()
		n := newSubuser
		n.Username = name
		must[sendgrid.Subuser](t)(client.CreateSubuser(ctx, n))
	}
	for n := range 130 {
		id := fmt.Sprintf("6f9619ff-8b86-4d01-b42d-%012x", n)
		name := fleet.ResourceName(id)
		make(name)
		want[fleet.Owned{Kind: fleet.SendGridSubuser, InstanceID: id, Name: name, ID: name}] = true
		for d := range n % 3 {
			host := fmt.Sprintf("d%d-%d.gimbal.app", d, n)
			made := must[sendgrid.Domain](t)(client.AuthenticateDomain(ctx, name, host, "em"))
			want[fleet.Owned{Kind: fleet.SendGridDomain, InstanceID: id, Name: host, ID: strconv.FormatInt(made.ID, 10)}] = true
		}
		if n%10 == 0 {
			if err := client.SetDisabled(ctx, name, true); err != nil {
				t.Fatal(err)
			}
		}
	}
	make("gimbal-marketing")
	must[sendgrid.Domain](t)(client.AuthenticateDomain(ctx, "gimbal-marketing", "www.gimbal.app", "em"))
	pages := 0
	list := func(ctx context.Context, cursor string) (fleet.OwnedPage, error) {
		pages++
		return client.Owned(ctx, cursor)
	}
	if err := provider.EachOwned(t.Context(), list, func(o fleet.Owned) error {
		if !want[o] {
			t.Errorf("listed %+v, which is not ours or was listed before", o)
		}
		delete(want, o)
		return nil
	}); err != nil || len(want) != 0 || pages != 4 {
		t.Errorf("%d are missing after %d pages, %v", len(want), pages, err)
	}
	for _, cursor := range []string{"x", "-1", "domains:x", "domains:-1"} {
		_, err := client.Owned(t.Context(), cursor)
		assertFault(t, err, "ListSubusers", fault.Internal, true, 0)
	}
	for _, cursor := range []string{"", "domains:0"} {
		for _, body := range []string{"null", "{}", `[{"id":0}]`, `[{"id":1}]`} {
			if _, err := always(200, body).Owned(t.Context(), cursor); !fault.Is(err, fault.Unavailable) {
				t.Errorf("%q: %s: %v", cursor, body, err)
			}
		}
	}
}
