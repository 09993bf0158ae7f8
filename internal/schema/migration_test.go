package schema

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

func TestFilesAreSound(t *testing.T) {
	all, err := parse(files)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != len(All()) {
		t.Errorf("%d migrations in files, All has %d", len(all), len(All()))
	}
	for i, m := range all {
		if len(m.Version) != 4 {
			t.Errorf("%s: versions have four digits", m.Version)
		}
		if i > 0 && all[i-1].Version >= m.Version {
			t.Errorf("%s comes after %s", m.Version, all[i-1].Version)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"none", nil, "no migrations"},
		{"bad name", map[string]string{"0001-x.sql": ""}, "not named"},
		{"same version twice", map[string]string{"0001_a.sql": "", "0001_b.sql": ""}, "comes after"},
		{"different length", map[string]string{"0001_a.sql": "", "002_b.sql": ""}, "different length"},
		{"commit", map[string]string{"0001_a.sql": "select 1; -- why\n/* ; */ Commit;"}, "statement 2: controls transactions"},
		{"start transaction", map[string]string{"0001_a.sql": "start  transaction"}, "statement 1: controls transactions"},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := fstest.MapFS{}
			for name, sql := range c.files {
				folder["migrations/"+name] = &fstest.MapFile{Data: []byte(sql)}
			}
			_, err := parse(folder)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// TestOwnCodes: what the database refuses under a code of its own is provoked by a test and explained in the README.
func TestOwnCodes(t *testing.T) {
	read := func(pattern string) string {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(paths), err)
		}
		var all strings.Builder
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(text)
		}
		return all.String()
	}
	tests, readme := read("*_test.go"), read("../../README.md")
	codes := regexp.MustCompile(`errcode = '(GF[0-9]{3})'`).FindAllStringSubmatch(read("migrations/*.sql"), -1)
	if len(codes) < 10 {
		t.Fatalf("only %d codes", len(codes))
	}
	for _, code := range codes {
		if !strings.Contains(tests, `"`+code[1]+`"`) || !strings.Contains(readme, "`"+code[1]+"`") {
			t.Errorf("%s is not tested, or not in the README", code[1])
		}
	}
}
