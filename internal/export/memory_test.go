package export_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/export"
)

// limit is what an export or an import may take in all, in bytes.
const limit = 64 << 20

// longest is a text whose row is just short enough.
const longest = export.MaxRow - 100

// TestMemory runs an export and an import of many rows, and of rows as long as may be, each in a process of its own, whose
// resident memory the kernel watches. With FLEET_TEST_ALL it is a million rows.
func TestMemory(t *testing.T) {
	if raced {
		t.Skip("SKIPPED: the race detector takes memory of its own")
	}
	many := 100_000
	if os.Getenv("FLEET_TEST_ALL") != "" {
		many = 1_000_000
	}
	_, super := project(t)
	run(t, super, fmt.Sprintf(`create table million (id bigint primary key, txt text not null, at timestamptz default now());
		insert into million select i, 'row ' || md5(i::text) from generate_series(1, %d) i;
		create table long (id int primary key, blob text); alter table long alter column blob set storage external;
		insert into long select i, repeat('x', %d) from generate_series(1, 4) i`, many, longest))
	dir := t.TempDir()
	for _, role := range []string{"export", "import"} {
		if role == "import" {
			run(t, super, `truncate million, long`)
		}
		begun := time.Now()
		out := measured(t, role, super, dir)
		peak, rows := parsed(t, out)
		t.Logf("%s: %d rows, %d MB at most, %s", role, rows, peak>>20, time.Since(begun).Round(100*time.Millisecond))
		if rows != int64(many)+4 || peak > limit {
			t.Errorf("%s: %d rows, %d bytes of memory", role, rows, peak)
		}
	}
	if got := one[string](t, super, `select count(*) || ' ' || max(id) || ' ' || (select sum(length(blob)) from long) from million`); got != fmt.Sprint(many, " ", many, " ", 4*longest) {
		t.Errorf("imported: %s", got)
	}
}

// measured runs this test binary again, to export or import, and gives what it says.
func measured(t *testing.T, role string, conn *pgx.Conn, dir string) string {
	t.Helper()
	c := conn.Config()
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestMeasured$", "-test.v")
	command.Env = append(os.Environ(), "FLEET_EXPORT_MEMORY="+role, "FLEET_EXPORT_DIR="+dir, "PGPASSWORD="+c.Password,
		fmt.Sprintf("FLEET_EXPORT_DATABASE=postgres://%s@%s:%d/%s?sslmode=disable", c.User, c.Host, c.Port, c.Database))
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

func parsed(t *testing.T, out string) (peak, rows int64) {
	t.Helper()
	_, line, _ := strings.Cut(out, "MEASURED ")
	if _, err := fmt.Sscanf(line, "%d %d", &peak, &rows); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return peak, rows
}

// TestMeasured is the process that TestMemory measures.
func TestMeasured(t *testing.T) {
	role := os.Getenv("FLEET_EXPORT_MEMORY")
	if role == "" {
		t.Skip("run by TestMemory")
	}
	conn, err := pgx.Connect(t.Context(), os.Getenv("FLEET_EXPORT_DATABASE"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	dir := export.Directory(os.Getenv("FLEET_EXPORT_DIR"))
	var rows int64
	if role == "export" {
		e := export.Export{Conn: conn, Sink: dir, Clock: clock.System()}
		c, err := e.Run(t.Context(), export.Checkpoint{}, later)
		if err == nil {
			_, err = export.Seal(t.Context(), dir, c.Manifest("inst-1"))
		}
		if err != nil {
			t.Fatal(why(err))
		}
		rows = c.Files[0].Rows
	} else {
		m, err := export.ReadManifest(t.Context(), dir, "")
		if err != nil {
			t.Fatal(err)
		}
		in := export.Import{Conn: conn, Source: dir}
		done, err := in.Run(t.Context(), m)
		if err != nil {
			t.Fatal(why(err))
		}
		rows = done.Rows
	}
	fmt.Printf("MEASURED %d %d\n", resident(t), rows)
}

// resident is the most memory that this process ever had, in bytes.
func resident(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil { // not Linux: what Go took from the system
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.Sys)
	}
	_, line, _ := strings.Cut(string(text), "VmHWM:")
	kb, err := strconv.ParseInt(strings.Fields(line)[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kb << 10
}
