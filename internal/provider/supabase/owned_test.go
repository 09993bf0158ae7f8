package supabase_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
	simulator "github.com/project-gimbal/fleet/internal/sim/supabase"
)

// TestOwned: every project of an instance's name over several pages, whatever its state but going down, and nobody else's.
func TestOwned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Settings{Allowance: 1000, PerMinute: 10_000})
		owned := func() []fleet.Owned {
			t.Helper()
			var all []fleet.Owned
			if err := provider.EachOwned(t.Context(), w.Owned, func(o fleet.Owned) error { all = append(all, o); return nil }); err != nil {
				t.Fatal(err)
			}
			return all
		}
		var want []fleet.Owned
		for n := range 230 {
			id := fmt.Sprintf("6f9619ff-8b86-4d01-b42d-%012x", n)
			p := w.create(t, fleet.ResourceName(id))
			want = append(want, fleet.Owned{Kind: fleet.SupabaseProject, InstanceID: id, Name: p.Name, ID: p.Ref})
			w.sleep(t, time.Second)
		}
		for _, name := range []string{"gimbal-site", "gimbal-", "my-" + want[0].Name, want[0].Name + "-old"} {
			w.create(t, name)
		}
		if got := owned(); !slices.Equal(got, want) {
			t.Errorf("%d are owned, want %d", len(got), len(want))
		}
		w.sleep(t, 10*time.Minute)
		if err := w.DeleteProject(attempt(t), want[7].ID); err != nil {
			t.Fatal(err)
		}
		if got := owned(); !slices.Equal(got, slices.Delete(slices.Clone(want), 7, 8)) {
			t.Errorf("%d are owned after a deletion", len(got))
		}
		for _, cursor := range []string{"x", "-1"} {
			if _, err := w.Owned(t.Context(), cursor); !fault.Is(err, fault.Internal) {
				t.Errorf("%q: %v", cursor, err)
			}
		}
	})
}

func TestOwnedEndsBeforeItsCount(t *testing.T) {
	_, err := stubbed(&stub{status: 200, body: `{"projects":[],"pagination":{"count":5,"limit":100,"offset":0}}`}).Owned(t.Context(), "")
	if !fault.Is(err, fault.Unavailable) {
		t.Errorf("%v", err)
	}
}
