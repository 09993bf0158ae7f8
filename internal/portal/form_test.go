package portal

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// typed is a form filled in with what must be.
func typed(id string, changes map[string]string) url.Values {
	v := url.Values{"id": {id}, "company": {"Acme Dental"}, "slug": {"acme-dental"}, "admin_name": {"Ada"}, "admin_email": {"ada@acme.example"}, "plan": {"flat"},
		"region": {"us-east-1"}, "timezone": {"UTC"}, "locale": {"en"}}
	for name, value := range changes {
		v.Set(name, value)
	}
	return v
}

// TestTheFormSignsAWebhook: of the hidden field's id, of the fleet's time, and good for the API.
func TestTheFormSignsAWebhook(t *testing.T) {
	r := newRig(t)
	r.set("POST /signups", 202, accepted{ID: acme, Slug: "acme-dental"})
	id := hidden(r.do("GET", "/", nil, nil), "id")
	p := r.do("POST", "/", typed(id, map[string]string{"company": "  Acme Dental "}), nil)
	if p.status != http.StatusSeeOther || p.where() != "/welcome/"+acme {
		t.Fatalf("%d to %q: %s", p.status, p.where(), p.text)
	}
	sent := r.posts()[0]
	hook, err := webhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	if err := hook.VerifyIgnoringTimestamp([]byte(sent.body), sent.header); err != nil {
		t.Error(err)
	}
	if got := sent.header.Get(webhooks.HeaderWebhookID); got != id || !webhookID.MatchString(id) {
		t.Errorf("the webhook is %q, the form's %q", got, id)
	}
	if got := sent.header.Get(webhooks.HeaderWebhookTimestamp); got != "1795608000" {
		t.Errorf("sent at %s, not at the fleet's time", got)
	}
	if strings.Contains(sent.body, "  ") || sent.header.Get("Authorization") != "" {
		t.Errorf("%s %v", sent.body, sent.header)
	}
}

// TestPayload: what is required is always sent, all else only where it was filled in, a tier only for the tiered plan.
func TestPayload(t *testing.T) {
	required := map[string]any{"company": "Acme Dental", "slug": "acme-dental", "admin_name": "Ada", "admin_email": "ada@acme.example", "plan": "flat",
		"region": "us-east-1", "timezone": "UTC", "locale": "en"}
	for name, test := range map[string]struct{ typed, more map[string]string }{
		"nothing more":         {nil, nil},
		"all that is optional": {map[string]string{"phone": "+1", "vertical": "dental"}, map[string]string{"phone": "+1", "vertical": "dental"}},
		"spaces are nothing":   {map[string]string{"phone": "  ", "branding.logo_url": " "}, nil},
		"a tier of the plan":   {map[string]string{"plan": "tiered", "tier": "growth"}, map[string]string{"plan": "tiered", "tier": "growth"}},
		"a tier left behind":   {map[string]string{"tier": "growth"}, nil},
		"fields of no form":    {map[string]string{"status": "APPROVED", "instance_id": "x", "once": "x"}, nil},
		"a required one empty": {map[string]string{"company": ""}, map[string]string{"company": ""}},
	} {
		body, err := payload(typed("x", test.typed))
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]any{}
		for k, v := range required {
			want[k] = v
		}
		for k, v := range test.more {
			want[k] = v
		}
		var got map[string]any
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	body, err := payload(typed("x", map[string]string{"branding.primary_color": "#0f766e", "branding.favicon_url": "https://acme.example/i.png"}))
	if err != nil || !strings.Contains(string(body), `"branding":{"favicon_url":"https://acme.example/i.png","primary_color":"#0f766e"}`) {
		t.Errorf("%s, %v", body, err)
	}
}

