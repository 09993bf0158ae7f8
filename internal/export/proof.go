package export

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// A row's version never changes: what was read at first is what there is now if as many rows are there, and none was written by a
// transaction that the first reading may not have seen. Rows hold 32 bits of a transaction's number; counted from the first
// number not seen on, a new one is below what was given out since. A very old one may look like a new one, not the other way round.
const newer = `(xmin::text::bigint - %[1]d %% 4294967296 + 4294967296) %% 4294967296 < pg_snapshot_xmax(pg_current_snapshot())::text::bigint - %[1]d`

// unchanged proves that a table's rows up to a place, or all of them, are those that were read.
func (r *run) unchanged(ctx context.Context, t table, d Dumped, upTo string) (same bool, err error) {
	where := ""
	if upTo != "" {
		where = fmt.Sprintf(" where ctid <= '%s'", upTo)
	}
	err = r.tx.QueryRow(ctx, fmt.Sprintf(`select count(*) = %[2]d and count(*) filter (where `+newer+`) = 0 from only %[3]s`, d.Since, d.Rows, t.sql)+where).Scan(&same)
	return same, err
}

// finish says what was written. What took several runs is proven to be of one moment, if it is: of this run's snapshot. A proof
// that is not done in time is left to a run that does nothing else; where that isn't long enough, nothing is proven.
func (r *run) finish(ctx context.Context) error {
	r.doing = "proof of consistency"
	r.c.Consistency = Snapshot
	if r.c.Runs > 1 {
		left := r.until.Sub(r.Clock.Now())
		proven, err := false, errTimeUp
		if left > 0 || !r.wrote {
			proven, err = r.proven(ctx, min(max(left.Milliseconds(), 1), math.MaxInt32))
		}
		switch {
		case err != nil && (!errors.Is(err, errTimeUp) || r.wrote):
			return err
		case proven:
			r.c.Consistency = WritesStopped
		default:
			r.c.Consistency = PerTable
		}
	}
	r.c.SchemaVersion, r.c.PostgreSQL, r.c.LeftOut, r.c.Done = r.plan.version, r.plan.server, r.plan.leftOut, true
	return nil
}

// canceled is PostgreSQL's state of a statement that took too long.
const canceled = "57014"

// proven reports whether every table and sequence is as it was written, or errTimeUp after the given milliseconds.
func (r *run) proven(ctx context.Context, within int64) (same bool, err error) {
	err = pgx.BeginFunc(ctx, r.tx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, fmt.Sprintf(`set local statement_timeout = %d`, within)); err != nil {
			return err
		}
		if same, err = r.still(ctx); err != nil || !same {
			return err
		}
		for i, t := range r.plan.tables {
			sql, csv := r.c.Dumped[i], r.c.Dumped[len(r.plan.tables)+i]
			d := Dumped{Rows: sql.Rows, Seen: Seen{Since: min(sql.Since, csv.Since)}}
			if same, err = r.unchanged(ctx, t, d, ""); err != nil || !same || sql.Rows != csv.Rows {
				same = same && sql.Rows == csv.Rows
				return err
			}
			if !r.Clock.Now().Before(r.until) && i < len(r.plan.tables)-1 {
				return errTimeUp
			}
		}
		return nil
	})
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == canceled {
		return false, errTimeUp
	}
	return same && err == nil, err
}

// still reports whether the sequences stand where they stood.
func (r *run) still(ctx context.Context) (bool, error) {
	now, err := r.sequences(ctx)
	return slices.Equal(now, r.c.Stand), err
}
