package supabase_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/supabase"
	simulator "github.com/project-gimbal/fleet/internal/sim/supabase"
)

func TestOrganization(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Settings{Plan: "team"})
		if o, err := w.Organization(t.Context()); err != nil || o.Plan != "team" {
			t.Errorf("%+v, %v", o, err)
		}
		for i := range 3 {
			w.create(t, fmt.Sprint("p", i))
		}
		if n, err := w.CountProjects(t.Context()); err != nil || n != 3 {
			t.Errorf("%d projects, %v; want 3", n, err)
		}
		other := config(clock.System(), w.link)
		other.Settings.SupabaseOrganization = "other"
		if _, err := supabase.New(other).Organization(t.Context()); !provider.NotFound(err) || !fault.Is(err, fault.Rejected) {
			t.Errorf("another organisation: %v", err)
		}
	})
	for _, body := range []string{`{"plan":"pro"}`, `{"id":"gimbal","plan":"Free text, <b>bold</b>"}`} {
		if _, err := stubbed(&stub{status: 200, body: body}).Organization(t.Context()); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v", body, err)
		}
	}
	negative := &stub{status: 200, body: `{"projects":[],"pagination":{"count":-1}}`}
	if _, err := stubbed(negative).CountProjects(t.Context()); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a negative count: %v", err)
	}
}
