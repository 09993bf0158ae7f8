package world

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"

	"github.com/project-gimbal/fleet/internal/catalog"
)

// maxRequest is the largest request that API Gateway takes, in bytes.
const maxRequest = 10 << 20

var pathParameter = regexp.MustCompile(`\{(\w+)\}`)

// Front is the HTTP API: each of the catalog's routes invokes its function with API Gateway's event, payload format 2.0, and
// answers what the function says.
func (w *World) Front() http.Handler {
	mux := http.NewServeMux()
	for _, f := range catalog.Functions() {
		if f.Route != "" {
			mux.HandleFunc(f.Route, func(out http.ResponseWriter, r *http.Request) { w.route(f, out, r) })
		}
	}
	return mux
}

func (w *World) route(f catalog.Function, out http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(out, r.Body, maxRequest))
	if err != nil {
		status := http.StatusBadRequest
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			status = http.StatusRequestEntityTooLarge
		}
		http.Error(out, http.StatusText(status), status)
		return
	}
	payload, err := json.Marshal(w.event(f, r, body))
	if err != nil {
		http.Error(out, "", http.StatusInternalServerError)
		return
	}
	var answer events.APIGatewayV2HTTPResponse
	text, err := w.Invoke(r.Context(), f.Name, payload)
	if err == nil {
		err = json.Unmarshal(text, &answer)
	}
	if err != nil { // as API Gateway answers for a function that failed
		out.Header().Set("content-type", "application/json")
		out.WriteHeader(http.StatusInternalServerError)
		_, _ = io.Copy(out, strings.NewReader(`{"message":"Internal Server Error"}`)) // the client may be gone
		return
	}
	out.Header().Set("Date", w.options.Clock.Now().UTC().Format(http.TimeFormat)) // the fleet's time, by which deadlines are meant
	for name, value := range answer.Headers {
		out.Header().Set(name, value)
	}
	out.WriteHeader(answer.StatusCode)
	_, _ = io.Copy(out, bytes.NewReader([]byte(answer.Body))) // the client may be gone
}

func (w *World) event(f catalog.Function, r *http.Request, body []byte) events.APIGatewayV2HTTPRequest {
	e := events.APIGatewayV2HTTPRequest{Version: "2.0", RouteKey: f.Route, RawPath: r.URL.Path, RawQueryString: r.URL.RawQuery,
		Headers: map[string]string{}, PathParameters: map[string]string{}, Body: string(body)}
	if !utf8.Valid(body) {
		e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	for name, values := range r.Header {
		e.Headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	for name, values := range r.URL.Query() {
		if e.QueryStringParameters == nil {
			e.QueryStringParameters = map[string]string{}
		}
		e.QueryStringParameters[name] = strings.Join(values, ",")
	}
	for _, match := range pathParameter.FindAllStringSubmatch(f.Route, -1) {
		e.PathParameters[match[1]] = r.PathValue(match[1])
	}
	e.RequestContext.RouteKey = f.Route
	e.RequestContext.RequestID = w.nonce()
	e.RequestContext.TimeEpoch = w.options.Clock.Now().UnixMilli()
	e.RequestContext.HTTP.Method, e.RequestContext.HTTP.Path = r.Method, r.URL.Path
	return e
}
