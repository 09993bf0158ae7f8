package schema_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/schema"
	"github.com/project-gimbal/fleet/internal/sim/postgres/postgrestest"
)

func versions(migrations []schema.Migration) []string {
	var all []string
	for _, m := range migrations {
		all = append(all, m.Version)
	}
	return all
}

func recorded(t *testing.T, conn *pgx.Conn) []string {
	t.Helper()
	return one[[]string](t, conn, `select coalesce(array_agg(version order by version), '{}') from supabase_migrations.schema_migrations`)
}

// three are migrations that would fail if they were applied twice.
func three() []schema.Migration {
	return []schema.Migration{
		{Version: "0001", Name: "first", SQL: "create table first (n int);\ninsert into first values (1);"},
		{Version: "0002", Name: "second", SQL: "create table second (n int); -- half-way\ninsert into second values (2); insert into first values (2)"},
		{Version: "0003", Name: "third", SQL: "create table third (n int)"},
	}
}

func TestApplyTwice(t *testing.T) {
	_, conn := project(t)
	all := schema.All()
	applied, err := schema.Apply(t.Context(), conn, all)
	if err != nil || !slices.Equal(applied, versions(all)) {
		t.Fatalf("first: %v, %v", applied, err)
	}
	applied, err = schema.Apply(t.Context(), conn, all)
	if err != nil || len(applied) != 0 {
		t.Errorf("second: %v, %v", applied, err)
	}
	for _, m := range all {
		var name string
		var statements []string
		err := conn.QueryRow(t.Context(), `select name, statements from supabase_migrations.schema_migrations where version = $1`, m.Version).Scan(&name, &statements)
		if err != nil || name != m.Name || !slices.Equal(statements, m.Statements()) {
			t.Errorf("history of %s: %s, %d statements, %v", m.Version, name, len(statements), err)
		}
	}
}

