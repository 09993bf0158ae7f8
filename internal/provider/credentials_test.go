package provider_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
)

// safe is where credentials are read from.
type safe struct {
	value string
	fails error
	reads int
}

func (s *safe) read(context.Context, string) (provider.Secret, error) {
	s.reads++
	return provider.NewSecret(s.value), s.fails
}

func inBubble(t *testing.T, test func(t *testing.T, s *safe, c *provider.Credentials)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &safe{value: "one"}
		test(t, s, provider.NewCredentials(clock.System(), s.read))
	})
}

func TestCredentialsByAge(t *testing.T) {
	inBubble(t, func(t *testing.T, s *safe, c *provider.Credentials) {
		is := func(want string, reads int) {
			t.Helper()
			got, err := c.Get(t.Context(), "token")
			if err != nil || got.Reveal() != want || s.reads != reads {
				t.Errorf("%q after %d reads, %v; want %q after %d", got.Reveal(), s.reads, err, want, reads)
			}
		}
		is("one", 1)
		s.value = "two"
		time.Sleep(provider.Freshness - time.Second)
		is("one", 1)
		time.Sleep(time.Second)
		is("two", 2)
		s.fails = fault.New(fault.Unavailable, "no answer")
		time.Sleep(provider.Freshness)
		is("two", 3)
		is("two", 3) // who doesn't answer isn't asked at every call
		time.Sleep(31 * time.Second)
		is("two", 4)
		time.Sleep(time.Hour - provider.Freshness - 32*time.Second)
		is("two", 5)
		time.Sleep(time.Second)
		if _, err := c.Get(t.Context(), "token"); !fault.Is(err, fault.Unavailable) {
			t.Errorf("used over an hour after it was read: %v", err)
		}
		s.fails, s.value = nil, "three"
		is("three", 7)
		s.fails = fault.New(fault.Internal, "taken away")
		time.Sleep(provider.Freshness)
		if _, err := c.Get(t.Context(), "token"); !fault.Is(err, fault.Internal) {
			t.Errorf("used though it was taken away: %v", err)
		}
		s.fails, s.value = nil, ""
		if _, err := c.Get(t.Context(), "token"); !fault.Is(err, fault.Internal) || !strings.Contains(err.Error(), "token is empty") {
			t.Errorf("an empty one: %v", err)
		}
	})
}

func TestRereadByStrangers(t *testing.T) {
	inBubble(t, func(t *testing.T, s *safe, c *provider.Credentials) {
		if _, changed := c.Reread(t.Context(), "token", provider.NewSecret("x")); changed || s.reads != 0 {
			t.Error("one that nobody has got was read")
		}
		used, err := c.Get(t.Context(), "token")
		if err != nil {
			t.Fatal(err)
		}
		for range 100 {
			if _, changed := c.Reread(t.Context(), "token", used); changed {
				t.Error("it has not changed")
			}
		}
		if s.reads != 2 {
			t.Errorf("strangers brought %d reads about", s.reads-1)
		}
		s.value = "two"
		time.Sleep(30 * time.Second)
		for range 3 { // whoever still has the old one is told without a read
			if got, changed := c.Reread(t.Context(), "token", used); !changed || got.Reveal() != "two" {
				t.Errorf("%q, %t", got.Reveal(), changed)
			}
		}
		if s.reads != 3 {
			t.Errorf("%d reads", s.reads)
		}
	})
	if got, changed := (provider.Config{}).Reread(t.Context(), "token", provider.NewSecret("x")); changed || got.Reveal() != "x" {
		t.Error("a Config that can't read again")
	}
}

