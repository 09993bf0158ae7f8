package step_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/step"
)

type trip func(*http.Request) (*http.Response, error)

func (t trip) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

// logged sends one request from a function behind the API and gives the line that tells of it.
func logged(t *testing.T, method, url string, answer func(*http.Request) (*http.Response, error)) map[string]any {
	t.Helper()
	var text bytes.Buffer
	env := step.Env{Clock: clock.System(), Log: slog.New(slog.NewJSONHandler(&text, nil)), Request: "r-1"}
	transport := step.LogCalls(env.Clock, provider.Production(), trip(answer))
	function := step.Event(func(ctx context.Context, _ step.Env) error {
		ctx = step.About(ctx, fleet.RunInput{InstanceID: "i-1", OperationID: "recheck-2", Epoch: 2})
		r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader("a secret body"))
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", "Bearer secret")
		if a, err := transport.RoundTrip(r); err == nil {
			return a.Body.Close()
		}
		return nil
	})
	if _, err := step.Invoke(t.Context(), env, catalog.Recheck, function, json.RawMessage("{}")); err != nil {
		t.Fatal(err)
	}
	var lines []map[string]any
	for _, line := range strings.Split(strings.TrimSpace(text.String()), "\n") {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatal(err)
		}
		if fields["msg"] == "vendor call" {
			lines = append(lines, fields)
		}
	}
	if len(lines) != 1 || strings.Contains(text.String(), "secret") {
		t.Fatalf("the log: %s", &text)
	}
	for _, always := range []string{"time", "level", "msg", "took"} {
		if _, ok := lines[0][always]; !ok {
			t.Errorf("the line lacks %s: %v", always, lines[0])
		}
		delete(lines[0], always)
	}
	return lines[0]
}

// TestCallsAreLogged: one line a call, with the vendor's own id of it, and nothing that could be a secret or somebody's.
func TestCallsAreLogged(t *testing.T) {
	fields := func(more map[string]any) map[string]any {
		for name, value := range map[string]any{"function": "recheck", "request": "r-1", "instance": "i-1", "operation": "recheck-2", "epoch": 2.0} {
			more[name] = value
		}
		return more
	}
	for _, c := range []struct {
		method, url string
		header      http.Header
		err         error
		want        map[string]any
	}{
		{"GET", "https://api.supabase.com/v1/projects?secret=secret", http.Header{"Sb-Request-Id": {"sb-1"}, "Cf-Ray": {"ray-1"}}, nil,
			map[string]any{"vendor": "supabase", "method": "GET", "path": "/v1/projects", "status": 201.0, "vendor_request": "sb-1"}},
		{"POST", "https://abcdef.supabase.co/auth/v1/admin/users/ada@example.com", http.Header{"Cf-Ray": {"ray-1"}}, nil,
			map[string]any{"vendor": "supabase", "method": "POST", "path": "/auth/v1/admin/users/…", "status": 201.0, "vendor_request": "ray-1"}},
		{"GET", "https://api.vercel.com/v9/projects/gimbal-1", http.Header{"X-Vercel-Id": {"fra1::1"}}, nil,
			map[string]any{"vendor": "vercel", "method": "GET", "path": "/v9/projects/gimbal-1", "status": 201.0, "vendor_request": "fra1::1"}},
		{"GET", "https://api.cloudflare.com/client/v4/zones", http.Header{"Cf-Ray": {"ray\nwith a line"}}, nil,
			map[string]any{"vendor": "cloudflare", "method": "GET", "path": "/client/v4/zones", "status": 201.0, "vendor_request": ""}},
		{"GET", "https://api.twilio.com/Numbers/+12125550123.json", http.Header{"Twilio-Request-Id": {"RQ1"}}, nil,
			map[string]any{"vendor": "twilio", "method": "GET", "path": "/Numbers/…", "status": 201.0, "vendor_request": "RQ1"}},
		{"POST", "https://api.sendgrid.com/v3/mail/send", http.Header{"X-Message-Id": {"m-1"}, "X-Request-Id": {"x"}}, nil,
			map[string]any{"vendor": "sendgrid", "method": "POST", "path": "/v3/mail/send", "status": 201.0, "vendor_request": "m-1"}},
		{"POST", "https://api.sendgrid.com/v3/mail/send", nil, syscall.ECONNREFUSED,
			map[string]any{"vendor": "sendgrid", "method": "POST", "path": "/v3/mail/send", "failure": "connection refused"}},
		{"GET", "https://elsewhere.example/x", nil, errors.New("a secret of the connection"),
			map[string]any{"vendor": "", "method": "GET", "path": "/x", "failure": "no answer"}},
	} {
		got := logged(t, c.method, c.url, func(*http.Request) (*http.Response, error) {
			if c.err != nil {
				return nil, c.err
			}
			return &http.Response{StatusCode: http.StatusCreated, Header: c.header, Body: io.NopCloser(strings.NewReader("a secret answer"))}, nil
		})
		if diff := cmp.Diff(fields(c.want), got); diff != "" {
			t.Errorf("%s %s: %s", c.method, c.url, diff)
		}
	}
}

func TestLogSource(t *testing.T) {
	for text, want := range map[string]string{
		`{"function":"admit","msg":"done"}`:                                                           "admit",
		`{"workflow":"provision","execution":"op-1-provision-1"}`:                                     "provision",
		`{"execution_arn":"arn:aws:states:eu-west-1:1:execution:fleet-dev-teardown:op-1-teardown-1"}`: "fleet-dev-teardown",
		`{"execution_arn":"arn:aws:states:eu-west-1:1:stateMachine:x:y"}`:                             "",
		`{"execution_arn":5}`: "",
		`START RequestId`:     "",
	} {
		if got := step.LogSource(text); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
