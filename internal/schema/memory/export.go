package memory

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/project-gimbal/fleet/internal/export"
	"github.com/project-gimbal/fleet/internal/fault"
)

// Export writes what the database holds as database.sql, which no PostgreSQL reads: a comment. It goes the way of export.Export.Run:
// a part is stored, then noted, and the file completed.
func (d *database) Export(ctx context.Context, e export.Export, from export.Checkpoint, _ time.Time) (export.Checkpoint, error) {
	if from.Done {
		return from, nil
	}
	text, err := d.text(ctx)
	if err != nil {
		return from, err
	}
	c := from
	if c.Begun.IsZero() {
		c.Begun = e.Clock.Now().UTC().Truncate(time.Second)
	}
	c.Runs++
	if c.Open == nil {
		upload, err := e.Sink.Begin(ctx, export.DatabaseName)
		if err != nil {
			return from, err
		}
		if err := e.Sink.Write(ctx, export.Part{File: export.DatabaseName, Upload: upload, Number: 1, Body: text}); err != nil {
			return from, err
		}
		sum := sha256.Sum256(text)
		c.Open = &export.Position{Upload: upload, Parts: 1, Bytes: int64(len(text)), Hash: sum[:], Closing: true}
		if err := e.Saved(ctx, c); err != nil {
			return from, err
		}
	}
	if err := e.Sink.Complete(ctx, export.DatabaseName, c.Open.Upload, c.Open.Parts, c.Open.Bytes); err != nil {
		return c, err
	}
	c.Files = []export.File{{Name: export.DatabaseName, Bytes: c.Open.Bytes, SHA256: hex.EncodeToString(c.Open.Hash)}}
	c.Open, c.Done, c.Consistency = nil, true, export.Snapshot
	return c, nil
}

// text is the content, as a comment of SQL.
func (d *database) text(ctx context.Context) ([]byte, error) {
	if err := d.store.fault(ctx, d.key, "Export"); err != nil {
		return nil, err
	}
	d.store.mu.Lock()
	defer d.store.mu.Unlock()
	c := d.store.databases[d.key]
	if c == nil || !c.migrated {
		return nil, &fault.Error{Code: fault.Internal, Vendor: "supabase", Operation: "Export", Text: "there is nothing to export", NothingHappened: true}
	}
	plain, err := json.Marshal(written{c.config, c.starter, c.admins})
	return append([]byte("-- "), append(plain, '\n')...), err
}
