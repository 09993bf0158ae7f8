package postgres

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

const (
	// memory is where Linux keeps files in memory. PostgreSQL makes some 300 files per database: on some disks that
	// takes 250 ms, in memory 10 ms.
	memory = "/dev/shm"
	// room is the free memory, in bytes, below which the disk is used: containers often have 64 MB only.
	room = 2 << 30

	scratchPrefix = "gimbal-fleet-scratch-"
	lockName      = "lock"
)

// Scratch makes a folder for a server that is thrown away, on the fastest place there is, and gives a function that
// removes it when the server has stopped. It also removes what runs that were killed have left.
func Scratch() (dir string, remove func() error, err error) {
	base := os.TempDir()
	if roomy(memory) {
		base = memory
	}
	sweep(base)
	if dir, err = os.MkdirTemp(base, scratchPrefix); err != nil {
		return "", nil, fmt.Errorf("PostgreSQL's folder: %w", err)
	}
	lock, err := hold(dir)
	if err = errors.Join(err, os.Chmod(dir, 0o711)); err != nil { // the server's own user must get in
		return "", nil, errors.Join(fmt.Errorf("PostgreSQL's folder: %w", err), os.RemoveAll(dir))
	}
	return dir, func() error { return errors.Join(Remove(dir), lock.Close()) }, nil
}

// roomy reports whether dir is writable and has room enough.
func roomy(dir string) bool {
	var fs syscall.Statfs_t
	if syscall.Statfs(dir, &fs) != nil || fs.Bavail*uint64(fs.Bsize) < room {
		return false
	}
	probe, err := os.MkdirTemp(dir, scratchPrefix)
	return err == nil && os.Remove(probe) == nil
}

// hold locks the folder for as long as this process lives. The lock shows under its name only once it is held, so that
// sweep never takes a folder in between for abandoned.
func hold(dir string) (*os.File, error) {
	lock, err := os.CreateTemp(dir, "new-")
	if err != nil {
		return nil, err
	}
	err = errors.Join(syscall.Flock(int(lock.Fd()), syscall.LOCK_EX), os.Rename(lock.Name(), filepath.Join(dir, lockName)))
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

// sweep removes folders whose process is gone. Others' folders can't be locked or removed, and stay.
func sweep(base string) {
	abandoned, err := filepath.Glob(filepath.Join(base, scratchPrefix+"*", lockName))
	if err != nil {
		return // only a bad pattern does that
	}
	for _, name := range abandoned {
		lock, err := os.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			continue
		}
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			_ = Remove(filepath.Dir(name)) // the next run tries again
		}
		_ = lock.Close() // only read
	}
}
