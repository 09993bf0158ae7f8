package export

import (
	"context"
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"errors"
	"hash"
	"io"

	"github.com/project-gimbal/fleet/internal/export"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/objects"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/steps/operation"
	"github.com/project-gimbal/fleet/internal/store"
)

// Verify reads every file back and compares it with the manifest, and that with the checksum that was noted when it was sealed. What
// differs is Rejected, and the export has failed; no instance is terminated then before somebody has found out why files don't stay as they
// were written. A replay goes on within a file.
func Verify(Deps) step.Func {
	return writing("verify", func(ctx context.Context, w *work) error {
		switch w.export.Status {
		case fleet.ExportVerified:
			return nil
		case fleet.ExportSealed:
		default:
			return fault.New(fault.Conflict, "the export is not sealed")
		}
		seen, err := w.verified(ctx)
		if fault.Is(err, fault.Rejected) {
			return errors.Join(operation.StopTerminations(ctx, w.Env, "the files of export "+w.export.ID+" are not what was written"), err)
		}
		if err != nil {
			return err
		}
		return w.change(ctx, func(tx *store.Tx, e *fleet.Export) error {
			e.Status, e.VerifiedAt, e.ExpiresAt, e.Objects = fleet.ExportVerified, tx.Now(), tx.Now().Add(e.Purpose.Keep()), seen
			tx.Audit(w.Audited("export.verified", e.ID, e.Manifest))
			if e.Purpose != fleet.OnRequest {
				return nil // the mail that it comes with tells of it
			}
			return tx.Intend(fleet.ExportReady(e.ID), "admin")
		})
	})
}

// verified is the fingerprint of the files, all of which are what was written.
func (w *work) verified(ctx context.Context) (string, error) {
	m, err := export.ReadManifest(ctx, w.files, w.export.Manifest)
	if err == nil {
		err = w.compare(ctx, m.Files)
	}
	if err != nil {
		return "", err
	}
	return w.fingerprint(ctx, m.Files)
}

// fingerprint is that of the files as they are there.
func (w *work) fingerprint(ctx context.Context, all []export.File) (string, error) {
	var there []objects.Object
	for _, f := range all {
		o, err := w.Exports.Head(ctx, fleet.ExportKey(w.export.Folder, f.Name))
		if err != nil {
			return "", err
		}
		there = append(there, o)
	}
	return objects.Fingerprint(there), nil
}

// compared is how far the reading back is.
type compared struct {
	File int    `json:"file"`
	At   int64  `json:"at"` // in that file
	Hash []byte `json:"hash,omitempty"`
}

// compare reads the files on, from the note of the invocation before.
func (w *work) compare(ctx context.Context, all []export.File) error {
	var c compared
	if err := w.files.recall(ctx, &c); err != nil {
		return err
	}
	for ; c.File < len(all); c = (compared{File: c.File + 1}) {
		w.progress.Files = int64(c.File)
		if err := w.compareFile(ctx, all[c.File], &c); err != nil {
			return err
		}
	}
	return nil
}

func (w *work) compareFile(ctx context.Context, f export.File, c *compared) error {
	sum := sha256.New()
	if c.Hash != nil {
		if err := sum.(encoding.BinaryUnmarshaler).UnmarshalBinary(c.Hash); err != nil {
			return fault.New(fault.Internal, "the note of a file's hash is not usable")
		}
	}
	r, err := w.files.read(ctx, f.Name, c.At)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // only read
	for {
		n, err := io.CopyN(sum, r, 1<<20)
		c.At += n
		switch {
		case errors.Is(err, io.EOF):
			return differs(f, c.At, sum)
		case err != nil:
			return &fault.Error{Code: fault.Unavailable, Text: "an export's file broke off while it was read", Err: err}
		case !w.Clock.Now().Before(w.until):
			if c.Hash, err = sum.(encoding.BinaryMarshaler).MarshalBinary(); err != nil {
				return err
			}
			return errors.Join(more("the comparison"), w.files.note(ctx, c))
		}
	}
}

// differs is a Rejected fault where a file isn't what the manifest says.
func differs(f export.File, bytes int64, sum hash.Hash) error {
	if bytes != f.Bytes || hex.EncodeToString(sum.Sum(nil)) != f.SHA256 {
		return fault.New(fault.Rejected, "%s is not the file that was exported: %d bytes, SHA-256 %x", f.Name, bytes, sum.Sum(nil))
	}
	return nil
}
