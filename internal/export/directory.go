package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/project-gimbal/fleet/internal/fault"
)

// Directory keeps an export as files below a folder. One that isn't complete has a name that ends in ".partial".
type Directory string

var (
	_ Sink   = Directory("")
	_ Source = Directory("")
)

const partial = ".partial"

// Begin makes the file anew.
func (d Directory) Begin(_ context.Context, file string) (string, error) {
	path, err := d.path(file)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	f, err := os.OpenFile(path+partial, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return "", err
	}
	return file, f.Close()
}

// Write puts a part at its place.
func (d Directory) Write(_ context.Context, p Part) error {
	path, err := d.path(p.File)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path+partial, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(p.Body, p.Offset)
	return errors.Join(err, f.Close())
}

// Complete cuts the file to its size, sees it onto the disk, and gives it its name.
func (d Directory) Complete(_ context.Context, file, _ string, _ int, size int64) error {
	path, err := d.path(file)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path+partial, os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return d.completed(path, size)
	}
	if err != nil {
		return err
	}
	if err := errors.Join(f.Truncate(size), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(path+partial, path)
}

// completed is nil where a file is there in its size.
func (d Directory) completed(path string, size int64) error {
	entry, err := os.Stat(path)
	if err == nil && entry.Size() != size {
		err = fmt.Errorf("it has %d bytes in place of %d", entry.Size(), size)
	}
	return err
}

// Open reads a complete file.
func (d Directory) Open(_ context.Context, file string) (io.ReadCloser, error) {
	path, err := d.path(file)
	if err != nil {
		return nil, err
	}
	return os.Open(path)
}

// path is where a file is. A name that leads out of the folder is Rejected.
func (d Directory) path(file string) (string, error) {
	if !fs.ValidPath(file) || !filepath.IsLocal(filepath.FromSlash(file)) {
		return "", fault.New(fault.Rejected, "%q is no name of a file within an export", file)
	}
	return filepath.Join(string(d), filepath.FromSlash(file)), nil
}
