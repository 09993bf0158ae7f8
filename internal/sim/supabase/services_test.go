package supabase

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/sim"
)

func TestHealthFollowsEachService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(sim.Options{}, Settings{ReadyMin: time.Minute, ReadyMax: time.Minute, Healthy: 10 * time.Second})
		ref := w.create(t, "one")
		at := "/v1/projects/" + ref + "/health"
		for _, c := range []struct {
			query  string
			status int
		}{{"", 400}, {"?services=auth,db", 400}, {"?services=nothing", 400}, {"?services=auth&services=db", 200}} {
			if r := w.manage(t, "GET", at+c.query, ""); r.status != c.status {
				t.Errorf("%s: %d, want %d", c.query, r.status, c.status)
			}
		}
		w.sleep(t, time.Minute)
		p := w.find(ref)
		for _, service := range []string{"auth", "rest", "storage"} {
			if d := p.Services[service].Sub(w.clock.Now()); d > 0 {
				w.sleep(t, d-time.Nanosecond)
				if r := w.manage(t, "GET", at+"?services="+service, ""); r.text(t, 0, "status") != "COMING_UP" {
					t.Errorf("%s just before: %v", service, r.body)
				}
				w.sleep(t, time.Nanosecond)
			}
			r := w.manage(t, "GET", at+"?services="+service, "")
			if r.text(t, 0, "status") != "ACTIVE_HEALTHY" || r.at(t, 0, "healthy") != true {
				t.Errorf("%s: %v", service, r.body)
			}
		}
	})
}

func TestServicesAnswerOnlyWhenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(sim.Options{}, Settings{})
		ref := w.create(t, "one")
		key := w.find(ref).Keys.Anonymous
		if r := w.inProject(t, ref, key, "GET", "/auth/v1/health", ""); r.status != 503 {
			t.Errorf("coming up: %d", r.status)
		}
		w.sleep(t, 10*time.Minute)
		for path, name := range map[string]string{"/auth/v1/health": "GoTrue", "/rest/v1/": ""} {
			r := w.inProject(t, ref, key, "GET", path, "")
			if r.status != 200 || name != "" && r.text(t, "name") != name {
				t.Errorf("%s: %+v", path, r)
			}
		}
		if r := send(t, w, "GET", "https://"+ref+".supabase.test/rest/v1/", ""); r.status != 401 {
			t.Errorf("without a key: %d", r.status)
		}
		if r := w.inProject(t, ref, "wrong", "GET", "/rest/v1/", ""); r.status != 401 || r.text(t, "message") != "Invalid API key" {
			t.Errorf("with a wrong key: %+v", r)
		}
		if r := w.inProject(t, strings.Repeat("z", 20), key, "GET", "/rest/v1/", ""); r.status != originDNS {
			t.Errorf("no such project: %d", r.status)
		}
		if r := w.manage(t, "DELETE", "/v1/projects/"+ref, ""); r.status != 200 {
			t.Fatalf("deletion: %+v", r)
		}
		if r := w.inProject(t, ref, key, "GET", "/rest/v1/", ""); r.status != 503 {
			t.Errorf("going down: %d", r.status)
		}
	})
}

func TestKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(sim.Options{}, Settings{})
		ref := w.create(t, "one")
		at := "/v1/projects/" + ref + "/api-keys"
		if r := w.manage(t, "GET", at, ""); fmt.Sprint(r.body) != "[]" {
			t.Errorf("while coming up: %v", r.body)
		}
		w.sleep(t, 10*time.Minute)
		shown, hidden := w.manage(t, "GET", at+"?reveal=true", ""), w.manage(t, "GET", at, "")
		for i, want := range []string{"legacy anon", "legacy service_role", "publishable default", "secret default"} {
			if got := shown.text(t, i, "type") + " " + shown.text(t, i, "name"); got != want {
				t.Errorf("key %d: %s, want %s", i, got, want)
			}
			same := shown.text(t, i, "api_key") == hidden.text(t, i, "api_key")
			if same != (i != 3) {
				t.Errorf("%s: the same without reveal: %v", want, same)
			}
		}
		for i, role := range []string{"anon", "service_role"} {
			parts := strings.Split(shown.text(t, i, "api_key"), ".")
			payload, err := base64.RawURLEncoding.DecodeString(parts[1])
			var claims struct{ Ref, Role string }
			if err != nil || json.Unmarshal(payload, &claims) != nil || len(parts) != 3 || claims.Role != role || claims.Ref != ref {
				t.Errorf("%s: claims %s", role, payload)
			}
		}
	})
}

