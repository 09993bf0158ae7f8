package onaws_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// outcome is what a function told the runtime about an invocation.
type outcome struct {
	failed bool
	body   string
}

// runtimeAPI is Lambda's runtime API, version 2018-06-01, as far as a function needs it. It hands out the payloads that are
// put into it, one invocation after the other.
type runtimeAPI struct {
	payloads chan string
	outcomes chan outcome
	server   *httptest.Server
	served   int
}

func newRuntimeAPI(t *testing.T) *runtimeAPI {
	r := &runtimeAPI{payloads: make(chan string), outcomes: make(chan outcome)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", r.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", r.done(false))
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", r.done(true))
	r.server = httptest.NewServer(mux)
	t.Cleanup(func() {
		r.server.CloseClientConnections() // "next" waits
		r.server.Close()
	})
	return r
}

func (r *runtimeAPI) next(out http.ResponseWriter, in *http.Request) {
	select {
	case <-in.Context().Done():
	case payload := <-r.payloads:
		r.served++
		h := out.Header()
		h.Set("Lambda-Runtime-Aws-Request-Id", fmt.Sprintf("request-%d", r.served))
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(time.Minute).UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:111122223333:function:fleet-test")
		_, _ = io.WriteString(out, payload) // the test waits for the outcome
	}
}

func (r *runtimeAPI) done(failed bool) http.HandlerFunc {
	return func(out http.ResponseWriter, in *http.Request) {
		body, _ := io.ReadAll(in.Body) // what is missing shows
		r.outcomes <- outcome{failed, string(body)}
		out.WriteHeader(http.StatusAccepted)
	}
}

// process is a function, built and running, under a runtime API of its own.
type process struct {
	runtime *runtimeAPI
	command *exec.Cmd
	output  strings.Builder
}

// log ends the process, which never ends by itself, and gives what it wrote.
func (p *process) log() string {
	_ = p.command.Process.Kill() // it may have ended
	_ = p.command.Wait()         // killed
	return p.output.String()
}

// start builds a function as it is deployed, for this machine, and starts it.
func start(t *testing.T, function string, variables ...string) *process {
	t.Helper()
	bootstrap := filepath.Join(t.TempDir(), "bootstrap")
	build := exec.Command("go", "build", "-tags", "lambda.norpc nethttpomithttp2", "-o", bootstrap, "../../functions/"+function)
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	p := &process{runtime: newRuntimeAPI(t)}
	run := exec.Command(bootstrap)
	run.Env = append([]string{"AWS_LAMBDA_RUNTIME_API=" + p.runtime.server.Listener.Addr().String(),
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x", "AWS_SESSION_TOKEN=x"}, variables...)
	run.Stdout, run.Stderr = &p.output, &p.output
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	p.command = run
	t.Cleanup(func() { _ = p.log() })
	return p
}

func (p *process) invoke(t *testing.T, payload string) outcome {
	t.Helper()
	late := time.After(30 * time.Second)
	select {
	case p.runtime.payloads <- payload:
	case <-late:
		t.Fatal("the function doesn't ask for an invocation")
	}
	select {
	case o := <-p.runtime.outcomes:
		return o
	case <-late:
		t.Fatal("the function doesn't answer")
	}
	return outcome{}
}

// fails invokes the function, and wants an error of this type.
func (p *process) fails(t *testing.T, payload, kind, text string) {
	t.Helper()
	o := p.invoke(t, payload)
	var e struct{ ErrorType, ErrorMessage string }
	if err := json.Unmarshal([]byte(o.body), &e); err != nil || !o.failed || e.ErrorType != kind || !strings.Contains(e.ErrorMessage, text) {
		t.Errorf("got %+v, want %s with %q", o, kind, text)
	}
}

// dynamoDB answers each operation with a status and a body.
func dynamoDB(t *testing.T, answers map[string]string) string {
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		_, operation, _ := strings.Cut(in.Header.Get("X-Amz-Target"), ".")
		body, ok := answers[operation]
		if !ok {
			out.WriteHeader(http.StatusInternalServerError)
			return
		}
		out.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_, _ = io.WriteString(out, body) // the function tries again
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// TestStatusFunction runs a function behind the API as the process that Lambda would start.
func TestStatusFunction(t *testing.T) {
	p := start(t, "signup-status", "FLEET_STAGE=test", "FLEET_TABLE=fleet", "FLEET_DOMAIN=gimbal.app",
		"AWS_ENDPOINT_URL="+dynamoDB(t, map[string]string{"GetItem": "{}"}))
	for range 2 { // the second one finds everything open
		o := p.invoke(t, `{"version":"2.0","pathParameters":{"id":"i-1"}}`)
		var answer events.APIGatewayV2HTTPResponse
		if err := json.Unmarshal([]byte(o.body), &answer); err != nil || o.failed || answer.StatusCode != http.StatusNotFound {
			t.Errorf("got %+v", o)
		}
	}
	p.fails(t, `"no request"`, "Internal", "does not decode")
	log := p.log()
	for _, want := range []string{`"function":"signup-status"`, `"request":"request-2"`, `"msg":"done"`} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %s:\n%s", want, log)
		}
	}
}

// TestWorkflowFunction: the names of a step's errors reach the state machine.
func TestWorkflowFunction(t *testing.T) {
	input := `{"instanceId":"i-1","operationId":"op-1","epoch":1}`
	t.Run("permanent", func(t *testing.T) {
		p := start(t, "activate-instance", "FLEET_STAGE=test", "FLEET_TABLE=fleet", "FLEET_DOMAIN=gimbal.app",
			"AWS_ENDPOINT_URL="+dynamoDB(t, map[string]string{"GetItem": "{}"}))
		p.fails(t, input, "Internal", "no such instance")
		p.fails(t, `{}`, "Internal", "lacks instanceId")
	})
	t.Run("transient", func(t *testing.T) {
		p := start(t, "activate-instance", "FLEET_STAGE=test", "FLEET_TABLE=fleet", "FLEET_DOMAIN=gimbal.app",
			"AWS_ENDPOINT_URL="+dynamoDB(t, nil))
		p.fails(t, input, "Unavailable", "the table did not do it")
	})
	t.Run("configuration", func(t *testing.T) {
		p := start(t, "activate-instance", "FLEET_STAGE=production", "FLEET_DOMAIN=gimbal.app", `FLEET_ENDPOINTS={"vercel":"http://127.0.0.1:1"}`)
		p.fails(t, input, "Internal", "FLEET_TABLE is not set")
		p.fails(t, input, "Internal", "FLEET_ENDPOINTS is wrong: it must be unset in production")
	})
}
