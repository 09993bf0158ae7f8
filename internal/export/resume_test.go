package export_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/export"
	"github.com/project-gimbal/fleet/internal/fault"
)

// bucket keeps uploads as S3 does: parts by number, and a file when it is completed.
type bucket struct {
	uploads  map[string]map[int][]byte
	files    map[string][]byte
	smallest int
	fail     func(p export.Part) error // before a part is stored, if set
	writes   int
}

func newBucket() *bucket {
	return &bucket{uploads: map[string]map[int][]byte{}, files: map[string][]byte{}}
}

func (b *bucket) Begin(_ context.Context, file string) (string, error) {
	id := fmt.Sprintf("%s#%d", file, len(b.uploads))
	b.uploads[id] = map[int][]byte{}
	return id, nil
}

func (b *bucket) Write(_ context.Context, p export.Part) error {
	b.writes++
	if b.fail != nil {
		if err := b.fail(p); err != nil {
			return err
		}
	}
	parts := b.uploads[p.Upload]
	if parts == nil {
		return fmt.Errorf("no upload %s", p.Upload)
	}
	parts[p.Number] = bytes.Clone(p.Body)
	return nil
}

func (b *bucket) Complete(_ context.Context, file, upload string, parts int, size int64) error {
	stored := b.uploads[upload]
	if stored == nil {
		if int64(len(b.files[file])) == size {
			return nil // completed before
		}
		return fmt.Errorf("no upload %s", upload)
	}
	var all []byte
	for n := 1; n <= parts; n++ {
		if n < parts && len(stored[n]) < b.smallest {
			return fmt.Errorf("part %d of %s has %d bytes", n, file, len(stored[n]))
		}
		all = append(all, stored[n]...)
	}
	if int64(len(all)) != size {
		return fmt.Errorf("%s has %d bytes, not %d", file, len(all), size)
	}
	b.files[file] = all
	delete(b.uploads, upload)
	return nil
}

// sizes of the cut exports' parts: a page of rows.
const partSize = 20_000

// several is a small database with tables of several parts, one of them with values kept outside of its pages.
func several(t *testing.T) *pgx.Conn {
	t.Helper()
	_, super := project(t)
	run(t, super, `create table many (id serial primary key, txt text); insert into many (txt) select repeat(md5(i::text), 3) from generate_series(1, 1500) i;
		delete from many where id % 7 = 0;
		create table large (id int primary key, blob text); alter table large alter column blob set storage external;
		insert into large select i, repeat('x', 9000 + i) from generate_series(1, 9) i;
		create table none (a int); create table one (a int); insert into one values (null);
		create table other (a int primary key); insert into other values (1), (2)`)
	return super
}

// handedOn is a checkpoint as another process reads it.
func handedOn(t *testing.T, c export.Checkpoint) (next export.Checkpoint) {
	t.Helper()
	text, err := json.Marshal(c)
	if err == nil {
		err = json.Unmarshal(text, &next)
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > 20_000 {
		t.Fatalf("the checkpoint has %d bytes", len(text))
	}
	return next
}

// ticking is a clock that moves on by an hour with each part that is stored.
type ticking struct {
	clock.Clock
	sink *bucket
}

func (c ticking) Now() time.Time { return time.Date(2030, 1, 1, c.sink.writes, 0, 0, 0, time.UTC) }

// cut exports in runs of a part each. between is called behind each run, with the number of runs so far.
func cut(t *testing.T, conn *pgx.Conn, sink *bucket, size int, between func(runs int, c export.Checkpoint)) (export.Checkpoint, error) {
	t.Helper()
	sink.smallest = size
	var c export.Checkpoint
	for runs := 1; ; runs++ {
		now := ticking{clock.System(), sink}
		e := export.Export{Conn: conn, Sink: sink, Clock: now, PartSize: size}
		before := sink.writes
		var err error
		if c, err = e.Run(t.Context(), handedOn(t, c), now.Now().Add(time.Minute)); err != nil || c.Done {
			return c, err
		}
		if sink.writes > before+1 {
			t.Fatalf("run %d stored %d parts after its time was up", runs, sink.writes-before)
		}
		if runs == 200 {
			t.Fatal("200 runs, and no end")
		}
		if between != nil {
			between(runs, c)
		}
	}
}

func uncut(t *testing.T, conn *pgx.Conn) (*bucket, export.Checkpoint) {
	t.Helper()
	sink := newBucket()
	e := export.Export{Conn: conn, Sink: sink, Clock: clock.System(), PartSize: partSize}
	c, err := e.Run(t.Context(), export.Checkpoint{}, later)
	if err != nil || !c.Done || c.Runs != 1 || c.Consistency != export.Snapshot {
		t.Fatalf("%+v, %v", c, why(err))
	}
	return sink, c
}

func wantFiles(t *testing.T, got, want *bucket) {
	t.Helper()
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want.files)), slices.Sorted(maps.Keys(got.files))); diff != "" {
		t.Errorf("files: %s", diff)
	}
	for name, text := range want.files {
		if !bytes.Equal(got.files[name], text) {
			t.Errorf("%s: %d bytes are not the %d of the export that was never cut", name, len(got.files[name]), len(text))
		}
	}
}

