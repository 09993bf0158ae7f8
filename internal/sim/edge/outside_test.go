package edge_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"testing"

	"github.com/project-gimbal/fleet/internal/sim/edge"
)

// TestOutsideAsksBeforeItConnects: control learns of each address as a dialer would tell it, in order, and decides.
func TestOutsideAsksBeforeItConnects(t *testing.T) {
	e := live(t, fast())
	e.Publish("www.example", edge.Host{Resolve: edge.At("10.0.0.1", "2606:4700::1", "93.184.215.14"), Handler: http.NotFoundHandler()})
	e.Publish("silent.example", edge.Host{Resolve: edge.At("93.184.215.14")})
	no := errors.New("no")
	for name, c := range map[string]struct {
		address string
		allow   string // the only one
		asked   []string
		failed  func(error) bool
	}{
		"the last":       {"www.example:443", "93.184.215.14:443", []string{"tcp4 10.0.0.1:443", "tcp6 [2606:4700::1]:443", "tcp4 93.184.215.14:443"}, nil},
		"one of v6":      {"WWW.example.:443", "[2606:4700::1]:443", []string{"tcp4 10.0.0.1:443", "tcp6 [2606:4700::1]:443"}, nil},
		"none":           {"www.example:443", "", []string{"tcp4 10.0.0.1:443", "tcp6 [2606:4700::1]:443", "tcp4 93.184.215.14:443"}, func(err error) bool { return errors.Is(err, no) }},
		"in figures":     {"[::1]:443", "", []string{"tcp6 [::1]:443"}, func(err error) bool { return errors.Is(err, no) }},
		"nobody listens": {"silent.example:443", "93.184.215.14:443", []string{"tcp4 93.184.215.14:443"}, func(err error) bool { return err != nil && !errors.Is(err, no) }},
		"no such name": {"gone.example:443", "", nil, func(err error) bool {
			unresolved, ok := errors.AsType[*net.DNSError](err)
			return ok && unresolved.IsNotFound
		}},
		"no port": {"www.example", "", nil, func(err error) bool { return err != nil }},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(e.Connected())
			var asked []string
			conn, err := e.Outside(t.Context(), "tcp", c.address, func(network, address string) error {
				asked = append(asked, network+" "+address)
				if address != c.allow {
					return no
				}
				return nil
			})
			if !slices.Equal(asked, c.asked) || (c.failed == nil) != (err == nil) || c.failed != nil && !c.failed(err) {
				t.Errorf("asked %q, %v", asked, err)
			}
			var connected []string
			for _, at := range e.Connected()[before:] {
				connected = append(connected, at.String())
			}
			if want := slices.DeleteFunc([]string{c.allow}, func(s string) bool { return s == "" }); !slices.Equal(connected, want) {
				t.Errorf("connected to %q, want %q", connected, want)
			}
			if conn != nil {
				_ = conn.Close() // it was only to be there
			}
		})
	}
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Outside(done, "tcp", "www.example:443", func(string, string) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that is over: %v", err)
	}
}
