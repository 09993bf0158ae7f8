package world_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
)

const (
	// unknownID is an id that no instance of these tests has.
	unknownID = "11111111-1111-4111-8111-111111111111"
	// ended is what EventBridge tells of an execution, and tick what a schedule sends.
	ended = `{"version":"0","id":"315c1398-40ff-a850-213b-158f73e60175","detail-type":"Step Functions Execution Status Change","source":"aws.states",` +
		`"account":"111122223333","time":"2026-11-25T12:00:00Z","region":"us-east-1","resources":["arn:aws:states:us-east-1:111122223333:execution:provision:op-` + unknownID + `-provision-1"],` +
		`"detail":{"executionArn":"arn:aws:states:us-east-1:111122223333:execution:provision:op-` + unknownID + `-provision-1","name":"op-` + unknownID + `-provision-1","status":"FAILED","startDate":1,"stopDate":2,` +
		`"input":"{\"instanceId\":\"` + unknownID + `\"}","output":null,"error":"Internal","cause":"x"}}`
	tick = `{"version":"0","id":"53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa","detail-type":"Scheduled Event","source":"aws.scheduler","resources":[],"detail":{}}`
	// run is a state's input, and caught the same after a Catch.
	run    = `{"instanceId":"` + unknownID + `","operationId":"op-` + unknownID + `","epoch":1}`
	caught = `{"instanceId":"` + unknownID + `","operationId":"op-` + unknownID + `","epoch":1,"failure":{"Error":"Rejected","Cause":"{\"errorMessage\":\"refused\",\"errorType\":\"Rejected\"}"}}`
)

