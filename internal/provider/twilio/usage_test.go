package twilio_test

import (
	"slices"
	"testing"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/twilio"
)

// TestUsage: what an account used, and no other, also while it is suspended.
func TestUsage(t *testing.T) {
	virtual(t, "", func(t *testing.T, w *world) {
		a, other := w.account(t, "a"), w.account(t, "other")
		w.sim.Use(a.SID, "sms", 41)
		w.sim.Use(a.SID, "sms", 1)
		w.sim.Use(a.SID, "calls", 7)
		w.sim.Use(other.SID, "sms", 1000)
		if err := w.Suspend(w.ctx, a.SID); err != nil {
			t.Fatal(err)
		}
		got := must[[]twilio.Usage](t)(w.Usage(w.read, a.SID))
		day := got[0].From
		want := []twilio.Usage{
			{Category: "calls", Count: "7", Amount: "7", CountUnit: "calls", Unit: "calls", From: day, To: day},
			{Category: "sms", Count: "42", Amount: "42", CountUnit: "messages", Unit: "messages", From: day, To: day},
		}
		if !slices.Equal(got, want) {
			t.Errorf("%+v", got)
		}
		if _, err := w.Usage(w.read, nobody); !provider.NotFound(err) {
			t.Errorf("nobody's: %v", err)
		}
	})
}

func TestUsageIsTheAccountsOwn(t *testing.T) {
	body := `{"usage_records":[{"account_sid":"` + parent + `","category":"sms","count":"1","usage":"0.5","price":0.0075}],"next_page_uri":null}`
	if _, err := twilio.New(config(clock.System(), answering(200, body))).Usage(t.Context(), nobody); !fault.Is(err, fault.Unavailable) {
		t.Errorf("%v", err)
	}
	got, err := twilio.New(config(clock.System(), answering(200, body))).Usage(t.Context(), parent)
	if err != nil || len(got) != 1 || got[0].Amount != "0.5" {
		t.Errorf("%+v, %v", got, err)
	}
}
