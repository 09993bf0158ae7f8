package sendgrid

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sendgrid/rest"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
)

// Values of a fault's VendorCode. SendGrid tells errors apart by their messages only; these stand for the known ones.
const (
	// CodeUsernameExists: the name is taken somewhere at SendGrid, maybe by a stranger.
	CodeUsernameExists = "username exists"
	// CodeIPsNotValidated: "unable to validate IPs at this time", which passes.
	CodeIPsNotValidated = "unable to validate IPs"
	// CodeSubuserLimit: "You have reached your subuser limit".
	CodeSubuserLimit = "subuser limit"
	// CodeWebhookExists: "Webhook at '…' already exists", of the same subuser's.
	CodeWebhookExists = "webhook exists"
	// CodeWebhookLimit: "You have reached the maximum number of webhooks".
	CodeWebhookLimit = "webhook limit"
)

// refused translates a failing answer, whose body may have broken off before it was whole.
func (c *Client) refused(operation string, answer *rest.Response, whole bool) *fault.Error {
	var after time.Duration
	if answer.StatusCode == http.StatusTooManyRequests {
		after = c.untilReset(answer.Headers)
	}
	f := provider.Answered(vendor, operation, answer.StatusCode, "", after)
	if answer.StatusCode == http.StatusNotFound && !document(answer.Body, whole) {
		provider.Strange(f)
	}
	if f.Code != fault.Rejected {
		return f
	}
	switch operation {
	case operationCreateSubuser:
		subuserRefused(f, messages(answer.Body))
	case operationCreateWebhook:
		webhookRefused(f, messages(answer.Body))
	}
	return f
}

func subuserRefused(f *fault.Error, said string) {
	switch {
	case strings.Contains(said, "username exists"):
		f.Code, f.Text, f.VendorCode = fault.Conflict, "the name is taken", CodeUsernameExists
	case strings.Contains(said, "subuser limit"):
		f.Code, f.Text, f.VendorCode = fault.QuotaExceeded, "no more subusers are allowed", CodeSubuserLimit
	case strings.Contains(said, "unable to validate ips"):
		f.Code, f.Text, f.VendorCode = fault.Unavailable, "the IP addresses could not be checked", CodeIPsNotValidated
	}
}

func webhookRefused(f *fault.Error, said string) {
	switch {
	case strings.Contains(said, "already exists"):
		f.Code, f.Text, f.VendorCode = fault.Conflict, "another webhook posts there", CodeWebhookExists
	case strings.Contains(said, "maximum number of webhooks"):
		f.Code, f.Text, f.VendorCode = fault.QuotaExceeded, "no more webhooks are allowed", CodeWebhookLimit
	}
}

// document reports whether a failing answer's body is SendGrid's, which may leave it out.
func document(body string, whole bool) bool {
	var object map[string]json.RawMessage
	return whole && (strings.TrimSpace(body) == "" || json.Unmarshal([]byte(body), &object) == nil && (object["errors"] != nil || object["error"] != nil))
}

// messages are the messages of an error document, in lower case. They are looked into and never shown.
func messages(body string) string {
	var document struct {
		Errors []struct {
			Message string `json:"message"`
		} `json:"errors"`
	}
	if json.Unmarshal([]byte(body), &document) != nil {
		return ""
	}
	var all strings.Builder
	for _, e := range document.Errors {
		all.WriteString(strings.ToLower(e.Message) + "\n")
	}
	return all.String()
}

// untilReset is how long the rate limit lasts by the X-RateLimit-Reset header, which SendGrid writes as seconds since
// 1970. It is kept between nothing and a day.
func (c *Client) untilReset(header http.Header) time.Duration {
	at, err := strconv.ParseInt(header.Get("X-RateLimit-Reset"), 10, 64)
	if err != nil {
		return 0
	}
	const most = 24 * time.Hour
	now := c.clock.Now()
	if at > now.Add(most).Unix() { // so far away that the difference might not fit
		return most
	}
	return max(time.Unix(at, 0).Sub(now), 0)
}

// gone reports whether a call on behalf of a subuser failed because there is no such subuser, and so nothing of
// theirs: SendGrid deletes keys and domains with their subuser, and doesn't document how it refuses to act for an
// absent one.
func (c *Client) gone(ctx context.Context, subuser string, err error) bool {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return false
	}
	switch f.Status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
		found, err := c.FindSubusers(ctx, subuser)
		return err == nil && len(found) == 0
	}
	return false
}
