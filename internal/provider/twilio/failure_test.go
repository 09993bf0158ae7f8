package twilio_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/twilio"
)

// things are what operations work on, made before.
type things struct {
	account      twilio.Account
	key, service string
}

// nothing are things that aren't there.
var nothing = things{stranger, noKey, none}

// operations are all calls, by the name of their operation.
var operations = map[string]func(w *world, on things) error{
	"ListAccounts":     func(w *world, _ things) error { _, err := w.FindAccounts(w.ctx, "a"); return err },
	"CreateAccount":    func(w *world, _ things) error { _, err := w.CreateAccount(w.ctx, "b"); return err },
	"UpdateAccount":    func(w *world, on things) error { return w.CloseAccount(w.ctx, on.account.SID) },
	"FetchAccount":     func(w *world, on things) error { _, err := w.Account(w.ctx, on.account.SID); return err },
	"ListKeys":         func(w *world, on things) error { _, err := w.FindKeys(w.ctx, on.account.SID, "k"); return err },
	"CreateKey":        func(w *world, on things) error { _, err := w.CreateKey(w.ctx, on.account.SID, "j"); return err },
	"DeleteKey":        func(w *world, on things) error { return w.DeleteKey(w.ctx, on.account.SID, on.key) },
	"ListUsageRecords": func(w *world, on things) error { _, err := w.Usage(w.ctx, on.account.SID); return err },
	"ListServices":     func(w *world, on things) error { _, err := w.FindServices(w.ctx, on.account, "s"); return err },
	"CreateService":    func(w *world, on things) error { _, err := w.CreateService(w.ctx, on.account, "r", hooks); return err },
	"UpdateService": func(w *world, on things) error {
		return w.SetCallbacks(w.ctx, on.account, on.service, twilio.Callbacks{})
	},
	"DeleteService": func(w *world, on things) error { return w.DeleteService(w.ctx, on.account, on.service) },
}

// TestFaults: each way in which a call goes wrong, for each operation: its code, what it proves, and that it is sent once.
func TestFaults(t *testing.T) {
	tests := []struct {
		kind    string
		code    fault.Code
		nothing bool // proven
		status  int
		after   time.Duration // asked for by the vendor
		took    time.Duration // at most
		effect  bool          // on the vendor's side
	}{
		{"refused", fault.Unavailable, true, 0, 0, 0, false},
		{"429", fault.Throttled, true, 429, 0, 0, false},
		{"429-retry:7s", fault.Throttled, true, 429, 7 * time.Second, 0, false},
		{"403", fault.Rejected, true, 403, 0, 0, false},
		{"500-before", fault.Unavailable, false, 500, 0, 0, false},
		{"500-after", fault.Unavailable, false, 500, 0, time.Second, true},
		{"lost", fault.Unavailable, false, 0, 0, time.Second, true},
		{"hang", fault.Unavailable, false, 0, 0, 20 * time.Second, false},
		{"delayed:25s", fault.Unavailable, false, 0, 0, 20 * time.Second, true},
	}
	for operation, call := range operations {
		for _, test := range tests {
			t.Run(operation+"/"+test.kind, func(t *testing.T) {
				from := 1
				if strings.HasPrefix(operation, "Create") {
					from = 2
				}
				script := fmt.Sprintf("twilio.%s=%s@%d", operation, test.kind, from)
				virtual(t, script, func(t *testing.T, w *world) {
					a := w.account(t, "a")
					k := w.key(t, a.SID, "k")
					s := must[twilio.Service](t)(w.CreateService(w.ctx, a, "s", hooks))
					before, start := w.all(t), time.Now()
					w.calls = nil
					err := call(w, things{a, k.SID, s.SID})
					f, ok := err.(*fault.Error)
					if !ok || f.Code != test.code || f.NothingHappened != test.nothing || f.Status != test.status ||
						f.RetryAfter != test.after || f.Vendor != "twilio" || f.Operation != operation {
						t.Errorf("error %#v", err)
					}
					if took := time.Since(start); took > test.took {
						t.Errorf("took %v, want at most %v", took, test.took)
					}
					if len(w.calls) != 1 {
						t.Errorf("sent %d times", len(w.calls))
					}
					w.link.Drain()
					changes := !strings.HasPrefix(operation, "List") && operation != "FetchAccount"
					if changed := w.all(t) != before; changed != (test.effect && changes) {
						t.Errorf("changed: %v", changed)
					}
				})
			})
		}
	}
}

