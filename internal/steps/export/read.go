package export

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/project-gimbal/fleet/internal/export"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/schema"
)

// connected is a database that is reached by a connection of its own.
type connected interface{ Conn() *pgx.Conn }

// writesItself is a stand-in for a database, which writes its own export.
type writesItself interface {
	Export(ctx context.Context, e export.Export, from export.Checkpoint, until time.Time) (export.Checkpoint, error)
}

// read reads on from a checkpoint.
func read(ctx context.Context, db schema.Database, e export.Export, from export.Checkpoint, until time.Time) (export.Checkpoint, error) {
	switch db := db.(type) {
	case connected:
		e.Conn = db.Conn()
		return e.Run(ctx, from, until)
	case writesItself:
		return db.Export(ctx, e, from, until)
	}
	return from, fault.New(fault.Internal, "the database can't be exported")
}