func TestApplyConcurrently(t *testing.T) {
	_, url := postgrestest.Project(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var total []string
	for range 10 {
		conn := dial(t, url)
		wg.Go(func() {
			applied, err := schema.Apply(t.Context(), conn, three())
			mu.Lock()
			defer mu.Unlock()
			total = append(total, applied...)
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	slices.Sort(total)
	if want := versions(three()); !slices.Equal(total, want) {
		t.Errorf("applied %v, want each once: %v", total, want)
	}
	conn := dial(t, url)
	if got := one[int](t, conn, "select count(*) from first"); got != 2 {
		t.Errorf("first holds %d rows, want 2", got)
	}
}

func TestApplyFailingHalfWay(t *testing.T) {
	_, conn := project(t)
	broken := three()
	broken[1].SQL = "create table second (n int);\ninsert into second values ('ada@example.com')"
	applied, err := schema.Apply(t.Context(), conn, broken)
	if !slices.Equal(applied, []string{"0001"}) {
		t.Errorf("applied %v", applied)
	}
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Code != fault.Rejected || f.VendorCode != "22P02" || f.NothingHappened {
		t.Errorf("got %+v", f)
	}
	if !strings.Contains(err.Error(), "migration 0002, statement 2") || strings.Contains(err.Error(), "ada@") || strings.Contains(err.Error(), "insert") {
		t.Errorf("text: %v", err)
	}
	if got := recorded(t, conn); !slices.Equal(got, []string{"0001"}) {
		t.Errorf("history %v", got)
	}
	if !one[bool](t, conn, "select to_regclass('second') is null and to_regclass('first') is not null and to_regclass('third') is null") {
		t.Error("the failed migration left something, or an earlier one is gone, or a later one was applied")
	}

	// Again, unchanged: nothing happens. Mended: it goes on.
	_, err = schema.Apply(t.Context(), conn, broken)
	if !fault.NothingHappened(err) {
		t.Errorf("a repeat that applied nothing: %v", err)
	}
	applied, err = schema.Apply(t.Context(), conn, three())
	if err != nil || !slices.Equal(applied, []string{"0002", "0003"}) {
		t.Errorf("mended: %v, %v", applied, err)
	}
}

func TestApplyKilledHalfWay(t *testing.T) {
	ref, _ := project(t)
	connect := func() *pgx.Conn { // as superuser: others may not end backends
		conn, err := postgrestest.Server(t).Connect(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close(context.Background()) })
		return conn
	}
	suicide := three()
	suicide[1].SQL = "create table second (n int); select pg_terminate_backend(pg_backend_pid()); create table fourth (n int)"
	applied, err := schema.Apply(t.Context(), connect(), suicide)
	wantCode(t, err, fault.Unavailable)
	if fault.NothingHappened(err) || !slices.Equal(applied, []string{"0001"}) {
		t.Errorf("applied %v, %v", applied, err)
	}
	if applied, err = schema.Apply(t.Context(), connect(), three()); err != nil || !slices.Equal(applied, []string{"0002", "0003"}) {
		t.Errorf("the next applier: %v, %v", applied, err)
	}
}

func TestApplyAgainstOtherHistories(t *testing.T) {
	for _, c := range []struct {
		name   string
		change string // to a database with three
		apply  func([]schema.Migration) []schema.Migration
		want   string // in the error; empty for none
	}{
		{name: "edited", apply: func(m []schema.Migration) []schema.Migration {
			m[1].SQL = strings.Replace(m[1].SQL, "n int", "n bigint", 1)
			return m
		}, want: "migration 0002 was applied with other content"},
		{name: "edited space only", apply: func(m []schema.Migration) []schema.Migration {
			m[1].SQL = "\n" + strings.ReplaceAll(m[1].SQL, "; ", ";\n\n")
			return m
		}},
		{name: "renamed only", apply: func(m []schema.Migration) []schema.Migration {
			m[1].Name = "another"
			return m
		}},
		{name: "recorded without statements", change: "update supabase_migrations.schema_migrations set statements = null"},
		{name: "a newer build was here", apply: func(m []schema.Migration) []schema.Migration { return m[:2] }},
		{name: "one is missing", change: "delete from supabase_migrations.schema_migrations where version = '0002'",
			want: "migration 0002 is missing, but 0003 was applied"},
		{name: "an unknown one before a new one", apply: func(m []schema.Migration) []schema.Migration {
			return append(m[:2:2], schema.Migration{Version: "0004", Name: "fourth", SQL: "select 1"})
		}, want: "holds migration 0003, which this build does not know"},
		{name: "the Supabase CLI's timestamps", change: "insert into supabase_migrations.schema_migrations (version) values ('20240101000000')",
			apply: func(m []schema.Migration) []schema.Migration {
				return append(m, schema.Migration{Version: "0004", Name: "fourth", SQL: "select 1"})
			}, want: "migration 0004 is missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, conn := project(t)
			if _, err := schema.Apply(t.Context(), conn, three()); err != nil {
				t.Fatal(err)
			}
			if c.change != "" {
				exec(t, conn, c.change)
			}
			next := three()
			if c.apply != nil {
				next = c.apply(next)
			}
			applied, err := schema.Apply(t.Context(), conn, next)
			switch {
			case c.want == "" && (err != nil || len(applied) != 0):
				t.Errorf("applied %v, %v", applied, err)
			case c.want != "":
				wantCode(t, err, fault.Conflict)
				if !strings.Contains(fmt.Sprint(err), c.want) {
					t.Errorf("got %v, want %q", err, c.want)
				}
			}
		})
	}
}

func TestApplyFindsTheCLIsTable(t *testing.T) {
	_, conn := project(t)
	exec(t, conn, "create schema supabase_migrations; create table supabase_migrations.schema_migrations (version text not null primary key)")
	if applied, err := schema.Apply(t.Context(), conn, three()); err != nil || len(applied) != 3 {
		t.Errorf("applied %v, %v", applied, err)
	}
}
