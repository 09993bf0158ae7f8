package export

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

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

// finish says what was written. What took several runs is proven to be of one moment, if it is: of this run's snapshot.
func (r *run) finish(ctx context.Context) error {
	r.doing = "proof of consistency"
	same, err := r.atOnce(ctx)
	if err != nil {
		return err
	}
	switch {
	case r.c.Runs == 1:
		r.c.Consistency = Snapshot
	case same:
		r.c.Consistency = WritesStopped
	default:
		r.c.Consistency = PerTable
	}
	r.c.SchemaVersion, r.c.PostgreSQL, r.c.LeftOut, r.c.Done = r.plan.version, r.plan.server, r.plan.leftOut, true
	return nil
}

// keys writes the foreign keys. Where tables may be of different moments, one that doesn't hold is made without looking at the rows.
func (r *run) keys(ctx context.Context, w *writer) error {
	same, err := r.atOnce(ctx)
	if err != nil {
		return err
	}
	for _, sql := range r.plan.keys {
		if !same {
			sql = lenient(sql)
		}
		w.puts(sql + "\n\n")
	}
	return nil
}

// lenient is a foreign key that needn't hold. On a partitioned table that can't be, and it is left out; psql shows the warning.
func lenient(sql string) string {
	quoted := strings.ReplaceAll(sql, "'", "''")
	return "do 'begin " + quoted + "\nexception when foreign_key_violation then\nraise warning ''a foreign key does not hold: this export is of several moments'';\nbegin " +
		strings.TrimSuffix(quoted, ";") + " not valid;\nexception when wrong_object_type or feature_not_supported then null; end; end';"
}

// atOnce reports whether all that was written so far is of one moment. A proof that isn't done in time is left to a run that does
// nothing before it, by errTimeUp; where that isn't long enough, nothing is proven.
func (r *run) atOnce(ctx context.Context) (bool, error) {
	if r.c.Runs == 1 {
		return true, nil
	}
	same, err := false, errTimeUp
	if left := r.until.Sub(r.Clock.Now()); left > 0 || !r.wrote {
		same, err = r.proven(ctx, min(max(left.Milliseconds(), 1), math.MaxInt32))
	}
	if errors.Is(err, errTimeUp) && !r.wrote {
		return false, nil
	}
	return same, err
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
		for i := range r.plan.tables {
			if same, err = r.asWritten(ctx, i); err != nil || !same {
				return err
			}
			if !r.Clock.Now().Before(r.until) && i < len(r.plan.tables)-1 {
				return errTimeUp
			}
		}
		return nil
	})
	if err == nil { // a failure took it back already
		_, err = r.tx.Exec(ctx, `set local statement_timeout = 0`)
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == canceled {
		return false, errTimeUp
	}
	return same && err == nil, err
}

// asWritten proves that the plan's table i is still what was written of it, in one file or in both.
func (r *run) asWritten(ctx context.Context, i int) (bool, error) {
	d := r.c.Dumped[i]
	if again := len(r.plan.tables) + i; again < len(r.c.Dumped) {
		if r.c.Dumped[again].Rows != d.Rows {
			return false, nil
		}
		d.Since = min(d.Since, r.c.Dumped[again].Since)
	}
	return r.unchanged(ctx, r.plan.tables[i], d, "")
}

// still reports whether the sequences stand where they stood.
func (r *run) still(ctx context.Context) (bool, error) {
	now, err := r.sequences(ctx)
	return slices.Equal(now, r.c.Stand), err
}
