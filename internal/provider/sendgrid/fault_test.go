package sendgrid_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/sendgrid"
	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/step/bounds"
)

// stage is what is there before a call goes wrong.
type stage struct {
	key     sendgrid.Key
	domain  sendgrid.Domain
	webhook sendgrid.Webhook
}

type operation struct {
	name string
	call func(ctx context.Context, c *sendgrid.Client, s stage) error
	// before counts the calls of this operation that set the stage.
	before int
	// happened reports whether the call took effect; nil for reads.
	happened func(w *world) bool
}

func held(kind string, n int) func(w *world) bool {
	return func(w *world) bool {
		found := 0
		for _, h := range w.vendor.Inventory() {
			if h.Kind == kind {
				found++
			}
		}
		return found == n
	}
}

func operations() []operation {
	second := newSubuser
	second.Username = "gf-i2"
	return append([]operation{
		{"ListSubusers", func(ctx context.Context, c *sendgrid.Client, _ stage) error {
			_, err := c.FindSubusers(ctx, subuser)
			return err
		}, 0, nil},
		{"CreateSubuser", func(ctx context.Context, c *sendgrid.Client, _ stage) error {
			_, err := c.CreateSubuser(ctx, second)
			return err
		}, 1, held("sendgrid_subuser", 2)},
		{"UpdateSubuser", func(ctx context.Context, c *sendgrid.Client, _ stage) error {
			return c.SetDisabled(ctx, subuser, true)
		}, 0, disabled},
		{"DeleteSubuser", func(ctx context.Context, c *sendgrid.Client, _ stage) error {
			return c.DeleteSubuser(ctx, subuser)
		}, 0, held("sendgrid_subuser", 0)},
		{"ListStats", func(ctx context.Context, c *sendgrid.Client, _ stage) error {
			_, err := c.Usage(ctx, subuser, time.Now())
			return err
		}, 0, nil},
		{"ListKeys", func(ctx context.Context, c *sendgrid.Client, _ stage) error {
			_, err := c.FindKeys(ctx, subuser, "send")
			return err
		}, 0, nil},
		{"CreateKey", func(ctx context.Context, c *sendgrid.Client, _ stage) error {
			_, err := c.CreateKey(ctx, subuser, "send", []string{"mail.send"})
			return err
		}, 1, held("sendgrid_key", 2)},
		{"DeleteKey", func(ctx context.Context, c *sendgrid.Client, s stage) error {
			return c.DeleteKey(ctx, subuser, s.key.ID)
		}, 0, held("sendgrid_key", 0)},
		{"ListDomains", func(ctx context.Context, c *sendgrid.Client, _ stage) error {
			_, err := c.FindDomains(ctx, subuser, host)
			return err
		}, 0, nil},
		{"AuthenticateDomain", func(ctx context.Context, c *sendgrid.Client, _ stage) error {
			_, err := c.AuthenticateDomain(ctx, subuser, host, "em")
			return err
		}, 1, held("sendgrid_domain", 2)},
		{"ValidateDomain", func(ctx context.Context, c *sendgrid.Client, s stage) error {
			_, err := c.ValidateDomain(ctx, subuser, s.domain.ID)
			return err
		}, 0, nil},
		{"DeleteDomain", func(ctx context.Context, c *sendgrid.Client, s stage) error {
			return c.DeleteDomain(ctx, subuser, s.domain.ID)
		}, 0, held("sendgrid_domain", 0)},
		{"ListScopes", func(ctx context.Context, c *sendgrid.Client, _ stage) error {
			_, err := c.Scopes(ctx)
			return err
		}, 0, nil},
		{"ListIPs", func(ctx context.Context, c *sendgrid.Client, _ stage) error {
			_, err := c.IPs(ctx)
			return err
		}, 0, nil},
		{"SendMail", func(ctx context.Context, c *sendgrid.Client, _ stage) error {
			_, err := c.SendMail(ctx, sendgrid.Mail{To: "a@example.com", From: "fleet@gimbal.app", Subject: "s", Text: "t"})
			return err
		}, 0, func(w *world) bool { return len(w.vendor.Sent()) == 1 }},
	}, webhookOperations()...)
}

