package sendgrid_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/sim/cloudflare"
	"github.com/project-gimbal/fleet/internal/sim/sendgrid"
)

const parentKey = "SG.test-parent.key"

func vendor(o sim.Options, c sendgrid.Config) *sendgrid.Sim {
	o.Clock = clock.System()
	c.Key, c.IPs, c.Senders = parentKey, []string{"192.0.2.1"}, []string{"fleet@gimbal.app"}
	return sendgrid.New(o, c)
}

// as sends a request with a key, on behalf of a subuser unless that is empty. It gives status, body and header.
func as(t *testing.T, s *sendgrid.Sim, key, subuser, call, body string) (int, string, http.Header) {
	t.Helper()
	method, target, _ := strings.Cut(call, " ")
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+key)
	if subuser != "" {
		r.Header.Set("On-Behalf-Of", subuser)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code >= 400 {
		var e struct {
			Errors []struct{ Message *string }
		}
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || len(e.Errors) == 0 || e.Errors[0].Message == nil {
			t.Errorf("%s: HTTP %d with %s", call, w.Code, w.Body)
		}
	}
	return w.Code, w.Body.String(), w.Header()
}

func newSubuser(name string) string {
	return fmt.Sprintf(`{"username":%q,"email":"a@b.example","password":"Correct-Horse-Battery-7","ips":["192.0.2.1"]}`, name)
}

// must makes a call by the parent's key, which has to answer that status, and decodes what it answers.
func must(t *testing.T, s *sendgrid.Sim, status int, subuser, call, body string, to any) {
	t.Helper()
	got, text, _ := as(t, s, parentKey, subuser, call, body)
	if got != status {
		t.Fatalf("%s: HTTP %d %s, want %d", call, got, text, status)
	}
	if to != nil {
		if err := json.Unmarshal([]byte(text), to); err != nil {
			t.Fatal(err)
		}
	}
}

// key makes a key and gives its value.
func key(t *testing.T, s *sendgrid.Sim, subuser, body string) string {
	t.Helper()
	var made struct {
		Key string `json:"api_key"`
	}
	must(t, s, 201, subuser, "POST /v3/api_keys", body, &made)
	if !strings.HasPrefix(made.Key, "SG.") {
		t.Fatalf("key %q", made.Key)
	}
	return made.Key
}

const sending = `{"personalizations":[{"to":[{"email":"jane@example.com"}]}],"from":{"email":"%s"},"subject":"s",` +
	`"content":[{"type":"text/plain","value":"t"}]}`

func mail(from string) string { return fmt.Sprintf(sending, from) }

// TestWhoseItIs: the header decides, and without it keys are the parent's.
func TestWhoseItIs(t *testing.T) {
	s := vendor(sim.Options{}, sendgrid.Config{})
	must(t, s, 200, "", "POST /v3/subusers", newSubuser("gf-i1"), nil)
	must(t, s, 200, "", "POST /v3/subusers", newSubuser("gf-i2"), nil)
	key(t, s, "", `{"name":"send"}`)
	key(t, s, "GF-i1", `{"name":"send","scopes":["mail.send"]}`)
	must(t, s, 201, "gf-i1", "POST /v3/whitelabel/domains", `{"domain":"a.gimbal.app"}`, nil)
	marks := map[string][]string{}
	for _, h := range s.Inventory() {
		marks[h.Kind] = append(marks[h.Kind], h.Mark)
	}
	slices.Sort(marks["sendgrid_key"])
	if !slices.Equal(marks["sendgrid_key"], []string{"", "gf-i1"}) || !slices.Equal(marks["sendgrid_domain"], []string{"gf-i1"}) {
		t.Errorf("marks %v", marks)
	}
	for subuser, n := range map[string]int{"": 1, "gf-i1": 1, "gf-i2": 0} {
		var list struct{ Result []map[string]string }
		must(t, s, 200, subuser, "GET /v3/api_keys", "", &list)
		if len(list.Result) != n || (n > 0 && list.Result[0]["api_key"] != "") {
			t.Errorf("%q has keys %v, want %d without values", subuser, list.Result, n)
		}
	}
	if status, _, _ := as(t, s, parentKey, "nobody", "GET /v3/api_keys", ""); status != 401 {
		t.Errorf("on behalf of nobody: HTTP %d", status)
	}
}

