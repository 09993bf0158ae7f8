package world_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/sim/sendgrid"
)

// mailed are the mails about a message, oldest first.
func (r *rig) mailed(id, message string) (mails []sendgrid.Mail) {
	r.t.Helper()
	for _, m := range r.w.Vendors.SendGrid.Sent() {
		if m.CustomArgs["message_id"] == id+"/"+message {
			mails = append(mails, m)
		}
	}
	return mails
}

var linkPattern = regexp.MustCompile(`http://fleet\.test(/decisions/\S+)`)

// link delivers the outbox and gives the path of the link that the operators were sent.
func (r *rig) link(id string) string {
	r.t.Helper()
	r.invoke("deliver")
	return r.mailedLink(id)
}

func (r *rig) mailedLink(id string) string {
	r.t.Helper()
	mails := r.mailed(id, fleet.DecisionWanted)
	if len(mails) != 1 {
		r.t.Fatalf("%d mails ask for a decision", len(mails))
	}
	found := linkPattern.FindStringSubmatch(mails[0].Text)
	if found == nil {
		r.t.Fatalf("no link: %s", mails[0].Text)
	}
	return found[1]
}

// page opens a page, or sends its form, and judges what must hold of each answer.
func (r *rig) page(method, path string, form url.Values) (int, string) {
	r.t.Helper()
	q := httptest.NewRequestWithContext(r.ctx, method, path, strings.NewReader(form.Encode()))
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	out := httptest.NewRecorder()
	r.w.Front().ServeHTTP(out, q)
	for name, value := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
		"Content-Type": "text/html; charset=utf-8"} {
		if out.Header().Get(name) != value {
			r.t.Errorf("%s %d has %s %q", method, out.Code, name, out.Header().Get(name))
		}
	}
	policy := out.Header().Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
		if !strings.Contains(policy, part) {
			r.t.Errorf("the policy is %q", policy)
		}
	}
	body := out.Body.String()
	if strings.Contains(body, "<script") || strings.Contains(body, "${") && !strings.Contains(body, "${Link} &#34;") || strings.Contains(body, "/decisions/") || strings.Contains(body, "/downloads/") {
		r.t.Errorf("the page: %s", body)
	}
	return out.Code, body
}

var (
	approval  = url.Values{"decision": {"approve"}}
	rejection = url.Values{"decision": {"reject"}, "reason": {"not a dentist"}}
)

// wantPage judges a page's status and that it says something.
func (r *rig) wantPage(method, path string, form url.Values, status int, says ...string) {
	r.t.Helper()
	got, body := r.page(method, path, form)
	for _, text := range says {
		if !strings.Contains(body, text) {
			r.t.Errorf("%s does not say %q: %s", method, text, body)
		}
	}
	if got != status {
		r.t.Errorf("%s answered %d, want %d: %s", method, got, status, body)
	}
}

func (r *rig) wantSignup(id string, status fleet.SignupStatus, by string) *fleet.Signup {
	r.t.Helper()
	s, err := r.w.Store.Signup(r.ctx, id)
	if err != nil || s.Status != status || s.DecidedBy != by {
		r.t.Errorf("signup: %+v, %v; want it %s by %q", s, err, status, by)
	}
	return s
}

// tells counts the entries of an action in an audit chain.
func (r *rig) tells(id, action string) int {
	r.t.Helper()
	entries, _, err := r.w.Store.Audit(r.ctx, id)
	if err != nil {
		r.t.Fatal(err)
	}
	return count(entries, action)
}

// TestApproveByLink: opening the link any number of times decides nothing, its button does, once, and then the link is used up.
func TestApproveByLink(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		id := r.signup("msg_1", "acme-dental")
		link := r.link(id)
		for range 5 {
			r.wantPage("GET", link, nil, http.StatusOK, "Acme Dental", "acme-dental", "flat", "us-east-1", "Ada Byron", "ada@acme-dental.example", "Approve", "Reject")
		}
		if s := r.status(id); s["status"] != "REQUESTED" || s["deadline"] == nil {
			t.Errorf("status: %v", s)
		}
		r.wantPage("POST", link, approval, http.StatusOK, "Approved")
		r.settle()
		r.wantActive(id)
		r.wantSignup(id, fleet.Completed, "link:decision-wanted")
		for method, form := range map[string]url.Values{"GET": nil, "POST": rejection} {
			r.wantPage(method, link, form, http.StatusGone, "decided on already", "its instance is up", "the link of the mail")
		}
		r.wantPage("POST", link, approval, http.StatusGone, "decided on already")
		r.wantActive(id)
		if n := r.tells(id, "signup.decided"); n != 1 {
			t.Errorf("decided %d times", n)
		}
		entries, _, err := r.w.Store.Audit(r.ctx, id)
		if err != nil || !slices.ContainsFunc(entries, func(e fleet.AuditEntry) bool {
			return e.Action == "signup.decided" && e.Actor == "link:decision-wanted" && e.Outcome == "APPROVED"
		}) {
			t.Errorf("audit: %+v, %v", entries, err)
		}
	})
}