// TestFaults has each call go wrong in each way.
func TestFaults(t *testing.T) {
	for _, op := range operations() {
		for _, way := range []struct {
			kind    string
			code    fault.Code
			nothing bool
			after   time.Duration
			effect  bool
		}{
			{kind: "refused", code: fault.Unavailable, nothing: true},
			{kind: "429", code: fault.Throttled, nothing: true},
			{kind: "429-retry:20s", code: fault.Throttled, nothing: true, after: 20 * time.Second},
			{kind: "403", code: fault.Rejected, nothing: true},
			{kind: "500-before", code: fault.Unavailable},
			{kind: "500-after", code: fault.Unavailable, effect: true},
			{kind: "lost", code: fault.Unavailable, effect: true},
			{kind: "hang", code: fault.Unavailable},
			{kind: "delayed", code: fault.Unavailable, effect: true},
		} {
			t.Run(op.name+" "+way.kind, func(t *testing.T) {
				script := fmt.Sprintf("sendgrid.%s=%s@%d", op.name, way.kind, op.before+1)
				simulate(t, script, sim.Options{}, func(t *testing.T, w *world) {
					var s stage
					must[sendgrid.Subuser](t)(w.client.CreateSubuser(attempt(t), newSubuser))
					s.key = must[sendgrid.Key](t)(w.client.CreateKey(attempt(t), subuser, "send", []string{"mail.send"}))
					s.domain = must[sendgrid.Domain](t)(w.client.AuthenticateDomain(attempt(t), subuser, host, "em"))
					s.webhook = must[sendgrid.Webhook](t)(w.client.CreateWebhook(attempt(t), subuser, "events", posts))
					w.calls = nil
					start := time.Now()
					err := op.call(attempt(t), w.client, s)
					assertFault(t, err, op.name, way.code, way.nothing, way.after)
					if took := time.Since(start); took > bounds.Call {
						t.Errorf("took %v, more than a call may", took)
					}
					if sent := count(w.calls, op.name); sent != 1 {
						t.Errorf("sent %d times, want once", sent)
					}
					w.link.Drain()
					if op.happened != nil && op.happened(w) != way.effect {
						t.Errorf("took effect: %v, want %v", !way.effect, way.effect)
					}
				})
			})
		}
	}
}

// whole are usable answers, by operation.
var whole = map[string]struct {
	status int
	body   string
}{
	"ListSubusers":  {200, `[{"id":1,"username":"gf-i1","email":"a@b.example","disabled":true}]`},
	"CreateSubuser": {200, `{"username":"gf-i2","user_id":7,"email":"a@b.example"}`},
	"ListStats":     {200, `[{"date":"2026-01-01","stats":[{"type":"subuser","name":"gf-i1","metrics":{"requests":7,"opens":0}}]}]`},
	"ListKeys":      {200, `{"result":[{"api_key_id":"k1","name":"send"}]}`},
	"CreateKey":     {201, `{"api_key":"SG.k1.x","api_key_id":"k1","name":"send","scopes":["mail.send"]}`},
	"ListDomains": {200, `[{"id":3,"domain":"acme.gimbal.app","subdomain":"em","valid":false,"automatic_security":true,"dns":{` +
		`"mail_cname":{"type":"cname","host":"a","data":"b","valid":false},` +
		`"dkim1":{"type":"cname","host":"a","data":"b","valid":false},"dkim2":{"type":"cname","host":"a","data":"b","valid":false}}}]`},
	"AuthenticateDomain": {201, `{"id":3,"domain":"acme.gimbal.app","subdomain":"em","valid":false,"automatic_security":true,"dns":{` +
		`"mail_cname":{"type":"cname","host":"a","data":"b","valid":false},` +
		`"dkim1":{"type":"cname","host":"a","data":"b","valid":false},"dkim2":{"type":"cname","host":"a","data":"b","valid":false}}}`},
	"ValidateDomain": {200, `{"id":3,"valid":true,"validation_results":{}}`},
	"ListWebhooks":   {200, `{"max_allowed":5,"webhooks":[` + shownWebhook + `]}`},
	"CreateWebhook":  {201, shownWebhook},
	"UpdateWebhook":  {200, strings.Replace(shownWebhook, `"enabled":true`, `"enabled":false`, 1)},
	"SignWebhook":    {200, `{"id":"w1","public_key":"MFkw+/=="}`},
	"ListScopes":     {200, `{"scopes":["mail.send","subusers.read"]}`},
	"ListIPs":        {200, `[{"ip":"192.0.2.1","subusers":[],"pools":[],"warmup":false}]`},
}

