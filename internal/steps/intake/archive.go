package intake

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"errors"
	"hash"
	"io"

	"github.com/project-gimbal/fleet/internal/export"
	"github.com/project-gimbal/fleet/internal/fault"
)

// archive is an archive of media, read from any header on, or from within a file. It knows the hash of all before.
type archive struct {
	files source
	file  export.File
	body  io.ReadCloser
	at    int64
	hash  hash.Hash
}

// open reads on at a place, by the state of the hash there.
func (a *archive) open(ctx context.Context, at int64, state []byte) (err error) {
	if err := a.close(); err != nil {
		return err
	}
	a.at, a.hash = at, sha256.New()
	if state != nil {
		if err := a.hash.(encoding.BinaryUnmarshaler).UnmarshalBinary(state); err != nil {
			return fault.New(fault.Internal, "the note of the archive's hash is not usable")
		}
	}
	a.body, err = a.files.read(ctx, a.file.Name, at)
	return err
}

func (a *archive) close() error {
	if a.body == nil {
		return nil
	}
	err := a.body.Close()
	a.body = nil
	if err != nil {
		return &fault.Error{Code: fault.Unavailable, Text: "the archive of media could not be read to its end", Err: err}
	}
	return nil
}

// state is that of the hash.
func (a *archive) state() ([]byte, error) { return a.hash.(encoding.BinaryMarshaler).MarshalBinary() }

// Read reads on.
func (a *archive) Read(p []byte) (int, error) {
	n, err := a.body.Read(p)
	a.hash.Write(p[:n])
	a.at += int64(n)
	return n, err
}

// next reads the next header: nil behind the last one. It reads nothing else, so that the content begins at a.at.
func (a *archive) next() (*tar.Header, error) {
	h, err := tar.NewReader(a).Next()
	switch {
	case errors.Is(err, io.EOF):
		return nil, nil
	case errors.Is(err, tar.ErrHeader):
		return nil, fault.New(fault.Rejected, "%s is no archive that can be read", a.file.Name)
	case err != nil:
		return nil, broken(err)
	case h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeDir:
		return nil, fault.New(fault.Rejected, "%s has something that is neither a file nor a folder", a.file.Name)
	}
	return h, nil
}

// content reads the next n bytes.
func (a *archive) content(n int64) ([]byte, error) {
	part := make([]byte, n)
	if _, err := io.ReadFull(a, part); err != nil {
		return nil, broken(err)
	}
	return part, nil
}

// skip goes behind what fills a file's last block.
func (a *archive) skip(size int64) error {
	_, err := a.content(-size & 511)
	return err
}

// whole reads to the end, and refuses with Rejected what isn't the archive that was exported.
func (a *archive) whole() error {
	if _, err := io.Copy(io.Discard, a); err != nil {
		return broken(err)
	}
	if a.at != a.file.Bytes || hex.EncodeToString(a.hash.Sum(nil)) != a.file.SHA256 {
		return fault.New(fault.Rejected, "%s is not the file that was exported: %d bytes, SHA-256 %x", a.file.Name, a.at, a.hash.Sum(nil))
	}
	return nil
}

func broken(err error) error {
	return &fault.Error{Code: fault.Unavailable, Text: "the archive of media broke off while it was read", Err: err}
}