func TestAuthConfig(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(sim.Options{}, Settings{})
		ref := w.create(t, "one")
		at := "/v1/projects/" + ref + "/config/auth"
		if r := w.manage(t, "PATCH", at, `{}`); r.status != 400 {
			t.Errorf("while coming up: %d", r.status)
		}
		w.sleep(t, 10*time.Minute)
		all, _ := w.manage(t, "GET", at, "").body.(map[string]any)
		if len(all) != 237 || all["site_url"] != "http://localhost:3000" || all["mailer_otp_exp"] == nil {
			t.Errorf("%d settings: %v", len(all), all["site_url"])
		}
		for body, status := range map[string]int{
			`{"site_url":"https://one.test","uri_allow_list":"https://a,https://b","disable_signup":true,"jwt_exp":60}`: 200,
			`{"nobody_knows_this":1}`:                                  200,
			`{"site_url":null}`:                                        200,
			`{"site_url":"a,b"}`:                                       400,
			`{"site_url":""}`:                                          400,
			`{"site_url":1}`:                                           400,
			`{"disable_signup":"yes"}`:                                 400,
			`{"jwt_exp":604801}`:                                       400,
			`{"jwt_exp":1.5}`:                                          400,
			`{"password_min_length":5}`:                                400,
			`{"smtp_port":25}`:                                         400,
			`{"smtp_port":"0"}`:                                        400,
			`{"smtp_port":"587"}`:                                      200,
			`{"smtp_admin_email":"One <a@one.test>"}`:                  400,
			`{"smtp_admin_email":"a@one.test"}`:                        200,
			`{"uri_allow_list":"https://a, b"}`:                        400,
			`{"uri_allow_list":"https://a,"}`:                          400,
			`{"uri_allow_list":""}`:                                    200,
			`{"uri_allow_list":["https://a"]}`:                         400,
			`{"rate_limit_email_sent":0}`:                              400,
			`{"rate_limit_email_sent":100,"smtp_max_frequency":32768}`: 400,
			`{"mailer_otp_exp":-1}`:                                    400,
			`{"sms_provider":"pigeon"}`:                                400,
			`{"mailer_otp_exp":null}`:                                  400,
			`[]`:                                                       400,
		} {
			if r := w.manage(t, "PATCH", at, body); r.status != status {
				t.Errorf("%s: %d %v, want %d", body, r.status, r.body, status)
			}
		}
		r := w.manage(t, "PATCH", at, `{"smtp_pass":"mail-secret","smtp_host":"smtp.test"}`)
		if r.text(t, "smtp_host") != "smtp.test" || r.text(t, "smtp_pass") == "mail-secret" || r.at(t, "disable_signup") != true {
			t.Errorf("%v %v %v", r.at(t, "smtp_host"), r.at(t, "smtp_pass"), r.at(t, "disable_signup"))
		}
	})
}

// TestEdgeSecrets: names are checked, all are written or none, and what is there is written over.
func TestEdgeSecrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(sim.Options{}, Settings{})
		ref := w.create(t, "one")
		for _, c := range []struct {
			body   string
			status int
			want   map[string]string
		}{
			{`[{"name":"A","value":"1"},{"name":"B","value":"2"}]`, 201, map[string]string{"A": "1", "B": "2"}},
			{`[{"name":"A","value":"3"},{"name":"SUPABASE_URL","value":"x"}]`, 400, map[string]string{"A": "1", "B": "2"}},
			{`[{"name":"A"}]`, 400, map[string]string{"A": "1", "B": "2"}},
			{`{"name":"A","value":"3"}`, 400, map[string]string{"A": "1", "B": "2"}},
			{`[{"name":"A","value":"3"}]`, 201, map[string]string{"A": "3", "B": "2"}},
		} {
			q := httptest.NewRequest("POST", "https://api.supabase.test/v1/projects/"+ref+"/secrets", strings.NewReader(c.body))
			q.Header.Set("Authorization", "Bearer "+accessToken)
			r := httptest.NewRecorder()
			w.ServeHTTP(r, q)
			if got := w.EdgeSecrets(ref); r.Code != c.status || !maps.Equal(got, c.want) || r.Code == 201 && r.Body.Len() != 0 {
				t.Errorf("%s: %d %s, %v", c.body, r.Code, r.Body, got)
			}
		}
		if w.EdgeSecrets("nobody") != nil || w.AuthConfig("nobody") != nil {
			t.Error("a project that isn't there has settings")
		}
	})
}

