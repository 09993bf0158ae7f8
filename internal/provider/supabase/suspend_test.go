package supabase_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/supabase"
	"github.com/project-gimbal/fleet/internal/sim"
	simulator "github.com/project-gimbal/fleet/internal/sim/supabase"
)

// ask calls a project's own endpoint with a key, as its users do, and gives the status and the error's code or message.
func (w *world) ask(t *testing.T, ref, key, method, path, body string) (int, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "https://"+ref+".supabase.test"+path, strings.NewReader(body))
	r.Header.Set("apikey", key)
	r.Header.Set("Authorization", "Bearer "+key)
	out := httptest.NewRecorder()
	w.sim.ServeHTTP(out, r)
	var said struct {
		Code    string `json:"error_code"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(out.Body.Bytes(), &said); err != nil && out.Body.Len() > 0 && out.Body.Bytes()[0] == '{' {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return out.Code, said.Code + said.Message
}

// TestLegacyKeys: to and fro, each may be repeated; meanwhile no service of the project takes them, and the Management API goes on.
func TestLegacyKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Settings{})
		p, keys := w.ready(t, "one")
		other, others := w.ready(t, "two")
		if err := w.CreateBucket(attempt(t), p.Ref, keys.Service, branding); err != nil {
			t.Fatal(err)
		}
		if err := w.UploadObject(attempt(t), p.Ref, keys.Service, logo); err != nil {
			t.Fatal(err)
		}
		for i, enabled := range []bool{true, false, false, true, false, true} {
			if err := w.SetLegacyKeys(attempt(t), p.Ref, enabled); err != nil {
				t.Fatal(err)
			}
			if got, err := w.LegacyKeysEnabled(t.Context(), p.Ref); err != nil || got != enabled {
				t.Errorf("%d: enabled %v, %v", i, got, err)
			}
			for name, err := range map[string]error{
				"auth":    w.AuthHealth(t.Context(), p.Ref, keys.Anonymous),
				"rest":    w.RestHealth(t.Context(), p.Ref, keys.Service),
				"storage": w.UploadObject(attempt(t), p.Ref, keys.Service, logo),
			} {
				if refused := fault.Is(err, fault.Rejected) && faultOf(t, err).Status == 401; enabled != (err == nil) || !enabled && !refused {
					t.Errorf("%d, enabled %v: %s: %v", i, enabled, name, err)
				}
			}
			if again, err := w.APIKeys(t.Context(), p.Ref); err != nil || again != keys {
				t.Errorf("%d: the keys are others: %v", i, err)
			}
			if health, err := w.Health(t.Context(), p.Ref); err != nil || !health[0].Healthy {
				t.Errorf("%d: the Management API: %v %v", i, health, err)
			}
			if got := w.public(t, p.Ref, "logo-1.png"); got.StatusCode != 200 {
				t.Errorf("%d: a public file: HTTP %d", i, got.StatusCode)
			}
			if err := w.RestHealth(t.Context(), other.Ref, others.Anonymous); err != nil {
				t.Errorf("%d: another project: %v", i, err)
			}
		}
	})
}

// TestLegacyKeysGivenUp: Supabase has announced that the path goes away, and disabled keys with it.
func TestLegacyKeysGivenUp(t *testing.T) {
	gone := func(there bool) http.RoundTripper {
		return roundTrip(func(r *http.Request) (*http.Response, error) {
			if there && !strings.HasSuffix(r.URL.Path, "/legacy") {
				return (&stub{status: 200, body: `{"ref":"` + ref + `","name":"one","status":"ACTIVE_HEALTHY"}`}).RoundTrip(r)
			}
			return (&stub{status: 404, body: `{"message":"Not Found"}`}).RoundTrip(r)
		})
	}
	if enabled, err := stubbed(gone(true)).LegacyKeysEnabled(t.Context(), ref); enabled || err != nil {
		t.Errorf("enabled %v, %v", enabled, err)
	}
	if err := stubbed(gone(true)).SetLegacyKeys(attempt(t), ref, false); err != nil {
		t.Errorf("disabling: %v", err)
	}
	if err := stubbed(gone(true)).SetLegacyKeys(attempt(t), ref, true); !provider.NotFound(err) {
		t.Errorf("enabling: %v", err)
	}
	_, err := stubbed(gone(false)).LegacyKeysEnabled(t.Context(), ref)
	for what, err := range map[string]error{"reading": err, "disabling": stubbed(gone(false)).SetLegacyKeys(attempt(t), ref, false)} {
		if !provider.NotFound(err) {
			t.Errorf("%s where there is no project: %v", what, err)
		}
	}
	for body, code := range map[string]fault.Code{`{"enabled":true}`: fault.Unavailable, `{}`: fault.Unavailable} {
		if err := stubbed(&stub{status: 200, body: body}).SetLegacyKeys(attempt(t), ref, false); !fault.Is(err, code) || fault.NothingHappened(err) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

const (
	addUser  = `{"email":"ada@example.com","password":"correct horse battery","email_confirm":true}`
	signIn   = `{"email":"ada@example.com","password":"correct horse battery"}`
	password = "/auth/v1/token?grant_type=password"
)

// TestSignInIsRefusedAndRestored: by every way that was open, and exactly as it was.
func TestSignInIsRefusedAndRestored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Settings{})
		p, keys := w.ready(t, "one")
		anonymous := keys.Anonymous.Reveal()
		if status, said := w.ask(t, p.Ref, keys.Service.Reveal(), "POST", "/auth/v1/admin/users", addUser); status != 200 {
			t.Fatalf("HTTP %d %s", status, said)
		}
		closed := false
		if err := w.UpdateAuth(attempt(t), p.Ref, supabase.AuthSettings{SiteURL: "https://one.gimbal.test", DisableSignup: &closed, PhoneLogin: new(true)}); err != nil {
			t.Fatal(err)
		}
		w.google(t, p.Ref)
		before, whole := must(t)(w.SignIn(t.Context(), p.Ref)), w.sim.AuthConfig(p.Ref)
		if want := []string{"external_email_enabled", "external_google_enabled", "external_phone_enabled"}; !slices.Equal(before.Ways, want) || !before.SignUp {
			t.Fatalf("before: %+v", before)
		}
		try := func(when string, codes map[string]string) {
			t.Helper()
			for _, c := range []struct{ name, path, body string }{
				{"password", password, signIn}, {"phone", password, `{"phone":"+15550100","password":"x"}`},
				{"sign-up", "/auth/v1/signup", `{"email":"bob@example.com","password":"correct horse"}`},
			} {
				got, said := w.ask(t, p.Ref, anonymous, "POST", c.path, c.body)
				if want := codes[c.name]; said != want || want == "" && got != 200 || want != "" && got < 400 {
					t.Errorf("%s, %s: HTTP %d %q, want %q", when, c.name, got, said, want)
				}
			}
			if got, said := w.ask(t, p.Ref, anonymous, "GET", "/auth/v1/health", ""); got != 200 {
				t.Errorf("%s: Auth's health: HTTP %d %s", when, got, said)
			}
		}
		for range 2 {
			if err := w.SetSignIn(attempt(t), p.Ref, supabase.SignIn{}); err != nil {
				t.Fatal(err)
			}
			if now := must(t)(w.SignIn(t.Context(), p.Ref)); len(now.Ways) != 0 || now.SignUp {
				t.Errorf("suspended: %+v", now)
			}
			try("suspended", map[string]string{"password": "email_provider_disabled", "phone": "phone_provider_disabled", "sign-up": "signup_disabled"})
		}
		for range 2 {
			if err := w.SetSignIn(attempt(t), p.Ref, before); err != nil {
				t.Fatal(err)
			}
			if after := w.sim.AuthConfig(p.Ref); !maps.Equal(after, whole) {
				t.Errorf("restored: %v, want %v", after, whole)
			}
		}
		try("restored", map[string]string{"phone": "invalid_credentials"})
	})
}

// google lets people in by their account there, as the instance's own operator may have.
func (w *world) google(t *testing.T, ref string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPatch, "https://api.supabase.test/v1/projects/"+ref+"/config/auth",
		strings.NewReader(`{"external_google_enabled":true}`))
	r.Header.Set("Authorization", "Bearer "+token)
	out := httptest.NewRecorder()
	if w.sim.ServeHTTP(out, r); out.Code != 200 {
		t.Fatalf("HTTP %d %s", out.Code, out.Body)
	}
}

func must(t *testing.T) func(supabase.SignIn, error) supabase.SignIn {
	return func(in supabase.SignIn, err error) supabase.SignIn {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return in
	}
}

// TestSignInByDefault: a setting that is null is what it is by default, and is switched off all the same.
func TestSignInByDefault(t *testing.T) {
	var sent map[string]any
	vendor := roundTrip(func(r *http.Request) (*http.Response, error) {
		body := `{"external_email_enabled":null,"disable_signup":null,"external_apple_enabled":null,"site_url":"https://x","saml_enabled":true,"mfa_totp_verify_enabled":true}`
		if r.Method == http.MethodPatch {
			text, err := io.ReadAll(r.Body)
			if err != nil || json.Unmarshal(text, &sent) != nil {
				return nil, io.ErrUnexpectedEOF
			}
			body = string(bytes.TrimSpace(text))
		}
		return (&stub{status: 200, body: body}).RoundTrip(r)
	})
	in, err := stubbed(vendor).SignIn(t.Context(), ref)
	if want := []string{"external_email_enabled", "saml_enabled"}; err != nil || !slices.Equal(in.Ways, want) || !in.SignUp {
		t.Errorf("%+v, %v", in, err)
	}
	if err := stubbed(vendor).SetSignIn(attempt(t), ref, supabase.SignIn{}); err != nil {
		t.Fatal(err)
	}
	if want := map[string]any{"external_email_enabled": false, "saml_enabled": false, "disable_signup": true}; !maps.Equal(sent, want) {
		t.Errorf("sent %v", sent)
	}
}

// TestSignInAnswers: a change that the answer doesn't show proves nothing, nor does a configuration without the settings.
func TestSignInAnswers(t *testing.T) {
	const open = `{"external_email_enabled":true,"disable_signup":false,"external_phone_enabled":true}`
	for _, body := range []string{open, `{}`, `null`, `[]`, `{"external_email_enabled":false,"disable_signup":true}`, `{"external_email_enabled":1,"disable_signup":2}`} {
		vendor := roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodGet {
				return (&stub{status: 200, body: open}).RoundTrip(r)
			}
			return (&stub{status: 200, body: body}).RoundTrip(r)
		})
		if err := stubbed(vendor).SetSignIn(attempt(t), ref, supabase.SignIn{}); !fault.Is(err, fault.Unavailable) || fault.NothingHappened(err) {
			t.Errorf("%s: %v", body, err)
		}
	}
	for _, body := range []string{`{}`, `{"external_email_enabled":true}`, `{"external_email_enabled":"yes","disable_signup":false}`, `null`, `<html>`} {
		if _, err := stubbed(&stub{status: 200, body: body}).SignIn(t.Context(), ref); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// TestSuspensionGoesWrong: what each way of failing proves, and that a repeat ends it.
func TestSuspensionGoesWrong(t *testing.T) {
	for _, test := range []struct {
		kind    sim.Kind
		nothing bool
		effect  bool
	}{
		{sim.Refused, true, false}, {sim.TooMany, true, false}, {sim.Denied, true, false}, {sim.ErrorBefore, false, false},
		{sim.ErrorAfter, false, true}, {sim.Lost, false, true}, {sim.Hang, false, false}, {sim.Delayed, false, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			rule := func(operation string) sim.Rule {
				return sim.Rule{Call: "supabase." + operation, Kind: test.kind, After: 1, From: 1, To: 1}
			}
			w := newWorld(t, simulator.Settings{}, rule("UpdateLegacyKeys"), rule("UpdateAuthConfig"))
			p, _ := w.ready(t, "one")
			keysOff := func() error { return w.SetLegacyKeys(attempt(t), p.Ref, false) }
			signOff := func() error { return w.SetSignIn(attempt(t), p.Ref, supabase.SignIn{}) }
			for _, err := range []error{keysOff(), signOff()} {
				if f := faultOf(t, err); f.NothingHappened != test.nothing {
					t.Errorf("%s: %v, nothing happened %v", test.kind, err, f.NothingHappened)
				}
			}
			synctest.Wait()
			enabled, err := w.LegacyKeysEnabled(t.Context(), p.Ref)
			in := must(t)(w.SignIn(t.Context(), p.Ref))
			if err != nil || enabled == test.effect || (len(in.Ways) == 0) != test.effect {
				t.Errorf("%s: enabled %v, %+v, %v", test.kind, enabled, in, err)
			}
			for _, err := range []error{keysOff(), signOff()} {
				if err != nil {
					t.Errorf("%s: again: %v", test.kind, err)
				}
			}
		})
	}
}
