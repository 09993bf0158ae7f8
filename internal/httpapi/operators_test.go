package httpapi_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/step"
)

// iam is a request that API Gateway let through as this person's.
func iam(arn, id, body string) events.APIGatewayV2HTTPRequest {
	var r events.APIGatewayV2HTTPRequest
	r.Body = body
	r.PathParameters = map[string]string{"id": id}
	r.RequestContext.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{
		IAM: &events.APIGatewayV2HTTPRequestContextAuthorizerIAMDescription{UserARN: arn}}
	return r
}

// TestOperators: whom IAM let through is named to the function, and what it says becomes the answer.
func TestOperators(t *testing.T) {
	asked := 0
	handler := httpapi.Operators(func(_ context.Context, _ step.Env, r httpapi.Request) (int, any, error) {
		asked++
		switch r.ID {
		case "bad":
			return 0, nil, httpapi.BadFields{"scope": "one of these"}
		case "busy":
			return 0, nil, httpapi.Refuse(http.StatusConflict, fault.Conflict, "wait")
		}
		return http.StatusAccepted, map[string]string{"by": r.Operator}, nil
	})
	for id, want := range map[string]int{"x": http.StatusAccepted, "bad": http.StatusUnprocessableEntity, "busy": http.StatusConflict} {
		a, err := handler(t.Context(), quiet, iam("arn:aws:iam::111122223333:user/ada", id, ""))
		if err != nil || a.StatusCode != want {
			t.Errorf("%s: %d, %v", id, a.StatusCode, err)
		}
		if id == "x" && a.Body != `{"by":"operator:arn:aws:iam::111122223333:user/ada"}` {
			t.Errorf("%s", a.Body)
		}
		if id == "bad" && problem(t, a).Fields["scope"] != "one of these" {
			t.Errorf("%s", a.Body)
		}
	}
	if asked != 3 {
		t.Errorf("asked %d times", asked)
	}
}

func TestPrintable(t *testing.T) {
	for text, want := range map[string]bool{"an outage": true, "é": true, "": false, "  ": false, "a\nb": false, "a\u202eb": false, "\xff": false,
		strings.Repeat("é", 10): true, strings.Repeat("x", 11): false} {
		if got := httpapi.Printable(text, 10); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}

// FuzzDecode: a body is the document and nothing else, or a 400.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{"scope":"fleet"}`, ` {"scope":"fleet"} `, "", "{", "[]", `{"scope":5}`, `{"other":1}`, "{}{}", "{}x", "null", "\xff", `{"scope":"\ud800"}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		var document struct {
			Scope string `json:"scope"`
		}
		r := httpapi.Request{APIGatewayV2HTTPRequest: iam("arn", "", body)}
		err := r.Decode(&document)
		trimmed := strings.TrimSpace(body)
		switch {
		case err == nil && !(strings.HasPrefix(trimmed, "{") && strings.HasSuffix(trimmed, "}") && utf8.ValidString(body)):
			t.Errorf("%q was taken", body)
		case err != nil && !fault.Is(err, fault.Rejected):
			t.Errorf("%q: %v", body, err)
		}
	})
}
