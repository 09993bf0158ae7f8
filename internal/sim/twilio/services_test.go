package twilio_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/sim/twilio"
)

const services = "/v1/Services"

// own makes a subaccount and speaks as it.
func (c caller) own(name string) caller {
	c.t.Helper()
	a := c.made(root+".json", name)
	return caller{c.t, c.sim, text(a, "sid"), text(a, "auth_token")}
}

func TestService(t *testing.T) {
	own := asParent(t, open(t)).own("a")
	status, made := own.send("POST", services, url.Values{"FriendlyName": {"s"}, "StatusCallback": {"https://a.example/status"}})
	if status != http.StatusCreated || !regexp.MustCompile(`^MG[0-9a-f]{32}$`).MatchString(text(made, "sid")) ||
		text(made, "account_sid") != own.sid || text(made, "status_callback") != "https://a.example/status" || made["inbound_request_url"] != nil {
		t.Errorf("made: %d %v", status, made)
	}
	if _, err := time.Parse(time.RFC3339, text(made, "date_created")); err != nil {
		t.Error(err)
	}
	at := services + "/" + text(made, "sid")
	status, changed := own.send("POST", at, url.Values{"InboundRequestUrl": {"https://a.example/in"}, "UseInboundWebhookOnNumber": {"true"}})
	if status != http.StatusOK || text(changed, "inbound_request_url") != "https://a.example/in" || changed["use_inbound_webhook_on_number"] != true ||
		text(changed, "status_callback") != "https://a.example/status" || text(changed, "friendly_name") != "s" {
		t.Errorf("changed: %d %v", status, changed)
	}
	if status, read := own.send("GET", at, nil); status != http.StatusOK || text(read, "inbound_request_url") != "https://a.example/in" {
		t.Errorf("read: %d %v", status, read)
	}
	if status, _ := own.send("DELETE", at, nil); status != http.StatusNoContent {
		t.Errorf("deleted: %d", status)
	}
	for _, method := range []string{"GET", "POST", "DELETE"} {
		if status, document := own.send(method, at, url.Values{}); status != http.StatusNotFound || document["code"] != 20404.0 {
			t.Errorf("%s of what is gone: %d %v", method, status, document)
		}
	}
}

func TestServiceAccess(t *testing.T) {
	s := open(t)
	p := asParent(t, s)
	own, other := p.own("a"), p.own("b")
	at := services + "/" + text(own.made(services, "s"), "sid")
	for name, stranger := range map[string]caller{"the parent": p, "another subaccount": other} {
		if got := stranger.names(services, "services"); len(got) != 0 {
			t.Errorf("%s sees %q", name, got)
		}
		for _, method := range []string{"GET", "POST", "DELETE"} {
			if status, _ := stranger.send(method, at, url.Values{}); status != http.StatusNotFound {
				t.Errorf("%s of %s: %d", method, name, status)
			}
		}
	}
	if status, _ := (caller{t, s, own.sid, token}).send("GET", services, nil); status != http.StatusUnauthorized {
		t.Errorf("with the parent's token: %d", status)
	}
	p.send("POST", root+"/"+own.sid+".json", url.Values{"Status": {"closed"}})
	if status, _ := own.send("GET", services, nil); status != http.StatusUnauthorized {
		t.Errorf("a closed account gets in: %d", status)
	}
	if held := s.Inventory(); len(held) != 2 || held[0].Kind != "twilio_service" || held[0].Mark != own.sid {
		t.Errorf("a closed account's service is no longer there: %v", held)
	}
}

func TestServiceRefusals(t *testing.T) {
	s := open(t)
	s.MaxServices = 1
	p := asParent(t, s)
	own, other := p.own("a"), p.own("b")
	long := strings.Repeat("ä", 65)
	at := services + "/" + text(own.made(services, long[:2*64]), "sid")
	for _, test := range []struct {
		who  caller
		path string
		form url.Values
		code float64
	}{
		{other, services, url.Values{"FriendlyName": {"s"}}, 21102},
		{other, services, url.Values{}, 20001},
		{other, services, url.Values{"FriendlyName": {""}}, 20001},
		{other, services, url.Values{"FriendlyName": {long}}, 20001},
		{own, at, url.Values{"FriendlyName": {long}}, 20001},
		{own, at, url.Values{"InboundRequestUrl": {"a.example"}}, 20001},
		{own, at, url.Values{"StatusCallback": {"ftp://a.example"}}, 20001},
		{own, at, url.Values{"UseInboundWebhookOnNumber": {"perhaps"}}, 20001},
		{own, services + "?PageSize=0", nil, 20001},
	} {
		method := "POST"
		if test.form == nil {
			method = "GET"
		}
		status, document := test.who.send(method, test.path, test.form)
		if status != 400 || document["code"] != test.code {
			t.Errorf("%s %v: %d %v, want %v", test.path, test.form, status, document, test.code)
		}
	}
}

func TestServicePaging(t *testing.T) {
	own := asParent(t, open(t)).own("a")
	var want []string
	for i := range 7 {
		want = append(want, fmt.Sprintf("s%d", i))
		own.made(services, want[i])
	}
	var got []string
	var back any
	pages := 0
	for at := "https://messaging.twilio.example" + services + "?PageSize=3"; at != ""; pages++ {
		got = append(got, own.names(at, "services")...)
		_, document := own.send("GET", at, nil)
		meta, _ := document["meta"].(map[string]any)
		if meta["page"] != float64(pages) || meta["page_size"] != 3.0 || meta["key"] != "services" {
			t.Errorf("page %d: %v", pages, meta)
		}
		back = meta["previous_page_url"]
		at = text(meta, "next_page_url")
		if at != "" && !strings.HasPrefix(at, "https://messaging.twilio.example/") {
			t.Errorf("the next page's address: %s", at)
		}
	}
	if pages != 3 || !slices.Equal(got, want) {
		t.Errorf("%d pages of %q, want 3 of %q", pages, got, want)
	}
	if at, _ := back.(string); !slices.Equal(own.names(at, "services"), want[3:6]) {
		t.Errorf("the page before the last is at %v", back)
	}
}

func TestServiceListLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := twilio.New(sim.Options{Clock: clock.System(), Lag: 10 * time.Second}, parent, token)
		own := asParent(t, s).own("a")
		at := services + "/" + text(own.made(services, "s"), "sid")
		if got := own.names(services, "services"); len(got) != 0 {
			t.Errorf("at once: %q", got)
		}
		if status, _ := own.send("GET", at, nil); status != 200 {
			t.Errorf("by id: %d", status)
		}
		time.Sleep(10 * time.Second)
		if got := own.names(services, "services"); len(got) != 1 {
			t.Errorf("later: %q", got)
		}
	})
}
