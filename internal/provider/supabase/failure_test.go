package supabase_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/supabase"
	"github.com/project-gimbal/fleet/internal/sim"
	simulator "github.com/project-gimbal/fleet/internal/sim/supabase"
)

var (
	ref  = strings.Repeat("a", 20)
	keys = supabase.Keys{Anonymous: provider.NewSecret("eyJanon"), Service: provider.NewSecret("eyJservice")}
)

// stubbed is a client whose requests s answers.
func stubbed(s http.RoundTripper) *supabase.Client { return supabase.New(config(clock.System(), s)) }

func faultOf(t *testing.T, err error) *fault.Error {
	t.Helper()
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		t.Fatalf("%v is no fault", err)
	}
	return f
}

func TestEveryOperationUnderEveryFault(t *testing.T) {
	type outcome struct {
		kind    sim.Kind
		code    fault.Code
		nothing bool
		retry   time.Duration
		took    time.Duration
	}
	outcomes := []outcome{
		{sim.Refused, fault.Unavailable, true, 0, 0},
		{sim.TooMany, fault.Throttled, true, 0, 0},
		{sim.TooManyRetry, fault.Throttled, true, 7 * time.Second, 0},
		{sim.Denied, fault.Rejected, true, 0, 0},
		{sim.ErrorBefore, fault.Unavailable, false, 0, 0},
		{sim.ErrorAfter, fault.Unavailable, false, 0, 0},
		{sim.Lost, fault.Unavailable, false, 0, 0},
		{sim.Hang, fault.Unavailable, false, 0, 20 * time.Second},
		{sim.Delayed, fault.Unavailable, false, 0, 20 * time.Second},
	}
	for _, o := range operations() {
		for _, want := range outcomes {
			t.Run(o.name+"/"+string(want.kind), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					// From the second call on: the first of ListAPIKeys is the world's own.
					w := newWorld(t, simulator.Settings{}, sim.Rule{Call: "supabase.*", Kind: want.kind, After: 7 * time.Second, From: 2})
					p, keys := w.readyBehindScript(t, o.name)
					*w.calls = nil
					begun := w.clock.Now()
					f := faultOf(t, o.call(attempt(t), w.Client, p, keys))
					if f.Code != want.code || f.NothingHappened != want.nothing || f.RetryAfter != want.retry {
						t.Errorf("%v: nothing happened %v, retry after %v", f, f.NothingHappened, f.RetryAfter)
					}
					if f.Vendor != "supabase" || f.Operation != o.name {
						t.Errorf("the fault names %s.%s, want supabase.%s", f.Vendor, f.Operation, o.name)
					}
					if took := w.clock.Now().Sub(begun); took != want.took {
						t.Errorf("took %v, want %v", took, want.took)
					}
					if len(*w.calls) != 1 || (*w.calls)[0].Operation != o.name {
						t.Errorf("calls: %+v, want one of %s", *w.calls, o.name)
					}
				})
			})
		}
	}
}

// readyBehindScript gives a ready project when every call but the first of its operation goes wrong.
func (w *world) readyBehindScript(t *testing.T, operation string) (string, supabase.Keys) {
	t.Helper()
	p, keys := w.ready(t, "one")
	// The operation's first call, so that the one that is tested is at least its second.
	for _, o := range operations() {
		if o.name == operation && operation != "CreateProject" && operation != "ListAPIKeys" && operation != "DeleteProject" {
			if err := o.call(attempt(t), w.Client, p.Ref, keys); err != nil {
				t.Fatal(err)
			}
		}
	}
	if operation == "DeleteProject" {
		if err := w.DeleteProject(attempt(t), strings.Repeat("z", 20)); err != nil {
			t.Fatal(err)
		}
	}
	return p.Ref, keys
}

