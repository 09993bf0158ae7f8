package portal

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/view"
)

// everyPage are the addresses of all pages, with words that each must show.
func everyPage() map[string]string {
	return map[string]string{
		"/":                               "Get your own Gimbal",
		"/welcome/" + acme:                "number <strong>3</strong>",
		"/welcome/unknown":                "There is no such signup",
		"/console/sign-in":                "Operator's token",
		"/console":                        "Needs a hand",
		"/console/signups":                "2 of 7",
		"/console/instances":              "overdue by 1 min",
		"/console/executions":             "op-1-provision-1",
		"/console/incidents":              "by nobody yet",
		"/console/nonsense":               "There is no such page",
		"/console/instances/0x":           "there is no GET",
		"/console/instances?state=ACTIVE": "overdue",
		"/console/instances/" + acme:      "The audit is not whole",
		"/console/instances?stage=grace":  "in grace",
		"/console/executions/provision/op-1-provision-1":                                                                "again in 5.0 s",
		"/console/executions/provision/op-0-provision-1":                                                                "not reached",
		"/console/executions/provision/op-2-provision-1":                                                                "There is no such execution",
		"/console/executions/teardown/op-1-provision-1":                                                                 "There is no such execution",
		"/console/executions/provision/op-1-provision-1?state=Left":                                                     "None is known",
		"/console/executions/provision/op-1-provision-1?state=Last":                                                     "It was not entered",
		"/console/executions/provision/op-0-provision-1?state=" + url.QueryEscape(nasty):                                "not reached",
		"/console/executions?status=RUNNING&workflow=" + url.QueryEscape(nasty) + "&instance=" + url.QueryEscape(nasty): "None of 2",
		"/console/executions?instance=DF4A":                                                                             "1 of 2",
		"/console/source/nothing":                                                                                       "There is no such step",
		"/console/incidents?x=" + url.QueryEscape(nasty):                                                                "by nobody yet",
		"/console/executions/x/" + url.PathEscape("<b>hi"):                                                              "There is no such execution",
	}
}

// TestNothingBecomesMarkup: whatever the API says, in every field of every page.
func TestNothingBecomesMarkup(t *testing.T) {
	r := newRig(t)
	in := r.signedIn()
	for path, words := range everyPage() {
		p := r.do("GET", path, nil, in)
		if !strings.Contains(p.text, words) {
			t.Errorf("%s answered %d without %q:\n%s", path, p.status, words, p.text)
		}
		for _, markup := range []string{"<script>", "<img src=x", `"'>`, "onerror=alert(2)>", "<b>hi"} {
			if strings.Contains(p.text, markup) {
				t.Errorf("%s: %q got through", path, markup)
			}
		}
		if n := strings.Count(p.text, "<script"); n != 1 {
			t.Errorf("%s has %d scripts", path, n)
		}
		if strings.Contains(p.text, token) || strings.Contains(p.text, secret) {
			t.Errorf("%s shows a secret", path)
		}
	}
}

// TestNoStyleOrScriptInside: the content policy would refuse them.
func TestNoStyleOrScriptInside(t *testing.T) {
	r := newRig(t)
	in := r.signedIn()
	for path := range everyPage() {
		p := r.do("GET", path, nil, in)
		if found := regexp.MustCompile(`<style|\sstyle=|\son[a-z]+="|javascript:`).FindString(p.text); found != "" {
			t.Errorf("%s has %s", path, found)
		}
	}
}

func TestHeaders(t *testing.T) {
	r := newRig(t)
	for path := range everyPage() {
		p := r.do("GET", path, nil, r.signedIn())
		policy := p.header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: the policy lacks %s", path, part)
			}
		}
		if strings.Contains(policy, "unsafe") || p.header.Get("Cache-Control") != "no-store" || p.header.Get("Referrer-Policy") != "no-referrer" ||
			p.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", path, p.header)
		}
	}
	for file, kind := range map[string]string{"portal.css": "text/css", "portal.js": "text/javascript", "icon.svg": "image/svg+xml"} {
		if p := r.do("GET", "/assets/"+file, nil, nil); p.status != http.StatusOK || !strings.HasPrefix(p.header.Get("Content-Type"), kind) {
			t.Errorf("%s: %d %s", file, p.status, p.header.Get("Content-Type"))
		}
	}
	if p := r.do("GET", "/assets/..%2fportal.go", nil, nil); p.status == http.StatusOK {
		t.Errorf("a file that is no asset: %s", p.text)
	}
}

// TestTheAPIStaysWhereItIs: the pages take nothing of it.
func TestTheAPIStaysWhereItIs(t *testing.T) {
	r := newRig(t)
	bearer := func(q *http.Request) { q.Header.Set("Authorization", "Bearer "+token); q.Host = "fleet.example" }
	for _, path := range []string{"/instances", "/incidents", "/signups/" + acme, "/signups?status=REQUESTED"} {
		if p := r.do("GET", path, nil, bearer); p.status != http.StatusOK || !strings.HasPrefix(p.text, "{") || p.header.Get("Content-Security-Policy") != "" {
			t.Errorf("%s: %d %s", path, p.status, p.text)
		}
	}
	if p := r.do("POST", "/nowhere", nil, bearer); p.status != http.StatusNotFound || !strings.HasPrefix(p.text, "{") {
		t.Errorf("%d %s", p.status, p.text)
	}
}