// TestRefusedCredential: a refusal is transient exactly if it was of one of Fleet's own credentials: one that has changed since, of
// which nobody knows, or that isn't accepted.
func TestRefusedCredential(t *testing.T) {
	const own, key = "https://api.supabase.test/v1/projects", "https://ref.supabase.test/auth/v1/admin/users"
	unread := fault.New(fault.Unavailable, "no answer")
	for name, test := range map[string]struct {
		url, header string
		status      int
		now         string // the credential by now
		fails       error
		passes      bool // the answer is passed on
		reads       int  // after the first
	}{
		"the same":            {own, "Bearer one", 401, "one", nil, false, 1},
		"the same, 403":       {own, "Bearer one", 403, "one", nil, true, 1},
		"changed":             {own, "Bearer one", 401, "two", nil, false, 1},
		"changed, 403":        {own, "Bearer one", 403, "two", nil, false, 1},
		"changed, basic":      {own, "Basic QUMxOm9uZQ==", 401, "two", nil, false, 1}, // AC1:one
		"basic, another's":    {own, "Basic QUMxOnR3bw==", 401, "two", nil, true, 0},
		"basic, broken":       {own, "Basic one", 401, "two", nil, true, 0},
		"nobody knows":        {own, "Bearer one", 401, "one", unread, false, 1},
		"gone":                {own, "Bearer one", 401, "one", fault.New(fault.Internal, "gone"), false, 1},
		"an instance's key":   {key, "Bearer sb_secret", 401, "two", nil, true, 0},
		"no credential":       {own, "", 401, "two", nil, true, 0},
		"nobody's place":      {"https://elsewhere.test/", "Bearer one", 401, "two", nil, true, 0},
		"refused for reasons": {own, "Bearer one", 404, "two", nil, true, 0},
		"a success":           {own, "Bearer one", 200, "two", nil, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *safe, c *provider.Credentials) {
				if _, err := c.Get(t.Context(), provider.SupabaseToken); err != nil {
					t.Fatal(err)
				}
				s.value, s.fails = test.now, test.fails
				body := &closable{Reader: strings.NewReader("{}")}
				transport := c.Watch(provider.Endpoints{Supabase: "https://api.supabase.test", SupabaseProject: "https://{ref}.supabase.test"},
					answering(func(*http.Request) (*http.Response, error) {
						return &http.Response{StatusCode: test.status, Body: body}, nil
					}))
				q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, test.url, nil)
				if err != nil {
					t.Fatal(err)
				}
				q.Header.Set("Authorization", test.header)
				answer, err := transport.RoundTrip(q)
				if (err == nil) != test.passes || s.reads != 1+test.reads || body.closed == test.passes {
					t.Fatalf("%v, %d reads, body closed: %t", err, s.reads-1, body.closed)
				}
				if test.passes {
					if answer.StatusCode != test.status {
						t.Errorf("answered %d", answer.StatusCode)
					}
					return
				}
				f, _ := provider.Failed("supabase", "ListProjects", err).(*fault.Error)
				if f.Code != fault.Unavailable || !f.NothingHappened || !strings.Contains(f.Text, "credential") || strings.Contains(f.Error(), "two") {
					t.Errorf("%+v", f)
				}
			})
		})
	}
}