func TestLostCreationIsFoundByName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Settings{}, sim.Rule{Call: "supabase.CreateProject", Kind: sim.Lost, From: 1, To: 1})
		if _, err := w.CreateProject(attempt(t), newProject("one")); fault.NothingHappened(err) || err == nil {
			t.Fatalf("a lost answer: %v", err)
		}
		if found, err := w.FindProjects(t.Context(), "one"); err != nil || len(found) != 1 {
			t.Errorf("found %v, %v", found, err)
		}
	})
}

func TestChangesNeedAnAttempt(t *testing.T) {
	for _, o := range operations() {
		s := &stub{status: 500}
		err := o.call(t.Context(), stubbed(s), ref, keys)
		if o.change != errors.Is(err, provider.ErrNoAttempt) || o.change != (len(s.sent) == 0) {
			t.Errorf("%s outside an attempt: %v, %d sent", o.name, err, len(s.sent))
		}
	}
}

func TestUnusableAnswers(t *testing.T) {
	huge := `{"name":"` + strings.Repeat("x", 10<<20) + `"}`
	for name, s := range map[string]stub{
		"page":                         {status: 200, body: "<html><body>Sign in to the network</body></html>"},
		"empty":                        {status: 200},
		"truncated":                    {status: 200, body: `{"ref":"` + ref + `","name":"on`},
		"null":                         {status: 200, body: `null`},
		"numbers":                      {status: 200, body: `{"ref":1,"name":2,"status":3,"id":4,"projects":5,"message":6,"site_url":7,"action_link":8}`},
		"trailing":                     {status: 200, body: `{}{}`},
		"huge":                         {status: 200, body: huge},
		"502 page":                     {status: 502, body: "<html>Bad gateway</html>"},
		"404 page":                     {status: 404, body: "<html>Not found</html>"},
		"redirect":                     {status: 307, header: http.Header{"Location": {"https://elsewhere.example/"}}},
		"not found in a proxy's words": {status: 404, body: `{"error":"no route"}`},
		"a gateway without the route":  {status: 404, body: `{"message":"no Route matched with those values"}`},
		"a gateway's number":           {status: 404, body: `{"message":404}`},
	} {
		for _, o := range operations() {
			// A REST root may say what it likes, and an empty list of keys or poolers is an answer.
			if o.name == "RestHealth" && s.status == 200 && name != "huge" {
				continue
			}
			if name == "null" && (o.name == "ListAPIKeys" || o.name == "GetPooler") {
				continue
			}
			answer := s
			err := o.call(attempt(t), stubbed(&answer), ref, keys)
			if !fault.Is(err, fault.Unavailable) || fault.NothingHappened(err) {
				t.Errorf("%s, %s: %v", name, o.name, err)
			}
			if len(answer.sent) != 1 {
				t.Errorf("%s, %s: sent %d times", name, o.name, len(answer.sent))
			}
		}
	}
}

func TestBrokenBodies(t *testing.T) {
	for _, status := range []int{200, 400, 404, 422, 500} {
		_, err := stubbed(broken(status)).Project(t.Context(), ref)
		if !fault.Is(err, fault.Unavailable) || fault.NothingHappened(err) || provider.NotFound(err) {
			t.Errorf("%d whose body breaks off: %v", status, err)
		}
	}
	if err := stubbed(broken(429)).DeleteProject(attempt(t), ref); !fault.Is(err, fault.Throttled) {
		t.Errorf("a 429 whose body breaks off: %v", err)
	}
}

// broken answers with a status and a body that breaks off.
type broken int

