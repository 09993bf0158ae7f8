package export_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/export"
)

// second is another connection to the same database.
func second(t *testing.T, conn *pgx.Conn) *pgx.Conn {
	t.Helper()
	other, err := pgx.ConnectConfig(t.Context(), conn.Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close(t.Context()) })
	return other
}

// TestSnapshot writes to every table, and to the catalog, behind each part of one run: the export is of its beginning.
func TestSnapshot(t *testing.T) {
	conn := several(t)
	whole, _ := uncut(t, conn)
	writer, sink := second(t, conn), newBucket()
	sink.fail = func(export.Part) error {
		run(t, writer, `insert into many select max(id) + 1, 'late' from many; update large set blob = 'late'; delete from other; insert into none values (1);
			create table if not exists late (a int)`)
		return nil
	}
	e := export.Export{Conn: conn, Sink: sink, Clock: clock.System(), PartSize: partSize}
	c, err := e.Run(t.Context(), export.Checkpoint{}, later)
	if err != nil || c.Consistency != export.Snapshot {
		t.Fatalf("%s, %v", c.Consistency, why(err))
	}
	wantFiles(t, sink, whole)
}

// TestTransactionsUnderWay has one that began before the export, and commits between two of its runs.
func TestTransactionsUnderWay(t *testing.T) {
	for _, sql := range []string{`insert into other values (3)`, `delete from other where a = 2`, `update other set a = a`, `begin; savepoint s; insert into other values (3); release s`} {
		t.Run(sql, func(t *testing.T) {
			conn := several(t)
			writer, done := second(t, conn), false
			run(t, writer, `begin`)
			run(t, writer, sql)
			end, err := cut(t, conn, newBucket(), 3*partSize, func(_ int, c export.Checkpoint) {
				if !done && atEnd(c) {
					done = true
					run(t, writer, `commit`)
				}
			})
			if err != nil || !done || end.Consistency != export.PerTable {
				t.Errorf("committed: %v, consistent by %s, %v", done, end.Consistency, why(err))
			}
		})
	}
}
