package arch

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// generated is what the generator writes, by path: run once, from this tree's catalog.
var generated = sync.OnceValues(func() (map[string][]byte, error) {
	folder, err := os.MkdirTemp("", "generated")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }() // left-overs in the temporary folder harm nobody
	run := exec.Command("go", "run", "./internal/catalog/generate", folder)
	run.Dir = thisTree
	if output, err := run.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("the generator failed: %w: %s", err, output)
	}
	files := map[string][]byte{}
	err = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files[slashed(folder, path)], err = os.ReadFile(path)
		return err
	})
	return files, err
})

// checkGenerated wants the generated files to be what "go generate ./internal/catalog" writes.
func checkGenerated(root string) (broken []string) {
	files, err := generated()
	if err != nil {
		return []string{err.Error()}
	}
	if len(files) < 2 {
		return []string{"the generator wrote nothing"}
	}
	for path, want := range files {
		have, err := os.ReadFile(filepath.Join(root, path))
		if err != nil || !bytes.Equal(have, want) {
			broken = append(broken, path+" is not what go generate ./internal/catalog writes")
		}
	}
	return broken
}
