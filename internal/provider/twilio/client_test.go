package twilio_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/twilio"
	"github.com/project-gimbal/fleet/internal/sim"
	simtwilio "github.com/project-gimbal/fleet/internal/sim/twilio"
)

const (
	parent = "AC00000000000000000000000000000001"
	token  = "hush0hush"
	nobody = "AC00000000000000000000000000000002"
	noKey  = "SK00000000000000000000000000000003"
	none   = "MG00000000000000000000000000000004"
)

// world is a client and a simulator joined by a link, in virtual time.
type world struct {
	*twilio.Client
	sim   *simtwilio.Sim
	link  *sim.Link
	calls []sim.Call
	// ctx carries an attempt, read does not.
	ctx, read context.Context
}

func config(c clock.Clock, transport http.RoundTripper) provider.Config {
	return provider.Config{
		Endpoints: provider.Production(), Clock: c, Transport: transport,
		Settings: provider.Settings{TwilioAccount: parent},
		Credential: func(_ context.Context, name string) (provider.Secret, error) {
			if name != provider.TwilioToken {
				return provider.Secret{}, errors.New("no such credential")
			}
			return provider.NewSecret(token), nil
		},
	}
}

// open makes a world in which the script's calls go wrong.
func open(t *testing.T, script string) *world {
	t.Helper()
	rules, err := sim.ParseRules(script)
	if err != nil {
		t.Fatal(err)
	}
	c := clock.System()
	w := &world{ctx: provider.WithAttempt(t.Context()), read: t.Context()}
	w.sim = simtwilio.New(sim.Options{Clock: c, Seed: 1, Answer: time.Second}, parent, token)
	w.link = &sim.Link{Clock: c, Script: sim.NewScript(rules...),
		Observe: func(_ context.Context, call sim.Call) { w.calls = append(w.calls, call) }}
	for _, place := range []string{provider.Production().Twilio, provider.Production().TwilioMessaging} {
		if err := w.link.Add(place, w.sim, nil); err != nil {
			t.Fatal(err)
		}
	}
	w.Client = twilio.New(config(c, w.link))
	return w
}

func virtual(t *testing.T, script string, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, open(t, script)) })
}

func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (w *world) account(t *testing.T, name string) twilio.Account {
	t.Helper()
	return must[twilio.Account](t)(w.CreateAccount(w.ctx, name))
}

func (w *world) key(t *testing.T, account, name string) twilio.Key {
	t.Helper()
	return must[twilio.Key](t)(w.CreateKey(w.ctx, account, name))
}

func TestAccounts(t *testing.T) {
	virtual(t, "", func(t *testing.T, w *world) {
		made := w.account(t, "fleet-a")
		if made.Name != "fleet-a" || made.Status != twilio.Active || made.Owner != parent || made.Token.Empty() {
			t.Errorf("made %+v", made)
		}
		if got := must[twilio.Account](t)(w.Account(w.read, made.SID)); got != made {
			t.Errorf("read %+v, want %+v", got, made)
		}
		if got, open, err := w.OpenAccount(w.read, made.SID); got != made || !open || err != nil {
			t.Errorf("read %+v, open %t, %v", got, open, err)
		}
		if err := w.CloseAccount(w.ctx, made.SID); err != nil {
			t.Fatal(err)
		}
		if got := must[twilio.Account](t)(w.Account(w.read, made.SID)); got.Status != twilio.Closed {
			t.Errorf("after closing %+v", got)
		}
		if err := w.CloseAccount(w.ctx, made.SID); err != nil {
			t.Errorf("closing again: %v", err)
		}
		for _, sid := range []string{made.SID, nobody} {
			if _, open, err := w.OpenAccount(w.read, sid); open || err != nil {
				t.Errorf("%s is open: %t, %v", sid, open, err)
			}
		}
		if err := w.CloseAccount(w.ctx, nobody); err != nil {
			t.Errorf("closing what isn't there: %v", err)
		}
		if _, err := w.Account(w.read, nobody); !provider.NotFound(err) || !fault.Is(err, fault.Rejected) {
			t.Errorf("reading what isn't there: %v", err)
		}
		if held := w.sim.Inventory(); len(held) != 0 {
			t.Errorf("still held: %v", held)
		}
	})
}

func TestFindAccounts(t *testing.T) {
	virtual(t, "", func(t *testing.T, w *world) {
		// The parent is called "Gimbal" too; a closed one of the name lingers; others sound alike.
		shut := w.account(t, "Gimbal")
		if err := w.CloseAccount(w.ctx, shut.SID); err != nil {
			t.Fatal(err)
		}
		first, second := w.account(t, "Gimbal"), w.account(t, "Gimbal")
		w.account(t, "gimbal")
		w.account(t, "Gimbal 2")
		got := must[[]twilio.Account](t)(w.FindAccounts(w.read, "Gimbal"))
		if !slices.Equal(got, []twilio.Account{first, second}) {
			t.Errorf("found %+v", got)
		}
		if got := must[[]twilio.Account](t)(w.FindAccounts(w.read, "nothing")); len(got) != 0 {
			t.Errorf("found %+v", got)
		}
	})
}

