package export

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/project-gimbal/fleet/internal/fault"
)

// blocks is how much of a table one COPY reads: 2 MiB of it, and what its rows keep elsewhere.
const blocks = 256

// nowhere is a place before every row's.
const nowhere = "(0,0)"

// format is how rows are written.
type format struct {
	header, footer, again string // again takes back the rows that were written; empty begins the file anew
	options               string // of COPY
	until                 []byte // what ends the row's place, which COPY writes first
	end                   string // of a line
}

// asText is what psql reads.
func asText(t table) format {
	return format{
		header: fmt.Sprintf("copy %s (%s) from stdin;\n", t.sql, list(t.columns)), footer: "\\.\n\n",
		again: "\\.\n\ntruncate table only " + t.sql + ";\n", until: []byte("\t"), end: "\n"}
}

// asCSV is RFC 4180. A row's place has a comma, so that it is quoted.
func asCSV(t table) format {
	return format{header: csvHeader(t.columns), options: " (format csv)", until: []byte(`",`), end: "\r\n"}
}

func csvHeader(columns []string) string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	_ = w.Write(columns) // a Builder takes everything
	w.Flush()
	return b.String()
}

// list is names for SQL.
func list(columns []string) string {
	var quoted []string
	for _, c := range columns {
		quoted = append(quoted, pgx.Identifier{c}.Sanitize())
	}
	return strings.Join(quoted, ", ")
}

// rows writes a table's rows, or goes on with them, in the order of their places. What was written before is taken back
// where it is no longer so.
func (r *run) rows(ctx context.Context, w *writer, t table, f format) error {
	now := Seen{Since: r.seen}
	var size int64
	err := r.tx.QueryRow(ctx, `select coalesce(pg_relation_filenode($1), 0), pg_relation_size($1::oid) / current_setting('block_size')::bigint`, t.oid).Scan(&now.File, &size)
	if err != nil {
		return err
	}
	if w.at.After != "" {
		if err := r.resume(ctx, w, t, f, now); err != nil {
			return err
		}
	}
	if w.at.After == "" {
		w.puts(f.header)
		w.at.After, w.at.Row = nowhere, Dumped{Seen: now}
	}
	for from := block(w.at.After); from < size; from += blocks {
		if err := r.copy(ctx, w, t, f, min(from+blocks, math.MaxUint32)); err != nil {
			return err
		}
	}
	w.puts(f.footer)
	r.c.Dumped = append(r.c.Dumped, w.at.Row)
	return nil
}

// resume decides whether a table that was cut is gone on with.
func (r *run) resume(ctx context.Context, w *writer, t table, f format, now Seen) error {
	same := w.at.Row.File == now.File
	if same {
		var err error
		if same, err = r.unchanged(ctx, t, w.at.Row, w.at.After); err != nil {
			return err
		}
	}
	if same {
		return nil
	}
	if w.at.Restarts == restartsAllowed {
		return fault.New(fault.Conflict, "table %s takes longer than a run and is written to meanwhile: stop the writes first", t.sql)
	}
	if f.again == "" {
		w.restart()
		return nil
	}
	w.puts(f.again)
	w.at.After, w.at.Row, w.at.Restarts = "", Dumped{}, w.at.Restarts+1
	return nil
}

// block is the number of the block that a place is in.
func block(place string) (n int64) {
	for _, c := range place[1:] {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + int64(c-'0')
	}
	return n
}

// copy writes the rows behind the position, up to a block.
func (r *run) copy(ctx context.Context, w *writer, t table, f format, end int64) error {
	sql := fmt.Sprintf(`copy (select ctid, %s from only %s where ctid > '%s' and ctid < '(%d,0)') to stdout%s`, list(t.columns), t.sql, w.at.After, end, f.options)
	rows := &rowWriter{ctx: ctx, w: w, f: f, alone: len(t.columns) == 1}
	_, err := r.tx.Conn().PgConn().CopyTo(ctx, rows, sql)
	if _, ok := errors.AsType[*pgproto3.ExceededMaxBodyLenErr](err); ok {
		return fault.New(fault.QuotaExceeded, "table %s has a row behind %s whose text is longer than %d bytes", t.sql, w.at.After, r.MaxRow)
	}
	rows.arrive()
	if err == nil {
		err = rows.up
	}
	return err
}

// rowWriter takes rows from COPY. PostgreSQL sends each in a message of its own.
type rowWriter struct {
	ctx   context.Context
	w     *writer
	f     format
	alone bool   // a row has one column
	place []byte // of the last row
	up    error  // errTimeUp: the rows that follow are left
}

func (c *rowWriter) Write(row []byte) (int, error) {
	if c.up != nil {
		return len(row), nil
	}
	place, text, ok := bytes.Cut(row, c.f.until)
	text, whole := bytes.CutSuffix(text, []byte("\n"))
	if !ok || !whole {
		return 0, fault.New(fault.Internal, "COPY sends rows otherwise than one by one")
	}
	// On a line of its own this would end the data for a reading PostgreSQL.
	if c.alone && c.f.options != "" && string(text) == `\.` {
		text = []byte(`"\."`)
	}
	c.w.put(text...)
	c.w.puts(c.f.end)
	c.place = append(c.place[:0], place...)
	c.w.at.Row.Rows++
	if len(c.w.buf) < c.w.size {
		return len(row), nil
	}
	c.arrive()
	err := c.w.flush(c.ctx)
	if errors.Is(err, errTimeUp) {
		c.up, err = err, nil
	}
	return len(row), err
}

// arrive makes the last row's place the position.
func (c *rowWriter) arrive() {
	if len(c.place) > 0 {
		c.w.at.After = strings.Trim(string(c.place), `"`)
	}
}
