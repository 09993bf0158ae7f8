package world_test

import (
	"context"
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
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/sim/sendgrid"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/store/table"
	"github.com/project-gimbal/fleet/internal/view"
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
	if strings.Contains(body, "<script") || strings.Contains(body, "${") && !strings.Contains(body, "${Link} &#34;") || strings.Contains(body, "/decisions/") {
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
			"no token":          "x",
			"two parts":         parts[0] + "." + parts[1],
			"no signature":      parts[0] + "." + parts[1] + ".",
			"cut off":           good[len("/decisions/") : len(good)-3],
			"another signature": parts[0] + "." + parts[1] + "." + raw(strings.Repeat("s", 32)),
			"none":              raw(`{"alg":"none"}`) + "." + parts[1] + ".",
			"another body":      parts[0] + "." + raw(`{"sub":"`+id+`","aud":["gimbal-fleet/decisions"],"jti":"x","exp":9999999999}`) + "." + parts[2],
			"another's secret":  signed(jose.HS256, long, jwt.Claims{Subject: id, Audience: audience, ID: "x", Expiry: in(time.Hour)}),
			"another algorithm": signed(jose.HS512, linkSecret+long, jwt.Claims{Subject: id, Audience: audience, ID: "x", Expiry: in(time.Hour)}),
			"another purpose":   signed(jose.HS256, linkSecret, jwt.Claims{Subject: id, Audience: jwt.Audience{"else"}, ID: "x", Expiry: in(time.Hour)}),
			"for nothing":       signed(jose.HS256, linkSecret, jwt.Claims{Subject: id, ID: "x", Expiry: in(time.Hour)}),
			"without an end":    signed(jose.HS256, linkSecret, jwt.Claims{Subject: id, Audience: audience, ID: "x"}),
			"of no message":     signed(jose.HS256, linkSecret, jwt.Claims{Subject: id, Audience: audience, Expiry: in(time.Hour)}),
			"of no signup":      signed(jose.HS256, linkSecret, jwt.Claims{Subject: "x", Audience: audience, ID: "x", Expiry: in(time.Hour)}),
			"of an unknown one": signed(jose.HS256, linkSecret, jwt.Claims{Subject: "11111111-1111-4111-8111-111111111111", Audience: audience, ID: "x", Expiry: in(time.Hour)}),
			"huge":              strings.Repeat("x", 5000),
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

// TestSignupExpires at exactly 14 days, and not a moment before; its slug is free, its link is over, and its applicant is told once.
func TestSignupExpires(t *testing.T) {
	t.Parallel()
	inBubble(t, exact, func(r *rig) {
		id := r.signup("msg_1", "acme-dental")
		approved := r.signup("msg_2", "beta-dental")
		signed := time.Now()
		link := r.link(id)
		r.freeze("supabase")
		r.approve(approved) // it waits for as long as it takes
		time.Sleep(bounds.Decide - time.Since(signed) - time.Minute)
		r.invoke("expire-signups")
		r.wantSignup(id, fleet.Requested, "")
		r.wantPage("GET", link, nil, http.StatusOK)
		time.Sleep(time.Minute)
		r.wantPage("GET", link, nil, http.StatusGone, "expired")
		r.wantPage("POST", link, approval, http.StatusGone, "expired")
		code, answer := r.do("POST", "/signups/"+id+"/approve", "", operator) // before it is swept
		r.want(http.StatusConflict, code, answer)
		r.wantFree("acme-dental", false)
		for range 3 {
			r.invoke("expire-signups")
			r.invoke("deliver")
		}
		r.wantFree("acme-dental", true)
		if s := r.wantSignup(id, fleet.Expired, "fleet:expiry"); len(s.Applicant) > 0 {
			t.Error("the applicant's data are still there")
		}
		if s := r.status(id); s["status"] != "EXPIRED" || s["reason"] == nil || s["deadline"] != nil {
			t.Errorf("status: %v", s)
		}
		if mails := r.mailed(id, fleet.SignupExpired); len(mails) != 1 {
			t.Errorf("mails: %+v", mails)
		}
		r.wantPage("POST", link, approval, http.StatusGone)
		r.wantSignup(approved, fleet.Approved, "operator:token")
		r.wantAuditWhole(id)
		code, answer = r.post("msg_3", r.form("acme-dental"))
		r.want(http.StatusAccepted, code, answer)
		r.thaw("supabase")
		r.settle()
	})
}

// TestDecidedAtTheMomentOfExpiry: approvals, rejections and the sweep at once, with clocks that differ: one wins.
func TestDecidedAtTheMomentOfExpiry(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		inBubble(t, func(o *world.Options) { o.Seed = seed }, func(r *rig) {
			id := r.signup("msg_1", "acme-dental")
			link := r.link(id)
			s := r.wantSignup(id, fleet.Requested, "")
			time.Sleep(time.Until(s.RequestedAt.Add(bounds.Decide)))
			var all sync.WaitGroup
			for _, act := range []func(){
				func() { r.page("POST", link, approval) },
				func() { r.do("POST", "/signups/"+id+"/approve", "", operator) },
				func() { r.do("POST", "/signups/"+id+"/reject", `{"reason":"because"}`, operator) },
				func() { _, _ = r.w.Invoke(r.ctx, "expire-signups", []byte("{}")) },
				func() { _, _ = r.w.Invoke(r.ctx, "expire-signups", []byte("{}")) },
			} {
				all.Go(act)
			}
			all.Wait()
			r.settle()
			time.Sleep(bounds.Margin)
			r.invoke("expire-signups")
			if n := r.tells(id, "signup.decided"); n != 1 {
				t.Errorf("decided %d times", n)
			}
			s, err := r.w.Store.Signup(r.ctx, id)
			if err != nil || s.Status == fleet.Requested {
				t.Errorf("%+v, %v", s, err)
			}
			r.wantFree("acme-dental", s.Status == fleet.Expired || s.Status == fleet.Rejected)
		})
	}
}

// TestAutoApproval: a signup of a plan that needs nobody is approved by Fleet, and nobody is asked; one of another plan waits.
func TestAutoApproval(t *testing.T) {
	t.Parallel()
	inBubble(t, func(o *world.Options) { o.AutoApprove = []string{"flat"} }, func(r *rig) {
		id := r.signup("msg_1", "acme-dental")
		code, answer := r.post("msg_2", strings.Replace(r.form("beta-dental"), `"flat"`, `"usage"`, 1))
		r.want(http.StatusAccepted, code, answer)
		other := answer["id"].(string)
		r.invoke("deliver")
		r.invoke("auto-approve")
		r.settle()
		r.wantSignup(id, fleet.Completed, "fleet:auto-approval")
		r.wantSignup(other, fleet.Requested, "")
		r.invoke("deliver")
		if a, b := len(r.mailed(id, fleet.DecisionWanted)), len(r.mailed(other, fleet.DecisionWanted)); a != 0 || b != 1 {
			t.Errorf("asked %d times for the one, %d for the other", a, b)
		}
	})
}

// TestNoAutoApprovalByDefault: nobody but people approves.
func TestNoAutoApprovalByDefault(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		id := r.signup("msg_1", "acme-dental")
		r.invoke("auto-approve")
		r.wantSignup(id, fleet.Requested, "")
	})
}

