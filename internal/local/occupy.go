package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// format is that of a folder's files. It grows when a program of today could not go on with what one of yesterday kept; what
// is merely added to a file needs no new one.
const format = 1

// keptFormat is a folder's format.json.
type keptFormat struct {
	Format int `json:"format"`
}

// occupy makes the folder this process's own until release, and ready: it is there, no other process serves from it, its
// format is ours, and nothing is in it that an earlier process left half done. The kernel releases it when the process dies.
func (f folder) occupy() (release func() error, err error) {
	if err := f.make(); err != nil {
		return nil, fmt.Errorf("%w: choose another folder by -data", err)
	}
	lock, err := f.lock()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(f.checkFormat(), f.sweep()); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock.Close, nil
}

// lock takes the folder's lock, or says which process has it.
func (f folder) lock() (*os.File, error) {
	lock, err := os.OpenFile(f.file("lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder := "another process"
		if text, _ := os.ReadFile(lock.Name()); len(text) > 0 { // only adds to the error
			holder = "process " + strings.TrimSpace(string(text))
		}
		return nil, errors.Join(fmt.Errorf("%s serves from %s: end that one, or choose another folder by -data", holder, f), lock.Close())
	}
	err = lock.Truncate(0)
	if err == nil {
		_, err = fmt.Fprintln(lock, os.Getpid())
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

// checkFormat refuses a folder of another format, and writes ours into one that has none.
func (f folder) checkFormat() error {
	var kept keptFormat
	there, err := f.read("format.json", &kept)
	switch {
	case err != nil:
		return err
	case !there:
		return f.write("format.json", keptFormat{format})
	case kept.Format != format:
		return fmt.Errorf("the state in %s has format %d, and this program reads %d: run the version that wrote it, or choose another folder by -data to begin anew",
			f, kept.Format, format)
	}
	return nil
}

// sweep removes what a process that was killed left in the middle of something: files that were being written, and word of a
// front that is gone.
func (f folder) sweep() error {
	var failed error
	for _, pattern := range []string{unfinished + "*", ".key-*", filepath.Join("vendors", unfinished+"*")} {
		names, err := filepath.Glob(f.file(pattern))
		failed = errors.Join(failed, err)
		for _, name := range names {
			failed = errors.Join(failed, os.Remove(name))
		}
	}
	if err := f.withdraw(); !errors.Is(err, fs.ErrNotExist) {
		failed = errors.Join(failed, err)
	}
	return failed
}