// TestRejectByLink: a rejection needs a reason, frees the slug, and its applicant is told once; what they told is erased then.
func TestRejectByLink(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		id := r.signup("msg_1", "acme-dental")
		link := r.link(id)
		for _, form := range []url.Values{{}, {"decision": {"else"}}, {"decision": {"reject"}}, {"decision": {"reject"}, "reason": {" \n "}},
			{"decision": {"reject"}, "reason": {strings.Repeat("x", 501)}}, {"decision": {"reject"}, "reason": {"a\u202eb"}}} {
			r.wantPage("POST", link, form, http.StatusUnprocessableEntity, "Approve", "trouble")
		}
		r.wantSignup(id, fleet.Requested, "")
		reason := url.Values{"decision": {"reject"}, "reason": {"<b>not</b> a\r\ndentist"}}
		r.wantPage("POST", link, reason, http.StatusOK, "Rejected")
		r.wantFree("acme-dental", true)
		if s := r.wantSignup(id, fleet.Rejected, "link:decision-wanted"); s.Reason != "<b>not</b> a dentist" || len(s.Applicant) == 0 {
			t.Errorf("%+v", s)
		}
		for range 3 {
			r.invoke("deliver")
		}
		if mails := r.mailed(id, fleet.SignupRejected); len(mails) != 1 || mails[0].To != "ada@acme-dental.example" || !strings.Contains(mails[0].Text, "<b>not</b> a dentist") {
			t.Errorf("mails: %+v", mails)
		}
		if s := r.wantSignup(id, fleet.Rejected, "link:decision-wanted"); len(s.Applicant) > 0 || r.tells(id, "signup.applicant_erased") != 1 {
			t.Errorf("the applicant's data are still there")
		}
		r.wantPage("POST", link, approval, http.StatusGone, "Rejected")
		r.wantPage("GET", link, nil, http.StatusGone, "Rejected")
		r.wantAuditWhole(id)
	})
}

// TestLinkManyTimesAtOnce: of many decisions at once one counts.
func TestLinkManyTimesAtOnce(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		id := r.signup("msg_1", "acme-dental")
		link := r.link(id)
		var mu sync.Mutex
		outcomes := map[string]int{}
		var all sync.WaitGroup
		for n := range 20 {
			form, name := approval, "approve"
			if n%2 == 0 {
				form, name = rejection, "reject"
			}
			all.Go(func() {
				status, _ := r.page("POST", link, form)
				mu.Lock()
				defer mu.Unlock()
				outcomes[fmt.Sprint(name, " ", status)]++
			})
		}
		all.Wait()
		r.settle()
		s, err := r.w.Store.Signup(r.ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		loser := "approve 200"
		if s.Status != fleet.Rejected {
			loser = "reject 200"
		}
		if outcomes[loser] > 0 || outcomes["approve 200"]+outcomes["reject 200"] < 1 || outcomes["approve 200"]+outcomes["reject 200"]+outcomes["approve 410"]+outcomes["reject 410"] != 20 {
			t.Errorf("it is %s after %v", s.Status, outcomes)
		}
		if n := r.tells(id, "signup.decided"); n != 1 {
			t.Errorf("decided %d times", n)
		}
	})
}

