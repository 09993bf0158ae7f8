// Package vercel is Fleet's client of the Vercel API: projects, their domains and environment variables, uploaded files
// and deployments.
//
// There is no official Go SDK. Every call carries the team's id: without it a look-up would run against the token's
// personal scope and miss everything, and a create would make a duplicate in the wrong account. No call is ever
// repeated by this package, and redirects are not followed.
package vercel

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
)

const vendor = "vercel"

// Client talks to the Vercel API for one team. It is safe for concurrent use.
type Client struct {
	config    provider.Config
	transport http.RoundTripper
}

// New makes a client of c.Endpoints.Vercel for the team c.Settings.VercelTeam. Its token is c.Credential's
// provider.VercelToken, asked for at each call.
func New(c provider.Config) *Client {
	return &Client{config: c, transport: provider.Guard(c.Clock, c.Transport)}
}

// request is one API call. Its body is either body, sent as JSON, or raw, sent as it is.
type request struct {
	operation string
	method    string
	path      string // below the base URL, its parts escaped
	query     url.Values
	header    http.Header
	body      any
	raw       []byte
	// teamInPath: the path names the team already.
	teamInPath bool
}

// complete is an answer that can tell whether it has everything that a caller relies on.
type complete interface{ complete() bool }

// do sends r once and decodes a successful answer's body into answer, unless that is nil. Its errors are *fault.Error.
func (c *Client) do(ctx context.Context, r request, answer complete) error {
	req, err := c.compose(ctx, r)
	if err != nil {
		return err
	}
	res, err := c.transport.RoundTrip(req)
	if err != nil {
		return provider.Failed(vendor, r.operation, err)
	}
	defer func() { _ = res.Body.Close() }() // a body that was only read has nothing to lose
	body, err := read(res.Body)
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return c.refused(r.operation, res, body, err == nil)
	}
	switch {
	case errors.Is(err, errTooLong):
		return unusable(r.operation, res.StatusCode, "the answer is too long")
	case err != nil:
		return provider.Failed(vendor, r.operation, err)
	case answer == nil:
		return nil
	}
	if json.Unmarshal(body, answer) != nil || !answer.complete() {
		return unusable(r.operation, res.StatusCode, "the answer cannot be understood")
	}
	return nil
}

func (c *Client) compose(ctx context.Context, r request) (*http.Request, error) {
	if c.config.Settings.VercelTeam == "" {
		return nil, unsent(r.operation, fault.Internal, "no team is set", nil)
	}
	content := r.raw
	if r.body != nil {
		var err error
		if content, err = json.Marshal(r.body); err != nil {
			return nil, unsent(r.operation, fault.Internal, "the request cannot be written", err)
		}
	}
	query := url.Values{}
	if !r.teamInPath {
		query.Set("teamId", c.config.Settings.VercelTeam)
	}
	for name, values := range r.query {
		query[name] = values
	}
	var body io.Reader
	if r.body != nil || r.raw != nil {
		body = bytes.NewReader(content)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, c.config.Endpoints.Vercel+r.path+"?"+query.Encode(), body)
	if err != nil {
		return nil, unsent(r.operation, fault.Internal, "the request cannot be written", err)
	}
	req.GetBody = nil // so that no transport can send a body a second time
	for name, values := range r.header {
		req.Header[name] = values
	}
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	token, err := c.config.Credential(ctx, provider.VercelToken)
	if err != nil {
		return nil, provider.NoCredential(vendor, r.operation, err)
	}
	req.Header.Set("Authorization", "Bearer "+token.Reveal())
	req.Header.Set("Accept", "application/json")
	return req, nil
}

// unsent is the fault of a request that never left.
func unsent(operation string, code fault.Code, text string, cause error) error {
	return provider.Unsent(vendor, operation, code, text, cause)
}

// unusable is the fault of an answer that reports success but cannot be used: what was asked for may have happened.
func unusable(operation string, status int, text string) error {
	return &fault.Error{Code: fault.Unavailable, Vendor: vendor, Operation: operation, Status: status, Text: text}
}

var errTooLong = errors.New("answer longer than provider.MaxAnswer")

// read gives a whole body of at most provider.MaxAnswer bytes.
func read(body io.Reader) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(body, provider.MaxAnswer+1))
	if err != nil {
		return nil, err
	}
	if len(content) > provider.MaxAnswer {
		return nil, errTooLong
	}
	return content, nil
}
