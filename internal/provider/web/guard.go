package web

import (
	"context"
	"net"
	"sync"
	"syscall"

	"code.dny.dev/ssrf"
)

// guardian knows the public addresses: of IPv4 what no registry of special purposes lists, of IPv6 global unicast without those.
// An IPv4 address that is embedded in IPv6, be it mapped, by NAT64 or by 6to4, is none of them.
// https://www.iana.org/assignments/iana-ipv4-special-registry, https://www.iana.org/assignments/iana-ipv6-special-registry
var guardian = sync.OnceValue(func() *ssrf.Guardian { return ssrf.New(ssrf.WithPorts(443)) })

// forbiddenError is the guard's: the address that would be connected to is not public.
type forbiddenError struct{ err error }

func (e *forbiddenError) Error() string { return "not a public address: " + e.err.Error() }
func (e *forbiddenError) Unwrap() error { return e.err }

// allowed judges an address that is about to be connected to.
func allowed(network, address string) error {
	if err := guardian().Safe(network, address, nil); err != nil {
		return &forbiddenError{err}
	}
	return nil
}

// outside dials the real network. The dialer resolves a name, and asks Control with each address in turn when its socket is
// there and not yet connected: what is judged is what is connected to.
func outside(ctx context.Context, network, address string, control func(network, address string) error) (net.Conn, error) {
	dialer := net.Dialer{Control: func(network, address string, _ syscall.RawConn) error { return control(network, address) }}
	return dialer.DialContext(ctx, network, address)
}
