package function

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"

	"github.com/project-gimbal/fleet/internal/provider"
)

// dialled is one line of what is said while a connection to the public network is made: which address is about to be connected to,
// for the process to allow or refuse, and in the end how it went.
type dialled struct {
	Network, Address string   `json:",omitempty"`
	Done             bool     `json:",omitempty"`
	Refused          *refusal `json:",omitempty"`
}

// dials connects processes to the public network.
func dials(e provider.Edge) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		conn, buffered, err := http.NewResponseController(out).Hijack()
		if err != nil {
			http.Error(out, "", http.StatusInternalServerError)
			return
		}
		defer func() { _ = conn.Close() }()            // both sides have ended
		ctx, cancel := context.WithCancel(r.Context()) // which no longer ends with the process
		defer cancel()
		in := heard(buffered.Reader, cancel)
		defer func() { _ = in.Close() }()
		lines, words := bufio.NewReader(in), json.NewEncoder(conn)
		far, err := reach(ctx, e, r.URL.Query(), func(network, address string) error {
			_ = words.Encode(dialled{Network: network, Address: address}) // the reading tells
			return hear(lines, nil)
		})
		if words.Encode(dialled{Done: true, Refused: refused(err)}) != nil || err != nil {
			return
		}
		defer func() { _ = far.Close() }()
		go func() {
			_, _ = io.Copy(far, lines)
			_ = far.Close() // the process has closed it
		}()
		_, _ = io.Copy(conn, far)
	})
}

// heard is what the process says; over is called once it says no more.
func heard(from io.Reader, over func()) io.ReadCloser {
	in, out := io.Pipe()
	go func() {
		_, err := io.Copy(out, from)
		over()
		_ = out.CloseWithError(err) // never fails
	}()
	return in
}

// reach dials what is asked for.
func reach(ctx context.Context, e provider.Edge, asked url.Values, control func(network, address string) error) (net.Conn, error) {
	if asked.Get("outside") != "" {
		return e.Outside(ctx, "tcp", asked.Get("address"), control)
	}
	return e.Dial(ctx, "tcp", asked.Get("address"))
}

// hear reads a line that the other side says, into what is given, and gives its refusal.
func hear(lines *bufio.Reader, into *dialled) error {
	var word dialled
	line, err := lines.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &word)
	}
	if err != nil {
		return err
	}
	if into != nil {
		*into = word
	}
	return word.Refused.err()
}

// dial connects to a public address by way of the runner. control is nil for an instance's own host.
func (r runner) dial(ctx context.Context, address string, control func(network, address string) error) (net.Conn, error) {
	at, err := url.Parse(r.url + "/dial")
	if err != nil {
		return nil, err
	}
	query := url.Values{"address": {address}}
	if control != nil {
		query.Set("outside", "yes")
	}
	at.RawQuery = query.Encode()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", at.Host)
	if err != nil {
		return nil, err
	}
	over := context.AfterFunc(ctx, func() { _ = conn.Close() }) // what is read then says so
	lines, err := agree(conn, at, control)
	if !over() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &begun{conn, lines}, nil
}

// agree asks for a connection, and says of each address whether it may be connected to.
func agree(conn net.Conn, at *url.URL, control func(network, address string) error) (*bufio.Reader, error) {
	request, err := http.NewRequest(http.MethodPost, at.String(), nil)
	if err == nil {
		err = request.Write(conn)
	}
	if err != nil {
		return nil, err
	}
	lines, words := bufio.NewReader(conn), json.NewEncoder(conn)
	var forbidden []error
	for {
		var word dialled
		err := hear(lines, &word)
		switch {
		case err != nil:
			return nil, errors.Join(append(forbidden, err)...)
		case word.Done:
			return lines, nil
		}
		not := control(word.Network, word.Address)
		if not != nil {
			forbidden = append(forbidden, not)
		}
		if err := words.Encode(dialled{Refused: refused(not)}); err != nil {
			return nil, err
		}
	}
}

// begun is a connection of which the beginning was read already.
type begun struct {
	net.Conn
	reader *bufio.Reader
}

// Read reads on.
func (b *begun) Read(p []byte) (int, error) { return b.reader.Read(p) }
