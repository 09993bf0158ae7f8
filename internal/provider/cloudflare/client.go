// Package cloudflare is Fleet's client of Cloudflare's DNS records and rate-limiting rules, for the one zone that holds all
// instances' names.
//
// It stands on the SDK's dns package, whose habits it undoes: the SDK repeats every request, POSTs included, on 408,
// 409, 429, 5xx and broken connections, and it decodes answers leniently, so that a field of the wrong type reads as
// absent.
package cloudflare

import (
	"context"
	"io"
	"net/http"

	"github.com/cloudflare/cloudflare-go/v7/dns"
	"github.com/cloudflare/cloudflare-go/v7/option"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
)

const vendor = "cloudflare"

// Client speaks to Cloudflare. It is safe for concurrent use.
//
// Its errors are *fault.Error with vendor "cloudflare" and one of the operations ListRecords, GetRecord, CreateRecord,
// UpdateRecord, DeleteRecord, VerifyToken, GetZone, GetEntryPoint, CreateRuleset, CreateRule and DeleteRule. VendorCode is Cloudflare's numeric code.
type Client struct {
	records    *dns.RecordService
	http       *http.Client
	base       string
	clock      clock.Clock
	credential func(ctx context.Context, name string) (provider.Secret, error)
	zone       string
	domain     string
}

// New makes a client from the Cloudflare endpoint, the zone's id and name in the settings, and the credential
// provider.CloudflareToken, which is asked for at every call.
func New(c provider.Config) *Client {
	sender := &http.Client{
		Transport:     provider.Bounded(provider.Guard(c.Clock, c.Transport)),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &Client{
		// A service made by itself, unlike the SDK's root client, reads nothing from the environment.
		records: dns.NewRecordService(
			option.WithBaseURL(c.Endpoints.Cloudflare),
			option.WithHTTPClient(sender),
			option.WithMaxRetries(0),
		),
		http:       sender,
		base:       c.Endpoints.Cloudflare,
		clock:      c.Clock,
		credential: c.Credential,
		zone:       c.Settings.CloudflareZone,
		domain:     c.Settings.Domain,
	}
}

// call sends one request and gives the envelope of its answer. The SDK fills in what the options point to, and what it
// makes of the answer itself is ignored.
func (c *Client) call(ctx context.Context, operation string, send func(opts ...option.RequestOption) error) (*envelope, error) {
	token, err := c.credential(ctx, provider.CloudflareToken)
	if err != nil {
		return nil, provider.NoCredential(vendor, operation, err)
	}
	var answer *http.Response
	var body []byte
	err = send(option.WithAPIToken(token.Reveal()), option.WithResponseInto(&answer), option.WithResponseBodyInto(&body))
	switch {
	case answer == nil:
		return nil, provider.Failed(vendor, operation, err)
	case answer.StatusCode >= http.StatusBadRequest:
		body, err := io.ReadAll(answer.Body) // the SDK puts it back after it has read it
		return nil, c.refused(operation, answer, body, err == nil)
	case answer.StatusCode != http.StatusOK:
		return nil, c.refused(operation, answer, body, true)
	case err != nil:
		return nil, unusable(operation, answer.StatusCode)
	}
	e, ok := decode(body)
	if !ok {
		return nil, unusable(operation, answer.StatusCode)
	}
	return e, nil
}

// unsent is a fault of a call that was kept back.
func unsent(operation string, code fault.Code, text string, cause error) *fault.Error {
	return provider.Unsent(vendor, operation, code, text, cause)
}

// unusable is a fault for a success that can't be read: the effect may have happened.
func unusable(operation string, status int) *fault.Error {
	return provider.Answered(vendor, operation, status, "", 0)
}
