package postgres

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// linksFile lists, in the npm package, the symbolic links that npm can't carry and that the package's install script
// makes. With `npm ci --ignore-scripts` they are missing and no program starts ("libicuuc.so.60: cannot open").
const linksFile = "pg-symlinks.json"

// isPackaged reports whether bin belongs to the npm package.
func isPackaged(bin string) bool { return isFile(filepath.Join(filepath.Dir(bin), linksFile)) }

// unpack makes the npm package's binaries runnable by the account and gives their folder: where they are, if the account
// can get there and the links can be made, else in a copy. The package's folder is never otherwise changed.
func unpack(bin, spare string, as *syscall.Credential) (string, error) {
	native := filepath.Dir(bin)
	if reachable(bin, as) && makeLinks(native) == nil {
		return bin, nil
	}
	if err := copyTree(native, spare); err != nil {
		return "", fmt.Errorf("copy the npm package's binaries: %w", err)
	}
	if err := makeLinks(spare); err != nil {
		return "", fmt.Errorf("links of the npm package's binaries: %w", err)
	}
	return filepath.Join(spare, filepath.Base(bin)), nil
}

// makeLinks makes the links that the package lists and that are missing.
func makeLinks(native string) error {
	text, err := os.ReadFile(filepath.Join(native, linksFile))
	if err != nil {
		return err
	}
	links, err := parseLinks(text)
	if err != nil {
		return err
	}
	for _, l := range links {
		path := filepath.Join(native, l.path)
		if _, err := os.Lstat(path); err == nil {
			continue
		}
		// Another process may be doing the same.
		if err := os.Symlink(l.to, path); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// link is a symbolic link: its path within the package's native folder, and what it points to, relative to its folder.
type link struct{ path, to string }

// parseLinks reads the package's list. In it, "source" is the file that is there and "target" the link to make, both
// as "native/…". A path that leads out of the folder is refused.
func parseLinks(text []byte) ([]link, error) {
	var listed []struct{ Source, Target string }
	if err := json.Unmarshal(text, &listed); err != nil {
		return nil, fmt.Errorf("%s: %w", linksFile, err)
	}
	links := make([]link, 0, len(listed))
	for _, l := range listed {
		source, inside := strings.CutPrefix(l.Source, "native/")
		target, alsoInside := strings.CutPrefix(l.Target, "native/")
		if !inside || !alsoInside || !filepath.IsLocal(source) || !filepath.IsLocal(target) {
			return nil, fmt.Errorf("%s: a link leads out of the package", linksFile)
		}
		to, err := filepath.Rel(filepath.Dir(target), source)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", linksFile, err)
		}
		links = append(links, link{path: filepath.Clean(target), to: to})
	}
	return links, nil
}

// copyTree brings a folder's files to another place, by hard link where the file system allows. What is there already,
// from an earlier run, stays.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, relative)
		switch {
		case entry.IsDir():
			return errors.Join(os.MkdirAll(target, 0o755), os.Chmod(target, 0o755)) // whatever the umask
		case !entry.Type().IsRegular():
			return nil // links are made from the package's list
		}
		if _, err := os.Lstat(target); err == nil {
			return nil
		}
		found, err := entry.Info()
		if err != nil {
			return err
		}
		perm := forEveryone(found.Mode().Perm())
		if perm == found.Mode().Perm() && os.Link(path, target) == nil {
			return nil
		}
		return copyFile(path, target, perm)
	})
}

// forEveryone gives everybody the owner's rights to read and to run.
func forEveryone(perm fs.FileMode) fs.FileMode {
	return perm | perm&0o500>>3 | perm&0o500>>6
}

// copyFile copies a file and shows it only when it is whole.
func copyFile(from, to string, perm fs.FileMode) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	out, err := os.CreateTemp(filepath.Dir(to), ".copy-")
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Chmod(perm), out.Close()); err != nil {
		return errors.Join(err, os.Remove(out.Name()))
	}
	return os.Rename(out.Name(), to)
}
