package export

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/schema"
)

// restartsAllowed is how often a table, or the whole, is begun anew because it changed meanwhile.
const restartsAllowed = 3

// Export reads one database.
type Export struct {
	// Conn is a connection in session mode that nothing else uses. Its role must see every row: it passes row-level security.
	Conn  *pgx.Conn
	Sink  Sink
	Clock clock.Clock
	// PartSize and MaxRow are in bytes; 0 means the constants of these names. S3 takes no part below 5 MiB but a file's last.
	PartSize, MaxRow int
	// Saved is told of each part that was stored, if set: what it keeps need not be done again after a death.
	Saved func(ctx context.Context, c Checkpoint) error
}

// Run goes on from a checkpoint until all is done or until has passed, and gives the new checkpoint. At least one part is stored.
// It looks at the time behind each part, and leaves what it read beyond. The connection's settings are as before, or it is closed.
//
// All that one run reads is of one snapshot. A table that was cut goes on where what was written of it is proven unchanged, and
// is begun anew otherwise; the fourth time the export ends with Conflict, as it does where the schema doesn't stand still: stop
// the writes first. A row over MaxRow is QuotaExceeded; faults of the database are those of package schema, those of the sink its own.
// With an error, too, the checkpoint is that of the last part stored.
func (e *Export) Run(ctx context.Context, from Checkpoint, until time.Time) (Checkpoint, error) {
	if from.Done {
		return from, nil
	}
	r := &run{Export: *e, c: from, kept: from, until: until}
	if r.PartSize == 0 {
		r.PartSize = PartSize
	}
	if r.MaxRow == 0 {
		r.MaxRow = MaxRow
	}
	if r.c.Begun.IsZero() {
		r.c.Begun = e.Clock.Now().UTC().Truncate(time.Second)
	}
	r.c.Runs++
	r.buf = make([]byte, 0, r.PartSize+r.MaxRow)
	wire := e.Conn.PgConn().Frontend()
	wire.SetMaxBodyLen(r.MaxRow)
	defer wire.SetMaxBodyLen(0)
	err := pgx.BeginTxFunc(ctx, e.Conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly},
		func(tx pgx.Tx) error { return r.read(ctx, tx) })
	if errors.Is(err, errTimeUp) {
		return r.kept, nil
	}
	if ofStore(err) {
		return r.kept, err
	}
	if err != nil {
		return r.kept, schema.Fault("Export", r.doing, err)
	}
	return r.c, nil
}

// errTimeUp ends a run whose time has passed.
var errTimeUp = errors.New("the run's time is up")

// run is one transaction's part of an export.
type run struct {
	Export
	tx    pgx.Tx
	plan  *plan
	seen  uint64     // the snapshot's first transaction that it may not have seen
	c     Checkpoint // as it is
	kept  Checkpoint // as it was behind the last part
	wrote bool       // a part, in this run
	buf   []byte     // of a part and a row: it never grows, and what isn't used takes no memory
	until time.Time
	doing string
}

// session makes what is read depend on nothing but the rows, and lets nothing but the caller end a long reading. A connection
// whose owner died doesn't hold its locks for long.
const session = `set local search_path = ''; set local row_security = off; set local statement_timeout = 0; set local lock_timeout = '20s';
	set local idle_in_transaction_session_timeout = '5min'; set local timezone = 'UTC'; set local datestyle = 'ISO, YMD'; set local intervalstyle = 'postgres';
	set local bytea_output = 'hex'; set local extra_float_digits = 1; set local xmloption = content; set local lc_monetary = 'C'; set local client_encoding = 'UTF8';
	set local synchronize_seqscans = off; set local max_parallel_workers_per_gather = 0; set local enable_seqscan = off; set local quote_all_identifiers = off`

// read reads on until all is done, or errTimeUp.
func (r *run) read(ctx context.Context, tx pgx.Tx) error {
	r.tx, r.doing = tx, "catalog"
	if _, err := tx.Conn().PgConn().Exec(ctx, session).ReadAll(); err != nil {
		return err
	}
	err := tx.QueryRow(ctx, `select pg_snapshot_xmin(pg_current_snapshot())::text::bigint`).Scan(&r.seen)
	if err != nil {
		return err
	}
	if r.plan, err = readPlan(ctx, tx); err != nil {
		return err
	}
	if err := r.compare(); err != nil {
		return err
	}
	for len(r.c.Files) <= len(r.plan.tables) {
		if err := r.write(ctx); err != nil {
			return err
		}
	}
	return r.finish(ctx)
}

