package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/project-gimbal/fleet/internal/view"
)

// signedOnly is an API that takes only requests which the operator's key has signed: it signs them anew, and compares.
func signedOnly(t *testing.T, region string, key aws.Credentials) *httptest.Server {
	t.Helper()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
		if err != nil || time.Since(at).Abs() > time.Minute {
			t.Errorf("signed at %v: %v", at, err)
		}
		got := r.Header.Get("Authorization")
		_, names, _ := strings.Cut(got, "SignedHeaders=")
		names, _, _ = strings.Cut(names, ",")
		anew, _ := http.NewRequest(r.Method, "http://"+r.Host+r.URL.RequestURI(), bytes.NewReader(body))
		for _, name := range strings.Split(names, ";") {
			if values := r.Header.Values(name); len(values) > 0 {
				anew.Header[http.CanonicalHeaderKey(name)] = values
			}
		}
		sum := sha256.Sum256(body)
		if err := v4.NewSigner().SignHTTP(r.Context(), key, anew, hex.EncodeToString(sum[:]), "execute-api", region, at); err != nil {
			t.Error(err)
		}
		if want := anew.Header.Get("Authorization"); got == "" || got != want {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `{"message":"Forbidden"}`)
			return
		}
		_, _ = io.WriteString(w, `{"instances":[],"frozen":[]}`)
	}))
	t.Cleanup(api.Close)
	t.Setenv("FLEETCTL_API", api.URL)
	t.Setenv("FLEETCTL_TOKEN", "")
	return api
}

// ownKey sets the operator's AWS credentials.
func ownKey(t *testing.T, key aws.Credentials, region string) {
	t.Helper()
	none := filepath.Join(t.TempDir(), "none")
	for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": key.AccessKeyID, "AWS_SECRET_ACCESS_KEY": key.SecretAccessKey,
		"AWS_SESSION_TOKEN": key.SessionToken, "AWS_REGION": region, "AWS_PROFILE": "", "AWS_CONFIG_FILE": none,
		"AWS_SHARED_CREDENTIALS_FILE": none, "AWS_EC2_METADATA_DISABLED": "true"} {
		t.Setenv(name, value)
	}
}

func TestSigns(t *testing.T) {
	key := aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "wJalrXUtnFEMI", SessionToken: "of a role"}
	signedOnly(t, "eu-central-1", key)
	ownKey(t, key, "eu-central-1")
	fleetctl(t, "list").want(t, exitDone, "There is no signup yet", "")
	fleetctl(t, "logs", acme, "--since", "90m", "--json").want(t, exitDone, `{"instances":[]`, "") // with a query
	fleetctl(t, "thaw", "twilio", "--json").want(t, exitDone, "", "")                              // with a body

	other := key
	other.SecretAccessKey = "another"
	ownKey(t, other, "eu-central-1")
	fleetctl(t, "list").want(t, exitFailed, "", "It does not let the AWS access key …MPLE of EnvConfigCredentials, in eu-central-1 in: they need execute-api:Invoke")
	ownKey(t, key, "us-east-1")
	fleetctl(t, "list").want(t, exitFailed, "", "403 Forbidden: Forbidden")
	fleetctl(t, "list", "--region", "eu-central-1").want(t, exitDone, "", "")
	ownKey(t, key, "")
	fleetctl(t, "list").want(t, exitUsage, "", "in which region is the API? Say --region, or set AWS_REGION")
	ownKey(t, aws.Credentials{}, "eu-central-1")
	fleetctl(t, "list").want(t, exitFailed, "", "there are no AWS credentials to sign with: log in")
	fleetctl(t, "list", "--profile", "unheard-of").want(t, exitFailed, "", "unheard-of")
}

// TestRegionOfTheHost: API Gateway's own host names tell the region, whatever the profile says.
func TestRegionOfTheHost(t *testing.T) {
	key := aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "wJalrXUtnFEMI"}
	ownKey(t, key, "us-east-1")
	s := &signed{host: "abc123.execute-api.eu-central-1.amazonaws.com", now: time.Now}
	r, _ := http.NewRequest(http.MethodGet, "https://"+s.host+"/instances", nil)
	if err := s.prove(context.Background(), r, nil); err != nil || !strings.Contains(r.Header.Get("Authorization"), "/eu-central-1/execute-api/") {
		t.Errorf("%q, %v", r.Header.Get("Authorization"), err)
	}
}

