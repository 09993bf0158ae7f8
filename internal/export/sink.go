package export

import (
	"context"
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