// request is what API Gateway sends for a route, by nobody.
func request(t testing.TB, route string) string {
	t.Helper()
	e := events.APIGatewayV2HTTPRequest{Version: "2.0", RouteKey: route, RawPath: "/x", Headers: map[string]string{"content-type": "application/json"},
		PathParameters: map[string]string{"id": unknownID, "token": "a.b.c"}, QueryStringParameters: map[string]string{"state": "ACTIVE"}, Body: `{"scope":"fleet"}`}
	e.RequestContext.HTTP.Method = strings.Fields(route)[0]
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// FuzzEvents: whatever invokes a function of the catalog, it answers, or fails with a fault that the state machines know: for good if
// nothing of the event is known to the fleet. And as long as nobody shows who they are, nothing is written.
func FuzzEvents(f *testing.F) {
	for i, function := range catalog.Functions() {
		switch function.Trigger {
		case catalog.HTTP:
			f.Add(uint8(i), request(f, function.Route))
		case catalog.Host:
			f.Add(uint8(i), `{"requestContext":{"domainName":"<script>","http":{"method":"GET","path":"/"}}}`)
		case catalog.Schedule:
			f.Add(uint8(i), tick)
			f.Add(uint8(i), ended)
		case catalog.Workflow:
			f.Add(uint8(i), run)
			f.Add(uint8(i), caught)
		}
		f.Add(uint8(i), []string{"", "null", "[]", "{", `"x"`, "\xff", `{"epoch":1e99}`, `{"instanceId":7}`, `{"body":7,"headers":[]}`, `{"isBase64Encoded":true,"body":"%"}`,
			`{"Records":[{"eventSource":"aws:sqs","body":"{}"}]}`, `{"pathParameters":{"id":null},"headers":null,"requestContext":{"authorizer":null}}`}[i%12])
	}
	all := catalog.Functions()
	f.Fuzz(func(t *testing.T, which uint8, payload string) {
		function := all[int(which)%len(all)]
		withTables(t, exact, func(r *rig, records, keys *kept) {
			answer, err := r.w.Invoke(r.ctx, function.Name, json.RawMessage(payload))
			if err != nil {
				r.wantFault(function, payload, err)
			} else if !json.Valid(answer) {
				t.Errorf("%s answered %q", function.Name, answer)
			}
			switch {
			case function.Trigger == catalog.Workflow && err == nil:
				t.Errorf("%s did something for an instance that isn't there: %s", function.Name, answer)
			case function.Trigger == catalog.HTTP && err == nil:
				r.wantAPI(function, payload, answer)
			case function.Trigger == catalog.Host && err == nil:
				r.wantSuspendedPage(payload, answer)
			}
			if held := records.all(r.ctx); function.Trigger != catalog.Schedule && !shown(payload) && (len(held) > 0 || records.writes+keys.writes > 0) {
				t.Errorf("%s wrote %d times: %v", function.Name, records.writes+keys.writes, held)
			}
		})
	})
}

// shown reports whether an event shows who it comes from.
func shown(payload string) bool {
	var e events.APIGatewayV2HTTPRequest
	_ = json.Unmarshal([]byte(payload), &e) // what does not decode shows nobody
	by := e.RequestContext.Authorizer
	return by != nil && by.IAM != nil && by.IAM.UserARN != "" || strings.Contains(payload, operatorToken)
}

// wantFault judges why an invocation failed.
func (r *rig) wantFault(function catalog.Function, payload string, err error) {
	r.t.Helper()
	failed, ok := errors.AsType[*asl.TaskError](err)
	if !ok || !slices.Contains(fault.Codes(), fault.Code(failed.Type)) || fault.Code(failed.Type).Transient() || strings.Contains(failed.Message, "panicked") {
		r.t.Errorf("%s of %q failed: %v", function.Name, payload, err)
		return
	}
	var e events.APIGatewayV2HTTPRequest
	if function.OnExecutionEnd && strings.Contains(failed.Message, "does not decode") {
		return // it reads which execution ended, and this tells of none
	}
	if function.Trigger == catalog.Schedule || (function.Trigger == catalog.HTTP || function.Trigger == catalog.Host) && json.Unmarshal([]byte(payload), &e) == nil {
		r.t.Errorf("%s failed: %v", function.Name, err)
	}
	for _, secret := range []string{hookSecret, linkSecret, operatorToken} {
		if strings.Contains(failed.Message, secret) {
			r.t.Errorf("%s tells a secret: %v", function.Name, err)
		}
	}
}

// wantSuspendedPage judges what a visitor of a suspended instance's host is answered.
func (r *rig) wantSuspendedPage(payload string, text json.RawMessage) {
	r.t.Helper()
	var answer events.APIGatewayV2HTTPResponse
	err := json.Unmarshal(text, &answer)
	if err != nil || answer.StatusCode != http.StatusServiceUnavailable || answer.Headers["Cache-Control"] != "no-store" || strings.Contains(answer.Body, "<script") {
		r.t.Errorf("%q was answered %s: %v", payload, text, err)
	}
}

// wantAPI judges an answer of the API to an event that may have been anything.
func (r *rig) wantAPI(function catalog.Function, payload string, text json.RawMessage) {
	r.t.Helper()
	var answer events.APIGatewayV2HTTPResponse
	err := json.Unmarshal(text, &answer)
	if err != nil || answer.StatusCode < 200 || answer.StatusCode >= 500 || answer.Headers["content-type"] == "" || answer.Headers["cache-control"] != "no-store" {
		r.t.Errorf("%s of %q answered %s: %v", function.Name, payload, text, err)
	}
	if function.Access == catalog.Operators && !shown(payload) && answer.StatusCode != http.StatusUnauthorized {
		r.t.Errorf("%s lets a stranger in: %s", function.Name, text)
	}
}

// The ways in which a request shows who sends it.
const (
	byNobody = iota
	byToken
	byRole
	byText // a header with the fuzzed text
	showings
)

// FuzzRoutes: whatever an operator, or a stranger, asks of any route about a signup that waits, the answer is no failure of the fleet's; a
// stranger gets in nowhere; and the signup is decided only by an operator who asked just that.
func FuzzRoutes(f *testing.F) {
	for i, function := range catalog.Functions() {
		if function.Trigger != catalog.HTTP {
			continue
		}
		for by := range uint8(showings) {
			f.Add(uint8(i), by, "$", "", `{"reason":"because"}`, "Bearer x", false)
		}
		f.Add(uint8(i), uint8(byToken), []string{"", "x", "../$", "$ ", unknownID, strings.ToUpper(unknownID), strings.Repeat("x", 3000), "\x00"}[i%8],
			[]string{"state=ACTIVE", "state=\x00", "since=-1h", "since=9999999h", "status=REQUESTED", "limit=-1", "a=%zz", "state=ACTIVE,ACTIVE"}[i%8],
			[]string{"", "null", "{}{}", `{"scope":"fleet","reason":"\u202e"}`, `{"reason":7}`, `{"message":"decision-wanted"}`, `{"instance":"x","id":"y","close":true}`, "[" + strings.Repeat("[", 500)}[i%8], "", i%2 == 0)
	}
	all := catalog.Functions()
	f.Fuzz(func(t *testing.T, which, by uint8, id, query, body, text string, packed bool) {
		function := all[int(which)%len(all)]
		if function.Trigger != catalog.HTTP {
			t.Skip()
		}
		inBubble(t, exact, func(r *rig) {
			signup := r.signup("msg_1", "acme-dental")
			r.freeze(fleet.WholeFleet) // so that nothing follows from an approval
			before := r.wantSignup(signup, fleet.Requested, "")
			e := passed(t, asked(function, by%showings, strings.ReplaceAll(id, "$", signup), query, body, text, packed))
			payload, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			answered, err := r.w.Invoke(r.ctx, function.Name, payload)
			if err != nil {
				t.Fatalf("%s failed: %v", function.Name, err)
			}
			operator := by%showings == byToken || by%showings == byRole || strings.Contains(text, operatorToken)
			r.wantRoute(function, operator, answered)
			after, err := r.w.Store.Signup(r.ctx, signup)
			asks := slices.Contains([]string{catalog.Approve.Name, catalog.Reject.Name, catalog.Cancel.Name}, function.Name) && operator && e.PathParameters["id"] == signup
			if err != nil || after == nil || after.Status != before.Status && !asks {
				t.Errorf("%s made it %+v: %v", function.Name, after, err)
			}
			r.wantAuditWhole(signup)
		})
	})
}

// asked is a request for a route.
func asked(function catalog.Function, by uint8, id, query, body, text string, packed bool) events.APIGatewayV2HTTPRequest {
	e := events.APIGatewayV2HTTPRequest{Version: "2.0", RouteKey: function.Route, RawQueryString: query, Body: body, IsBase64Encoded: packed,
		PathParameters: map[string]string{"id": id, "token": id}, Headers: map[string]string{"content-type": text}, QueryStringParameters: map[string]string{}}
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		e.QueryStringParameters[name] = value
	}
	if packed {
		e.Body = base64.StdEncoding.EncodeToString([]byte(body))
	}
	switch by {
	case byToken:
		maps.Copy(e.Headers, map[string]string{"authorization": "bearer " + operatorToken})
	case byRole:
		e.RequestContext.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{
			IAM: &events.APIGatewayV2HTTPRequestContextAuthorizerIAMDescription{UserARN: "arn:aws:iam::111122223333:user/ada"}}
	case byText:
		e.Headers["authorization"] = text
	}
	return e
}

