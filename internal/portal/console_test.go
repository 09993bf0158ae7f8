package portal

import (
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/view"
)

// acts are every acting POST, with its form and the request that it becomes.
func acts() map[string]struct{ form, line, body string } {
	return map[string]struct{ form, line, body string }{
		"/console/signups/" + acme + "/approve":                      {"", "POST /signups/" + acme + "/approve", "{}"},
		"/console/signups/" + acme + "/reject":                       {"reason=a+%22b%22", "POST /signups/" + acme + "/reject", `{"reason":"a \"b\""}`},
		"/console/instances/" + acme + "/cancel":                     {"", "POST /instances/" + acme + "/cancel", "{}"},
		"/console/instances/" + acme + "/suspend":                    {"reason=payment&note=n", "POST /instances/" + acme + "/suspend", `{"reason":"payment","note":"n"}`},
		"/console/instances/" + acme + "/resume":                     {"", "POST /instances/" + acme + "/resume", "{}"},
		"/console/instances/" + acme + "/retry":                      {"", "POST /instances/" + acme + "/retry", "{}"},
		"/console/instances/" + acme + "/resend":                     {"message=welcome", "POST /instances/" + acme + "/resend", `{"message":"welcome"}`},
		"/console/instances/" + acme + "/hold":                       {"why=a+case", "POST /instances/" + acme + "/hold", `{"why":"a case"}`},
		"/console/instances/" + acme + "/lift":                       {"why=over&sure=" + url.QueryEscape(nasty), "POST /instances/" + acme + "/lift", `{"why":"over"}`},
		"/console/instances/" + acme + "/exports":                    {"", "POST /instances/" + acme + "/exports", "{}"},
		"/console/instances/" + acme + "/decommission":               {"reason=leaves&sure=" + url.QueryEscape(nasty), "POST /instances/" + acme + "/decommission", `{"reason":"leaves"}`},
		"/console/instances/" + acme + "/decommission/cancel":        {"", "POST /instances/" + acme + "/decommission/cancel", "{}"},
		"/console/instances/" + acme + "/decommission/approve":       {"sure=" + url.QueryEscape(nasty), "POST /instances/" + acme + "/decommission/approve", "{}"},
		"/console/instances/" + acme + "/decommission/accept-export": {"why=gone&sure=" + url.QueryEscape(nasty), "POST /instances/" + acme + "/decommission/accept-export", `{"why":"gone"}`},
		"/console/incidents/acknowledge":                             {"instance=i&incident=x&close=yes", "POST /incidents/acknowledge", `{"instance_id":"i","id":"x","close":true}`},
		"/console/freeze":                                            {"scope=twilio&reason=r", "POST /freeze", `{"scope":"twilio","reason":"r"}`},
		"/console/thaw":                                              {"scope=twilio", "POST /thaw", `{"scope":"twilio"}`},
	}
}