// TestFindByAwkwardNames: the SDK on its own would cut ".1" out of the filter.
func TestFindByAwkwardNames(t *testing.T) {
	virtual(t, "", func(t *testing.T, w *world) {
		for _, name := range []string{"fleet.1", "a&b=c d+e%2F", "gäste/日本", "x.12.y"} {
			made := w.account(t, name)
			got := must[[]twilio.Account](t)(w.FindAccounts(w.read, name))
			if len(got) != 1 || got[0] != made {
				t.Errorf("%q: found %+v", name, got)
			}
		}
	})
}

func TestListsLag(t *testing.T) {
	virtual(t, "twilio.CreateAccount=late:30s,twilio.CreateKey=late:30s", func(t *testing.T, w *world) {
		made := w.account(t, "late")
		w.key(t, made.SID, "late")
		count := func() (accounts, keys int) {
			return len(must[[]twilio.Account](t)(w.FindAccounts(w.read, "late"))),
				len(must[[]twilio.Key](t)(w.FindKeys(w.read, made.SID, "late")))
		}
		if a, k := count(); a != 0 || k != 0 {
			t.Errorf("at once: %d accounts, %d keys", a, k)
		}
		must[twilio.Account](t)(w.Account(w.read, made.SID))
		time.Sleep(30 * time.Second)
		if a, k := count(); a != 1 || k != 1 {
			t.Errorf("later: %d accounts, %d keys", a, k)
		}
	})
}

func TestKeys(t *testing.T) {
	virtual(t, "", func(t *testing.T, w *world) {
		a, other := w.account(t, "a"), w.account(t, "other")
		k := w.key(t, a.SID, "fleet")
		if k.Name != "fleet" || k.Secret.Empty() {
			t.Errorf("made %+v", k)
		}
		twin := w.key(t, a.SID, "fleet")
		w.key(t, a.SID, "fleet.2")
		w.key(t, other.SID, "fleet")
		got := must[[]twilio.Key](t)(w.FindKeys(w.read, a.SID, "fleet"))
		if want := []twilio.Key{{SID: k.SID, Name: "fleet"}, {SID: twin.SID, Name: "fleet"}}; !slices.Equal(got, want) {
			t.Errorf("found %+v, want %+v", got, want)
		}
		for range 2 { // gone is gone
			if err := w.DeleteKey(w.ctx, a.SID, k.SID); err != nil {
				t.Fatal(err)
			}
		}
		if got := must[[]twilio.Key](t)(w.FindKeys(w.read, a.SID, "fleet")); len(got) != 1 || got[0].SID != twin.SID {
			t.Errorf("found %+v", got)
		}
		if got := must[[]twilio.Key](t)(w.FindKeys(w.read, nobody, "fleet")); len(got) != 0 {
			t.Errorf("an unknown account has %+v", got)
		}
	})
}

func TestClosedAccountsKeys(t *testing.T) {
	virtual(t, "", func(t *testing.T, w *world) {
		a := w.account(t, "a")
		k := w.key(t, a.SID, "fleet")
		if err := w.CloseAccount(w.ctx, a.SID); err != nil {
			t.Fatal(err)
		}
		if _, err := w.CreateKey(w.ctx, a.SID, "fleet"); !fault.Is(err, fault.Conflict) || !fault.NothingHappened(err) {
			t.Errorf("a key for a closed account: %v", err)
		}
		if err := w.DeleteKey(w.ctx, a.SID, k.SID); err != nil {
			t.Errorf("deleting it: %v", err)
		}
		if got := must[[]twilio.Key](t)(w.FindKeys(w.read, a.SID, "fleet")); len(got) != 0 {
			t.Errorf("found %+v", got)
		}
	})
}

func TestQuota(t *testing.T) {
	virtual(t, "", func(t *testing.T, w *world) {
		w.sim.MaxAccounts = 1
		a := w.account(t, "a")
		if _, err := w.CreateAccount(w.ctx, "b"); !fault.Is(err, fault.QuotaExceeded) || !fault.NothingHappened(err) {
			t.Errorf("beyond the limit: %v", err)
		}
		if err := w.CloseAccount(w.ctx, a.SID); err != nil {
			t.Fatal(err)
		}
		w.account(t, "b")
	})
}

