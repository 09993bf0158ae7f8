// Package edge simulates the public network in front of the instances: name resolution, TLS with certificates of an
// authority of its own, static files of live deployments, and the health function that every release brings along.
//
// A host exists only through its DNS record, is reached only if that leads to Vercel, has a valid certificate only once
// Vercel has had one issued, and serves only what a live deployment holds. A proxied record changes nothing of that: the
// proxy in between is not simulated. But for a page of Fleet's own, see Page: it has no certificates for the hosts that lead to it,
// and so the proxy's is what they have.
package edge

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/sim/vercel"
)

// Resolver is the public DNS.
type Resolver interface {
	// LookupCNAME gives what host is an alias of.
	LookupCNAME(host string) (target string, proxied bool, ok bool)
}

// Sites is what Vercel serves; *vercel.Sim is one.
type Sites interface {
	// Leads reports whether target, as the DNS has it, is Vercel's for host.
	Leads(host, target string) bool
	// Certificate gives the state of a host's certificate; false if Vercel doesn't know the host.
	Certificate(host string) (vercel.Certificate, bool)
	// Serve gives a host's live deployment.
	Serve(host string) (vercel.Site, bool)
}

// Edge is the simulated public network. It is safe for concurrent use.
type Edge struct {
	clock    clock.Clock
	resolver Resolver
	sites    Sites
	apis     http.RoundTripper
	ca       *authority
	server   *http.Server // of connections made by Dial
	insecure *http.Server // the same on port 80
	outside  hosts
	page     page
}

// page answers for hosts that are aliases of target.
type page struct {
	target  string
	handler http.Handler
}

// New makes an edge. apis is how the instances' health functions reach their Supabase projects. It fails only if the
// machine has no randomness for the authority's key.
func New(c clock.Clock, r Resolver, s Sites, apis http.RoundTripper) (*Edge, error) {
	ca, err := newAuthority(c)
	if err != nil {
		return nil, err
	}
	e := &Edge{clock: c, resolver: r, sites: s, apis: apis, ca: ca}
	e.server = newServer(http.HandlerFunc(e.serveHTTP))
	e.insecure = newServer(http.HandlerFunc(redirect))
	return e, nil
}

// Page serves h at target, a host name of Fleet's own, and for every host whose record is an alias of it. Such a host has a certificate
// only while its record is proxied: it is the proxy's then. Call it before anybody connects.
func (e *Edge) Page(target string, h http.Handler) { e.page = page{canonical(target), h} }

// newServer answers one request a connection. Its time limits are the machine's: they only end what hangs.
func newServer(h http.Handler) *http.Server {
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0),
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}, // HTTP/1.1 only
	}
	server.SetKeepAlivesEnabled(false)
	return server
}

// Dial connects to a public "host:port". A host without DNS record is a *net.DNSError, one that leads elsewhere than to
// Vercel or to the page, or another port than 443 or 80, a refused connection. It has the signature of provider.Edge.Dial.
func (e *Edge) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	if err := e.reach(host); err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	client, server := net.Pipe()
	far := buffer(server)
	switch port {
	case "443":
		go e.serve(e.server, tls.Server(far, e.tlsConfig()))
	case "80":
		go e.serve(e.insecure, far)
	default:
		return nil, &net.OpError{Op: "dial", Net: network, Err: errors.Join(errRefused, client.Close(), far.Close())}
	}
	return client, nil
}

var errRefused = os.NewSyscallError("connect", syscall.ECONNREFUSED)

// reach says why a host cannot be connected to, if so.
func (e *Edge) reach(host string) error {
	target, _, found := e.resolver.LookupCNAME(host)
	switch {
	case e.page.at(host):
	case !found:
		return &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	case !e.page.at(target) && !e.sites.Leads(host, target):
		return errRefused
	}
	return nil
}

// at reports whether a host, or what it is an alias of, is where the page is.
func (p page) at(host string) bool { return p.handler != nil && canonical(host) == p.target }

// paged reports whether the page answers for a host, and whether by a certificate that is valid for the host.
func (e *Edge) paged(host string) (answers, certified bool) {
	if e.page.at(host) {
		return true, true
	}
	target, proxied, found := e.resolver.LookupCNAME(host)
	answers = found && e.page.at(target)
	return answers, answers && proxied
}

func (e *Edge) serve(server *http.Server, conn net.Conn) {
	listener := &single{conn: conn}
	_ = server.Serve(listener) // always an error: the listener ends after its one connection
	if listener.conn != nil {  // the server was closed before
		_ = conn.Close()
	}
}

// single is a listener with one connection.
type single struct{ conn net.Conn }

func (s *single) Accept() (net.Conn, error) {
	if s.conn == nil {
		return nil, net.ErrClosed
	}
	conn := s.conn
	s.conn = nil
	return conn, nil
}

func (*single) Close() error   { return nil }
func (*single) Addr() net.Addr { return place{} }

type place struct{}

func (place) Network() string { return "edge" }
func (place) String() string  { return "edge" }