// TestUnusableAnswers has the vendor answer what is no answer: the effect may have happened.
func TestUnusableAnswers(t *testing.T) {
	s := stage{key: sendgrid.Key{ID: "k1"}, domain: sendgrid.Domain{ID: 3}, webhook: sendgrid.Webhook{ID: "w1"}}
	for _, op := range operations() {
		good, ok := whole[op.name]
		if !ok {
			continue
		}
		if err := op.call(attempt(t), always(good.status, good.body), s); err != nil {
			t.Errorf("%s, a whole answer: %v", op.name, err)
		}
		for name, body := range map[string]string{
			"html":        "<html><body>502 Bad Gateway</body></html>",
			"empty":       "",
			"null":        "null",
			"truncated":   good.body[:len(good.body)/2],
			"other shape": `{"result":{}}`,
			"wrong types": strings.NewReplacer(`"id":`, `"id":"x`, `"user_id":7`, `"user_id":"7"`, `"2026-01-01"`, `"soon"`, `"gf-i1"`, `{}`, `"k1"`, `7`, `"mail.send"`, `{}`, `"192.0.2.1"`, `"x"`).Replace(good.body),
			"10 MB":       good.body[:len(good.body)-1] + strings.Repeat(" ", 10<<20) + good.body[len(good.body)-1:],
		} {
			t.Run(op.name+" "+name, func(t *testing.T) {
				assertFault(t, op.call(attempt(t), always(good.status, body), s), op.name, fault.Unavailable, false, 0)
			})
		}
		for _, status := range []int{202, 204, 301, 307, 408, 500, 503} {
			assertFault(t, op.call(attempt(t), always(status, good.body), s), op.name, fault.Unavailable, false, 0)
		}
	}
}

// TestIncompleteAnswers drops one field each.
func TestIncompleteAnswers(t *testing.T) {
	s := stage{domain: sendgrid.Domain{ID: 3}, webhook: sendgrid.Webhook{ID: "w1"}}
	required := map[string][]string{
		"ListSubusers": {"id", "username"}, "CreateSubuser": {"username", "user_id"}, "ListKeys": {"result", "api_key_id"},
		"CreateKey":          {"api_key", "api_key_id", "name"},
		"ListDomains":        {"id", "valid", "mail_cname", "dkim1", "dkim2", "type", "host", "data"},
		"AuthenticateDomain": {"id", "domain", "valid", "automatic_security", "dns", "mail_cname", "dkim1", "dkim2", "host", "data"},
		"ValidateDomain":     {"id", "valid"},
		"ListWebhooks":       {"webhooks", "id", "url"},
		"CreateWebhook":      {"id", "friendly_name", "url", "enabled", "bounce"},
		"UpdateWebhook":      {"id", "friendly_name", "url", "bounce"},
		"SignWebhook":        {"id", "public_key"},
		"ListScopes":         {"scopes"},
		"ListStats":          {"date"},
		"ListIPs":            {"ip"},
	}
	for _, op := range operations() {
		for _, field := range required[op.name] {
			good := whole[op.name]
			body := strings.Replace(good.body, `"`+field+`":`, `"x":`, 1)
			t.Run(op.name+" "+field, func(t *testing.T) {
				assertFault(t, op.call(attempt(t), always(good.status, body), s), op.name, fault.Unavailable, false, 0)
			})
		}
	}
	_, err := always(202, "").SendMail(attempt(t), sendgrid.Mail{To: "a@b.example", From: "a@b.example", Subject: "s", Text: "t"})
	assertFault(t, err, "SendMail", fault.Unavailable, false, 0)
	created := always(201, whole["CreateSubuser"].body)
	if err := operations()[1].call(attempt(t), created, s); err != nil {
		t.Errorf("a subuser created with 201: %v", err)
	}
}

func TestRateLimitHeader(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"":                    0,
		"soon":                0,
		"-5":                  0,
		"1":                   0, // long ago
		"9223372036854775807": 24 * time.Hour,
		strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10): time.Hour,
	} {
		transport := headed{answers(func(*http.Request) (int, string) { return 429, "{}" }), header}
		_, err := sendgrid.New(config(transport)).FindSubusers(t.Context(), subuser)
		f, ok := err.(*fault.Error)
		if !ok || f.Code != fault.Throttled || !f.NothingHappened || (f.RetryAfter-want).Abs() > 10*time.Second {
			t.Errorf("header %q: %v, retry after %v; want about %v", header, err, f.RetryAfter, want)
		}
	}
}

type headed struct {
	answers
	reset string
}

func (h headed) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := h.answers.RoundTrip(r)
	answer.Header.Set("X-RateLimit-Reset", h.reset)
	return answer, err
}

func TestRefusals(t *testing.T) {
	for _, test := range []struct {
		status int
		body   string
		code   fault.Code
	}{
		{400, `{"errors":[{"message":"username exists","field":"username"}]}`, fault.Conflict},
		{400, `{"errors":[{"message":"unable to validate IPs at this time"},{"message":"Username exists"}]}`, fault.Conflict},
		{403, `{"errors":[{"message":"You have reached your subuser limit. vendor's words"}]}`, fault.QuotaExceeded},
		{403, `{"errors":[{"message":"User does not have permission to create subuser"}]}`, fault.Rejected},
		{400, `{"errors":[{"message":"vendor's words"}]}`, fault.Rejected},
		{400, `<html>vendor's words username exists`, fault.Rejected},
		{401, ``, fault.Rejected},
	} {
		_, err := always(test.status, test.body).CreateSubuser(attempt(t), newSubuser)
		assertFault(t, err, "CreateSubuser", test.code, true, 0)
	}
	// A 5xx proves nothing, whatever it says.
	_, err := always(500, `{"errors":[{"message":"username exists"}]}`).CreateSubuser(attempt(t), newSubuser)
	assertFault(t, err, "CreateSubuser", fault.Unavailable, false, 0)
}

