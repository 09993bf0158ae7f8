// Package web fetches single files from addresses that customers name, without letting them reach anything but the public
// network: https on its usual port only, on each redirect as well; every address that a name resolves to is judged right before
// it is connected to, so that a name whose answers change gains nothing; no proxy, no cookie, no credential; and bounds on size
// and time. It only reads.
package web

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/step/bounds"
)

const (
	vendor    = "web"
	operation = "Fetch"
	port      = "443"
	// mostRedirects is how many redirects are followed.
	mostRedirects = 3
	// mostHeader bounds an answer's header, in bytes.
	mostHeader = 64 << 10
	// longestAddress bounds an address, in bytes.
	longestAddress = 2048
)

// Client fetches. It keeps no connection and is safe for concurrent use.
type Client struct {
	config provider.Config
}

// New makes a client. Of c it uses the clock and Endpoints.Edge only: no vendor's transport, and no credential.
func New(c provider.Config) *Client { return &Client{c} }

// Fetch gives the file at an https address, of at most limit bytes, as it is: an answer that is packed by a content encoding is
// refused. It takes bounds.Call at most, redirects included. Throttled and Unavailable may be better later; every other fault
// is about the address, and says what is wrong with it without repeating any of it or of the answer. Whatever it is, nothing
// happened.
func (c *Client) Fetch(ctx context.Context, address string, limit int64) ([]byte, error) {
	ctx, cancel := c.config.Clock.WithTimeout(ctx, bounds.Call)
	defer cancel()
	at, err := parse(address)
	if err != nil {
		return nil, err
	}
	for range mostRedirects + 1 {
		answer, err := c.exchange(ctx, at)
		if err != nil {
			return nil, failed(err)
		}
		if !redirects(answer.StatusCode) {
			content, err := read(answer, limit)
			if err != nil && ctx.Err() != nil { // what broke it off is the time
				return nil, failed(ctx.Err())
			}
			return content, err
		}
		_ = answer.Body.Close() // its body is of no interest
		next, err := at.Parse(answer.Header.Get("Location"))
		if err != nil || answer.Header.Get("Location") == "" {
			return nil, refused("the address leads on to something that is no address")
		}
		if at, err = parse(next.String()); err != nil {
			return nil, err
		}
	}
	return nil, refused("the address leads on too often")
}

// parse takes an https address with a host name, and nothing that is not part of finding a file.
func parse(address string) (*url.URL, error) {
	at, err := url.Parse(address)
	switch {
	case err != nil || len(address) > longestAddress:
		return nil, refused("the address is none")
	case at.Scheme != "https":
		return nil, refused("the address, or one that it leads on to, is not https")
	case at.User != nil:
		return nil, refused("the address holds a user name or password")
	case at.Port() != "" && at.Port() != port:
		return nil, refused("the address is on another port than 443")
	case !plausible(at.Hostname()):
		return nil, refused("the address has no usable host name; write one of other scripts in its xn-- form")
	}
	at.Host = strings.TrimSuffix(at.Host, ":"+port)
	at.Fragment, at.RawFragment = "", ""
	return at, nil
}

// plausible takes host names in ASCII, and addresses in figures: these are judged like those that a name resolves to.
func plausible(host string) bool {
	return host != "" && len(host) <= 253 && !strings.ContainsFunc(host, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._:", r)
	})
}

func redirects(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// exchange sends one request over a connection of its own. It connects before it hands over to http.Transport, which would let
// a connection attempt outlive the call that gave it up.
func (c *Client) exchange(ctx context.Context, at *url.URL) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, refused("the address is none")
	}
	req.Header.Set("Accept", "image/*")
	req.Header.Set("Accept-Encoding", "identity")
	req.Header.Set("User-Agent", "Gimbal-Fleet/1")
	conn, err := c.connect(ctx, at.Hostname())
	if err != nil {
		return nil, err
	}
	once := &http.Transport{
		DialTLSContext:    func(context.Context, string, string) (net.Conn, error) { return conn, nil },
		DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: mostHeader,
	}
	answer, err := once.RoundTrip(req)
	if err != nil {
		_ = conn.Close() // where the transport never took it
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return answer, err
}

// connect dials a host, if what its name resolves to may be dialled, and verifies its certificate for that host.
func (c *Client) connect(ctx context.Context, host string) (*tls.Conn, error) {
	dial := c.config.Endpoints.Edge.Outside
	if dial == nil {
		dial = outside
	}
	plain, err := dial(ctx, "tcp", net.JoinHostPort(host, port), allowed)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(plain, &tls.Config{
		ServerName: host, RootCAs: c.config.Endpoints.Edge.Roots, Time: c.config.Clock.Now,
		MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
	})
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = plain.Close() // given up
		return nil, errors.Join(ctx.Err(), err)
	}
	return conn, nil
}

// read takes an answer's file.
func read(answer *http.Response, limit int64) ([]byte, error) {
	defer func() { _ = answer.Body.Close() }() // a body that was only read has nothing to lose
	switch encoding := answer.Header.Get("Content-Encoding"); {
	case answer.StatusCode != http.StatusOK:
		return nil, status(answer.StatusCode)
	case encoding != "" && !strings.EqualFold(encoding, "identity"):
		return nil, refused("the answer is packed although it was asked for plain")
	case answer.ContentLength > limit:
		return nil, tooLarge(limit)
	}
	content, err := io.ReadAll(io.LimitReader(answer.Body, limit+1))
	switch {
	case int64(len(content)) > limit:
		return nil, tooLarge(limit)
	case err != nil:
		return nil, failed(err)
	case len(content) == 0:
		return nil, refused("the answer is empty")
	}
	return content, nil
}
