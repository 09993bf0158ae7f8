package sendgrid_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/project-gimbal/fleet/internal/provider/sendgrid"
	"github.com/project-gimbal/fleet/internal/sim"
)

// TestUsage: a subuser's own mails by month, also while it is disabled.
func TestUsage(t *testing.T) {
	simulate(t, "", sim.Options{}, func(t *testing.T, w *world) {
		ctx, begun := attempt(t), time.Now()
		must[sendgrid.Subuser](t)(w.client.CreateSubuser(ctx, newSubuser))
		k := must[sendgrid.Key](t)(w.client.CreateKey(ctx, subuser, "send", []string{"mail.send"}))
		d := must[sendgrid.Domain](t)(w.client.AuthenticateDomain(ctx, subuser, host, "em"))
		w.dns.publish(false, d.Records...)
		for range 2 { // it looks at the records at the first asking
			must[bool](t)(w.client.ValidateDomain(ctx, subuser, d.ID))
			time.Sleep(time.Minute)
		}
		months := []time.Time{}
		for _, n := range []int{2, 0, 1} {
			now := time.Now().UTC()
			months = append(months, time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC))
			for range n {
				if status := w.send(t, k.Secret); status != 202 {
					t.Fatalf("HTTP %d", status)
				}
			}
			time.Sleep(31 * 24 * time.Hour)
		}
		must[string](t)(w.client.SendMail(ctx, sendgrid.Mail{To: "a@example.com", From: "fleet@gimbal.app", Subject: "s", Text: "t"}))
		if err := w.client.SetDisabled(ctx, subuser, true); err != nil {
			t.Fatal(err)
		}
		count := func(n int64) map[string]int64 {
			return map[string]int64{"requests": n, "processed": n, "delivered": n}
		}
		want := []sendgrid.Usage{{Month: months[0], Metrics: count(2)}, {Month: months[2], Metrics: count(1)}}
		if got := must[[]sendgrid.Usage](t)(w.client.Usage(t.Context(), subuser, begun)); !cmp.Equal(got, want) {
			t.Errorf("%+v, want %+v", got, want)
		}
		if got := must[[]sendgrid.Usage](t)(w.client.Usage(t.Context(), subuser, months[2])); !cmp.Equal(got, want[1:]) {
			t.Errorf("since the last month: %+v", got)
		}
	})
}
