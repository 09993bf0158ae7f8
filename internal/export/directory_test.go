package export_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/project-gimbal/fleet/internal/export"
	"github.com/project-gimbal/fleet/internal/fault"
)

func TestDirectory(t *testing.T) {
	root := t.TempDir()
	d := export.Directory(root)
	const name = "csv/public.a.csv"
	upload, err := d.Begin(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	part := func(n int, offset int64, body string) {
		t.Helper()
		if err := d.Write(t.Context(), export.Part{File: name, Upload: upload, Number: n, Offset: offset, Body: []byte(body)}); err != nil {
			t.Fatal(err)
		}
	}
	part(1, 0, "first")
	part(2, 5, "a longer second that is written again")
	part(2, 5, "second")
	if _, err := d.Open(t.Context(), name); !os.IsNotExist(err) {
		t.Errorf("a file that isn't complete opens: %v", err)
	}
	for range 2 { // a repeat finds it done
		if err := d.Complete(t.Context(), name, upload, 2, 11); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Complete(t.Context(), name, upload, 2, 12); err == nil {
		t.Error("another size is taken for complete")
	}
	r, err := d.Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if closed := r.Close(); err != nil || closed != nil || string(text) != "firstsecond" {
		t.Errorf("%q, %v, %v", text, err, closed)
	}
	if left, err := filepath.Glob(filepath.Join(root, "csv", "*.partial")); err != nil || left != nil {
		t.Errorf("left: %v, %v", left, err)
	}
	entry, err := os.Stat(filepath.Join(root, "csv", "public.a.csv"))
	if err != nil || entry.Mode().Perm() != 0o600 {
		t.Errorf("others may read it: %v, %v", entry.Mode(), err)
	}
}

func TestDirectoryKeepsWithin(t *testing.T) {
	d := export.Directory(t.TempDir())
	for _, name := range []string{"../a", "/a", "a/../../b", "", ".", "a//b"} {
		if _, err := d.Begin(t.Context(), name); name != "." && !fault.Is(err, fault.Rejected) {
			t.Errorf("%q: %v", name, err)
		}
		if _, err := d.Open(t.Context(), name); name != "." && !fault.Is(err, fault.Rejected) {
			t.Errorf("%q: %v", name, err)
		}
	}
}