func TestScopes(t *testing.T) {
	s := vendor(sim.Options{}, sendgrid.Config{})
	must(t, s, 200, "", "POST /v3/subusers", newSubuser("gf-i1"), nil)
	must(t, s, 200, "", "POST /v3/subusers", newSubuser("gf-i2"), nil)
	reader := key(t, s, "gf-i1", `{"name":"r","scopes":["api_keys.read"]}`)
	full := key(t, s, "gf-i1", `{"name":"f"}`)
	for _, test := range []struct {
		key, subuser, call string
		status             int
	}{
		{reader, "", "GET /v3/api_keys", 200},
		{reader, "", "POST /v3/api_keys", 403},
		{reader, "", "GET /v3/subusers", 403},
		{full, "", "POST /v3/api_keys", 400}, // allowed, and lacking a name
		{full, "gf-i2", "GET /v3/api_keys", 403},
		{"SG.wrong", "", "GET /v3/api_keys", 401},
		{"", "", "GET /v3/api_keys", 401},
		{parentKey, "", "GET /v3/unheard-of", 404},
		{parentKey, "", "PUT /v3/subusers", 404},
	} {
		if status, _, _ := as(t, s, test.key, test.subuser, test.call, "{}"); status != test.status {
			t.Errorf("%s: HTTP %d, want %d", test.call, status, test.status)
		}
	}
}

func TestSubusers(t *testing.T) {
	s := vendor(sim.Options{}, sendgrid.Config{Subusers: 2, Foreign: []string{"stranger"}})
	post := "POST /v3/subusers"
	must(t, s, 200, "", post, newSubuser("gf-i1"), nil)
	for body, want := range map[string]string{
		newSubuser("gf-i1"):    "username exists",
		newSubuser("GF-I1"):    "username exists",
		newSubuser("Stranger"): "username exists",
		newSubuser("no way!"):  "username",
		strings.Replace(newSubuser("gf-i9"), "192.0.2.1", "192.0.2.9", 1): "unable to validate IPs",
		strings.Replace(newSubuser("gf-i9"), `"192.0.2.1"`, "", 1):        "ips",
		strings.Replace(newSubuser("gf-i9"), "Correct-Horse-", "", 1):     "password",
		strings.Replace(newSubuser("gf-i9"), "a@b.example", "a", 1):       "email",
		`{`: "Bad Request",
	} {
		if status, text, _ := as(t, s, parentKey, "", post, body); status != 400 || !strings.Contains(text, want) {
			t.Errorf("%s: HTTP %d %s, want %s", body, status, text, want)
		}
	}
	must(t, s, 200, "", post, newSubuser("gf-i2"), nil)
	if status, text, _ := as(t, s, parentKey, "", post, newSubuser("gf-i3")); status != 400 || !strings.Contains(text, "subuser limit") {
		t.Errorf("over the limit: HTTP %d %s", status, text)
	}

	sender := key(t, s, "gf-i1", `{"name":"send","scopes":["mail.send"]}`)
	must(t, s, 204, "", "PATCH /v3/subusers/gf-i1", `{"disabled":true}`, nil)
	if status, _, _ := as(t, s, sender, "", "POST /v3/mail/send", mail("a@b.example")); status != 403 {
		t.Errorf("a disabled subuser sends: HTTP %d", status)
	}
	must(t, s, 403, "gf-i1", "GET /v3/api_keys", "", nil) // the parent does nothing for it either
	must(t, s, 204, "", "PATCH /v3/subusers/GF-i1", `{"disabled":false}`, nil)
	must(t, s, 200, "gf-i1", "GET /v3/api_keys", "", nil)
	if status, text, _ := as(t, s, sender, "", "POST /v3/mail/send", mail("a@b.example")); status != 403 || !strings.Contains(text, "from") {
		t.Errorf("enabled again, from an address that isn't verified: HTTP %d %s", status, text)
	}
	must(t, s, 204, "", "DELETE /v3/subusers/gf-i1", "", nil)
	must(t, s, 404, "", "DELETE /v3/subusers/gf-i1", "", nil)
	if status, _, _ := as(t, s, sender, "", "POST /v3/mail/send", mail("a@b.example")); status != 401 {
		t.Errorf("a deleted subuser sends: HTTP %d", status)
	}
	if held := s.Inventory(); len(held) != 1 || held[0].Name != "gf-i2" {
		t.Errorf("left %v", held)
	}
	must(t, s, 400, "", post, newSubuser("gf-i1"), nil) // the name stays taken
}

