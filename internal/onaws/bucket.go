package onaws

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// bucket shows the objects under a prefix as a folder of files. It keeps nothing: each call asks S3.
type bucket struct {
	objects released
	prefix  string // empty, or ending with "/"
}

func (b *bucket) key(name string) string {
	if name == "." {
		return b.prefix
	}
	return b.prefix + name
}

func bad(operation, name string, err error) error {
	return &fs.PathError{Op: operation, Path: name, Err: err}
}

// ReadFile reads an object.
func (b *bucket) ReadFile(name string) ([]byte, error) {
	if !fs.ValidPath(name) || name == "." {
		return nil, bad("read", name, fs.ErrInvalid)
	}
	content, err := b.objects.get(b.key(name))
	if err != nil {
		return nil, bad("read", name, err)
	}
	return content, nil
}

// ReadDir lists a folder, by name.
func (b *bucket) ReadDir(name string) ([]fs.DirEntry, error) {
	if !fs.ValidPath(name) {
		return nil, bad("readdir", name, fs.ErrInvalid)
	}
	under := b.key(name)
	if name != "." {
		under += "/"
	}
	files, folders, err := b.objects.list(under)
	if err != nil {
		return nil, bad("readdir", name, err)
	}
	var entries []fs.DirEntry
	for _, f := range folders {
		entries = append(entries, found{name: strings.TrimSuffix(strings.TrimPrefix(f, under), "/"), folder: true})
	}
	for _, f := range files {
		if base := strings.TrimPrefix(f.Key, under); base != "" { // consoles make empty objects for folders
			entries = append(entries, found{name: base, size: f.Size, at: f.LastModified})
		}
	}
	if len(entries) == 0 && name != "." {
		return nil, bad("readdir", name, fs.ErrNotExist)
	}
	slices.SortFunc(entries, func(x, y fs.DirEntry) int { return strings.Compare(x.Name(), y.Name()) })
	return entries, nil
}

// Stat describes a file or a folder by the listing of the folder that it is in.
func (b *bucket) Stat(name string) (fs.FileInfo, error) {
	if !fs.ValidPath(name) {
		return nil, bad("stat", name, fs.ErrInvalid)
	}
	if name == "." {
		return found{name: ".", folder: true}, nil
	}
	entries, err := b.ReadDir(path.Dir(name))
	if err != nil {
		return nil, bad("stat", name, cause(err))
	}
	for _, e := range entries {
		if e.Name() == path.Base(name) {
			return e.Info()
		}
	}
	return nil, bad("stat", name, fs.ErrNotExist)
}

// Open reads a file whole, or lists a folder.
func (b *bucket) Open(name string) (fs.File, error) {
	info, err := b.Stat(name)
	if err != nil {
		return nil, bad("open", name, cause(err))
	}
	if info.IsDir() {
		entries, err := b.ReadDir(name)
		if err != nil {
			return nil, bad("open", name, cause(err))
		}
		return &openFolder{info: info, entries: entries}, nil
	}
	content, err := b.ReadFile(name)
	if err != nil {
		return nil, bad("open", name, cause(err))
	}
	return &openFile{Reader: bytes.NewReader(content), info: info}, nil
}

// cause is what a *fs.PathError wraps.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// found is an entry of a listing.
type found struct {
	name   string
	size   int64
	at     time.Time
	folder bool
}

func (f found) Name() string               { return f.name }
func (f found) Size() int64                { return f.size }
func (f found) ModTime() time.Time         { return f.at }
func (f found) IsDir() bool                { return f.folder }
func (f found) Sys() any                   { return nil }
func (f found) Info() (fs.FileInfo, error) { return f, nil }
func (f found) Type() fs.FileMode          { return f.Mode().Type() }
func (f found) String() string             { return fs.FormatDirEntry(f) }

func (f found) Mode() fs.FileMode {
	if f.folder {
		return fs.ModeDir | 0o555
	}
	return 0o444
}

type openFile struct {
	*bytes.Reader
	info fs.FileInfo
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Close() error               { return nil }

type openFolder struct {
	info    fs.FileInfo
	entries []fs.DirEntry
}

func (f *openFolder) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFolder) Close() error               { return nil }
func (f *openFolder) Read([]byte) (int, error) {
	return 0, bad("read", f.info.Name(), errors.New("is a folder"))
}

func (f *openFolder) ReadDir(n int) ([]fs.DirEntry, error) {
	if n > 0 && len(f.entries) == 0 {
		return nil, io.EOF
	}
	if n <= 0 || n > len(f.entries) {
		n = len(f.entries)
	}
	out := f.entries[:n]
	f.entries = f.entries[n:]
	return out, nil
}
