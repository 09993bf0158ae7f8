package twilio_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/twilio"
)

// TestSuspension: to and fro, each may be repeated; meanwhile the account's own credentials are no good, and the parent's are.
func TestSuspension(t *testing.T) {
	virtual(t, "", func(t *testing.T, w *world) {
		a, other := w.account(t, "a"), w.account(t, "other")
		k := w.key(t, a.SID, "k")
		for _, step := range []struct {
			name   string
			set    func(context.Context, string) error
			status string
		}{
			{"active already", w.Reactivate, twilio.Active},
			{"suspended", w.Suspend, twilio.Suspended},
			{"suspended already", w.Suspend, twilio.Suspended},
			{"reactivated", w.Reactivate, twilio.Active},
			{"suspended once more", w.Suspend, twilio.Suspended},
		} {
			if err := step.set(w.ctx, a.SID); err != nil {
				t.Errorf("%s: %v", step.name, err)
			}
			if got := must[twilio.Account](t)(w.Account(w.read, a.SID)); got.Status != step.status || got.Token != a.Token {
				t.Errorf("%s: %+v", step.name, got)
			}
			_, err := w.FindServices(w.read, a, "s")
			f, _ := errors.AsType[*fault.Error](err)
			if refused := f != nil && f.Code == fault.Rejected && f.Status == 401; refused != (step.status == twilio.Suspended) || !refused && err != nil {
				t.Errorf("%s: its own call: %v", step.name, err)
			}
			if got := must[[]twilio.Key](t)(w.FindKeys(w.read, a.SID, "k")); len(got) != 1 || got[0].SID != k.SID {
				t.Errorf("%s: the parent finds %+v", step.name, got)
			}
			if got := must[[]twilio.Account](t)(w.FindAccounts(w.read, "a")); len(got) != 1 {
				t.Errorf("%s: listed %+v", step.name, got)
			}
			if got := must[twilio.Account](t)(w.Account(w.read, other.SID)); got != other {
				t.Errorf("%s: the other one is %+v", step.name, got)
			}
		}
		if err := w.CloseAccount(w.ctx, a.SID); err != nil {
			t.Errorf("closing a suspended account: %v", err)
		}
		for name, set := range map[string]func(context.Context, string) error{"suspend": w.Suspend, "reactivate": w.Reactivate} {
			err := set(w.ctx, a.SID)
			if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != fault.Conflict || f.VendorCode != "21479" || !f.NothingHappened {
				t.Errorf("%s a closed account: %v", name, err)
			}
			if err := set(w.ctx, nobody); !provider.NotFound(err) || !fault.Is(err, fault.Rejected) {
				t.Errorf("%s nobody: %v", name, err)
			}
			for _, sid := range []string{parent, "", "../x"} {
				if err := set(w.ctx, sid); !fault.NothingHappened(err) || fault.CodeOf(err).Transient() {
					t.Errorf("%s %q: %v", name, sid, err)
				}
			}
		}
	})
}

// TestSuspensionGoesWrong: what each way of failing proves, and that a repeat ends it.
func TestSuspensionGoesWrong(t *testing.T) {
	for _, test := range []struct {
		kind    string
		code    fault.Code
		nothing bool
		status  string
	}{
		{"refused", fault.Unavailable, true, twilio.Active},
		{"429", fault.Throttled, true, twilio.Active},
		{"403", fault.Rejected, true, twilio.Active},
		{"500-before", fault.Unavailable, false, twilio.Active},
		{"500-after", fault.Unavailable, false, twilio.Suspended},
		{"lost", fault.Unavailable, false, twilio.Suspended},
		{"hang", fault.Unavailable, false, twilio.Active},
		{"delayed:25s", fault.Unavailable, false, twilio.Suspended},
	} {
		virtual(t, "twilio.UpdateAccount="+test.kind, func(t *testing.T, w *world) {
			a := w.account(t, "a")
			err := w.Suspend(w.ctx, a.SID)
			f, ok := errors.AsType[*fault.Error](err)
			if !ok || f.Code != test.code || f.NothingHappened != test.nothing || f.Operation != "UpdateAccount" {
				t.Errorf("%s: %#v", test.kind, err)
			}
			w.link.Drain()
			if got := must[twilio.Account](t)(w.Account(w.read, a.SID)); got.Status != test.status {
				t.Errorf("%s: it is %s", test.kind, got.Status)
			}
			if err := w.Suspend(w.ctx, a.SID); err != nil {
				t.Errorf("%s: again: %v", test.kind, err)
			}
		})
	}
}

func answering(status int, body string) *canned {
	return &canned{status: status, body: strings.NewReader(body)}
}

// TestSuspensionByOthers: what Twilio has suspended itself, or the parent's suspension, is not for us to end.
func TestSuspensionByOthers(t *testing.T) {
	for _, code := range []string{"21476", "21478"} {
		vendor := answering(400, `{"code":`+code+`,"message":"x","status":400}`)
		err := twilio.New(config(clock.System(), vendor)).Reactivate(provider.WithAttempt(t.Context()), nobody)
		if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != fault.Conflict || f.VendorCode != code {
			t.Errorf("%s: %v", code, err)
		}
	}
	// A success must show the status that was asked for.
	for _, status := range []string{"suspended", "closed", ""} {
		vendor := answering(200, `{"sid":"`+nobody+`","owner_account_sid":"`+parent+`","friendly_name":"a","status":"`+status+`"}`)
		err := twilio.New(config(clock.System(), vendor)).Reactivate(provider.WithAttempt(t.Context()), nobody)
		if !fault.Is(err, fault.Unavailable) || fault.NothingHappened(err) {
			t.Errorf("shown as %q: %v", status, err)
		}
	}
}
