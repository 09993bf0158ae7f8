package twilio_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/twilio"
)

var (
	hooks = twilio.Callbacks{Inbound: "https://a.gimbal.test/in", Status: "https://a.gimbal.test/status"}
	// stranger is an account that the simulator doesn't have.
	stranger = twilio.Account{SID: nobody, Token: provider.NewSecret("hush1hush")}
)

func (w *world) service(t *testing.T, a twilio.Account, name string) twilio.Service {
	t.Helper()
	return must[twilio.Service](t)(w.CreateService(w.ctx, a, name, hooks))
}

func TestServices(t *testing.T) {
	virtual(t, "", func(t *testing.T, w *world) {
		a, other := w.account(t, "a"), w.account(t, "other")
		made := w.service(t, a, "fleet")
		if made.Name != "fleet" || made.Callbacks != hooks || made.Created.IsZero() {
			t.Errorf("made %+v", made)
		}
		twin := w.service(t, a, "fleet")
		w.service(t, a, "fleet.2")
		w.service(t, other, "fleet")
		got := must[[]twilio.Service](t)(w.FindServices(w.read, a, "fleet"))
		if len(got) != 2 || got[0] != made || got[1] != twin {
			t.Errorf("found %+v, want %+v and %+v", got, made, twin)
		}
		for range 2 { // gone is gone
			if err := w.DeleteService(w.ctx, a, made.SID); err != nil {
				t.Fatal(err)
			}
		}
		if got := must[[]twilio.Service](t)(w.FindServices(w.read, a, "fleet")); len(got) != 1 || got[0].SID != twin.SID {
			t.Errorf("found %+v", got)
		}
	})
}

func TestSetCallbacks(t *testing.T) {
	virtual(t, "", func(t *testing.T, w *world) {
		a := w.account(t, "a")
		wrong := twilio.Callbacks{Inbound: "https://other.example/", NumbersOwn: true}
		made := must[twilio.Service](t)(w.CreateService(w.ctx, a, "fleet", wrong))
		if made.Callbacks != wrong {
			t.Errorf("made %+v", made)
		}
		if err := w.SetCallbacks(w.ctx, a, made.SID, hooks); err != nil {
			t.Fatal(err)
		}
		got := must[[]twilio.Service](t)(w.FindServices(w.read, a, "fleet"))
		if len(got) != 1 || got[0].Callbacks != hooks {
			t.Errorf("found %+v", got)
		}
		if err := w.SetCallbacks(w.ctx, a, none, hooks); !provider.NotFound(err) {
			t.Errorf("of a service that isn't there: %v", err)
		}
	})
}

// TestServicesNeedTheirOwnAccount: neither the parent's credentials nor a closed account's reach a service.
func TestServicesNeedTheirOwnAccount(t *testing.T) {
	virtual(t, "", func(t *testing.T, w *world) {
		a := w.account(t, "a")
		s := w.service(t, a, "fleet")
		asParent := twilio.Account{SID: parent, Token: provider.NewSecret(token)}
		if got := must[[]twilio.Service](t)(w.FindServices(w.read, asParent, "fleet")); len(got) != 0 {
			t.Errorf("the parent has %+v", got)
		}
		if err := w.CloseAccount(w.ctx, a.SID); err != nil {
			t.Fatal(err)
		}
		for name, err := range map[string]error{
			"find":   func() error { _, err := w.FindServices(w.read, a, "fleet"); return err }(),
			"create": func() error { _, err := w.CreateService(w.ctx, a, "fleet", hooks); return err }(),
			"delete": w.DeleteService(w.ctx, a, s.SID),
		} {
			f, ok := errors.AsType[*fault.Error](err)
			if !ok || f.Code != fault.Rejected || f.Status != http.StatusUnauthorized || f.VendorCode != "20003" || !f.NothingHappened {
				t.Errorf("%s in a closed account: %v", name, err)
			}
		}
	})
}

// TestServiceQuota: the services of all subaccounts count together, those of closed ones with them.
func TestServiceQuota(t *testing.T) {
	virtual(t, "", func(t *testing.T, w *world) {
		w.sim.MaxServices = 2
		a, b, c := w.account(t, "a"), w.account(t, "b"), w.account(t, "c")
		w.service(t, a, "fleet")
		s := w.service(t, b, "fleet")
		if err := w.CloseAccount(w.ctx, a.SID); err != nil {
			t.Fatal(err)
		}
		if _, err := w.CreateService(w.ctx, c, "fleet", hooks); !fault.Is(err, fault.QuotaExceeded) || !fault.NothingHappened(err) {
			t.Errorf("beyond the limit: %v", err)
		}
		if err := w.DeleteService(w.ctx, b, s.SID); err != nil {
			t.Fatal(err)
		}
		w.service(t, c, "fleet")
	})
}

func TestServiceListsLag(t *testing.T) {
	virtual(t, "twilio.CreateService=late:30s", func(t *testing.T, w *world) {
		a := w.account(t, "a")
		made := w.service(t, a, "late")
		if got := must[[]twilio.Service](t)(w.FindServices(w.read, a, "late")); len(got) != 0 {
			t.Errorf("at once: %+v", got)
		}
		time.Sleep(30 * time.Second)
		if got := must[[]twilio.Service](t)(w.FindServices(w.read, a, "late")); len(got) != 1 || got[0] != made {
			t.Errorf("later: %+v", got)
		}
	})
}

// TestServicePages: all of them are read, from the endpoint, whatever host the next page's address names.
func TestServicePages(t *testing.T) {
	var asked []string
	vendor := roundTrip(func(req *http.Request) (*http.Response, error) {
		asked = append(asked, req.URL.String())
		if sid, secret, ok := req.BasicAuth(); !ok || sid != nobody || secret != stranger.Token.Reveal() {
			t.Errorf("asked as %q", sid)
		}
		digit, next := "1", any("https://elsewhere.example/v1/Services?PageSize=1000&Page=1&PageToken=PAMG.7")
		if req.URL.Query().Get("Page") == "1" {
			digit, next = "2", nil
		}
		b, err := json.Marshal(map[string]any{"meta": map[string]any{"next_page_url": next}, "services": []any{map[string]any{
			"sid": "MG" + strings.Repeat(digit, 32), "account_sid": nobody, "friendly_name": "s", "use_inbound_webhook_on_number": false}}})
		if err != nil {
			return nil, err
		}
		return (&canned{status: 200, body: strings.NewReader(string(b))}).RoundTrip(req)
	})
	got, err := twilio.New(config(clock.System(), vendor)).FindServices(t.Context(), stranger, "s")
	if err != nil || len(got) != 2 {
		t.Errorf("found %+v, %v", got, err)
	}
	const base = "https://messaging.twilio.com/v1/Services?"
	want := base + "PageSize=1000 " + base + "Page=1&PageSize=1000&PageToken=PAMG.7"
	if strings.Join(asked, " ") != want {
		t.Errorf("asked %q, want %q", asked, want)
	}
}