func parsed(t *testing.T, form string) url.Values {
	t.Helper()
	v, err := url.ParseQuery(form)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestActions: each becomes the API's request with the operator's token, once; what came of it is said on the page it came from.
func TestActions(t *testing.T) {
	r := newRig(t)
	in := r.signedIn()
	if len(acts()) != len(actions()) {
		t.Fatalf("%d actions are tested, of %d", len(acts()), len(actions()))
	}
	for path, test := range acts() {
		r.set(test.line, 202, map[string]any{"slug": nasty, "operation": "op", "execution": nasty, "next_action": nasty})
		before := len(r.posts())
		form := parsed(t, test.form)
		form.Set("once", hidden(r.do("GET", "/console", nil, in), "once"))
		form.Set("back", "/console/incidents")
		p := r.do("POST", path, form, in)
		sent := r.posts()
		if p.status != http.StatusSeeOther || p.where() != "/console/incidents" || len(sent) != before+1 {
			t.Fatalf("%s: %d to %q, %d sent: %s", path, p.status, p.where(), len(sent)-before, p.text)
		}
		if last := sent[before]; last.line != test.line || last.body != test.body || last.header.Get("Authorization") != "Bearer "+token {
			t.Errorf("%s sent %s %s", path, last.line, last.body)
		}
		shown := r.do("GET", "/console/incidents", nil, in)
		if !strings.Contains(shown.text, `class="notice good"`) || strings.Contains(shown.text, nasty) {
			t.Errorf("%s: %s", path, shown.text)
		}
		if again := r.do("GET", "/console/incidents", nil, in); strings.Contains(again.text, `class="notice good"`) {
			t.Errorf("%s is told twice", path)
		}
		r.do("POST", path, form, in) // a double click
		if now := len(r.posts()); now != before+1 {
			t.Errorf("%s was sent %d times", path, now-before)
		}
		if shown := r.do("GET", "/console/incidents", nil, in); !strings.Contains(shown.text, "sent already") {
			t.Errorf("%s: a second click is not told: %s", path, shown.text)
		}
	}
}

// TestRefusedActions: the API's words are shown, what was typed is kept.
func TestRefusedActions(t *testing.T) {
	r := newRig(t)
	in := r.signedIn()
	r.set("POST /signups/"+acme+"/reject", 422, problem{Status: 422, Title: "A rejection needs a reason", Fields: map[string]string{"reason": "1 to 500 printable characters"}})
	p := r.do("POST", "/console/signups/"+acme+"/reject", url.Values{"reason": {"kept " + nasty}, "back": {"/console/signups"}}, in)
	shown := r.do("GET", p.where(), nil, in)
	if text := html.UnescapeString(shown.text); !strings.Contains(text, "Not done: A rejection needs a reason. Mend reason: 1 to 500 printable characters.") ||
		!strings.Contains(text, `value="kept `+nasty+`"`) || !strings.Contains(text, "<details open>") || strings.Contains(shown.text, nasty) {
		t.Error(shown.text)
	}
	r.set("POST /freeze", 409, problem{Status: 409, Detail: "not now"})
	r.do("POST", "/console/freeze", url.Values{"scope": {"vercel"}, "reason": {"because"}}, in)
	if shown := r.do("GET", "/console", nil, in); !strings.Contains(shown.text, "Not done: not now.") || !strings.Contains(shown.text, `value="because"`) ||
		!strings.Contains(shown.text, `<option value="vercel" selected>`) {
		t.Error(shown.text)
	}
}

// TestNobodyElseActs: without a session, with one that is none, or from another site's page, nothing reaches the API.
func TestNobodyElseActs(t *testing.T) {
	r := newRig(t)
	in := r.signedIn()
	before := len(r.posts())
	for path, test := range acts() {
		for name, change := range map[string]func(*http.Request){
			"no session":     nil,
			"wrong session":  func(q *http.Request) { q.AddCookie(&http.Cookie{Name: cookieName(q), Value: "x"}) },
			"another site":   func(q *http.Request) { in(q); q.Header.Set("Sec-Fetch-Site", "cross-site") },
			"same site":      func(q *http.Request) { in(q); q.Header.Set("Sec-Fetch-Site", "same-site") },
			"another origin": func(q *http.Request) { in(q); q.Header.Set("Origin", "http://127.0.0.1:1") },
			"another host":   func(q *http.Request) { in(q); q.Host = "evil.example" },
		} {
			p := r.do("POST", path, parsed(t, test.form), change)
			if strings.HasSuffix(name, "session") && p.where() != "/console/sign-in" || !strings.HasSuffix(name, "session") && p.status < 400 {
				t.Errorf("%s, %s: %d to %q", path, name, p.status, p.where())
			}
		}
		if p := r.do("GET", path, nil, in); p.status != http.StatusNotFound {
			t.Errorf("GET %s: %d", path, p.status)
		}
	}
	if n := len(r.posts()) - before; n > 0 {
		t.Errorf("%d requests reached the API", n)
	}
	for path := range everyPage() {
		if p := r.do("GET", path, nil, nil); strings.HasPrefix(path, "/console") && path != "/console/sign-in" && (p.where() != "/console/sign-in" || strings.Contains(p.text, "main")) {
			t.Errorf("%s without a session: %d to %q", path, p.status, p.where())
		}
	}
}

// TestSignIn: by the form and by the link that serve prints; the cookie is no token, and no script's, nor another site's.
func TestSignIn(t *testing.T) {
	r := newRig(t)
	for name, p := range map[string]page{
		"form": r.do("POST", "/console/sign-in", url.Values{"token": {token}}, nil),
		"link": r.do("GET", "/console/sign-in?token="+token, nil, nil),
	} {
		set := p.header.Get("Set-Cookie")
		if p.status != http.StatusSeeOther || p.where() != "/console" || strings.Contains(set+p.text, token) {
			t.Errorf("%s: %d to %q, %s", name, p.status, p.where(), set)
		}
		for _, want := range []string{"HttpOnly", "SameSite=Strict", "Path=/console", "Max-Age=43200"} {
			if !strings.Contains(set, want) {
				t.Errorf("%s: %q lacks %s", name, set, want)
			}
		}
	}
	for _, wrong := range []string{"", "x", token + "x", nasty, "x\r\ny"} {
		p := r.do("POST", "/console/sign-in", url.Values{"token": {wrong}}, nil)
		if p.status != http.StatusForbidden || p.header.Get("Set-Cookie") != "" || wrong != "" && strings.Contains(p.text, wrong+`"`) {
			t.Errorf("%q: %d %s", wrong, p.status, p.text)
		}
	}
	if p := r.do("POST", "/console/sign-in", url.Values{"token": {token}}, func(q *http.Request) { q.Header.Set("Sec-Fetch-Site", "cross-site") }); p.status != http.StatusForbidden {
		t.Errorf("another site signs in: %d", p.status)
	}
}

// TestSignOut ends the session on the server, too; and so does the API when it takes the token no longer.
func TestSignOut(t *testing.T) {
	r := newRig(t)
	in := r.signedIn()
	if p := r.do("POST", "/console/sign-out", nil, in); p.where() != "/console/sign-in" || !strings.Contains(p.header.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("%d %v", p.status, p.header)
	}
	if p := r.do("GET", "/console", nil, in); p.where() != "/console/sign-in" {
		t.Errorf("the session lasts: %d", p.status)
	}
	in = r.signedIn()
	r.set("GET /incidents", 401, problem{Status: 401, Title: "Unauthorized"})
	if p := r.do("GET", "/console/incidents", nil, in); p.where() != "/console/sign-in" {
		t.Errorf("%d", p.status)
	}
	r.set("GET /incidents", 200, view.Incidents{})
	if p := r.do("GET", "/console/incidents", nil, in); p.where() != "/console/sign-in" {
		t.Errorf("the session was not ended: %d", p.status)
	}
}

func TestSessionsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSessions(clock.System())
		first := s.begin("a")
		time.Sleep(sessionLasts - time.Second)
		second := s.begin("b")
		if s.find(first) == nil || s.find(first).token != "a" || s.find("") != nil {
			t.Error("the session is not there")
		}
		time.Sleep(time.Second)
		if s.find(first) != nil || s.find(second) == nil {
			t.Error("the wrong one ended")
		}
		s.begin("c")
		if len(s.open) != 2 {
			t.Errorf("%d are kept", len(s.open))
		}
	})
}