// TestFaultsAreShownAtTheirFields: of every field, with what was typed, and nothing of it becomes markup.
func TestFaultsAreShownAtTheirFields(t *testing.T) {
	r := newRig(t)
	bad := map[string]string{"colour": nasty}
	values := map[string]string{}
	for _, g := range groups() {
		for _, f := range g.Fields {
			bad[f.Name] = "wrong " + f.Name + nasty
			if f.Type != "select" {
				values[f.Name] = nasty + f.Name
			}
		}
	}
	r.set("POST /signups", 422, problem{Status: 422, Title: "The request has faults", Fields: bad})
	id := mintID()
	p := r.do("POST", "/", typed(id, values), nil)
	if p.status != http.StatusUnprocessableEntity || strings.Contains(p.text, nasty) || strings.Contains(p.text, "<img src=x") || hidden(p, "id") != id ||
		!strings.Contains(p.text, "Not everything is right yet") {
		t.Errorf("%d %s", p.status, p.text)
	}
	for name := range bad {
		if name == "colour" {
			if !strings.Contains(p.text, "<li>colour: ") {
				t.Error("the fault of a field that the form lacks is not shown")
			}
			continue
		}
		at := p.text[strings.Index(p.text, `id="f-`+name+`"`):]
		element := at[:strings.Index(at, ">")]
		if !strings.Contains(element, `aria-invalid="true"`) || !strings.Contains(element, "e-"+name) || !strings.Contains(p.text, `id="e-`+name+`">wrong `+name) ||
			!strings.Contains(p.text, `href="#f-`+name+`"`) {
			t.Errorf("%s: %s", name, element)
		}
		if value, ok := values[name]; ok && !strings.Contains(html.UnescapeString(p.text), `value="`+value+`"`) {
			t.Errorf("%s: what was typed is lost", name)
		}
	}
}

// TestRefusedSignups: what is the applicant's to mend is told, and what isn't is told without its cause.
func TestRefusedSignups(t *testing.T) {
	r := newRig(t)
	for name, test := range map[string]struct {
		answer problem
		status int
		words  string
	}{
		"slug taken":      {problem{Status: 409, Detail: "the slug is taken: choose another"}, 409, `id="e-slug">the slug is taken`},
		"in flight":       {problem{Status: 409, Detail: "the first is being taken in"}, 409, "the first is being taken in"},
		"wrong signature": {problem{Status: 401, Detail: "the webhook's signature is wrong"}, 503, "We could not take your signup"},
		"broken":          {problem{Status: 500, Detail: "something"}, 503, "Nothing that you typed is lost"},
	} {
		r.set("POST /signups", test.answer.Status, test.answer)
		p := r.do("POST", "/", typed(mintID(), map[string]string{"company": "Kept & Co"}), nil)
		if p.status != test.status || !strings.Contains(html.UnescapeString(p.text), test.words) || !strings.Contains(p.text, "Kept &amp; Co") ||
			strings.Contains(p.text, "signature") {
			t.Errorf("%s: %d %s", name, p.status, p.text)
		}
	}
}

// TestDoubleClick: however often one form is sent at once, the API gets one webhook id, and all get the same answer.
func TestDoubleClick(t *testing.T) {
	r := newRig(t)
	r.set("POST /signups", 202, accepted{ID: acme, Slug: "acme-dental"})
	id := mintID()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if p := r.do("POST", "/", typed(id, nil), nil); p.where() != "/welcome/"+acme {
				t.Errorf("%d to %q", p.status, p.where())
			}
		})
	}
	all.Wait()
	for _, sent := range r.posts() {
		if got := sent.header.Get(webhooks.HeaderWebhookID); got != id {
			t.Errorf("webhook %s", got)
		}
	}
}

// TestDeliveryUnderWay: a webhook whose first delivery is under way is sent again, the very same.
func TestDeliveryUnderWay(t *testing.T) {
	r := newRig(t)
	r.answers["POST /signups"] = reply{status: 409, body: problem{Status: 409, Detail: "its first delivery is under way"}, again: "1"}
	if p := r.do("POST", "/", typed(mintID(), nil), nil); p.where() != "/welcome/"+acme {
		t.Errorf("%d %s", p.status, p.text)
	}
	if sent := r.posts(); len(sent) != 2 || sent[0].body != sent[1].body || sent[0].header.Get(webhooks.HeaderWebhookID) != sent[1].header.Get(webhooks.HeaderWebhookID) {
		t.Errorf("%+v", sent)
	}
}