// TestQuotaFull: where a vendor has no room, nothing is approved, by whomever; once there is some, it is.
func TestQuotaFull(t *testing.T) {
	t.Parallel()
	full := func(o *world.Options) {
		faults(t, "sendgrid.CreateSubuser=hang@1")(o)
		o.AutoApprove = []string{"flat"}
		o.Quotas = map[string]int{"sendgrid-subusers": 1, "dns-records": 1000, "supabase-projects": 1000, "vercel-projects": 1000, "twilio-subaccounts": 1000}
	}
	inBubble(t, full, func(r *rig) {
		first := r.signup("msg_1", "acme-dental")
		r.freeze("supabase")
		r.approve(first) // the last room, spoken for
		id := r.signup("msg_2", "beta-dental")
		refused := func() {
			t.Helper()
			code, answer := r.do("POST", "/signups/"+id+"/approve", "", operator)
			if r.want(http.StatusConflict, code, answer); !strings.Contains(fmt.Sprint(answer["detail"]), "SendGrid subusers") || strings.Contains(fmt.Sprint(answer["detail"]), "DNS") ||
				!strings.Contains(fmt.Sprint(answer["detail"]), "raise the plan") {
				t.Errorf("answer: %v", answer)
			}
			r.wantSignup(id, fleet.Requested, "")
		}
		refused()
		r.thaw("supabase")
		for range 20 { // while it is made
			time.Sleep(10 * time.Second)
			refused()
		}
		r.settle()
		refused() // now it is used
		r.invoke("auto-approve")
		r.wantSignup(id, fleet.Requested, "")
		r.invoke("deliver") // Fleet may try by itself yet
		if n := len(r.mailed(id, fleet.DecisionWanted)); n != 0 {
			t.Errorf("asked %d times", n)
		}
		time.Sleep(bounds.AutoApproval + bounds.Margin)
		link := r.link(id)
		r.invoke("auto-approve")
		r.wantPage("POST", link, approval, http.StatusConflict, "no room", "SendGrid subusers", "Approve")
		r.wantSignup(id, fleet.Requested, "")
		r.approve(first) // a repeat asks for no room
		r.wantPage("POST", link, rejection, http.StatusOK, "Rejected")
	})
}

