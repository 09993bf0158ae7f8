package edge

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
)

// Listener serves the edge on a real TCP port, for a person's browser. One port speaks both plain HTTP and TLS.
type Listener struct {
	tcp    net.Listener
	server *http.Server
	closed context.Context
	close  context.CancelFunc
	done   sync.WaitGroup
}

// Listen serves on a TCP address such as "127.0.0.1:8701". Hosts are told apart by the name in the request; since
// browsers take every name below "localhost" for this machine, "acme.gimbal.app.localhost" stands for
// "acme.gimbal.app" in plain HTTP.
func (e *Edge) Listen(address string) (*Listener, error) {
	tcp, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	l := &Listener{tcp: tcp, server: newServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = strings.TrimSuffix(canonical(r.Host), ".localhost")
		e.serveHTTP(w, r)
	}))}
	l.closed, l.close = context.WithCancel(context.Background())
	l.done.Go(func() {
		for {
			conn, err := tcp.Accept()
			if err != nil {
				return
			}
			l.done.Go(func() { e.greet(l, conn) })
		}
	})
	return l, nil
}

// Addr is the address it listens on.
func (l *Listener) Addr() string { return l.tcp.Addr().String() }

// Close stops listening and ends all connections.
func (l *Listener) Close() error {
	l.close()
	err := errors.Join(l.tcp.Close(), l.server.Close())
	l.done.Wait()
	return err
}

// recordHandshake is the first byte that a TLS client sends.
const recordHandshake = 0x16

// greet serves a connection in the protocol that its first byte speaks.
func (e *Edge) greet(l *Listener, conn net.Conn) {
	silent := context.AfterFunc(l.closed, func() { _ = conn.Close() }) // nobody to tell
	defer silent()
	reader := bufio.NewReader(conn)
	first, err := reader.Peek(1)
	if err != nil {
		_ = conn.Close() // it said nothing
		return
	}
	var greeted net.Conn = &peeked{conn, reader}
	if first[0] == recordHandshake {
		greeted = tls.Server(greeted, e.tlsConfig())
	}
	e.serve(l.server, greeted)
}

// peeked is a connection of which the beginning was read already.
type peeked struct {
	net.Conn
	reader *bufio.Reader
}

func (p *peeked) Read(b []byte) (int, error) { return p.reader.Read(b) }
