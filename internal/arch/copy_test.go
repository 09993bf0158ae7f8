package arch

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// copyOf copies parts of this tree, without tests, to a folder of the test's own.
func copyOf(t *testing.T, reads parts) string {
	t.Helper()
	root := t.TempDir()
	for _, part := range reads {
		err := filepath.WalkDir(filepath.Join(thisTree, part), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !copied(path) {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			put(t, filepath.Join(root, slashed(thisTree, path)), string(text))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// twin is another folder with the files of the copy: hard links, since writing the tree once for each breakage takes longer
// than all the rules.
func twin(t *testing.T, copied string) string {
	t.Helper()
	root := t.TempDir()
	err := filepath.WalkDir(copied, func(path string, entry fs.DirEntry, err error) error {
		to := filepath.Join(root, slashed(copied, path))
		if err != nil || path == copied {
			return err
		}
		if entry.IsDir() {
			return os.Mkdir(to, 0o755)
		}
		return os.Link(path, to)
	})
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func copied(path string) bool {
	switch filepath.Ext(path) {
	case ".go":
		return !strings.HasSuffix(path, "_test.go")
	case ".json", ".mod", ".md":
		return true
	}
	return false
}

// replace puts text in place of the first occurrence of old after mark.
func replace(file, mark, old, text string) func(*testing.T, string) {
	return func(t *testing.T, root string) {
		t.Helper()
		path := filepath.Join(root, file)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		before, after, ok := strings.Cut(string(whole), mark)
		if !ok || !strings.Contains(after, old) {
			t.Fatalf("%s has no %q after %q: the broken copy must be brought up to date", file, old, mark)
		}
		put(t, path, before+mark+strings.Replace(after, old, text, 1))
	}
}

// add writes a file that was not there.
func add(file, text string) func(*testing.T, string) {
	return func(t *testing.T, root string) {
		t.Helper()
		path := filepath.Join(root, file)
		if _, err := os.Stat(path); err == nil {
			t.Fatalf("%s is there already", file)
		}
		put(t, path, text)
	}
}

// remove deletes a file or folder.
func remove(path string) func(*testing.T, string) {
	return func(t *testing.T, root string) {
		t.Helper()
		if _, err := os.Stat(filepath.Join(root, path)); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(filepath.Join(root, path)); err != nil {
			t.Fatal(err)
		}
	}
}

// put writes a file anew: the old one may belong to other copies, too.
func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