func TestCutBehindEachPart(t *testing.T) {
	conn := several(t)
	whole, once := uncut(t, conn)
	sink := newBucket()
	inTable := 0
	c, err := cut(t, conn, sink, partSize, func(_ int, c export.Checkpoint) {
		if c.Open != nil && c.Open.Row.Rows > 0 {
			inTable++
		}
	})
	if err != nil || c.Runs < 20 || inTable < 10 {
		t.Fatalf("%d runs, %d of them cut a table, %v", c.Runs, inTable, why(err))
	}
	wantFiles(t, sink, whole)
	if diff := cmp.Diff(once.Files, c.Files); diff != "" {
		t.Errorf("uncut (-), cut (+): %s", diff)
	}
	if c.Consistency != export.WritesStopped {
		t.Errorf("consistent by %s, though nothing was written", c.Consistency)
	}
}

// TestCutAnywhere lets a write of a part fail, before or after it took effect, and goes on from what was saved: each third, and each
// with FLEET_TEST_ALL.
func TestCutAnywhere(t *testing.T) {
	conn := several(t)
	whole, once := uncut(t, conn)
	for n := 1; n <= whole.writes; n++ {
		if n%3 != 1 && os.Getenv("FLEET_TEST_ALL") == "" {
			continue
		}
		sink, seen := newBucket(), 0
		sink.fail = func(p export.Part) error {
			if seen++; seen != n {
				return nil
			}
			if n%2 == 0 {
				sink.uploads[p.Upload][p.Number] = bytes.Clone(p.Body)
			}
			return errors.New("died")
		}
		var saved export.Checkpoint
		for range 2 {
			saved = another(t, conn, sink, saved)
		}
		if !saved.Done || saved.Consistency == export.PerTable || saved.Consistency == export.Snapshot != (n == 1) {
			t.Fatalf("write %d: %+v", n, saved)
		}
		wantFiles(t, sink, whole)
		if diff := cmp.Diff(once.Files, saved.Files); diff != "" {
			t.Errorf("write %d: uncut (-), cut (+): %s", n, diff)
		}
	}
}

// another process goes on, and gives what it saved last.
func another(t *testing.T, conn *pgx.Conn, sink *bucket, saved export.Checkpoint) export.Checkpoint {
	t.Helper()
	own, err := pgx.ConnectConfig(t.Context(), conn.Config())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = own.Close(context.Background()) }()
	e := export.Export{Conn: own, Sink: sink, Clock: clock.System(), PartSize: partSize,
		Saved: func(_ context.Context, c export.Checkpoint) error { saved = handedOn(t, c); return nil }}
	if c, err := e.Run(t.Context(), saved, later); err == nil {
		saved = c
	}
	return saved
}

// TestWritesMeanwhile writes behind runs, and wants an export that restores, and that says of what moment it is.
func TestWritesMeanwhile(t *testing.T) {
	for _, c := range []struct {
		name, sql string
		when      func(c export.Checkpoint) bool
		want      export.Consistency
		restarted bool
	}{
		{"an earlier table gets a row", `insert into other values (3)`, atEnd, export.PerTable, false},
		{"an earlier table loses a row", `delete from other where a = 2`, atEnd, export.PerTable, false},
		{"an earlier table's row is replaced", `begin; delete from other where a = 2; insert into other values (2); commit`, atEnd, export.PerTable, false},
		{"a row changes to what it was", `update other set a = a`, atEnd, export.PerTable, false},
		{"a sequence goes on", `select nextval('many_id_seq')`, atEnd, export.PerTable, false},
		{"what was written comes and goes", `begin; insert into other values (3); rollback`, atEnd, export.WritesStopped, false},
		{"a table is packed", `vacuum full other`, atEnd, export.WritesStopped, false},
		{"rows die and are cleared away elsewhere", `create temp table x (a int); drop table x; vacuum many`, atEnd, export.WritesStopped, false},
		{"the cut table changes before the cut", `update many set txt = 'changed' where id = 1`, inMany, export.WritesStopped, true},
		{"the cut table loses a row before the cut", `delete from many where id = 2`, inMany, export.WritesStopped, true},
		{"the cut table changes behind the cut", `delete from many where id = 1495`, inMany, export.WritesStopped, false},
		{"the cut table gets a row behind the cut", `insert into many (txt) values ('new')`, inMany, export.PerTable, false},
		{"the cut table is packed", `vacuum full many`, inMany, export.WritesStopped, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := several(t)
			sink, done := newBucket(), false
			end, err := cut(t, conn, sink, 3*partSize, func(_ int, at export.Checkpoint) {
				if !done && c.when(at) {
					done = true
					for _, statement := range strings.Split(c.sql, ";") {
						run(t, conn, statement)
					}
				}
			})
			if err != nil || !done {
				t.Fatalf("written: %v, %v", done, why(err))
			}
			if end.Consistency != c.want {
				t.Errorf("consistent by %s, want %s", end.Consistency, c.want)
			}
			text := string(sink.files[export.DatabaseName])
			if got := strings.Contains(text, "truncate table only public.many"); got != c.restarted {
				t.Errorf("begun anew: %v", got)
			}
		})
	}
}