// wantRoute judges a route's answer: a document or a page below 500, and 401 for a stranger where only operators may ask.
func (r *rig) wantRoute(function catalog.Function, operator bool, text json.RawMessage) {
	r.t.Helper()
	var answer events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(text, &answer); err != nil {
		r.t.Fatalf("%s answered %s: %v", function.Name, text, err)
	}
	var p httpapi.Problem
	page := strings.HasPrefix(answer.Headers["content-type"], "text/html")
	switch {
	case answer.StatusCode < 200 || answer.StatusCode >= 500:
		r.t.Errorf("%s answered %d: %s", function.Name, answer.StatusCode, answer.Body)
	case !page && answer.StatusCode >= 400 && (json.Unmarshal([]byte(answer.Body), &p) != nil || p.Status != answer.StatusCode || p.Detail == ""):
		r.t.Errorf("%s answered %d without a problem: %s", function.Name, answer.StatusCode, answer.Body)
	case !page && answer.StatusCode < 300 && !json.Valid([]byte(answer.Body)):
		r.t.Errorf("%s answered no document: %s", function.Name, answer.Body)
	case function.Access == catalog.Operators && !operator && answer.StatusCode != http.StatusUnauthorized:
		r.t.Errorf("%s lets a stranger in: %d %s", function.Name, answer.StatusCode, answer.Body)
	}
}
