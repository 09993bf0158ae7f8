package export

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/project-gimbal/fleet/internal/export"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store"
)

// Seal writes the manifest, which vouches for all files, and notes its checksum on the export. A replay writes the same one.
func Seal(Deps) step.Func {
	return writing("seal", func(ctx context.Context, w *work) error {
		if w.export.Manifest != "" {
			return nil
		}
		m, err := w.manifest(ctx)
		if err != nil {
			return err
		}
		sealed, err := export.Seal(ctx, w.files, m)
		if err != nil {
			return err
		}
		return w.change(ctx, func(tx *store.Tx, e *fleet.Export) error {
			if e.Status == fleet.ExportSealed && e.Manifest == sealed.SHA256 {
				return nil // the answer to this very write was lost
			}
			if e.Status != fleet.ExportMaking {
				return fault.New(fault.Conflict, "the export is %s", e.Status)
			}
			e.Status, e.Manifest, e.Consistency = fleet.ExportSealed, sealed.SHA256, string(m.Consistency)
			e.Files, e.Bytes, e.Rows, e.LeftOut = len(m.Files)+1, sealed.Bytes, 0, len(m.LeftOut)
			e.Lost = lost(m.LeftOut)
			for _, f := range m.Files {
				if e.Bytes += f.Bytes; f.Table != "" {
					e.Rows += f.Rows
				}
			}
			tx.Audit(w.Audited("export.sealed", e.ID, e.Manifest))
			return nil
		})
	})
}

// mostLost is how much of what is lost is told one by one.
const mostLost = 5

// lost tells what of the customer's is left out: media by its bucket, since names of files may be about people.
func lost(all []export.LeftOut) (told []string) {
	for _, l := range all {
		if !l.Lost() {
			continue
		}
		what := l.What
		if media, is := strings.CutPrefix(what, "media "); is {
			bucket, _, _ := strings.Cut(media, "/")
			what = "media of bucket " + bucket
		}
		if !slices.Contains(told, what) {
			told = append(told, what)
		}
	}
	if n := len(told) - mostLost; n > 0 {
		told = append(told[:mostLost], fmt.Sprintf("and %d more", n))
	}
	return told
}

// manifest is that of what the steps before wrote, all of it.
func (w *work) manifest(ctx context.Context) (export.Manifest, error) {
	var tables dumped
	var archive archived
	var setup export.File
	for name, into := range map[string]any{"database": &tables, "media": &archive, "configuration": &setup} {
		notes := *w.files
		notes.notes = strings.TrimSuffix(notes.notes, "seal") + name
		if err := notes.recall(ctx, into); err != nil {
			return export.Manifest{}, err
		}
	}
	if !tables.Checkpoint.Done || archive.Done == nil || setup.Name == "" {
		return export.Manifest{}, fault.New(fault.Conflict, "the export's files are not all written")
	}
	m := tables.Checkpoint.Manifest(w.Instance.ID)
	m.Files = append(m.Files, *archive.Done, setup)
	m.LeftOut = append(m.LeftOut, archive.LeftOut...)
	return m, nil
}
