package edge

import (
	"io"
	"net"
	"sync"
	"time"
)

// buffered is a connection whose writes never wait for the other side. Both ends of a net.Pipe writing at once, as when
// a TLS client objects in the middle of its server's messages, would otherwise hang.
type buffered struct {
	net.Conn
	mu     sync.Mutex
	some   *sync.Cond
	queue  [][]byte
	closed bool
}

func buffer(conn net.Conn) net.Conn {
	b := &buffered{Conn: conn}
	b.some = sync.NewCond(&b.mu)
	go b.pump()
	return b
}

func (b *buffered) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return 0, net.ErrClosed
	}
	b.queue = append(b.queue, append([]byte(nil), p...))
	b.some.Signal()
	return len(p), nil
}

// SetWriteDeadline does nothing: writes don't wait. TLS sets one in the past when it closes, which must not stop what is
// still on its way.
func (*buffered) SetWriteDeadline(time.Time) error { return nil }

// SetDeadline is SetReadDeadline.
func (b *buffered) SetDeadline(t time.Time) error { return b.SetReadDeadline(t) }

// Close lets the other side read what was written before. What that side still writes meanwhile, such as its own
// farewell, is dropped, so that neither waits for the other.
func (b *buffered) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil
	}
	b.closed = true
	b.some.Signal()
	go func() {
		_ = b.SetReadDeadline(time.Time{}) // whoever read before may have set one
		_, _ = io.Copy(io.Discard, b.Conn) // until either side closes the pipe
	}()
	return nil
}

func (b *buffered) pump() {
	for {
		b.mu.Lock()
		for len(b.queue) == 0 && !b.closed {
			b.some.Wait()
		}
		queue, closed := b.queue, b.closed
		b.queue = nil
		b.mu.Unlock()
		for _, p := range queue {
			if _, err := b.Conn.Write(p); err != nil { // the other side is gone
				b.abandon()
				return
			}
		}
		if closed && len(queue) == 0 {
			b.abandon()
			return
		}
	}
}

// abandon ends the connection at once.
func (b *buffered) abandon() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	_ = b.Conn.Close() // a pipe's Close never fails
}
