package sendgrid_test

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"slices"
	"testing"

	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/sim/sendgrid"
)

const hooks = "/v3/user/webhooks/event/settings"

type shownWebhook struct {
	ID     string `json:"id"`
	URL    string `json:"url"`
	Name   string `json:"friendly_name"`
	Bounce bool   `json:"bounce"`
	Open   bool   `json:"open"`
	Key    string `json:"public_key"`
}

func listed(t *testing.T, s *sendgrid.Sim, subuser string) []shownWebhook {
	t.Helper()
	var list struct {
		Max      int            `json:"max_allowed"`
		Webhooks []shownWebhook `json:"webhooks"`
	}
	must(t, s, 200, subuser, "GET "+hooks+"/all", "", &list)
	if list.Max != 5 {
		t.Errorf("%d webhooks are allowed", list.Max)
	}
	return list.Webhooks
}

// TestWebhooks: a subuser's are its own, one for a URL, and sign only once they are told to.
func TestWebhooks(t *testing.T) {
	s := vendor(sim.Options{}, sendgrid.Config{})
	for _, name := range []string{"gf-i1", "gf-i2"} {
		must(t, s, 200, "", "POST /v3/subusers", newSubuser(name), nil)
	}
	if list := listed(t, s, "gf-i1"); !slices.Equal(list, []shownWebhook{{}}) {
		t.Errorf("none is shown as %+v", list)
	}
	const body = `{"url":"https://a.example/","friendly_name":"a","enabled":true,"bounce":true}`
	var made shownWebhook
	must(t, s, 201, "gf-i1", "POST "+hooks, body, &made)
	must(t, s, 201, "gf-i2", "POST "+hooks, body, nil)
	must(t, s, 400, "gf-i1", "POST "+hooks, body, nil)
	must(t, s, 400, "gf-i1", "POST "+hooks, `{"friendly_name":"a"}`, nil)
	for _, call := range []string{"PATCH " + hooks + "/", "PATCH " + hooks + "/signed/", "DELETE " + hooks + "/"} {
		must(t, s, 404, "gf-i2", call+made.ID, `{"url":"https://b.example/","enabled":true}`, nil)
	}
	if _, at, key := s.Webhook(made.ID); at != "https://a.example/" || key != "" {
		t.Errorf("posts to %q, verified by %q", at, key)
	}

	must(t, s, 400, "gf-i1", "PATCH "+hooks+"/signed/"+made.ID, `{}`, nil)
	var signed shownWebhook
	must(t, s, 200, "gf-i1", "PATCH "+hooks+"/signed/"+made.ID, `{"enabled":true}`, &signed)
	der, err := base64.StdEncoding.DecodeString(signed.Key)
	if err != nil {
		t.Fatal(err)
	}
	if key, err := x509.ParsePKIXPublicKey(der); err != nil {
		t.Error(err)
	} else if _, is := key.(*ecdsa.PublicKey); !is {
		t.Errorf("a %T verifies", key)
	}

	must(t, s, 200, "gf-i1", "PATCH "+hooks+"/"+made.ID, `{"url":"https://b.example/","open":true}`, nil)
	want := shownWebhook{ID: made.ID, URL: "https://b.example/", Name: "a", Bounce: true, Open: true, Key: signed.Key}
	if list := listed(t, s, "gf-i1"); !slices.Equal(list, []shownWebhook{want}) {
		t.Errorf("shown as %+v, want %+v", list, want)
	}
	must(t, s, 200, "gf-i1", "PATCH "+hooks+"/signed/"+made.ID, `{"enabled":false}`, nil)
	if list := listed(t, s, "gf-i1"); list[0].Key != "" {
		t.Error("the key of what signs nothing is shown")
	}
	must(t, s, 200, "gf-i1", "PATCH "+hooks+"/"+made.ID, `{"url":"https://b.example/","enabled":false}`, nil)
	if _, at, _ := s.Webhook(made.ID); at != "" {
		t.Errorf("posts to %q though it is disabled", at)
	}
}

// TestWebhooksStay after their subuser, kept with everything else, until they are deleted: afterwards nobody can.
func TestWebhooksStay(t *testing.T) {
	s := vendor(sim.Options{}, sendgrid.Config{})
	must(t, s, 200, "", "POST /v3/subusers", newSubuser("gf-i1"), nil)
	for _, url := range []string{"https://a.example/", "https://b.example/"} {
		var made shownWebhook
		must(t, s, 201, "gf-i1", "POST "+hooks, `{"url":"`+url+`","friendly_name":"a"}`, &made)
		if url == "https://a.example/" {
			must(t, s, 204, "gf-i1", "DELETE "+hooks+"/"+made.ID, "", nil)
		}
	}
	must(t, s, 204, "", "DELETE /v3/subusers/gf-i1", "", nil)
	saved, err := s.Save()
	if err != nil {
		t.Fatal(err)
	}
	again := vendor(sim.Options{}, sendgrid.Config{})
	if err := again.Load(saved); err != nil {
		t.Fatal(err)
	}
	held := again.Inventory()
	if len(held) != 1 || held[0].Kind != "sendgrid_webhook" || held[0].Mark != "gf-i1" || held[0].Status != "disabled" {
		t.Fatalf("held: %+v", held)
	}
	must(t, again, 401, "gf-i1", "DELETE "+hooks+"/"+held[0].ID, "", nil)
}
