package portal

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// places are the pages' addresses, with the fuzzed text for {x}, and that text alone as one.
func places() []string {
	all := []string{"GET /", "POST /", "GET /welcome/{x}", "GET /assets/{x}", "GET /console/sign-in", "POST /console/sign-in", "POST /console/sign-out", "GET /console",
		"GET /console/signups", "GET /console/instances", "GET /console/instances/{x}", "GET /console/instances/{x}/certificate.html",
		"GET /console/instances/{x}/certificate.json", "GET /console/executions", "GET /console/executions/{x}/op-1-provision-1",
		"GET /console/executions/provision/{x}", "GET /console/executions/provision/op-1-provision-1", "GET /console/executions/provision/{x}/events", "GET /console/source/{x}",
		"GET /console/incidents", "GET {x}", "POST {x}"}
	for pattern := range actions() {
		all = append(all, "POST /console/"+strings.ReplaceAll(pattern, "{id}", "{x}"))
	}
	slices.Sort(all)
	return all
}

// visit is one request of a browser's, and a look afterwards at what is told of it.
type visit struct {
	place, text, query, form string
	signedIn                 bool
}

// plain is the visit with letters in place of what could end a text or begin a tag in a page.
func (v visit) plain() visit {
	letters := strings.NewReplacer("<", "x", ">", "x", `"`, "x", "'", "x", "&", "x")
	each := func(encoded string) string {
		values, err := url.ParseQuery(encoded)
		if err != nil {
			return encoded // it isn't read
		}
		for name, all := range values {
			for i := range all {
				values[name][i] = letters.Replace(all[i])
			}
		}
		return values.Encode()
	}
	return visit{v.place, letters.Replace(v.text), each(v.query), each(v.form), v.signedIn}
}

// pages makes the visit at a portal of its own and gives the answers.
func (v visit) pages(t *testing.T) (*rig, []*httptest.ResponseRecorder) {
	t.Helper()
	r := newRig(t)
	r.set("POST /signups", 202, accepted{ID: acme, Slug: "acme-dental"})
	var cookie func(*http.Request)
	if v.signedIn {
		cookie = r.signedIn()
		r.asked = nil
	}
	method, path, _ := strings.Cut(v.place, " ")
	first := r.serve(method, strings.ReplaceAll(path, "{x}", v.text), v.query, v.form, cookie)
	answers := []*httptest.ResponseRecorder{first}
	if to, err := url.Parse(first.Header().Get("Location")); err == nil && to.String() != "" {
		answers = append(answers, r.serve("GET", to.Path, to.RawQuery, "", cookie))
	}
	return r, answers
}

func (r *rig) serve(method, path, query, form string, cookie func(*http.Request)) *httptest.ResponseRecorder {
	q := (&http.Request{Method: method, URL: &url.URL{Path: path, RawQuery: query}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Host: here,
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, Body: io.NopCloser(strings.NewReader(form))}).WithContext(r.t.Context())
	if cookie != nil {
		cookie(q)
	}
	out := httptest.NewRecorder()
	r.handler.ServeHTTP(out, q)
	return out
}

// here is where the browser has found the portal.
const here = "127.0.0.1:8700"

// FuzzPages: whatever a browser asks for or posts, no page breaks, none lets what was typed become markup, or leads to another site; and
// the API is asked for nothing but its own routes: by whoever is signed in, or for a signup, signed, as it was filled in.
func FuzzPages(f *testing.F) {
	all := places()
	for i := range all {
		f.Add(uint8(i), acme, "state=ACTIVE&status=REQUESTED&state=Both", "back=/console/incidents&reason=because&scope=fleet&id=msg_AAAAAAAAAAAAAAAAAAAAAAAAAA&slug=acme-dental", true)
		f.Add(uint8(i), []string{"../../freeze", "a/b?c#d", "%2e%2e", "//evil.example/x", "/\\evil.example", "\x00", nasty, "https://evil.example"}[i%8], "state="+url.QueryEscape(nasty)+"&token="+token,
			"back="+url.QueryEscape([]string{"//evil.example", "/console/../..//evil.example", "/console?x=\r\nSet-Cookie: a=b", "/console/\\evil"}[i%4])+"&company="+url.QueryEscape(nasty)+
				"&slug=+&plan=tiered&tier=scale&branding.logo_url=%80&reason="+url.QueryEscape(nasty)+"&instance="+nasty, i%3 > 0)
	}
	f.Add(uint8(0), "x", "%zz;", "%zz", false)
	f.Fuzz(func(t *testing.T, place uint8, text, query, form string, signedIn bool) {
		if _, err := url.ParseRequestURI("/?" + query); err != nil || strings.Contains(query, " ") {
			t.Skip() // no request can have such a query
		}
		v := visit{all[int(place)%len(all)], text, query, form, signedIn}
		r, answers := v.pages(t)
		for _, answer := range answers {
			wantPage(t, v, answer)
		}
		r.wantAsked(v)
		_, plain := v.plain().pages(t)
		for i, answer := range answers {
			if i >= len(plain) || plain[i].Code != answer.Code || !strings.HasPrefix(answer.Header().Get("Content-Type"), "text/html") {
				break
			}
			for _, mark := range []string{"<", ">", `"`} {
				if got, want := strings.Count(answer.Body.String(), mark), strings.Count(plain[i].Body.String(), mark); got != want {
					t.Errorf("%s: %d times %s, where plain letters have %d: %s", v.place, got, mark, want, answer.Body)
				}
			}
		}
	})
}