// TestAutoApprovalsTogether: what one run approves counts for the next one of it, even where the lists lag.
func TestAutoApprovalsTogether(t *testing.T) {
	t.Parallel()
	inBubble(t, func(o *world.Options) {
		exact(o)
		o.AutoApprove, o.Quotas = []string{"flat"}, map[string]int{"sendgrid-subusers": 2}
		lists := &stale{Table: o.Table, first: map[string]table.Page{}}
		o.Hooks.Table = func(function string, inner table.Table) table.Table {
			if function == "auto-approve" {
				return lists
			}
			return inner
		}
	}, func(r *rig) {
		for n, slug := range []string{"acme-dental", "beta-dental", "gamma-dental", "delta-dental"} {
			r.signup(fmt.Sprint("msg_", n), slug)
		}
		r.freeze("supabase")
		r.invoke("auto-approve")
		approved := get[view.Signups](r, "/signups?status=APPROVED")
		if len(approved.Signups) != 2 {
			t.Errorf("approved: %+v", approved)
		}
	})
}

// TestQuotaUnknown: a vendor that doesn't tell in time keeps an approval back, and says so; nothing is decided.
func TestQuotaUnknown(t *testing.T) {
	t.Parallel()
	inBubble(t, func(o *world.Options) {
		faults(t, "sendgrid.ListSubusers=hang@1-2,sendgrid.ListSubusers=500-before@3-4")(o)
		o.Quotas = map[string]int{"sendgrid-subusers": 15}
	}, func(r *rig) {
		id := r.signup("msg_1", "acme-dental")
		for range 2 {
			begun := time.Now()
			code, answer := r.do("POST", "/signups/"+id+"/approve", "", operator)
			if r.want(http.StatusFailedDependency, code, answer); !strings.Contains(fmt.Sprint(answer["detail"]), "SendGrid subusers") {
				t.Errorf("answer: %v", answer)
			}
			if took := time.Since(begun); took > 27*time.Second {
				t.Errorf("it took %v", took)
			}
			r.wantSignup(id, fleet.Requested, "")
		}
		r.approve(id)
	})
}

// stale shows of a list, for good, what it was when it was first asked for.
type stale struct {
	table.Table
	mu    sync.Mutex
	first map[string]table.Page
}

func (s *stale) Query(ctx context.Context, q table.Query) (table.Page, error) {
	page, err := s.Table.Query(ctx, q)
	if q.Index != store.ByList || err != nil {
		return page, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if first, seen := s.first[q.Partition]; seen {
		return first, nil
	}
	s.first[q.Partition] = page
	return page, nil
}

// TestListsLagBehindADecision: what a list still shows as waiting, and is decided, is neither expired nor approved by Fleet.
func TestListsLagBehindADecision(t *testing.T) {
	t.Parallel()
	inBubble(t, func(o *world.Options) {
		exact(o)
		lists := &stale{Table: o.Table, first: map[string]table.Page{}}
		o.Hooks.Table = func(function string, inner table.Table) table.Table {
			if function == "expire-signups" {
				return lists
			}
			return inner
		}
	}, func(r *rig) {
		id := r.signup("msg_1", "acme-dental")
		rejected := r.signup("msg_2", "beta-dental")
		r.invoke("expire-signups")
		r.freeze("supabase")
		r.approve(id)
		r.reject(rejected)
		time.Sleep(bounds.Decide + time.Hour)
		r.invoke("expire-signups")
		r.wantSignup(id, fleet.Approved, "operator:token")
		r.wantSignup(rejected, fleet.Rejected, "operator:token")
		r.wantFree("acme-dental", false)
		r.wantAuditWhole(id)
	})
}