// TestMailByDomain goes the whole way of a subuser's mail: domain, records at Cloudflare, validation, sending.
func TestMailByDomain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const zone = "0123456789abcdef0123456789abcdef"
		dns := cloudflare.New(sim.Options{Clock: clock.System()}, cloudflare.Config{Token: "t", Zone: zone, Domain: "gimbal.app"})
		s := vendor(sim.Options{}, sendgrid.Config{DNS: dns})
		must(t, s, 200, "", "POST /v3/subusers", newSubuser("gf-i1"), nil)
		sender := key(t, s, "gf-i1", `{"name":"send","scopes":["mail.send"]}`)
		var made struct {
			ID  int64
			DNS map[string]struct{ Host, Data string }
		}
		must(t, s, 201, "gf-i1", "POST /v3/whitelabel/domains", `{"domain":"a.gimbal.app","subdomain":"em"}`, &made)
		send := func(key, from string) int {
			status, _, _ := as(t, s, key, "", "POST /v3/mail/send", mail(from))
			return status
		}
		if status := send(sender, "x@a.gimbal.app"); status != 403 {
			t.Errorf("from an unproven domain: HTTP %d", status)
		}
		for name, host := range map[string]string{
			"mail_cname": "em.a.gimbal.app", "dkim1": "s1._domainkey.a.gimbal.app", "dkim2": "s2._domainkey.a.gimbal.app",
		} {
			if made.DNS[name].Host != host {
				t.Errorf("%s at %s, want %s", name, made.DNS[name].Host, host)
			}
			body := fmt.Sprintf(`{"type":"CNAME","name":%q,"content":%q}`, host, made.DNS[name].Data)
			r := httptest.NewRequest("POST", "/client/v4/zones/"+zone+"/dns_records", strings.NewReader(body))
			r.Header.Set("Authorization", "Bearer t")
			w := httptest.NewRecorder()
			if dns.ServeHTTP(w, r); w.Code != 200 {
				t.Fatalf("HTTP %d %s", w.Code, w.Body)
			}
		}
		valid := func() bool {
			var result struct {
				Valid   bool
				Results map[string]struct {
					Valid  bool
					Reason *string
				} `json:"validation_results"`
			}
			must(t, s, 200, "gf-i1", fmt.Sprintf("POST /v3/whitelabel/domains/%d/validate", made.ID), "", &result)
			for name, r := range result.Results {
				if r.Valid != result.Valid || (r.Reason == nil) != r.Valid {
					t.Errorf("%s: %+v of a domain valid %v", name, r, result.Valid)
				}
			}
			return result.Valid
		}
		start := time.Now()
		for !valid() {
			time.Sleep(time.Second)
		}
		if took := time.Since(start); took < 2*time.Second || took > 11*time.Second {
			t.Errorf("valid after %v", took)
		}
		if status := send(sender, "x@a.gimbal.app"); status != 202 {
			t.Errorf("from the valid domain: HTTP %d", status)
		}
		for from, key := range map[string]string{"x@b.gimbal.app": sender, "fleet@gimbal.app": sender, "x@a.gimbal.app": parentKey} {
			if status := send(key, from); status != 403 {
				t.Errorf("from %s: HTTP %d", from, status)
			}
		}
		if sent := s.Sent(); len(sent) != 1 || sent[0].Subuser != "gf-i1" || sent[0].Text != "t" {
			t.Errorf("sent %v", sent)
		}
	})
}

