package supabase

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
)

// problem is an error document. The Management API and the gateway send only a message, which is a string or a list of
// strings. Auth sends {"code":422,"error_code":"email_exists","msg":"…"}, or {"code":"email_exists","message":"…"} in
// its newer version.
type problem struct {
	Message   json.RawMessage `json:"message"`
	Msg       string          `json:"msg"`
	Code      json.RawMessage `json:"code"`
	ErrorCode string          `json:"error_code"`
}

// failure classifies an answer whose status isn't a success; readErr is why its body couldn't be read, if so.
func (c *Client) failure(operation string, res *http.Response, body []byte, readErr error) error {
	var p problem
	understood := readErr == nil && json.Unmarshal(body, &p) == nil && p.document()
	f := provider.Answered(Name, operation, res.StatusCode, p.code(res.Header), c.retryAfter(res))
	switch {
	case res.StatusCode == http.StatusNotFound && !understood, meansMore(res.StatusCode) && readErr != nil:
		// A proxy's 404 page must not pass for "gone", nor a 400 be judged without its message.
		f.Code, f.Text, f.NothingHappened, f.Err = fault.Unavailable, "refused without the vendor's error document", false, readErr
		// Without the status, so that nobody takes it for a 404 of the vendor's.
		f.Status = 0
	case res.StatusCode == http.StatusConflict, strings.HasSuffix(f.VendorCode, "_exists") && res.StatusCode < 500:
		f.Code, f.Text = fault.Conflict, "exists already"
	case res.StatusCode == http.StatusBadRequest:
		f.Code, f.Text = badRequest(operation, strings.ToLower(p.text()))
	}
	return f
}

// meansMore reports whether a status has several meanings that only the body tells apart.
func meansMore(status int) bool {
	return status == http.StatusBadRequest || status == http.StatusUnprocessableEntity
}

// badRequest classifies a 400 by its message: the Management API has no codes.
func badRequest(operation, message string) (fault.Code, string) {
	switch {
	case operation == opDeleteProject && strings.Contains(message, "not ready for deletion"):
		return fault.NotReady, "the project is still coming up and can't be deleted yet"
	case operation == opCreateProject && strings.Contains(message, "project") && strings.Contains(message, "limit"):
		// "The following organization members have reached their maximum limits for the number of active free projects …"
		return fault.QuotaExceeded, "the organisation's project allowance is used up"
	case operation == opCreateProject && strings.Contains(message, "already exists"):
		return fault.Conflict, "exists already"
	}
	return fault.Rejected, "refused"
}

// document reports whether this is an error document of the vendor's at all.
func (p problem) document() bool { return len(p.Message) > 0 || p.Msg != "" || p.ErrorCode != "" }

// text is the message, for matching only: it is free text and is never printed.
func (p problem) text() string {
	var one string
	if json.Unmarshal(p.Message, &one) == nil {
		return one
	}
	var many []string
	if json.Unmarshal(p.Message, &many) == nil {
		return strings.Join(many, "\n")
	}
	return p.Msg
}

// code is the vendor's error code: Auth sets a header whatever the body's version.
func (p problem) code(h http.Header) string {
	var inBody string
	// A code that is a number repeats the status.
	_ = json.Unmarshal(p.Code, &inBody)
	for _, code := range []string{h.Get("X-Sb-Error-Code"), p.ErrorCode, inBody} {
		if code = provider.Code(code); code != "" {
			return code
		}
	}
	return ""
}

// longestWait is the longest a rate limit may ask for; a larger number is not believed.
const longestWait = time.Hour

// retryAfter is how long a 429 asks to wait, 0 if it doesn't say. Retry-After is not documented but sent by the
// vendor's own test server; x-ratelimit-reset counts the seconds to the next window, it is no epoch.
func (c *Client) retryAfter(res *http.Response) time.Duration {
	if res.StatusCode != http.StatusTooManyRequests {
		return 0
	}
	if at, err := http.ParseTime(res.Header.Get("Retry-After")); err == nil {
		if d := at.Sub(c.config.Clock.Now()); d > 0 && d <= longestWait {
			return d
		}
	}
	for _, name := range []string{"Retry-After", "X-Ratelimit-Reset"} {
		seconds, err := strconv.ParseFloat(strings.TrimSpace(res.Header.Get(name)), 64)
		if err == nil && seconds > 0 && seconds <= longestWait.Seconds() {
			return time.Duration(seconds * float64(time.Second))
		}
	}
	return 0
}
