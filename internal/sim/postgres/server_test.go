package postgres_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/project-gimbal/fleet/internal/sim/postgres"
	"github.com/project-gimbal/fleet/internal/sim/postgres/postgrestest"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

// dial connects and closes at the test's end.
func dial(t *testing.T, connection string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), connection)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func exec(t *testing.T, conn *pgx.Conn, sql string, args ...any) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func one[T any](t *testing.T, conn *pgx.Conn, sql string, args ...any) T {
	t.Helper()
	var v T
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

func state(err error) string {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code
	}
	return ""
}

func TestRestartKeepsDatabases(t *testing.T) {
	t.Parallel()
	// A private folder: as root, the server must keep its files where its own user can reach them.
	dir := filepath.Join(t.TempDir(), "postgres")
	t.Cleanup(func() {
		if err := postgres.Remove(dir); err != nil {
			t.Error(err)
		}
	})
	ref := postgrestest.Reference()
	for run := range 2 {
		s, err := postgres.Start(t.Context(), dir, postgres.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if run == 0 {
			if err := s.Create(t.Context(), ref, "secret"); err != nil {
				t.Error(err)
			}
		}
		conn, err := pgx.Connect(t.Context(), postgrestest.WithPassword(t, s.URL(ref), "secret").Reveal())
		if err != nil {
			t.Fatal(err)
		}
		if run == 0 {
			exec(t, conn, "create table kept (n int)")
		} else {
			exec(t, conn, "insert into kept values (1)")
		}
		pid := postmaster(t, dir)
		if err := s.Stop(); err != nil { // with a client still connected
			t.Error(err)
		}
		if err := s.Stop(); err != nil {
			t.Error("second Stop:", err)
		}
		if syscall.Kill(pid, 0) == nil {
			t.Error("PostgreSQL outlived Stop")
		}
	}
}

// postmaster is the process id of the server on dir.
func postmaster(t *testing.T, dir string) int {
	t.Helper()
	if text, err := os.ReadFile(filepath.Join(dir, "location")); err == nil {
		dir = strings.TrimSpace(string(text))
	}
	text, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func TestBusyPort(t *testing.T) {
	t.Parallel()
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = busy.Close() }()
	dir, remove, err := postgres.Scratch()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := remove(); err != nil {
			t.Error(err)
		}
	})
	port := busy.Addr().(*net.TCPAddr).Port
	s, err := postgres.Start(t.Context(), dir, postgres.Options{Port: port})
	if err == nil {
		_ = s.Stop()
	}
	if err == nil || !strings.Contains(err.Error(), "Address already in use") {
		t.Errorf("a busy port gave %v", err)
	}
}

func TestDatabaseIsLikeSupabase(t *testing.T) {
	t.Parallel()
	ref, url := postgrestest.Project(t)
	conn := dial(t, url.Reveal())
	if got := one[string](t, conn, "select current_user"); got != "postgres" {
		t.Errorf("the owner's current user is %q, Supabase's is postgres", got)
	}
	for _, relation := range []string{"auth.users", "storage.buckets", "storage.objects"} {
		one[int](t, conn, "select count(*) from "+relation)
	}
	for role, bypass := range map[string]bool{"anon": false, "authenticated": false, "service_role": true} {
		if got := one[bool](t, conn, "select rolbypassrls from pg_roles where rolname = $1", role); got != bypass {
			t.Errorf("role %s bypasses row-level security: %v, want %v", role, got, bypass)
		}
	}
	if one[bool](t, conn, "select rolsuper from pg_roles where rolname = current_user") {
		t.Error("the owner is a superuser")
	}

	// New tables are open to the API's roles until the migration closes them, as on Supabase.
	exec(t, conn, "create table t (id uuid primary key references auth.users on delete cascade)")
	if !one[bool](t, conn, "select has_table_privilege('anon', 't', 'insert')") {
		t.Error("anon lacks Supabase's default rights on new tables in public")
	}
	const id = "6b0d4a3e-5a0f-4f43-9d5a-3f1b0a5c7e11"
	server := postgrestest.Server(t)
	for range 2 {
		if err := server.AddUser(t.Context(), ref, id, "Ada@Example.com"); err != nil {
			t.Fatal(err)
		}
	}
	if err := server.AddUser(t.Context(), ref, "6b0d4a3e-5a0f-4f43-9d5a-3f1b0a5c7e12", "ada@example.com"); err == nil {
		t.Error("two users got one address")
	} else if strings.Contains(err.Error(), "example") {
		t.Errorf("error repeats data: %v", err)
	}
	if users, known, err := server.Users(t.Context(), ref); err != nil || !known || len(users) != 1 || users[id] != "ada@example.com" {
		t.Errorf("users: %v, %v, %v", users, known, err)
	}
	exec(t, conn, "insert into t values ($1)", id)
	exec(t, conn, "delete from auth.users where id = $1", id)
	if n := one[int](t, conn, "select count(*) from t"); n != 0 {
		t.Errorf("%d rows outlived their user", n)
	}
}