func (b broken) RoundTrip(r *http.Request) (*http.Response, error) {
	body := io.MultiReader(strings.NewReader(`{"message":`), failingReader{})
	return &http.Response{StatusCode: int(b), Header: http.Header{}, Body: io.NopCloser(body), Request: r}, nil
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestAnswersAboutSomethingElse(t *testing.T) {
	other := strings.Repeat("b", 20)
	project := `{"ref":"` + other + `","name":"else","status":"UNKNOWN","id":1}`
	user := `{"id":"00000000-0000-4000-a000-000000000001","email":"else@example.com"}`
	for name, body := range map[string]string{
		"CreateProject": project, "GetProject": project, "DeleteProject": project, "CreateUser": user, "GetUser": user,
		"UpdateAuthConfig": `{"site_url":"https://else.example","disable_signup":false}`,
		"GetHealth":        `[{"name":"auth","status":"ACTIVE_HEALTHY"}]`,
		"GetPooler":        `[{"database_type":"PRIMARY","db_host":"aws-0-eu.pooler.supabase.com","db_user":"postgres.` + other + `"}]`,
		"GenerateLink":     `{"action_link":"javascript:alert(1)"}`,
	} {
		for _, o := range operations() {
			if o.name == name {
				err := o.call(attempt(t), stubbed(&stub{status: 200, body: body}), ref, keys)
				if !fault.Is(err, fault.Unavailable) || fault.NothingHappened(err) {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
}

// TestUnusablePoolers: what the vendor answers becomes part of a connection string.
func TestUnusablePoolers(t *testing.T) {
	host, user := "aws-0-eu.pooler.supabase.com", "postgres."+ref
	for _, c := range []struct{ host, user string }{
		{"", user}, {host, ""}, {host, "postgres"}, {host, ref}, {host + "/x", user}, {"else@" + host, user}, {host + ":6543", user}, {host, user + ":x@y"},
		{host + "?sslmode=disable", user},
	} {
		body := fmt.Sprintf(`[{"database_type":"PRIMARY","db_host":%q,"db_user":%q}]`, c.host, c.user)
		if _, err := stubbed(&stub{status: 200, body: body}).Pooler(t.Context(), ref); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s at %s: %v", c.user, c.host, err)
		}
	}
	body := fmt.Sprintf(`[{"database_type":"READ_REPLICA","db_host":"x","db_user":"x"},{"database_type":"PRIMARY","db_host":%q,"db_port":6543,"db_user":%q}]`, host, user)
	if p, err := stubbed(&stub{status: 200, body: body}).Pooler(t.Context(), ref); err != nil || p != (supabase.Pooler{Host: host, User: user}) {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestRefusals(t *testing.T) {
	const quota = "The following organization members have reached their maximum limits for the number of active free projects (2 project limit)."
	for _, c := range []struct {
		operation, body string
		status          int
		want            fault.Code
		code            string
	}{
		{"CreateProject", `{"message":"` + quota + `"}`, 400, fault.QuotaExceeded, ""},
		{"CreateProject", `{"message":["` + quota + `"],"errorEventId":"x"}`, 400, fault.QuotaExceeded, ""},
		{"CreateProject", `{"message":"Project one already exists in your organization."}`, 400, fault.Conflict, ""},
		{"CreateProject", `{"message":"Conflict"}`, 409, fault.Conflict, ""},
		{"CreateProject", `{"message":["name should not be empty"]}`, 400, fault.Rejected, ""},
		{"CreateProject", `{"message":"payment required"}`, 402, fault.Rejected, ""},
		{"GetProject", `{"message":"project limit"}`, 400, fault.Rejected, ""},
		{"DeleteProject", `{"message":"Project not ready for deletion."}`, 400, fault.NotReady, ""},
		{"DeleteProject", `{"message":"something else"}`, 400, fault.Rejected, ""},
		{"DeleteProject", `<html>bad request</html>`, 400, fault.Rejected, ""},
		{"GetProject", `{"message":"Unauthorized"}`, 401, fault.Rejected, ""},
		{"GetProject", ``, 403, fault.Rejected, ""},
		{"CreateUser", `{"code":422,"error_code":"email_exists","msg":"x"}`, 422, fault.Conflict, "email_exists"},
		{"CreateUser", `{"code":"email_exists","message":"x"}`, 422, fault.Conflict, "email_exists"},
		{"CreateUser", `{"code":422,"error_code":"phone_exists","msg":"x"}`, 422, fault.Conflict, "phone_exists"},
		{"CreateUser", `{"code":400,"error_code":"validation_failed","msg":"x"}`, 400, fault.Rejected, "validation_failed"},
		{"CreateUser", `{"code":422,"error_code":"Not A Code, ada@example.com","msg":"x"}`, 422, fault.Rejected, ""},
		{"CreateUser", `{"code":500,"error_code":"email_exists","msg":"x"}`, 500, fault.Unavailable, "email_exists"},
		{"GetUser", `{"message":"Project not found"}`, 404, fault.Rejected, ""},
	} {
		for _, o := range operations() {
			if o.name != c.operation {
				continue
			}
			f := faultOf(t, o.call(attempt(t), stubbed(&stub{status: c.status, body: c.body}), ref, keys))
			if f.Code != c.want || f.VendorCode != c.code || f.NothingHappened != (c.status < 500) || f.Status != c.status {
				t.Errorf("%s, %d %s: %v, code %q", c.operation, c.status, c.body, f, f.VendorCode)
			}
		}
	}
}

func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := clock.System().Now()
		for _, c := range []struct {
			header http.Header
			want   time.Duration
		}{
			{nil, 0},
			{http.Header{"Retry-After": {"12"}}, 12 * time.Second},
			{http.Header{"X-Ratelimit-Reset": {"48"}}, 48 * time.Second},
			{http.Header{"Retry-After": {"3"}, "X-Ratelimit-Reset": {"48"}}, 3 * time.Second},
			{http.Header{"Retry-After": {"soon"}, "X-Ratelimit-Reset": {"1.5"}}, 1500 * time.Millisecond},
			{http.Header{"Retry-After": {now.Add(time.Minute).Format(http.TimeFormat)}}, time.Minute},
			{http.Header{"Retry-After": {now.Add(-time.Minute).Format(http.TimeFormat)}}, 0},
			{http.Header{"X-Ratelimit-Reset": {"1795392000"}}, 0}, // an epoch is not believed
			{http.Header{"X-Ratelimit-Reset": {"-5"}}, 0},
			{http.Header{"X-Ratelimit-Reset": {"NaN"}}, 0},
		} {
			s := &stub{status: 429, header: c.header, body: `{"message":"slow down"}`}
			_, err := stubbed(s).Project(t.Context(), ref)
			if f := faultOf(t, err); f.Code != fault.Throttled || f.RetryAfter != c.want {
				t.Errorf("%v: %v after %v, want %v", c.header, f, f.RetryAfter, c.want)
			}
		}
	})
}

func TestOwnRateLimitIsUnderstood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Settings{PerMinute: 2})
		for range 2 {
			if _, err := w.FindProjects(t.Context(), "one"); err != nil {
				t.Fatal(err)
			}
		}
		w.sleep(t, 15*time.Second)
		_, err := w.FindProjects(t.Context(), "one")
		if f := faultOf(t, err); f.Code != fault.Throttled || f.RetryAfter != 45*time.Second {
			t.Fatalf("%v, retry after %v", f, f.RetryAfter)
		}
		w.sleep(t, 45*time.Second)
		if _, err := w.FindProjects(t.Context(), "one"); err != nil {
			t.Error(err)
		}
	})
}