// TestFormSentBefore: one who goes back, changes the slug and sends again is told of the first signup, and nothing more is sent by that
// id; the next sending is a new webhook.
func TestFormSentBefore(t *testing.T) {
	r := newRig(t)
	r.set("POST /signups", 202, accepted{ID: acme, Slug: "acme-dental"})
	id := mintID()
	p := r.do("POST", "/", typed(id, map[string]string{"slug": "acme-two"}), nil)
	if next := hidden(p, "id"); p.status != http.StatusConflict || !strings.Contains(p.text, "/welcome/"+acme) || next == id || !webhookID.MatchString(next) ||
		!strings.Contains(p.text, `value="acme-two"`) {
		t.Errorf("%d, id %s: %s", p.status, next, p.text)
	}
}

// TestCorrectedAfterALostAnswer: who gets no answer, mends a field that the slug doesn't show and sends again, is not told that all is
// well where the API had taken the first one; where it had not, they are. Sending the same again is no correction.
func TestCorrectedAfterALostAnswer(t *testing.T) {
	mended := map[string]string{"admin_email": "ada@acme-dental.example"}
	for name, test := range map[string]struct {
		first, second reply
		sent          map[string]string
		status        int
	}{
		"taken, then mended":      {reply{status: 504}, reply{status: 202, body: accepted{ID: acme, Slug: "acme-dental"}, replayed: true}, mended, http.StatusConflict},
		"answered, then mended":   {reply{status: 202, body: accepted{ID: acme, Slug: "acme-dental"}}, reply{status: 202, body: accepted{ID: acme, Slug: "acme-dental"}, replayed: true}, mended, http.StatusConflict},
		"taken, then the same":    {reply{status: 504}, reply{status: 202, body: accepted{ID: acme, Slug: "acme-dental"}, replayed: true}, nil, http.StatusSeeOther},
		"not taken, then mended":  {reply{status: 504}, reply{status: 202, body: accepted{ID: acme, Slug: "acme-dental"}}, mended, http.StatusSeeOther},
		"refused, mended, a lost": {reply{status: 422, body: problem{Title: "x", Fields: map[string]string{"admin_email": "x"}}}, reply{status: 504}, mended, http.StatusServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			id := mintID()
			r.answers["POST /signups"] = test.first
			r.do("POST", "/", typed(id, nil), nil)
			r.answers["POST /signups"] = test.second
			p := r.do("POST", "/", typed(id, test.sent), nil)
			if p.status != test.status {
				t.Fatalf("%d %s", p.status, p.text)
			}
			if test.status == http.StatusConflict {
				if !strings.Contains(p.text, "/welcome/"+acme) || hidden(p, "id") == id || !strings.Contains(p.text, mended["admin_email"]) {
					t.Errorf("%s", p.text)
				}
				return
			}
			r.answers["POST /signups"] = reply{status: 202, body: accepted{ID: acme, Slug: "acme-dental"}, replayed: true} // a second click
			if p := r.do("POST", "/", typed(id, test.sent), nil); p.where() != "/welcome/"+acme {
				t.Errorf("the same once more: %d %s", p.status, p.text)
			}
		})
	}
}

// TestHostileForms: an id that no form has is replaced, what is too large is refused.
func TestHostileForms(t *testing.T) {
	r := newRig(t)
	r.set("POST /signups", 202, accepted{ID: acme, Slug: "acme-dental"})
	for _, id := range []string{"", "msg_1", nasty, "msg_" + strings.Repeat("a", 26), mintID() + "\n"} {
		r.do("POST", "/", typed(id, nil), nil)
		sent := r.posts()
		if got := sent[len(sent)-1].header.Get(webhooks.HeaderWebhookID); !webhookID.MatchString(got) || got == strings.TrimSpace(id) {
			t.Errorf("%q became %q", id, got)
		}
	}
	before := len(r.posts())
	if p := r.do("POST", "/", typed(mintID(), map[string]string{"company": strings.Repeat("x", maxForm)}), nil); p.status != http.StatusBadRequest {
		t.Errorf("%d", p.status)
	}
	p := r.do("POST", "/", typed(mintID(), nil), func(q *http.Request) { q.Header.Set("Sec-Fetch-Site", "cross-site") })
	if p.status != http.StatusForbidden || len(r.posts()) != before {
		t.Errorf("another site's form: %d, %d sent", p.status, len(r.posts())-before)
	}
}