// TestCredentialNotAccepted: what tells that Fleet's own account isn't accepted, and not that a permission lacks or another account's
// trouble.
func TestCredentialNotAccepted(t *testing.T) {
	places := provider.Endpoints{Vercel: "https://vercel.test", Cloudflare: "https://cloudflare.test/client/v4", Twilio: "https://twilio.test",
		SendGrid: "https://sendgrid.test"}
	const parent = "Basic QUMxOm9uZQ==" // AC1:one
	for name, test := range map[string]struct {
		url, header, behalf string
		status              int
		body                string
		own                 string // what is asked of Fleet's own account, and how it is answered
		accepted            int
		refused             bool
	}{
		"Vercel's token":                 {"https://vercel.test/v9/projects", "Bearer one", "", 403, `{"error":{"code":"forbidden","invalidToken":true}}`, "", 0, true},
		"Vercel's permission":            {"https://vercel.test/v9/projects", "Bearer one", "", 403, `{"error":{"code":"forbidden"}}`, "", 0, false},
		"Cloudflare's token":             {"https://cloudflare.test/client/v4/zones/1", "Bearer one", "", 403, `{"errors":[{"code":9109}]}`, "", 0, true},
		"Cloudflare's permission":        {"https://cloudflare.test/client/v4/zones/1", "Bearer one", "", 403, `{"errors":[{"code":10000}]}`, "", 0, false},
		"a 403 that isn't read":          {"https://cloudflare.test/client/v4/zones/1", "Bearer one", "", 403, `<html>`, "", 0, false},
		"an account's token, verified":   {"https://cloudflare.test/client/v4/user/tokens/verify", "Bearer one", "", 401, `{"errors":[{"code":1000}]}`, "", 0, false},
		"Twilio's list":                  {"https://twilio.test/2010-04-01/Accounts.json", parent, "", 401, `{"code":20003}`, "", 0, true},
		"Twilio's parent":                {"https://twilio.test/2010-04-01/Accounts/AC1.json", parent, "", 401, `{"code":20003}`, "", 0, true},
		"a subaccount":                   {"https://twilio.test/2010-04-01/Accounts/AC2/Keys.json", parent, "", 401, `{"code":20003}`, "/2010-04-01/Accounts/AC1.json", 200, false},
		"a subaccount, and all":          {"https://twilio.test/2010-04-01/Accounts/AC2.json", parent, "", 401, `{"code":20003}`, "/2010-04-01/Accounts/AC1.json", 401, true},
		"SendGrid's key":                 {"https://sendgrid.test/v3/mail/send", "Bearer one", "", 401, `{}`, "", 0, true},
		"a subuser":                      {"https://sendgrid.test/v3/api_keys?limit=1", "Bearer one", "gimbal-1", 401, `{}`, "/v3/scopes", 403, false},
		"a subuser, and all":             {"https://sendgrid.test/v3/api_keys", "Bearer one", "gimbal-1", 401, `{}`, "/v3/scopes", 401, true},
		"a subuser, and nobody tells":    {"https://sendgrid.test/v3/api_keys", "Bearer one", "gimbal-1", 401, `{}`, "/v3/scopes", 0, false},
		"a subuser may not do something": {"https://sendgrid.test/v3/api_keys", "Bearer one", "gimbal-1", 403, `{}`, "", 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, _ *safe, c *provider.Credentials) {
				for _, credential := range []string{provider.VercelToken, provider.CloudflareToken, provider.TwilioToken, provider.SendGridKey} {
					if _, err := c.Get(t.Context(), credential); err != nil {
						t.Fatal(err)
					}
				}
				asked := ""
				transport := c.Watch(places, answering(func(q *http.Request) (*http.Response, error) {
					if q.Method == http.MethodPost {
						return &http.Response{StatusCode: test.status, Body: io.NopCloser(strings.NewReader(test.body))}, nil
					}
					if asked = q.URL.RequestURI(); q.Header.Get("On-Behalf-Of") != "" || q.Header.Get("Authorization") != test.header {
						t.Errorf("asked with %v", q.Header)
					}
					if test.accepted == 0 {
						return nil, io.ErrUnexpectedEOF
					}
					return &http.Response{StatusCode: test.accepted, Body: io.NopCloser(strings.NewReader("{}"))}, nil
				}))
				q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, test.url, strings.NewReader("{}"))
				if err != nil {
					t.Fatal(err)
				}
				q.Header.Set("Authorization", test.header)
				if test.behalf != "" {
					q.Header.Set("On-Behalf-Of", test.behalf)
				}
				answer, err := transport.RoundTrip(q)
				if errors.Is(err, provider.ErrCredentialRefused) != test.refused || asked != test.own {
					t.Fatalf("%v; %q was asked", err, asked)
				}
				if test.refused {
					if f := provider.Failed("v", "Op", err); !fault.Is(f, fault.Unavailable) || !fault.NothingHappened(f) {
						t.Errorf("%+v", f)
					}
					return
				}
				if body, err := io.ReadAll(answer.Body); err != nil || string(body) != test.body {
					t.Errorf("the client reads %q, %v", body, err)
				}
			})
		})
	}
}

// TestRefusedAfterItWasReplaced: a call that was under way with the old value while another call found the new one.
func TestRefusedAfterItWasReplaced(t *testing.T) {
	inBubble(t, func(t *testing.T, s *safe, c *provider.Credentials) {
		_, _ = c.Get(t.Context(), provider.SupabaseToken)
		s.value = "two"
		time.Sleep(provider.Freshness)
		_, _ = c.Get(t.Context(), provider.SupabaseToken)
		transport := c.Watch(provider.Endpoints{Supabase: "https://api.supabase.test"}, answering(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 401, Body: &closable{Reader: strings.NewReader("")}}, nil
		}))
		q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.supabase.test/", nil)
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Authorization", "Bearer one")
		if _, err := transport.RoundTrip(q); err == nil || s.reads != 2 {
			t.Errorf("%v after %d reads", err, s.reads)
		}
	})
}

type answering func(*http.Request) (*http.Response, error)

func (a answering) RoundTrip(q *http.Request) (*http.Response, error) { return a(q) }

type closable struct {
	io.Reader
	closed bool
}

func (c *closable) Close() error {
	c.closed = true
	return nil
}