func TestPages(t *testing.T) {
	var offsets []string
	client := sendgrid.New(config(answers(func(r *http.Request) (int, string) {
		offset := r.URL.Query().Get("offset")
		offsets = append(offsets, offset)
		if offset == "200" {
			return 200, `[{"id":1,"username":"gf-i1"},{"id":1,"username":"gf-i1"}]`
		}
		return 200, "[" + strings.Repeat(`{"id":2,"username":"gf-i10"},`, 99) + `{"id":2,"username":"gf-i10"}]`
	})))
	found := must[[]sendgrid.Subuser](t)(client.FindSubusers(t.Context(), subuser))
	if len(found) != 1 || found[0].ID != 1 || strings.Join(offsets, " ") != "0 100 200" {
		t.Errorf("found %v by offsets %v", found, offsets)
	}

	calls := 0
	endless := sendgrid.New(config(answers(func(*http.Request) (int, string) {
		calls++
		return 200, "[" + strings.Repeat(`{"id":2,"username":"a"},`, 99) + `{"id":2,"username":"a"}]`
	})))
	_, err := endless.FindSubusers(t.Context(), subuser)
	assertFault(t, err, "ListSubusers", fault.Unavailable, false, 0)
	if calls > 100 {
		t.Errorf("%d calls", calls)
	}
}

func TestCredentialNotToBeHad(t *testing.T) {
	c := config(answers(func(*http.Request) (int, string) { t.Error("a request was sent"); return 500, "" }))
	c.Credential = func(context.Context, string) (provider.Secret, error) { return provider.Secret{}, io.ErrUnexpectedEOF }
	_, err := sendgrid.New(c).CreateSubuser(attempt(t), newSubuser)
	assertFault(t, err, "CreateSubuser", fault.Unavailable, true, 0)
	c.Credential = func(context.Context, string) (provider.Secret, error) {
		return provider.Secret{}, fault.New(fault.Rejected, "no such credential")
	}
	_, err = sendgrid.New(c).CreateSubuser(attempt(t), newSubuser)
	assertFault(t, err, "CreateSubuser", fault.Rejected, true, 0)
}

// TestStrangersPageIsNotGone: a 404 that isn't SendGrid's own says nothing about what was to be removed. SendGrid's may be bare.
func TestStrangersPageIsNotGone(t *testing.T) {
	for page, gone := range map[string]bool{"": true, `{"errors":[{"message":"not found"}]}`: true, `{"error":"not found"}`: true,
		"<html>404 Not Found</html>": false, `{"message":"no route"}`: false, `{"errors":[`: false} {
		err := always(404, page).DeleteSubuser(attempt(t), subuser)
		if !gone {
			assertFault(t, err, "DeleteSubuser", fault.Unavailable, false, 0)
		} else if err != nil {
			t.Errorf("%s: %v", page, err)
		}
	}
}

// FuzzAnswers: whatever the vendor answers, each call gives what is whole or a fault.
func FuzzAnswers(f *testing.F) {
	for _, good := range whole {
		f.Add(good.status, good.body)
	}
	f.Add(400, `{"errors":[{"message":"username exists","field":null}]}`)
	f.Add(200, `null`)
	f.Add(401, `<html>`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 {
			t.Skip()
		}
		client, ctx := always(status, body), attempt(t)
		s := stage{key: sendgrid.Key{ID: "k1"}, domain: sendgrid.Domain{ID: 3}, webhook: sendgrid.Webhook{ID: "w1"}}
		for _, op := range operations() {
			if err := op.call(ctx, client, s); err != nil {
				if _, ok := err.(*fault.Error); !ok {
					t.Errorf("%s: %T is no fault", op.name, err)
				}
			}
		}
		if k, err := client.CreateKey(ctx, subuser, "send", []string{"mail.send"}); (err == nil) == (k.ID == "" || k.Secret.Empty()) {
			t.Errorf("key %v, error %v", k, err)
		}
		if d, err := client.AuthenticateDomain(ctx, subuser, host, "em"); (err == nil) == (d.ID == 0 || len(d.Records) < 3) {
			t.Errorf("domain %v, error %v", d, err)
		}
	})
}