func TestUserCreation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(sim.Options{}, Settings{})
		ref, anonymous, service := w.ready(t, "one")
		const users, id = "/auth/v1/admin/users", "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
		first := `{"id":"` + id + `","email":"Ada@Example.com","email_confirm":true,"app_metadata":{"role":"admin"},"user_metadata":{"name":"Ada"}}`
		r := w.inProject(t, ref, service, "POST", users, first)
		if r.status != 200 || r.text(t, "id") != id || r.text(t, "email") != "ada@example.com" || r.text(t, "email_confirmed_at") == "" ||
			r.text(t, "app_metadata", "role") != "admin" || r.text(t, "app_metadata", "provider") != "email" || r.text(t, "user_metadata", "name") != "Ada" {
			t.Errorf("%+v", r)
		}
		for _, c := range []struct {
			body   string
			status int
			code   string
		}{
			{first, 422, "email_exists"},
			{`{"email":"ADA@example.com"}`, 422, "email_exists"},
			{`{"id":"` + id + `","email":"bob@example.com"}`, 500, "unexpected_failure"},
			{`{"email":"bob"}`, 400, "validation_failed"},
			{`{"email":"Bob <bob@example.com>"}`, 400, "validation_failed"},
			{`{}`, 400, "validation_failed"},
			{`{"id":"1","email":"bob@example.com"}`, 400, "validation_failed"},
			{`{"id":"00000000-0000-0000-0000-000000000000","email":"bob@example.com"}`, 400, "validation_failed"},
			{`{"email":"bob@example.com","password":"x","password_hash":"y"}`, 400, "validation_failed"},
			{`{"email":"bob@example.com","ban_duration":"forever"}`, 400, "validation_failed"},
			{`nothing`, 400, "bad_json"},
		} {
			r := w.inProject(t, ref, service, "POST", users, c.body)
			if r.status != c.status || r.text(t, "error_code") != c.code || r.header.Get("X-Sb-Error-Code") != c.code {
				t.Errorf("%s: %d %v, want %d %s", c.body, r.status, r.body, c.status, c.code)
			}
		}
		r = w.inProject(t, ref, service, "POST", users, first, "X-Supabase-Api-Version", "2024-01-01")
		if r.text(t, "code") != "email_exists" {
			t.Errorf("the newer error document: %v", r.body)
		}
		if r := w.inProject(t, ref, anonymous, "POST", users, `{"email":"bob@example.com"}`); r.status != 403 || r.text(t, "error_code") != "not_admin" {
			t.Errorf("with the anonymous key: %+v", r)
		}
		if r := w.inProject(t, ref, anonymous, "POST", users, `{}`, "Authorization", "Bearer x"); r.status != 403 || r.text(t, "error_code") != "bad_jwt" {
			t.Errorf("with a wrong token: %+v", r)
		}
		secret := w.find(ref).Keys.Secret
		if r := send(t, w, "POST", "https://"+ref+".supabase.test"+users, `{"email":"bob@example.com"}`, "apikey", secret); r.status != 200 {
			t.Errorf("with the newer secret key: %+v", r)
		}
		if r := w.inProject(t, ref, service, "GET", users+"?per_page=1&page=2", ""); r.header.Get("X-Total-Count") != "2" || r.text(t, "users", 0, "id") != id {
			t.Errorf("listed: %+v", r)
		}
		if r := w.inProject(t, ref, service, "GET", users+"/"+strings.Replace(id, "6", "7", 1), ""); r.status != 404 || r.text(t, "error_code") != "user_not_found" {
			t.Errorf("nobody: %+v", r)
		}
		for _, held := range w.Inventory() {
			if strings.Contains(held.Name, "@") {
				t.Errorf("an address in the inventory: %v", held)
			}
		}
	})
}

func TestRedirections(t *testing.T) {
	for _, c := range []struct {
		to, site, allowed string
		want              bool
	}{
		{"https://one.test/x", "https://one.test", "", true},
		{"https://two.test/x", "https://one.test", "", false},
		{"", "https://one.test", "**", false},
		{"https://two.test/x", "https://one.test", "https://three.test, https://two.test/*", true},
		{"https://two.test/x/y", "https://one.test", "https://two.test/*", false},
		{"https://two.test/x/y", "https://one.test", "https://two.test/**", true},
		{"https://a.b.two.test", "https://one.test", "https://*.two.test", false},
		{"https://twoXtest/", "https://one.test", "https://two.test/", false},
		{"::", "https://one.test", "**", false},
	} {
		if got := mayRedirect(c.to, c.site, c.allowed); got != c.want {
			t.Errorf("%q with %q and %q: %v", c.to, c.site, c.allowed, got)
		}
	}
}

func TestInvitationCreatesAMissingUserOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(sim.Options{}, Settings{})
		ref, _, service := w.ready(t, "one")
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				r := w.inProject(t, ref, service, "POST", "/auth/v1/admin/generate_link", `{"type":"invite","email":"ada@example.com"}`)
				if r.status != 200 || r.text(t, "verification_type") != "invite" {
					t.Errorf("%+v", r)
				}
			})
		}
		all.Wait()
		if n := len(w.Inventory()); n != 2 {
			t.Errorf("held: %v", w.Inventory())
		}
	})
}

func TestBuckets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(sim.Options{}, Settings{})
		ref, anonymous, service := w.ready(t, "one")
		const at = "/storage/v1/bucket"
		if r := w.inProject(t, ref, service, "POST", at, `{"name":"files","public":true}`); r.status != 200 || r.text(t, "name") != "files" {
			t.Errorf("%+v", r)
		}
		for _, c := range []struct{ key, method, path, body, status, code string }{
			{service, "POST", at, `{"name":"files"}`, "409", "BucketAlreadyExists"},
			{service, "POST", at, `{}`, "400", "InvalidRequest"},
			{service, "GET", at + "/none", ``, "404", "NoSuchBucket"},
			{anonymous, "POST", at, `{"name":"more"}`, "403", "AccessDenied"},
		} {
			r := w.inProject(t, ref, c.key, c.method, c.path, c.body)
			if r.status != 400 || r.text(t, "statusCode") != c.status || r.text(t, "code") != c.code {
				t.Errorf("%s %s: %+v, want %s %s", c.method, c.path, r, c.status, c.code)
			}
		}
		if r := w.inProject(t, ref, service, "GET", at, ""); r.text(t, 0, "id") != "files" || r.at(t, 0, "public") != true {
			t.Errorf("%+v", r)
		}
		if r := w.inProject(t, ref, service, "GET", at+"/files", ""); r.status != 200 {
			t.Errorf("%+v", r)
		}
	})
}

func TestOverHTTPProjectsLieInThePath(t *testing.T) {
	s := New(sim.Options{Clock: clock.System()}, Settings{
		Token: accessToken, Organization: "gimbal", ReadyMin: time.Nanosecond, ReadyMax: time.Nanosecond, Healthy: -1,
	})
	server := httptest.NewServer(s)
	defer server.Close()
	call := func(method, path, body string, header ...string) reply {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		res, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		return understood(t, res)
	}
	bearer := []string{"Authorization", "Bearer " + accessToken}
	ref := call("POST", "/v1/projects", newBody, bearer...).text(t, "ref")
	service := call("GET", "/v1/projects/"+ref+"/api-keys", "", bearer...).text(t, 1, "api_key")
	key := []string{"apikey", service, "Authorization", "Bearer " + service}
	if r := call("GET", "/project/"+ref+"/rest/v1/", "", key...); r.status != 200 {
		t.Errorf("%+v", r)
	}
	r := call("POST", "/project/"+ref+"/auth/v1/admin/generate_link", `{"type":"invite","email":"ada@example.com"}`, key...)
	if want := server.URL + "/project/" + ref + "/auth/v1/verify?"; !strings.HasPrefix(r.text(t, "action_link"), want) {
		t.Errorf("link %s, want %s…", r.text(t, "action_link"), want)
	}
}

func TestOperations(t *testing.T) {
	s := New(sim.Options{}, Settings{})
	ref := strings.Repeat("a", 20)
	for url, want := range map[string]string{
		"POST https://api.supabase.test/v1/projects":                                      "CreateProject",
		"GET https://api.supabase.test/v1/projects/" + ref:                                "GetProject",
		"GET https://" + ref + ".supabase.test/rest/v1/":                                  "RestHealth",
		"GET http://127.0.0.1:4000/project/" + ref + "/auth/v1/health":                    "AuthHealth",
		"POST https://" + ref + ".supabase.test/auth/v1/admin/users":                      "CreateUser",
		"GET https://" + ref + ".supabase.test/v1/projects":                               "",
		"PUT https://api.supabase.test/v1/projects":                                       "",
		"GET https://api.supabase.test/v1/organizations/gimbal/projects?search=a&limit=1": "ListProjects",
	} {
		method, target, _ := strings.Cut(url, " ")
		if got := s.Operation(httptest.NewRequest(method, target, nil)); got != want {
			t.Errorf("%s: %q, want %q", url, got, want)
		}
	}
}
