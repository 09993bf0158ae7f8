package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/project-gimbal/fleet/events"
	"github.com/project-gimbal/fleet/internal/sim/postgres"
)

// TestExportToAFolder: an instance of a running system is exported into a folder, from a real PostgreSQL, and nothing else gets there.
func TestExportToAFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	t.Cleanup(func() {
		if err := postgres.Remove(filepath.Join(dir, "postgres")); err != nil {
			t.Error(err)
		}
	})
	out := filepath.Join(t.TempDir(), "export")
	upAndDown(t, dir, func(c client, said *notifying) {
		body, err := events.Signup()
		if err != nil {
			t.Fatal(err)
		}
		p, err := c.signup(t.Context(), "msg_1", body)
		if err == nil {
			_, err = c.approve(t.Context(), p.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
		written(t, said, "-provision-1 has ended")
		code, told, complaint := typed("export", "acme-dental", "-o", out, "-data", dir)
		if code != exitDone || !strings.Contains(told, `consistent as "snapshot"`) {
			t.Errorf("ended with %d: %s%s", code, told, complaint)
		}
		if code, _, complaint := typed("export", "acme-dental", "-o", out, "-data", dir); code != exitFailed || !strings.Contains(complaint, "not empty") {
			t.Errorf("over an export: %d, %s", code, complaint)
		}
		if code, _, complaint := typed("export", "nobody", "-o", out+"2", "-data", dir); code != exitFailed || !strings.Contains(complaint, `no instance "nobody"`) {
			t.Errorf("of none: %d, %s", code, complaint)
		}
	})
	for _, name := range []string{"database.sql", "csv/public.instance_config.csv", "media.tar", "configuration.json", "manifest.json"} {
		if info, err := os.Stat(filepath.Join(out, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if code, _, complaint := typed("export", "acme-dental", "-o", out+"3", "-data", dir); code != exitFailed || !strings.Contains(complaint, "nothing serves") {
		t.Errorf("while nothing serves: %d, %s", code, complaint)
	}
}

func TestExportsUsage(t *testing.T) {
	for line, want := range map[string]string{"export": "name an instance", "export x": "-o", "export x -o d y": "no flag"} {
		if code, _, complaint := typed(strings.Fields(line)...); code != exitUsage || !strings.Contains(complaint, want) {
			t.Errorf("%s: %d, %s", line, code, complaint)
		}
	}
}