// TestStrangersHosts: a name that a stranger could have pointed here is refused.
func TestStrangersHosts(t *testing.T) {
	for host, want := range map[string]bool{"127.0.0.1:8700": true, "localhost": true, "LOCALHOST:1": true, "[::1]:8700": true, "::1": true, "192.0.2.7:80": true,
		"evil.example": false, "evil.example:8700": false, "": false, "localhost.evil.example": false, "127.0.0.1.evil.example": false, "x.localhost:8700": false} {
		if ours(host) != want {
			t.Errorf("%q is ours: %t", host, !want)
		}
	}
	r := newRig(t)
	in := r.signedIn()
	for path := range everyPage() {
		if p := r.do("GET", path, nil, func(q *http.Request) { in(q); q.Host = "evil.example" }); p.status != http.StatusMisdirectedRequest || strings.Contains(p.text, "html") {
			t.Errorf("%s: %d", path, p.status)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	good := Options{API: "http://x", WebhookSecret: secret, Domain: "gimbal.app", Clock: clock.System(), Speed: 1, Executions: executions{}}
	if _, err := New(good); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*Options){"API": func(o *Options) { o.API = "" }, "secret": func(o *Options) { o.WebhookSecret = "whsec_!" },
		"domain": func(o *Options) { o.Domain = "" }, "clock": func(o *Options) { o.Clock = nil }, "executions": func(o *Options) { o.Executions = nil }, "speed": func(o *Options) { o.Speed = 0 }} {
		o := good
		change(&o)
		if _, err := New(o); err == nil || strings.Contains(err.Error(), "whsec") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestWelcome: what an applicant reads, by how far the signup is, and whether the page goes on looking.
func TestWelcome(t *testing.T) {
	r := newRig(t)
	for _, test := range []struct {
		status   view.SignupStatus
		words    string
		goesOn   bool
		unwanted string
	}{
		{view.SignupStatus{Status: fleet.Requested}, "look at it now", true, "queue"},
		{view.SignupStatus{Status: fleet.Approved, Place: 2}, "number <strong>2</strong>", true, "Done"},
		{view.SignupStatus{Status: fleet.Admitted, State: fleet.Provisioning, Deadline: now.Add(9 * time.Minute)}, "in 9 min</time> at the latest", true, "queue"},
		{view.SignupStatus{Status: fleet.Admitted, State: fleet.Provisioning, Reason: "setting it up failed", NextAction: "an operator sees to it"}, "could not be set up", true, "stages"},
		{view.SignupStatus{Status: fleet.Admitted, State: fleet.Provisioning, Reason: "setting it up failed", NextAction: "an operator sees to it"}, "<dd>an operator sees to it</dd>", true, "A few minutes"},
		{view.SignupStatus{Status: fleet.Completed}, "not to be reached now", false, "Next"},
		{view.SignupStatus{Status: fleet.Completed, URL: "https://acme.gimbal.app"}, `href="http://visit.acme.gimbal.app"`, false, "Done"},
		{view.SignupStatus{Status: fleet.Rejected, Reason: "a duplicate"}, "The signup was rejected: a duplicate.", false, "stages"},
		{view.SignupStatus{Status: fleet.Expired}, "The signup expired.", false, "stages"},
		{view.SignupStatus{Status: fleet.Failed, Reason: "setting it up failed"}, "Nothing came of the signup: setting it up failed.", false, "stages"},
	} {
		test.status.ID, test.status.Slug = acme, "acme"
		r.set("GET /signups/"+acme, 200, test.status)
		p := r.do("GET", "/welcome/"+acme, nil, nil)
		if !strings.Contains(p.text, test.words) || strings.Contains(p.text, "data-refresh") != test.goesOn || strings.Contains(p.text, test.unwanted) ||
			!strings.Contains(p.text, "https://acme.gimbal.app") {
			t.Errorf("%s: %s", test.status.Status, p.text)
		}
	}
	r.set("GET /signups/"+acme, 503, problem{Status: 503, Detail: "not now; try again in a moment"})
	if p := r.do("GET", "/welcome/"+acme, nil, nil); p.status != http.StatusBadGateway || !strings.Contains(p.text, "not now") {
		t.Errorf("%d %s", p.status, p.text)
	}
}

func TestWords(t *testing.T) {
	for got, want := range map[string]string{
		took(400 * time.Millisecond): "0.4 s", took(-time.Second): "0.0 s", took(125 * time.Second): "2 min 05 s",
		short(acme): "df4a5ecc",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
