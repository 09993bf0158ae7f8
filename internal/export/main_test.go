package export_test

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/export"
	"github.com/project-gimbal/fleet/internal/schema"
	"github.com/project-gimbal/fleet/internal/sim/postgres"
	"github.com/project-gimbal/fleet/internal/sim/postgres/postgrestest"
)

//go:embed testdata/hurtful.sql
var hurtful string

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

// later is a time that no run reaches.
var later = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

// project is a new database, a connection of its owner, and one of the superuser.
func project(t *testing.T) (owner, super *pgx.Conn) {
	t.Helper()
	ref, url := postgrestest.Project(t)
	config, err := pgx.ParseConfig(url.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeExec // as package schema connects
	if owner, err = pgx.ConnectConfig(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = owner.Close(context.Background()) })
	super, err = postgrestest.Server(t).Connect(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = super.Close(context.Background()) })
	return owner, super
}

// migrated is a project with this build's schema.
func migrated(t *testing.T) (owner, super *pgx.Conn) {
	t.Helper()
	owner, super = project(t)
	if _, err := schema.Apply(t.Context(), owner, schema.All()); err != nil {
		t.Fatal(err)
	}
	return owner, super
}

// hurting is a project with the schema, and all that hurts. Its extra role is the cluster's, and goes with the test.
func hurting(t *testing.T) (owner, super *pgx.Conn) {
	t.Helper()
	owner, super = migrated(t)
	t.Cleanup(func() { // before the database goes
		_, err := super.Exec(context.Background(), `reset role; drop owned by "Reader's" cascade; drop role "Reader's"`)
		if err != nil {
			t.Error(err)
		}
	})
	run(t, super, `set search_path = public, extensions;`+hurtful)
	if err := schema.Seed(t.Context(), owner, schema.Starter{Company: "Ada & Söhne", Vertical: "general", Locale: "de-DE"}); err != nil {
		t.Fatal(err)
	}
	return owner, super
}

// run runs SQL, all of it at once.
func run(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	_, err := conn.PgConn().Exec(t.Context(), sql).ReadAll()
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Position > 0 {
		sql = string([]rune(sql)[pg.Position-1:])
	}
	if err != nil {
		t.Fatalf("%.200s: %v", sql, err)
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

// whole exports a database in one run, to a folder.
func whole(t *testing.T, conn *pgx.Conn) (dir string, m export.Manifest) {
	t.Helper()
	dir = t.TempDir()
	e := export.Export{Conn: conn, Sink: export.Directory(dir), Clock: clock.System()}
	c, err := e.Run(t.Context(), export.Checkpoint{}, later)
	if err != nil || !c.Done {
		t.Fatalf("done: %v, %v", c.Done, why(err))
	}
	return dir, c.Manifest("inst-1")
}

// elsewhere is a cluster that has never seen a project: without the roles of one. It gives the connection string's parts to new databases.
func elsewhere(t *testing.T) *pgx.Conn {
	t.Helper()
	dir, remove, err := postgres.Scratch()
	if err != nil {
		t.Fatal(err)
	}
	s, err := postgres.Start(t.Context(), dir, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
		if err := remove(); err != nil {
			t.Error(err)
		}
	})
	ref := postgrestest.Reference()
	if err := s.Create(t.Context(), ref, "password"); err != nil {
		t.Fatal(err)
	}
	conn, err := s.Connect(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	for _, role := range []string{"anon", "authenticated", "service_role", "authenticator", "postgres"} {
		run(t, conn, "alter role "+role+" rename to was_"+role)
	}
	return conn
}

// client is stock psql. Without one the test is skipped, in CI it fails.
func client(t *testing.T) string {
	t.Helper()
	beside, _ := filepath.Glob("/usr/lib/postgresql/*/bin/psql") // only a bad pattern fails
	for _, name := range append([]string{"psql", filepath.Join(os.Getenv(postgres.BinariesVariable), "psql")}, beside...) {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const missing = "there is no psql here to restore the export (Debian: apt-get install postgresql-client)"
	if os.Getenv("CI") != "" {
		t.Fatal(missing)
	}
	t.Skip("SKIPPED: " + missing)
	return ""
}

// restore lets stock psql restore an export into a new database of a cluster, without a word.
func restore(t *testing.T, cluster *pgx.Conn, dir string) *pgx.Conn {
	t.Helper()
	conn, said := restoreAloud(t, cluster, dir)
	if said != "" {
		t.Errorf("psql: %s", said)
	}
	return conn
}

// restoreAloud gives what psql says as well.
func restoreAloud(t *testing.T, cluster *pgx.Conn, dir string) (conn *pgx.Conn, said string) {
	t.Helper()
	psql := client(t)
	name := postgrestest.Reference()
	run(t, cluster, "create database "+name+" template template0")
	config := cluster.Config().Copy()
	config.Database = name
	command := exec.CommandContext(t.Context(), psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", config.Host, "-p", strconv.Itoa(int(config.Port)), "-U", config.User, "-d", name,
		"-f", filepath.Join(dir, export.DatabaseName))
	command.Env = append(os.Environ(), "PGPASSWORD="+config.Password)
	var out bytes.Buffer
	command.Stdout, command.Stderr = nil, &out
	if err := command.Run(); err != nil {
		t.Fatalf("psql: %v\n%s", err, strings.TrimSpace(out.String()))
	}
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn, out.String()
}

// why is an error with all that PostgreSQL says of it, which a fault keeps to itself.
func why(err error) string {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return fmt.Sprintf("%v: %+v", err, *pg)
	}
	return fmt.Sprint(err)
}
