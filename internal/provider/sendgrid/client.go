// Package sendgrid is Fleet's client of Twilio SendGrid: subusers, their API keys, authenticated domains and Event
// Webhooks, and Fleet's own messages.
//
// It stands on the vendor's SDK, whose habits it undoes: the SDK takes every status for a success, its package-level
// client has no limits, and its retrying calls sleep without regard to the context.
//
// Keys, domains and webhooks belong to whoever the "on-behalf-of" header names, and to Fleet's own account without it. So every
// such call here names a subuser, and is kept back when it doesn't.
package sendgrid

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"sync"

	"github.com/sendgrid/rest"
	sdk "github.com/sendgrid/sendgrid-go"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
)

const vendor = "sendgrid"

// Client speaks to SendGrid. It is safe for concurrent use.
//
// Its errors are *fault.Error with vendor "sendgrid" and one of the operations ListSubusers, CreateSubuser,
// UpdateSubuser, DeleteSubuser, ListStats, ListKeys, CreateKey, DeleteKey, ListDomains, AuthenticateDomain, ValidateDomain, DeleteDomain,
// ListWebhooks, CreateWebhook, UpdateWebhook, SignWebhook, DeleteWebhook, SendMail, ListScopes and ListIPs. SendGrid has no error codes; VendorCode is one of the Code constants where its message is a known one.
type Client struct {
	rest       rest.Client
	clock      clock.Clock
	credential func(ctx context.Context, name string) (provider.Secret, error)
	host       string
	ips        []string
}

// New makes a client from the SendGrid endpoint, the account's IP addresses in the settings, and the credential
// provider.SendGridKey, which is asked for at every call.
func New(c provider.Config) *Client {
	return &Client{
		rest: rest.Client{HTTPClient: &http.Client{
			Transport:     provider.Bounded(provider.Guard(c.Clock, c.Transport)),
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}},
		clock:      c.Clock,
		credential: c.Credential,
		host:       c.Endpoints.SendGrid,
		ips:        c.Settings.SendGridIPs,
	}
}

// request is one call.
type request struct {
	operation string
	method    rest.Method
	path      string
	query     map[string]string
	subuser   string // on whose behalf; empty for Fleet's own account
	body      any    // sent as JSON; nil for none
	// success lists the statuses that mean it. Any other below 400 is unusable.
	success []int
}

// call sends one request. The answer's status is one of r.success.
func (c *Client) call(ctx context.Context, r request) (*rest.Response, error) {
	key, err := c.credential(ctx, provider.SendGridKey)
	if err != nil {
		return nil, provider.NoCredential(vendor, r.operation, err)
	}
	out := sdk.GetRequestSubuser(key.Reveal(), r.path, c.host, r.subuser)
	out.Method, out.QueryParams = r.method, r.query
	if r.body != nil {
		if out.Body, err = json.Marshal(r.body); err != nil {
			return nil, unsent(r.operation, fault.Internal, "the request can't be written", err)
		}
	}
	answer, err := c.rest.SendWithContext(ctx, out)
	switch {
	case answer == nil:
		return nil, provider.Failed(vendor, r.operation, err)
	case !slices.Contains(r.success, answer.StatusCode):
		return nil, c.refused(r.operation, answer, err == nil)
	case err != nil: // the body broke off
		return nil, unusable(r.operation, answer.StatusCode)
	}
	return answer, nil
}

// read sends one request and decodes its answer into to. An answer that is no such JSON is a fault.
func (c *Client) read(ctx context.Context, r request, to any) error {
	answer, err := c.call(ctx, r)
	if err != nil {
		return err
	}
	if json.Unmarshal([]byte(answer.Body), to) != nil {
		return unusable(r.operation, answer.StatusCode)
	}
	return nil
}

// username and identifier are what is put into a path or a header here.
var (
	username   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9_.@+-]{0,63}$`) })
	identifier = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`) })
)

// behalf keeps back a call that names no subuser: it would act on Fleet's own account.
func behalf(operation, subuser string) error {
	if username().MatchString(subuser) {
		return nil
	}
	return unsent(operation, fault.Internal, "it names no subuser", nil)
}

// unsent is a fault of a call that was kept back.
func unsent(operation string, code fault.Code, text string, cause error) *fault.Error {
	return provider.Unsent(vendor, operation, code, text, cause)
}

// unusable is a fault for a success that can't be read: the effect may have happened.
func unusable(operation string, status int) *fault.Error {
	return provider.Answered(vendor, operation, status, "", 0)
}