func TestShowsTheToken(t *testing.T) {
	api := newFakeAPI(t, map[string]answer{"GET /instances": {200, encoded(t, view.Fleet{})}})
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("open\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	fleetctl(t, "list").want(t, exitDone, "", "")
	fleetctl(t, "list", "--token-file", file).want(t, exitDone, "", "")
	if a, b := api.asked[0].header.Get("Authorization"), api.asked[1].header.Get("Authorization"); a != "Bearer sesame" || b != "Bearer open" {
		t.Errorf("%q, %q", a, b)
	}
	fleetctl(t, "list", "--token-file", file+"s").want(t, exitFailed, "", "no such file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	fleetctl(t, "list", "--token-file", file).want(t, exitFailed, "", "is empty")
}

// TestServesFolder: address and token come from what "serve" keeps.
func TestServesFolder(t *testing.T) {
	api := newFakeAPI(t, map[string]answer{"GET /instances": {200, encoded(t, view.Fleet{})}})
	t.Setenv("FLEETCTL_API", "")
	dir := t.TempDir()
	fleetctl(t, "list", "--local="+dir).want(t, exitFailed, "", `nothing serves from `+dir+`: start it by "make serve"`)
	for name, text := range map[string]string{"front.json": `{"url":"` + api.URL + `"}`, "credentials.json": `{"operator-token":"local","other":"x"}`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fleetctl(t, "list", "--local="+dir).want(t, exitDone, "", "")
	if got := api.asked[0].header.Get("Authorization"); got != "Bearer local" {
		t.Error(got)
	}
	api.answers["GET /instances"] = answer{401, `{"title":"Unauthorized","status":401,"detail":"send the operator's token"}`}
	fleetctl(t, "list", "--local="+dir).want(t, exitFailed, "", "It did not take the token of "+filepath.Join(dir, "credentials.json"))
	api.Close()
	fleetctl(t, "list", "--local="+dir).want(t, exitFailed, "", "nothing serves from "+dir+" any more")
}

// TestRefusals: each says what happened and what to do.
func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		answer
		want string
	}{
		"problem":        {answer{409, `{"title":"Conflict","status":409,"detail":"nothing to retry"}`}, "409 Conflict: nothing to retry"},
		"with fields":    {answer{422, `{"title":"x","status":422,"fields":{"scope":"one of fleet","reason":"too long"}}`}, "\n  reason: too long\n  scope: one of fleet"},
		"token":          {answer{401, `{"status":401}`}, "It did not take the token of FLEETCTL_TOKEN"},
		"gateway's":      {answer{403, `{"message":"Forbidden"}`}, "execute-api:Invoke"},
		"no JSON":        {answer{502, "<html>"}, "502 Bad Gateway\nThe function's log says why"},
		"not now":        {answer{503, `{"status":503,"detail":"not now; try again in a moment"}`}, "Look whether it was done"},
		"redirect":       {answer{301, ""}, "is not the API's own address"},
		"an escape":      {answer{400, `{"detail":"a\u001b[31mb"}`}, "400 Bad Request: a[31mb"},
		"a wrong answer": {answer{200, "<html>hello</html>"}, "is that its address?"},
		"throttled":      {answer{429, `{"message":"Too Many Requests"}`}, "try again in a moment"},
	} {
		t.Run(name, func(t *testing.T) {
			api := newFakeAPI(t, map[string]answer{"POST /instances/" + acme + "/retry": c.answer})
			fleetctl(t, "retry", acme).want(t, exitFailed, "", c.want)
			if len(api.asked) != 1 {
				t.Errorf("a POST was sent again: %q", api.lines())
			}
		})
	}
	newFakeAPI(t, map[string]answer{"GET /instances": {401, `{"status":401}`}})
	fleetctl(t, "list", "--json").want(t, exitFailed, `{"status":401}`, "It did not take")
}

// TestNoAnswer: what is wrong with the way there, and whether a change may have been made.
func TestNoAnswer(t *testing.T) {
	api := newFakeAPI(t, nil)
	api.Close()
	fleetctl(t, "retry", acme).want(t, exitFailed, "", "nothing listens there: check the address\n")

	deaf, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = deaf.Close() }()
	t.Setenv("FLEETCTL_API", "http://"+deaf.Addr().String())
	fleetctl(t, "retry", acme, "--timeout", "20ms").want(t, exitFailed, "", "it took longer than 20ms: try again, or allow more by --timeout; the change may have been made")
	got := fleetctl(t, "list", "--timeout", "20ms")
	got.want(t, exitFailed, "", "longer than 20ms")
	if strings.Contains(got.err, "may have been made") {
		t.Error(got.err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, complaint bytes.Buffer
	if code := run(ctx, []string{"retry", acme}, terminal{out: &out, err: &complaint}); code != exitFailed || !strings.Contains(complaint.String(), "interrupted") {
		t.Errorf("%d, %s", code, complaint.String())
	}
}
