package edge

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
)

// Host is a public host of somebody else's, which is not behind Vercel.
type Host struct {
	// Resolve gives what the name resolves to at one look-up, in the order in which the addresses are tried.
	Resolve func() []netip.Addr
	// Handler answers over TLS. Nil: nobody listens there.
	Handler http.Handler
	// Uncertified: its certificate is another host's.
	Uncertified bool
}

// At resolves a host to the same addresses always.
func At(addresses ...string) func() []netip.Addr {
	parsed := make([]netip.Addr, 0, len(addresses))
	for _, a := range addresses {
		parsed = append(parsed, netip.MustParseAddr(a))
	}
	return func() []netip.Addr { return parsed }
}

// hosts are other people's, by name.
type hosts struct {
	mu        sync.Mutex
	known     map[string]Host
	connected []netip.AddrPort
}

// Publish puts somebody else's host onto the network, in place of one of that name.
func (e *Edge) Publish(name string, h Host) {
	e.outside.mu.Lock()
	defer e.outside.mu.Unlock()
	if e.outside.known == nil {
		e.outside.known = map[string]Host{}
	}
	e.outside.known[canonical(name)] = h
}

// Connected lists the addresses that were connected to by way of Outside, in order.
func (e *Edge) Connected() []netip.AddrPort {
	e.outside.mu.Lock()
	defer e.outside.mu.Unlock()
	return slices.Clone(e.outside.connected)
}

// Outside connects to other people's hosts as net.Dialer does: it resolves the name, and asks control about each address right
// before it connects to that very address. An address in figures resolves to itself. Something listens at every address,
// whether it may be reached or not: what keeps a caller away is control alone. It has the signature of provider.Edge.Outside.
func (e *Edge) Outside(ctx context.Context, network, address string, control func(network, address string) error) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	name, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	h, addresses := e.outside.resolve(canonical(name))
	if len(addresses) == 0 {
		return nil, &net.OpError{Op: "dial", Net: network, Err: &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}}
	}
	var failed []error
	for _, a := range addresses {
		at, err := netip.ParseAddrPort(net.JoinHostPort(a.String(), port))
		if err == nil {
			err = control(family(network, a), at.String())
		}
		if err != nil {
			failed = append(failed, &net.OpError{Op: "dial", Net: network, Err: err})
			continue
		}
		return e.open(network, h, at)
	}
	return nil, errors.Join(failed...)
}

// family is the network as a dialer's Control is told it.
func family(network string, a netip.Addr) string {
	if a.Is4() {
		return network + "4"
	}
	return network + "6"
}

func (o *hosts) resolve(name string) (Host, []netip.Addr) {
	o.mu.Lock()
	h, known := o.known[name]
	o.mu.Unlock()
	if figures, err := netip.ParseAddr(name); err == nil {
		return h, []netip.Addr{figures}
	}
	if !known || h.Resolve == nil {
		return h, nil
	}
	return h, h.Resolve()
}

// open connects to an address at which a host is.
func (e *Edge) open(network string, h Host, at netip.AddrPort) (net.Conn, error) {
	e.outside.mu.Lock()
	e.outside.connected = append(e.outside.connected, at)
	e.outside.mu.Unlock()
	if h.Handler == nil || at.Port() != 443 {
		return nil, &net.OpError{Op: "dial", Net: network, Err: errRefused}
	}
	client, server := net.Pipe()
	go e.serve(newServer(h.Handler), tls.Server(buffer(server), &tls.Config{
		MinVersion: tls.VersionTLS12, Time: e.clock.Now, SessionTicketsDisabled: true, NextProtos: []string{"http/1.1"},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if h.Uncertified {
				return e.ca.leaf("another.example")
			}
			return e.ca.leaf(canonical(hello.ServerName))
		},
	}))
	return client, nil
}
