package export

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/project-gimbal/fleet/internal/export"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/objects"
)

// sheet is how many tags are kept together once there are more: with all of them, the note of a large file would be too large to be
// written behind each part.
const sheet = 250

// tags are what the store knows the parts of the open upload by: those of the last sheet, which is not full.
type tags struct {
	Full int            `json:"full"` // sheets, each an object of its own
	Last []objects.Part `json:"last,omitempty"`
}

// files are an export's, and the notes of the step that writes them, in a store of objects. It is the sink and the source of package
// export.
type files struct {
	store  objects.Store
	folder string
	notes  string // what the keys of the step's notes begin with
	tags   tags
}

var (
	_ export.Sink   = (*files)(nil)
	_ export.Source = (*files)(nil)
)

// Begin is export.Sink's.
func (f *files) Begin(ctx context.Context, file string) (string, error) {
	f.tags = tags{}
	return f.store.Begin(ctx, fleet.ExportKey(f.folder, file))
}

// Write is export.Sink's. The parts of an upload come in the order of their numbers, or from the first one again.
func (f *files) Write(ctx context.Context, p export.Part) error {
	if p.Number == 1 {
		f.tags = tags{}
	}
	if next := f.tags.Full*sheet + len(f.tags.Last) + 1; p.Number != next {
		return fault.New(fault.Internal, "part %d of an export's file comes in the place of part %d", p.Number, next)
	}
	part, err := f.store.Part(ctx, fleet.ExportKey(f.folder, p.File), p.Upload, p.Number, p.Body)
	if err != nil {
		return err
	}
	if f.tags.Last = append(f.tags.Last, part); len(f.tags.Last) < sheet {
		return nil
	}
	if err := put(ctx, f.store, f.sheet(f.tags.Full), f.tags.Last); err != nil {
		return err
	}
	f.tags = tags{Full: f.tags.Full + 1}
	return nil
}

func (f *files) sheet(n int) string { return fmt.Sprintf("%s-tags-%03d.json", f.notes, n) }

// Complete is export.Sink's. A file without parts is an empty one.
func (f *files) Complete(ctx context.Context, file, upload string, parts int, size int64) error {
	key := fleet.ExportKey(f.folder, file)
	if parts == 0 {
		return errors.Join(f.store.Put(ctx, key, nil), f.store.Abort(ctx, key, upload))
	}
	var all []objects.Part
	for n := range f.tags.Full {
		var some []objects.Part
		if err := get(ctx, f.store, f.sheet(n), &some); err != nil {
			return err
		}
		all = append(all, some...)
	}
	if all = append(all, f.tags.Last...); len(all) != parts {
		return fault.New(fault.Internal, "%d parts of an export's file are known, not %d", len(all), parts)
	}
	if err := f.store.Complete(ctx, key, upload, all); err != nil {
		return err
	}
	there, err := f.store.Head(ctx, key)
	if err == nil && there.Size != size {
		err = fault.New(fault.Internal, "a file of the export has %d bytes in place of %d", there.Size, size)
	}
	return err
}

// Open is export.Source's.
func (f *files) Open(ctx context.Context, file string) (io.ReadCloser, error) {
	return f.read(ctx, file, 0)
}

func (f *files) read(ctx context.Context, file string, offset int64) (io.ReadCloser, error) {
	r, err := f.store.Read(ctx, fleet.ExportKey(f.folder, file), offset)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.Rejected, "the export's file %s is not there", file)
	}
	return r, err
}

// note keeps how far a step is, over what was noted before.
func (f *files) note(ctx context.Context, state any) error {
	return put(ctx, f.store, f.notes+".json", state)
}

// recall reads how far a step is; what was never noted leaves state alone.
func (f *files) recall(ctx context.Context, state any) error {
	err := get(ctx, f.store, f.notes+".json", state)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func put(ctx context.Context, s objects.Store, key string, document any) error {
	text, err := json.Marshal(document)
	if err != nil {
		return &fault.Error{Code: fault.Internal, Text: "a note of the export does not encode", Err: err}
	}
	return s.Put(ctx, key, text)
}

func get(ctx context.Context, s objects.Store, key string, into any) (err error) {
	text, err := whole(ctx, s, key)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return &fault.Error{Code: fault.Internal, Text: "a note of the export does not decode", Err: err}
	}
	return nil
}

// whole reads an object that is small.
func whole(ctx context.Context, s objects.Store, key string) (text []byte, err error) {
	r, err := s.Read(ctx, key, 0)
	if err != nil {
		return nil, err
	}
	text, err = io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		return nil, &fault.Error{Code: fault.Unavailable, Text: "an object's content broke off", Err: err}
	}
	return text, nil
}