// all is everything that the vendor has, but for how often it was called.
func (w *world) all(t *testing.T) string {
	t.Helper()
	saved := must[[]byte](t)(w.sim.Save())
	return regexp.MustCompile(`"calls":\d+`).ReplaceAllString(string(saved), "")
}

// TestLostCreate: an account whose answer was lost is found with its token.
func TestLostCreate(t *testing.T) {
	virtual(t, "twilio.CreateAccount=lost", func(t *testing.T, w *world) {
		if _, err := w.CreateAccount(w.ctx, "a"); err == nil {
			t.Fatal("no error")
		}
		found := must[[]twilio.Account](t)(w.FindAccounts(w.read, "a"))
		if len(found) != 1 || found[0].Token.Empty() {
			t.Errorf("found %+v", found)
		}
	})
}

func TestTooLate(t *testing.T) {
	virtual(t, "", func(t *testing.T, w *world) {
		ctx, cancel := clock.System().WithTimeout(w.ctx, 19*time.Second)
		defer cancel()
		_, err := w.CreateAccount(ctx, "a")
		if !fault.Is(err, fault.NotReady) || !fault.NothingHappened(err) || len(w.calls) != 0 {
			t.Errorf("sent %d, %v", len(w.calls), err)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// canned answers every request alike and counts them.
type canned struct {
	status int
	body   io.Reader
	header http.Header
	sent   int
}

func (c *canned) RoundTrip(req *http.Request) (*http.Response, error) {
	c.sent++
	header := c.header
	if header == nil {
		header = http.Header{"Content-Type": {"application/json"}}
	}
	return &http.Response{StatusCode: c.status, Header: header, Body: io.NopCloser(c.body), Request: req}, nil
}

// breaking gives text and then breaks off.
func breaking(text string) io.Reader {
	return io.MultiReader(strings.NewReader(text), errReader{})
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// TestUnusableAnswers: what a proxy or a broken vendor may say. A success that doesn't say what it must proves nothing.
func TestUnusableAnswers(t *testing.T) {
	const free = "Free text from the vendor"
	html := "<html><body>" + free + "</body></html>"
	tests := map[string]struct {
		status int
		body   io.Reader
		code   fault.Code
		proven bool
	}{
		"HTML success":          {200, strings.NewReader(html), fault.Unavailable, false},
		"HTML error":            {502, strings.NewReader(html), fault.Unavailable, false},
		"HTML refusal":          {403, strings.NewReader(html), fault.Rejected, true},
		"a proxy's 404":         {404, strings.NewReader(html), fault.Rejected, true},
		"empty":                 {200, strings.NewReader(""), fault.Unavailable, false},
		"null":                  {200, strings.NewReader("null"), fault.Unavailable, false},
		"nothing in it":         {200, strings.NewReader("{}"), fault.Unavailable, false},
		"truncated":             {201, breaking(`{"sid":"AC`), fault.Unavailable, false},
		"truncated error":       {400, breaking(`{"code":2`), fault.Rejected, true},
		"cut JSON":              {200, strings.NewReader(`{"accounts":[{"sid":"AC`), fault.Unavailable, false},
		"wrong types":           {200, strings.NewReader(`{"sid":1,"accounts":{},"keys":"x","services":1,"usage_records":"x"}`), fault.Unavailable, false},
		"empty entries":         {200, strings.NewReader(`{"accounts":[{}],"keys":[{}],"services":[{}],"usage_records":[{}]}`), fault.Unavailable, false},
		"no list":               {200, strings.NewReader(`{"accounts":null,"keys":null,"services":null,"usage_records":null}`), fault.Unavailable, false},
		"10 MB":                 {200, strings.NewReader(`{"accounts":[],"keys":[],"services":[],"usage_records":[],"x":"` + strings.Repeat("x", 10<<20) + `"}`), fault.Unavailable, false},
		"redirect":              {302, strings.NewReader(""), fault.Unavailable, false},
		"multiple choices":      {300, strings.NewReader(`{"accounts":[],"keys":[],"services":[],"usage_records":[]}`), fault.Unavailable, false},
		"error without numbers": {400, strings.NewReader(`{"code":"x","message":"` + free + `"}`), fault.Rejected, true},
		"error with text":       {400, strings.NewReader(`{"code":20001,"message":"` + free + `","more_info":"` + token + `"}`), fault.Rejected, true},
		"unavailable":           {503, strings.NewReader(`{"code":20503,"message":"` + free + `"}`), fault.Unavailable, false},
		"endless list":          {200, &endless{}, fault.Unavailable, false},
		"list leads nowhere":    {200, strings.NewReader(`{"accounts":[],"keys":[],"next_page_uri":":%","services":[],"usage_records":[],"meta":{"next_page_url":":%"}}`), fault.Unavailable, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for operation, call := range operations {
				if strings.HasPrefix(operation, "Delete") && test.status/100 == 2 {
					continue // has no body to read
				}
				again := test.body
				if r, ok := again.(io.Seeker); ok {
					_, _ = r.Seek(0, io.SeekStart)
				}
				if strings.HasPrefix(name, "truncated") {
					again = breaking(`{"code":2`)
				}
				vendor := &canned{status: test.status, body: again}
				if test.status == 302 {
					vendor.header = http.Header{"Location": {"https://elsewhere.example/"}}
				}
				w := &world{Client: twilio.New(config(clock.System(), vendor)), ctx: provider.WithAttempt(t.Context())}
				err := call(w, nothing)
				f, ok := err.(*fault.Error)
				if !ok || f.Code != test.code || f.NothingHappened != test.proven {
					t.Errorf("%s: %#v", operation, err)
					continue
				}
				if text := err.Error(); strings.Contains(text, free) || strings.Contains(text, token) {
					t.Errorf("%s: the error shows the vendor's text: %s", operation, text)
				}
				if vendor.sent != 1 && name != "endless list" {
					t.Errorf("%s: sent %d times", operation, vendor.sent)
				}
			}
		})
	}
}

// endless is a page of a list that always leads on, as often as it is read.
type endless struct{ at int }

func (e *endless) Read(p []byte) (int, error) {
	const page = `{"accounts":[],"keys":[],"next_page_uri":"/x?Page=1","services":[],"usage_records":[],"meta":{"next_page_url":"https://x.example/x?Page=1"}}`
	if e.at == len(page) {
		e.at = 0
		return 0, io.EOF
	}
	n := copy(p, page[e.at:])
	e.at += n
	return n, nil
}

// TestRetryAfter reads a header that Twilio doesn't promise but a gateway may send.
func TestRetryAfter(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"": 0, "3": 3 * time.Second, "-1": 0, "soon": 0, "99999999999": time.Hour, "86400": time.Hour,
		"Wed, 21 Oct 2026 07:28:00 GMT": 0,
	} {
		vendor := &canned{status: 429, body: strings.NewReader(`{"code":20429}`), header: http.Header{"Retry-After": {text}}}
		_, err := twilio.New(config(clock.System(), vendor)).FindAccounts(t.Context(), "a")
		f, ok := err.(*fault.Error)
		if !ok || f.RetryAfter != want || f.VendorCode != "20429" || f.Code != fault.Throttled {
			t.Errorf("%q: %#v, want %v", text, err, want)
		}
	}
}

// TestPages: all of them are read, each with the filter, from the path that was asked, whatever host a link may name.
func TestPages(t *testing.T) {
	var asked []string
	vendor := roundTrip(func(req *http.Request) (*http.Response, error) {
		asked = append(asked, req.URL.String())
		key := func(c string) map[string]any {
			return map[string]any{"sid": "SK" + strings.Repeat(c, 32), "friendly_name": "k"}
		}
		page := map[string]any{"keys": []any{key("1")}, "next_page_uri": "/2010-04-01/Accounts/x/Keys.json?PageSize=1000&Page=1&PageToken=PASK.7"}
		if req.URL.Query().Get("Page") == "1" {
			page = map[string]any{"keys": []any{key("2")}, "next_page_uri": nil}
		}
		b, err := json.Marshal(page)
		if err != nil {
			return nil, err
		}
		return (&canned{status: 200, body: strings.NewReader(string(b))}).RoundTrip(req)
	})
	got, err := twilio.New(config(clock.System(), vendor)).FindKeys(t.Context(), nobody, "k")
	if err != nil || len(got) != 2 {
		t.Errorf("found %+v, %v", got, err)
	}
	base := "https://api.twilio.com/2010-04-01/Accounts/" + nobody + "/Keys.json?"
	want := base + "PageSize=1000 " + base + "Page=1&PageSize=1000&PageToken=PASK.7"
	if strings.Join(asked, " ") != want {
		t.Errorf("asked %q, want %q", asked, want)
	}
}

// TestCancelled: the SDK knows no context; the caller's holds all the same.
func TestCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := open(t, "twilio.ListAccounts=hang")
		ctx, cancel := clock.System().WithTimeout(w.read, 3*time.Second)
		defer cancel()
		start := time.Now()
		if _, err := w.FindAccounts(ctx, "a"); !fault.Is(err, fault.Unavailable) {
			t.Errorf("error %v", err)
		}
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestSecretsDontPrint(t *testing.T) {
	virtual(t, "", func(t *testing.T, w *world) {
		a := w.account(t, "a")
		k := w.key(t, a.SID, "k")
		text, err := json.Marshal([]any{a, k})
		if err != nil {
			t.Fatal(err)
		}
		printed := fmt.Sprintf("%v %+v %#v %s %v %+v %#v", a, a, a, text, k, k, k)
		for _, secret := range []string{a.Token.Reveal(), k.Secret.Reveal()} {
			if secret == "" || strings.Contains(printed, secret) {
				t.Errorf("a secret shows in %s", printed)
			}
		}
	})
}

// FuzzAnswers: whatever the vendor says, a call ends with a fault or with something complete.
func FuzzAnswers(f *testing.F) {
	f.Add(200, `{"sid":"`+nobody+`","owner_account_sid":"`+parent+`","status":"active","friendly_name":"a","auth_token":"x"}`)
	f.Add(201, `{"sid":"`+noKey+`","friendly_name":"k","secret":"x"}`)
	f.Add(200, `{"accounts":[{"sid":null}],"keys":[{"sid":"SK"}],"next_page_uri":"?"}`)
	f.Add(201, `{"sid":"`+none+`","account_sid":"`+nobody+`","friendly_name":"s"}`)
	f.Add(200, `{"services":[{"sid":null}],"meta":{"next_page_url":"?"}}`)
	f.Add(404, `{"code":20404,"message":"x","status":404}`)
	f.Add(400, `{"code":21479}`)
	f.Add(302, ``)
	f.Add(429, `[]`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		client := func() *world {
			vendor := roundTrip(func(req *http.Request) (*http.Response, error) {
				return (&canned{status: status, body: strings.NewReader(body)}).RoundTrip(req)
			})
			return &world{Client: twilio.New(config(clock.System(), vendor)), ctx: provider.WithAttempt(t.Context())}
		}
		for operation, call := range operations {
			if err := call(client(), nothing); err != nil {
				if f, ok := err.(*fault.Error); !ok || f.Vendor != "twilio" || f.Operation != operation {
					t.Errorf("%s: %#v", operation, err)
				}
			} else if status/100 != 2 && status != 404 && status != 400 && !strings.Contains(body, "21479") {
				t.Errorf("%s: HTTP %d was taken for a success", operation, status)
			}
		}
		if a, err := client().CreateAccount(provider.WithAttempt(t.Context()), "a"); err == nil &&
			(len(a.SID) != 34 || a.Token.Empty() || a.Owner != parent) {
			t.Errorf("incomplete account %+v", a)
		}
		if k, err := client().CreateKey(provider.WithAttempt(t.Context()), nobody, "k"); err == nil &&
			(len(k.SID) != 34 || k.Secret.Empty()) {
			t.Errorf("incomplete key %+v", k)
		}
		if s, err := client().CreateService(provider.WithAttempt(t.Context()), stranger, "s", hooks); err == nil && len(s.SID) != 34 {
			t.Errorf("incomplete service %+v", s)
		}
	})
}
