package twilio_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/contract"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	client "github.com/project-gimbal/fleet/internal/provider/twilio"
	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/sim/twilio"
)

// TestContract: what the client sends and what the simulator answers, refusals and gateway errors included, is as
// Twilio's document has it.
func TestContract(t *testing.T) {
	spec := contract.Open(t, "twilio")
	s := twilio.New(sim.Options{Clock: clock.System()}, parent, token)
	s.MaxAccounts, s.MaxServices = 1, 1
	rules, err := sim.ParseRules("twilio.FetchAccount=429@3,twilio.FetchAccount=500-before@4")
	if err != nil {
		t.Fatal(err)
	}
	link := &sim.Link{Clock: clock.System(), Script: sim.NewScript(rules...)}
	for _, place := range []string{provider.Production().Twilio, provider.Production().TwilioMessaging} {
		if err := link.Add(place, s, nil); err != nil {
			t.Fatal(err)
		}
	}
	config := provider.Config{
		Endpoints: provider.Production(), Clock: clock.System(), Transport: spec.Check(link),
		Settings:   provider.Settings{TwilioAccount: parent},
		Credential: func(context.Context, string) (provider.Secret, error) { return provider.NewSecret(token), nil },
	}
	c, ctx := client.New(config), provider.WithAttempt(t.Context())
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	refused := func(code fault.Code, err error) {
		t.Helper()
		if !fault.Is(err, code) {
			t.Errorf("got %v, want %s", err, code)
		}
	}

	a, err := c.CreateAccount(ctx, "fleet-a")
	ok(err)
	_, err = c.CreateAccount(ctx, "fleet-b")
	refused(fault.QuotaExceeded, err)
	found, err := c.FindAccounts(ctx, "fleet-a")
	ok(err)
	if len(found) != 1 {
		t.Errorf("found %+v", found)
	}
	n, err := c.CountAccounts(ctx)
	ok(err)
	if n != 1 {
		t.Errorf("%d subaccounts are counted, want 1", n)
	}
	_, err = c.Account(ctx, a.SID)
	ok(err)
	_, err = c.Account(ctx, nobody)
	refused(fault.Rejected, err)
	_, err = c.Account(ctx, a.SID)
	refused(fault.Throttled, err)
	_, err = c.Account(ctx, a.SID)
	refused(fault.Unavailable, err)

	k, err := c.CreateKey(ctx, a.SID, "fleet")
	ok(err)
	_, err = c.FindKeys(ctx, a.SID, "fleet")
	ok(err)
	ok(c.DeleteKey(ctx, a.SID, k.SID))
	ok(c.DeleteKey(ctx, a.SID, k.SID))
	hooks := client.Callbacks{Inbound: "https://a.gimbal.app/in", Status: "https://a.gimbal.app/status"}
	service, err := c.CreateService(ctx, a, "fleet", hooks)
	ok(err)
	_, err = c.CreateService(ctx, a, "fleet", hooks)
	refused(fault.QuotaExceeded, err)
	_, err = c.FindServices(ctx, a, "fleet")
	ok(err)
	ok(c.SetCallbacks(ctx, a, service.SID, hooks))
	ok(c.DeleteService(ctx, a, service.SID))
	ok(c.DeleteService(ctx, a, service.SID))
	_, err = c.Owned(ctx, "")
	ok(err)
	_, err = c.Usage(ctx, a.SID)
	ok(err)
	ok(c.Suspend(ctx, a.SID))
	_, err = c.FindServices(ctx, a, "fleet")
	refused(fault.Rejected, err)
	ok(c.Reactivate(ctx, a.SID))
	ok(c.CloseAccount(ctx, a.SID))
	ok(c.CloseAccount(ctx, a.SID))
	refused(fault.Conflict, c.Reactivate(ctx, a.SID))
	_, err = c.FindServices(ctx, a, "fleet")
	refused(fault.Rejected, err)
	_, err = c.CreateKey(ctx, a.SID, "fleet")
	refused(fault.Conflict, err)

	config.Credential = func(context.Context, string) (provider.Secret, error) { return provider.NewSecret("wrong"), nil }
	_, err = client.New(config).FindAccounts(ctx, "fleet-a")
	refused(fault.Rejected, err)
	if f, is := errors.AsType[*fault.Error](err); !is || f.VendorCode != "20003" {
		t.Errorf("a wrong token: %v", err)
	}

	want := []string{
		"twilio.CreateAccount", "twilio.CreateNewKey", "twilio.DeleteKey", "twilio.FetchAccount",
		"twilio.ListAccount", "twilio.ListKey", "twilio.ListUsageRecord", "twilio.MessagingV1CreateService", "twilio.MessagingV1DeleteService",
		"twilio.MessagingV1ListService", "twilio.MessagingV1UpdateService", "twilio.UpdateAccount",
	}
	if got := spec.Seen(); !slices.Equal(got, want) {
		t.Errorf("checked %q, want %q", got, want)
	}
}
