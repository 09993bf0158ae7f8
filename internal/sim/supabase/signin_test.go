package supabase

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/project-gimbal/fleet/internal/sim"
)

const (
	byPassword = "/auth/v1/token?grant_type=password"
	refreshing = "/auth/v1/token?grant_type=refresh_token"
)

// TestSigningIn: who gets in, and what switching the ways off does and doesn't do.
func TestSigningIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(sim.Options{}, Settings{})
		ref, anonymous, service := w.ready(t, "one")
		for _, body := range []string{
			`{"email":"ada@example.com","password":"correct","email_confirm":true}`, `{"email":"new@example.com","password":"correct"}`,
			`{"email":"none@example.com","email_confirm":true}`,
		} {
			if r := w.inProject(t, ref, service, "POST", "/auth/v1/admin/users", body); r.status != 200 {
				t.Fatalf("%s: %+v", body, r)
			}
		}
		ask := func(path, body string) reply { return w.inProject(t, ref, anonymous, "POST", path, body) }
		set := func(body string) {
			t.Helper()
			if r := w.manage(t, "PATCH", "/v1/projects/"+ref+"/config/auth", body); r.status != 200 {
				t.Fatalf("%s: %+v", body, r)
			}
		}
		refused := func(path, body string, status int, code string) {
			t.Helper()
			if r := ask(path, body); r.status != status || r.text(t, "error_code") != code {
				t.Errorf("%s %s: %d %v, want %d %s", path, body, r.status, r.body, status, code)
			}
		}
		refused(byPassword, `{"email":"ada@example.com","password":"wrong"}`, 400, "invalid_credentials")
		refused(byPassword, `{"email":"nobody@example.com","password":"correct"}`, 400, "invalid_credentials")
		refused(byPassword, `{"email":"none@example.com","password":""}`, 400, "invalid_credentials")
		refused(byPassword, `{"email":"new@example.com","password":"correct"}`, 400, "email_not_confirmed")
		refused(byPassword, `{}`, 400, "validation_failed")
		refused(byPassword, `{"phone":"+15550100","password":"x"}`, 422, "phone_provider_disabled")
		refused(byPassword, `nothing`, 400, "bad_json")
		refused("/auth/v1/token", `{}`, 400, "invalid_grant")
		refused(refreshing, `{"refresh_token":"stolen"}`, 400, "refresh_token_not_found")
		in := ask(byPassword, `{"email":"Ada@example.com","password":"correct"}`)
		if in.status != 200 || in.text(t, "user", "email") != "ada@example.com" || in.at(t, "expires_in") != 3600.0 {
			t.Fatalf("%+v", in)
		}

		set(`{"external_email_enabled":false}`)
		refused(byPassword, `{"email":"ada@example.com","password":"correct"}`, 422, "email_provider_disabled")
		refused("/auth/v1/signup", `{"email":"bob@example.com","password":"correct"}`, 400, "email_provider_disabled")
		first := fmt.Sprintf(`{"refresh_token":%q}`, in.text(t, "refresh_token"))
		again := ask(refreshing, first)
		if again.status != 200 || again.text(t, "refresh_token") == in.text(t, "refresh_token") {
			t.Errorf("a session that goes on: %+v", again)
		}
		refused(refreshing, first, 400, "refresh_token_not_found")
		if r := w.inProject(t, ref, anonymous, "GET", "/auth/v1/health", ""); r.status != 200 {
			t.Errorf("Auth's health: %+v", r)
		}

		if r := w.manage(t, "PUT", "/v1/projects/"+ref+"/api-keys/legacy?enabled=false", ""); r.status != 200 || r.at(t, "enabled") != false {
			t.Fatalf("%+v", r)
		}
		if r := ask(refreshing, fmt.Sprintf(`{"refresh_token":%q}`, again.text(t, "refresh_token"))); r.status != 401 {
			t.Errorf("a session without a key: %+v", r)
		}
	})
}

func TestSigningUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(sim.Options{}, Settings{})
		ref, anonymous, _ := w.ready(t, "one")
		up := func(body string) reply { return w.inProject(t, ref, anonymous, "POST", "/auth/v1/signup", body) }
		const bob = `{"email":"bob@example.com","password":"correct","data":{"name":"Bob"}}`
		for _, c := range []struct {
			setting, body string
			status        int
			code          string
		}{
			{`{"disable_signup":true}`, bob, 422, "signup_disabled"},
			{`{"disable_signup":false}`, `{}`, 422, "anonymous_provider_disabled"},
			{`{}`, `{"email":"bob@example.com"}`, 400, "validation_failed"},
			{`{}`, `{"email":"bob","password":"x"}`, 400, "validation_failed"},
			{`{}`, `{"phone":"+15550100","password":"x"}`, 400, "phone_provider_disabled"},
			{`{}`, bob, 200, ""},
			{`{}`, bob, 422, "user_already_exists"},
		} {
			if r := w.manage(t, "PATCH", "/v1/projects/"+ref+"/config/auth", c.setting); r.status != 200 {
				t.Fatalf("%+v", r)
			}
			if r := up(c.body); r.status != c.status || c.code != "" && r.text(t, "error_code") != c.code {
				t.Errorf("%s: %d %v, want %d %s", c.body, r.status, r.body, c.status, c.code)
			}
		}
		if r := w.inProject(t, ref, anonymous, "POST", byPassword, bob); r.text(t, "error_code") != "email_not_confirmed" {
			t.Errorf("unconfirmed: %+v", r)
		}
		if r := w.manage(t, "PATCH", "/v1/projects/"+ref+"/config/auth", `{"mailer_autoconfirm":true,"jwt_exp":60}`); r.status != 200 {
			t.Fatalf("%+v", r)
		}
		if r := up(`{"email":"eve@example.com","password":"correct"}`); r.status != 200 || r.text(t, "refresh_token") == "" || r.at(t, "expires_in") != 60.0 {
			t.Errorf("confirmed by itself: %+v", r)
		}
	})
}

// TestKeysOfWhichKind: the switch concerns the legacy keys alone, and is kept.
func TestKeysOfWhichKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(sim.Options{}, Settings{})
		coming := w.create(t, "two")
		if r := w.manage(t, "PUT", "/v1/projects/"+coming+"/api-keys/legacy?enabled=false", ""); r.status != 400 {
			t.Errorf("while coming up: %+v", r)
		}
		ref, anonymous, service := w.ready(t, "one")
		at := "/v1/projects/" + ref + "/api-keys/legacy"
		for _, query := range []string{"", "?enabled=", "?enabled=no"} {
			if r := w.manage(t, "PUT", at+query, ""); r.status != 400 {
				t.Errorf("%q: %+v", query, r)
			}
		}
		if r := w.manage(t, "PUT", at+"?enabled=false", ""); r.status != 200 {
			t.Fatalf("%+v", r)
		}
		saved, err := w.Save()
		if err == nil {
			err = w.Load(saved)
		}
		if r := w.manage(t, "GET", at, ""); err != nil || r.at(t, "enabled") != false {
			t.Errorf("after a restart: %+v, %v", r, err)
		}
		k := w.find(ref).Keys
		for key, status := range map[string]int{anonymous: 401, service: 401, k.Publishable: 200, k.Secret: 200, "wrong": 401} {
			if r := send(t, w, "GET", "https://"+ref+".supabase.test/rest/v1/", "", "apikey", key); r.status != status {
				t.Errorf("%.12s: %+v, want %d", key, r, status)
			}
		}
		if r := w.inProject(t, ref, anonymous, "GET", "/rest/v1/", ""); r.text(t, "message") != "Legacy API keys are disabled" {
			t.Errorf("%+v", r)
		}
	})
}
