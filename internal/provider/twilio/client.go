// Package twilio is Fleet's client for Twilio subaccounts, their API keys and Messaging Services, on Twilio's own SDK.
//
// The SDK knows no context, no base URL and no failing redirect, and drops parts of query values; each call therefore
// gets an SDK client of its own, whose transport puts that right (see transport). Only the SDK's client, rest/api/v2010 and
// rest/messaging/v1 packages are imported: its root package links every Twilio product.
package twilio

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"sync"

	sdk "github.com/twilio/twilio-go/client"
	v2010 "github.com/twilio/twilio-go/rest/api/v2010"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
)

const vendor = "twilio"

// Twilio's own error codes that mean something to Fleet, from its error catalogue.
const (
	codeNotFound         = "20404" // no such resource
	codeParentSuspended  = "21476" // the parent account is suspended
	codeSuspendedByOwner = "21478" // the account was suspended by Twilio itself
	codeClosed           = "21479" // the account is closed, for good
	codeAccountLimit     = "21480" // no further subaccounts
	codeServiceLimit     = "21102" // no further Messaging Services below the parent
)

// Client calls Twilio as the parent account. Every method returns a *fault.Error when it fails.
type Client struct {
	config    provider.Config
	transport http.RoundTripper
}

// New makes a client for the parent account Settings.TwilioAccount, whose auth token is the credential
// provider.TwilioToken.
func New(c provider.Config) *Client {
	return &Client{config: c, transport: provider.Bounded(provider.Guard(c.Clock, c.Transport))}
}

// parent is the SID of the account that owns all subaccounts and pays for them.
func (c *Client) parent() string { return c.config.Settings.TwilioAccount }

// call makes one SDK call as the parent account. query, which may be nil, becomes the request's query as it is.
func (c *Client) call(ctx context.Context, operation string, query url.Values, do func(*v2010.ApiService) error) error {
	token, err := c.config.Credential(ctx, provider.TwilioToken)
	if err != nil {
		return &fault.Error{Code: fault.Unavailable, Vendor: vendor, Operation: operation,
			Text: "not sent: the credential can't be read", NothingHappened: true, Err: err}
	}
	one, err := c.open(ctx, operation, c.config.Endpoints.Twilio, c.parent(), token, query)
	if err != nil {
		return err
	}
	return translate(operation, do(v2010.NewApiServiceWithClient(one)))
}

// open makes the SDK client of one call: to an endpoint, as an account, with a query.
func (c *Client) open(ctx context.Context, operation, endpoint, sid string, token provider.Secret, query url.Values) (*sdk.Client, error) {
	base, err := url.Parse(endpoint)
	if err != nil || base.Host == "" {
		return nil, &fault.Error{Code: fault.Internal, Vendor: vendor, Operation: operation,
			Text: "not sent: the endpoint is no URL", NothingHappened: true, Err: err}
	}
	one := &sdk.Client{
		Credentials: sdk.NewCredentials(sid, token.Reveal()),
		// No Timeout: the guard bounds each call on Fleet's clock.
		HTTPClient: &http.Client{Transport: &transport{
			ctx: ctx, operation: operation, base: base, query: query, next: c.transport,
		}},
	}
	one.SetAccountSid(sid)
	return one, nil
}

// translate turns what the SDK returns into a fault.
func translate(operation string, err error) error {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f // the transport's own word, without the SDK's wrapping
	}
	if local, ok := errors.AsType[*sdk.TwilioRestError](err); ok {
		// The transport never lets a failing status through, so this is the SDK's own check of the credentials.
		return &fault.Error{Code: fault.Rejected, Vendor: vendor, Operation: operation, NothingHappened: true,
			Text: "not sent: account SID or token has characters that the SDK refuses", VendorCode: strconv.Itoa(local.Code)}
	}
	// A success whose body doesn't decode: the effect may have happened.
	return incomprehensible(operation, err)
}

// incomprehensible is the fault for a success that doesn't say what it must. It proves nothing.
func incomprehensible(operation string, err error) *fault.Error {
	return &fault.Error{Code: fault.Unavailable, Vendor: vendor, Operation: operation,
		Text: "the answer is not as documented", Err: err}
}

var (
	accountSID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^AC[0-9a-fA-F]{32}$`) })
	keySID     = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^SK[0-9a-fA-F]{32}$`) })
)

// malformed refuses an id before it is built into a path, as the SDK doesn't escape it.
func malformed(operation string) error {
	return &fault.Error{Code: fault.Rejected, Vendor: vendor, Operation: operation,
		Text: "not sent: malformed SID", NothingHappened: true}
}

// gone reports whether err says that what was asked for does not exist. It wants Twilio's own error document: a bare 404
// may be a proxy's.
func gone(err error) bool { return provider.NotFound(err) && code(err) == codeNotFound }

// closed reports whether err says that the account is closed. Closing is final.
func closed(err error) bool { return code(err) == codeClosed }

func code(err error) string {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f.VendorCode
	}
	return ""
}

// maxPages bounds a list that never ends: 100 pages of 1000.
const maxPages = 100

// pages calls page with each page of a list of the parent's in turn; page returns the answer's next_page_uri.
func (c *Client) pages(ctx context.Context, operation string, query url.Values,
	page func(*v2010.ApiService) (next *string, err error)) error {
	return turn(operation, query, func(query url.Values) (next *string, err error) {
		err = c.call(ctx, operation, query, func(api *v2010.ApiService) (err error) {
			next, err = page(api)
			return err
		})
		return next, err
	})
}

// turn calls page with the query of each page of a list in turn; page returns the address of the next one, nil or empty for none.
func turn(operation string, query url.Values, page func(url.Values) (next *string, err error)) error {
	query.Set("PageSize", "1000") // the most that Twilio gives
	for range maxPages {
		next, err := page(query)
		if err != nil || next == nil || *next == "" {
			return err
		}
		// A path relative to Twilio's host, or a whole address; where Twilio is, is the endpoint's word. Its query holds the filter too.
		u, err := url.Parse(*next)
		if err != nil || u.RawQuery == "" {
			return incomprehensible(operation, errors.New("the next page's address has no query"))
		}
		query = u.Query()
	}
	return incomprehensible(operation, errors.New("the list has no end"))
}
