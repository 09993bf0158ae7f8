package export

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"

	"github.com/project-gimbal/fleet/internal/fault"
)

// Seal writes an export's manifest as its last file, and gives that file's entry: its SHA-256 vouches for the whole export.
func Seal(ctx context.Context, sink Sink, m Manifest) (File, error) {
	text, err := m.JSON()
	if err != nil {
		return File{}, err
	}
	if _, err := ParseManifest(text); err != nil {
		return File{}, err
	}
	upload, err := sink.Begin(ctx, ManifestName)
	if err != nil {
		return File{}, err
	}
	if err := sink.Write(ctx, Part{File: ManifestName, Upload: upload, Number: 1, Body: text}); err != nil {
		return File{}, err
	}
	sum := sha256.Sum256(text)
	f := File{Name: ManifestName, Bytes: int64(len(text)), SHA256: hex.EncodeToString(sum[:])}
	return f, sink.Complete(ctx, ManifestName, upload, 1, f.Bytes)
}

// maxManifest is the longest manifest that is read, in bytes.
const maxManifest = 16 << 20

// ReadManifest reads an export's manifest, and refuses with Rejected one whose SHA-256 is another than sealed, in hex. An empty
// sealed takes any.
func ReadManifest(ctx context.Context, source Source, sealed string) (Manifest, error) {
	r, err := source.Open(ctx, ManifestName)
	if err != nil {
		return Manifest{}, err
	}
	text, err := io.ReadAll(io.LimitReader(r, maxManifest))
	if closed := r.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return Manifest{}, err
	}
	if sum := sha256.Sum256(text); sealed != "" && hex.EncodeToString(sum[:]) != sealed {
		return Manifest{}, fault.New(fault.Rejected, "the manifest is not the one that was sealed")
	}
	return ParseManifest(bytes.TrimSpace(text))
}

// Verify reads files of an export and refuses with Rejected the first that isn't what the manifest says.
func Verify(ctx context.Context, source Source, files []File) error {
	for _, f := range files {
		r, err := open(ctx, source, f)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, r)
		if closed := r.Close(); err == nil {
			err = closed
		}
		if err != nil {
			return stored(f.Name, err)
		}
		if err := r.whole(); err != nil {
			return err
		}
	}
	return nil
}

// checked reads a file and adds up what it read.
type checked struct {
	io.ReadCloser
	file  File
	hash  hash.Hash
	bytes int64
}

func open(ctx context.Context, source Source, f File) (*checked, error) {
	r, err := source.Open(ctx, f.Name)
	return &checked{ReadCloser: r, file: f, hash: sha256.New()}, stored(f.Name, err)
}

func (c *checked) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.hash.Write(p[:n])
	c.bytes += int64(n)
	return n, err
}

// whole compares what was read with the manifest.
func (c *checked) whole() error {
	if c.bytes != c.file.Bytes || hex.EncodeToString(c.hash.Sum(nil)) != c.file.SHA256 {
		return fault.New(fault.Rejected, "%s is not the file that was exported: %d bytes, SHA-256 %x", c.file.Name, c.bytes, c.hash.Sum(nil))
	}
	return nil
}
