package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
)

// How long a server gets to end after each signal: SIGTERM waits for clients to leave (smart), SIGINT disconnects them
// (fast), SIGKILL asks nobody.
const (
	smartShutdown = 300 * time.Millisecond
	fastShutdown  = 10 * time.Second
)

// process is a running postgres.
type process struct {
	clock clock.Clock
	os    *os.Process
	ended chan struct{} // closed when the process has been waited for
	once  sync.Once
	err   error // of stop
}

// start runs a command and waits for it in the background.
//
// The goroutine keeps its thread: Linux sends the death signal when the thread that started a process ends, and Go ends
// threads as it likes.
func start(c clock.Clock, cmd *exec.Cmd) (*process, error) {
	p := &process{clock: c, ended: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		p.os = cmd.Process
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in its log
			close(p.ended)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	return p, nil
}

// running reports whether the process has not ended.
func (p *process) running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// stop ends the process, gently first, and returns once it is gone.
func (p *process) stop() error {
	p.once.Do(func() {
		if p.signal(syscall.SIGTERM, smartShutdown) || p.signal(syscall.SIGINT, fastShutdown) {
			return
		}
		if !p.signal(syscall.SIGKILL, fastShutdown) {
			p.err = fmt.Errorf("PostgreSQL (process %d) did not end", p.os.Pid)
		}
	})
	return p.err
}

// signal sends a signal and reports whether the process ended within the given time.
func (p *process) signal(s os.Signal, within time.Duration) bool {
	if err := p.os.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return false
	}
	ctx, cancel := p.clock.WithTimeout(context.Background(), within)
	defer cancel()
	select {
	case <-p.ended:
		return true
	case <-ctx.Done():
		return !p.running()
	}
}

// attributes are what initdb and postgres start with: the account, and a process group of their own, so that Ctrl-C in a
// terminal reaches Fleet alone, which then stops the server in order.
func attributes(as *syscall.Credential) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true, Credential: as}
	endWithParent(a)
	return a
}

// environment is all that initdb and postgres see of the environment: PG… variables and locales don't reach them.
func environment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
}
