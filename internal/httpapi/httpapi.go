// Package httpapi holds what Fleet's HTTP functions share: answers in JSON, faults as problem documents (RFC 9457), and the
// operator's authentication. Requests and answers are API Gateway's HTTP API events, payload format 2.0.
package httpapi

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/step"
)

// MaxBody is the largest request body that is read, in bytes.
const MaxBody = 64 << 10

// Problem is an RFC 9457 problem document. Fields names each bad field of a payload and what is wrong with it.
type Problem struct {
	Type   string            `json:"type"`
	Title  string            `json:"title"`
	Status int               `json:"status"`
	Detail string            `json:"detail,omitempty"`
	Fields map[string]string `json:"fields,omitempty"`
}

// Answer is the problem as an answer.
func (p Problem) Answer() events.APIGatewayV2HTTPResponse {
	p.Type = "about:blank"
	if p.Title == "" {
		p.Title = http.StatusText(p.Status)
	}
	return answer(p.Status, "application/problem+json", p)
}

// JSON answers with a document.
func JSON(status int, document any) events.APIGatewayV2HTTPResponse {
	return answer(status, "application/json", document)
}

func answer(status int, kind string, document any) events.APIGatewayV2HTTPResponse {
	body, err := json.Marshal(document)
	if err != nil {
		status, kind, body = http.StatusInternalServerError, "application/problem+json", []byte(`{"type":"about:blank","status":500}`)
	}
	return events.APIGatewayV2HTTPResponse{StatusCode: status, Body: string(body),
		Headers: map[string]string{"content-type": kind, "cache-control": "no-store"}}
}

// BadFields tells by field of a request what is wrong with it. Failed answers with 422.
type BadFields map[string]string

func (BadFields) Error() string { return "the request has faults" }

// Add notes a fault, unless the field has one already.
func (b BadFields) Add(field, fault string) {
	if _, there := b[field]; !there {
		b[field] = fault
	}
}

// Failed answers with the problem that a fault is: one that Refuse or Later made keeps its status and text, a transient one is 503.
// A vendor's status is nobody else's business. What is not the caller's fault is logged.
func Failed(ctx context.Context, env step.Env, err error) events.APIGatewayV2HTTPResponse {
	if bad, ok := errors.AsType[BadFields](err); ok {
		return Problem{Status: http.StatusUnprocessableEntity, Title: "The request has faults",
			Detail: "mend the fields named here and send it again", Fields: bad}.Answer()
	}
	p := Problem{Status: http.StatusInternalServerError, Detail: "something went wrong; the logs say what"}
	f, ok := errors.AsType[*fault.Error](err)
	switch {
	case ok && f.Status != 0 && f.Vendor == "":
		p.Status, p.Detail = f.Status, f.Text
	case fault.CodeOf(err).Transient():
		p.Status, p.Detail = http.StatusServiceUnavailable, "not now; try again in a moment"
	}
	switch {
	case p.Status >= http.StatusInternalServerError:
		env.Log.ErrorContext(ctx, "request failed", "code", fault.CodeOf(err), "error", step.SafeText(err))
	case p.Status == http.StatusFailedDependency:
		env.Log.WarnContext(ctx, "not now", "code", fault.CodeOf(err), "reason", p.Detail)
	}
	answer := p.Answer()
	if ok && f.Vendor == "" && f.RetryAfter > 0 {
		answer.Headers["retry-after"] = strconv.Itoa(int(f.RetryAfter / time.Second))
	}
	return answer
}

// Later is a fault that Failed answers with 424 and Retry-After: what somebody else keeps from being done now. It is no 5xx, which
// pages people, since nothing is wrong with Fleet.
func Later(code fault.Code, text string) error {
	return &fault.Error{Code: code, Status: http.StatusFailedDependency, Text: text, RetryAfter: later}
}

// later is after how long one tries again what a vendor kept from being done.
const later = 10 * time.Second

// Refuse is a fault that Failed answers with the given status and text.
func Refuse(status int, code fault.Code, text string) error {
	return &fault.Error{Code: code, Status: status, Text: text}
}

// Conflict refuses with 409 what the state of things doesn't allow; text says what does.
func Conflict(text string) error { return Refuse(http.StatusConflict, fault.Conflict, text) }

// Body is the request's body, decoded. A larger one than MaxBody is a 413 fault.
func Body(r events.APIGatewayV2HTTPRequest) ([]byte, error) {
	body := []byte(r.Body)
	if len(body) > 2*MaxBody {
		return nil, tooLarge()
	}
	if r.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(r.Body); err != nil {
			return nil, Refuse(http.StatusBadRequest, fault.Rejected, "the body is not what its encoding says")
		}
	}
	if len(body) > MaxBody {
		return nil, tooLarge()
	}
	return body, nil
}

func tooLarge() error {
	return Refuse(http.StatusRequestEntityTooLarge, fault.Rejected, "the body is over "+strconv.Itoa(MaxBody)+" bytes")
}

// Header is a request header's value; API Gateway gives names in lower case.
func Header(r events.APIGatewayV2HTTPRequest, name string) string {
	for k, v := range r.Headers {
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return ""
}

// Operator checks that an operator sent the request, and gives the name for the audit. Who was let through by IAM is named by
// their ARN; API Gateway tells it, and the caller can't. Elsewhere the operator's bearer token must be shown: on AWS no
// function is granted that, so a route left open there by mistake lets nobody in. Anybody else is a 401 fault.
func Operator(ctx context.Context, env step.Env, r events.APIGatewayV2HTTPRequest) (string, error) {
	if by := r.RequestContext.Authorizer; by != nil && by.IAM != nil && by.IAM.UserARN != "" {
		return "operator:" + by.IAM.UserARN, nil
	}
	want, err := env.Provider.Credential(ctx, step.OperatorToken)
	if err != nil {
		return "", err
	}
	scheme, token, _ := strings.Cut(Header(r, "authorization"), " ")
	shown := func(want provider.Secret) bool {
		return !want.Empty() && strings.EqualFold(scheme, "bearer") && subtle.ConstantTimeCompare([]byte(token), []byte(want.Reveal())) == 1
	}
	if !shown(want) {
		if fresh, changed := env.Provider.Reread(ctx, step.OperatorToken, want); !changed || !shown(fresh) { // it may just have been changed
			return "", Refuse(http.StatusUnauthorized, fault.Rejected, "send the operator's token as Authorization: Bearer …")
		}
	}
	return fleet.TokenOperator, nil
}