// wantPage judges an answer by itself.
func wantPage(t *testing.T, v visit, answer *httptest.ResponseRecorder) {
	t.Helper()
	if answer.Code < 200 || answer.Code >= 500 {
		t.Errorf("%s answered %d: %s", v.place, answer.Code, answer.Body)
	}
	if strings.HasPrefix(answer.Header().Get("Content-Type"), "text/html") && strings.Contains(answer.Body.String(), "<html") && answer.Header().Get("Content-Security-Policy") != contentPolicy {
		t.Errorf("%s has the headers %v", v.place, answer.Header())
	}
	if own := v.text + v.query + v.form; !strings.Contains(own, token) && strings.Contains(answer.Body.String(), token) || strings.Contains(answer.Body.String(), secret) {
		t.Errorf("%s tells a secret: %s", v.place, answer.Body)
	}
	where := answer.Header().Get("Location")
	if where != "" && !strings.HasPrefix(where, "/") || strings.HasPrefix(where, "//") || strings.HasPrefix(where, "/\\") || strings.ContainsFunc(where, unicode.IsControl) {
		t.Errorf("%s leads to %q", v.place, where)
	}
}

// wantAsked judges what reached the API.
func (r *rig) wantAsked(v visit) {
	r.t.Helper()
	allowed := []string{"/signups", "/instances", "/incidents", "/freeze", "/thaw"}
	for _, a := range r.asked {
		method, rest, _ := strings.Cut(a.line, " ")
		to, err := url.Parse(rest)
		by := a.header.Get("Authorization")
		switch {
		case a.host == here: // the portal has no such page, and leaves the request to the API
		case err != nil || !slices.ContainsFunc(allowed, func(p string) bool { return to.Path == p || strings.HasPrefix(to.Path, p+"/") }):
			r.t.Errorf("%s asks %s", v.place, a.line)
		case a.header.Get(webhooks.HeaderWebhookSignature) != "":
			r.wantSigned(a, v)
		case method == "POST" && !v.signedIn:
			r.t.Errorf("%s acts for nobody: %s", v.place, a.line)
		case by != "" && by != "Bearer "+token && !strings.Contains(v.place, "sign-in"):
			r.t.Errorf("%s shows the token %q", v.place, by)
		case by == "Bearer "+token && !v.signedIn && !strings.Contains(v.query+v.form, token):
			r.t.Errorf("%s acts as an operator who has not signed in: %s", v.place, a.line)
		}
	}
	if posts := r.posts(); len(posts) > 1 {
		r.t.Errorf("%s sends %d requests", v.place, len(posts))
	}
}

// wantSigned judges a webhook: its signature holds, and it says what was typed.
func (r *rig) wantSigned(a asked, v visit) {
	r.t.Helper()
	hook, err := webhooks.NewWebhook(secret)
	if err != nil {
		r.t.Fatal(err)
	}
	var sent map[string]any
	typed, unread := url.ParseQuery(v.form)
	if a.line != "POST /signups" || !webhookID.MatchString(a.header.Get(webhooks.HeaderWebhookID)) || hook.VerifyIgnoringTimestamp([]byte(a.body), a.header) != nil ||
		json.Unmarshal([]byte(a.body), &sent) != nil || unread != nil {
		r.t.Fatalf("%s %s with %v", a.line, a.body, a.header)
	}
	branding, _ := sent["branding"].(map[string]any)
	for name, value := range branding {
		sent["branding."+name] = value
	}
	delete(sent, "branding")
	for name, value := range maps.All(sent) {
		if text, ok := value.(string); !known(name) || !ok || text != strings.ToValidUTF8(strings.TrimSpace(typed.Get(name)), "\ufffd") && strings.ToValidUTF8(typed.Get(name), "") == typed.Get(name) {
			r.t.Errorf("%s is sent as %v of %q", name, value, typed.Get(name))
		}
	}
	for _, g := range groups() {
		for _, f := range g.Fields {
			if _, there := sent[f.Name]; !there && strings.TrimSpace(typed.Get(f.Name)) != "" && f.Name != "tier" {
				r.t.Errorf("%s isn't sent, though %q was typed", f.Name, typed.Get(f.Name))
			}
		}
	}
}