// TestNotSent: what can be told without Twilio is.
func TestNotSent(t *testing.T) {
	virtual(t, "", func(t *testing.T, w *world) {
		calls := map[string]func() error{
			"the parent":        func() error { return w.CloseAccount(w.ctx, parent) },
			"path in a SID":     func() error { return w.CloseAccount(w.ctx, "../x") },
			"no SID":            func() error { _, err := w.Account(w.ctx, ""); return err },
			"keys of none":      func() error { _, err := w.FindKeys(w.ctx, "", "k"); return err },
			"key for none":      func() error { _, err := w.CreateKey(w.ctx, "AC", "k"); return err },
			"usage of none":     func() error { _, err := w.Usage(w.ctx, "../x"); return err },
			"no key":            func() error { return w.DeleteKey(w.ctx, nobody, "SK") },
			"services of none":  func() error { _, err := w.FindServices(w.ctx, twilio.Account{}, "s"); return err },
			"service for none":  func() error { _, err := w.CreateService(w.ctx, twilio.Account{SID: "AC"}, "s", hooks); return err },
			"no service":        func() error { return w.DeleteService(w.ctx, stranger, "../x") },
			"no service to set": func() error { return w.SetCallbacks(w.ctx, stranger, "MG", hooks) },
			// Guard's part: no attempt.
			"create":         func() error { _, err := w.CreateAccount(w.read, "a"); return err },
			"close":          func() error { return w.CloseAccount(w.read, nobody) },
			"suspend":        func() error { return w.Suspend(w.read, nobody) },
			"reactivate":     func() error { return w.Reactivate(w.read, nobody) },
			"create key":     func() error { _, err := w.CreateKey(w.read, nobody, "k"); return err },
			"delete key":     func() error { return w.DeleteKey(w.read, nobody, noKey) },
			"create service": func() error { _, err := w.CreateService(w.read, stranger, "s", hooks); return err },
			"set callbacks":  func() error { return w.SetCallbacks(w.read, stranger, none, hooks) },
			"delete service": func() error { return w.DeleteService(w.read, stranger, none) },
		}
		for name, call := range calls {
			if err := call(); err == nil || !fault.NothingHappened(err) || fault.CodeOf(err).Transient() {
				t.Errorf("%s: %v", name, err)
			}
		}
		if len(w.calls) != 0 {
			t.Errorf("sent %+v", w.calls)
		}
	})
}

func TestCredential(t *testing.T) {
	c := clock.System()
	for name, test := range map[string]struct {
		credential func(context.Context, string) (provider.Secret, error)
		code       fault.Code
	}{
		"unreadable": {func(context.Context, string) (provider.Secret, error) {
			return provider.Secret{}, errors.New("hush0hush")
		}, fault.Unavailable},
		"refused by the SDK": {func(context.Context, string) (provider.Secret, error) {
			return provider.NewSecret("hush0hush-"), nil
		}, fault.Rejected},
	} {
		sent := false
		cfg := config(c, roundTrip(func(*http.Request) (*http.Response, error) { sent = true; return nil, errors.New("sent") }))
		cfg.Credential = test.credential
		_, err := twilio.New(cfg).CreateAccount(provider.WithAttempt(t.Context()), "a")
		if !fault.Is(err, test.code) || !fault.NothingHappened(err) || sent || strings.Contains(err.Error(), token) {
			t.Errorf("%s: sent %v, %v", name, sent, err)
		}
	}
	// The wrong token, at Twilio.
	synctest.Test(t, func(t *testing.T) {
		w := open(t, "")
		cfg := config(c, w.link)
		cfg.Credential = func(context.Context, string) (provider.Secret, error) { return provider.NewSecret("other"), nil }
		_, err := twilio.New(cfg).FindAccounts(w.read, "a")
		f, ok := errors.AsType[*fault.Error](err)
		if !ok || f.Code != fault.Rejected || f.Status != http.StatusUnauthorized || f.VendorCode != "20003" {
			t.Errorf("wrong token: %v", err)
		}
	})
}

// TestOverHTTP: the endpoint's scheme, host and base path hold, whatever the SDK thinks Twilio's address is.
func TestOverHTTP(t *testing.T) {
	t.Setenv("TWILIO_EDGE", "sydney")
	c := clock.System()
	s := simtwilio.New(sim.Options{Clock: c}, parent, token)
	server := httptest.NewServer(http.StripPrefix("/twilio", s))
	defer server.Close()
	cfg := config(c, server.Client().Transport)
	cfg.Endpoints.Twilio = server.URL + "/twilio"
	cfg.Endpoints.TwilioMessaging = cfg.Endpoints.Twilio
	client, ctx := twilio.New(cfg), provider.WithAttempt(t.Context())
	made := must[twilio.Account](t)(client.CreateAccount(ctx, "a"))
	must[twilio.Key](t)(client.CreateKey(ctx, made.SID, "k"))
	if got := must[[]twilio.Account](t)(client.FindAccounts(ctx, "a")); len(got) != 1 || got[0] != made {
		t.Errorf("found %+v", got)
	}
	s1 := must[twilio.Service](t)(client.CreateService(ctx, made, "s", hooks))
	if got := must[[]twilio.Service](t)(client.FindServices(ctx, made, "s")); len(got) != 1 || got[0] != s1 {
		t.Errorf("found %+v", got)
	}
}
