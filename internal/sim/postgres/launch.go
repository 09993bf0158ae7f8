package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/project-gimbal/fleet/internal/provider"
)

const (
	// superuser is the server's own administrator; Supabase's has the same name.
	superuser = "supabase_admin"
	// readyWithin is how long a server may take to accept connections, recovery after a hard end included.
	readyWithin = 30 * time.Second
	poll        = 10 * time.Millisecond
	// portTries is how often a free port is looked for: another process may take it before PostgreSQL does.
	portTries = 5
)

// initialise makes the data folder unless it is there. An initdb that was interrupted leaves nothing that counts. A child of its
// may write for a moment longer, so that each has a place of its own.
func initialise(ctx context.Context, bin, home, data string, password provider.Secret, as *syscall.Credential) (err error) {
	if _, err := os.Stat(data); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	left, err := filepath.Glob(data + ".new*")
	if err != nil {
		return fmt.Errorf("make the database folder: %w", err)
	}
	for _, path := range left {
		_ = os.RemoveAll(path) // what is still written to is removed by the next first start
	}
	place, err := os.MkdirTemp(home, filepath.Base(data)+".new-")
	if err != nil {
		return fmt.Errorf("make the database folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(place)) }()
	unfinished, passwordFile := filepath.Join(place, "data"), filepath.Join(place, "password")
	if err := errors.Join(own(place, as), os.Mkdir(unfinished, 0o700), own(unfinished, as)); err != nil {
		return fmt.Errorf("make the database folder: %w", err)
	}
	if err := errors.Join(os.WriteFile(passwordFile, []byte(password.Reveal()+"\n"), 0o600), own(passwordFile, as)); err != nil {
		return fmt.Errorf("make the database folder: %w", err)
	}
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", unfinished, "-U", superuser, "--pwfile", passwordFile,
		"--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync", "--no-instructions")
	cmd.Dir, cmd.Env, cmd.SysProcAttr = home, environment(), attributes(as)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("initdb: %w: %s", err, lastLines(out))
	}
	if err := os.Rename(unfinished, data); err != nil {
		return fmt.Errorf("make the database folder: %w", err)
	}
	return nil
}

// launch starts postgres and waits until it accepts connections.
func (s *Server) launch(ctx context.Context, bin, home, data string, port int, as *syscall.Credential) error {
	if err := waitForPredecessor(ctx, s.clock, home, data); err != nil {
		return err
	}
	if err := noteParent(home); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	for try := 1; ; try++ {
		s.port = port
		if port == 0 {
			var err error
			if s.port, err = freePort(); err != nil {
				return err
			}
		}
		err := s.run(ctx, bin, home, data, as)
		if err == nil || port != 0 || try == portTries || !errors.Is(err, errEnded) {
			return err
		}
	}
}

// errEnded: postgres ended while it was starting.
var errEnded = errors.New("PostgreSQL ended while starting")

func (s *Server) run(ctx context.Context, bin, home, data string, as *syscall.Credential) error {
	logFile := filepath.Join(home, "postgres.log")
	log, err := os.Create(logFile)
	if err != nil {
		return fmt.Errorf("PostgreSQL's log: %w", err)
	}
	defer func() { _ = log.Close() }() // postgres has its own copy
	args := []string{"-D", data}
	for name, value := range settings(s.port) {
		args = append(args, "-c", name+"="+value)
	}
	cmd := exec.Command(filepath.Join(bin, "postgres"), args...)
	cmd.Dir, cmd.Env, cmd.SysProcAttr = home, environment(), attributes(as)
	cmd.Stdout, cmd.Stderr = log, log
	if s.process, err = start(s.clock, cmd); err != nil {
		return err
	}
	if err := s.awaitReady(ctx, data); err != nil {
		stopped := s.process.stop()
		text, _ := os.ReadFile(logFile) // only adds to the error
		return errors.Join(fmt.Errorf("%w: %s", err, lastLines(text)), stopped)
	}
	return nil
}

// settings are postgres's parameters: small, reachable over loopback only, and durable against its own hard end but not the
// machine's. What a client was told is committed must survive Fleet's death, which ends the server: its log is written, though
// not to the disk, with every commit. Failing statements stay out of the log, for they may hold passwords.
func settings(port int) map[string]string {
	return map[string]string{
		"listen_addresses":        "127.0.0.1",
		"port":                    strconv.Itoa(port),
		"unix_socket_directories": "",
		"max_connections":         "100",
		"shared_buffers":          "16MB",
		"fsync":                   "off",
		"synchronous_commit":      "on",
		"full_page_writes":        "off",
		"wal_level":               "minimal",
		"max_wal_senders":         "0",
		"max_wal_size":            "128MB",
		"autovacuum":              "off",
		"jit":                     "off",
		"timezone":                "UTC",
		"log_timezone":            "UTC",
		"log_min_messages":        "warning",
		"log_min_error_statement": "panic",
	}
}

// awaitReady waits until the server says that it accepts connections. It does so in its lock file: asking at the port
// might reach another program, which had taken it first.
func (s *Server) awaitReady(ctx context.Context, data string) error {
	ctx, cancel := s.clock.WithTimeout(ctx, readyWithin)
	defer cancel()
	for {
		// An unreadable lock file is one that isn't written yet.
		if lock, err := readLock(data); err == nil && lock.pid == s.process.os.Pid && lock.ready {
			return nil
		}
		if !s.process.running() {
			return errEnded
		}
		if err := s.clock.Sleep(ctx, poll); err != nil {
			return fmt.Errorf("PostgreSQL was not ready in time: %w", err)
		}
	}
}

// lock is what PostgreSQL's lock file says.
type lock struct {
	pid   int // 0 where the file doesn't say
	ready bool
}

// lockFile is PostgreSQL's, in its data folder.
const lockFile = "postmaster.pid"

// readLock reads the lock file, postmaster.pid: the process id is its first line, the state its eighth.
func readLock(data string) (lock, error) {
	text, err := os.ReadFile(filepath.Join(data, lockFile))
	if err != nil {
		return lock{}, err
	}
	return parseLock(string(text)), nil
}

func parseLock(text string) lock {
	lines := strings.Split(text, "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil || pid <= 0 {
		return lock{}
	}
	return lock{pid: pid, ready: len(lines) > 7 && strings.TrimSpace(lines[7]) == "ready"}
}

// freePort is a TCP port on loopback that nobody listened on a moment ago.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}

// lastLines is the end of a program's output, enough to see why it failed.
func lastLines(out []byte) string {
	const enough = 2000
	out = bytes.TrimSpace(out)
	return string(out[max(0, len(out)-enough):])
}

// Stop ends the server and returns once its process is gone: it waits a moment for clients to leave, then disconnects
// them. Stopping twice is fine.
func (s *Server) Stop() error { return s.process.stop() }
