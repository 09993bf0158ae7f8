package sendgrid_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/sendgrid"
	"github.com/project-gimbal/fleet/internal/sim"
)

// disabled reports whether the one subuser is.
func disabled(w *world) bool {
	for _, h := range w.vendor.Inventory() {
		if h.Kind == "sendgrid_subuser" {
			return h.Status == "disabled"
		}
	}
	return false
}

// send sends by a subuser's own key and tells the status.
func (w *world) send(t *testing.T, key provider.Secret) int {
	t.Helper()
	c := config(w.link)
	c.Credential = func(context.Context, string) (provider.Secret, error) { return key, nil }
	_, err := sendgrid.New(c).SendMail(attempt(t), sendgrid.Mail{To: "a@example.com", From: "hello@" + host, Subject: "s", Text: "t"})
	if f, failed := errors.AsType[*fault.Error](err); failed {
		return f.Status
	}
	return 202
}

// TestDisabling: to and fro, each may be repeated; meanwhile the subuser's key is no good, and nothing of it is lost.
func TestDisabling(t *testing.T) {
	simulate(t, "", sim.Options{}, func(t *testing.T, w *world) {
		ctx := attempt(t)
		must[sendgrid.Subuser](t)(w.client.CreateSubuser(ctx, newSubuser))
		k := must[sendgrid.Key](t)(w.client.CreateKey(ctx, subuser, "send", []string{"mail.send"}))
		d := must[sendgrid.Domain](t)(w.client.AuthenticateDomain(ctx, subuser, host, "em"))
		w.dns.publish(false, d.Records...)
		for range 2 { // it looks at the records at the first asking
			must[bool](t)(w.client.ValidateDomain(ctx, subuser, d.ID))
			time.Sleep(time.Minute)
		}
		for i, is := range []bool{false, true, true, false, true, false} {
			if err := w.client.SetDisabled(ctx, subuser, is); err != nil {
				t.Fatal(err)
			}
			if found := must[[]sendgrid.Subuser](t)(w.client.FindSubusers(t.Context(), subuser)); len(found) != 1 || found[0].Disabled != is {
				t.Errorf("%d: found %+v, want disabled %v", i, found, is)
			}
			if status := w.send(t, k.Secret); is != (status == 403) || !is && status != 202 {
				t.Errorf("%d: disabled %v, and sending is answered with HTTP %d", i, is, status)
			}
		}
		for _, name := range []string{"nobody", "Strangers"} {
			if err := w.client.SetDisabled(ctx, name, true); !fault.Is(err, fault.Rejected) || !fault.NothingHappened(err) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// TestDisabledAnswers: only 204 says that it is done.
func TestDisabledAnswers(t *testing.T) {
	for _, status := range []int{200, 202, 301, 408, 500} {
		assertFault(t, always(status, "{}").SetDisabled(attempt(t), subuser, true), "UpdateSubuser", fault.Unavailable, false, 0)
	}
}