// compare begins anew where the plan isn't the checkpoint's.
func (r *run) compare() error {
	hash := r.plan.hash()
	if r.c.Plan != "" && r.c.Plan != hash {
		if r.c.Restarts == restartsAllowed {
			return fault.New(fault.Conflict, "the schema changes while it is exported")
		}
		r.c = Checkpoint{Begun: r.Clock.Now().UTC().Truncate(time.Second), Runs: 1, Restarts: r.c.Restarts + 1}
	}
	r.c.Plan = hash
	return nil
}

// write writes the next file, or what is left of it.
func (r *run) write(ctx context.Context) error {
	n := len(r.c.Files)
	f := File{Name: DatabaseName}
	body := r.database
	if n > 0 {
		t := r.plan.tables[n-1]
		f = File{Name: csvName(t.schema, t.name), Table: t.sql, Columns: t.columns}
		body = func(ctx context.Context, w *writer) error { return r.csv(ctx, w, t) }
	}
	r.doing = f.Name
	w := &writer{sink: r.Sink, file: f.Name, size: r.PartSize, buf: r.buf[:0], saved: r.keep}
	if err := w.open(ctx, r.c.Open); err != nil {
		return err
	}
	if !w.at.Closing {
		if err := body(ctx, w); err != nil {
			return err
		}
	}
	var err error
	if f.Bytes, f.SHA256, err = w.close(ctx); err != nil {
		return err
	}
	for i, d := range r.c.Dumped {
		if n == 0 || i == len(r.plan.tables)+n-1 {
			f.Rows += d.Rows
		}
	}
	r.c.Files, r.c.Open = append(r.c.Files, f), nil
	return r.keep(ctx, Position{})
}

// keep makes what is now the checkpoint, and says when the time is up.
func (r *run) keep(ctx context.Context, at Position) error {
	r.c.Open = &at
	if at.Upload == "" {
		r.c.Open = nil
	}
	r.kept, r.wrote = r.c, true
	if r.Saved != nil {
		if err := r.Saved(ctx, r.kept); err != nil {
			return stored("checkpoint", err)
		}
	}
	if !r.Clock.Now().Before(r.until) {
		return errTimeUp
	}
	return nil
}

// database writes database.sql: what is before the rows, the rows table by table, what is after them.
func (r *run) database(ctx context.Context, w *writer) error {
	for w.at.Section <= len(r.plan.tables)+1 {
		switch n := w.at.Section; {
		case n == 0:
			w.puts(r.plan.before)
		case n <= len(r.plan.tables):
			t := r.plan.tables[n-1]
			if err := r.rows(ctx, w, t, asText(t)); err != nil {
				return err
			}
		default:
			if err := r.stand(ctx, w); err != nil {
				return err
			}
			w.puts(r.plan.after)
			if err := r.keys(ctx, w); err != nil {
				return err
			}
			w.puts(r.plan.end)
		}
		w.at.Section, w.at.After, w.at.Row, w.at.Restarts = w.at.Section+1, "", Dumped{}, 0
		if err := w.mark(ctx); err != nil {
			return err
		}
	}
	return nil
}

// csv writes a table's file.
func (r *run) csv(ctx context.Context, w *writer, t table) error {
	if w.at.Section == 1 {
		return nil
	}
	if err := r.rows(ctx, w, t, asCSV(t)); err != nil {
		return err
	}
	w.at.Section, w.at.After, w.at.Row = 1, "", Dumped{}
	return w.mark(ctx)
}

// stand writes where the sequences stand. That is of now, not of the snapshot: never behind it.
func (r *run) stand(ctx context.Context, w *writer) error {
	var err error
	if r.c.Stand, err = r.sequences(ctx); err != nil {
		return err
	}
	for _, s := range r.c.Stand {
		w.puts(fmt.Sprintf("select pg_catalog.setval('%s', %d, %t);\n", strings.ReplaceAll(s.Name, "'", "''"), s.Last, s.Called))
	}
	w.put('\n')
	return nil
}

func (r *run) sequences(ctx context.Context) ([]Sequence, error) {
	var all []Sequence
	for _, name := range r.plan.sequences {
		s := Sequence{Name: name}
		if err := r.tx.QueryRow(ctx, `select last_value, is_called from `+name).Scan(&s.Last, &s.Called); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}