func TestNothingIsSentWithoutAReferenceOrAKey(t *testing.T) {
	for _, bad := range []string{"", "abc", strings.Repeat("A", 20), "../organizations/xxxx", strings.Repeat("a", 21)} {
		for _, o := range operations() {
			if o.name == "ListProjects" || o.name == "CreateProject" || o.name == "GetOrganization" {
				continue
			}
			s := &stub{status: 200}
			err := o.call(attempt(t), stubbed(s), bad, keys)
			if !fault.Is(err, fault.Internal) || !fault.NothingHappened(err) || len(s.sent) != 0 {
				t.Errorf("%s of %q: %v, %d sent", o.name, bad, err, len(s.sent))
			}
		}
	}
	s := &stub{status: 200}
	if err := stubbed(s).RestHealth(t.Context(), ref, provider.Secret{}); !fault.Is(err, fault.Internal) || len(s.sent) != 0 {
		t.Errorf("without a key: %v", err)
	}
	cfg := config(clock.System(), s)
	cfg.Credential = func(context.Context, string) (provider.Secret, error) { return provider.Secret{}, io.ErrUnexpectedEOF }
	if err := supabase.New(cfg).DeleteProject(attempt(t), ref); !fault.Is(err, fault.Unavailable) || !fault.NothingHappened(err) || len(s.sent) != 0 {
		t.Errorf("without a token: %v", err)
	}
}

