package supabase_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/supabase"
	simulator "github.com/project-gimbal/fleet/internal/sim/supabase"
)

func TestAuthSettings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Settings{})
		p, _ := w.ready(t, "one")
		closed := true
		want := supabase.AuthSettings{
			SiteURL: "https://one.gimbal.test", RedirectURLs: []string{"https://one.gimbal.test/**", "https://two.gimbal.test"},
			DisableSignup: &closed, PasswordMinLength: 12,
			SMTP: &supabase.SMTP{
				Host: "smtp.example.com", Port: 587, User: "apikey", Password: provider.NewSecret("mail-secret"),
				SenderName: "One", SenderMail: "no-reply@one.gimbal.test",
			},
		}
		for range 2 {
			if err := w.UpdateAuth(attempt(t), p.Ref, want); err != nil {
				t.Fatal(err)
			}
		}
		got, err := w.AuthConfig(t.Context(), p.Ref)
		if err != nil {
			t.Fatal(err)
		}
		smtp := *want.SMTP
		smtp.Password = provider.Secret{}
		if got.SiteURL != want.SiteURL || !slices.Equal(got.RedirectURLs, want.RedirectURLs) ||
			got.DisableSignup == nil || !*got.DisableSignup || got.PasswordMinLength != 12 || got.SMTP == nil || *got.SMTP != smtp {
			t.Errorf("settings: %+v, %+v", got, got.SMTP)
		}

		// What isn't named stays; an empty list clears.
		if err := w.UpdateAuth(attempt(t), p.Ref, supabase.AuthSettings{RedirectURLs: []string{}}); err != nil {
			t.Fatal(err)
		}
		got, err = w.AuthConfig(t.Context(), p.Ref)
		if err != nil || got.SiteURL != want.SiteURL || got.PasswordMinLength != 12 || got.RedirectURLs != nil {
			t.Errorf("after a partial change: %+v, %v", got, err)
		}
	})
}

func TestAuthSettingsRefuseCommas(t *testing.T) {
	s := &stub{status: 200, body: `{}`}
	for _, settings := range []supabase.AuthSettings{
		{SiteURL: "https://a,b"},
		{RedirectURLs: []string{"https://a", "https://b,https://evil.example"}},
		{RedirectURLs: []string{"https://a,https://evil.example"}},
	} {
		err := stubbed(s).UpdateAuth(attempt(t), strings.Repeat("a", 20), settings)
		if !fault.Is(err, fault.Internal) || !fault.NothingHappened(err) {
			t.Errorf("%v: %v", settings, err)
		}
	}
	if len(s.sent) != 0 {
		t.Errorf("%d requests were sent", len(s.sent))
	}
}

// echo answers a change with what it sets, edited.
type echo func(set map[string]any)

func (edit echo) RoundTrip(r *http.Request) (*http.Response, error) {
	set := map[string]any{}
	if err := json.NewDecoder(r.Body).Decode(&set); err != nil {
		return nil, err
	}
	edit(set)
	body, err := json.Marshal(set)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(bytes.NewReader(body)), Request: r}, err
}

func TestTheAnswerShowsEverySetting(t *testing.T) {
	no := false
	all := supabase.AuthSettings{SiteURL: "https://one.gimbal.test", RedirectURLs: []string{"https://one.gimbal.test/**"},
		DisableSignup: &no, AnonymousUsers: &no, PhoneLogin: &no, EmailLogin: &no, Autoconfirm: &no, SecureEmailChange: &no,
		PasswordMinLength: 12, TokenExpiry: 3600, RotateRefreshTokens: &no, LinkExpiry: 3600,
		SMTP:  &supabase.SMTP{Host: "h", Port: 587, User: "u", Password: provider.NewSecret("p"), SenderName: "n", SenderMail: "m"},
		Rates: supabase.Rates{Emails: 1, EmailFrequency: 2, OneTimeCodes: 3, Verifications: 4, TokenRefreshes: 5}}
	update := func(edit echo) error { return stubbed(edit).UpdateAuth(attempt(t), strings.Repeat("a", 20), all) }
	var names []string
	if err := update(func(set map[string]any) { names = slices.Sorted(maps.Keys(set)) }); err != nil || len(names) != 23 {
		t.Fatalf("%d settings: %v", len(names), err)
	}
	for _, name := range names {
		shown := name != "smtp_pass"
		for how, err := range map[string]error{
			"missing": update(func(set map[string]any) { delete(set, name) }),
			"null":    update(func(set map[string]any) { set[name] = nil }),
			"another": update(func(set map[string]any) {
				switch v := set[name].(type) {
				case string:
					set[name] = v + "x"
				case bool:
					set[name] = !v
				case float64:
					set[name] = v + 1
				}
			}),
		} {
			if shown != fault.Is(err, fault.Unavailable) || shown == (err == nil) {
				t.Errorf("%s %s in the answer: %v", name, how, err)
			}
		}
	}
}

