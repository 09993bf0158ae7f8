package world_test

import (
	"maps"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
)

// incidents gives the whole fleet's, by id: open or closed.
func (w *ward) incidents() map[string]string {
	w.t.Helper()
	all, err := w.w.Store.Incidents(w.ctx, fleet.FleetID)
	if err != nil {
		w.t.Fatal(err)
	}
	seen := map[string]string{}
	for _, i := range all {
		w.wantNoSecret(i.Reason + i.NextAction)
		seen[i.ID] = "open"
		if !i.ClosedAt.IsZero() {
			seen[i.ID] = "closed"
		}
		if i.Code != fleet.IncidentCheckFailed || i.Reason == "" || i.NextAction == "" {
			w.t.Errorf("%+v", i)
		}
	}
	return seen
}

func (w *ward) checkup(want map[string]string) {
	w.t.Helper()
	w.forget()
	w.invoke("checkup")
	w.wantReadsOnly()
	if got := w.incidents(); !maps.Equal(got, want) {
		w.t.Errorf("the incidents are %v, want %v", got, want)
	}
	entries, head, err := w.w.Store.Audit(w.ctx, fleet.FleetID)
	if err == nil {
		err = fleet.VerifyChain(entries, head)
	}
	if err != nil {
		w.t.Errorf("the fleet's audit: %v", err)
	}
}

// TestCheckup: the daily look opens an incident for each finding, leaves it while it stands or can't be looked at, closes it when
// it is over, and opens another when it comes back.
func TestCheckup(t *testing.T) {
	t.Parallel()
	inWard(t, "cloudflare.GetZone=hang@3-4", 1000, func(w *ward) {
		w.checkup(map[string]string{})
		w.settings = func(s *provider.Settings) { s.Domain = "gimbal.example" }
		w.around.aged = 100 * 24 * time.Hour
		const zone, secret = "check/cloudflare.zone/broken", "check/fleet.webhook-secret/"
		w.checkup(map[string]string{zone + "/1": "open", secret + "warning/1": "open"})
		w.settings = func(*provider.Settings) {}
		w.checkup(map[string]string{zone + "/1": "open", secret + "warning/1": "open"}) // the zone gives no answer
		w.around.aged = 400 * 24 * time.Hour                                            // it has got worse
		w.checkup(map[string]string{zone + "/1": "closed", secret + "warning/1": "closed", secret + "broken/1": "open"})
		w.settings = func(s *provider.Settings) { s.Domain = "gimbal.example" }
		w.around.aged = 0
		w.checkup(map[string]string{zone + "/1": "closed", zone + "/2": "open", secret + "warning/1": "closed", secret + "broken/1": "closed"})
	})
}

// TestCheckupTellsEverything: each finding at once, in one write.
func TestCheckupTellsEverything(t *testing.T) {
	t.Parallel()
	inWard(t, "supabase.*=403@1+,vercel.*=hang@1+,cloudflare.*=500-before@1+,twilio.*=refused@1+,sendgrid.*=lost@1+", 1000, func(w *ward) {
		w.around = around{stopped: "admit", dead: 2, aged: 400 * 24 * time.Hour}
		want := map[string]string{}
		for _, name := range []string{"supabase.token", "vercel.token", "cloudflare.token", "twilio.token", "sendgrid.key", "fleet.webhook-secret", "fleet.schedules", "fleet.dead-letters"} {
			want["check/"+name+"/broken/1"] = "open"
		}
		w.checkup(want)
		open, err := w.w.Store.OpenIncidents(w.ctx)
		if err != nil || len(open) != len(want) {
			w.t.Errorf("%d are open, %v", len(open), err)
		}
	})
}
