package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/view"
)

// Request is an operator's.
type Request struct {
	events.APIGatewayV2HTTPRequest
	// Operator is who sent it, as the audit names them.
	Operator string
	// ID is the path's {id}, empty without one.
	ID string
}

// Operators makes a function that only operators may call of what it does for one: it gives the answer's status and document.
// Anybody else gets the same 401, whatever they ask for.
func Operators(do func(ctx context.Context, env step.Env, r Request) (status int, document any, err error)) step.API {
	return func(ctx context.Context, env step.Env, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		operator, err := Operator(ctx, env, r)
		if err != nil {
			return Failed(ctx, env, err), nil
		}
		status, document, err := do(ctx, env, Request{r, operator, r.PathParameters["id"]})
		if err != nil {
			return Failed(ctx, env, err), nil
		}
		return JSON(status, document), nil
	}
}

// Decode reads the request's body into a document: one JSON object and nothing else, with no field that the document lacks. Any
// other body is a 400 fault.
func (r Request) Decode(into any) error {
	body, err := Body(r.APIGatewayV2HTTPRequest)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err = d.Decode(into); err == nil {
		_, err = d.Token()
	}
	if !errors.Is(err, io.EOF) || !utf8.Valid(body) || !bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		return Refuse(http.StatusBadRequest, fault.Rejected, "the body is no JSON object of this request's fields, or something follows it")
	}
	return nil
}

// Printable reports whether text is 1 to most characters, all printable, not only spaces. Marks that turn the direction of
// writing are not: they make a name look like another.
func Printable(text string, most int) bool {
	return utf8.ValidString(text) && strings.TrimSpace(text) != "" && utf8.RuneCountInString(text) <= most &&
		!strings.ContainsFunc(text, func(r rune) bool {
			return r == utf8.RuneError || unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp, unicode.Bidi_Control)
		})
}

// CheckThing refuses what can't be something that a vendor's list of Fleet's things shows.
func CheckThing(t view.Thing) error {
	bad := BadFields{}
	if !fleet.MayBeOrphaned(t.Kind) {
		bad["kind"] = "a kind of what stands at a vendor by itself, as the incident names it"
	}
	if !Printable(t.Name, 253) {
		bad["name"] = "its name, as the incident tells it"
	}
	if len(bad) > 0 {
		return bad
	}
	return nil
}
