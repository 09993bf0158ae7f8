package contract_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/project-gimbal/fleet/internal/contract"
)

// own names the folder of the document that these tests bring along.
func own(t *testing.T) { t.Setenv(contract.Variable, "internal/contract/testdata") }

// recorder is a test that notes what it is told.
type recorder struct {
	testing.TB
	mu      sync.Mutex
	errors  []string
	skipped string
	failed  string
}

func (*recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

func (r *recorder) Skipf(format string, args ...any) {
	r.skipped = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.failed = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// apart runs f so that it may end its goroutine, as Skipf and Fatalf do.
func apart(f func()) {
	var done sync.WaitGroup
	done.Go(f)
	done.Wait()
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answering gives the same answer to every request: a status, headers in pairs, a body.
func answering(status int, body string, headers ...string) roundTrip {
	return func(req *http.Request) (*http.Response, error) {
		a := &http.Response{
			StatusCode: status, Header: http.Header{}, Request: req, ContentLength: int64(len(body)),
			Body: io.NopCloser(strings.NewReader(body)),
		}
		for i := 0; i+1 < len(headers); i += 2 {
			a.Header.Set(headers[i], headers[i+1])
		}
		return a, nil
	}
}

const (
	parcel = `{"id":"P001","state":"new","grams":null}`
	list   = "https://anywhere.example/v1/parcels?owner=me"
	one    = "https://anywhere.example/v1/parcels/P001.json"
)

func request(t *testing.T, method, url, body string, headers ...string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return req
}

// TestCheck sends one request with one answer each and wants exactly the violation named, or none.
func TestCheck(t *testing.T) {
	own(t)
	const bearer, json, form = "Bearer hush-hush", "application/json", "application/x-www-form-urlencoded"
	get := func(url string) *http.Request { return request(t, "GET", url, "", "Authorization", bearer) }
	post := func(kind, body string) *http.Request {
		return request(t, "POST", "https://anywhere.example/v1/parcels", body, "Authorization", bearer, "Content-Type", kind)
	}
	listed := answering(200, "["+parcel+"]", "Content-Type", json)
	made := answering(201, parcel, "Content-Type", json, "X-Left", "3")
	tests := map[string]struct {
		request *http.Request
		answer  roundTrip
		want    string
	}{
		"right list":           {get(list), listed, ""},
		"right form":           {post(form, "name=a"), made, ""},
		"right create":         {post(json, `{"name":"a","note":"y"}`), made, ""},
		"charset":              {post("application/json; charset=utf-8", `{"name":"a"}`), made, ""},
		"documented error":     {post(json, `{"name":"a"}`), answering(409, "whatever"), ""},
		"default error":        {post(json, `{"name":"a"}`), answering(400, `{"code":7}`, "Content-Type", json), ""},
		"gateway's 500":        {get(list), answering(500, "<html>"), ""},
		"gateway's 429":        {get(list), answering(429, ""), ""},
		"right delete":         {request(t, "DELETE", one, "", "X-Key", "k"), answering(204, ""), ""},
		"no credentials":       {request(t, "GET", list, ""), listed, "request: no credentials"},
		"wrong kind of them":   {request(t, "GET", list, "", "Authorization", "Basic aHVzaA=="), listed, "request: no credentials"},
		"no key":               {request(t, "DELETE", one, "", "Authorization", bearer), answering(204, ""), "request: no credentials"},
		"required parameter":   {get("https://anywhere.example/v1/parcels"), listed, "request: query parameter owner: value is required"},
		"parameter's type":     {get(list + "&limit=many"), listed, "request: query parameter limit: does not parse"},
		"parameter's bounds":   {get(list + "&limit=10"), listed, "request: query parameter limit: /: maximum"},
		"unknown parameter":    {get(list + "&Limit=3"), listed, "request: query parameter Limit is not declared"},
		"path parameter":       {request(t, "DELETE", "https://anywhere.example/v1/parcels/Q1.json", "", "X-Key", "k"), answering(204, ""), "request: path parameter id: /: pattern"},
		"unknown path":         {get("https://anywhere.example/v1/parcel"), listed, "GET /v1/parcel is no operation"},
		"base path left out":   {get("https://anywhere.example/parcels?owner=me"), listed, "GET /parcels is no operation"},
		"unknown method":       {request(t, "PUT", list, "", "Authorization", bearer), listed, "PUT /v1/parcels is no operation"},
		"required field":       {post(json, `{"note":"y"}`), made, `request: body: /name: required`},
		"field's type":         {post(json, `{"name":7}`), made, "request: body: /name: type"},
		"field too long":       {post(json, `{"name":"hush-hush"}`), made, "request: body: /name: maxLength"},
		"unknown JSON field":   {post(json, `{"name":"a","nmae":"b"}`), made, "request: body field nmae is not declared"},
		"unknown form field":   {post(form, "Name=a"), made, "request: body field Name is not declared"},
		"body's kind":          {post("text/plain", "a"), made, "request: body: header Content-Type"},
		"body missing":         {post(json, ""), made, "request: body: value is required"},
		"body not wanted":      {request(t, "DELETE", one, "x", "X-Key", "k"), answering(204, ""), "request: body: request body not allowed"},
		"other success":        {post(json, `{"name":"a"}`), answering(200, parcel, "Content-Type", json), "answer: (HTTP 200) the status is not declared"},
		"redirect":             {get(list), answering(302, ""), "answer: (HTTP 302) the status is not declared"},
		"undeclared error":     {get(list), answering(404, ""), "answer: (HTTP 404) the status is not declared"},
		"answer's kind":        {get(list), answering(200, "<html>", "Content-Type", "text/html"), "response header Content-Type"},
		"answer's shape":       {get(list), answering(200, parcel, "Content-Type", json), "answer: (HTTP 200) response body doesn't match schema: /: type"},
		"answer lacks a field": {get(list), answering(200, `[{"id":"P001"}]`, "Content-Type", json), "/0/state: required"},
		"answer's enum":        {get(list), answering(200, `[{"id":"P001","state":"hush-hush"}]`, "Content-Type", json), "/0/state: enum"},
		"answer's pattern":     {get(list), answering(200, `[{"id":"hush-hush","state":"new"}]`, "Content-Type", json), "/0/id: pattern"},
		"answer's null":        {get(list), answering(200, `[{"id":null,"state":"new"}]`, "Content-Type", json), "/0/id: nullable"},
		"answer's header":      {post(json, `{"name":"a"}`), answering(201, parcel, "Content-Type", json), `"X-Left" missing`},
		"null in an enum":      {get(list), answering(200, `[{"id":"P001","state":"new","size":null}]`, "Content-Type", json), ""},
		"not in an enum":       {get(list), answering(200, `[{"id":"P001","state":"new","size":"m"}]`, "Content-Type", json), "/0/size: enum"},
		"oneOf as anyOf":       {get(list), answering(200, `[{"id":"P001","state":"new","tag":"a"}]`, "Content-Type", json), ""},
		"none of oneOf":        {get(list), answering(200, `[{"id":"P001","state":"new","tag":7}]`, "Content-Type", json), "/0/tag: oneOf: matches none"},
		"error's shape":        {post(json, `{"name":"a"}`), answering(400, `{}`, "Content-Type", json), "/code: required"},
		"204 with a body":      {request(t, "DELETE", one, "", "X-Key", "k"), answering(204, "x"), "a 204 has no body"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			told := &recorder{TB: t}
			answer, err := contract.Open(told, "parcel").Check(test.answer).RoundTrip(test.request)
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
			checkTold(t, told, test.want)
		})
	}
}

// TestNewerDocument: documents of OpenAPI 3.1, as SendGrid's, go through another validator of the library's.
func TestNewerDocument(t *testing.T) {
	text, err := os.ReadFile("testdata/parcel.json")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	newer := strings.NewReplacer(`"3.0.3"`, `"3.1.0"`, `"type": "integer", "nullable": true`, `"type": ["integer", "null"]`,
		`"size":`, `"kind": {"const": "parcel"}, "size":`).Replace(string(text))
	if err := os.WriteFile(folder+"/parcel.json", []byte(newer), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(contract.Variable, folder)
	for answer, want := range map[string]string{
		"[" + parcel + "]":                                 "",
		`[{"id":"P001","state":"new","tag":"a"}]`:          "",
		`[{"id":"P001"}]`:                                  "/0: required",
		`[{"id":"P001","state":"hush-hush"}]`:              "/0/state: enum",
		`[{"id":"hush-hush","state":"new"}]`:               "/0/id: pattern",
		`[{"id":null,"state":"new"}]`:                      "/0/id: type",
		`[{"id":"P001","state":"new","tag":7}]`:            "/0/tag: oneOf",
		`[{"id":"P001","state":"new","kind":"hush-hush"}]`: "/0/kind: const",
		`{"id":"hush-hush"}`:                               "/: type",
	} {
		told := &recorder{TB: t}
		next := answering(200, answer, "Content-Type", "application/json")
		got, err := contract.Open(told, "parcel").Check(next).RoundTrip(request(t, "GET", list, "", "Authorization", "Bearer x"))
		if err != nil {
			t.Fatal(err)
		}
		_ = got.Body.Close()
		checkTold(t, told, want)
	}
}

func checkTold(t *testing.T, told *recorder, want string) {
	t.Helper()
	for _, text := range told.errors {
		if strings.Contains(text, "hush-hush") {
			t.Errorf("the report shows a value: %s", text)
		}
		if !strings.HasPrefix(text, "contract: parcel") {
			t.Errorf("the report doesn't name the document: %s", text)
		}
	}
	switch {
	case want == "" && len(told.errors) > 0:
		t.Errorf("found fault: %q", told.errors)
	case want != "" && len(told.errors) != 1:
		t.Errorf("told %q, want one violation with %q", told.errors, want)
	case want != "" && !strings.Contains(told.errors[0], want):
		t.Errorf("told %q, want %q", told.errors[0], want)
	}
}

// TestCheckChangesNothing: what passes is the same on both sides, defaults and bodies included.
func TestCheckChangesNothing(t *testing.T) {
	own(t)
	spec := contract.Open(t, "parcel")
	const body = `{"name":"a"}`
	var sent string
	next := roundTrip(func(req *http.Request) (*http.Response, error) {
		b, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		sent = req.URL.RequestURI() + " " + string(b)
		if req.Method == http.MethodGet {
			return answering(200, "[]", "Content-Type", "application/json")(req)
		}
		return answering(201, parcel, "Content-Type", "application/json", "X-Left", "3")(req)
	})
	req := request(t, "POST", "https://anywhere.example/v1/parcels", body,
		"Authorization", "Bearer x", "Content-Type", "application/json")
	answer, err := spec.Check(next).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(answer.Body)
	if err != nil || string(got) != parcel {
		t.Errorf("answer %q, %v", got, err)
	}
	if want := "/v1/parcels " + body; sent != want {
		t.Errorf("sent %q, want %q", sent, want)
	}
	answer, err = spec.Check(next).RoundTrip(request(t, "GET", list, "", "Authorization", "Bearer x"))
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if want := "/v1/parcels?owner=me "; sent != want {
		t.Errorf("sent %q, want %q", sent, want)
	}
	if want := []string{"parcel.createParcel", "parcel.listParcels"}; !slices.Equal(spec.Seen(), want) {
		t.Errorf("seen %q, want %q", spec.Seen(), want)
	}
}

// TestBroken: without a whole answer there is nothing to check, and the caller gets what came.
func TestBroken(t *testing.T) {
	own(t)
	told := &recorder{TB: t}
	broken := errors.New("broken")
	lost := roundTrip(func(*http.Request) (*http.Response, error) { return nil, broken })
	half := roundTrip(func(req *http.Request) (*http.Response, error) {
		a, err := answering(200, "", "Content-Type", "application/json")(req)
		a.Body = io.NopCloser(io.MultiReader(strings.NewReader("[{"), roundTripReader{broken}))
		return a, err
	})
	spec := contract.Open(told, "parcel")
	ask := func() *http.Request { return request(t, "GET", list, "", "Authorization", "Bearer x") }
	answer, err := spec.Check(lost).RoundTrip(ask())
	if !errors.Is(err, broken) {
		_ = answer.Body.Close()
		t.Errorf("got %v, want %v", err, broken)
	}
	answer, err = spec.Check(half).RoundTrip(ask())
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if string(got) != "[{" || !errors.Is(err, broken) {
		t.Errorf("read %q, %v", got, err)
	}
	checkTold(t, told, "")
}

type roundTripReader struct{ err error }

func (r roundTripReader) Read([]byte) (int, error) { return 0, r.err }
