package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
)

// endsByItself is how long a server whose parent died gets to end by itself, as it does on Linux.
const endsByItself = time.Second

// waitForPredecessor waits until an earlier server on the folder is gone. One whose parent died ends by itself, or is ended
// here; one whose parent lives is left alone, and an error. A lock file that no server holds is removed: after a crash of the
// machine another program may have the number that is in it, and PostgreSQL would refuse to start.
func waitForPredecessor(ctx context.Context, c clock.Clock, home, data string) error {
	begun := c.Now()
	ctx, cancel := c.WithTimeout(ctx, fastShutdown)
	defer cancel()
	for {
		lock, err := readLock(data)
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("look for a running server: %w", err)
		}
		if lock.pid == 0 || !alive(lock.pid) {
			return nil // a left-over, which postgres removes itself
		}
		serves, known := servesFrom(ctx, lock.pid, data)
		if known && !serves {
			return removeLock(data)
		}
		if known && c.Now().Sub(begun) >= endsByItself && orphaned(home) {
			_ = syscall.Kill(lock.pid, syscall.SIGQUIT) // it may have ended just now
		}
		if c.Sleep(ctx, poll) != nil {
			return fmt.Errorf("the databases in %s are in use by process %d: end it first", filepath.Dir(data), lock.pid)
		}
	}
}

func alive(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// servesFrom reports whether a process is a server on the folder, by its command line; known is false where nobody can tell.
// The command line of one that has ended and was not waited for is empty.
func servesFrom(ctx context.Context, pid int, data string) (serves, known bool) {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		if line, err = exec.CommandContext(ctx, "ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output(); err != nil {
			return false, false
		}
	}
	return bytes.Contains(line, []byte(data)), true
}

func removeLock(data string) error {
	if err := os.Remove(filepath.Join(data, lockFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the lock file of a server that is gone: %w", err)
	}
	return nil
}

// parentFile holds the process id of the Fleet that a server belongs to.
const parentFile = "parent"

// noteParent notes this process as the parent of the server that is about to start.
func noteParent(home string) error {
	return writeWhole(filepath.Join(home, parentFile), strconv.Itoa(os.Getpid())+"\n")
}

// orphaned reports whether the server's parent is gone; no, where nobody knows it.
func orphaned(home string) bool {
	text, err := os.ReadFile(filepath.Join(home, parentFile))
	if err != nil {
		return false
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	return err == nil && pid > 0 && !alive(pid)
}

// writeWhole writes a file that only its owner reads, whole or not at all.
func writeWhole(path, text string) error {
	unfinished := path + ".new"
	if err := os.WriteFile(unfinished, []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(unfinished, path)
}
