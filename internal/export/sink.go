package export

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Part is a piece of a file, as multipart uploads have them. Every part but a file's last has PartSize bytes at least.
type Part struct {
	File, Upload string
	Number       int   // from 1
	Offset       int64 // in the file
	Body         []byte
}

// Sink takes an export's files, each in parts. Everything may be repeated, by another process as well.
type Sink interface {
	// Begin makes ready for a file and gives what its parts go to. One that was begun before and not completed may be given up.
	Begin(ctx context.Context, file string) (upload string, err error)
	// Write stores a part, in place of what its number held before. Body is the caller's again afterwards.
	Write(ctx context.Context, p Part) error
	// Complete makes the parts of an upload up to the given number the file, of size bytes. One that is complete already stays so.
	Complete(ctx context.Context, file, upload string, parts int, size int64) error
}

// Source gives an export's files back.
type Source interface {
	Open(ctx context.Context, file string) (io.ReadCloser, error)
}

// storeError is a failure of a Sink or a Source. It is none of the database's, and says what file it is about.
type storeError struct {
	file string
	err  error
}

func (e *storeError) Error() string { return fmt.Sprintf("%s: %v", e.file, e.err) }
func (e *storeError) Unwrap() error { return e.err }

// stored makes err one of the store's, if it is any.
func stored(file string, err error) error {
	if err == nil {
		return nil
	}
	return &storeError{file, err}
}

// ofStore reports whether an error is the store's.
func ofStore(err error) bool {
	_, ok := errors.AsType[*storeError](err)
	return ok
}
