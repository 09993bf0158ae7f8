package vercel_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/vercel"
)

func answer(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

func TestAnswersThatCannotBeUnderstood(t *testing.T) {
	const secretText = "sk_live_vendor_words"
	bodies := map[string]func() io.Reader{
		"HTML":       func() io.Reader { return strings.NewReader("<html>" + secretText + "</html>") },
		"empty":      func() io.Reader { return strings.NewReader("") },
		"truncated":  func() io.Reader { return strings.NewReader(`{"id":"prj_1","name":"ac`) },
		"cut off":    func() io.Reader { return io.MultiReader(strings.NewReader(`{"id":`), broken{}) },
		"null":       func() io.Reader { return strings.NewReader(`null`) },
		"incomplete": func() io.Reader { return strings.NewReader(`{}`) },
		"wrong types": func() io.Reader {
			return strings.NewReader(`{"id":[],"name":7,"envs":1,"created":"x","failed":3,"misconfigured":"no","deployments":{},"verified":1,"meta":[],"membership":[],"projects":{}}`)
		},
		"10 MB":           func() io.Reader { return strings.NewReader(`{"id":"` + strings.Repeat("x", 10<<20) + `"}`) },
		"10 MB of spaces": func() io.Reader { return strings.NewReader(strings.Repeat(" ", 10<<20) + "{}") },
	}
	decoding := []string{"GetProject", "CreateProject", "CreateProjectEnv", "GetProjectDomain", "AddProjectDomain", "GetDomainConfig",
		"CreateDeployment", "GetDeployments", "GetDeployment", "GetTeam", "GetProjects"}
	for _, name := range decoding {
		for what, body := range bodies {
			t.Run(name+"/"+what, func(t *testing.T) {
				client := vercel.New(settings(clock.System(), roundTrip(func(*http.Request) (*http.Response, error) {
					a := answer(201, "")
					a.Body = io.NopCloser(body())
					return a, nil
				})))
				err := operations[name].call(provider.WithAttempt(t.Context()), client)
				f, ok := errors.AsType[*fault.Error](err)
				if !ok || f.Code != fault.Unavailable || f.NothingHappened {
					t.Fatalf("got %+v", err)
				}
				if strings.Contains(fmt.Sprint(err), secretText) {
					t.Errorf("the vendor's words in %v", err)
				}
			})
		}
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestRefusals(t *testing.T) {
	const page = "<html>private words</html>"
	document := func(code string) string { return `{"error":{"code":"` + code + `","message":"private words"}}` }
	tests := []struct {
		name    string
		status  int
		body    string
		code    fault.Code
		vendor  string
		nothing bool
	}{
		{"conflict", 409, document("conflict"), fault.Conflict, "conflict", true},
		{"conflict without a body", 409, "", fault.Conflict, "", true},
		{"billing", 402, document("payment_required"), fault.QuotaExceeded, "payment_required", true},
		{"add-on missing", 428, document("missing_addon"), fault.Rejected, "missing_addon", true},
		{"bad request", 400, document("bad_request"), fault.Rejected, "bad_request", true},
		{"variable exists", 400, document("ENV_CONFLICT"), fault.Conflict, "ENV_CONFLICT", true},
		{"HTML 403", 403, page, fault.Rejected, "", true},
		{"HTML 404 of a proxy", 404, page, fault.Unavailable, "", false},
		{"HTML 502", 502, page, fault.Unavailable, "", false},
		{"redirect", 302, "", fault.Unavailable, "", false},
		{"request timeout", 408, "", fault.Unavailable, "", false},
		{"words instead of a code", 400, document("my secret words"), fault.Rejected, "", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			sent := 0
			client := vercel.New(settings(clock.System(), roundTrip(func(*http.Request) (*http.Response, error) {
				sent++
				a := answer(test.status, test.body)
				a.Header.Set("Location", "https://elsewhere.test/")
				return a, nil
			})))
			_, err := client.CreateProject(provider.WithAttempt(t.Context()), vercel.NewProject{Name: "acme"})
			f, ok := errors.AsType[*fault.Error](err)
			if !ok || f.Code != test.code || f.VendorCode != test.vendor || f.NothingHappened != test.nothing {
				t.Errorf("got %+v", err)
			}
			if sent != 1 || strings.Contains(fmt.Sprint(err), "words") {
				t.Errorf("sent %d times: %v", sent, err)
			}
		})
	}
}

func TestAProxysPageIsNoProofOfAbsence(t *testing.T) {
	for page, deleted := range map[string]bool{"<html>no such route</html>": false, `{"error":"Not Found"}`: false, `{"error":{}}`: false, "": true} {
		client := vercel.New(settings(clock.System(), roundTrip(func(*http.Request) (*http.Response, error) { return answer(404, page), nil })))
		if err := client.DeleteProject(provider.WithAttempt(t.Context()), "prj_1"); deleted != (err == nil) || !deleted && !fault.Is(err, fault.Unavailable) {
			t.Errorf("%q: deleted: %v", page, err)
		}
		if found, err := client.FindProject(t.Context(), "acme"); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%q: absent: %v, %v", page, found, err)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := clock.System().Now()
		for _, test := range []struct {
			name   string
			header map[string]string
			want   time.Duration
		}{
			{"none", nil, 0},
			{"seconds", map[string]string{"Retry-After": "7"}, 7 * time.Second},
			{"date", map[string]string{"Retry-After": now.Add(9 * time.Second).Format(http.TimeFormat)}, 9 * time.Second},
			{"past", map[string]string{"Retry-After": "-3"}, 0},
			{"nonsense", map[string]string{"Retry-After": "soon"}, 0},
			{"a year", map[string]string{"Retry-After": "31536000"}, time.Hour},
			{"used up", map[string]string{"X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": fmt.Sprint(now.Add(11 * time.Second).Unix())}, 11 * time.Second},
			{"not used up", map[string]string{"X-Ratelimit-Remaining": "1", "X-Ratelimit-Reset": fmt.Sprint(now.Add(11 * time.Second).Unix())}, 0},
		} {
			client := vercel.New(settings(clock.System(), roundTrip(func(*http.Request) (*http.Response, error) {
				a := answer(429, "")
				for name, value := range test.header {
					a.Header.Set(name, value)
				}
				return a, nil
			})))
			_, err := client.Deployment(t.Context(), "dpl_1")
			if f, ok := errors.AsType[*fault.Error](err); !ok || f.RetryAfter != test.want {
				t.Errorf("%s: %+v", test.name, err)
			}
		}
	})
}

func TestEndlessPagesEnd(t *testing.T) {
	sent := 0
	client := vercel.New(settings(clock.System(), roundTrip(func(*http.Request) (*http.Response, error) {
		sent++
		return answer(200, `{"deployments":[],"pagination":{"count":0,"next":5,"prev":null}}`), nil
	})))
	if _, err := client.FindDeployments(t.Context(), "prj_1", "k", "v"); !fault.Is(err, fault.Unavailable) || sent > 100 {
		t.Errorf("%d pages: %v", sent, err)
	}
	sent = 0
	client = vercel.New(settings(clock.System(), roundTrip(func(*http.Request) (*http.Response, error) {
		sent++
		return answer(200, `{"projects":[],"pagination":{"count":0,"next":"5"}}`), nil
	})))
	if _, err := client.CountProjects(t.Context()); !fault.Is(err, fault.Unavailable) || sent > 200 {
		t.Errorf("%d pages of projects: %v", sent, err)
	}
}

func FuzzAnswers(f *testing.F) {
	f.Add(200, `{"id":"prj_1","name":"acme"}`)
	f.Add(200, `{"envs":[{"key":"FLEET_INSTANCE_ID","value":"i","type":"plain","target":"production"}]}`)
	f.Add(201, `{"created":{"key":"A"},"failed":[{"error":{"code":"ENV_CONFLICT","message":"words"}}]}`)
	f.Add(200, `{"deployments":[{"uid":"d","state":"READY","aliasAssigned":1700000000000,"aliasError":{"code":"a b"}}],"pagination":{"next":null}}`)
	f.Add(400, `{"error":{"code":"missing_files","missing":["da39a3ee5e6b4b0d3255bfef95601890afd80709","x"]}}`)
	f.Add(200, `{"misconfigured":true,"recommendedCNAME":[{"rank":1,"value":"a.vercel-dns-016.com."}]}`)
	f.Add(200, `{"id":"team_gimbal","membership":{"confirmed":true,"role":"OWNER"}}`)
	f.Add(200, `{"id":"team_other","membership":{"confirmed":true,"role":"OWNER"}}`)
	f.Add(200, `{"projects":[{"id":"prj_1","name":"acme"}],"pagination":{"count":1,"next":"5"}}`)
	f.Add(404, `{"error":{"code":"not_found","message":"gone"}}`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 100 || status > 999 {
			return
		}
		for _, name := range operationNames() {
			client := vercel.New(settings(clock.System(), roundTrip(func(*http.Request) (*http.Response, error) { return answer(status, body), nil })))
			err := operations[name].call(provider.WithAttempt(t.Context()), client)
			if err == nil {
				if status != 404 && (status < 200 || status > 299) {
					t.Errorf("%s: status %d is a success", name, status)
				}
				continue
			}
			fe, ok := err.(*fault.Error) //nolint:errorlint // it must be one itself
			if !ok {
				t.Fatalf("%s: no fault: %v", name, err)
			}
			if fe.NothingHappened && (status < 400 || status >= 500) {
				t.Errorf("%s: status %d proves nothing", name, status)
			}
			for _, c := range fe.Error() {
				if c < ' ' || c > '~' {
					t.Errorf("%s: free text in %q", name, fe.Error())
				}
			}
		}
	})
}
