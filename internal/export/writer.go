package export

import (
	"context"
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"hash"

	"github.com/project-gimbal/fleet/internal/fault"
)

// Sizes of a part and of a row, in bytes, unless an Export says otherwise.
const (
	PartSize = 8 << 20
	MaxRow   = 12 << 20
)

// maxParts is how many parts S3 allows a file: with PartSize it can have 80 GB at least.
const maxParts = 10_000

// writer fills a file part by part. A part ends behind a row or a section, never within.
type writer struct {
	sink  Sink
	file  string
	size  int // of a part, at least
	at    Position
	buf   []byte
	hash  hash.Hash
	saved func(ctx context.Context, at Position) error // called behind each part
}

// open begins a file, or goes on with it.
func (w *writer) open(ctx context.Context, at *Position) error {
	w.hash = sha256.New()
	if at != nil {
		w.at = *at
		if err := w.hash.(encoding.BinaryUnmarshaler).UnmarshalBinary(at.Hash); err != nil {
			return fault.New(fault.Internal, "the checkpoint's hash is not usable")
		}
		return nil
	}
	upload, err := w.sink.Begin(ctx, w.file)
	w.at = Position{Upload: upload}
	return stored(w.file, err)
}

// restart begins the file anew, in the same upload.
func (w *writer) restart() {
	w.hash.Reset()
	w.buf = w.buf[:0]
	w.at = Position{Upload: w.at.Upload, Restarts: w.at.Restarts + 1}
}

func (w *writer) put(text ...byte) { w.buf = append(w.buf, text...) }

func (w *writer) puts(text string) { w.buf = append(w.buf, text...) }

// mark is called where a part may end. The position must say so already.
func (w *writer) mark(ctx context.Context) error {
	if len(w.buf) < w.size {
		return nil
	}
	return w.flush(ctx)
}

func (w *writer) flush(ctx context.Context) error {
	if w.at.Parts == maxParts {
		return fault.New(fault.QuotaExceeded, "%s would have more than %d parts", w.file, maxParts)
	}
	p := Part{File: w.file, Upload: w.at.Upload, Number: w.at.Parts + 1, Offset: w.at.Bytes, Body: w.buf}
	if err := w.sink.Write(ctx, p); err != nil {
		return stored(w.file, err)
	}
	w.hash.Write(w.buf)
	w.at.Parts, w.at.Bytes = p.Number, p.Offset+int64(len(w.buf))
	w.buf = w.buf[:0]
	return w.save(ctx)
}

// save notes the position.
func (w *writer) save(ctx context.Context) error {
	state, err := w.hash.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		return err
	}
	w.at.Hash = state
	return w.saved(ctx, w.at)
}

// close stores what is left and completes the file. That it is about to do so is noted first, so that completing alone is repeated.
func (w *writer) close(ctx context.Context) (bytes int64, sum string, err error) {
	if !w.at.Closing {
		w.at.Closing = true
		if len(w.buf) > 0 {
			err = w.flush(ctx)
		} else {
			err = w.save(ctx)
		}
		if err != nil {
			return 0, "", err
		}
	}
	err = w.sink.Complete(ctx, w.file, w.at.Upload, w.at.Parts, w.at.Bytes)
	return w.at.Bytes, hex.EncodeToString(w.hash.Sum(nil)), stored(w.file, err)
}