// TestKeysThatDoNotHold has tables of several moments restored all the same.
func TestKeysThatDoNotHold(t *testing.T) {
	conn := several(t)
	run(t, conn, `create table aaa (id int primary key); create table zzz (id int references aaa, other int references other); insert into aaa values (1); insert into zzz values (1, 1);
		create table zzp (id int references aaa) partition by list (id); create table zzp_2 partition of zzp for values in (2); create table zzq (id int constraint "it's" references aaa)`)
	sink, done := newBucket(), false
	end, err := cut(t, conn, sink, 3*partSize, func(_ int, at export.Checkpoint) {
		if !done && inMany(at) {
			done = true
			run(t, conn, `insert into aaa values (2); insert into zzz values (2, 2); insert into zzp values (2)`)
		}
	})
	if err != nil || !done || end.Consistency != export.PerTable {
		t.Fatalf("written: %v, consistent by %s, %v", done, end.Consistency, why(err))
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, export.DatabaseName), sink.files[export.DatabaseName], 0o600); err != nil {
		t.Fatal(err)
	}
	restored, said := restoreAloud(t, elsewhere(t), dir)
	if strings.Count(said, "a foreign key does not hold") != 2 || strings.Contains(said, "ERROR") {
		t.Errorf("psql: %s", said)
	}
	want := []string{"it's true", "zzz_id_fkey false", "zzz_other_fkey true"} // zzp's is left out
	if got := lines(t, restored, `select conname || ' ' || convalidated from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace`); !slices.Equal(got, want) {
		t.Errorf("keys: %v", got)
	}
	if got := one[int](t, restored, `select count(*) from public.zzz`); got != 2 {
		t.Errorf("%d rows", got)
	}
}

// inMany: in database.sql, and in the midst of a table. atEnd: that file is done.
func inMany(c export.Checkpoint) bool {
	return c.Open != nil && len(c.Files) == 0 && c.Open.Row.Rows > 300 && c.Open.Row.Rows < 900
}

func atEnd(c export.Checkpoint) bool { return len(c.Files) > 3 }

func TestNeverStill(t *testing.T) {
	conn := several(t)
	_, err := cut(t, conn, newBucket(), partSize, func(int, export.Checkpoint) { run(t, conn, `update many set txt = txt where id < 9`) })
	if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "public.many") {
		t.Errorf("a table that never stands still: %v", err)
	}
	n := 0
	_, err = cut(t, conn, newBucket(), partSize, func(int, export.Checkpoint) { n++; run(t, conn, fmt.Sprintf(`alter table one add column c%d int`, n)) })
	if !fault.Is(err, fault.Conflict) || n != 4 {
		t.Errorf("a schema that changes after each of %d runs: %v", n, err)
	}
}

func TestSchemaChangesOnce(t *testing.T) {
	conn := several(t)
	sink := newBucket()
	c, err := cut(t, conn, sink, partSize, func(runs int, _ export.Checkpoint) {
		if runs == 4 {
			run(t, conn, `alter table one add column b text default 'late'`)
		}
	})
	if err != nil || c.Restarts != 1 {
		t.Fatalf("%+v, %v", c, why(err))
	}
	whole, _ := uncut(t, conn)
	wantFiles(t, sink, whole)
}

// TestFailures come from whom they come: a sink's are not taken for the database's.
func TestFailures(t *testing.T) {
	conn := several(t)
	full, sink := errors.New("disk full"), newBucket()
	sink.fail = func(p export.Part) error {
		if p.Number == 3 {
			return full
		}
		return nil
	}
	e := export.Export{Conn: conn, Sink: sink, Clock: clock.System(), PartSize: partSize}
	c, err := e.Run(t.Context(), export.Checkpoint{}, later)
	if !errors.Is(err, full) || !strings.Contains(err.Error(), export.DatabaseName) || c.Open == nil || c.Open.Parts != 2 {
		t.Errorf("a full disk: %+v, %v", c.Open, err)
	}
	_, err = e.Run(t.Context(), c, later) // the connection is closed by now
	if !fault.Is(err, fault.Unavailable) {
		t.Errorf("a closed connection: %v", err)
	}
}

func TestLongRow(t *testing.T) {
	conn := several(t)
	e := export.Export{Conn: conn, Sink: newBucket(), Clock: clock.System(), PartSize: partSize, MaxRow: 9005}
	_, err := e.Run(t.Context(), export.Checkpoint{}, later)
	if !fault.Is(err, fault.QuotaExceeded) || !strings.Contains(err.Error(), "public.large") || !strings.Contains(err.Error(), "9005") {
		t.Errorf("got %v", err)
	}
}