func TestUsers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Settings{})
		p, keys := w.ready(t, "one")
		if _, found, err := w.User(t.Context(), p.Ref, keys.Service, adminID); found || err != nil {
			t.Fatalf("before: %v, %v", found, err)
		}
		in := supabase.NewUser{
			ID: strings.ToUpper(adminID), Email: "Ada@Example.com",
			UserMetadata: map[string]any{"name": "Ada"}, AppMetadata: map[string]any{"role": "admin"},
		}
		u, err := w.CreateUser(attempt(t), p.Ref, keys.Service, in)
		if err != nil || u != (supabase.User{ID: adminID, Email: adminMail}) {
			t.Fatalf("created %#v, %v", u, err)
		}
		got, found, err := w.User(t.Context(), p.Ref, keys.Service, adminID)
		if err != nil || !found || got != u {
			t.Errorf("found %v: %#v, %v", found, got, err)
		}
		_, err = w.CreateUser(attempt(t), p.Ref, keys.Service, in)
		if f := faultOf(t, err); f.Code != fault.Conflict || f.VendorCode != "email_exists" || f.Status != 422 || !f.NothingHappened {
			t.Errorf("the same again: %v", err)
		}
		if _, _, err := w.User(t.Context(), p.Ref, keys.Anonymous, adminID); faultOf(t, err).VendorCode != "not_admin" {
			t.Errorf("with the anonymous key: %v", err)
		}
		_, err = w.CreateUser(attempt(t), p.Ref, keys.Service, supabase.NewUser{ID: "1", Email: "x@example.com"})
		if !fault.Is(err, fault.Internal) {
			t.Errorf("an id that is no UUID: %v", err)
		}
		_, err = w.CreateUser(attempt(t), p.Ref, keys.Service, supabase.NewUser{ID: strings.Replace(adminID, "6", "7", 1), Email: "nobody"})
		if f := faultOf(t, err); f.Code != fault.Rejected || f.VendorCode != "validation_failed" {
			t.Errorf("an address that is none: %v", err)
		}
		if text := fmt.Sprintf("%v %+v %#v %s %v %#v", in, in, in, u, u, u); strings.Contains(strings.ToLower(text), "ada") {
			t.Errorf("personal data is printed: %s", text)
		}
	})
}

func TestLinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Settings{})
		p, keys := w.ready(t, "one")
		home := "https://one.gimbal.test/welcome"
		link := func(kind, email, to string) (provider.Secret, error) {
			return w.GenerateLink(attempt(t), p.Ref, keys.Service, kind, email, to)
		}
		if _, err := w.CreateUser(attempt(t), p.Ref, keys.Service, supabase.NewUser{ID: adminID, Email: adminMail}); err != nil {
			t.Fatal(err)
		}
		if _, err := link("invite", adminMail, home); !fault.Is(err, fault.NotReady) {
			t.Errorf("before the site's URL is set: %v", err)
		}
		if err := w.UpdateAuth(attempt(t), p.Ref, supabase.AuthSettings{SiteURL: "https://one.gimbal.test"}); err != nil {
			t.Fatal(err)
		}
		invite, err := link("invite", adminMail, home)
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(invite.Reveal())
		if err != nil || u.Host != p.Ref+".supabase.test" || u.Path != "/auth/v1/verify" || u.Query().Get("redirect_to") != home ||
			u.Query().Get("type") != "invite" || u.Query().Get("token") == "" {
			t.Errorf("link %v, %v", u, err)
		}
		if again, err := link("invite", adminMail, home); err != nil || again == invite {
			t.Errorf("a second invitation has the first one's token: %v", err)
		}
		if recovery, err := link("recovery", adminMail, home); err != nil || recovery.Empty() {
			t.Errorf("recovery: %v", err)
		}

		if _, err := link("recovery", "nobody@example.com", home); faultOf(t, err).VendorCode != "user_not_found" {
			t.Errorf("recovery of nobody: %v", err)
		}
		if _, err := link("magic", adminMail, home); !fault.Is(err, fault.Internal) {
			t.Errorf("an unknown kind: %v", err)
		}
		other := supabase.NewUser{ID: strings.Replace(adminID, "6", "7", 1), Email: "bob@example.com", Confirmed: true}
		if u, err := w.CreateUser(attempt(t), p.Ref, keys.Service, other); err != nil || !u.Confirmed {
			t.Fatalf("confirmed: %#v, %v", u, err)
		}
		if _, err := link("invite", "bob@example.com", home); !fault.Is(err, fault.Conflict) {
			t.Errorf("inviting a confirmed user: %v", err)
		}
	})
}

func TestProjectHealthAsksTheServices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Settings{})
		p, keys := w.ready(t, "one")
		if err := w.AuthHealth(t.Context(), p.Ref, keys.Anonymous); err != nil {
			t.Error(err)
		}
		if err := w.RestHealth(t.Context(), p.Ref, keys.Anonymous); err != nil {
			t.Error(err)
		}
		err := w.RestHealth(t.Context(), p.Ref, provider.NewSecret("another project's key"))
		if f := faultOf(t, err); f.Code != fault.Rejected || f.Status != 401 {
			t.Errorf("with a wrong key: %v", err)
		}
		w.sim.Force(p.Ref, "INACTIVE")
		if err := w.AuthHealth(t.Context(), p.Ref, keys.Anonymous); !fault.Is(err, fault.Unavailable) {
			t.Errorf("paused: %v", err)
		}
		if err := w.RestHealth(t.Context(), strings.Repeat("z", 20), keys.Anonymous); !fault.Is(err, fault.Unavailable) {
			t.Errorf("no such project: %v", err)
		}
	})
}

func TestNewKeysAreNotBearerTokens(t *testing.T) {
	for key, bearer := range map[string]string{"eyJh.eyJp.sig": "Bearer eyJh.eyJp.sig", "sb_publishable_x": "", "sb_secret_x": ""} {
		s := &stub{status: 200}
		if err := stubbed(s).RestHealth(t.Context(), strings.Repeat("a", 20), provider.NewSecret(key)); err != nil {
			t.Fatal(err)
		}
		h := s.sent[0].Header
		if h.Get("apikey") != key || h.Get("Authorization") != bearer {
			t.Errorf("%s: apikey %q, Authorization %q", key, h.Get("apikey"), h.Get("Authorization"))
		}
	}
}

func TestKeysAreTakenByTypeAndName(t *testing.T) {
	const other, anon, service = `{"type":"secret","name":"anon","api_key":"wrong"}`,
		`{"type":"legacy","name":"anon","api_key":"eyJa"}`, `{"type":"legacy","name":"service_role","api_key":"eyJs"}`
	for body, ready := range map[string]bool{
		"[" + other + "," + service + "," + anon + "]": true,
		"[" + anon + "]":                    false,
		"[" + other + "," + service + "]":   false,
		`[{"name":"anon"},` + service + "]": false,
		"[" + anon + `,{"type":"legacy","name":"service_role","api_key":null}]`: false,
		"[]": false,
	} {
		got, err := stubbed(&stub{status: 200, body: body}).APIKeys(t.Context(), strings.Repeat("a", 20))
		switch {
		case ready && (err != nil || got.Anonymous.Reveal() != "eyJa" || got.Service.Reveal() != "eyJs"):
			t.Errorf("%s: %v, %v", body, got.Anonymous.Reveal(), err)
		case !ready && !fault.Is(err, fault.NotReady):
			t.Errorf("%s: %v, want NotReady", body, err)
		}
	}
}