func TestSentFormsAreForgottenInTheEnd(t *testing.T) {
	s := &session{sent: map[string]bool{}}
	for n := range 3 * keptForms {
		if !s.first(strings.Repeat("x", n)) {
			t.Fatalf("form %d was not sent before", n)
		}
	}
	if len(s.sent) > keptForms {
		t.Errorf("%d are remembered", len(s.sent))
	}
}

// TestBack: a form leads nowhere but to the console.
func TestBack(t *testing.T) {
	for to, want := range map[string]string{
		"/console": "/console", "/console/signups?status=REQUESTED": "/console/signups?status=REQUESTED", "": "/console", "/": "/console",
		"//evil.example/console": "/console", "https://evil.example/console": "/console", "/console/../x": "/console", "/consolex": "/console",
		"/console//evil.example": "/console", "javascript:alert(1)": "/console", "/console\r\nx: y": "/console", `/\evil.example/console/`: "/console",
	} {
		if got := back(url.Values{"back": {to}}); got != want {
			t.Errorf("%q leads to %q, want %q", to, got, want)
		}
	}
}

// TestNoAnswer: a page whose API is gone says so in words.
func TestNoAnswer(t *testing.T) {
	p, err := New(Options{API: "http://127.0.0.1:1", WebhookSecret: secret, Domain: "gimbal.app", Clock: clock.System(), Speed: 1, Executions: executions{}})
	if err != nil {
		t.Fatal(err)
	}
	if got := refused((operator{p.api, token}).get(t.Context(), "/incidents", nil)); got.Status != 0 || got.Error() != unanswered.Detail {
		t.Errorf("%+v", got)
	}
}
