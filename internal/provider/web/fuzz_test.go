package web_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/web"
)

const (
	// certified is a name in httptest's certificate.
	certified = "example.com"
	// path is in the address that is fetched, and nowhere else.
	path = "/unmistakable-logo.png"
)

// wire is a host that answers each request with the same bytes, whatever they are, and hangs up.
type wire struct {
	at     string
	roots  *x509.CertPool
	answer []byte
	dialed []string
}

func newWire(f *testing.F) *wire {
	f.Helper()
	certificates := httptest.NewTLSServer(http.NotFoundHandler())
	f.Cleanup(certificates.Close)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", certificates.TLS.Clone())
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = listener.Close() })
	w := &wire{at: listener.Addr().String(), roots: x509.NewCertPool()}
	w.roots.AddCert(certificates.Certificate())
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				_, _ = conn.Write(w.answer) // the client may stop reading
			}
			_ = conn.Close()
		}
	}()
	return w
}

// dial is the network, on which every name is at a public address.
func (w *wire) dial(ctx context.Context, network, address string, control func(network, address string) error) (net.Conn, error) {
	w.dialed = append(w.dialed, address)
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if net.ParseIP(host) == nil {
		host = public
	}
	if err := control("tcp4", net.JoinHostPort(host, port)); err != nil {
		return nil, err
	}
	return new(net.Dialer).DialContext(ctx, network, w.at)
}

// FuzzFetch: whatever a customer's host answers, it gives a file within its bounds, or a fault that repeats nothing of the answer or the
// address; and it leads nowhere but to a few hosts' https port.
func FuzzFetch(f *testing.F) {
	w := newWire(f)
	client := web.New(provider.Config{Clock: clock.System(), Endpoints: provider.Endpoints{Edge: provider.Edge{Outside: w.dial, Roots: w.roots}}})
	for _, seed := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfile", "HTTP/1.1 200 OK\r\n\r\nfile", "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\nfile", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfile\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nfile",
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nfile", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("x", 2*limit),
		"HTTP/1.1 302 Found\r\nLocation: /again\r\n\r\n", "HTTP/1.1 302 Found\r\nLocation: https://169.254.169.254/latest\r\n\r\n", "HTTP/1.1 307 x\r\nLocation: http://example.com:22/\r\n\r\n",
		"HTTP/1.1 301 x\r\nLocation: //[::1]\r\n\r\n", "HTTP/1.1 308 x\r\nLocation: https://a:b@example.com/\r\n\r\n", "HTTP/1.1 303 x\r\nLocation: %zz\r\n\r\n", "HTTP/1.1 404 Not Found\r\n\r\n<html>",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 429 x\r\nRetry-After: 1\r\n\r\n", "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", "HTTP/9.9 -1 \x00\r\n", "SSH-2.0-x\r\n", "", "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", 20000) + "\r\nfile",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		w.answer, w.dialed = answer, nil
		content, err := client.Fetch(t.Context(), "https://"+certified+path, limit)
		if len(w.dialed) == 0 || len(w.dialed) > 4 {
			t.Errorf("%d connections: %q", len(w.dialed), w.dialed)
		}
		for _, address := range w.dialed {
			if !strings.HasSuffix(address, ":443") {
				t.Errorf("%s was dialled", address)
			}
		}
		if err == nil {
			if len(content) == 0 || len(content) > limit {
				t.Errorf("%d bytes", len(content))
			}
			return
		}
		told, ok := errors.AsType[*fault.Error](err)
		if !ok || content != nil || told.Vendor != "web" || !told.NothingHappened || !fault.Is(err, fault.Rejected, fault.Throttled, fault.Unavailable) {
			t.Errorf("%T %v with %d bytes", err, err, len(content))
			return
		}
		if text := told.Error(); len(text) > 200 || strings.Contains(text, certified) || strings.Contains(text, path[1:]) || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("it says %q", text)
		}
	})
}