func TestClaims(t *testing.T) {
	t.Parallel()
	_, url := postgrestest.Project(t)
	conn := dial(t, url.Reveal())
	const id = "6b0d4a3e-5a0f-4f43-9d5a-3f1b0a5c7e11"
	for _, c := range []struct{ name, setting, value, uid, role string }{
		{name: "none"},
		{name: "emptied by an earlier transaction", setting: "request.jwt.claims"},
		{name: "claims", setting: "request.jwt.claims", value: `{"sub":"` + id + `","role":"authenticated"}`, uid: id, role: "authenticated"},
		{name: "anonymous", setting: "request.jwt.claims", value: `{"role":"anon"}`, role: "anon"},
		{name: "one claim each", setting: "request.jwt.claim.sub", value: id, uid: id},
	} {
		t.Run(c.name, func(t *testing.T) {
			tx, err := conn.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = tx.Rollback(context.Background()) }()
			if c.setting != "" {
				if _, err := tx.Exec(t.Context(), "select set_config($1, $2, true)", c.setting, c.value); err != nil {
					t.Fatal(err)
				}
			}
			var uid, role, sub string
			err = tx.QueryRow(t.Context(), `select coalesce(auth.uid()::text, ''), coalesce(auth.role(), ''),
				coalesce(auth.jwt() ->> 'sub', '')`).Scan(&uid, &role, &sub)
			if err != nil {
				t.Fatal(err)
			}
			if uid != c.uid || role != c.role {
				t.Errorf("uid %q, role %q; want %q, %q", uid, role, c.uid, c.role)
			}
			if c.setting == "request.jwt.claims" && sub != c.uid {
				t.Errorf("jwt sub %q, want %q", sub, c.uid)
			}
		})
	}
}

func TestLoginsAreIsolated(t *testing.T) {
	t.Parallel()
	first, _ := postgrestest.Project(t)
	second, url := postgrestest.Project(t)
	dial(t, url.Reveal())
	server := postgrestest.Server(t)
	for _, database := range []string{first, "postgres", "template1", "project_template"} {
		other := strings.Replace(url.Reveal(), "/"+second+"?", "/"+database+"?", 1)
		conn, err := pgx.Connect(t.Context(), other)
		if err == nil {
			_ = conn.Close(t.Context())
			t.Errorf("the login of %s reached database %s", second, database)
			continue
		}
		if got := state(err); got != "42501" && got != "55000" {
			t.Errorf("database %s: SQLSTATE %q: %v", database, got, err)
		}
	}
	if _, err := pgx.Connect(t.Context(), postgrestest.WithPassword(t, server.URL(second), "wrong").Reveal()); state(err) != "28P01" {
		t.Errorf("a wrong password gave %v", err)
	}
	if err := server.SetPassword(t.Context(), second, "new"); err != nil {
		t.Fatal(err)
	}
	dial(t, postgrestest.WithPassword(t, server.URL(second), "new").Reveal())
	if _, err := pgx.Connect(t.Context(), url.Reveal()); state(err) != "28P01" {
		t.Errorf("the old password gave %v", err)
	}
}

func TestCreateAndDropConverge(t *testing.T) {
	t.Parallel()
	server := postgrestest.Server(t)
	ref := postgrestest.Reference()
	for _, password := range []string{"one", "two"} {
		if err := server.Create(t.Context(), ref, password); err != nil {
			t.Fatal(err)
		}
	}
	conn := dial(t, postgrestest.WithPassword(t, server.URL(ref), "two").Reveal())
	for range 2 {
		if err := server.Drop(t.Context(), ref); err != nil {
			t.Fatal(err)
		}
	}
	if conn.Ping(t.Context()) == nil {
		t.Error("a connection outlived its database")
	}
	if _, err := server.Connect(t.Context(), ref); state(errors.Unwrap(err)) != "3D000" {
		t.Errorf("a dropped database gave %v", err)
	}
	for _, bad := range []string{"", "postgres", "abc", strings.Repeat("A", 20), strings.Repeat("a", 21), `a"; drop database x; --`} {
		if server.Create(t.Context(), bad, "x") == nil || server.Drop(t.Context(), bad) == nil {
			t.Errorf("reference %q was accepted", bad)
		}
	}
}

func BenchmarkCreate(b *testing.B) {
	server := postgrestest.Server(b)
	for b.Loop() {
		ref := postgrestest.Reference()
		if err := server.Create(b.Context(), ref, "secret"); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := server.Drop(b.Context(), ref); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
