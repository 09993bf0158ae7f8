package twilio_test

import (
	"fmt"
	"testing"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider/twilio"
)

func TestParentAndItsSubaccounts(t *testing.T) {
	virtual(t, "", func(t *testing.T, w *world) {
		p := must[twilio.Account](t)(w.Parent(w.read))
		if p.SID != parent || p.Owner != parent || p.Status != twilio.Active || p.Trial {
			t.Errorf("the parent is %+v", p)
		}
		for i := range 3 {
			w.account(t, fmt.Sprint("a", i))
		}
		if err := w.CloseAccount(w.ctx, w.account(t, "closed").SID); err != nil {
			t.Fatal(err)
		}
		if n := must[int](t)(w.CountAccounts(w.read)); n != 3 {
			t.Errorf("%d subaccounts, want 3: neither the parent nor the closed one", n)
		}
		other := config(clock.System(), w.link)
		other.Settings.TwilioAccount = nobody
		if _, err := twilio.New(other).Parent(w.read); !fault.Is(err, fault.Rejected) {
			t.Errorf("as another account: %v", err)
		}
	})
}