func TestSecretsAndFreeTextAreNotPrinted(t *testing.T) {
	secrets := []string{token, "eyJanon", "eyJservice", "database-password", "another-password", "canary", adminMail}
	printed := &strings.Builder{}
	logger := slog.New(slog.NewJSONHandler(printed, nil))
	for _, status := range []int{200, 400, 404, 422, 500} {
		s := &stub{status: status, body: `{"message":"canary","msg":"canary","error_code":"canary, really"}`}
		for _, o := range operations() {
			if err := o.call(attempt(t), stubbed(s), ref, keys); err != nil {
				_, _ = fmt.Fprintln(printed, err)
				logger.Error("failed", "error", err)
			}
		}
	}
	logger.Info("keys", "keys", keys, "project", newProject("one"), "new", supabase.NewUser{ID: adminID, Email: adminMail},
		"user", supabase.User{ID: adminID, Email: adminMail})
	asJSON, err := json.Marshal([]any{keys, newProject("one")})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = fmt.Fprintf(printed, "%s %v %+v %#v %v %+v", asJSON, keys, keys, keys, newProject("one"), newProject("one"))
	for _, secret := range secrets {
		if strings.Contains(printed.String(), secret) {
			t.Errorf("%q is printed", secret)
		}
	}
}

func FuzzAnswers(f *testing.F) {
	f.Add(uint16(200), "", `{"ref":"aaaaaaaaaaaaaaaaaaaa","name":"two","status":"UNKNOWN","id":"x"}`)
	f.Add(uint16(200), "", `[{"name":"anon","type":"legacy","api_key":"x"},{"name":"service_role","type":"legacy","api_key":null}]`)
	f.Add(uint16(200), "", `{"projects":[{"ref":"aaaaaaaaaaaaaaaaaaaa","name":"one","status":"X"}],"pagination":{"count":1}}`)
	f.Add(uint16(200), "", `[{"database_type":"PRIMARY","db_host":"h","db_port":6543,"db_user":"u"}]`)
	f.Add(uint16(422), "email_exists", `{"code":422,"error_code":"email_exists","msg":"x"}`)
	f.Add(uint16(400), "", `{"message":["a",1]}`)
	f.Add(uint16(429), "9", `{}`)
	f.Add(uint16(404), "", `<html>`)
	f.Fuzz(func(t *testing.T, status uint16, header, body string) {
		// 1xx answers never reach a client.
		code := 200 + int(status)%400
		h := http.Header{"Retry-After": {header}, "X-Ratelimit-Reset": {header}, "X-Sb-Error-Code": {header}}
		for _, o := range operations() {
			err := o.call(attempt(t), stubbed(&stub{status: code, header: h, body: body}), ref, keys)
			if err == nil {
				if code > 299 && (o.name != "DeleteProject" && o.name != "GetUser" || code != 404) {
					t.Errorf("%s: %d is a success", o.name, code)
				}
				continue
			}
			f := faultOf(t, err)
			if f.NothingHappened && code < 400 && f.Code != fault.NotReady {
				t.Errorf("%s: %d proves nothing, but %v", o.name, code, f)
			}
			if f.NothingHappened && code >= 500 || f.RetryAfter < 0 || f.RetryAfter > time.Hour {
				t.Errorf("%s: %d: %+v", o.name, code, f)
			}
			if len(f.VendorCode) > 64 || strings.ContainsAny(f.Error(), "\n\r<>@") {
				t.Errorf("%s: free text in %q", o.name, f.Error())
			}
		}
	})
}
