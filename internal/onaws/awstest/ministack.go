// Package awstest starts MiniStack, an emulator of AWS, for tests of single services.
package awstest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
)

const (
	// python is the interpreter of the environment that the Makefile makes, seen from the root of the project.
	python = "build/venv/bin/python"
	// loopback is where it listens, and nowhere else.
	loopback = "127.0.0.1"
	// portTries is how often a free port is looked for: another process may take it before the emulator does.
	portTries = 5
	// startsWithin and endsWithin are generous: it needs a quarter of a second for each.
	startsWithin = time.Minute
	endsWithin   = 20 * time.Second
)

// untilParentEnds runs MiniStack until its standard input is at its end: that is when the tests close it, and when they die.
const untilParentEnds = `
import os, sys, threading
def watch():
    sys.stdin.buffer.read()
    os._exit(0)
threading.Thread(target=watch, daemon=True).start()
from ministack.app import main
sys.argv = ["ministack"]
main()
`

// errEnded: the emulator ended while it was starting.
var errEnded = errors.New("MiniStack ended while starting")

// emulator is a running MiniStack.
type emulator struct {
	endpoint string
	command  *exec.Cmd
	output   bytes.Buffer
	ended    chan struct{} // closed when the process has been waited for
}

// MiniStack starts it with some services ("dynamodb") for a test, ends it with the test, and gives its address. Without its Python
// environment the test is skipped, and otherwise says what else there is; in CI, which has Python, it fails.
func MiniStack(t *testing.T, services, otherwise string) (endpoint string) {
	t.Helper()
	interpreter, err := interpreter()
	if err != nil {
		why := t.Name() + " did not run: MiniStack isn't there; \"make test\" installs it where python3 has venv and pip" + otherwise
		if os.Getenv("CI") == "true" {
			t.Fatal("in CI it must run: " + why)
		}
		t.Skip("SKIPPED: " + why)
	}
	home := t.TempDir()
	for try := 1; ; try++ {
		e, err := start(interpreter, home, services)
		if err == nil {
			t.Cleanup(func() {
				if err := e.stop(); err != nil {
					t.Error(err)
				}
			})
			return e.endpoint
		}
		if try == portTries || !errors.Is(err, errEnded) {
			t.Fatal(err)
		}
	}
}

// interpreter looks for Python from the test's folder upwards.
func interpreter() (string, error) {
	folder, err := os.Getwd()
	for err == nil {
		path := filepath.Join(folder, python)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
		if filepath.Dir(folder) == folder {
			return "", fs.ErrNotExist
		}
		folder = filepath.Dir(folder)
	}
	return "", err
}

// start starts a MiniStack that has home to itself, and waits until it answers.
func start(interpreter, home, services string) (*emulator, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	e := &emulator{endpoint: "http://" + net.JoinHostPort(loopback, port), ended: make(chan struct{})}
	e.command = exec.Command(interpreter, "-c", untilParentEnds)
	e.command.Dir = home
	e.command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + home, "STATE_DIR=" + home, "S3_DATA_DIR=" + home,
		"SERVICES=" + services, "BIND_HOST=" + loopback, "GATEWAY_PORT=" + port, "LOG_LEVEL=WARNING"}
	e.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	e.command.Stdout, e.command.Stderr = &e.output, &e.output
	e.command.WaitDelay = time.Second
	if _, err := e.command.StdinPipe(); err != nil { // Wait closes it
		return nil, err
	}
	if err := e.command.Start(); err != nil {
		return nil, fmt.Errorf("start MiniStack: %w", err)
	}
	go func() {
		_ = e.command.Wait() // how it ended is in its output
		close(e.ended)
	}()
	if err := e.awaitReady(); err != nil {
		stopped := e.stop()
		return nil, errors.Join(fmt.Errorf("%w: %s", err, e.output.String()), stopped)
	}
	return e, nil
}

// awaitReady waits until it answers. It looks itself whether its port is taken, and ends if so.
func (e *emulator) awaitReady() error {
	ctx, cancel := clock.System().WithTimeout(context.Background(), startsWithin)
	defer cancel()
	client := http.Client{Timeout: time.Second}
	for ctx.Err() == nil {
		if answer, err := client.Get(e.endpoint + "/_ministack/health"); err == nil {
			_ = answer.Body.Close() // the status is enough
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		if e.endsWithin(20 * time.Millisecond) {
			return errEnded
		}
	}
	return errors.New("MiniStack was not ready in time")
}

// endsWithin waits for its end for a while, and reports whether it came.
func (e *emulator) endsWithin(d time.Duration) bool {
	ctx, cancel := clock.System().WithTimeout(context.Background(), d)
	defer cancel()
	select {
	case <-e.ended:
		return true
	case <-ctx.Done():
		return false
	}
}

// stop ends it and whatever it has started, and returns once it is gone.
func (e *emulator) stop() error {
	group := -e.command.Process.Pid
	_ = syscall.Kill(group, syscall.SIGTERM) // it may have ended
	if e.endsWithin(endsWithin) {
		return nil
	}
	_ = syscall.Kill(group, syscall.SIGKILL)
	<-e.ended
	return errors.New("MiniStack had to be killed")
}

// freePort is a TCP port on loopback that nobody listened on a moment ago.
func freePort() (string, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(loopback, "0"))
	if err != nil {
		return "", err
	}
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port), l.Close()
}
