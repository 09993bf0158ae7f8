package objects

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
)

// Dir is a Store in a folder of this machine. Its files are the objects, and may be read as such; uploads are kept below ".uploads".
type Dir struct {
	Root string
	// Links makes an object's link; nil where nobody serves any.
	Links func(key, name string, valid time.Duration) (string, error)
}

var _ Store = Dir{}

const uploads = ".uploads"

func (d Dir) at(key string) string { return filepath.Join(d.Root, filepath.FromSlash(key)) }

// failed is the fault of a file operation. Its text has no path: a path may be anyone's.
func failed(what string, err error) error {
	_, known := errors.AsType[*fault.Error](err)
	if err == nil || known || errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrExists) {
		return err
	}
	return &fault.Error{Code: fault.Unavailable, Text: "the folder of objects: " + what + " failed", Err: err}
}

// Put implements Store.
func (d Dir) Put(_ context.Context, key string, body []byte) error {
	return d.put(key, body, os.Rename)
}

// PutOnce implements Store.
func (d Dir) PutOnce(_ context.Context, key string, body []byte) error {
	return d.put(key, body, func(from, to string) error {
		err := os.Link(from, to) // unlike a renaming, it doesn't replace
		if errors.Is(err, fs.ErrExist) {
			return ErrExists
		}
		return err
	})
}

// put writes a file beside the objects and then gives it its name.
func (d Dir) put(key string, body []byte, name func(from, to string) error) error {
	if err := CheckKey(key); err != nil {
		return err
	}
	temporary, err := d.temporary(func(w io.Writer) error { _, err := w.Write(body); return err })
	if err != nil {
		return failed("write", err)
	}
	defer func() { _ = os.Remove(temporary) }() // it is gone where it was renamed
	if err := os.MkdirAll(filepath.Dir(d.at(key)), 0o700); err != nil {
		return failed("write", err)
	}
	return failed("write", name(temporary, d.at(key)))
}

// temporary is a new file with what write writes.
func (d Dir) temporary(write func(io.Writer) error) (string, error) {
	folder := filepath.Join(d.Root, uploads)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(folder, "new-")
	if err != nil {
		return "", err
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// Begin implements Store.
func (d Dir) Begin(_ context.Context, key string) (string, error) {
	if err := CheckKey(key); err != nil {
		return "", err
	}
	upload := rand.Text()
	return upload, failed("begin", os.MkdirAll(d.upload(key, upload), 0o700))
}

// upload is the folder of an upload's parts. The key is in its name, so that no part gets into another key's upload.
func (d Dir) upload(key, upload string) string {
	digest := sha256.Sum256([]byte(key))
	return filepath.Join(d.Root, uploads, path.Base(upload)+"-"+hex.EncodeToString(digest[:8]))
}

func partName(number int) string { return fmt.Sprintf("%05d", number) }

// Part implements Store.
func (d Dir) Part(_ context.Context, key, upload string, number int, body []byte) (Part, error) {
	if number < 1 || number > MaxParts {
		return Part{}, fault.New(fault.Internal, "there is no part %d", number)
	}
	folder := d.upload(key, upload)
	if _, err := os.Stat(folder); err != nil {
		return Part{}, failed("part", err)
	}
	temporary, err := d.temporary(func(w io.Writer) error { _, err := w.Write(body); return err })
	if err != nil {
		return Part{}, failed("part", err)
	}
	return Part{number, tagOf(body)}, failed("part", os.Rename(temporary, filepath.Join(folder, partName(number))))
}

// Complete implements Store.
func (d Dir) Complete(_ context.Context, key, upload string, parts []Part) error {
	folder := d.upload(key, upload)
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		_, err := d.size(key) // by an earlier try of this very call
		return err
	}
	whole, err := d.temporary(func(w io.Writer) error { return join(w, folder, parts) })
	if err != nil {
		return failed("complete", err)
	}
	if err := os.MkdirAll(filepath.Dir(d.at(key)), 0o700); err != nil {
		return failed("complete", err)
	}
	return failed("complete", errors.Join(os.Rename(whole, d.at(key)), os.RemoveAll(folder)))
}

// join writes parts one after another.
func join(w io.Writer, folder string, parts []Part) error {
	if err := checkOrder(parts); err != nil {
		return err
	}
	for i, p := range parts {
		content, err := os.ReadFile(filepath.Join(folder, partName(p.Number)))
		if err := checkPart(p, content, err == nil, i == len(parts)-1); err != nil {
			return err
		}
		if _, err := w.Write(content); err != nil {
			return err
		}
	}
	return nil
}

// Abort implements Store.
func (d Dir) Abort(_ context.Context, key, upload string) error {
	return failed("abort", os.RemoveAll(d.upload(key, upload)))
}

// Head implements Store.
func (d Dir) Head(ctx context.Context, key string) (o Object, err error) {
	size, err := d.size(key)
	if err != nil {
		return Object{}, err
	}
	f, err := d.Read(ctx, key, 0)
	if err != nil {
		return Object{}, err
	}
	sum := sha256.New()
	_, err = io.Copy(sum, f)
	return Object{key, size, hex.EncodeToString(sum.Sum(nil))}, failed("look", errors.Join(err, f.Close()))
}

func (d Dir) size(key string) (int64, error) {
	if err := CheckKey(key); err != nil {
		return 0, err
	}
	info, err := os.Stat(d.at(key))
	if err == nil && info.IsDir() {
		err = fs.ErrNotExist
	}
	if err != nil {
		return 0, failed("look", err)
	}
	return info.Size(), nil
}

// Read implements Store.
func (d Dir) Read(_ context.Context, key string, offset int64) (io.ReadCloser, error) {
	size, err := d.size(key)
	if err != nil {
		return nil, err
	}
	if offset < 0 || offset > size {
		return nil, fault.New(fault.Internal, "an object of %d bytes has nothing at %d", size, offset)
	}
	f, err := os.Open(d.at(key))
	if err != nil {
		return nil, failed("read", err)
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return nil, errors.Join(failed("read", err), f.Close())
	}
	return f, nil
}

// List implements Store.
func (d Dir) List(_ context.Context, prefix string) (all []Object, err error) {
	err = filepath.WalkDir(d.Root, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			if err == nil && e.Name() == uploads {
				return fs.SkipDir
			}
			return err
		}
		key, err := filepath.Rel(d.Root, name)
		if err != nil {
			return err
		}
		if key = filepath.ToSlash(key); !strings.HasPrefix(key, prefix) {
			return nil
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) { // removed meanwhile
			return nil
		}
		all = append(all, Object{Key: key, Size: info.Size()})
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	slices.SortFunc(all, func(a, b Object) int { return strings.Compare(a.Key, b.Key) })
	return all, failed("list", err)
}

// Link implements Store.
func (d Dir) Link(_ context.Context, key, name string, valid time.Duration) (string, error) {
	if _, err := d.size(key); err != nil {
		return "", err
	}
	if d.Links == nil {
		return "", fault.New(fault.Internal, "nobody serves this folder of objects")
	}
	return d.Links(key, name, valid)
}