func TestMail(t *testing.T) {
	s := vendor(sim.Options{}, sendgrid.Config{})
	must(t, s, 200, "", "POST /v3/subusers", newSubuser("gf-i1"), nil)
	good := mail("fleet@gimbal.app")
	status, body, header := as(t, s, parentKey, "", "POST /v3/mail/send", good)
	if status != 202 || body != "" || header.Get("X-Message-Id") == "" || header.Get("X-Message-Id") != s.Sent()[0].ID {
		t.Errorf("HTTP %d %q, id %q", status, body, header.Get("X-Message-Id"))
	}
	if status, _, _ := as(t, s, parentKey, "gf-i1", "POST /v3/mail/send", good); status != 403 {
		t.Errorf("on behalf of a subuser: HTTP %d", status)
	}
	sandbox := strings.Replace(good, `"subject"`, `"mail_settings":{"sandbox_mode":{"enable":true}},"subject"`, 1)
	if status, _, _ := as(t, s, parentKey, "", "POST /v3/mail/send", sandbox); status != 200 {
		t.Errorf("in the sandbox: HTTP %d", status)
	}
	for _, change := range [][2]string{
		{`{"to":[{"email":"jane@example.com"}]}`, ``}, {`{"email":"jane@example.com"}`, ``}, {"jane@", ""},
		{`"subject":"s"`, `"subject":""`}, {"fleet@gimbal.app", "fleet"}, {`{"type":"text/plain","value":"t"}`, ``},
		{`"value":"t"`, `"value":""`}, {`{"type":"text/plain"`, `{"type":"text/html","value":"h"},{"type":"text/plain"`},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		if status, _, _ := as(t, s, parentKey, "", "POST /v3/mail/send", bad); status != 400 {
			t.Errorf("%s: HTTP %d", bad, status)
		}
	}
	if n := len(s.Sent()); n != 1 {
		t.Errorf("%d sent", n)
	}
}

func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := vendor(sim.Options{}, sendgrid.Config{Calls: 2})
		start := time.Now()
		reset := fmt.Sprint(start.Add(time.Minute).Unix())
		for _, want := range []int{200, 200, 429} {
			status, text, h := as(t, s, parentKey, "", "GET /v3/subusers", "")
			if status != want || h.Get("X-RateLimit-Reset") != reset || h.Get("Retry-After") != "" {
				t.Errorf("HTTP %d %s with %v; want %d, reset %s", status, text, h, want, reset)
			}
		}
		if status, _, _ := as(t, s, parentKey, "", "GET /v3/api_keys", ""); status != 200 {
			t.Errorf("another operation: HTTP %d", status)
		}
		time.Sleep(time.Minute)
		if status, _, _ := as(t, s, parentKey, "", "GET /v3/subusers", ""); status != 200 {
			t.Errorf("a minute later: HTTP %d", status)
		}
	})
}

func TestSaveAndLoad(t *testing.T) {
	s := vendor(sim.Options{Seed: 7}, sendgrid.Config{})
	must(t, s, 200, "", "POST /v3/subusers", newSubuser("gf-i1"), nil)
	sender := key(t, s, "gf-i1", `{"name":"send","scopes":["api_keys.read"]}`)
	must(t, s, 201, "gf-i1", "POST /v3/whitelabel/domains", `{"domain":"a.gimbal.app"}`, nil)
	must(t, s, 202, "", "POST /v3/mail/send", mail("fleet@gimbal.app"), nil)
	saved, err := s.Save()
	if err != nil {
		t.Fatal(err)
	}
	again := vendor(sim.Options{Seed: 7}, sendgrid.Config{})
	if err := again.Load(saved); err != nil {
		t.Fatal(err)
	}
	if len(s.Inventory()) != 3 || !slices.Equal(again.Inventory(), s.Inventory()) || len(again.Sent()) != 1 {
		t.Errorf("loaded %v, want %v", again.Inventory(), s.Inventory())
	}
	if status, _, _ := as(t, again, sender, "", "GET /v3/api_keys", ""); status != 200 {
		t.Errorf("a key from before: HTTP %d", status)
	}
	if again.Load([]byte("[")) == nil {
		t.Error("loaded half a document")
	}
}
