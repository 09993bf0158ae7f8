package contract

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
)

// Check gives a transport that sends through next, validates every request and every answer on the way, and reports
// each violation as an error of the test, with document, operation and place, but without the offending value, which
// may be a secret. It changes nothing of what passes.
func (s *Spec) Check(next http.RoundTripper) http.RoundTripper { return checker{s, next} }

type checker struct {
	spec *Spec
	next http.RoundTripper
}

func (c checker) RoundTrip(req *http.Request) (*http.Response, error) {
	d, call, served := c.spec.find(req)
	if call == nil {
		if len(served) > 0 && !undocumented(req) {
			c.spec.tb.Errorf("contract: %s: %s %s is no operation", strings.Join(served, "+"), req.Method, req.URL.Path)
		}
		return c.next.RoundTrip(req)
	}
	body, err := take(&req.Body)
	if err != nil {
		return nil, err
	}
	x := &exchange{spec: c.spec, document: d, call: call, request: req, sent: body}
	x.checkRequest()
	req = req.Clone(req.Context())
	req.Body = again(body)
	answer, err := c.next.RoundTrip(req)
	if err != nil {
		return nil, err // no answer: nothing to check
	}
	// A body that breaks off is the caller's to see: it gets what came, then the error.
	got, broken := take(&answer.Body)
	answer.Body = again(got)
	if broken != nil {
		answer.Body = io.NopCloser(io.MultiReader(bytes.NewReader(got), failing{broken}))
		return answer, nil
	}
	x.checkAnswer(answer, got)
	return answer, nil
}

// exchange is one request and its answer under check.
type exchange struct {
	spec     *Spec
	document *document
	call     *call
	request  *http.Request
	sent     []byte
	input    *openapi3filter.RequestValidationInput
}

func (x *exchange) checkRequest() {
	x.spec.mu.Lock()
	x.spec.seen[x.document.name+"."+x.call.operation()] = true
	x.spec.mu.Unlock()

	req := x.request.Clone(context.WithoutCancel(x.request.Context()))
	req.Body = again(x.sent)
	req.GetBody = nil
	req.ContentLength = int64(len(x.sent))
	x.input = &openapi3filter.RequestValidationInput{
		Request: req, PathParams: x.call.params, Route: x.call.route, Options: options(),
	}
	if err := openapi3filter.ValidateRequest(req.Context(), x.input); err != nil {
		x.report("request", 0, err)
	}
	for _, name := range x.call.strangers(req, x.sent) {
		x.report("request", 0, fmt.Errorf("%s is not declared", name))
	}
}

func (x *exchange) checkAnswer(answer *http.Response, body []byte) {
	status := answer.StatusCode
	declared := x.call.route.Operation.Responses.Status(status)
	if declared == nil {
		// "default" describes errors; it is no licence for another success.
		if status < 400 || x.call.route.Operation.Responses.Default() == nil {
			x.report("answer", status, errors.New(undeclared))
			return
		}
	}
	if status == http.StatusNoContent && len(body) > 0 {
		x.report("answer", status, errors.New("a 204 has no body"))
	}
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: x.input, Status: status, Header: answer.Header, Body: again(body), Options: options(),
	}
	if err := openapi3filter.ValidateResponse(x.input.Request.Context(), input); err != nil {
		x.report("answer", status, err)
	}
}

// report fails the test unless the documents are known to be off there.
func (x *exchange) report(what string, status int, err error) {
	for _, text := range flat(err) {
		if excepted(x.document.name, x.call.operation(), what, status, text) {
			continue
		}
		if status != 0 {
			text = fmt.Sprintf("(HTTP %d) %s", status, text)
		}
		x.spec.tb.Errorf("contract: %s.%s: %s: %s", x.document.name, x.call.operation(), what, text)
	}
}

func options() *openapi3filter.Options {
	o := &openapi3filter.Options{
		MultiError:                        true,
		SkipSettingDefaults:               true,
		RejectWhenRequestBodyNotSpecified: true,
		AuthenticationFunc:                authenticated,
		RegexCompiler:                     compile,
		SchemaValidationOptions:           []openapi3.SchemaValidationOption{openapi3.SetSchemaRegexCompiler(compile)},
	}
	o.WithCustomSchemaErrorFunc(describe)
	return o
}

// compile reads a document's pattern. Those that Go's RE2 has no words for, such as look-aheads, match everything.
func compile(expr string) (openapi3.RegexMatcher, error) {
	re, err := regexp.Compile(expr)
	if err != nil {
		return regexp.MustCompile(""), nil
	}
	return re, nil
}

// authenticated reports whether a request carries credentials of the kind that the document asks for. Whether they are
// right is the simulator's business.
func authenticated(_ context.Context, in *openapi3filter.AuthenticationInput) error {
	header := in.RequestValidationInput.Request.Header
	switch scheme := in.SecurityScheme; scheme.Type {
	case "http":
		kind, rest, _ := strings.Cut(header.Get("Authorization"), " ")
		if !strings.EqualFold(kind, scheme.Scheme) || rest == "" {
			return fmt.Errorf("no %s credentials", scheme.Scheme)
		}
	case "apiKey":
		if scheme.In == "header" && header.Get(scheme.Name) == "" {
			return fmt.Errorf("no header %s", scheme.Name)
		}
	case "oauth2", "openIdConnect":
		if !strings.HasPrefix(header.Get("Authorization"), "Bearer ") {
			return errors.New("no bearer credentials")
		}
	}
	return nil
}

func take(body *io.ReadCloser) ([]byte, error) {
	if *body == nil {
		return nil, nil
	}
	b, err := io.ReadAll(*body)
	return b, errors.Join(err, (*body).Close())
}

func again(b []byte) io.ReadCloser {
	if len(b) == 0 {
		return http.NoBody
	}
	return io.NopCloser(bytes.NewReader(b))
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
