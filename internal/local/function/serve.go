package function

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store/table"
	"github.com/project-gimbal/fleet/internal/view"
)

// Headers of a vendor's call on its way to the network, and of what comes back in place of an answer.
const (
	targetHeader  = "Fleet-Local-Target"
	failureHeader = "Fleet-Local-Failure"
)

// What the ports are asked.
type (
	getAsked struct {
		Key        table.Key
		Consistent bool
	}
	wrapAsked struct{ Text, Associated []byte }
	runAsked  struct {
		Workflow, Name string
		Input          json.RawMessage
	}
	wordAsked struct{ Subject, Text string }
	none      struct{}
)

// Serve lets a process use ports by way of HTTP. Around wraps each request's context: it says for whom the request is.
func (p Ports) Serve(around func(context.Context) context.Context) http.Handler {
	mux := http.NewServeMux()
	serveTable(mux, "/fleet", p.Fleet)
	serveTable(mux, "/noted", p.Noted)
	serveTable(mux, "/keys", p.Keys)
	serveKey(mux, p.KeyEncryptionKey)
	mux.HandleFunc("/network", p.serveNetwork)
	mux.Handle("POST /dial", dials(p.Endpoints.Edge))
	mux.HandleFunc("POST /secret", answers(func(ctx context.Context, name string) (string, error) {
		secret, err := p.Secrets(ctx, name)
		return secret.Reveal(), err
	}))
	mux.HandleFunc("POST /start", answers(func(ctx context.Context, r runAsked) (none, error) {
		return none{}, p.Executions.Start(ctx, r.Workflow, r.Name, r.Input)
	}))
	mux.HandleFunc("POST /status", answers(func(ctx context.Context, r runAsked) (step.Execution, error) {
		return p.Executions.Status(ctx, r.Workflow, r.Name)
	}))
	mux.HandleFunc("POST /trigger", answers(func(ctx context.Context, function string) (none, error) {
		return none{}, p.Trigger(ctx, function)
	}))
	mux.HandleFunc("POST /publish", answers(func(ctx context.Context, w wordAsked) (none, error) {
		return none{}, p.Publish(ctx, w.Subject, w.Text)
	}))
	mux.HandleFunc("POST /logs", answers(func(ctx context.Context, q step.LogQuery) ([]view.LogLine, error) { return p.Logs(ctx, q) }))
	mux.HandleFunc("POST /schedules", answers(func(ctx context.Context, _ none) ([]string, error) { return p.Surroundings.Schedules(ctx) }))
	mux.HandleFunc("POST /dead-letters", answers(func(ctx context.Context, _ none) (int, error) { return p.Surroundings.DeadLetters(ctx) }))
	mux.HandleFunc("POST /credential-changed", answers(func(ctx context.Context, name string) (time.Time, error) {
		return p.Surroundings.CredentialChanged(ctx, name)
	}))
	serveObjects(mux, "/exports", p.Exports)
	serveObjects(mux, "/archive", p.Archive)
	serveObjects(mux, "/history", p.History)
	serveCalendar(mux, p.Calendar)
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) { mux.ServeHTTP(out, r.WithContext(around(r.Context()))) })
}

func serveTable(mux *http.ServeMux, path string, t table.Table) {
	mux.HandleFunc("POST "+path+"/get", answers(func(ctx context.Context, g getAsked) (table.Item, error) {
		return t.Get(ctx, g.Key, g.Consistent)
	}))
	mux.HandleFunc("POST "+path+"/query", answers(func(ctx context.Context, q table.Query) (table.Page, error) { return t.Query(ctx, q) }))
	mux.HandleFunc("POST "+path+"/write", answers(func(ctx context.Context, w []table.Write) (none, error) { return none{}, t.Write(ctx, w) }))
}

func serveKey(mux *http.ServeMux, key tink.AEADWithContext) {
	mux.HandleFunc("POST /encrypt", answers(func(ctx context.Context, w wrapAsked) ([]byte, error) {
		return key.EncryptWithContext(ctx, w.Text, w.Associated)
	}))
	mux.HandleFunc("POST /decrypt", answers(func(ctx context.Context, w wrapAsked) ([]byte, error) {
		return key.DecryptWithContext(ctx, w.Text, w.Associated)
	}))
}

// serveNetwork sends a vendor's call on its way, and gives back what comes of it.
func (p Ports) serveNetwork(out http.ResponseWriter, r *http.Request) {
	target, err := url.Parse(r.Header.Get(targetHeader))
	if err != nil || target.Host == "" {
		http.Error(out, "a call without a target", http.StatusBadRequest)
		return
	}
	call := r.Clone(r.Context())
	call.URL, call.Host, call.RequestURI = target, target.Host, ""
	call.Header.Del(targetHeader)
	answer, err := p.Network.RoundTrip(call)
	if err != nil {
		fail(out, err)
		return
	}
	defer func() { _ = answer.Body.Close() }() // what could be read was
	for name, values := range answer.Header {
		out.Header()[name] = values
	}
	out.WriteHeader(answer.StatusCode)
	if _, err := io.Copy(out, answer.Body); err != nil {
		_ = http.NewResponseController(out).Flush() // what there was of it arrives
		panic(http.ErrAbortHandler)                 // and breaks off there, too
	}
}

// fail says in an answer's header why there is none.
func fail(out http.ResponseWriter, err error) {
	text, _ := json.Marshal(refused(err)) // it has nothing that does not encode
	out.Header().Set(failureHeader, url.QueryEscape(string(text)))
	out.WriteHeader(http.StatusBadGateway)
}

// failed is why there is no answer; nil where there is one. The body of an answer that failed is closed.
func failed(answer *http.Response) error {
	text := answer.Header.Get(failureHeader)
	if text == "" {
		return nil
	}
	_ = answer.Body.Close() // there is none
	var why refusal
	plain, err := url.QueryUnescape(text)
	if err == nil {
		err = json.Unmarshal([]byte(plain), &why)
	}
	if err != nil {
		return err
	}
	return why.err()
}

// through is the way to the vendors from a process: through its runner.
type through struct{ runner runner }

// RoundTrip sends a vendor's call by way of the runner.
func (t through) RoundTrip(r *http.Request) (*http.Response, error) {
	call := r.Clone(r.Context())
	at, err := url.Parse(t.runner.url + "/network")
	if err != nil {
		return nil, err
	}
	call.URL, call.Host = at, at.Host
	call.Header.Set(targetHeader, r.URL.String())
	answer, err := t.runner.transport.RoundTrip(call)
	if err != nil {
		return nil, err
	}
	answer.Request = r
	if err := failed(answer); err != nil {
		return nil, err
	}
	return answer, nil
}
