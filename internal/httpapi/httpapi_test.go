package httpapi_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/step"
)

// problem reads an answer that must be a problem document.
func problem(t *testing.T, a events.APIGatewayV2HTTPResponse) httpapi.Problem {
	t.Helper()
	var p httpapi.Problem
	if err := json.Unmarshal([]byte(a.Body), &p); err != nil {
		t.Fatalf("%s: %v", a.Body, err)
	}
	if a.Headers["content-type"] != "application/problem+json" || a.Headers["cache-control"] != "no-store" || p.Status != a.StatusCode ||
		p.Type != "about:blank" || p.Title == "" {
		t.Errorf("%d %v %s", a.StatusCode, a.Headers, a.Body)
	}
	return p
}

func TestProblem(t *testing.T) {
	got := problem(t, httpapi.Problem{Status: 422, Title: "Faults", Detail: "mend", Fields: map[string]string{"slug": "taken"}}.Answer())
	want := httpapi.Problem{Type: "about:blank", Status: 422, Title: "Faults", Detail: "mend", Fields: map[string]string{"slug": "taken"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := problem(t, httpapi.Problem{Status: 404}.Answer()); got.Title != "Not Found" {
		t.Errorf("title %q", got.Title)
	}
}

func TestJSON(t *testing.T) {
	a := httpapi.JSON(202, map[string]int{"n": 1})
	if a.StatusCode != 202 || a.Body != `{"n":1}` || a.Headers["content-type"] != "application/json" || a.Headers["cache-control"] != "no-store" || a.IsBase64Encoded {
		t.Errorf("%+v", a)
	}
	if a := httpapi.JSON(200, func() {}); a.StatusCode != 500 || a.Headers["content-type"] != "application/problem+json" {
		t.Errorf("what does not encode: %+v", a)
	}
}

var quiet = step.Env{Log: slog.New(slog.DiscardHandler)}

func TestFailed(t *testing.T) {
	refused := httpapi.Refuse(409, fault.Conflict, "the slug is taken")
	for _, test := range []struct {
		name   string
		err    error
		status int
		detail string
	}{
		{"refused", refused, 409, "the slug is taken"},
		{"refused, wrapped", fmt.Errorf("hunter2: %w", refused), 409, "the slug is taken"},
		{"refused, joined", errors.Join(io.EOF, refused), 409, "the slug is taken"},
		{"later", httpapi.Later(fault.Unavailable, "a vendor doesn't tell"), 424, "a vendor doesn't tell"},
		{"throttled", fault.New(fault.Throttled, "hunter2"), 503, ""},
		{"unavailable", &fault.Error{Code: fault.Unavailable, Text: "hunter2", Err: io.EOF}, 503, ""},
		{"not ready, wrapped", fmt.Errorf("x: %w", fault.New(fault.NotReady, "hunter2")), 503, ""},
		{"internal", fault.New(fault.Internal, "hunter2"), 500, ""},
		{"stale", fault.New(fault.StaleEpoch, "hunter2"), 500, ""},
		{"any other", errors.New("hunter2"), 500, ""},
		{"a vendor's 403", &fault.Error{Code: fault.Rejected, Vendor: "twilio", Operation: "CreateKey", Status: 403, Text: "hunter2"}, 500, ""},
		{"a vendor's 429", &fault.Error{Code: fault.Throttled, Vendor: "twilio", Operation: "CreateKey", Status: 429, Text: "hunter2"}, 503, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var logged bytes.Buffer
			a := httpapi.Failed(t.Context(), step.Env{Log: slog.New(slog.NewTextHandler(&logged, nil))}, test.err)
			p := problem(t, a)
			if again := a.Headers["retry-after"]; (again != "") != (test.status == 424) || again == "0" {
				t.Errorf("Retry-After: %q", again)
			}
			if mine := test.status >= 424; mine != strings.Contains(logged.String(), "code="+string(fault.CodeOf(test.err))) {
				t.Errorf("logged %q", logged.String())
			}
			if p.Status != test.status || test.detail != "" && p.Detail != test.detail || p.Detail == "" || strings.Contains(a.Body, "hunter2") {
				t.Errorf("%s", a.Body)
			}
		})
	}
}

func TestBody(t *testing.T) {
	full := strings.Repeat("x", httpapi.MaxBody)
	encode := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	for _, test := range []struct {
		name    string
		body    string
		encoded bool
		want    string
		status  int
	}{
		{"empty", "", false, "", 0},
		{"plain", "{}", false, "{}", 0},
		{"plain that looks encoded", "e30=", false, "e30=", 0},
		{"encoded", encode("\xff{}"), true, "\xff{}", 0},
		{"encoded, empty", "", true, "", 0},
		{"largest", full, false, full, 0},
		{"largest, encoded", encode(full), true, full, 0},
		{"one too many", full + "x", false, "", 413},
		{"one too many, encoded", encode(full + "x"), true, "", 413},
		{"huge", strings.Repeat("x", 6<<20), false, "", 413},
		{"huge, encoded", encode(strings.Repeat("x", 6<<20)), true, "", 413},
		{"huge and not what it says", strings.Repeat("!", 6<<20), true, "", 413},
		{"not what its encoding says", "e30", true, "", 400},
		{"nor this", "{}", true, "", 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := httpapi.Body(events.APIGatewayV2HTTPRequest{Body: test.body, IsBase64Encoded: test.encoded})
			if test.status == 0 {
				if err != nil || string(got) != test.want {
					t.Errorf("%d bytes, %v", len(got), err)
				}
				return
			}
			if p := problem(t, httpapi.Failed(t.Context(), quiet, err)); err == nil || p.Status != test.status || got != nil {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
}

func TestHeader(t *testing.T) {
	r := events.APIGatewayV2HTTPRequest{Headers: map[string]string{"webhook-id": "1", "X-Other": "2"}}
	for name, want := range map[string]string{"webhook-id": "1", "Webhook-Id": "1", "x-other": "2", "absent": "", "": ""} {
		if got := httpapi.Header(r, name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	if got := httpapi.Header(events.APIGatewayV2HTTPRequest{}, "x"); got != "" {
		t.Errorf("a header out of nothing: %q", got)
	}
}

// operators is an environment whose operators' token is the given one.
func operators(token string, err error) step.Env {
	return step.Env{Provider: provider.Config{Credential: func(_ context.Context, name string) (provider.Secret, error) {
		if name != step.OperatorToken {
			return provider.Secret{}, fault.New(fault.Internal, "asked for %s", name)
		}
		return provider.NewSecret(token), err
	}}}
}

func TestOperator(t *testing.T) {
	with := func(headers ...string) events.APIGatewayV2HTTPRequest {
		r := events.APIGatewayV2HTTPRequest{Headers: map[string]string{}}
		for i := 0; i < len(headers); i += 2 {
			r.Headers[headers[i]] = headers[i+1]
		}
		return r
	}
	for name, r := range map[string]events.APIGatewayV2HTTPRequest{
		"as API Gateway gives it": with("authorization", "Bearer right"), "as typed": with("Authorization", "Bearer right"), "small": with("authorization", "bearer right"),
	} {
		if who, err := httpapi.Operator(t.Context(), operators("right", nil), r); err != nil || who != "operator:token" {
			t.Errorf("%s: %q, %v", name, who, err)
		}
	}
	var first string
	for name, test := range map[string]struct {
		token  string
		header events.APIGatewayV2HTTPRequest
	}{
		"missing":                     {"right", with()},
		"empty":                       {"right", with("authorization", "")},
		"no token":                    {"right", with("authorization", "Bearer")},
		"an empty token":              {"right", with("authorization", "Bearer ")},
		"wrong":                       {"right", with("authorization", "Bearer wrong")},
		"wrong in one letter":         {"right", with("authorization", "Bearer righT")},
		"its beginning":               {"right", with("authorization", "Bearer righ")},
		"longer":                      {"right", with("authorization", "Bearer right2")},
		"spaces":                      {"right", with("authorization", "Bearer  right")},
		"a space after":               {"right", with("authorization", "Bearer right ")},
		"no scheme":                   {"right", with("authorization", "right")},
		"another scheme":              {"right", with("authorization", "Basic right")},
		"the right one among others":  {"right", with("authorization", "Bearer wrong,Bearer right")},
		"elsewhere":                   {"right", with("x-authorization", "Bearer right")},
		"none is set, none is sent":   {"", with("authorization", "Bearer ")},
		"none is set, nothing at all": {"", with()},
	} {
		who, err := httpapi.Operator(t.Context(), operators(test.token, nil), test.header)
		if err == nil || who != "" {
			t.Errorf("%s: let in as %q", name, who)
			continue
		}
		a := httpapi.Failed(t.Context(), quiet, err)
		if a.StatusCode != http.StatusUnauthorized || strings.Contains(a.Body, "right") {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.Body)
		}
		if first == "" {
			first = a.Body
		}
		if a.Body != first { // what is wrong with a token is not told
			t.Errorf("%s answers %s, another %s", name, a.Body, first)
		}
	}
}

// TestOperatorWithoutCredential: nobody gets in while the token can't be read, and that is no 401.
func TestOperatorWithoutCredential(t *testing.T) {
	env := operators("right", fault.New(fault.Unavailable, "no answer"))
	who, err := httpapi.Operator(t.Context(), env, events.APIGatewayV2HTTPRequest{Headers: map[string]string{"authorization": "Bearer right"}})
	if err == nil || who != "" || httpapi.Failed(t.Context(), quiet, err).StatusCode != http.StatusServiceUnavailable {
		t.Errorf("%q, %v", who, err)
	}
}