// TestForgedLinks: nothing but Fleet's own signature, for this very purpose, decides.
func TestForgedLinks(t *testing.T) {
	t.Parallel()
	inBubble(t, exact, func(r *rig) {
		id := r.signup("msg_1", "acme-dental")
		good := r.link(id)
		parts := strings.Split(strings.TrimPrefix(good, "/decisions/"), ".")
		in := func(d time.Duration) *jwt.NumericDate { return jwt.NewNumericDate(time.Now().Add(d)) }
		signed := func(alg jose.SignatureAlgorithm, key string, c jwt.Claims) string {
			t.Helper()
			signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: []byte(key)}, nil)
			if err != nil {
				t.Fatal(err)
			}
			token, err := jwt.Signed(signer).Claims(c).Serialize()
			if err != nil {
				t.Fatal(err)
			}
			return token
		}
		audience := jwt.Audience{"gimbal-fleet/decisions"}
		long := strings.Repeat("k", 64)
		raw := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
		for name, token := range map[string]string{
			"no token":           "x",
			"two parts":          parts[0] + "." + parts[1],
			"no signature":       parts[0] + "." + parts[1] + ".",
			"cut off":            good[len("/decisions/") : len(good)-3],
			"another signature":  parts[0] + "." + parts[1] + "." + raw(strings.Repeat("s", 32)),
			"a line break in it": good[len("/decisions/"):len(good)-3] + "%0A" + good[len(good)-3:],
			"none":               raw(`{"alg":"none"}`) + "." + parts[1] + ".",
			"another body":       parts[0] + "." + raw(`{"sub":"`+id+`","aud":["gimbal-fleet/decisions"],"jti":"x","exp":9999999999}`) + "." + parts[2],
			"another's secret":   signed(jose.HS256, long, jwt.Claims{Subject: id, Audience: audience, ID: "x", Expiry: in(time.Hour)}),
			"another algorithm":  signed(jose.HS512, linkSecret+long, jwt.Claims{Subject: id, Audience: audience, ID: "x", Expiry: in(time.Hour)}),
			"another purpose":    signed(jose.HS256, linkSecret, jwt.Claims{Subject: id, Audience: jwt.Audience{"else"}, ID: "x", Expiry: in(time.Hour)}),
			"for nothing":        signed(jose.HS256, linkSecret, jwt.Claims{Subject: id, ID: "x", Expiry: in(time.Hour)}),
			"without an end":     signed(jose.HS256, linkSecret, jwt.Claims{Subject: id, Audience: audience, ID: "x"}),
			"of no message":      signed(jose.HS256, linkSecret, jwt.Claims{Subject: id, Audience: audience, Expiry: in(time.Hour)}),
			"of no signup":       signed(jose.HS256, linkSecret, jwt.Claims{Subject: "x", Audience: audience, ID: "x", Expiry: in(time.Hour)}),
			"of an unknown one":  signed(jose.HS256, linkSecret, jwt.Claims{Subject: "11111111-1111-4111-8111-111111111111", Audience: audience, ID: "x", Expiry: in(time.Hour)}),
			"huge":               strings.Repeat("x", 5000),
		} {
			for method, form := range map[string]url.Values{"GET": nil, "POST": approval} {
				if status, body := r.page(method, "/decisions/"+token, form); status != http.StatusNotFound || strings.Contains(body, "acme") {
					t.Errorf("%s: %s answered %d: %s", name, method, status, body)
				}
			}
		}
		over := signed(jose.HS256, linkSecret, jwt.Claims{Subject: id, Audience: audience, ID: "x", Expiry: in(0)})
		r.wantPage("POST", "/decisions/"+over, approval, http.StatusGone, "expired")
		r.wantSignup(id, fleet.Requested, "")
		r.wantPage("GET", good, nil, http.StatusOK)
	})
}

// TestHostileNamesOnThePage: whatever an applicant calls themselves, it is text.
func TestHostileNamesOnThePage(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		body := strings.NewReplacer("Acme Dental", `<script>alert(1)</script> ${Link} \"&`, "Ada Byron", `</style><b>`).Replace(r.form("acme-dental"))
		code, answer := r.post("msg_1", body)
		r.want(http.StatusAccepted, code, answer)
		status, page := r.page("GET", r.link(answer["id"].(string)), nil)
		if status != http.StatusOK || strings.Contains(page, "<b>") || !strings.Contains(page, "&lt;script&gt;alert(1)") || !strings.Contains(page, "&lt;/style&gt;&lt;b&gt;") {
			t.Errorf("%d %s", status, page)
		}
	})
}
