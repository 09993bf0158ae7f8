// Package edge is Fleet's client of the instances' public host names, as their users reach them: verified TLS, pages,
// and the health endpoint. It only reads.
package edge

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/step/bounds"
)

const vendor = "edge"

// Client reaches instances through provider.Endpoints.Edge. It keeps no connection, follows no redirect and takes no
// proxy from the environment. It is safe for concurrent use.
type Client struct {
	config    provider.Config
	transport http.RoundTripper
}

// New makes a client. Of c it uses the clock and Endpoints.Edge only: public host names are reached by no vendor's
// transport.
func New(c provider.Config) *Client {
	client := &Client{config: c}
	client.transport = provider.Guard(c.Clock, roundTrip(client.exchange))
	return client
}

type roundTrip func(*http.Request) (*http.Response, error)

func (r roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return r(req) }

// exchange sends one request over a connection of its own. It connects before it hands over to http.Transport, which
// would let a connection attempt outlive the call that gave it up.
func (c *Client) exchange(req *http.Request) (*http.Response, error) {
	conn, err := c.connect(req.Context(), "tcp", net.JoinHostPort(req.URL.Hostname(), "443"))
	if err != nil {
		return nil, err
	}
	once := &http.Transport{
		DialTLSContext:    func(context.Context, string, string) (net.Conn, error) { return conn, nil },
		DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: 64 << 10,
	}
	answer, err := once.RoundTrip(req)
	if err != nil {
		_ = conn.Close() // where the transport never took it
	}
	return answer, err
}

// handshakeError is a failure after the connection was there.
type handshakeError struct{ err error }

func (e *handshakeError) Error() string { return "TLS handshake: " + e.err.Error() }
func (e *handshakeError) Unwrap() error { return e.err }

// connect dials a public "host:port" and verifies its certificate for that host.
func (c *Client) connect(ctx context.Context, network, address string) (*tls.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	dial := c.config.Endpoints.Edge.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	plain, err := dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(plain, &tls.Config{
		ServerName: host, RootCAs: c.config.Endpoints.Edge.Roots, Time: c.config.Clock.Now,
		MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
	})
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = plain.Close() // given up
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &handshakeError{err}
	}
	return conn, nil
}

// Handshake makes a TLS connection to host and verifies its certificate. A name that does not resolve, and a handshake
// that fails, are NotReady; no answer is Unavailable. It takes bounds.Call at most.
func (c *Client) Handshake(ctx context.Context, host string) error {
	const operation = "Handshake"
	if !plausible(host) {
		return implausible(operation)
	}
	ctx, cancel := c.config.Clock.WithTimeout(ctx, bounds.Call)
	defer cancel()
	conn, err := c.connect(ctx, "tcp", net.JoinHostPort(host, "443"))
	if err != nil {
		return failed(operation, err)
	}
	_ = conn.Close() // all is known
	return nil
}

// Page gets https://host/path and gives whatever status it answers, with its body of at most provider.MaxAnswer bytes.
// Its errors are those of Handshake; a longer or broken answer is Unavailable.
func (c *Client) Page(ctx context.Context, host, path string) (status int, body []byte, err error) {
	res, body, err := c.get(ctx, "GetPage", host, path)
	if err != nil {
		return 0, nil, err
	}
	return res.StatusCode, body, nil
}

func (c *Client) get(ctx context.Context, operation, host, path string) (*http.Response, []byte, error) {
	if !plausible(host) {
		return nil, nil, implausible(operation)
	}
	target, err := url.Parse("https://" + host + "/" + strings.TrimPrefix(path, "/"))
	if err != nil {
		return nil, nil, implausible(operation)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, nil, implausible(operation)
	}
	req.Header.Set("Cache-Control", "no-cache")
	res, err := c.transport.RoundTrip(req)
	if err != nil {
		return nil, nil, failed(operation, err)
	}
	defer func() { _ = res.Body.Close() }() // a body that was only read has nothing to lose
	body, err := io.ReadAll(io.LimitReader(res.Body, provider.MaxAnswer+1))
	switch {
	case err != nil:
		return nil, nil, failed(operation, err)
	case len(body) > provider.MaxAnswer:
		return nil, nil, &fault.Error{
			Code: fault.Unavailable, Vendor: vendor, Operation: operation, Status: res.StatusCode, Text: "the answer is too long",
		}
	}
	return res, body, nil
}

// plausible keeps anything but a host name out of URLs.
func plausible(host string) bool {
	for _, c := range host {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '.' {
			return false
		}
	}
	return host != ""
}

func implausible(operation string) error {
	return &fault.Error{Code: fault.Internal, Vendor: vendor, Operation: operation, Text: "no host name or path", NothingHappened: true}
}

// failed translates what went wrong before an answer was there.
func failed(operation string, err error) error {
	not := func(text string) error {
		return &fault.Error{Code: fault.NotReady, Vendor: vendor, Operation: operation, Text: text, NothingHappened: true, Err: err}
	}
	if unresolved, ok := errors.AsType[*net.DNSError](err); ok && unresolved.IsNotFound {
		return not("the name does not resolve yet")
	}
	if _, ok := errors.AsType[*handshakeError](err); ok {
		return not("no valid certificate yet")
	}
	return provider.Failed(vendor, operation, err)
}
