package postgres

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// unprivileged is the account that PostgreSQL runs as when Fleet is root. It exists on Debian, Alpine, Fedora, macOS.
const unprivileged = "nobody"

// runAs is the account for the server; nil where Fleet itself is unprivileged, for then it is Fleet's own.
func runAs() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup(unprivileged)
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL refuses to run as root, and there is no user %q to run it as: start Fleet as another user: %w", unprivileged, err)
	}
	uid, err := strconv.ParseInt(u.Uid, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("user id of %q: %w", unprivileged, err)
	}
	gid, err := strconv.ParseInt(u.Gid, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("group id of %q: %w", unprivileged, err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil // macOS writes nobody as -2
}

// own gives path to the account.
func own(path string, as *syscall.Credential) error {
	if as == nil {
		return nil
	}
	return os.Chown(path, int(as.Uid), int(as.Gid))
}

// reachable reports whether the account may walk to path: whether path and every folder above it can be entered.
func reachable(path string, as *syscall.Credential) bool {
	if as == nil {
		return true
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return false
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return false
	}
	for {
		entry, err := os.Stat(path)
		if err != nil || !mayEnter(entry, as) {
			return false
		}
		up := filepath.Dir(path)
		if up == path {
			return true
		}
		path = up
	}
}

// mayEnter reports whether the account has the execute (search) permission on an entry.
func mayEnter(entry fs.FileInfo, as *syscall.Credential) bool {
	mode := entry.Mode().Perm()
	if owner, ok := entry.Sys().(*syscall.Stat_t); ok {
		switch {
		case owner.Uid == as.Uid:
			return mode&0o100 != 0
		case owner.Gid == as.Gid:
			return mode&0o010 != 0
		}
	}
	return mode&0o001 != 0
}

// homeIn is the folder in which the server keeps its files: dir, made if need be. Where the account can't reach dir
// (root's own folders, a test's private one) it is a folder of its own under /var/tmp, whose path dir remembers.
func homeIn(dir string, as *syscall.Credential) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("PostgreSQL's folder: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("PostgreSQL's folder: %w", err)
	}
	if reachable(dir, as) {
		return dir, nil
	}
	note := filepath.Join(dir, "location")
	text, err := os.ReadFile(note)
	switch {
	case err == nil:
		home := strings.TrimSpace(string(text))
		if _, err := os.Stat(home); err != nil {
			return "", fmt.Errorf("the databases of %s were kept in %s, which is gone: delete %s to begin anew", dir, home, dir)
		}
		return home, nil
	case !errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("PostgreSQL's folder: %w", err)
	}
	home, err := os.MkdirTemp(lasting(), "gimbal-fleet-postgres-")
	if err != nil {
		return "", fmt.Errorf("PostgreSQL's folder: %w", err)
	}
	if err := os.Chmod(home, 0o711); err != nil {
		return "", fmt.Errorf("PostgreSQL's folder: %w", err)
	}
	if err := writeWhole(note, home+"\n"); err != nil {
		return "", fmt.Errorf("PostgreSQL's folder: %w", err)
	}
	return home, nil
}

// lasting is a public folder for temporary files that survives a reboot, where there is one.
func lasting() string {
	if entry, err := os.Stat("/var/tmp"); err == nil && entry.IsDir() {
		return "/var/tmp"
	}
	return os.TempDir()
}

// Remove deletes what a stopped server kept in dir, and dir.
func Remove(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, "location"))
	if err == nil {
		if err := os.RemoveAll(strings.TrimSpace(string(text))); err != nil {
			return err
		}
	}
	return os.RemoveAll(dir)
}

// randomText is 128 random bits as text: a password that nobody types.
func randomText() string { return rand.Text() }
