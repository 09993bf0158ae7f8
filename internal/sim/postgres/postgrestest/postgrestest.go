// Package postgrestest gives tests a PostgreSQL: one server for a whole test binary, started when first asked for.
//
// A package that uses it has
//
//	func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }
package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"sync"
	"testing"

	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/sim/postgres"
)

var shared struct {
	sync.Mutex
	remove func() error
	server *postgres.Server
	err    error
}

// Main runs a package's tests, then ends the shared server, if one was started, and removes its files. It gives the
// code to exit with.
func Main(m *testing.M) int {
	code := m.Run()
	shared.Lock()
	defer shared.Unlock()
	if shared.remove == nil {
		return code
	}
	var stopped error
	if shared.server != nil {
		stopped = shared.server.Stop()
	}
	if err := errors.Join(stopped, shared.remove()); err != nil {
		fmt.Fprintln(os.Stderr, "PostgreSQL for tests:", err)
		return max(code, 1)
	}
	return code
}

// Server is the test binary's server. A test fails where none can be started: it is never skipped.
func Server(tb testing.TB) *postgres.Server {
	tb.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil && shared.err == nil {
		shared.server, shared.err = begin()
	}
	if shared.err != nil {
		tb.Fatal(shared.err)
	}
	return shared.server
}

// begin starts the server. Its life is the test binary's, so it runs under no test's context.
func begin() (*postgres.Server, error) {
	dir, remove, err := postgres.Scratch()
	if err != nil {
		return nil, err
	}
	shared.remove = remove
	return postgres.Start(context.Background(), dir, postgres.Options{})
}

// Project makes a database for the test, dropped at its end, and gives its reference and the connection string of its
// owner.
func Project(tb testing.TB) (ref string, owner provider.Secret) {
	tb.Helper()
	s := Server(tb)
	ref = Reference()
	const password = "p'a\\ss word"
	if err := s.Create(tb.Context(), ref, password); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Drop(context.Background(), ref); err != nil {
			tb.Error(err)
		}
	})
	return ref, WithPassword(tb, s.URL(ref), password)
}

// Reference is a new project reference.
func Reference() string {
	letters := make([]byte, 20)
	for i := range letters {
		letters[i] = 'a' + byte(rand.IntN(26))
	}
	return string(letters)
}

// WithPassword puts a password into a connection string.
func WithPassword(tb testing.TB, connection, password string) provider.Secret {
	tb.Helper()
	u, err := url.Parse(connection)
	if err != nil {
		tb.Fatal(err)
	}
	u.User = url.UserPassword(u.User.Username(), password)
	return provider.NewSecret(u.String())
}
