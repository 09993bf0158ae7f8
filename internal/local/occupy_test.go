package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOneProcessAtATime(t *testing.T) {
	f := folder(filepath.Join(t.TempDir(), "data"))
	release, err := f.occupy()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.occupy(); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("process %d serves from %s", os.Getpid(), f)) {
		t.Errorf("a second one gets %v", err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	if release, err = f.occupy(); err != nil {
		t.Fatalf("after the first has ended: %v", err)
	}
	if err := release(); err != nil {
		t.Error(err)
	}
}

func TestFolderOfAnotherFormat(t *testing.T) {
	for _, other := range []int{0, format + 1} {
		f := folder(t.TempDir())
		if err := f.write("format.json", keptFormat{other}); err != nil {
			t.Fatal(err)
		}
		if _, err := f.occupy(); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("has format %d", other)) || !strings.Contains(err.Error(), "-data") {
			t.Errorf("format %d: %v", other, err)
		}
		if err := f.write("format.json", keptFormat{format}); err != nil {
			t.Fatal(err)
		}
		release, err := f.occupy() // the refusal has not kept it locked
		if err != nil {
			t.Fatal(err)
		}
		if err := release(); err != nil {
			t.Error(err)
		}
	}
}

func TestLeftoversAreSwept(t *testing.T) {
	f := folder(t.TempDir())
	if err := f.make(); err != nil {
		t.Fatal(err)
	}
	leftovers := []string{unfinished + "1", filepath.Join("vendors", unfinished+"2"), "front.json"}
	for _, name := range append(leftovers, "clock.json") {
		if err := os.WriteFile(f.file(name), []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	release, err := f.occupy()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = release() }() // the test is over
	for _, name := range leftovers {
		if _, err := os.Stat(f.file(name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", name, err)
		}
	}
	if _, err := os.Stat(f.file("clock.json")); err != nil {
		t.Error(err)
	}
}

func TestFolderThatCannotBeMade(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := folder(filepath.Join(file, "data")).occupy(); err == nil || !strings.Contains(err.Error(), "-data") {
		t.Errorf("%v", err)
	}
}
