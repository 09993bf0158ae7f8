package main

import (
	"errors"
	"os"
	"path/filepath"
	"time"
)

// changed is when a file was last written.
func changed(path string) (time.Time, error) {
	file, err := os.Stat(path)
	if err != nil {
		return time.Time{}, err
	}
	return file.ModTime().UTC(), nil
}

// unfinished begins the names of files that are being written.
const unfinished = ".new-"

// writeFile replaces a file that only its owner can read, whole or not at all.
func writeFile(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), unfinished) // made 0600
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
