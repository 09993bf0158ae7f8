package httpapi

import (
	"context"
	"crypto/sha256"
	_ "embed" // the frame of pages
	"encoding/base64"
	"errors"
	"html"
	"net/http"
	"os"

	"github.com/aws/aws-lambda-go/events"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/step"
)

var (
	//go:embed page/frame.html
	frame string
	//go:embed page/style.css
	style string
)

// Fill puts facts, escaped, into a text of HTML: ${Name} stands for the fact of that name.
func Fill(text string, facts map[string]string) string {
	return os.Expand(text, func(name string) string { return html.EscapeString(facts[name]) })
}

// Page is an answer for people: a body of HTML in Fleet's frame. Nobody keeps it, learns its address from it, puts it into a frame of
// their own, or runs anything in it.
func Page(status int, title, body string) events.APIGatewayV2HTTPResponse {
	whole := os.Expand(frame, func(name string) string {
		return map[string]string{"Title": html.EscapeString(title), "Style": style, "Body": body}[name]
	})
	sum := sha256.Sum256([]byte(style))
	return events.APIGatewayV2HTTPResponse{StatusCode: status, Body: whole, Headers: map[string]string{
		"content-type":  "text/html; charset=utf-8",
		"cache-control": "no-store", "referrer-policy": "no-referrer", "x-content-type-options": "nosniff", "x-robots-tag": "noindex",
		"content-security-policy": "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
			"'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
	}}
}

// Told is a fault's status and what it says to people on a page. What is not the caller's fault is logged, and says nothing more than
// that nothing was done, in the page's words.
func Told(ctx context.Context, env step.Env, err error, nothing string) (status int, text string) {
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Status != 0 && f.Vendor == "" {
		return f.Status, f.Text
	}
	env.Log.ErrorContext(ctx, "request failed", "code", fault.CodeOf(err), "error", step.SafeText(err))
	if fault.CodeOf(err).Transient() {
		return http.StatusServiceUnavailable, "Not now: " + nothing + " Try again in a moment."
	}
	return http.StatusInternalServerError, "Something went wrong; the logs say what: " + nothing
}
