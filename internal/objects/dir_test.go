package objects_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/objects"
	"github.com/project-gimbal/fleet/internal/objects/objectstest"
)

func TestDir(t *testing.T) {
	objectstest.Suite(t, objects.Dir{Root: filepath.Join(t.TempDir(), "made by the first write")})
}

// TestDirIsPrivate: exports are customers' data.
func TestDirIsPrivate(t *testing.T) {
	d := objects.Dir{Root: filepath.Join(t.TempDir(), "objects")}
	if err := d.Put(t.Context(), "a/b", []byte("x")); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(d.Root, func(name string, _ fs.DirEntry, err error) error {
		info, stat := os.Stat(name)
		if stat == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is %v", name, info.Mode())
		}
		return errors.Join(err, stat)
	})
	if err != nil {
		t.Error(err)
	}
}

func TestDirsLinks(t *testing.T) {
	d := objects.Dir{Root: t.TempDir()}
	if _, err := d.Link(t.Context(), "none", "x", time.Minute); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of nothing: %v", err)
	}
	if err := d.Put(t.Context(), "a", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Link(t.Context(), "a", "x", time.Minute); !fault.Is(err, fault.Internal) {
		t.Errorf("where nobody serves: %v", err)
	}
	d.Links = func(key, name string, valid time.Duration) (string, error) {
		return key + "?" + name + "&" + valid.String(), nil
	}
	if link, err := d.Link(t.Context(), "a", "x", time.Minute); err != nil || link != "a?x&1m0s" {
		t.Errorf("%q, %v", link, err)
	}
}
